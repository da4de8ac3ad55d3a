use crate::{CommandDeclaration, Declaration, Envelope, ReadError};
use serde_json::Value;

/// A closed set of what an envelope may hold: events, commands, or both.
///
/// [`event_set!`](crate::event_set), [`command_set!`](crate::command_set) and
/// [`message_set!`](crate::message_set) make one.
pub trait Readable: Sized {
    /// Reads one, brought up to today's version; `None` if its type is not of this set.
    ///
    /// # Errors
    /// If it is of this set, but can't be read.
    fn read(envelope: &Envelope) -> Result<Option<Self>, ReadError>;
}

/// A closed set of events, such as those of one stream. [`event_set!`](crate::event_set) makes one.
pub trait EventSet: Readable {
    /// The declarations of all of them.
    fn declarations() -> &'static [Declaration];

    /// The declaration of this one.
    fn declaration(&self) -> &'static Declaration;

    /// Its data as JSON.
    ///
    /// # Errors
    /// If the data has no JSON form.
    fn to_data(&self) -> Result<Value, serde_json::Error>;
}

/// A closed set of commands, such as those one stream sends, or those one queue takes.
/// [`command_set!`](crate::command_set) makes one.
pub trait CommandSet: Readable {
    /// The declarations of all of them.
    fn declarations() -> &'static [CommandDeclaration];

    /// The declaration of this one.
    fn declaration(&self) -> &'static CommandDeclaration;

    /// Its data as JSON.
    ///
    /// # Errors
    /// If the data has no JSON form.
    fn to_data(&self) -> Result<Value, serde_json::Error>;
}

/// Declares an enum of [`Event`](crate::Event)s with a variant named as each type, `From` each of
/// them, and its [`EventSet`] and [`Readable`].
///
/// ```
/// # use pointsman_event::{Event, SchemaVersion};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct LampLit;
/// # impl Event for LampLit {
/// #   const NAME: &str = "LampLit"; const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
/// #   const SOURCE: &str = "house.lamps"; const STREAM: &str = "lamp";
/// #   const OWNER: &str = "house"; const REASON: &str = "A room became bright.";
/// # }
/// use pointsman_event::{EventSet, event_set};
///
/// event_set! {
///     /// What happens to a lamp.
///     #[derive(Debug, Clone, PartialEq)]
///     pub enum LampEvent { LampLit }
/// }
/// assert_eq!(LampEvent::from(LampLit).declaration().name, "LampLit");
/// ```
#[macro_export]
macro_rules! event_set {
    ($(#[$meta:meta])* $vis:vis enum $set:ident { $($event:ident),+ $(,)? }) => {
        $crate::__declared_set! {
            EventSet, Declaration, read, Event,
            $(#[$meta])* $vis enum $set { $($event),+ }
        }
    };
}

/// Declares an enum of [`Command`](crate::Command)s with a variant named as each type, `From` each
/// of them, and its [`CommandSet`] and [`Readable`].
///
/// ```
/// # use pointsman_event::{Command, Origin, SchemaVersion};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct ChangeBulb;
/// # impl Command for ChangeBulb {
/// #   const NAME: &str = "ChangeBulb"; const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
/// #   const ORIGIN: Origin = Origin::Stream { stream: "lamp", source: "house.lamps" };
/// #   const OWNER: &str = "house"; const REASON: &str = "A lamp must burn again.";
/// # }
/// use pointsman_event::{CommandSet, command_set};
///
/// command_set! {
///     /// What a lamp asks for.
///     #[derive(Debug, Clone, PartialEq)]
///     pub enum LampCommand { ChangeBulb }
/// }
/// assert_eq!(LampCommand::from(ChangeBulb).declaration().name, "ChangeBulb");
/// ```
#[macro_export]
macro_rules! command_set {
    ($(#[$meta:meta])* $vis:vis enum $set:ident { $($command:ident),+ $(,)? }) => {
        $crate::__declared_set! {
            CommandSet, CommandDeclaration, read_command, Command,
            $(#[$meta])* $vis enum $set { $($command),+ }
        }
    };
}

/// Declares an enum of whole sets, for a queue that gets events of several streams, or commands
/// beside events. It has `From` each set, and is [`Readable`]: what an envelope holds is of the
/// first set that knows it.
///
/// ```
/// # use pointsman_event::{Command, Event, Origin, SchemaVersion};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct LampLit;
/// # impl Event for LampLit {
/// #   const NAME: &str = "LampLit"; const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
/// #   const SOURCE: &str = "house.lamps"; const STREAM: &str = "lamp";
/// #   const OWNER: &str = "house"; const REASON: &str = "A room became bright.";
/// # }
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct ChangeBulb;
/// # impl Command for ChangeBulb {
/// #   const NAME: &str = "ChangeBulb"; const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
/// #   const ORIGIN: Origin = Origin::Stream { stream: "lamp", source: "house.lamps" };
/// #   const OWNER: &str = "house"; const REASON: &str = "A lamp must burn again.";
/// # }
/// use pointsman_event::{command_set, event_set, message_set};
///
/// event_set! { #[derive(Debug, PartialEq)] pub enum LampEvent { LampLit } }
/// command_set! { #[derive(Debug, PartialEq)] pub enum LampCommand { ChangeBulb } }
/// message_set! {
///     /// What the janitor's queue gets.
///     #[derive(Debug, PartialEq)]
///     pub enum Inbox { Lamp(LampEvent), Order(LampCommand) }
/// }
/// assert_eq!(Inbox::from(LampEvent::from(LampLit)), Inbox::Lamp(LampEvent::LampLit(LampLit)));
/// ```
#[macro_export]
macro_rules! message_set {
    ($(#[$meta:meta])* $vis:vis enum $set:ident { $($name:ident($of:ty)),+ $(,)? }) => {
        $(#[$meta])*
        $vis enum $set {
            $(
                #[doc = concat!("One of [`", stringify!($of), "`].")]
                $name($of),
            )+
        }

        $(
            impl From<$of> for $set {
                fn from(message: $of) -> Self {
                    Self::$name(message)
                }
            }
        )+

        impl $crate::Readable for $set {
            fn read(
                envelope: &$crate::Envelope,
            ) -> ::core::result::Result<::core::option::Option<Self>, $crate::ReadError> {
                $(
                    if let Some(message) = <$of as $crate::Readable>::read(envelope)? {
                        return Ok(Some(Self::$name(message)));
                    }
                )+
                Ok(None)
            }
        }
    };
}

/// What [`event_set!`](crate::event_set) and [`command_set!`](crate::command_set) have in common:
/// the trait, what declares one, and how it is read differ.
#[doc(hidden)]
#[macro_export]
macro_rules! __declared_set {
    (
        $trait:ident, $declaration:ident, $read:ident, $one:ident,
        $(#[$meta:meta])* $vis:vis enum $set:ident { $($message:ident),+ }
    ) => {
        $(#[$meta])*
        $vis enum $set {
            $(
                #[doc = concat!("[`", stringify!($message), "`].")]
                $message($message),
            )+
        }

        $(
            impl From<$message> for $set {
                fn from(message: $message) -> Self {
                    Self::$message(message)
                }
            }
        )+

        impl $crate::$trait for $set {
            fn declarations() -> &'static [$crate::$declaration] {
                const { &[$($crate::$declaration::of::<$message>()),+] }
            }

            fn declaration(&self) -> &'static $crate::$declaration {
                match self {
                    $(Self::$message(_) => const { &$crate::$declaration::of::<$message>() },)+
                }
            }

            fn to_data(
                &self,
            ) -> ::core::result::Result<
                $crate::__private::serde_json::Value,
                $crate::__private::serde_json::Error,
            > {
                match self {
                    $(Self::$message(message) => $crate::__private::serde_json::to_value(message),)+
                }
            }
        }

        impl $crate::Readable for $set {
            fn read(
                envelope: &$crate::Envelope,
            ) -> ::core::result::Result<::core::option::Option<Self>, $crate::ReadError> {
                let found = envelope.metadata.event_type.as_str();
                $(
                    if found == <$message as $crate::$one>::NAME {
                        return envelope.$read::<$message>().map(|read| Some(read.data.into()));
                    }
                )+
                Ok(None)
            }
        }
    };
}
