//! The Lambda Runtime API, `2018-06-01`, one server for all environments: an environment's address carries epoch
//! and number, so what outlived an earlier engine, or its own end, is refused and answers nobody.

use super::ask::{Ask, Given, Refusal};
use super::failure::{self, LARGEST_ANSWER};
use super::identity::EnvironmentId;
use super::registry::Registry;
use super::tasks::Tasks;
use crate::services::function::Finished;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

type Reply = Response<Full<Bytes>>;

/// Serves until its task is aborted.
pub(super) async fn serve(listener: TcpListener, registry: Arc<Registry>, tasks: Arc<Tasks>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Out of descriptors, or the caller hung up: the next may do better.
                crate::clock::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            }
        };
        // Without it, small answers may wait for acknowledgements; a socket that refuses is only slower.
        let _ = stream.set_nodelay(true);
        let registry = registry.clone();
        tasks.spawn(async move {
            let service = service_fn(move |request| {
                let registry = registry.clone();
                async move { Ok::<_, Infallible>(answer(&registry, request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // A process that ends breaks its connection.
            let _ = connection.await;
        });
    }
}

async fn answer(registry: &Registry, request: Request<Incoming>) -> Reply {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let [epoch, number, "2018-06-01", "runtime", rest @ ..] = parts.as_slice() else {
        return no_such_path(&path);
    };
    let (Ok(epoch), Ok(number)) = (epoch.parse(), number.parse()) else {
        return no_such_path(&path);
    };
    let Some(ask) = registry.ask(EnvironmentId { epoch, number }) else { return gone() };
    let get = request.method() == Method::GET;
    let post = request.method() == Method::POST;
    match rest {
        ["invocation", "next"] if get => {
            let (tell, told) = oneshot::channel();
            if ask.send(Ask::Next(tell)).is_err() {
                return gone();
            }
            match told.await {
                Ok(Ok(given)) => given.reply(),
                Ok(Err(refusal)) => refusal.reply(),
                Err(_) => gone(),
            }
        }
        ["invocation", id, what @ ("response" | "error")] if post => {
            let (reply, finished) = match read(request, *what == "error").await {
                Ok(finished) => (accepted(), finished),
                Err(Unread::TooLarge) => (too_large(), failure::too_large()),
                Err(Unread::HungUp) => return gone(),
            };
            let id = (*id).to_owned();
            tell(&ask, reply, |tell| Ask::Answer { request: id, finished, tell }).await
        }
        ["init", "error"] if post => match read(request, true).await {
            Ok(finished) => tell(&ask, accepted(), |tell| Ask::InitError { finished, tell }).await,
            Err(Unread::TooLarge) => too_large(),
            Err(Unread::HungUp) => gone(),
        },
        _ => no_such_path(&path),
    }
}

async fn tell(
    ask: &tokio::sync::mpsc::UnboundedSender<Ask>,
    reply: Reply,
    make: impl FnOnce(oneshot::Sender<Result<(), Refusal>>) -> Ask,
) -> Reply {
    let (tell, told) = oneshot::channel();
    if ask.send(make(tell)).is_err() {
        return gone();
    }
    match told.await {
        Ok(Ok(())) => reply,
        Ok(Err(refusal)) => refusal.reply(),
        Err(_) => gone(),
    }
}

enum Unread {
    TooLarge,
    HungUp,
}

/// Reads what a function answered. A longer answer than allowed is read to its end, but not kept, since a client
/// that is still writing would not see the refusal. A stream may still turn into an error in its trailers.
async fn read(request: Request<Incoming>, is_error: bool) -> Result<Finished, Unread> {
    let headers = request.headers().clone();
    let mut body = request.into_body();
    let mut whole = BytesMut::new();
    let mut size = 0_usize;
    let mut trailers = HeaderMap::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::HungUp)?;
        match frame.into_data() {
            Ok(data) => {
                size = size.saturating_add(data.len());
                if size <= LARGEST_ANSWER {
                    whole.extend_from_slice(&data);
                }
            }
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    if size > LARGEST_ANSWER {
        return Err(Unread::TooLarge);
    }
    if is_error {
        return Ok(failure::reported(text(&headers, ERROR_TYPE), &whole.freeze()));
    }
    if let Some(kind) = text(&trailers, ERROR_TYPE) {
        use base64::Engine as _;
        let encoded = text(&trailers, ERROR_BODY).unwrap_or_default();
        let posted = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default();
        return Ok(failure::reported(Some(kind), &posted.into()));
    }
    Ok(Finished::Answered(whole.freeze()))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl Given {
    fn reply(self) -> Reply {
        let response = Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", self.request.to_string())
            .header("Lambda-Runtime-Deadline-Ms", self.deadline.0)
            .header("Lambda-Runtime-Invoked-Function-Arn", self.function_arn)
            .header("Lambda-Runtime-Trace-Id", self.trace)
            .body(Full::new(self.payload));
        // Names of functions are letters, digits, hyphens and underscores, so every header is a legal one.
        response.unwrap_or_else(|_| gone())
    }
}

impl Refusal {
    fn reply(self) -> Reply {
        match self {
            Refusal::RequestId => error(
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "The invocation with this request id is over, or was never given to this environment.",
            ),
            Refusal::Transition(why) => error(StatusCode::FORBIDDEN, "InvalidStateTransition", why),
        }
    }
}

fn accepted() -> Reply {
    json(StatusCode::ACCEPTED, Bytes::from_static(b"{\"status\":\"OK\"}\n"))
}

fn too_large() -> Reply {
    error(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        &format!("Exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."),
    )
}

fn gone() -> Reply {
    error(
        StatusCode::GONE,
        "EnvironmentGone",
        "This execution environment has ended, or belongs to an engine that has.",
    )
}

fn no_such_path(path: &str) -> Reply {
    let text =
        format!("{path} is not of the Lambda Runtime API 2018-06-01 as it is supported here.");
    error(StatusCode::NOT_FOUND, "NotFound", &text)
}

fn error(status: StatusCode, kind: &str, message: &str) -> Reply {
    json(status, failure::body(kind, message))
}

fn json(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}
