//! AWS's errors: one table from the engine's codes to status, type and header, and their three forms.

use super::reply::{Body, JSON, JSON_1_0, JSON_1_1, XML, respond, text};
use super::route::Service;
use super::xml;
use crate::engine::{Fault, Id};
use hyper::{Response, StatusCode};
use serde_json::json;

/// How an error of this code looks.
pub(super) struct Shape {
    pub(super) status: StatusCode,
    /// The error's name in the service's model.
    pub(super) name: &'static str,
    /// The code of SQS's older protocol, which SDKs show; elsewhere the name.
    pub(super) query: &'static str,
    /// Whether the caller is to blame.
    pub(super) sender: bool,
}

/// The one table. A code that is not in it is the caller's fault, status 400, under its own name.
pub(super) fn shape(service: Service, code: &'static str) -> Shape {
    use Service::{Lambda, Scheduler, Sqs};
    let (status, name, query) = match (service, code) {
        (Sqs, _) => return sqs(code),
        (Lambda, "InternalFailure") => (500, "ServiceException", code),
        (Lambda, "AccessDeniedException") => (403, code, code),
        (Lambda, "ResourceNotFoundException" | "UnknownOperationException") => (404, code, code),
        (Lambda, "ResourceConflictException" | "ResourceInUseException") => (409, code, code),
        (Lambda, "RequestTooLargeException") => (413, code, code),
        (Lambda, "TooManyRequestsException") => (429, code, code),
        (Scheduler, "InternalFailure") => (500, "InternalServerException", code),
        (Scheduler, "ResourceNotFoundException" | "UnknownOperationException") => (404, code, code),
        (Scheduler, "ConflictException") => (409, code, code),
        (Scheduler, "ThrottlingException") => (429, code, code),
        (Service::Events, "InternalFailure") => (500, "InternalException", code),
        (Service::Tables, "InternalFailure") => (500, "InternalServerError", code),
        (_, "InternalFailure") => (500, code, code),
        (_, "RequestEntityTooLarge") => (413, code, code),
        (_, "ExpiredTokenException" | "InvalidSignatureException") => (403, code, code),
        _ => (400, code, code),
    };
    Shape { status: status_of(status), name, query, sender: status < 500 }
}

fn sqs(code: &'static str) -> Shape {
    let (status, name) = match code {
        "AccessDenied" => (403, "AccessDeniedException"),
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct" => (400, "BatchEntryIdsNotDistinct"),
        "AWS.SimpleQueueService.BatchRequestTooLong" => (400, "BatchRequestTooLong"),
        "AWS.SimpleQueueService.EmptyBatchRequest" => (400, "EmptyBatchRequest"),
        "AWS.SimpleQueueService.InvalidBatchEntryId" => (400, "InvalidBatchEntryId"),
        "AWS.SimpleQueueService.NonExistentQueue" => (400, "QueueDoesNotExist"),
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest" => {
            (400, "TooManyEntriesInBatchRequest")
        }
        "AWS.SimpleQueueService.UnsupportedOperation" => (400, "UnsupportedOperation"),
        "InvalidParameterValue" => (400, "InvalidParameterValueException"),
        "MissingParameter" => (400, "MissingRequiredParameterException"),
        "OverLimit" => (403, "OverLimit"),
        "QueueAlreadyExists" => (400, "QueueNameExists"),
        "ExpiredTokenException" | "InvalidSignatureException" => (403, code),
        "RequestEntityTooLarge" => (413, code),
        "InternalFailure" => (500, code),
        _ => (400, code),
    };
    Shape { status: status_of(status), name, query: code, sender: status < 500 }
}

fn status_of(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::BAD_REQUEST)
}

/// An error of an AWS JSON service.
pub(super) fn json(service: Service, fault: &Fault, id: Id) -> Response<Body> {
    let shape = shape(service, fault.code);
    let kind = match service {
        Service::Sqs if !is_common(shape.name) => format!("com.amazonaws.sqs#{}", shape.name),
        Service::Sqs | Service::Tables => format!("com.amazon.coral.service#{}", shape.name),
        _ => shape.name.to_owned(),
    };
    let message = if shape.name == "AccessDeniedException" { "Message" } else { "message" };
    let body = json!({ "__type": kind, message: fault.message }).to_string();
    let content_type = if service == Service::Events { JSON_1_1 } else { JSON_1_0 };
    let mut response = respond(shape.status, content_type, id, body);
    if service == Service::Sqs {
        let blame = if shape.sender { "Sender" } else { "Receiver" };
        let header = text(&format!("{};{blame}", shape.query));
        response.headers_mut().insert("x-amzn-query-error", header);
    }
    response
}

/// An error of Lambda or Scheduler, whose name is a header.
pub(super) fn rest(service: Service, fault: &Fault, id: Id) -> Response<Body> {
    let shape = shape(service, fault.code);
    let mut body = match shape.name {
        _ if service == Service::Scheduler => json!({ "Message": fault.message }),
        "ResourceNotFoundException" | "ServiceException" | "AccessDeniedException" => {
            json!({ "Message": fault.message })
        }
        _ => json!({ "message": fault.message }),
    };
    if shape.name != "AccessDeniedException" && service == Service::Lambda {
        body["Type"] = if shape.sender { "User" } else { "Service" }.into();
    }
    if shape.name == "TooManyRequestsException" {
        body["Reason"] = "ReservedFunctionConcurrentInvocationLimitExceeded".into();
    }
    let mut response = respond(shape.status, JSON, id, body.to_string());
    response.headers_mut().insert("x-amzn-errortype", text(shape.name));
    response
}

/// An error of the Query protocol.
pub(super) fn query(service: Service, fault: &Fault, id: Id) -> Response<Body> {
    let shape = shape(service, fault.code);
    let body = xml::error(service, &shape, &fault.message, id);
    respond(shape.status, XML, id, body)
}

/// Errors that belong to no service's model.
fn is_common(name: &str) -> bool {
    matches!(
        name,
        "AccessDeniedException"
            | "ExpiredTokenException"
            | "InternalFailure"
            | "InvalidSignatureException"
            | "RequestEntityTooLarge"
            | "SerializationException"
            | "UnknownOperationException"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    /// Status, the header of SQS's older protocol, body.
    async fn short(response: Response<Body>) -> (u16, Option<String>, String) {
        let status = response.status().as_u16();
        let header = response.headers().get("x-amzn-query-error");
        let header = header.map(|value| value.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, header, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_denial_looks_as_each_service_shows_it() {
        let denied = |code| Fault::new(code, "User: a is not authorized");
        let sqs = short(json(Service::Sqs, &denied("AccessDenied"), Id(1))).await;
        let coral = r#"{"Message":"User: a is not authorized","__type":"com.amazon.coral.service#AccessDeniedException"}"#;
        assert_eq!(sqs, (403, Some("AccessDenied;Sender".into()), coral.into()));
        let exception = denied("AccessDeniedException");
        let tables = short(json(Service::Tables, &exception, Id(1))).await;
        assert_eq!(tables, (400, None, coral.into()));
        let (status, _, events) = short(json(Service::Events, &exception, Id(1))).await;
        assert_eq!(status, 400);
        assert!(events.contains(r#""__type":"AccessDeniedException""#), "{events}");
        let lambda = short(rest(Service::Lambda, &exception, Id(1))).await;
        assert_eq!(lambda, (403, None, r#"{"Message":"User: a is not authorized"}"#.into()));
    }
}
