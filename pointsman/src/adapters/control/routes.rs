use super::follow::from;
use crate::adapters::http::{Doors, Issuer};
use crate::adapters::runner::{Logs, Runner};
use crate::adapters::tables::Tables;
use crate::adapters::wire::{Body, Fallback};
use crate::engine::Engine;
use crate::faults::Injector;
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// What stands before a queue's name.
const QUEUE: &str = "/_pointsman/queues/";

/// What stands before a function's name.
const ENVIRONMENT: &str = "/_pointsman/environments/";

/// Answers what `pointsman`'s own commands ask.
pub struct Control {
    /// The engine.
    pub engine: Engine,
    /// The tables.
    pub tables: Arc<dyn Tables>,
    /// The local issuer.
    pub issuer: watch::Receiver<Option<Arc<Issuer>>>,
    /// `http://127.0.0.1:4566`
    pub endpoint: String,
    /// The HTTP APIs that are served.
    pub doors: Arc<Doors>,
    /// What functions write.
    pub logs: Logs,
    /// Runs the functions.
    pub runner: Arc<Runner>,
    /// Lines to try.
    pub tries: Mutex<Vec<String>>,
    /// What goes wrong on request.
    pub faults: Option<Arc<Injector>>,
}

#[async_trait]
impl Fallback for Control {
    async fn answer(&self, request: Request<Bytes>) -> Option<Response<Body>> {
        let path = request.uri().path().to_owned();
        let issuer = format!("{}/_pointsman/issuer", self.endpoint);
        Some(match (request.method(), path.as_str()) {
            (&Method::GET, "/_pointsman/map") => match self.map().await {
                Some(map) => reply(&json!(map)),
                None => refuse(StatusCode::SERVICE_UNAVAILABLE, "the engine has ended"),
            },
            (&Method::GET, "/_pointsman/tail") => match from(request.uri().query()) {
                Ok(from) => self.tail(from),
                Err(why) => refuse(StatusCode::BAD_REQUEST, &why),
            },
            (&Method::GET, "/_pointsman/logs") => self.answer_logs(request.uri().query()).await,
            (&Method::GET, "/_pointsman/trace") => self.answer_trace(request.uri().query()).await,
            (&Method::POST, "/_pointsman/token") => self.token(request.body()).await,
            (&Method::GET, "/_pointsman/clock") => self.show_clock().await,
            (&Method::POST, "/_pointsman/clock") => self.move_clock(request.body()).await,
            (&Method::GET, "/_pointsman/faults") => self.show_faults(),
            (&Method::POST, "/_pointsman/faults") => self.switch_faults(request.body()),
            (&Method::GET, "/_pointsman/queues") => self.show_queues().await,
            (&Method::GET, _) if path.starts_with(ENVIRONMENT) => {
                self.lend(&path[ENVIRONMENT.len()..], request.uri().query()).await
            }
            (&Method::GET, _) if path.starts_with(QUEUE) => {
                self.show_messages(&path[QUEUE.len()..], request.uri().query()).await
            }
            (&Method::GET, "/_pointsman/issuer/.well-known/openid-configuration") => {
                reply(&self.issuer().await?.discovery(&issuer))
            }
            (&Method::GET, "/_pointsman/issuer/.well-known/jwks.json") => {
                reply(&self.issuer().await?.keys())
            }
            _ => return None,
        })
    }
}

impl Control {
    pub(super) async fn issuer(&self) -> Option<Arc<Issuer>> {
        let mut receiver = self.issuer.clone();
        let issuer = receiver.wait_for(Option::is_some).await.ok()?;
        issuer.clone()
    }
}

pub(super) fn reply(value: &Value) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(value.to_string()))));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

pub(super) fn refuse(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = reply(&json!({ "message": why }));
    *response.status_mut() = status;
    response
}
