use super::ask::Ask;
use super::{query, xml};
use crate::engine::Fault;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::Future;

/// An action of a service whose input and output are a JSON document in one protocol and a form in the other.
pub(super) trait Action: DeserializeOwned {
    /// `()` is an empty body.
    type Reply: Serialize;

    fn run(self, ask: &Ask<'_>) -> impl Future<Output = Result<Self::Reply, Fault>> + Send;
}

/// An input as it came.
pub(super) enum Input {
    /// AWS JSON.
    Json(Bytes),
    /// The Query protocol.
    Form(query::Form),
}

/// A reply in the protocol of its input.
pub(super) enum Output {
    Json(Vec<u8>),
    Xml(String),
}

/// Reads the input, acts, writes the reply.
///
/// # Errors
/// The action's refusal; `SerializationException` for an input that does not fit.
pub(super) async fn run<A: Action>(
    ask: &Ask<'_>,
    name: &str,
    input: Input,
) -> Result<Output, Fault> {
    match input {
        Input::Json(body) => {
            let body = if body.is_empty() { &b"{}"[..] } else { &body };
            let action: A = serde_json::from_slice(body).map_err(unreadable)?;
            let reply = action.run(ask).await?;
            write(&reply).map(Output::Json)
        }
        Input::Form(form) => {
            let action: A = serde_json::from_value(form.into_value()).map_err(unreadable)?;
            let reply = serde_json::to_value(action.run(ask).await?).map_err(unwritable)?;
            let result = if reply == Value::Null { None } else { Some(&reply) };
            Ok(Output::Xml(xml::response(name, result, ask.id)))
        }
    }
}

fn write(reply: &impl Serialize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(512);
    serde_json::to_writer(&mut bytes, reply).map_err(unwritable)?;
    if bytes == b"null" {
        bytes.clear();
    }
    Ok(bytes)
}

/// The input is no JSON, or not of the action's shape.
pub(super) fn unreadable(error: serde_json::Error) -> Fault {
    Fault::new("SerializationException", format!("The request's body does not fit: {error}."))
}

/// Every reply is a plain tree, so that this is a fault of ours.
fn unwritable(error: serde_json::Error) -> Fault {
    Fault::new("InternalFailure", format!("The reply could not be written: {error}."))
}
