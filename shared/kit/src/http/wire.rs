//! The two JSON documents that API Gateway and a function exchange.

use super::Response;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A request as API Gateway sends it: the part of payload 2.0 that the kit reads.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub(super) route_key: String,
    #[serde(default)]
    pub(super) raw_path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) path_parameters: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) query_string_parameters: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) is_base64_encoded: bool,
    pub(super) request_context: RequestContext,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestContext {
    pub(super) request_id: String,
    pub(super) time_epoch: i64,
    pub(super) http: Http,
    #[serde(default)]
    pub(super) authorizer: Option<Authorizer>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Http {
    pub(super) method: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Authorizer {
    #[serde(default)]
    pub(super) jwt: Option<Jwt>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Jwt {
    #[serde(default)]
    pub(super) claims: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) scopes: Option<Vec<String>>,
}

/// A response as API Gateway reads it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self {
            status_code: response.status,
            headers: response.headers,
            body: response.body,
            is_base64_encoded: false,
        }
    }
}
