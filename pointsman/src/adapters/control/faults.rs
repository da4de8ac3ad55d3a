//! Faults on request: what has struck, and an end to them.

use super::Control;
use super::routes::{refuse, reply};
use crate::adapters::wire::Body;
use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// Faults on request, as they stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultsShown {
    /// Seed and chances, in words.
    pub plan: String,
    /// Whether anything may strike.
    pub on: bool,
    /// How many of which kind have struck.
    pub struck: BTreeMap<String, u64>,
}

/// Switches faults on request on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchFaults {
    /// Whether anything may strike.
    pub on: bool,
}

impl Control {
    /// Faults on request, as they stand; `None` where none were asked for.
    pub fn faults_shown(&self) -> Option<FaultsShown> {
        let faults = self.faults.as_ref()?;
        let struck = faults.counts().0.into_iter().map(|(kind, n)| (kind.to_owned(), n)).collect();
        Some(FaultsShown { plan: faults.plan().to_string(), on: faults.is_on(), struck })
    }

    pub(super) fn show_faults(&self) -> Response<Body> {
        match self.faults_shown() {
            Some(shown) => reply(&json!(shown)),
            None => refuse(StatusCode::NOT_FOUND, NONE),
        }
    }

    pub(super) fn switch_faults(&self, body: &Bytes) -> Response<Body> {
        let wanted = serde_json::from_slice::<SwitchFaults>(body);
        match (wanted, &self.faults) {
            (Err(error), _) => refuse(StatusCode::BAD_REQUEST, &format!("faults: {error}")),
            (Ok(_), None) => refuse(StatusCode::NOT_FOUND, NONE),
            (Ok(SwitchFaults { on }), Some(faults)) => {
                if on {
                    faults.resume()
                } else {
                    faults.stop()
                }
                self.show_faults()
            }
        }
    }
}

const NONE: &str = "there are no faults on request: start with `pointsman up --faults`";
