//! DynamoDB and its streams: handed on as they came.

use super::ask::Ask;
use super::fault;
use super::reply::{Body, JSON_1_0, respond};
use super::route::Service;
use crate::adapters::tables::{Api, Call};
use crate::engine::Fault;
use bytes::Bytes;
use hyper::{Response, StatusCode};

pub(super) async fn answer(ask: &Ask<'_>, api: Api, action: &str, body: Bytes) -> Response<Body> {
    let call = Call { api, operation: action.to_owned(), body, cause: Some(ask.cause()) };
    match ask.wire.state.tables.call(call).await {
        Ok(answer) => {
            let status =
                StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            respond(status, JSON_1_0, ask.id, answer.body)
        }
        Err(error) => {
            if error.is_fatal() {
                (ask.wire.state.lost)(&error);
            }
            fault::json(Service::Tables, &Fault::new("InternalFailure", error.to_string()), ask.id)
        }
    }
}
