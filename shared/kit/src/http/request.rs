//! A request, read once.

use super::{
    Event, Principal, Problem,
    wire::{Authorizer, Http, Jwt, RequestContext},
};
use crate::live::Live;
use base64::{Engine, engine::general_purpose::STANDARD};
use pointsman_event::Timestamp;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// The longest Idempotency-Key accepted, in characters.
const MAX_KEY: usize = 128;

/// An HTTP request.
#[derive(Debug, Clone)]
pub struct Request {
    /// API Gateway's id of it.
    pub id: String,
    /// The route as the template has it, `POST /orders/{id}`: what a function dispatches on.
    pub route: String,
    /// The method.
    pub method: String,
    /// The path as it was asked for.
    pub path: String,
    /// When API Gateway received it: the business time of all that follows from it.
    pub now: Timestamp,
    /// The body, decoded.
    pub body: Vec<u8>,
    headers: BTreeMap<String, String>,
    params: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    principal: Option<Principal>,
}

impl Request {
    /// A request to `route` for a test of a handler.
    pub fn builder(route: &str) -> Builder {
        Builder::new(route)
    }

    pub(super) fn from_event(event: Event) -> Result<Self, Problem> {
        let context = &event.request_context;
        let body = event.body.unwrap_or_default();
        let body = if event.is_base64_encoded {
            STANDARD.decode(body).map_err(|_| Problem::bad_request("the body is not base64"))?
        } else {
            body.into_bytes()
        };
        Ok(Self {
            principal: Principal::of(context),
            now: Timestamp::from_ms(context.time_epoch),
            id: event.request_context.request_id,
            route: event.route_key,
            method: event.request_context.http.method,
            path: event.raw_path,
            body,
            headers: event.headers,
            params: event.path_parameters.unwrap_or_default(),
            query: event.query_string_parameters.unwrap_or_default(),
        })
    }

    /// The right to act: nobody replays requests.
    pub fn live(&self) -> Live {
        Live::new()
    }

    /// The caller.
    ///
    /// # Errors
    /// 401 where the route has no authorizer or the token no subject.
    pub fn principal(&self) -> Result<&Principal, Problem> {
        self.principal.as_ref().ok_or_else(|| Problem::new(401, "the token names no subject"))
    }

    /// A parameter of the path.
    ///
    /// # Errors
    /// 404 if the route has none of this name.
    pub fn param(&self, name: &str) -> Result<&str, Problem> {
        let value = self.params.get(name).filter(|value| !value.is_empty());
        value.map(String::as_str).ok_or_else(|| Problem::not_found(&format!("no {name}")))
    }

    /// A parameter of the query string.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The Idempotency-Key header: 1 to 128 visible ASCII characters.
    ///
    /// # Errors
    /// 400 if it is missing or malformed.
    pub fn idempotency_key(&self) -> Result<&str, Problem> {
        let key = self
            .header("idempotency-key")
            .ok_or_else(|| Problem::bad_request("the header is required").at("Idempotency-Key"))?;
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic())
        {
            let text = format!("the header must have 1 to {MAX_KEY} visible ASCII characters");
            return Err(Problem::bad_request(&text).at("Idempotency-Key"));
        }
        Ok(key)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// 400 that names the field at fault.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let parsed = serde_path_to_error::deserialize(&mut reader).map_err(malformed)?;
        reader.end().map_err(|error| Problem::bad_request(&error.to_string()))?;
        Ok(parsed)
    }
}

/// A part of a body, for those that are judged one by one.
///
/// # Errors
/// 400 that names the field at fault, within the part.
pub fn read<T: DeserializeOwned>(part: &serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(part).map_err(malformed)
}

fn malformed(error: serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let path = error.path().to_string();
    let inner = error.into_inner();
    let problem = Problem::bad_request(&inner.to_string());
    match field(&path, &inner) {
        Some(field) => problem.at(&field),
        None => problem,
    }
}

/// The path of the field at fault, if it is a field's fault and not the text's. serde reports a
/// missing or unknown field at its parent, and names it in the text alone.
fn field(path: &str, error: &serde_json::Error) -> Option<String> {
    if !error.is_data() {
        return None;
    }
    let parent = (path != ".").then_some(path);
    let text = error.to_string();
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| text.strip_prefix(start)?.split_once('`'))
        .map(|(name, _)| name);
    match (parent, named) {
        (Some(parent), Some(name)) if parent != name && !parent.ends_with(&format!(".{name}")) => {
            Some(format!("{parent}.{name}"))
        }
        (Some(parent), _) => Some(parent.to_owned()),
        (None, Some(name)) => Some(name.to_owned()),
        (None, None) => None,
    }
}

/// A request in the making, for tests of handlers.
#[derive(Debug, Clone)]
pub struct Builder(Event);

impl Builder {
    fn new(route: &str) -> Self {
        let method = route.split(' ').next().unwrap_or_default().to_owned();
        Self(Event {
            route_key: route.to_owned(),
            raw_path: route.split(' ').nth(1).unwrap_or_default().to_owned(),
            headers: BTreeMap::new(),
            path_parameters: None,
            query_string_parameters: None,
            body: None,
            is_base64_encoded: false,
            request_context: RequestContext {
                request_id: "request-1".to_owned(),
                time_epoch: 1_767_225_600_000,
                http: Http { method },
                authorizer: None,
            },
        })
    }

    /// Sets a parameter of the path.
    #[must_use]
    pub fn param(mut self, name: &str, value: &str) -> Self {
        insert(self.0.path_parameters.get_or_insert_default(), name, value);
        self
    }

    /// Sets a parameter of the query string.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        insert(self.0.query_string_parameters.get_or_insert_default(), name, value);
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        insert(&mut self.0.headers, &name.to_ascii_lowercase(), value);
        self
    }

    /// Sets the caller.
    #[must_use]
    pub fn subject(mut self, subject: &str) -> Self {
        let claims = BTreeMap::from([("sub".to_owned(), subject.to_owned())]);
        self.0.request_context.authorizer =
            Some(Authorizer { jwt: Some(Jwt { claims, scopes: None }) });
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn json(mut self, body: &str) -> Self {
        self.0.body = Some(body.to_owned());
        self
    }

    /// Sets API Gateway's id of the request.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.0.request_context.request_id = id.to_owned();
        self
    }

    /// Sets the time of the request.
    #[must_use]
    pub fn now(mut self, now: Timestamp) -> Self {
        self.0.request_context.time_epoch = now.as_ms();
        self
    }

    /// The request.
    ///
    /// # Panics
    /// Never: what a builder makes is well-formed.
    pub fn build(self) -> Request {
        Request::from_event(self.0).expect("a built request is well-formed")
    }

    /// The request as API Gateway would send it.
    pub fn event(self) -> Event {
        self.0
    }
}

fn insert(map: &mut BTreeMap<String, String>, name: &str, value: &str) {
    map.insert(name.to_owned(), value.to_owned());
}
