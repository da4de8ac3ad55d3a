//! What every event and command is: declarations, the envelope, upcasting. No I/O, no clock.
//!
//! | of | is |
//! |---|---|
//! | [`Event`], [`Command`], [`Declaration`] | what a type says about itself, in one place |
//! | [`Envelope`], [`Metadata`], [`Cause`], [`Place`] | what travels: `{"metadata": …, "data": …}` |
//! | [`EventSet`], [`CommandSet`] | those of one stream as one enum: [`event_set!`], [`command_set!`] |
//! | [`Readable`] | those and others that one queue gets: [`message_set!`] |
//! | [`Due`] | a command on its way out of a decision |
//! | [`upcast`] | old data read by new code, one major version a step |
//! | [`Ulid`], [`Timestamp`], [`SchemaVersion`], [`StreamName`] | the values an envelope is made of |
//! | [`cloud_event`], [`Flat`] | the same event for others: CloudEvents 1.0, and the flat form |
//!
//! ```
//! use pointsman_event::{Cause, Envelope, Event, Place, SchemaVersion, Timestamp, Ulid};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct LampLit { watts: u32 }
//!
//! impl Event for LampLit {
//!     const NAME: &str = "LampLit";
//!     const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
//!     const SOURCE: &str = "house.lamps";
//!     const STREAM: &str = "lamp";
//!     const OWNER: &str = "house";
//!     const REASON: &str = "A room became bright.";
//! }
//!
//! let now = Timestamp::from_ms(1_700_000_000_000);
//! let cause = Cause::request("r-1", now);
//! let place = Place::new("lamp#7".parse().unwrap(), 1, 0);
//! let event = Envelope::new(Ulid::new(0, [0; 10]), place, &cause, now, LampLit { watts: 40 });
//!
//! let sent = event.erase().unwrap();
//! assert_eq!(sent.metadata.event_type, "LampLit");
//! assert_eq!(sent.read::<LampLit>().unwrap().data.watts, 40);
//! ```

mod cloudevents;
mod declaration;
mod due;
mod envelope;
mod flat;
mod set;
mod stream;
mod time;
mod ulid;
pub mod upcast;
mod version;

pub use cloudevents::cloud_event;
pub use declaration::{Command, CommandDeclaration, Declaration, Event, Kind, Origin, Status};
pub use due::Due;
pub use envelope::{Cause, Envelope, HOP_LIMIT, HopLimit, Metadata, Place, ReadError};
pub use flat::Flat;
pub use set::{CommandSet, EventSet, Readable};
pub use stream::{InvalidStreamName, StreamName};
pub use time::{InvalidTimestamp, Timestamp};
pub use ulid::{InvalidUlid, Ulid};
pub use version::{InvalidSchemaVersion, SchemaVersion};

/// What the macros expand to needs these; nobody else does.
#[doc(hidden)]
pub mod __private {
    pub use serde_json;
}
