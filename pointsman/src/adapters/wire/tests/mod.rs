//! The wire against a real engine on a log in memory: raw requests in, raw answers out.

mod events;
mod faults;
mod lambda;
mod messages;
mod query;
mod queues;
mod scheduler;
mod server;

use super::*;
use crate::adapters::tables::{
    Answer as TableAnswer, Bounds, Call, Reconciled, StreamRecord, StreamSource, Swept,
};
use crate::clock::{ManualClock, Time};
use crate::engine::{
    Asked, Caller, Cause, Effect, Id, InvocationId, MemoryLog, SeededRandom, Setup, State, start,
};
use crate::faults::NoFaults;
use crate::services::stack::ApplyTemplate;
use crate::topology::{Place, Resource, Spec, TableSpec};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// A server on a free port.
struct World {
    engine: Engine,
    clock: Arc<ManualClock>,
    address: SocketAddr,
    effects: mpsc::UnboundedReceiver<Effect>,
    calls: Arc<Mutex<Vec<Call>>>,
    lost: Arc<Mutex<Vec<String>>>,
    killed: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

/// An answer.
#[derive(Debug)]
struct Answered {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl World {
    async fn new() -> World {
        World::with("us-east-1", Arc::new(NoFaults)).await
    }

    async fn on_region(region: &str) -> World {
        World::with(region, Arc::new(NoFaults)).await
    }

    async fn with(region: &str, faults: Arc<dyn Faults>) -> World {
        let killed = Arc::<Mutex<Vec<String>>>::default();
        let region = Region { name: region.into(), ..Region::default() };
        let clock = Arc::new(ManualClock::new(Time(1_700_000_000_000)));
        let (effects, inbox) = mpsc::unbounded_channel();
        let engine = start(Setup {
            state: State::default(),
            facts: 0,
            region: region.clone(),
            clock: clock.clone(),
            random: Box::new(SeededRandom::new(1)),
            log: Box::new(MemoryLog::default()),
            effects,
            fatal: Box::new(|error| panic!("{error}")),
            faults: Arc::new(NoFaults),
        })
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (calls, lost) = (Arc::default(), Arc::<Mutex<Vec<String>>>::default());
        let (tables, told) = (Recording(Arc::clone(&calls)), lost.clone());
        let state = WireState {
            engine: engine.clone(),
            region,
            endpoint: "http://pointsman".into(),
            tables: Arc::new(tables),
            lost: Box::new(move |error| told.lock().unwrap().push(error.to_string())),
            callers: Arc::new(Environments(killed.clone())),
            faults,
            fallback: Arc::new(Greeting),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, state, async move { drop(stopped.await) }));
        World {
            engine,
            clock,
            address,
            effects: inbox,
            calls,
            lost,
            killed,
            stop: Some(stop),
            server,
        }
    }

    /// Makes resources as a template does.
    async fn apply(&self, specs: Vec<Spec>) {
        let resource = |spec| Resource { id: "R".into(), place: Place::default(), spec };
        let resources = specs.into_iter().map(resource).collect();
        let template = ApplyTemplate { stack: "s".into(), resources, ..ApplyTemplate::default() };
        let asked = Asked { caller: Caller::Operator, cause: Cause::Request(Id(1)) };
        self.engine.submit(template, asked).await.unwrap();
    }

    /// AWS JSON, in short: status, the header with SQS's older code if there is one, body; ids as `ID`.
    async fn json(&self, target: &str, body: &str) -> String {
        self.send("POST", "/", &[("X-Amz-Target", target)], body).await.short()
    }

    async fn events(&self, action: &str, body: &str) -> String {
        self.json(&format!("AWSEvents.{action}"), body).await
    }

    async fn sqs(&self, action: &str, body: &str) -> String {
        self.json(&format!("AmazonSQS.{action}"), body).await
    }

    /// The Query protocol, in short.
    async fn form(&self, path: &str, form: &str) -> String {
        let kind = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
        self.send("POST", path, &[kind], form).await.short()
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answered {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request(method, path, headers, body).as_bytes()).await.unwrap();
        Answered::read(&mut stream, &mut vec![]).await
    }

    /// The next invocation to be run: its number, its request id and what the function gets.
    async fn invocation(&mut self) -> (InvocationId, String, String) {
        loop {
            let effect = self.effects.recv().await.unwrap();
            let Effect::Invoke(invoke) = effect else { continue };
            let payload = match invoke.payload {
                crate::engine::Payload::Bytes(bytes) => bytes,
                crate::engine::Payload::Stored(body) => self.engine.body(body.id).unwrap(),
                other => panic!("{other:?}"),
            };
            let payload = String::from_utf8(payload.to_vec()).unwrap();
            return (invoke.id, invoke.request.to_string(), payload);
        }
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

impl Answered {
    /// Reads one answer; what comes behind it stays in `rest`.
    async fn read(stream: &mut TcpStream, rest: &mut Vec<u8>) -> Answered {
        let head = loop {
            match rest.windows(4).position(|w| w == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => assert_ne!(stream.read_buf(rest).await.unwrap(), 0, "closed too early"),
            }
        };
        let text = String::from_utf8(rest.drain(..head).collect()).unwrap();
        let mut lines = text.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: BTreeMap<String, String> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |l| l.parse().unwrap());
        while rest.len() < length {
            assert_ne!(stream.read_buf(rest).await.unwrap(), 0, "closed too early");
        }
        let body = String::from_utf8(rest.drain(..length).collect()).unwrap();
        Answered { status, headers, body }
    }

    fn short(&self) -> String {
        let code = self.headers.get("x-amzn-query-error").map(|c| format!(" [{c}]"));
        without_ids(&format!("{}{} {}", self.status, code.unwrap_or_default(), self.body))
    }
}

/// Every UUID becomes `ID`.
fn without_ids(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.get(..36).is_some_and(|id| id.parse::<Id>().is_ok()) {
            short += "ID";
            rest = &rest[36..];
        } else {
            short.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    short
}

/// The member of a JSON answer in short form.
#[track_caller]
fn member(answer: &str, pointer: &str) -> String {
    let body = answer.split_once(' ').map_or("", |(_, body)| body);
    let value: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|e| {
        panic!("{e}: {answer}");
    });
    match value.pointer(pointer) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => panic!("no {pointer} in {answer}"),
    }
}

/// Signs for a service, as far as the key is read.
fn signed(key: &str, region: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20261121/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// Tables that keep what they were asked.
struct Recording(Arc<Mutex<Vec<Call>>>);

#[async_trait]
impl Tables for Recording {
    async fn call(&self, call: Call) -> Result<TableAnswer, TablesError> {
        let operation = call.operation.clone();
        self.0.lock().unwrap().push(call);
        match operation.as_str() {
            "Break" => Err(TablesError::Lost("no space".into())),
            _ => Ok(TableAnswer { status: 400, body: r#"{"__type":"x"}"#.into() }),
        }
    }

    async fn reconcile(&self, _: &[TableSpec]) -> Result<Vec<Reconciled>, TablesError> {
        Err(TablesError::Closed)
    }

    async fn sweep(&self) -> Result<Swept, TablesError> {
        Err(TablesError::Closed)
    }
}

#[async_trait]
impl StreamSource for Recording {
    async fn read(
        &self,
        _: &str,
        _: Option<&str>,
        _: usize,
    ) -> Result<Vec<StreamRecord>, TablesError> {
        Err(TablesError::Closed)
    }

    async fn bounds(&self, _: &str) -> Result<Bounds, TablesError> {
        Err(TablesError::Closed)
    }

    fn woken(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }

    fn writer(&self, _: &str, _: &str) -> Option<String> {
        None
    }
}

/// `FUNCTION` is the key of an environment that runs invocation 7, `ENDED` of one that is over.
struct Environments(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Callers for Environments {
    fn of_key(&self, access_key: &str) -> Option<Key> {
        match access_key {
            "FUNCTION" => Some(Key::Environment {
                function: "payment".into(),
                invocation: Some(InvocationId(7)),
            }),
            "ENDED" => Some(Key::Ended),
            _ => None,
        }
    }

    fn of_trace(&self, header: &str) -> Option<InvocationId> {
        (header == "Root=8").then_some(InvocationId(8))
    }

    async fn kill(&self, access_key: &str) {
        self.0.lock().unwrap().push(access_key.to_owned());
    }
}

struct Greeting;

#[async_trait]
impl Fallback for Greeting {
    async fn answer(&self, request: hyper::Request<bytes::Bytes>) -> Option<hyper::Response<Body>> {
        let is_here = request.uri().path() == "/_pointsman/hello";
        is_here.then(|| {
            let body = http_body_util::Full::new(request.into_body());
            hyper::Response::new(http_body_util::Either::Left(body))
        })
    }
}
