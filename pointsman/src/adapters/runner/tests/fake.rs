//! A function that is a task: scripts of tests stand for programs.

use crate::adapters::runner::{Exit, Output, Process, Spawner, Start};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What a function does from start to exit; the number is its exit status.
pub(super) type Script =
    Arc<dyn Fn(Fake) -> Pin<Box<dyn Future<Output = i32> + Send>> + Send + Sync>;

pub(super) fn script<F: Future<Output = i32> + Send + 'static>(
    run: impl Fn(Fake) -> F + Send + Sync + 'static,
) -> Script {
    Arc::new(move |fake| Box::pin(run(fake)))
}

/// Answers with what it is given.
pub(super) fn echoing() -> Script {
    script(|mut fake: Fake| async move {
        loop {
            let Ok(given) = fake.next().await else { return 0 };
            fake.respond(&given.request, &given.payload).await;
        }
    })
}

#[derive(Clone)]
pub(super) struct FakeSpawner {
    script: Script,
    pub(super) started: Arc<Mutex<Vec<Start>>>,
}

impl FakeSpawner {
    pub(super) fn new(script: Script) -> Self {
        FakeSpawner { script, started: Arc::default() }
    }

    pub(super) fn count(&self) -> usize {
        self.started.lock().unwrap().len()
    }
}

impl Spawner for FakeSpawner {
    fn spawn(&self, start: Start) -> io::Result<Box<dyn Process>> {
        let environment: BTreeMap<_, _> = start.environment.iter().cloned().collect();
        self.started.lock().unwrap().push(start);
        let (out, their_out) = tokio::io::duplex(64 * 1024);
        let (err, their_err) = tokio::io::duplex(64 * 1024);
        let fake = Fake { environment, out, err, connection: None };
        let (ended, exit) = watch::channel(None);
        let run = (self.script)(fake);
        let tell = ended.clone();
        let task = tokio::spawn(async move {
            let status = run.await;
            tell.send_if_modified(|exit| exit.replace(Exit::Status(status)).is_none());
        });
        let output = Some((Box::new(their_out) as Output, Box::new(their_err) as Output));
        Ok(Box::new(FakeProcess { task: task.abort_handle(), ended, exit, output }))
    }
}

struct FakeProcess {
    task: AbortHandle,
    ended: watch::Sender<Option<Exit>>,
    exit: watch::Receiver<Option<Exit>>,
    output: Option<(Output, Output)>,
}

impl FakeProcess {
    fn signal(&self, number: i32) {
        self.task.abort();
        self.ended.send_if_modified(|exit| {
            let is_new = exit.is_none();
            exit.get_or_insert(Exit::Signal(number));
            is_new
        });
    }
}

#[async_trait]
impl Process for FakeProcess {
    fn pid(&self) -> Option<u32> {
        None
    }

    fn output(&mut self) -> (Output, Output) {
        self.output.take().unwrap()
    }

    fn terminate(&mut self) {
        self.signal(15);
    }

    fn kill(&mut self) {
        self.signal(9);
    }

    async fn wait(&mut self) -> Exit {
        let exit = self.exit.wait_for(Option::is_some).await;
        exit.unwrap().unwrap()
    }
}

/// The inside of a function.
pub(super) struct Fake {
    pub(super) environment: BTreeMap<String, String>,
    pub(super) out: DuplexStream,
    pub(super) err: DuplexStream,
    connection: Option<BufReader<TcpStream>>,
}

pub(super) struct Given {
    pub(super) request: String,
    pub(super) payload: String,
    pub(super) headers: BTreeMap<String, String>,
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Fake {
    pub(super) async fn next(&mut self) -> Result<Given, Reply> {
        let reply = self.call("GET", "invocation/next", "", b"").await;
        if reply.status != 200 {
            return Err(reply);
        }
        let request = reply.headers["lambda-runtime-aws-request-id"].clone();
        Ok(Given { request, payload: reply.body, headers: reply.headers })
    }

    pub(super) async fn respond(&mut self, request: &str, body: &str) -> Reply {
        let path = format!("invocation/{request}/response");
        self.call("POST", &path, "", body.as_bytes()).await
    }

    pub(super) async fn fail(&mut self, request: &str, header: &str, body: &str) -> Reply {
        let path = format!("invocation/{request}/error");
        let header = format!("Lambda-Runtime-Function-Error-Type: {header}\r\n");
        self.call("POST", &path, &header, body.as_bytes()).await
    }

    pub(super) async fn init_error(&mut self, body: &str) -> Reply {
        self.call("POST", "init/error", "", body.as_bytes()).await
    }

    pub(super) async fn print(&mut self, line: &str) {
        self.out.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn call(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let api = self.environment["AWS_LAMBDA_RUNTIME_API"].clone();
        let reply = call(&mut self.connection, &api, method, path, headers, body).await;
        reply.expect("the Runtime API answers")
    }
}

/// One request to a Runtime API at `api`, over a connection that is kept.
pub(super) async fn call(
    kept: &mut Option<BufReader<TcpStream>>,
    api: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> io::Result<Reply> {
    let api = api.strip_prefix("http://").unwrap_or(api);
    let (address, prefix) = api.split_once('/').unwrap_or((api, ""));
    let connection = match kept {
        Some(connection) => connection,
        None => kept.insert(BufReader::new(TcpStream::connect(address).await?)),
    };
    let length = body.len();
    let head = format!(
        "{method} /{prefix}/2018-06-01/runtime/{path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body).await?;
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        connection.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok(Reply { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
