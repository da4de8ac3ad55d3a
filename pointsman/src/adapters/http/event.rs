//! A request as a function gets it: payload format 2.0.

use super::route::{Taken, decoded};
use crate::clock::Time;
use crate::topology::HttpApiSpec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What an event is made of beside the request itself.
pub(super) struct Circumstances<'a> {
    pub(super) api: &'a HttpApiSpec,
    pub(super) account: &'a str,
    pub(super) request_id: &'a str,
    pub(super) trace: &'a str,
    pub(super) peer: IpAddr,
    /// Engine time: handlers take business time from it.
    pub(super) now: Time,
    pub(super) authorizer: Option<Value>,
}

/// The event as JSON.
pub(super) fn event(
    parts: &Parts,
    body: &Bytes,
    taken: &Taken<'_>,
    of: &Circumstances<'_>,
) -> Bytes {
    let route = match taken.route.path.as_str() {
        "$default" => "$default".to_owned(),
        path => format!("{} {path}", taken.route.method),
    };
    let path = parts.uri.path();
    let raw_path = match of.api.stage.as_str() {
        "$default" => path.to_owned(),
        stage => format!("/{stage}{path}"),
    };
    let raw_query = parts.uri.query().unwrap_or_default();
    let (headers, cookies) = headers(parts, of);
    let domain = headers.get("host").cloned().unwrap_or_default();
    let agent = headers.get("user-agent").cloned().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": raw_path,
        "rawQueryString": raw_query,
        "headers": headers,
        "requestContext": {
            "accountId": of.account,
            "apiId": of.api.name,
            "domainName": domain,
            "domainPrefix": domain.split('.').next().unwrap_or_default(),
            "http": {
                "method": parts.method.as_str(),
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": of.peer.to_string(),
                "userAgent": agent,
            },
            "requestId": of.request_id,
            "routeKey": route,
            "stage": of.api.stage,
            "time": of.now.format("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": of.now.0,
        },
        "isBase64Encoded": false,
    });
    let fields = event.as_object_mut().map(|fields| fields as &mut Map<String, Value>);
    if let Some(fields) = fields {
        if !cookies.is_empty() {
            fields.insert("cookies".into(), json!(cookies));
        }
        if !raw_query.is_empty() {
            fields.insert("queryStringParameters".into(), json!(query(raw_query)));
        }
        if !taken.parameters.is_empty() {
            fields.insert("pathParameters".into(), json!(taken.parameters));
        }
        if let Some(authorizer) = &of.authorizer {
            fields["requestContext"]["authorizer"] = authorizer.clone();
        }
        if !body.is_empty() {
            let (text, is_base64) = text(parts, body);
            fields.insert("body".into(), text.into());
            fields.insert("isBase64Encoded".into(), is_base64.into());
        }
    }
    Bytes::from(event.to_string())
}

/// Headers by lower-case name, repeats joined by commas, and the cookies apart.
fn headers(parts: &Parts, of: &Circumstances<'_>) -> (BTreeMap<String, String>, Vec<String>) {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut cookies = vec![];
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if name == "cookie" {
            cookies.extend(value.split("; ").map(str::to_owned));
            continue;
        }
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    let host = headers.get("host").and_then(|host| host.parse::<Authority>().ok());
    let port = host.and_then(|host| host.port_u16()).unwrap_or(80).to_string();
    headers.entry("x-amzn-trace-id".into()).or_insert_with(|| of.trace.to_owned());
    headers.entry("x-forwarded-for".into()).or_insert_with(|| of.peer.to_string());
    headers.entry("x-forwarded-port".into()).or_insert(port);
    headers.entry("x-forwarded-proto".into()).or_insert_with(|| "http".to_owned());
    (headers, cookies)
}

fn query(raw: &str) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(&value.replace('+', " "));
        all.entry(decoded(&name.replace('+', " ")))
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    all
}

/// A body as text, or in base64 where its type says it is none.
fn text(parts: &Parts, body: &Bytes) -> (String, bool) {
    let content_type = parts.headers.get("content-type").and_then(|v| v.to_str().ok());
    let media = content_type.and_then(|t| t.split(';').next()).unwrap_or("text/plain").trim();
    let is_text = media.starts_with("text/")
        || matches!(media, "application/json" | "application/javascript" | "application/xml")
        || media.ends_with("+json")
        || media.ends_with("+xml")
        || media == "application/x-www-form-urlencoded";
    match std::str::from_utf8(body) {
        Ok(text) if is_text => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}
