//! Functions that a test plays: the engine takes them for processes, and they speak the Lambda Runtime API with it.

use async_trait::async_trait;
use pointsman::adapters::runner::{Exit, Output, Process, Spawner, Start};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a function does with an event.
pub(super) enum Does {
    /// Answers with this text.
    Says(String),
    /// Reports an error.
    Fails,
    /// Is at work until [`Stage::release`], and answers `null`.
    Waits,
}

impl Does {
    pub(super) fn says(answer: &Value) -> Does {
        Does::Says(answer.to_string())
    }
}

/// What is played, and what the functions were given.
pub(super) struct Stage {
    parts: Mutex<HashMap<String, Arc<Part>>>,
    given: Mutex<Vec<(String, Value)>>,
    released: watch::Sender<bool>,
}

type Part = dyn Fn(&Value) -> Does + Send + Sync;

impl Stage {
    pub(super) fn new() -> Arc<Stage> {
        let (parts, given) = (Mutex::default(), Mutex::default());
        Arc::new(Stage { parts, given, released: watch::Sender::new(false) })
    }

    /// From now on the function does this; before, it answers `null`.
    pub(super) fn plays(&self, name: &str, part: impl Fn(&Value) -> Does + Send + Sync + 'static) {
        self.parts.lock().expect("no panic").insert(name.to_owned(), Arc::new(part));
    }

    /// The events that the function was given, oldest first.
    pub(super) fn given(&self, name: &str) -> Vec<Value> {
        let given = self.given.lock().expect("no panic");
        given.iter().filter(|(to, _)| to == name).map(|(_, event)| event.clone()).collect()
    }

    /// Lets all go on that wait, now and later.
    pub(super) fn release(&self) {
        self.released.send_replace(true);
    }

    async fn act(&self, name: &str, payload: &str) -> Result<String, String> {
        let event = serde_json::from_str(payload).unwrap_or_else(|_| json!(payload));
        let part = self.parts.lock().expect("no panic").get(name).cloned();
        let does = part.map_or(Does::Says("null".into()), |part| part(&event));
        self.given.lock().expect("no panic").push((name.to_owned(), event));
        match does {
            Does::Says(answer) => Ok(answer),
            Does::Fails => Err(json!({ "errorType": "Boom", "errorMessage": "no" }).to_string()),
            Does::Waits => {
                // The sender is in the stage.
                let _ = self.released.subscribe().wait_for(|released| *released).await;
                Ok("null".into())
            }
        }
    }
}

/// The processes of a [`Stage`].
pub(super) struct Actors(pub(super) Arc<Stage>);

impl Spawner for Actors {
    fn spawn(&self, start: Start) -> io::Result<Box<dyn Process>> {
        let variables: HashMap<String, String> = start.environment.into_iter().collect();
        let api = variables["AWS_LAMBDA_RUNTIME_API"].clone();
        let name = variables["AWS_LAMBDA_FUNCTION_NAME"].clone();
        let stage = self.0.clone();
        let task = tokio::spawn(async move {
            // An error is the engine's end, or that it has ended this process.
            let _ = perform(&stage, &name, &api).await;
        });
        Ok(Box::new(Actor(task)))
    }
}

struct Actor(JoinHandle<()>);

#[async_trait]
impl Process for Actor {
    fn pid(&self) -> Option<u32> {
        None
    }

    fn output(&mut self) -> (Output, Output) {
        (Box::new(tokio::io::empty()), Box::new(tokio::io::empty()))
    }

    fn terminate(&mut self) {
        self.0.abort();
    }

    fn kill(&mut self) {
        self.0.abort();
    }

    async fn wait(&mut self) -> Exit {
        match self.0.is_finished() {
            true => Exit::Status(0),
            false => (&mut self.0).await.map_or(Exit::Signal(9), |()| Exit::Status(0)),
        }
    }
}

async fn perform(stage: &Stage, name: &str, api: &str) -> io::Result<()> {
    let api = api.strip_prefix("http://").unwrap_or(api);
    let (address, prefix) = api.split_once('/').unwrap_or((api, ""));
    let mut connection = BufReader::new(TcpStream::connect(address).await?);
    let base = format!("/{prefix}/2018-06-01/runtime/invocation");
    loop {
        let (id, event) = ask(&mut connection, "GET", &format!("{base}/next"), "").await?;
        let (what, answer) = match stage.act(name, &event).await {
            Ok(answer) => ("response", answer),
            Err(error) => ("error", error),
        };
        ask(&mut connection, "POST", &format!("{base}/{id}/{what}"), &answer).await?;
    }
}

/// One request of a runtime; the answer's request id and its body.
async fn ask(
    connection: &mut BufReader<TcpStream>,
    method: &str,
    path: &str,
    body: &str,
) -> io::Result<(String, String)> {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: runtime\r\ncontent-length: {length}");
    connection.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await?;
    let (mut id, mut length, mut line) = (String::new(), 0, String::new());
    loop {
        line.clear();
        if connection.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            match line.trim_end().is_empty() {
                true => break,
                false => continue,
            }
        };
        match name.to_ascii_lowercase().as_str() {
            "lambda-runtime-aws-request-id" => id = value.to_owned(),
            "content-length" => length = value.parse().map_err(io::Error::other)?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok((id, String::from_utf8_lossy(&body).into_owned()))
}
