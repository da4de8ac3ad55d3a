//! Tokens of the local issuer.

use super::Control;
use super::routes::{refuse, reply};
use crate::adapters::wire::Body;
use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map as Object, Value, json};

/// What a token shall say.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// `sub`: whose token it is.
    pub sub: String,
    /// `scope`: words apart by spaces.
    pub scope: String,
    /// `aud`; without it the first that the APIs' authorizers want.
    pub aud: Option<String>,
    /// `iss`; without it the first that the APIs' authorizers want.
    pub iss: Option<String>,
    /// Seconds until it expires; it may be negative.
    pub expires_in: Option<i64>,
    /// Further claims.
    pub more: Object<String, Value>,
}

impl Control {
    /// A token with these claims, as the first authorizer of the APIs wants them.
    ///
    /// # Errors
    /// One sentence.
    pub async fn sign(&self, claims: Claims) -> Result<String, String> {
        let wanted = self.engine.read(|state, _| {
            let mut all = state.apis.values().flat_map(|a| a.spec.authorizers.values());
            all.next().map(|a| (a.issuer.clone(), a.audience.first().cloned()))
        });
        let wanted = wanted.await.map_err(|fault| fault.message)?;
        let (iss, aud) = wanted.unwrap_or_default();
        let now = self.engine.clock().wall().seconds();
        let mut all = claims.more;
        all.insert("iss".into(), claims.iss.unwrap_or(iss).into());
        if let Some(aud) = claims.aud.or(aud) {
            all.insert("aud".into(), aud.into());
        }
        all.insert("sub".into(), claims.sub.into());
        // Some issuers write `scp` instead.
        if !claims.scope.is_empty() || !all.contains_key("scp") {
            all.insert("scope".into(), claims.scope.into());
        }
        all.insert("iat".into(), now.into());
        all.insert("exp".into(), now.saturating_add(claims.expires_in.unwrap_or(3_600)).into());
        let issuer = self.issuer().await.ok_or("the engine has ended")?;
        issuer.sign(&all)
    }

    pub(super) async fn token(&self, body: &Bytes) -> Response<Body> {
        match serde_json::from_slice(body) {
            Err(error) => refuse(StatusCode::BAD_REQUEST, &format!("token: {error}")),
            Ok(claims) => match self.sign(claims).await {
                Ok(token) => reply(&json!({ "token": token })),
                Err(why) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &why),
            },
        }
    }
}
