//! SQS by its JSON protocol: of a running engine, or AWS's own.

use super::Failure;
use super::client::At;
use super::sigv4::Signer;
use crate::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use std::io::Read;
use std::time::Duration;

/// An answer takes no longer, the longest wait for messages included.
const PATIENCE: Duration = Duration::from_secs(60);

/// SQS somewhere.
pub(super) struct Sqs {
    agent: ureq::Agent,
    endpoint: String,
    signer: Option<Signer>,
}

/// Why SQS did not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Such as `QueueDoesNotExist`; empty where nobody answered.
    pub(super) code: String,
    pub(super) message: String,
}

impl Sqs {
    /// Of a running engine.
    pub(super) fn of_engine(at: &At) -> Sqs {
        Sqs { agent: agent(), endpoint: at.endpoint().to_owned(), signer: None }
    }

    /// AWS's, with credentials and Region of the environment; `AWS_ENDPOINT_URL_SQS` may name another endpoint.
    ///
    /// # Errors
    /// One line: what the environment lacks.
    pub(super) fn of_aws() -> Result<Sqs, Failure> {
        let variable = |name: &str| std::env::var(name).ok();
        let signer = Signer::of_environment("sqs", variable)?;
        let endpoint = variable("AWS_ENDPOINT_URL_SQS").filter(|url| !url.is_empty());
        let endpoint = endpoint.unwrap_or_else(|| {
            let region = signer.region();
            let domain =
                if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://sqs.{region}.{domain}")
        });
        Ok(Sqs { agent: agent(), endpoint, signer: Some(signer) })
    }

    /// Whether it is AWS's: its counts are approximate, and a receive may overlook messages.
    pub(super) fn is_distributed(&self) -> bool {
        self.signer.is_some()
    }

    /// An action: `ReceiveMessage`.
    pub(super) fn call(&self, action: &str, input: &Value) -> Result<Value, Refusal> {
        let unanswered = |message: String| Refusal { code: String::new(), message };
        let url: ureq::http::Uri = self
            .endpoint
            .parse()
            .map_err(|error| unanswered(format!("{}: {error}", self.endpoint)))?;
        let host = url.authority().map(|authority| authority.as_str()).unwrap_or_default();
        let (target, body) = (format!("AmazonSQS.{action}"), input.to_string());
        let headers = [
            ("content-type", "application/x-amz-json-1.0"),
            ("host", host),
            ("x-amz-target", target.as_str()),
        ];
        let mut request = self.agent.post(format!("{}/", self.endpoint.trim_end_matches('/')));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let signer = self.signer.as_ref();
        let signed =
            signer.map(|signer| signer.sign(&headers, body.as_bytes(), SystemClock.wall()));
        for (name, value) in signed.into_iter().flatten() {
            request = request.header(name, value);
        }
        let response = request.send(body.as_str()).map_err(|error| {
            let remedy = match self.signer {
                None => ": start an engine with `pointsman up`, or give --aws",
                Some(_) => "",
            };
            unanswered(format!("nobody answers at {} ({error}){remedy}", self.endpoint))
        })?;
        let status = response.status();
        let mut text = String::new();
        let read = response.into_body().into_reader().read_to_string(&mut text);
        read.map_err(|error| unanswered(format!("{}: {error}", self.endpoint)))?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(if text.is_empty() { json!({}) } else { answer });
        }
        Err(refusal(&answer, &text))
    }
}

/// `com.amazonaws.sqs#QueueDoesNotExist` and its message.
fn refusal(answer: &Value, text: &str) -> Refusal {
    let code = answer["__type"].as_str().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let message = ["message", "Message"].iter().find_map(|name| answer[*name].as_str());
    Refusal { code, message: message.unwrap_or(text).to_owned() }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code.as_str() {
            "" => f.write_str(&self.message),
            code => write!(f, "{code}: {}", self.message),
        }
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(PATIENCE)).build().into()
}
