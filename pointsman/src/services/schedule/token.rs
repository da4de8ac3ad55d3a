//! Client tokens: what was asked twice is done once.

use crate::engine::{Draft, Fact, Fault, State};
use crate::services::constraint::length;

/// A request's token, with what it asked for.
pub(super) struct Token<'a> {
    token: Option<&'a str>,
    digest: u64,
}

impl<'a> Token<'a> {
    /// `what` tells one request from another, as text.
    pub(super) fn of(token: Option<&'a str>, what: &str) -> Token<'a> {
        let digest = u64::from(crc32c::crc32c(what.as_bytes())) | (what.len() as u64) << 32;
        Token { token, digest }
    }

    /// Whether the request was carried out before.
    ///
    /// # Errors
    /// `ConflictException` where the token came with another request, `ValidationException` where it is none.
    pub(super) fn is_used(&self, state: &State) -> Result<bool, Fault> {
        if let Some(token) = self.token {
            length("clientToken", token, 1, 64)?;
        }
        match self.token.and_then(|token| state.schedules.digest_of(token)) {
            None => Ok(false),
            Some(digest) if digest == self.digest => Ok(true),
            Some(_) => Err(Fault::new(
                "ConflictException",
                "The ClientToken was used for a request with other parameters.",
            )),
        }
    }

    /// The request is carried out.
    pub(super) fn note(&self, draft: &mut Draft<'_>) {
        if let Some(token) = self.token {
            draft.fact(Fact::TokenUsed { token: token.into(), digest: self.digest });
        }
    }
}
