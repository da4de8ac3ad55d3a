//! Who is asking.

use super::wire::RequestContext;
use std::collections::BTreeMap;

/// The caller, as the API's JWT authorizer has verified them.
///
/// This is the one place that reads the authorizer's claims. API Gateway has checked signature,
/// issuer, audience, times and the route's scopes before a function sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's `sub`: who they are, and the owner of what they create.
    pub subject: String,
    /// What the token allows.
    pub scopes: Vec<String>,
    claims: BTreeMap<String, String>,
}

impl Principal {
    /// A claim by name; API Gateway hands over every value as a string.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).map(String::as_str)
    }

    /// Whether the token allows `scope`.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|one| one == scope)
    }

    /// The caller of a request; `None` where the route has no authorizer, or the token no subject.
    pub(super) fn of(context: &RequestContext) -> Option<Self> {
        let jwt = context.authorizer.as_ref()?.jwt.as_ref()?;
        let subject = jwt.claims.get("sub").filter(|subject| !subject.is_empty())?.clone();
        // `scopes` is null on a route that names none; the claim itself is there always.
        let scopes = jwt.scopes.clone().unwrap_or_else(|| {
            let claim = jwt.claims.get("scope").map(String::as_str).unwrap_or_default();
            claim.split_whitespace().map(str::to_owned).collect()
        });
        Some(Self { subject, scopes, claims: jwt.claims.clone() })
    }
}
