//! Lambda, by REST paths: `/2015-03-31/functions/…` and `/2015-03-31/event-source-mappings/…`.

mod configuration;
mod get_event_source_mapping;
mod get_function;
mod invoke;
mod list_event_source_mappings;
mod list_functions;
mod mapping;
mod name;
mod update_event_source_mapping;

use super::ask::Ask;
use super::page;
use super::reply::{Body, JSON, respond};
use super::route::unknown;
use crate::engine::Fault;
use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde::Serialize;
use std::collections::BTreeMap;

/// Whether a path is one of Lambda's API: a date of a version, then a kind of resource.
pub(super) fn is_path(path: &str) -> bool {
    let mut parts = path.trim_start_matches('/').split('/');
    let version = parts.next().unwrap_or_default().as_bytes();
    let fits =
        |(i, b): (usize, &u8)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() };
    let is_date = version.len() == 10 && version.iter().enumerate().all(fits);
    is_date && parts.next().is_some_and(|kind| !kind.is_empty())
}

/// `Invoke`, or nothing for what only reads or sets.
pub(super) fn action(parts: &Parts) -> &'static str {
    let invokes = parts.method == Method::POST && parts.uri.path().ends_with("/invocations");
    if invokes { "Invoke" } else { "" }
}

pub(super) async fn answer(
    ask: &Ask<'_>,
    parts: &Parts,
    body: Bytes,
) -> Result<Response<Body>, Fault> {
    let path = parts.uri.path();
    let query = Query::of(parts);
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (&parts.method, &segments[..]) {
        (&Method::POST, ["2015-03-31", "functions", name, "invocations"]) => {
            invoke::answer(ask, name, &query, &parts.headers, body).await
        }
        (&Method::GET, ["2015-03-31", "functions"]) => list_functions::answer(ask, &query).await,
        (&Method::GET, ["2015-03-31", "functions", name]) => {
            get_function::answer(ask, name, &query).await
        }
        (&Method::GET, ["2015-03-31", "functions", name, "configuration"]) => {
            get_function::configuration(ask, name, &query).await
        }
        (&Method::GET, ["2015-03-31", "event-source-mappings"]) => {
            list_event_source_mappings::answer(ask, &query).await
        }
        (&Method::GET, ["2015-03-31", "event-source-mappings", uuid]) => {
            get_event_source_mapping::answer(ask, uuid).await
        }
        (&Method::PUT, ["2015-03-31", "event-source-mappings", uuid]) => {
            update_event_source_mapping::answer(ask, uuid, &body).await
        }
        (method, _) => Err(unknown(format!("Lambda's {method} {path} is not served here."))),
    }
}

/// The parameters behind the path.
struct Query(BTreeMap<String, String>);

impl Query {
    fn of(parts: &Parts) -> Query {
        let text = parts.uri.query().unwrap_or_default();
        Query(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `MaxItems` and `Marker` of a list.
    fn paging(&self, most: usize) -> Result<(usize, Option<String>), Fault> {
        let limit = match self.get("MaxItems") {
            None => most,
            Some(text) => match text.parse::<usize>() {
                Ok(limit @ 1..=10_000) => limit.min(most),
                _ => return Err(invalid(format!("MaxItems is from 1 to 10000, not {text:?}."))),
            },
        };
        let after = match self.get("Marker") {
            None => None,
            Some(marker) => Some(page::decode(marker).ok_or_else(|| {
                invalid(format!("Marker {marker:?} is not one that this list has given."))
            })?),
        };
        Ok((limit, after))
    }
}

fn invalid(message: String) -> Fault {
    Fault::new("InvalidParameterValueException", message)
}

fn json(
    ask: &Ask<'_>,
    status: StatusCode,
    reply: &impl Serialize,
) -> Result<Response<Body>, Fault> {
    let bytes = serde_json::to_vec(reply).map_err(|error| {
        Fault::new("InternalFailure", format!("The reply could not be written: {error}."))
    })?;
    Ok(respond(status, JSON, ask.id, bytes))
}
