//! A message of a queue, read as the event it carries.

use super::{Failure, wire::Message};
use crate::{clock::Deadline, idempotency::Once, observability::Log};
use pointsman_event::{Cause, Envelope, HOP_LIMIT, Readable, Timestamp};
use serde::Deserialize;

/// One event as a consumer gets it.
#[derive(Debug, Clone)]
pub struct Record<S> {
    /// The event or command, brought up to today's version.
    pub event: Envelope<S>,
    /// The business time: when SQS first handed the message out. It is the same over retries.
    pub now: Timestamp,
    /// How often it has been handed out, this time included.
    pub receives: u32,
    /// The replay it comes from, if it is not live.
    pub replay: Option<Replay>,
    /// By when it must be handled; the handler is dropped then.
    pub deadline: Deadline,
    /// The log, with the event's ids.
    pub log: Log,
    /// Its data as text, by which a change under the same id is found out.
    data: String,
}

/// Where a replayed record is meant to go: the replay's name is `<consumer>.<generation>.<n>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The replay's whole name.
    pub name: String,
}

/// The EventBridge event in a message's body; commands are wrapped alike.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Body {
    detail_type: String,
    detail: Envelope,
    #[serde(default)]
    replay_name: Option<String>,
}

impl<S: Readable> Record<S> {
    /// Parse, upcast, hop limit.
    pub(super) fn read(message: &Message, deadline: Deadline, log: &Log) -> Result<Self, Failure> {
        let body: Body = serde_json::from_str(&message.body)
            .map_err(|error| Failure::reject(format!("the body is no event: {error}")))?;
        let Envelope { metadata, .. } = &body.detail;
        if body.detail_type != metadata.event_type {
            let (outer, inner) = (&body.detail_type, &metadata.event_type);
            return Err(Failure::reject(format!("detail-type {outer} holds a {inner}")));
        }
        if metadata.hops > HOP_LIMIT {
            let hops = metadata.hops;
            return Err(Failure::reject(format!("{hops} hops: a feedback loop?")));
        }
        let Some(data) = S::read(&body.detail).map_err(Failure::reject)? else {
            let name = &metadata.event_type;
            return Err(Failure::reject(format!(
                "this consumer knows no {name}: is its rule right?"
            )));
        };
        let attributes = &message.attributes;
        let received: i64 = attributes
            .approximate_first_receive_timestamp
            .parse()
            .map_err(|_| Failure::retry("the message has no ApproximateFirstReceiveTimestamp"))?;
        Ok(Self {
            now: Timestamp::from_ms(received),
            receives: attributes.approximate_receive_count.parse().unwrap_or(1),
            replay: body.replay_name.map(|name| Replay { name }),
            deadline,
            log: log
                .with("eventId", metadata.id)
                .with("correlationId", &metadata.correlation_id)
                .with("eventType", &metadata.event_type),
            data: body.detail.data.to_string(),
            event: Envelope { metadata: body.detail.metadata, data },
        })
    }
}

impl<S> Record<S> {
    /// What follows from this event, one hop further.
    ///
    /// # Errors
    /// A rejection, if that would pass the hop limit.
    pub fn cause(&self) -> Result<Cause, Failure> {
        Ok(Cause::parent(&self.event.metadata)?)
    }

    /// The marker of this event at `consumer` and `generation`, kept in `table`.
    pub fn once(&self, table: &str, consumer: &str, generation: &str) -> Once {
        let id = self.event.metadata.id.to_string();
        Once::marker(table, consumer, generation, &id, self.data.as_bytes(), self.now)
    }
}

impl Replay {
    /// The generation it rebuilds, if it is meant for `consumer`.
    pub fn generation_for(&self, consumer: &str) -> Option<&str> {
        let (generation, run) =
            self.name.strip_prefix(consumer)?.strip_prefix('.')?.split_once('.')?;
        let known =
            !generation.is_empty() && !run.is_empty() && run.bytes().all(|b| b.is_ascii_digit());
        known.then_some(generation)
    }
}
