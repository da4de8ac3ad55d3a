use crate::{SchemaVersion, upcast::Upcaster};
use serde::{Serialize, de::DeserializeOwned};

/// Something that happened, as its type declares it.
///
/// The type's serde form is the envelope's `data`. Unknown fields must be tolerated (an older
/// consumer meets a newer event), so never derive `deny_unknown_fields` here.
pub trait Event: Serialize + DeserializeOwned {
    /// The name, past tense in PascalCase: `detail-type`, Rust type and folder of the catalogue.
    const NAME: &'static str;
    /// The version this code writes. It reads all older ones, by [`Event::UPCASTERS`].
    const VERSION: SchemaVersion;
    /// Who says it, as EventBridge's `source`: `shop.orders`.
    const SOURCE: &'static str;
    /// The type of the stream it is appended to, the part of the name before `#`.
    const STREAM: &'static str;
    /// The team that answers for it.
    const OWNER: &'static str;
    /// Why it exists, in one sentence.
    const REASON: &'static str;
    /// Whether it may still be relied upon.
    const STATUS: Status = Status::Active;
    /// Whether it carries state or names where to fetch it.
    const KIND: Kind = Kind::State;
    /// The steps from each older major version to the next, in any order.
    const UPCASTERS: &'static [Upcaster] = &[];
}

/// Something that is asked for: at the door by a client, or in a queue by another stream.
///
/// A command never travels on the bus.
pub trait Command: Serialize + DeserializeOwned {
    /// The name, imperative in PascalCase.
    const NAME: &'static str;
    /// The version this code writes.
    const VERSION: SchemaVersion;
    /// Who may ask.
    const ORIGIN: Origin;
    /// The team that answers for it.
    const OWNER: &'static str;
    /// Why it exists, in one sentence.
    const REASON: &'static str;
    /// Whether it may still be relied upon.
    const STATUS: Status = Status::Active;
    /// The steps from each older major version to the next, in any order.
    const UPCASTERS: &'static [Upcaster] = &[];
}

/// Whether an event or command may still be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Status {
    /// In use.
    Active,
    /// Still written and read, but to be left.
    Deprecated {
        /// The date it was deprecated, `YYYY-MM-DD`.
        since: &'static str,
        /// The name of what replaces it; `None` if nothing does.
        replaced_by: Option<&'static str>,
    },
}

/// What a consumer gets from an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// All that consumers need is in `data`.
    State,
    /// `data` names the thing; a consumer fetches it.
    Identifier,
}

/// Where a command comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "camelCase")]
pub enum Origin {
    /// A client, over HTTP.
    Door,
    /// The rows of one stream type, by its relay.
    Stream {
        /// The stream's type.
        stream: &'static str,
        /// The source it speaks as.
        source: &'static str,
    },
}

/// What an [`Event`] says about itself, as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Declaration {
    /// [`Event::NAME`].
    pub name: &'static str,
    /// [`Event::VERSION`].
    pub version: SchemaVersion,
    /// [`Event::SOURCE`].
    pub source: &'static str,
    /// [`Event::STREAM`].
    pub stream: &'static str,
    /// [`Event::OWNER`].
    pub owner: &'static str,
    /// [`Event::REASON`].
    pub reason: &'static str,
    /// [`Event::STATUS`].
    #[serde(flatten)]
    pub status: Status,
    /// [`Event::KIND`].
    pub kind: Kind,
}

impl Declaration {
    /// The declaration of `E`.
    pub const fn of<E: Event>() -> Self {
        Self {
            name: E::NAME,
            version: E::VERSION,
            source: E::SOURCE,
            stream: E::STREAM,
            owner: E::OWNER,
            reason: E::REASON,
            status: E::STATUS,
            kind: E::KIND,
        }
    }
}

/// What a [`Command`] says about itself, as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandDeclaration {
    /// [`Command::NAME`].
    pub name: &'static str,
    /// [`Command::VERSION`].
    pub version: SchemaVersion,
    /// [`Command::ORIGIN`].
    pub origin: Origin,
    /// [`Command::OWNER`].
    pub owner: &'static str,
    /// [`Command::REASON`].
    pub reason: &'static str,
    /// [`Command::STATUS`].
    #[serde(flatten)]
    pub status: Status,
}

impl CommandDeclaration {
    /// The declaration of `C`.
    pub const fn of<C: Command>() -> Self {
        Self {
            name: C::NAME,
            version: C::VERSION,
            origin: C::ORIGIN,
            owner: C::OWNER,
            reason: C::REASON,
            status: C::STATUS,
        }
    }
}
