use crate::engine::Id;
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Either, Full};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use std::convert::Infallible;

/// Body of a response: whole, or streamed.
pub type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, Infallible>>;

/// Answers requests that speak none of AWS's protocols: the control API, a page for browsers.
#[async_trait]
pub trait Fallback: Send + Sync + 'static {
    /// The response, or `None` where the path means nothing.
    async fn answer(&self, request: Request<Bytes>) -> Option<Response<Body>>;
}

/// Answers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFallback;

#[async_trait]
impl Fallback for NoFallback {
    async fn answer(&self, _: Request<Bytes>) -> Option<Response<Body>> {
        None
    }
}

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const JSON_1_0: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
pub(super) const JSON_1_1: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(super) const XML: HeaderValue = HeaderValue::from_static("text/xml");

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// A response with its content type and request id.
pub(super) fn respond(
    status: StatusCode,
    content_type: HeaderValue,
    id: Id,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    set_request_id(&mut response, id);
    response
}

/// The request id that the client is told.
pub(super) fn set_request_id(response: &mut Response<Body>, id: Id) {
    response.headers_mut().insert(REQUEST_ID, text(&id.to_string()));
}

/// A header's value; characters that no header may hold become `?`.
pub(super) fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| {
        let kept = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        let value: String = value.chars().map(kept).collect();
        HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("?"))
    })
}
