//! What leaves the event store: of a row, where it goes, and how it gets there.
//!
//! Who may say what follows from the stream's type alone, whatever a row claims: its source, and
//! which commands it sends. Two use it: outbox-relay for what is new, maintenance for what the relay
//! could not get out in time.

use crate::variable;
use contract::{
    event::{CommandDeclaration, Origin, Timestamp},
    registry,
};
use pointsman_kit::{
    clock::Deadline,
    delivery::Outcome,
    publisher::{Entry, Publisher},
    queues::{Message, Sender},
    runtime::Error,
    store::{Kind, Row},
};
use std::collections::BTreeMap;

/// By stream type and command, the URL of the queue it goes to.
pub type CommandQueues = BTreeMap<(String, String), String>;

/// What is to be done about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Duty {
    /// An event, for the bus.
    Publish(Entry),
    /// A command, for its queue.
    Send(Message),
}

/// What is to be done at `at` about a row that is an event or a command, or why nothing can be.
///
/// # Errors
/// If the shop has no such stream, or streams of its type send no such command.
pub fn duty(row: &Row, at: Timestamp, queues: &CommandQueues) -> Result<Duty, String> {
    let metadata = &row.envelope.metadata;
    let (stream, name) = (metadata.stream.kind(), &metadata.event_type);
    let source = registry::source_of(stream)
        .ok_or_else(|| format!("the shop has no stream of type {stream}"))?;
    if row.kind == Kind::Event {
        let mut entry = Entry::new(source, name, &row.detail);
        entry.time = Some(metadata.occurred_at);
        return Ok(Duty::Publish(entry));
    }
    let queue = queues.get(&(stream.to_owned(), name.clone()));
    let queue = queue.ok_or_else(|| {
        format!("a stream of type {stream} sends no {name}, or no queue is set for it")
    })?;
    let delay = row.due.map_or(0, |due| delay(due, at));
    Ok(Duty::Send(Message::command(queue, source, row).delay(delay)))
}

/// Does `duties`, trying again until `deadline`. The outcomes are in their order.
pub async fn discharge(
    publisher: &Publisher,
    sender: &Sender,
    duties: Vec<Duty>,
    deadline: Deadline,
) -> Vec<Outcome> {
    let (mut entries, mut messages) = (Vec::new(), Vec::new());
    // Of each duty, whether it is an entry: by that its outcome is found again.
    let mut is_entry = Vec::with_capacity(duties.len());
    for duty in duties {
        is_entry.push(matches!(duty, Duty::Publish(_)));
        match duty {
            Duty::Publish(entry) => entries.push(entry),
            Duty::Send(message) => messages.push(message),
        }
    }
    let (published, sent) =
        tokio::join!(publisher.publish(&entries, deadline), sender.send(&messages, deadline));
    let (mut published, mut sent) = (published.into_iter(), sent.into_iter());
    let outcome = |entry| if entry { published.next() } else { sent.next() };
    is_entry.into_iter().filter_map(outcome).collect()
}

/// The queues of the commands that streams send: the variable `COMMAND_QUEUE_URL_<name>` for each.
///
/// # Errors
/// If one is not set; the text names it.
pub fn command_queues() -> Result<CommandQueues, Error> {
    let queue = |command: &registry::CommandEntry| {
        let CommandDeclaration { name, origin: Origin::Stream { stream, .. }, .. } =
            command.declaration
        else {
            return None;
        };
        let url = variable(&format!("COMMAND_QUEUE_URL_{name}"));
        Some(url.map(|url| ((stream.to_owned(), name.to_owned()), url)))
    };
    registry::commands().iter().filter_map(queue).collect()
}

/// The seconds from `at` until `due`, rounded up: late at worst, never early.
fn delay(due: Timestamp, at: Timestamp) -> u64 {
    let ms = due.as_ms().saturating_sub(at.as_ms()).max(0);
    u64::try_from(ms).unwrap_or(0).div_ceil(1000)
}
