//! Requests of AWS's JSON protocols over one connection that is kept.
//!
//! Written by hand, since what the load costs is taken from the same processors that the server has.

use super::sigv4::{Signed, Signer, timestamp};
use crate::clock;
use crate::http::{self, Message};
use serde_json::Value;
use std::io::{BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What the peers take without asking, and the engine too.
const REGION: &str = "us-east-1";
const KEY: &str = "test";

/// A caller of the server at one address.
pub(crate) struct Client {
    address: String,
    signer: Signer,
    patience: Duration,
    connection: Option<BufReader<TcpStream>>,
    written: Vec<u8>,
}

impl Client {
    /// One that waits for an answer no longer than `patience`.
    pub(crate) fn new(address: &str, patience: Duration) -> Client {
        let signer = Signer::new(REGION, KEY, KEY);
        let address = address.to_owned();
        Client { address, signer, patience, connection: None, written: vec![] }
    }

    /// An action of EventBridge (`AWSEvents.PutEvents`) or SQS (`AmazonSQS.ReceiveMessage`); its answer's body.
    pub(crate) fn call(&mut self, action: &str, body: &str) -> Result<Vec<u8>, String> {
        let (service, kind) = match action.split_once('.') {
            Some(("AmazonSQS", _)) => ("sqs", "application/x-amz-json-1.0"),
            _ => ("events", "application/x-amz-json-1.1"),
        };
        self.request(service, "POST", "/", kind, Some(action), body.as_bytes())
    }

    /// The same with JSON in and out.
    pub(crate) fn json(&mut self, action: &str, body: &Value) -> Result<Value, String> {
        parse(&self.call(action, &body.to_string())?)
    }

    /// A request of Lambda's protocol, which has paths.
    pub(crate) fn lambda(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let kind = "application/json";
        parse(&self.request("lambda", method, path, kind, None, body.as_bytes())?)
    }

    fn request(
        &mut self,
        service: &str,
        method: &str,
        path: &str,
        kind: &str,
        action: Option<&str>,
        body: &[u8],
    ) -> Result<Vec<u8>, String> {
        let date = timestamp(clock::unix());
        let mut headers =
            vec![("content-type", kind), ("host", self.address.as_str()), ("x-amz-date", &date)];
        headers.extend(action.map(|action| ("x-amz-target", action)));
        let signed = Signed { method, path, service, headers: &headers, body };
        let authorization = self.signer.sign(&signed, &date);
        self.written.clear();
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in &headers {
            head += &format!("{name}: {value}\r\n");
        }
        head +=
            &format!("authorization: {authorization}\r\ncontent-length: {}\r\n\r\n", body.len());
        self.written.extend_from_slice(head.as_bytes());
        self.written.extend_from_slice(body);
        let named = action.unwrap_or(path);
        let answer = self.exchange().map_err(|error| format!("{named}: {error}"))?;
        let status = answer.line.split(' ').nth(1).unwrap_or_default();
        if status.starts_with('2') {
            return Ok(answer.body);
        }
        let said: String = String::from_utf8_lossy(&answer.body).chars().take(300).collect();
        Err(format!("{named}: {status} {said}"))
    }

    /// Sends what is written. A connection that was kept may have been closed meanwhile; a new one is tried once.
    fn exchange(&mut self) -> std::io::Result<Message> {
        let kept = self.connection.is_some();
        let answer = match self.once() {
            Err(error) if kept && gone(error.kind()) => self.once(),
            other => other,
        };
        if !matches!(&answer, Ok(answer) if !answer.closes) {
            self.connection = None;
        }
        answer
    }

    fn once(&mut self) -> std::io::Result<Message> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect(&self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(self.patience))?;
                BufReader::with_capacity(1 << 16, stream)
            }
        };
        connection.get_mut().write_all(&self.written)?;
        let answer = http::read(&mut connection)?;
        self.connection = Some(connection);
        Ok(answer)
    }
}

fn gone(kind: ErrorKind) -> bool {
    let gone = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    gone.contains(&kind)
}

fn parse(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).map_err(|error| format!("the answer is no JSON: {error}"))
}
