//! Engine time, moved by hand.

use super::Control;
use super::routes::{refuse, reply};
use crate::adapters::wire::Body;
use crate::engine::{Asked, Caller, Cause, Choices};
use crate::services::MoveClock;
use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

impl Control {
    pub(super) async fn clock(&self, body: &Bytes) -> Response<Body> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Move {
            by_ms: u64,
        }
        let by_ms = match serde_json::from_slice::<Move>(body) {
            Ok(moved) => moved.by_ms,
            Err(error) => return refuse(StatusCode::BAD_REQUEST, &format!("clock: {error}")),
        };
        let id = Choices::from_seed(self.engine.clock().wall().0 as u64).id();
        let asked = Asked { caller: Caller::Operator, cause: Cause::Request(id) };
        match self.engine.submit(MoveClock { by_ms }, asked).await {
            Ok(()) => reply(&json!({})),
            Err(fault) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &fault.message),
        }
    }
}
