use super::{existing, invalid};
use crate::engine::{
    AttributeValue, Command, Context, Decision, Draft, Extra, Fact, Fault, Id, Name, State,
};
use bytes::Bytes;
use std::sync::Arc;

/// `SendMessage` and `SendMessageBatch`: each message succeeds or fails for itself.
#[derive(Debug)]
pub struct SendMessages {
    /// The queue.
    pub queue: Name,
    /// What to send.
    pub messages: Vec<MessageToSend>,
}

/// A message to be sent.
#[derive(Clone, Debug, Default)]
pub struct MessageToSend {
    /// Its text.
    pub body: Bytes,
    /// `DelaySeconds`; without it the queue's.
    pub delay: Option<u32>,
    /// Attributes, trace header, group.
    pub extra: Extra,
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// `MessageId`
    pub id: Id,
    /// Number in the engine.
    pub seq: u64,
}

impl Command for SendMessages {
    type Reply = Vec<Result<Sent, Fault>>;

    fn decide(&self, state: &State, context: &Context) -> Decision<Self::Reply> {
        let queue = match existing(state, &self.queue) {
            Ok(queue) => queue,
            Err(fault) => return Decision::refuse(fault),
        };
        let mut draft = Draft::new(state, context);
        let mut reply = Vec::with_capacity(self.messages.len());
        for wanted in &self.messages {
            if let Err(fault) = check(wanted, queue.spec.max_size) {
                reply.push(Err(fault));
                continue;
            }
            let body = draft.body(wanted.body.clone());
            let mut message = draft.message(body);
            let delay = wanted.delay.unwrap_or(queue.spec.delay);
            message.delayed = (delay > 0).then(|| context.now.plus_seconds(delay));
            message.extra =
                (wanted.extra != Extra::default()).then(|| Arc::new(wanted.extra.clone()));
            reply.push(Ok(Sent { id: message.id, seq: message.seq }));
            let copy = draft.befall(&self.queue, &mut message);
            draft.fact(Fact::MessageSent { queue: self.queue.clone(), message });
            if let Some(message) = copy {
                draft.fact(Fact::MessageSent { queue: self.queue.clone(), message });
            }
        }
        draft.reply(reply)
    }
}

/// Size in bytes as SQS counts it: text, and names, types and values of the attributes.
pub(crate) fn size(message: &MessageToSend) -> usize {
    message.body.len() + message.extra.size()
}

impl Extra {
    /// Bytes of all names, types and values.
    pub(super) fn size(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, attribute)| {
            let value = match &attribute.value {
                AttributeValue::Text(text) => text.len(),
                AttributeValue::Bytes(bytes) => bytes.len(),
            };
            name.len() + attribute.data_type.len() + value
        });
        attributes.sum()
    }
}

fn check(message: &MessageToSend, max_size: u32) -> Result<(), Fault> {
    if message.body.is_empty() {
        return Err(Fault::new(
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ));
    }
    if size(message) > max_size as usize {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {max_size} bytes."
        )));
    }
    if message.delay.is_some_and(|delay| delay > 900) {
        return Err(invalid(format!(
            "Value {} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
            message.delay.unwrap_or_default()
        )));
    }
    check_text(&message.body)?;
    // The text of an attribute is restricted as a body is.
    message.extra.attributes.values().try_for_each(|attribute| match &attribute.value {
        AttributeValue::Text(text) => check_text(text.as_bytes()),
        AttributeValue::Bytes(_) => Ok(()),
    })
}

/// Refuses bytes that are no text of a message.
///
/// # Errors
/// `InvalidMessageContents`: no UTF-8, or characters that XML 1.0 does not have.
pub(crate) fn check_text(bytes: &[u8]) -> Result<(), Fault> {
    // As nearly all are; looked at many bytes at once.
    if bytes
        .iter()
        .fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r'))
    {
        return Ok(());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Fault::new("InvalidMessageContents", "The message is not UTF-8 text."))?;
    match text.chars().find(|&c| !is_xml_char(c)) {
        Some(c) => Err(Fault::new(
            "InvalidMessageContents",
            format!(
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF; found #x{:X}.",
                u32::from(c)
            ),
        )),
        None => Ok(()),
    }
}

fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
