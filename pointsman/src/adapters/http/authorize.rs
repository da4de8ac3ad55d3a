//! A JWT authorizer's verdict on a request, as API Gateway gives it.

use super::issuer::Issuer;
use crate::clock::Time;
use crate::topology::{AuthorizerSpec, RouteSpec};
use serde_json::{Map, Value, json};

/// Why a request is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 401, with what `www-authenticate` says.
    Unauthorized(String),
    /// 403: no scope of the route is in the token.
    Forbidden,
}

/// The authorizer's part of the event, or the refusal.
///
/// Checked are signature, `iss`, `aud` (or `client_id` where `aud` is missing), `exp`, `nbf`, `iat`, and one of the
/// route's scopes in `scope` or `scp`. `now` is wall time.
pub(super) fn authorize(
    issuer: &Issuer,
    authorizer: &AuthorizerSpec,
    route: &RouteSpec,
    token: Option<&str>,
    now: Time,
) -> Result<Value, Refusal> {
    let Some(token) = token else { return Err(Refusal::Unauthorized("Bearer".into())) };
    let bearer = token.strip_prefix("Bearer ").or_else(|| token.strip_prefix("bearer "));
    let token = bearer.unwrap_or(token).trim();
    let claims = issuer
        .claims(token)
        .ok_or_else(|| invalid("the token's signature could not be verified"))?;
    if claims.get("iss").and_then(Value::as_str) != Some(authorizer.issuer.as_str()) {
        return Err(invalid("the token does not have a valid issuer"));
    }
    if !audience_fits(&claims, &authorizer.audience) {
        return Err(invalid("the token does not have a valid audience"));
    }
    let stamp = |name: &str| claims.get(name).and_then(Value::as_f64);
    let seconds = now.seconds() as f64;
    match stamp("exp") {
        None => return Err(invalid("the token has no expiration")),
        Some(exp) if exp <= seconds => return Err(invalid("the token has expired")),
        Some(_) => {}
    }
    if stamp("nbf").is_some_and(|nbf| nbf > seconds) {
        return Err(invalid("the token is not valid yet"));
    }
    if stamp("iat").is_some_and(|iat| iat > seconds + 1.0) {
        return Err(invalid("the token was issued in the future"));
    }
    let scopes = scopes(&claims);
    if route.scopes.is_empty() {
        return Ok(json!({ "jwt": { "claims": texts(&claims), "scopes": null } }));
    }
    if !route.scopes.iter().any(|wanted| scopes.contains(wanted)) {
        return Err(Refusal::Forbidden);
    }
    Ok(json!({ "jwt": { "claims": texts(&claims), "scopes": scopes } }))
}

fn invalid(description: &str) -> Refusal {
    Refusal::Unauthorized(format!(
        r#"Bearer scope="" error="invalid_token" error_description="{description}""#
    ))
}

fn audience_fits(claims: &Map<String, Value>, wanted: &[String]) -> bool {
    let is_wanted = |value: &Value| value.as_str().is_some_and(|v| wanted.iter().any(|w| w == v));
    match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(is_wanted),
        Some(one) => is_wanted(one),
        None => claims.get("client_id").is_some_and(is_wanted),
    }
}

fn scopes(claims: &Map<String, Value>) -> Vec<String> {
    let claim = claims.get("scope").or_else(|| claims.get("scp"));
    match claim {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(all)) => {
            all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => vec![],
    }
}

/// All claims as text: arrays as `[a b]`, nulls left out, objects as JSON.
fn texts(claims: &Map<String, Value>) -> Map<String, Value> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => {
            let all: Vec<String> = all
                .iter()
                .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
                .collect();
            format!("[{}]", all.join(" "))
        }
        other => other.to_string(),
    };
    let given = claims.iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.clone(), Value::String(text(value)))).collect()
}
