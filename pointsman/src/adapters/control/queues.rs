//! What lies in queues, and why.

use super::Control;
use super::rest::sentence;
use super::routes::{refuse, reply};
use crate::adapters::wire::Body;
use crate::clock::Time;
use crate::engine::{Attribute, AttributeValue, State};
use crate::services::queue::{Message, Position, Queue};
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// So many messages of a queue are asked for their reasons; a deeper one is not worth the time of everybody else.
const ASKED: usize = 10_000;

/// So many reasons are told.
const REASONS: usize = 3;

/// So many characters of a reason tell two apart.
const REASON: usize = 200;

/// So many characters of a body are shown.
const BODY: usize = 200;

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueView {
    /// Its name.
    pub queue: String,
    /// Messages that can be received.
    pub visible: usize,
    /// Messages that somebody has received and not yet deleted.
    pub in_flight: usize,
    /// Messages that are not to be received yet.
    pub delayed: usize,
    /// Seconds since the oldest message was sent.
    pub oldest_seconds: Option<u64>,
    /// The function that a mapping brings its messages to.
    pub function: Option<String>,
    /// Whether that mapping is enabled.
    pub enabled: Option<bool>,
    /// Its dead-letter queue.
    pub dead_letter_queue: Option<String>,
    /// How many messages lie there.
    pub dead_letters: Option<usize>,
    /// Why messages lie in this queue, if it is one for what went wrong: the commonest reasons.
    pub reasons: Vec<Reason>,
    /// It left its template, and stays until it is empty.
    pub retained: bool,
}

/// Why messages went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Why.
    pub reason: String,
    /// How many.
    pub messages: usize,
}

/// A message, looked at without receiving it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    /// `MessageId`
    pub id: String,
    /// `visible`, `in flight`, `delayed`.
    pub state: String,
    /// For how many seconds it is not visible yet.
    pub for_seconds: Option<u64>,
    /// Seconds since it was sent.
    pub age_seconds: u64,
    /// How often it was received.
    pub receives: u32,
    /// Why it lies in a queue for what went wrong.
    pub reason: Option<String>,
    /// Its attributes; of a binary one, how long it is.
    pub attributes: BTreeMap<String, String>,
    /// The first characters of its body.
    pub body: String,
    /// Bytes of its body.
    pub size: u32,
}

impl Control {
    /// All queues, by name.
    ///
    /// # Errors
    /// One sentence: the engine has ended.
    pub async fn queues(&self) -> Result<Vec<QueueView>, String> {
        let views = self.engine.read(|state, now| {
            state.queues.values().map(|queue| view(state, queue, now)).collect::<Vec<_>>()
        });
        views.await.map_err(sentence)
    }

    /// The first `most` messages of a queue, oldest number first, without receiving them.
    ///
    /// # Errors
    /// One sentence: there is no such queue, or the engine has ended.
    pub async fn messages(&self, queue: &str, most: usize) -> Result<Vec<MessageView>, String> {
        let name = queue.to_owned();
        let looked = self.engine.read(move |state, now| {
            let queue = state.queues.get(name.as_str())?;
            let messages = queue.messages().take(most);
            let views = messages
                .map(|(seq, message)| (message.body.id, message_view(state, (seq, message), now)));
            Some(views.collect::<Vec<_>>())
        });
        let looked = looked.await.map_err(sentence)?;
        let looked = looked.ok_or_else(|| format!("there is no queue {queue}"))?;
        let bodies = looked.into_iter().map(|(body, mut view)| {
            // It may have been deleted since.
            let text = self.engine.body(body).unwrap_or_default();
            view.body = String::from_utf8_lossy(&text).chars().take(BODY).collect();
            view
        });
        Ok(bodies.collect())
    }

    pub(super) async fn show_queues(&self) -> Response<Body> {
        match self.queues().await {
            Ok(queues) => reply(&json!(queues)),
            Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
        }
    }

    pub(super) async fn show_messages(&self, queue: &str, query: Option<&str>) -> Response<Body> {
        let most = query.and_then(|query| query.strip_prefix("max=")?.parse().ok());
        match self.messages(queue, most.unwrap_or(10)).await {
            Ok(messages) => reply(&json!(messages)),
            Err(why) => refuse(StatusCode::NOT_FOUND, &why),
        }
    }
}

fn view(state: &State, queue: &Queue, now: Time) -> QueueView {
    let name = &queue.spec.name;
    let mapping = state.mappings.values().find(|mapping| mapping.queue() == Some(name));
    let dead = dead_letter_queue(state, queue);
    QueueView {
        queue: name.clone(),
        visible: queue.visible(),
        in_flight: queue.in_flight(),
        delayed: queue.delayed(),
        oldest_seconds: queue.oldest().map(|sent| (now - sent).as_secs()),
        function: mapping.map(|mapping| mapping.spec.function.clone()),
        enabled: mapping.map(|mapping| mapping.spec.enabled),
        dead_letter_queue: dead.map(|dead| dead.spec.name.clone()),
        dead_letters: dead.map(Queue::len),
        reasons: reasons(state, queue),
        retained: queue.retained,
    }
}

fn dead_letter_queue<'a>(state: &'a State, queue: &Queue) -> Option<&'a Queue> {
    let redrive = queue.spec.redrive.as_ref()?;
    state.queues.get(state.region.local("sqs", &redrive.target)?)
}

/// The commonest reasons, with how often. Two that differ in numbers alone are one.
fn reasons(state: &State, queue: &Queue) -> Vec<Reason> {
    let asked = queue.messages().take(ASKED);
    let all = asked.filter_map(|(seq, message)| reason(state, seq, message));
    commonest(all)
}

fn commonest(all: impl Iterator<Item = String>) -> Vec<Reason> {
    let mut counted: BTreeMap<String, Reason> = BTreeMap::new();
    for reason in all {
        let reason: String = reason.chars().take(REASON).collect();
        let kind = reason.replace(|c: char| c.is_ascii_digit(), "");
        let reason = Reason { reason, messages: 0 };
        counted.entry(kind).or_insert(reason).messages += 1;
    }
    let mut all: Vec<Reason> = counted.into_values().collect();
    all.sort_by_key(|reason| std::cmp::Reverse(reason.messages));
    all.truncate(REASONS);
    all
}

/// Why a message went wrong: what its sender says, or what moved it.
fn reason(state: &State, seq: u64, message: &Message) -> Option<String> {
    let text = |name: &str| {
        let extra = message.extra.as_deref()?;
        match &extra.attributes.get(name)?.value {
            AttributeValue::Text(text) => Some(text.as_str()),
            AttributeValue::Bytes(_) => None,
        }
    };
    if let Some(source) = &message.dead_letter_source {
        let policy = state.queues.get(source).and_then(|queue| queue.spec.redrive.as_ref());
        let times = policy.map_or(message.receives, |redrive| redrive.max_receives);
        let last = state.troubles.of(seq).map(|why| format!("; the last time: {why}"));
        let last = last.unwrap_or_default();
        return Some(format!("received {times} times from {source} and never handled{last}"));
    }
    // EventBridge's words, and Lambda's.
    let code = text("ERROR_CODE").or_else(|| text("ErrorCode"));
    let said = text("ERROR_MESSAGE").or_else(|| text("ErrorMessage"));
    match (text("reason"), code, said) {
        (Some(reason), ..) => Some(reason.to_owned()),
        (None, Some(code), Some(said)) => Some(format!("{code}: {said}")),
        (None, code, said) => code.or(said).map(str::to_owned),
    }
}

fn message_view(state: &State, (seq, message): (u64, &Message), now: Time) -> MessageView {
    let (place, until) = match message.place {
        Position::Visible => ("visible", None),
        Position::Delayed(until) => ("delayed", Some(until)),
        Position::InFlight { until, .. } => ("in flight", Some(until)),
    };
    let attributes = message.extra.iter().flat_map(|extra| &extra.attributes);
    MessageView {
        id: message.id.to_string(),
        state: place.to_owned(),
        for_seconds: until.map(|until| (until - now).as_secs()),
        age_seconds: (now - message.sent).as_secs(),
        receives: message.receives,
        reason: reason(state, seq, message),
        attributes: attributes.map(|(name, value)| (name.clone(), shown(value))).collect(),
        body: String::new(),
        size: message.body.size,
    }
}

fn shown(attribute: &Attribute) -> String {
    match &attribute.value {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::Bytes(bytes) => format!("({} bytes)", bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_reasons_come_first_and_numbers_do_not_tell_them_apart() {
        let given = ["a", "no event at column 1", "no event at column 27", "b", "c", "b", "b"];
        let told = commonest(given.iter().map(|reason| (*reason).to_owned()));
        let told: Vec<_> = told.iter().map(|r| (r.reason.as_str(), r.messages)).collect();
        assert_eq!(told, [("b", 3), ("no event at column 1", 2), ("a", 1)]);
    }
}
