use super::line::Line;
use super::tail::Teller;
use crate::adapters::http::Issuer;
use crate::adapters::wire::{Body, Fallback};
use crate::engine::{Asked, Caller, Cause, Choices, Engine};
use crate::services::MoveClock;
use crate::topology::MappingSource;
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map as Object, Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;

/// Answers what `pointsman`'s own commands ask.
pub struct Control {
    /// The engine.
    pub engine: Engine,
    /// The local issuer.
    pub issuer: watch::Receiver<Option<Arc<Issuer>>>,
    /// `http://127.0.0.1:4566`
    pub endpoint: String,
    /// URLs of the HTTP APIs by name.
    pub apis: Vec<MapApi>,
    /// Lines to try.
    pub tries: Vec<String>,
}

/// What a token shall say.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// `sub`: whose token it is.
    pub sub: String,
    /// `scope`: words apart by spaces.
    pub scope: String,
    /// `aud`; without it the first that the APIs' authorizers want.
    pub aud: Option<String>,
    /// `iss`; without it the first that the APIs' authorizers want.
    pub iss: Option<String>,
    /// Seconds until it expires; it may be negative.
    pub expires_in: Option<i64>,
    /// Further claims.
    pub more: Object<String, Value>,
}

/// What runs: for the map that `up` prints, and for anybody who asks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Map {
    /// HTTP APIs.
    pub apis: Vec<MapApi>,
    /// Rules with their targets.
    pub rules: Vec<MapRule>,
    /// Functions, and what invokes them.
    pub functions: Vec<MapFunction>,
    /// Lines to try, as the template's metadata has them: `{http}`, `{endpoint}`, `{pointsman}` and `{at}` stand for
    /// what runs.
    pub tries: Vec<String>,
}

/// An HTTP API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapApi {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// `POST /orders → order-commands`
    pub routes: Vec<(String, String)>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapRule {
    /// The bus.
    pub bus: String,
    /// The rule.
    pub rule: String,
    /// The pattern.
    pub pattern: String,
    /// Names of target queues or functions.
    pub targets: Vec<String>,
    /// The function behind the first target queue, if a mapping leads there.
    pub function: Option<String>,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapFunction {
    /// Its name.
    pub name: String,
    /// `stream of event-store`, `queue x`, `HTTP`.
    pub by: Vec<String>,
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
            (&Method::POST, "/_pointsman/token") => self.token(request.body()).await,
            (&Method::POST, "/_pointsman/clock") => self.clock(request.body()).await,
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
    /// What runs.
    pub async fn map(&self) -> Option<Map> {
        let (apis, tries) = (self.apis.clone(), self.tries.clone());
        let map = self.engine.read(move |state, _| {
            let by_queue = |queue: &str| {
                let mapping = state.mappings.values().find(|m| m.queue() == Some(queue))?;
                Some(mapping.spec.function.clone())
            };
            let last = |arn: &str| arn.rsplit(':').next().unwrap_or(arn).to_owned();
            let mut map = Map { apis, tries, ..Map::default() };
            for api in &mut map.apis {
                let routes = state.apis.get(api.name.as_str()).map(|a| &a.spec.routes);
                api.routes = routes
                    .into_iter()
                    .flatten()
                    .map(|r| (format!("{} {}", r.method, r.path), r.function.clone()))
                    .collect();
            }
            for bus in state.buses.values() {
                for rule in bus.rules.values() {
                    let targets: Vec<String> =
                        rule.spec.targets.iter().map(|t| last(&t.arn)).collect();
                    map.rules.push(MapRule {
                        bus: bus.spec.name.clone(),
                        rule: rule.spec.name.clone(),
                        pattern: rule.spec.pattern.clone(),
                        function: targets.first().and_then(|queue| by_queue(queue)),
                        targets,
                    });
                }
            }
            for function in state.functions.values() {
                let name = &function.spec.name;
                let mut by: Vec<String> = vec![];
                for mapping in state.mappings.values().filter(|m| m.spec.function == *name) {
                    by.push(match &mapping.spec.source {
                        MappingSource::Queue { queue, .. } => format!("queue {queue}"),
                        MappingSource::Stream { table, .. } => format!("stream of {table}"),
                    });
                }
                let routes = state.apis.values().flat_map(|a| &a.spec.routes);
                if routes.into_iter().any(|r| r.function == *name) {
                    by.push("HTTP".into());
                }
                map.functions.push(MapFunction { name: name.clone(), by });
            }
            map
        });
        map.await.ok()
    }

    /// A token with these claims, as the first authorizer of the APIs wants them.
    ///
    /// # Errors
    /// One sentence.
    pub async fn sign(&self, claims: Claims) -> Result<String, String> {
        let wanted = self.engine.read(|state, _| {
            let mut all = state.apis.values().flat_map(|a| a.spec.authorizers.values());
            all.next().map(|a| (a.issuer.clone(), a.audience.first().cloned()))
        });
        let wanted = wanted.await.map_err(|fault| fault.message)?;
        let (iss, aud) = wanted.unwrap_or_default();
        let now = self.engine.clock().wall().seconds();
        let mut all = claims.more;
        all.insert("iss".into(), claims.iss.unwrap_or(iss).into());
        if let Some(aud) = claims.aud.or(aud) {
            all.insert("aud".into(), aud.into());
        }
        all.insert("sub".into(), claims.sub.into());
        all.insert("scope".into(), claims.scope.into());
        all.insert("iat".into(), now.into());
        all.insert("exp".into(), (now + claims.expires_in.unwrap_or(3_600)).into());
        let issuer = self.issuer().await.ok_or("the engine has ended")?;
        issuer.sign(&all)
    }

    async fn token(&self, body: &Bytes) -> Response<Body> {
        match serde_json::from_slice(body) {
            Err(error) => refuse(StatusCode::BAD_REQUEST, &format!("token: {error}")),
            Ok(claims) => match self.sign(claims).await {
                Ok(token) => reply(&json!({ "token": token })),
                Err(why) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &why),
            },
        }
    }

    async fn clock(&self, body: &Bytes) -> Response<Body> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Move {
            by_ms: u64,
        }
        let by_ms = match serde_json::from_slice::<Move>(body) {
            Ok(moved) => moved.by_ms,
            Err(error) => return refuse(StatusCode::BAD_REQUEST, &format!("clock: {error}")),
        };
        let id = Choices::from_seed(self.engine.clock().wall().0 as u64).id();
        let asked = Asked { caller: Caller::Operator, cause: Cause::Request(id) };
        match self.engine.submit(MoveClock { by_ms }, asked).await {
            Ok(()) => reply(&json!({})),
            Err(fault) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &fault.message),
        }
    }

    /// One JSON line for everything that happens, until the client goes.
    fn tail(&self, from: Option<u64>) -> Response<Body> {
        let (sender, receiver) =
            tokio::sync::mpsc::channel::<Result<Frame<Bytes>, Infallible>>(256);
        let engine = self.engine.clone();
        // Following begins before the answer does: what happens after it is seen.
        let mut follower = engine.subscribe(from);
        tokio::spawn(async move {
            let mut teller = Teller::default();
            loop {
                let followed = tokio::select! {
                    followed = follower.next() => followed,
                    () = sender.closed() => return,
                };
                let Some(followed) = followed else { return };
                let Ok(line) = teller.tell(&engine, followed).await else { return };
                if let Some(line) = line
                    && sender.send(Ok(frame(&line))).await.is_err()
                {
                    return;
                }
            }
        });
        let body = StreamBody::new(ReceiverStream::new(receiver)).boxed_unsync();
        let mut response = Response::new(Either::Right(body));
        let lines = HeaderValue::from_static("application/x-ndjson");
        response.headers_mut().insert(CONTENT_TYPE, lines);
        response
    }

    async fn issuer(&self) -> Option<Arc<Issuer>> {
        let mut receiver = self.issuer.clone();
        let issuer = receiver.wait_for(Option::is_some).await.ok()?;
        issuer.clone()
    }
}

/// `from=N` of a query.
fn from(query: Option<&str>) -> Result<Option<u64>, String> {
    let Some(text) = query.and_then(|q| q.strip_prefix("from=")) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("from={text}: the number of a fact is wanted"))
}

fn frame(line: &Line) -> Frame<Bytes> {
    let mut text = serde_json::to_vec(line).unwrap_or_default();
    text.push(b'\n');
    Frame::data(Bytes::from(text))
}

fn reply(value: &Value) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(value.to_string()))));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn refuse(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = reply(&json!({ "message": why }));
    *response.status_mut() = status;
    response
}
