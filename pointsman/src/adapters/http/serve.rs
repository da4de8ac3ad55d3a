use super::answer::{internal_error, message, response};
use super::authorize::{Refusal, authorize};
use super::cors::Cors;
use super::event::{Circumstances, event};
use super::issuer::Issuer;
use super::route::take;
use crate::adapters::server;
use crate::clock::{self, Time};
use crate::engine::{Answer, Asked, Caller, Cause, Choices, Engine, Id};
use crate::services::function::{HttpCall, Invoke};
use crate::topology::HttpApiSpec;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Most bytes of a request's body.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// Most bytes of an event for a function, the body in JSON included.
const MAX_EVENT: usize = 6 * 1024 * 1024;
/// Most bytes of request line and headers.
const MAX_HEAD: usize = 10_240;

/// One HTTP API and what it needs.
pub struct Gateway {
    /// The engine whose topology holds the API, and which invokes its functions.
    pub engine: Engine,
    /// Name of the API.
    pub api: String,
    /// Whose tokens are accepted; a receiver, as making a key takes a moment at the very first start.
    pub issuer: tokio::sync::watch::Receiver<Option<Arc<Issuer>>>,
    requests: AtomicU64,
}

impl Gateway {
    /// An API of the engine's topology.
    pub fn new(
        engine: Engine,
        api: String,
        issuer: tokio::sync::watch::Receiver<Option<Arc<Issuer>>>,
    ) -> Gateway {
        let mut start = [0; 8];
        // Request ids need to differ, not to be secret.
        let _ = getrandom::fill(&mut start);
        let requests = AtomicU64::new(u64::from_le_bytes(start));
        Gateway { engine, api, issuer, requests }
    }
}

/// Serves an API until `shutdown` resolves, then for at most two seconds what is under way.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, _) = watch::channel(false);
    let answer = move |request, peer| {
        let gateway = gateway.clone();
        async move { Some(gateway.answer(request, peer).await) }
    };
    server::serve(listener, stop, shutdown, answer).await;
}

impl Gateway {
    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let id = Choices::from_seed(number).id();
        let (parts, body) = request.into_parts();
        let name = self.api.clone();
        let looked = self.engine.read(move |state, now| {
            let api = state.apis.get(name.as_str()).map(|api| api.spec.clone());
            (api, state.region.account.clone(), now)
        });
        let (api, account, now) = match looked.await {
            Ok((Some(api), account, now)) => (api, account, now),
            Ok((None, ..)) => return message(StatusCode::NOT_FOUND, "Not Found"),
            Err(_) => return message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        };
        let cors = Cors::parse(api.cors.as_deref());
        let origin = parts.headers.get(header::ORIGIN).cloned();
        if let Some(cors) = &cors
            && is_preflight(&parts)
        {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            cors.set(response.headers_mut(), origin.as_ref(), true);
            return response;
        }
        let at = At { api: &api, account: &account, now, id, peer: peer.ip() };
        let mut response = match self.handle(&parts, body, &at).await {
            Ok(response) | Err(response) => response,
        };
        if let Some(cors) = &cors {
            cors.set(response.headers_mut(), origin.as_ref(), false);
        }
        if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert("apigw-requestid", id);
        }
        response
    }

    async fn handle(
        &self,
        parts: &Parts,
        body: Incoming,
        at: &At<'_>,
    ) -> Result<Response<Full<Bytes>>, Response<Full<Bytes>>> {
        let head = parts.uri.to_string().len()
            + parts.headers.iter().map(|(n, v)| n.as_str().len() + v.len() + 4).sum::<usize>();
        if head > MAX_HEAD {
            return Err(message(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "Request Header Fields Too Large",
            ));
        }
        let taken = take(&at.api.routes, parts.method.as_str(), parts.uri.path())
            .ok_or_else(|| message(StatusCode::NOT_FOUND, "Not Found"))?;
        let authorizer = match &taken.route.authorizer {
            None => None,
            Some(name) => {
                let spec = at.api.authorizers.get(name).ok_or_else(internal_error)?;
                let token = identity(parts, &spec.identity_source);
                let issuer = self.issuer().await.ok_or_else(internal_error)?;
                let wall = self.engine.clock().wall();
                let verdict = authorize(&issuer, spec, taken.route, token.as_deref(), wall);
                Some(verdict.map_err(refused)?)
            }
        };
        let body = Limited::new(body, MAX_BODY).collect().await;
        let too_large = || message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        let body = body.map_err(|_| too_large())?.to_bytes();
        let request_id = at.id.to_string();
        let trace = format!("Root=1-{:08x}-{:024x}", at.now.seconds(), at.id.0 & ((1 << 96) - 1));
        let payload = event(
            parts,
            &body,
            &taken,
            &Circumstances {
                api: at.api,
                account: at.account,
                request_id: &request_id,
                trace: &trace,
                peer: at.peer,
                now: at.now,
                authorizer,
            },
        );
        if payload.len() > MAX_EVENT {
            return Err(too_large());
        }
        let limit = Duration::from_millis(u64::from(taken.route.timeout_ms.clamp(50, 30_000)));
        let call = HttpCall {
            api: self.api.as_str().into(),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
        };
        let function = taken.route.function.as_str().into();
        self.invoke(Invoke { function, payload, http: Some(call) }, at.id, limit).await
    }

    async fn invoke(
        &self,
        command: Invoke,
        id: Id,
        limit: Duration,
    ) -> Result<Response<Full<Bytes>>, Response<Full<Bytes>>> {
        let unavailable = || message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
        let asked = Asked { caller: Caller::Operator, cause: Cause::Request(id) };
        let (_, _, told) = match self.engine.invoke(command, asked).await {
            Ok(begun) => begun,
            Err(fault) if fault.code == "ResourceNotFoundException" => return Err(internal_error()),
            Err(_) => return Err(unavailable()),
        };
        tokio::select! {
            told = told => match told {
                Ok(Answer::Payload(payload)) => Ok(response(&payload)),
                Ok(Answer::Error(_)) => Err(internal_error()),
                Err(_) => Err(unavailable()),
            },
            // The function goes on, but nobody waits for it any more.
            () = clock::sleep(limit) => Err(unavailable()),
        }
    }

    async fn issuer(&self) -> Option<Arc<Issuer>> {
        let mut receiver = self.issuer.clone();
        let issuer = receiver.wait_for(Option::is_some).await.ok()?;
        issuer.clone()
    }
}

/// A request's place and time.
struct At<'a> {
    api: &'a HttpApiSpec,
    account: &'a str,
    now: Time,
    id: Id,
    peer: IpAddr,
}

fn refused(refusal: Refusal) -> Response<Full<Bytes>> {
    match refusal {
        Refusal::Forbidden => message(StatusCode::FORBIDDEN, "Forbidden"),
        Refusal::Unauthorized(challenge) => {
            let mut response = message(StatusCode::UNAUTHORIZED, "Unauthorized");
            if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            response
        }
    }
}

fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(header::ORIGIN)
        && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What `$request.header.NAME` or `$request.querystring.NAME` names in this request.
fn identity(parts: &Parts, source: &str) -> Option<String> {
    if let Some(name) = source.strip_prefix("$request.querystring.") {
        let query = parts.uri.query()?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        return pairs.find(|(n, _)| *n == name).map(|(_, value)| super::route::decoded(value));
    }
    let name = source.strip_prefix("$request.header.").unwrap_or("authorization");
    let value = parts.headers.get(name.to_ascii_lowercase())?;
    value.to_str().ok().map(str::to_owned)
}
