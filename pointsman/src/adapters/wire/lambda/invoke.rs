use super::super::ask::Ask;
use super::super::reply::{Body, JSON, respond};
use super::name::function;
use super::{Query, invalid};
use crate::engine::{Answer, Fault, Id, Name};
use crate::services::function::{Invoke, InvokeAsync};
use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::{HeaderMap, Response, StatusCode};
use serde::de::IgnoredAny;

/// Most bytes of a payload somebody waits for.
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// Most bytes of a payload that is queued.
const MAX_EVENT: usize = 1024 * 1024;

pub(super) async fn answer(
    ask: &Ask<'_>,
    name: &str,
    query: &Query,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response<Body>, Fault> {
    let name = function(ask.region(), name, query.get("Qualifier"))?;
    let kind = headers.get("x-amz-invocation-type").and_then(|v| v.to_str().ok());
    let kind = kind.unwrap_or("RequestResponse");
    let tail = match headers.get("x-amz-log-type").map(HeaderValue::as_bytes) {
        None | Some(b"None") => false,
        Some(b"Tail") => true,
        Some(_) => return Err(invalid("LogType is None or Tail.".into())),
    };
    let payload = if body.is_empty() { Bytes::from_static(b"{}") } else { body };
    match kind {
        "RequestResponse" => {
            check(&payload, kind, MAX_PAYLOAD)?;
            wait(ask, name, payload, tail).await
        }
        "Event" => {
            check(&payload, kind, MAX_EVENT)?;
            let request = ask.submit(InvokeAsync { function: name, payload }).await?;
            Ok(respond(StatusCode::ACCEPTED, JSON, request, Bytes::new()))
        }
        "DryRun" => {
            check(&payload, kind, MAX_PAYLOAD)?;
            exists(ask, name).await?;
            Ok(respond(StatusCode::NO_CONTENT, JSON, ask.id, Bytes::new()))
        }
        other => Err(invalid(format!(
            "1 validation error detected: Value '{other}' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
        ))),
    }
}

async fn wait(
    ask: &Ask<'_>,
    function: Name,
    payload: Bytes,
    tail: bool,
) -> Result<Response<Body>, Fault> {
    let invoke = Invoke { function, payload, http: None };
    let (_, request, told) = ask.engine().invoke(invoke, ask.asked.clone()).await?;
    let answer = told.await.map_err(|_| {
        Fault::new("InternalFailure", "The engine ended before the function answered.")
    })?;
    Ok(shown(answer, request, tail))
}

fn shown(answer: Answer, request: Id, tail: bool) -> Response<Body> {
    let (payload, failed) = match answer {
        Answer::Payload(payload) => (payload, false),
        Answer::Error(payload) => (payload, true),
    };
    let mut response = respond(StatusCode::OK, JSON, request, payload);
    let headers = response.headers_mut();
    headers.insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    if failed {
        headers.insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
    }
    if tail {
        // The function's log is on the terminal and in `pointsman tail`, not in the answer.
        headers.insert("x-amz-log-result", HeaderValue::from_static(""));
    }
    response
}

async fn exists(ask: &Ask<'_>, name: Name) -> Result<(), Fault> {
    let arn = ask.region().function(&name);
    match ask.read(move |state, _| state.functions.contains_key(&name)).await? {
        true => Ok(()),
        false => Err(Fault::new("ResourceNotFoundException", format!("Function not found: {arn}"))),
    }
}

fn check(payload: &Bytes, kind: &str, most: usize) -> Result<(), Fault> {
    if payload.len() > most {
        return Err(Fault::new(
            "RequestTooLargeException",
            format!(
                "{} byte payload is too large for the {kind} invocation type (limit {most} bytes)",
                payload.len()
            ),
        ));
    }
    serde_json::from_slice::<IgnoredAny>(payload).map(drop).map_err(|error| {
        Fault::new(
            "InvalidRequestContentException",
            format!("Could not parse request body into json: {error}"),
        )
    })
}
