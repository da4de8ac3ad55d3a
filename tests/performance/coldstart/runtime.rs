//! A Lambda Runtime API for one environment, which it starts.

use crate::{clock, http, proc};
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long a function may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// A thread's CPU is known exactly once it sleeps: what has just sent its request soon does.
pub(super) const SETTLES: Duration = Duration::from_millis(3);

/// One environment. Dropped, its process is killed.
pub(super) struct Environment {
    child: Child,
    began: Instant,
    /// What the function did, as its requests tell.
    told: Receiver<(Told, Instant)>,
    /// What it is answered when it asks for work.
    work: Sender<String>,
}

enum Told {
    AsksForWork,
    Answered(String),
    Failed(String),
}

/// A process at one moment.
pub(super) struct Sample {
    /// From its start to its first request for work.
    pub(super) init_ms: f64,
    pub(super) cpu_ms: f64,
    pub(super) resident_mb: f64,
}

impl Environment {
    /// Starts a function, with these variables beside those that Lambda sets.
    pub(super) fn start(binary: &Path, more: &[(&str, String)]) -> Result<Environment, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let api = listener.local_addr().map_err(|error| error.to_string())?.to_string();
        let (tell, told) = channel();
        let (work, given) = channel();
        let given = Arc::new(Mutex::new(given));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (tell, given) = (tell.clone(), given.clone());
                // The function's end is the connection's.
                thread::spawn(move || drop(serve(connection, &tell, &given)));
            }
        });
        let mut command = Command::new(binary);
        command.env_clear().envs(VARIABLES.iter().copied()).env("AWS_LAMBDA_RUNTIME_API", api);
        command.envs(more.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = clock::now();
        let child = command.spawn().map_err(|error| format!("{}: {error}", binary.display()))?;
        Ok(Environment { child, began, told, work })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it asks for work.
    pub(super) fn ready(&self) -> Result<Sample, String> {
        match self.told.recv_timeout(PATIENCE) {
            Ok((Told::AsksForWork, at)) => Ok(self.sample(at)),
            Ok((Told::Failed(why) | Told::Answered(why), _)) => Err(why),
            Err(_) => Err("it never asked for work".to_owned()),
        }
    }

    /// Gives it an event and waits for its answer, which must have the status 200.
    pub(super) fn invoke(&self, event: &str) -> Result<Sample, String> {
        self.work.send(event.to_owned()).map_err(|_| "it ended")?;
        match self.told.recv_timeout(PATIENCE) {
            Ok((Told::Answered(answer), at)) if answer.contains("\"statusCode\":200") => {
                Ok(self.sample(at))
            }
            Ok((Told::Answered(why) | Told::Failed(why), _)) => Err(why),
            Ok((Told::AsksForWork, _)) => Err("it asked for work twice".to_owned()),
            Err(_) => Err("it never answered".to_owned()),
        }
    }

    fn sample(&self, at: Instant) -> Sample {
        thread::sleep(SETTLES);
        Sample {
            init_ms: (at - self.began).as_secs_f64() * 1e3,
            cpu_ms: proc::exact_cpu_ms(self.child.id()),
            resident_mb: proc::resident_alone(self.child.id()),
        }
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What Lambda sets, as far as functions read it, and the shop's tables.
const VARIABLES: &[(&str, &str)] = &[
    ("AWS_LAMBDA_FUNCTION_NAME", "f"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "s"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_SESSION_TOKEN", "test"),
    ("EVENT_STORE_TABLE", "EventStore"),
    ("READ_MODEL_TABLE", "ReadModel"),
];

fn serve(
    connection: TcpStream,
    tell: &Sender<(Told, Instant)>,
    given: &Mutex<Receiver<String>>,
) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut connection = BufReader::new(connection);
    loop {
        let request = http::read(&mut connection)?;
        let now = clock::now();
        let path = request.line.split(' ').nth(1).unwrap_or_default();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let answer = if path.ends_with("/invocation/next") {
            let gone = |_| std::io::Error::other("nobody listens");
            tell.send((Told::AsksForWork, now)).map_err(gone)?;
            let event = given.lock().map(|given| given.recv());
            let Ok(Ok(event)) = event else { return Ok(()) };
            let deadline = (clock::unix() + PATIENCE).as_millis();
            format!(
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {ID}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:f\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{event}",
                event.len()
            )
        } else {
            let told = match path.ends_with("/response") {
                true => Told::Answered(body),
                false => Told::Failed(format!("{path}: {body}")),
            };
            let _ = tell.send((told, now));
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned()
        };
        connection.get_mut().write_all(answer.as_bytes())?;
    }
}

/// The invocation's.
const ID: &str = "00000000-0000-4000-8000-000000000001";
