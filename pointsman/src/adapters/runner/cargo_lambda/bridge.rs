use super::super::failure;
use super::super::spawner::{Exit, Output, Process};
use super::http::call;
use super::seat::Seat;
use async_trait::async_trait;
use bytes::Bytes;
use hyper::{Method, StatusCode};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Stands for a function's process before the engine: asks for work, has it done by `cargo lambda watch`, answers.
pub(super) struct Bridge {
    seat: Arc<Seat>,
    carrying: JoinHandle<()>,
    ended: bool,
}

impl Bridge {
    /// Begins. A function that was never started is started by the first work for it; otherwise its process, which
    /// may just be built anew, comes first.
    pub(super) fn begin(
        seat: Arc<Seat>,
        is_first: bool,
        api: String,
        watch: SocketAddr,
        binary: String,
    ) -> Bridge {
        let waits = seat.clone();
        let carrying = tokio::spawn(async move {
            if is_first || waits.taken().await {
                // The engine's Runtime API has refused, or is gone: the environment is over.
                let _ = carry(&api, watch, &binary).await;
            }
        });
        Bridge { seat, carrying, ended: false }
    }

    fn end(&mut self) {
        self.ended = true;
        self.seat.end();
        self.carrying.abort();
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.end();
    }
}

#[async_trait]
impl Process for Bridge {
    fn pid(&self) -> Option<u32> {
        None
    }

    /// What the function writes is written by `cargo lambda watch`.
    fn output(&mut self) -> (Output, Output) {
        (Box::new(tokio::io::empty()), Box::new(tokio::io::empty()))
    }

    fn terminate(&mut self) {
        self.end();
    }

    fn kill(&mut self) {
        self.end();
    }

    async fn wait(&mut self) -> Exit {
        if !self.ended {
            tokio::select! {
                () = self.seat.over() => {}
                _ = &mut self.carrying => {}
            }
            self.end();
        }
        // How the process ended, `cargo lambda watch` has told already.
        Exit::Status(0)
    }
}

/// Does what a function's runtime does, until the engine's Runtime API has nothing more to say.
async fn carry(api: &str, watch: SocketAddr, binary: &str) -> io::Result<()> {
    let (authority, base) = split(api);
    let base = format!("{base}/2018-06-01/runtime/invocation");
    loop {
        let next = format!("{base}/next");
        let given = call(Method::GET, authority, &next, Bytes::new()).await?;
        let id = given.headers().get("lambda-runtime-aws-request-id");
        let Some(id) = id.and_then(|id| id.to_str().ok()).map(str::to_owned) else {
            return Err(io::Error::other(format!("{api} gives no work: {}", given.status())));
        };
        let (what, answer) = invoke(watch, binary, given.into_body()).await;
        call(Method::POST, authority, &format!("{base}/{id}/{what}"), answer).await?;
    }
}

/// Has it done; whether it is the answer or an error, and its text.
async fn invoke(watch: SocketAddr, binary: &str, event: Bytes) -> (&'static str, Bytes) {
    let path = format!("/2015-03-31/functions/{binary}/invocations");
    match call(Method::POST, &watch.to_string(), &path, event).await {
        Ok(answer) if answer.status() == StatusCode::OK => ("response", answer.into_body()),
        // The function's error, in its own words.
        Ok(answer) if is_error(answer.body()) => ("error", answer.into_body()),
        Ok(answer) => {
            let said = String::from_utf8_lossy(answer.body()).into_owned();
            let why = format!("cargo lambda watch: {}: {said}", answer.status());
            ("error", failure::body("Runtime.InvalidEntrypoint", &why))
        }
        Err(error) => {
            let why = format!("cargo lambda watch at {watch} does not answer: {error}");
            ("error", failure::body("Runtime.ExitError", &why))
        }
    }
}

/// Whether it is an error as a Lambda runtime reports it.
fn is_error(body: &Bytes) -> bool {
    let body: Result<serde_json::Value, _> = serde_json::from_slice(body);
    body.is_ok_and(|body| body.get("errorType").is_some() || body.get("errorMessage").is_some())
}

/// Authority and path of a URL.
fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}
