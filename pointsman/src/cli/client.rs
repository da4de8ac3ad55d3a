//! Requests to a running engine.

use super::Failure;
use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};

/// Which engine to talk to.
#[derive(Args)]
pub(super) struct At {
    /// URL of the running engine
    #[arg(
        long,
        env = "AWS_ENDPOINT_URL",
        default_value = "http://127.0.0.1:4566",
        value_name = "URL"
    )]
    endpoint: String,
}

impl At {
    /// URL of the engine.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Posts JSON to the engine's own API.
    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        let request = agent().post(self.url(path)).content_type("application/json");
        self.read(request.send(body.to_string()))
    }

    /// Asks the engine's own API.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.read(agent().get(self.url(path)).call())
    }

    /// Calls an action of an AWS service that speaks JSON 1.1.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        target: &str,
        body: &Value,
    ) -> Result<T, Failure> {
        let request = agent()
            .post(self.url("/"))
            .content_type("application/x-amz-json-1.1")
            .header("X-Amz-Target", target);
        self.read(request.send(body.to_string()))
    }

    /// The lines of an answer that does not end.
    pub(super) fn lines(
        &self,
        path: &str,
    ) -> Result<impl Iterator<Item = std::io::Result<String>> + use<>, Failure> {
        let response = agent().get(self.url(path)).call().map_err(|error| self.fault(&error))?;
        if !response.status().is_success() {
            return Err(self.refusal(response)?);
        }
        Ok(BufReader::new(response.into_body().into_reader()).lines())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint.trim_end_matches('/'))
    }

    fn read<T: DeserializeOwned>(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, Failure> {
        let response = response.map_err(|error| self.fault(&error))?;
        if !response.status().is_success() {
            return Err(self.refusal(response)?);
        }
        let text = self.text(response)?;
        let odd =
            |error| format!("{}: an answer that is none of pointsman's: {error}", self.endpoint);
        serde_json::from_str(&text).map_err(odd)
    }

    /// Why a request was refused.
    fn refusal(&self, response: ureq::http::Response<ureq::Body>) -> Result<Failure, Failure> {
        let text = self.text(response)?;
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let message = body.get("message").or_else(|| body.get("Message"));
        Ok(message.and_then(Value::as_str).map_or(text, str::to_owned))
    }

    fn text(&self, response: ureq::http::Response<ureq::Body>) -> Result<String, Failure> {
        let mut text = String::new();
        let read = response.into_body().into_reader().read_to_string(&mut text);
        read.map_err(|error| format!("{}: {error}", self.endpoint))?;
        Ok(text)
    }

    fn fault(&self, error: &ureq::Error) -> Failure {
        format!("no engine answers at {} ({error}): start one with `pointsman up`", self.endpoint)
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}
