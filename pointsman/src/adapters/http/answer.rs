//! A function's answer as an HTTP response.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value};

/// API Gateway's own answers.
pub(super) fn message(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({ "message": text }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// 500, whatever went wrong behind the API.
pub(super) fn internal_error() -> Response<Full<Bytes>> {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// Reads an answer in payload format 2.0: an object with `statusCode` says everything itself; any other JSON is the
/// body of a 200. What cannot be sent is a 500.
pub(super) fn response(payload: &[u8]) -> Response<Full<Bytes>> {
    let Ok(value) = serde_json::from_slice::<Value>(payload) else { return internal_error() };
    match value {
        Value::Object(fields) if fields.contains_key("statusCode") => {
            structured(&fields).unwrap_or_else(internal_error)
        }
        other => {
            let body = match other {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let mut response = Response::new(Full::new(Bytes::from(body)));
            response
                .headers_mut()
                .insert(hyper::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
    }
}

fn structured(fields: &Map<String, Value>) -> Option<Response<Full<Bytes>>> {
    let status = match &fields["statusCode"] {
        Value::Number(n) => u16::try_from(n.as_u64()?).ok()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    let body = match fields.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) => match fields.get("isBase64Encoded") {
            Some(Value::Bool(true)) => Bytes::from(STANDARD.decode(text).ok()?),
            _ => Bytes::from(text.clone()),
        },
        Some(_) => return None,
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    let headers = response.headers_mut();
    if let Some(Value::Object(given)) = fields.get("headers") {
        for (name, value) in given {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::from_str(&text).ok()?,
            );
        }
    }
    if let Some(Value::Array(cookies)) = fields.get("cookies") {
        for cookie in cookies {
            let cookie = HeaderValue::from_str(cookie.as_str()?).ok()?;
            headers.append(hyper::header::SET_COOKIE, cookie);
        }
    }
    if !headers.contains_key(hyper::header::CONTENT_TYPE) {
        headers.insert(
            hyper::header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
    }
    Some(response)
}
