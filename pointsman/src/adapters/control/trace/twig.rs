use super::hint::Hint;
use super::tree::What;
use crate::clock::Time;
use crate::engine::{InvocationId, Name, NewMessage};

/// A node that grows while history is read.
#[derive(Debug)]
pub(super) struct Twig {
    pub(super) parent: Option<usize>,
    pub(super) at: Time,
    pub(super) end: Option<Time>,
    pub(super) what: What,
    pub(super) stand: Stand,
    /// Why it last went wrong.
    pub(super) trouble: Option<String>,
    pub(super) hint: Hint,
    pub(super) joint: bool,
}

/// Where something stands as far as history was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    Done(Option<String>),
    Failed(String),
    /// An invocation, or what waits for its answer.
    Running,
    /// A message: since when it can be received, and whether it is a dead letter.
    Visible(Time, bool),
    Delayed(Time),
    /// Until when, and who has it.
    InFlight(Time, Holder),
    /// A record that a mapping has not read.
    Unread(Name),
    /// A record that a mapping is busy with.
    Reading(Name),
    /// Until when a mapping waits before it tries again.
    Retry(Name, Time),
    /// An asynchronous invocation that waits for its turn.
    Queued,
    /// An asynchronous invocation that is tried again then.
    Again(Time),
}

/// Who holds a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Invocation(InvocationId),
    /// Nobody any more: its batch has ended without it.
    Nobody,
    Receiver(String),
}

impl Twig {
    pub(super) fn new(parent: Option<usize>, at: Time, what: What, stand: Stand) -> Twig {
        let (hint, trouble) = (Hint::default(), None);
        Twig { parent, at, end: None, what, stand, trouble, hint, joint: false }
    }

    /// A message that enters a queue.
    pub(super) fn message(
        parent: Option<usize>,
        at: Time,
        queue: &Name,
        message: &NewMessage,
        rule: Option<&Name>,
        dead: bool,
    ) -> Twig {
        let texts = message.extra.iter().flat_map(|extra| &extra.attributes);
        let texts = texts.filter_map(|(name, attribute)| match &attribute.value {
            crate::engine::AttributeValue::Text(text) => Some((name.clone(), text.clone())),
            crate::engine::AttributeValue::Bytes(_) => None,
        });
        let what = What::Message {
            id: message.id.to_string(),
            queue: queue.to_string(),
            rule: rule.map(|rule| rule.to_string()).filter(|rule| !rule.is_empty()),
            receives: 0,
            attributes: texts.collect(),
        };
        let stand = message.delayed.map_or(Stand::Visible(at, dead), Stand::Delayed);
        Twig::new(parent, at, what, stand)
    }

    pub(super) fn settle(&mut self, at: Time, stand: Stand) {
        self.end = Some(at);
        self.stand = stand;
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.stand, Stand::Done(_) | Stand::Failed(_))
    }
}
