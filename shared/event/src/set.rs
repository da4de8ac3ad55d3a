use crate::{Declaration, Envelope, ReadError};
use serde_json::Value;

/// A closed set of events, such as those of one stream. [`event_set!`](crate::event_set) makes one.
pub trait EventSet: Sized {
    /// The declarations of all of them.
    fn declarations() -> &'static [Declaration];

    /// The declaration of this one.
    fn declaration(&self) -> &'static Declaration;

    /// Its data as JSON.
    ///
    /// # Errors
    /// If the data has no JSON form.
    fn to_data(&self) -> Result<Value, serde_json::Error>;

    /// Reads one, brought up to today's version; `None` if its type is not of this set.
    ///
    /// # Errors
    /// If it is of this set, but can't be read.
    fn read(envelope: &Envelope) -> Result<Option<Self>, ReadError>;
}

/// Declares an enum of [`Event`](crate::Event)s with a variant named as each type, `From` each of
/// them, and its [`EventSet`].
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
        $(#[$meta])*
        $vis enum $set {
            $(
                #[doc = concat!("[`", stringify!($event), "`].")]
                $event($event),
            )+
        }

        $(
            impl From<$event> for $set {
                fn from(event: $event) -> Self {
                    Self::$event(event)
                }
            }
        )+

        impl $crate::EventSet for $set {
            fn declarations() -> &'static [$crate::Declaration] {
                const { &[$($crate::Declaration::of::<$event>()),+] }
            }

            fn declaration(&self) -> &'static $crate::Declaration {
                match self {
                    $(Self::$event(_) => const { &$crate::Declaration::of::<$event>() },)+
                }
            }

            fn to_data(
                &self,
            ) -> ::core::result::Result<
                $crate::__private::serde_json::Value,
                $crate::__private::serde_json::Error,
            > {
                match self {
                    $(Self::$event(event) => $crate::__private::serde_json::to_value(event),)+
                }
            }

            fn read(
                envelope: &$crate::Envelope,
            ) -> ::core::result::Result<::core::option::Option<Self>, $crate::ReadError> {
                let found = envelope.metadata.event_type.as_str();
                $(
                    if found == <$event as $crate::Event>::NAME {
                        return envelope.read::<$event>().map(|read| Some(read.data.into()));
                    }
                )+
                Ok(None)
            }
        }
    };
}
