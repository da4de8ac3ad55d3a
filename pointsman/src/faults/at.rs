use super::{Point, Request};
use crate::engine::{Caller, Fact};
use std::fmt;
use std::sync::Arc;

/// Which place a fault is meant for: one of the [`Point`]s, narrowed down.
#[derive(Clone)]
pub struct At {
    place: Place,
    /// A function; on the way into a queue, that queue.
    of: Option<String>,
}

#[derive(Clone)]
enum Place {
    Request(What),
    Answer(What),
    Invocation,
    Response,
    Delivery,
    Commit(Wanted),
    Committed(Wanted),
}

/// Which request.
#[derive(Clone)]
enum What {
    Action(String),
    Write,
    Publish,
}

type Wanted = Arc<dyn Fn(&Fact) -> bool + Send + Sync>;

impl At {
    /// A request for this action, before anything of it is done: `TransactWriteItems`.
    pub fn request(action: &str) -> At {
        At::of_place(Place::Request(What::Action(action.to_owned())))
    }

    /// The answer to a request for this action, when what it asked for is durable.
    pub fn answer(action: &str) -> At {
        At::of_place(Place::Answer(What::Action(action.to_owned())))
    }

    /// A request that writes to a table, before it has.
    pub fn before_write() -> At {
        At::of_place(Place::Request(What::Write))
    }

    /// A request that has written to a table, before it is answered.
    pub fn after_write() -> At {
        At::of_place(Place::Answer(What::Write))
    }

    /// PutEvents, SendMessage or SendMessageBatch, before it is answered.
    pub fn after_publish() -> At {
        At::of_place(Place::Answer(What::Publish))
    }

    /// An invocation, when a process is given it.
    pub fn invocation() -> At {
        At::of_place(Place::Invocation)
    }

    /// An invocation, when its process has answered.
    pub fn response() -> At {
        At::of_place(Place::Response)
    }

    /// A message that a rule or a request sends, on its way into a queue.
    pub fn delivery() -> At {
        At::of_place(Place::Delivery)
    }

    /// Facts that are about to be written, with one like this among them.
    pub fn commit(wanted: impl Fn(&Fact) -> bool + Send + Sync + 'static) -> At {
        At::of_place(Place::Commit(Arc::new(wanted)))
    }

    /// Facts that are durable and nobody knows of, with one like this among them.
    pub fn committed(wanted: impl Fn(&Fact) -> bool + Send + Sync + 'static) -> At {
        At::of_place(Place::Committed(Arc::new(wanted)))
    }

    /// Only of this function; a delivery: only into this queue.
    #[must_use]
    pub fn of(mut self, name: &str) -> At {
        self.of = Some(name.to_owned());
        self
    }

    fn of_place(place: Place) -> At {
        At { place, of: None }
    }

    /// The queue into which messages are meant, if any are; any queue where it is `Some(None)`.
    pub(super) fn queue(&self) -> Option<Option<&str>> {
        matches!(self.place, Place::Delivery).then_some(self.of.as_deref())
    }

    pub(super) fn is(&self, point: &Point<'_>) -> bool {
        let of = |name: Option<&str>| self.of.is_none() || self.of.as_deref() == name;
        match (&self.place, point) {
            (Place::Request(what), Point::Request(request))
            | (Place::Answer(what), Point::Answer(request)) => {
                what.is(request) && of(function(request.caller))
            }
            (Place::Invocation, Point::Invocation(invocation))
            | (Place::Response, Point::Response(invocation)) => of(Some(invocation.function)),
            (Place::Commit(wanted), Point::Commit(entries))
            | (Place::Committed(wanted), Point::Committed(entries)) => {
                entries.iter().any(|entry| wanted(&entry.fact))
            }
            _ => false,
        }
    }
}

impl What {
    fn is(&self, request: &Request<'_>) -> bool {
        match self {
            What::Action(action) => action == request.action,
            What::Write => writes(request),
            What::Publish => publishes(request),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Request(what) => write!(f, "a request for {what}")?,
            Place::Answer(what) => write!(f, "the answer to {what}")?,
            Place::Invocation => f.write_str("an invocation")?,
            Place::Response => f.write_str("an invocation's response")?,
            Place::Delivery => f.write_str("a message's delivery")?,
            Place::Commit(_) => f.write_str("the commit of a fact")?,
            Place::Committed(_) => f.write_str("a committed fact")?,
        }
        self.of.as_ref().map_or(Ok(()), |name| write!(f, " of {name}"))
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Action(action) => action,
            What::Write => "a write",
            What::Publish => "a publish",
        })
    }
}

/// A function that asks.
pub(super) fn function(caller: &Caller) -> Option<&str> {
    match caller {
        Caller::Function(name) => Some(name),
        Caller::Operator | Caller::User { .. } | Caller::Engine => None,
    }
}

/// A request that writes to tables.
pub(super) fn writes(request: &Request<'_>) -> bool {
    request.service == "dynamodb"
        && matches!(
            request.action,
            "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" | "BatchWriteItem"
        )
}

/// A request that sends something on its way.
pub(super) fn publishes(request: &Request<'_>) -> bool {
    matches!(request.action, "PutEvents" | "SendMessage" | "SendMessageBatch")
}
