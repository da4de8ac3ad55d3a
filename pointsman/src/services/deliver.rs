//! Handing bytes to whatever an ARN names: targets of rules, destinations of functions and mappings.

use crate::engine::{Attribute, AttributeValue, Body, Delivered, Draft, Extra, Name};
use crate::services::queue::check_text;
use bytes::Bytes;
use std::sync::Arc;

/// Sends `bytes` to a queue or function.
pub(crate) fn send(
    draft: &mut Draft<'_>,
    arn: &str,
    bytes: Bytes,
    extra: Option<Arc<Extra>>,
) -> Delivered {
    match refusal(draft, arn, &bytes) {
        Some((code, reason)) => Delivered::Lost { code, reason },
        None => {
            let body = draft.body(bytes);
            place(draft, arn, body, extra)
        }
    }
}

/// Sends what is stored already as `body`, so that an event's bytes are kept once however many get it.
pub(crate) fn send_stored(
    draft: &mut Draft<'_>,
    arn: &str,
    (body, bytes): (Body, &[u8]),
    extra: Option<Arc<Extra>>,
) -> Delivered {
    match refusal(draft, arn, bytes) {
        Some((code, reason)) => Delivered::Lost { code, reason },
        None => place(draft, arn, body, extra),
    }
}

fn place(draft: &mut Draft<'_>, arn: &str, body: Body, extra: Option<Arc<Extra>>) -> Delivered {
    let region = &draft.state.region;
    if let Some(queue) = region.local("sqs", arn) {
        let (queue, delay) = match draft.state.queues.get_key_value(queue) {
            Some((name, queue)) => (name.clone(), queue.spec.delay),
            None => (queue.into(), 0),
        };
        let mut message = draft.message(body);
        message.delayed = (delay > 0).then(|| draft.context.now.plus_seconds(delay));
        message.extra = extra;
        return Delivered::Queued { queue, message };
    }
    let function: Name = function_name(region.local("lambda", arn).unwrap_or_default()).into();
    let (event, request) = (draft.async_event(), draft.choices.id());
    Delivered::Invoked { function, event, body, request }
}

/// `function:NAME` or `function:NAME:QUALIFIER` without what is not the name.
pub(crate) fn function_name(local: &str) -> &str {
    let name = local.strip_prefix("function:").unwrap_or(local);
    name.split(':').next().unwrap_or(name)
}

/// Attributes of a dead letter.
pub(crate) fn attributes<const N: usize>(of: [(&str, &str, String); N]) -> Arc<Extra> {
    let attributes = of.into_iter().map(|(name, data_type, value)| {
        let value = AttributeValue::Text(value);
        (name.to_owned(), Attribute { data_type: data_type.to_owned(), value })
    });
    Arc::new(Extra { attributes: attributes.collect(), trace: None, group: None })
}

/// Why a target cannot take these bytes: EventBridge's error code and a sentence.
fn refusal(draft: &Draft<'_>, arn: &str, bytes: &[u8]) -> Option<(String, String)> {
    let (state, size) = (draft.state, bytes.len());
    let refuse = |code: &str, reason: String| Some((code.to_owned(), reason));
    if let Some(queue) = state.region.local("sqs", arn) {
        return match state.queues.get(queue) {
            None => refuse("NO_RESOURCE", format!("There is no queue {queue}.")),
            Some(q) if size > q.spec.max_size as usize => refuse(
                "INVALID_PARAMETER",
                format!("{size} bytes are more than queue {queue} takes: {}.", q.spec.max_size),
            ),
            Some(_) => {
                check_text(bytes).err().and_then(|fault| refuse("INVALID_PARAMETER", fault.message))
            }
        };
    }
    if let Some(function) = state.region.local("lambda", arn) {
        let function = function_name(function);
        return match state.functions.contains_key(function) {
            true => None,
            false => refuse("NO_RESOURCE", format!("There is no function {function}.")),
        };
    }
    refuse("INVALID_PARAMETER", format!("{arn} is neither a queue nor a function of this engine."))
}
