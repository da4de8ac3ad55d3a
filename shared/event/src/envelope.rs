#[cfg(test)]
mod tests;

use crate::{
    Command, Declaration, Event, SchemaVersion, StreamName, Timestamp, Ulid,
    upcast::{self, Unreadable, Upcaster},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::fmt;

/// The most hops between a request and what follows from it. What would be further is refused: it
/// is taken for a feedback loop.
pub const HOP_LIMIT: u32 = 32;

/// What travels: EventBridge's `detail`, and the body of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T = Value> {
    /// What every event has.
    pub metadata: Metadata,
    /// What this one says.
    pub data: T,
}

/// What every event and command says of itself. Unknown fields are tolerated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Minted once and stored with it; what duplicates are known by.
    pub id: Ulid,
    /// The name of the event or command, `detail-type`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Who says it, as EventBridge's `source`.
    pub source: String,
    /// What it is about: by default the id of its stream.
    pub subject: String,
    /// The stream it was appended to.
    pub stream: StreamName,
    /// Its place in the stream, from 1, without gaps.
    pub version: u64,
    /// The version of the event before it in the stream, commands skipped; 0 if none.
    pub previous: u64,
    /// The version of `data`'s schema.
    pub schema_version: SchemaVersion,
    /// Business time, never before its cause's.
    pub occurred_at: Timestamp,
    /// The id of the request it all began with.
    pub correlation_id: String,
    /// The id of the event or command it follows from; the request's, if from none.
    pub causation_id: String,
    /// The W3C trace context, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// How many events and commands lie between the request and this; 0 follows it directly.
    pub hops: u32,
}

/// Where an event or command stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The stream.
    pub stream: StreamName,
    /// Its version there, from 1.
    pub version: u64,
    /// The version of the event before it, commands skipped; 0 if none.
    pub previous: u64,
    /// What it is about.
    pub subject: String,
}

impl Place {
    /// The place `version` behind `previous` in `stream`, about the stream's id.
    pub fn new(stream: StreamName, version: u64, previous: u64) -> Self {
        let subject = stream.id().to_owned();
        Self { stream, version, previous, subject }
    }

    /// The same place, about something else than the stream's id.
    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..self }
    }
}

/// What an event or command follows from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    correlation_id: String,
    causation_id: String,
    traceparent: Option<String>,
    occurred_at: Timestamp,
    hops: u32,
}

impl Cause {
    /// A request with this id, received at `at`: its id becomes correlation and causation.
    pub fn request(id: impl Into<String>, at: Timestamp) -> Self {
        let id = id.into();
        Self {
            correlation_id: id.clone(),
            causation_id: id,
            traceparent: None,
            occurred_at: at,
            hops: 0,
        }
    }

    /// An event or command that was received; what follows is one hop further.
    ///
    /// # Errors
    /// If that hop would be past [`HOP_LIMIT`].
    pub fn parent(parent: &Metadata) -> Result<Self, HopLimit> {
        if parent.hops >= HOP_LIMIT {
            return Err(HopLimit { event_type: parent.event_type.clone(), id: parent.id });
        }
        Ok(Self { hops: parent.hops + 1, ..Self::again(parent) })
    }

    /// A command that came before it was due and is appended once more: this counts no hop.
    pub fn again(parent: &Metadata) -> Self {
        Self {
            correlation_id: parent.correlation_id.clone(),
            causation_id: parent.id.to_string(),
            traceparent: parent.traceparent.clone(),
            occurred_at: parent.occurred_at,
            hops: parent.hops,
        }
    }

    /// The same cause within this trace, or in none.
    #[must_use]
    pub fn traced(self, traceparent: Option<String>) -> Self {
        Self { traceparent, ..self }
    }
}

/// A chain of events grew past [`HOP_LIMIT`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopLimit {
    /// The type of the last one.
    pub event_type: String,
    /// Its id.
    pub id: Ulid,
}

impl fmt::Display for HopLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_type, id } = self;
        write!(f, "{event_type} {id} is {HOP_LIMIT} hops from its request: a feedback loop?")
    }
}

impl std::error::Error for HopLimit {}

impl Metadata {
    /// The metadata of something named `event_type` that happens at `now` because of `cause`.
    ///
    /// `occurredAt` is the later of `now` and the cause's: clocks of two machines may differ, but
    /// nothing comes before its cause.
    pub fn new(
        id: Ulid,
        (event_type, schema_version, source): (&str, SchemaVersion, &str),
        place: Place,
        cause: &Cause,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            event_type: event_type.to_owned(),
            source: source.to_owned(),
            subject: place.subject,
            stream: place.stream,
            version: place.version,
            previous: place.previous,
            schema_version,
            occurred_at: now.max(cause.occurred_at),
            correlation_id: cause.correlation_id.clone(),
            causation_id: cause.causation_id.clone(),
            traceparent: cause.traceparent.clone(),
            hops: cause.hops,
        }
    }

    /// The metadata of an event so declared.
    pub fn of(
        declaration: &Declaration,
        id: Ulid,
        place: Place,
        cause: &Cause,
        now: Timestamp,
    ) -> Self {
        let Declaration { name, version, source, .. } = *declaration;
        Self::new(id, (name, version, source), place, cause, now)
    }
}

impl<E: Event> Envelope<E> {
    /// The event `data` at `place`, happening at `now` because of `cause`.
    pub fn new(id: Ulid, place: Place, cause: &Cause, now: Timestamp, data: E) -> Self {
        Self { metadata: Metadata::of(&Declaration::of::<E>(), id, place, cause, now), data }
    }
}

impl<T: Serialize> Envelope<T> {
    /// The same with its data as JSON.
    ///
    /// # Errors
    /// If the data has no JSON form (a map whose keys are no strings).
    pub fn erase(&self) -> Result<Envelope, serde_json::Error> {
        let data = serde_json::to_value(&self.data)?;
        Ok(Envelope { metadata: self.metadata.clone(), data })
    }
}

impl Envelope {
    /// The event as `E`, brought up to the version of today's code.
    ///
    /// # Errors
    /// If it is another event, of a version this code can't read, or its data does not fit.
    pub fn read<E: Event>(&self) -> Result<Envelope<E>, ReadError> {
        self.read_as(E::NAME, E::VERSION, E::UPCASTERS)
    }

    /// The command as `C`, brought up to the version of today's code.
    ///
    /// # Errors
    /// If it is another command, of a version this code can't read, or its data does not fit.
    pub fn read_command<C: Command>(&self) -> Result<Envelope<C>, ReadError> {
        self.read_as(C::NAME, C::VERSION, C::UPCASTERS)
    }

    fn read_as<T: DeserializeOwned>(
        &self,
        wanted: &'static str,
        version: SchemaVersion,
        upcasters: &[Upcaster],
    ) -> Result<Envelope<T>, ReadError> {
        let metadata = &self.metadata;
        if metadata.event_type != wanted {
            return Err(ReadError::Other { wanted, found: metadata.event_type.clone() });
        }
        let unreadable = |why| ReadError::Unreadable { event: wanted, id: metadata.id, why };
        let found = metadata.schema_version;
        let data = upcast::run(upcasters, found, version, self.data.clone());
        let data = data.map_err(unreadable)?;
        let data = serde_json::from_value(data)
            .map_err(|error| unreadable(Unreadable::Data { found, reason: error.to_string() }))?;
        Ok(Envelope { metadata: metadata.clone(), data })
    }
}

/// Why an envelope could not be read as an event or command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// It is another one.
    Other {
        /// What was asked for.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// Its data can't be read.
    Unreadable {
        /// Its name.
        event: &'static str,
        /// Its id.
        id: Ulid,
        /// What is wrong.
        why: Unreadable,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other { wanted, found } => write!(f, "expected {wanted}, found {found:?}"),
            Self::Unreadable { event, id, why } => write!(f, "{event} {id}: {why}"),
        }
    }
}

impl std::error::Error for ReadError {}
