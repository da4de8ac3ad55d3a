//! From an HTTP request to a service and its action, and back.

use super::action::{Input, Output};
use super::ask::{Ask, Wire};
use super::credential::{self, Credential};
use super::reply::{Body, JSON_1_0, JSON_1_1, TEXT, XML, respond, set_request_id};
use super::struck::{self, Struck};
use super::{events, fault, lambda, query, scheduler, sqs, sts, tables};
use crate::adapters::tables::Api;
use crate::engine::{Fault, Id};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};

/// The largest body that any of the services takes is a batch of DynamoDB's, 16 MB of items in JSON.
const MAX_BODY: usize = 24 * 1024 * 1024;

/// A service, as errors and codecs differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Events,
    Sqs,
    Lambda,
    Scheduler,
    Sts,
    /// DynamoDB and its streams.
    Tables,
    /// One that is not served here.
    Unknown,
}

/// Answers one request; `None` closes its connection.
pub(super) async fn answer(wire: &Wire, request: Request<Incoming>) -> Option<Response<Body>> {
    let id = wire.id();
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            let text = format!("A request's body has at most {MAX_BODY} bytes.");
            let fault = Fault::new("RequestTooLargeException", text);
            return Some(fault::rest(Service::Lambda, &fault, id));
        }
    };
    let credential = credential::of(&parts.headers);
    if let Some(target) = parts.headers.get("x-amz-target") {
        let target = target.to_str().unwrap_or_default();
        return by_target(wire, id, &parts, credential, target, body).await;
    }
    if lambda::is_path(parts.uri.path()) {
        return by_path(wire, Service::Lambda, id, &parts, credential, body).await;
    }
    if scheduler::is_path(parts.uri.path()) {
        return by_path(wire, Service::Scheduler, id, &parts, credential, body).await;
    }
    if let Some((action, form)) = query::parse(&parts, &body) {
        return by_action(wire, id, &parts, credential, &action, form).await;
    }
    Some(match credential.map(|c| c.service.to_owned()) {
        Some(service) => {
            let what = format!("{} {}", parts.method, parts.uri.path());
            let fault = unknown(format!("{what} of the service {service} is not served here."));
            fault::rest(Service::Lambda, &fault, id)
        }
        None => otherwise(wire, id, parts, body).await,
    })
}

/// AWS JSON: `X-Amz-Target: AWSEvents.PutEvents`.
async fn by_target(
    wire: &Wire,
    id: Id,
    parts: &Parts,
    credential: Option<Credential<'_>>,
    target: &str,
    body: Bytes,
) -> Option<Response<Body>> {
    let (prefix, action) = target.rsplit_once('.').unwrap_or((target, ""));
    let service = match prefix {
        "AWSEvents" => Service::Events,
        "AmazonSQS" => Service::Sqs,
        "DynamoDB_20120810" | "DynamoDBStreams_20120810" => Service::Tables,
        _ => Service::Unknown,
    };
    let ask = match Ask::new(wire, service, id, &parts.headers, credential) {
        Ok(ask) => ask,
        Err(fault) => return Some(fault::json(service, &fault, id)),
    };
    match struck::before(&ask, service, action).await {
        Ok(()) => {}
        Err(Struck::Refused(fault)) => return Some(fault::json(service, &fault, id)),
        Err(Struck::Lost) => return None,
    }
    let result = match service {
        Service::Events => events::answer(&ask, action, body).await,
        Service::Sqs => sqs::answer(&ask, action, Input::Json(body)).await,
        Service::Tables => {
            let api = if prefix == "DynamoDB_20120810" { Api::DynamoDb } else { Api::Streams };
            let response = tables::answer(&ask, api, action, body).await;
            return struck::after(&ask, service, action, response).await;
        }
        _ => Err(unknown(format!("{target} belongs to no service that runs here."))),
    };
    let response = match result {
        Ok(output) => written(service, output, id),
        Err(fault) => fault::json(service, &fault, id),
    };
    struck::after(&ask, service, action, response).await
}

/// The Query protocol: `Action=SendMessage&…`.
async fn by_action(
    wire: &Wire,
    id: Id,
    parts: &Parts,
    credential: Option<Credential<'_>>,
    action: &str,
    form: query::Form,
) -> Option<Response<Body>> {
    let signed_for = credential.map(|c| c.service);
    let service = match (signed_for, form.version()) {
        (Some("sqs"), _) | (None, Some("2012-11-05")) => Service::Sqs,
        (Some("sts"), _) | (None, Some("2011-06-15")) => Service::Sts,
        (None, None) if query::is_queue_path(parts.uri.path()) => Service::Sqs,
        _ => Service::Unknown,
    };
    let ask = match Ask::new(wire, service, id, &parts.headers, credential) {
        Ok(ask) => ask,
        Err(fault) => return Some(fault::query(service, &fault, id)),
    };
    match struck::before(&ask, service, action).await {
        Ok(()) => {}
        Err(Struck::Refused(fault)) => return Some(fault::query(service, &fault, id)),
        Err(Struck::Lost) => return None,
    }
    let result = match service {
        Service::Sqs => sqs::answer(&ask, action, Input::Form(form)).await,
        Service::Sts => sts::answer(&ask, action, Input::Form(form)).await,
        _ => Err(unknown(format!(
            "{action} of {} belongs to no service that runs here.",
            signed_for.unwrap_or("an unnamed service")
        ))),
    };
    let response = match result {
        Ok(output) => written(service, output, id),
        Err(fault) => fault::query(service, &fault, id),
    };
    struck::after(&ask, service, action, response).await
}

/// Lambda and Scheduler: `POST /2015-03-31/functions/payment/invocations`.
async fn by_path(
    wire: &Wire,
    service: Service,
    id: Id,
    parts: &Parts,
    credential: Option<Credential<'_>>,
    body: Bytes,
) -> Option<Response<Body>> {
    let ask = match Ask::new(wire, service, id, &parts.headers, credential) {
        Ok(ask) => ask,
        Err(fault) => return Some(fault::rest(service, &fault, id)),
    };
    let action = match service {
        Service::Scheduler => scheduler::action(parts),
        _ => lambda::action(parts),
    };
    match struck::before(&ask, service, action).await {
        Ok(()) => {}
        Err(Struck::Refused(fault)) => return Some(fault::rest(service, &fault, id)),
        Err(Struck::Lost) => return None,
    }
    let result = match service {
        Service::Scheduler => scheduler::answer(&ask, parts, body).await,
        _ => lambda::answer(&ask, parts, body).await,
    };
    let response = result.unwrap_or_else(|fault| fault::rest(service, &fault, id));
    struck::after(&ask, service, action, response).await
}

/// The control API, the page, or nothing.
async fn otherwise(wire: &Wire, id: Id, parts: Parts, body: Bytes) -> Response<Body> {
    let what = format!("Nothing answers {} {}.\n", parts.method, parts.uri.path());
    match wire.state.fallback.answer(Request::from_parts(parts, body)).await {
        Some(mut response) => {
            set_request_id(&mut response, id);
            response
        }
        None => respond(StatusCode::NOT_FOUND, TEXT, id, what),
    }
}

fn written(service: Service, output: Output, id: Id) -> Response<Body> {
    match output {
        Output::Xml(text) => respond(StatusCode::OK, XML, id, text),
        Output::Json(bytes) => {
            let content_type = if service == Service::Events { JSON_1_1 } else { JSON_1_0 };
            respond(StatusCode::OK, content_type, id, bytes)
        }
    }
}

/// There is no such action here.
pub(super) fn unknown(message: String) -> Fault {
    Fault::new("UnknownOperationException", message)
}
