//! EventStore's stream → every event on the bus, every command in its queue
//!
//! The row is the outbox: what was appended is published from here, at least once and in any order.
//! Who may say what follows from the stream's type alone, whatever a row claims.

use contract::{
    event::{Origin, Timestamp},
    registry,
};
use pointsman_kit::{
    aws,
    delivery::Outcome,
    observability::Log,
    publisher::{Entry, EventBridge, Publisher},
    queues::{Message, Sender, Sqs},
    runtime::{Error, Invocation},
    store::{Kind, Row},
    stream::{self, Record},
    table::ChangeKind,
};
use std::{collections::BTreeMap, env, sync::Arc, time::Duration};

/// What of an invocation is kept for quarantine and the answer.
const RESERVE: Duration = Duration::from_secs(2);

/// What a batch is handled with.
pub(crate) struct Relay {
    pub(crate) publisher: Publisher,
    pub(crate) sender: Sender,
    /// The URL of the queue for what can't be published at all.
    pub(crate) quarantine: String,
    /// By stream type and command, the URL of the queue it goes to.
    pub(crate) commands: BTreeMap<(String, String), String>,
}

/// What is to be done about a record.
enum Duty {
    /// Nothing: it is no new event or command.
    Skip,
    Publish(Entry),
    Send(Message),
}

fn main() -> Result<(), Error> {
    stream::run("outbox-relay", init, handle)
}

async fn init() -> Result<Relay, Error> {
    let config = aws::config().await;
    let bus = aws_sdk_eventbridge::Client::new(&config);
    let bus = EventBridge::new(bus, functions::variable("BUS_NAME")?);
    let queues = Sqs::new(aws_sdk_sqs::Client::new(&config));
    Ok(Relay {
        publisher: Publisher::new(Arc::new(bus)),
        sender: Sender::new(Arc::new(queues)),
        quarantine: functions::variable("QUARANTINE_QUEUE_URL")?,
        commands: command_queues(),
    })
}

/// Says of each record whether it is dealt with.
pub(crate) async fn handle(
    relay: &Relay,
    records: &[Record],
    invocation: &Invocation,
) -> Vec<bool> {
    let mut done = vec![false; records.len()];
    let mut logs: Vec<Log> = Vec::with_capacity(records.len());
    let (mut entries, mut messages, mut unfit) = (Vec::new(), Vec::new(), Vec::new());
    for (at, record) in records.iter().enumerate() {
        let mut log = invocation.log.with("sequence", &record.sequence);
        match relay.duty(record, &mut log) {
            Ok(Duty::Skip) => done[at] = true,
            Ok(Duty::Publish(entry)) => entries.push((at, entry)),
            Ok(Duty::Send(message)) => messages.push((at, message)),
            Err(reason) => unfit.push((at, reason)),
        }
        logs.push(log);
    }
    let (entry_at, entries): (Vec<usize>, Vec<Entry>) = entries.into_iter().unzip();
    let (message_at, messages): (Vec<usize>, Vec<Message>) = messages.into_iter().unzip();
    let deadline = invocation.deadline.earlier(RESERVE);
    let (published, sent) = tokio::join!(
        relay.publisher.publish(&entries, deadline),
        relay.sender.send(&messages, deadline),
    );
    let outcomes = entry_at.into_iter().zip(published).chain(message_at.into_iter().zip(sent));
    for (at, outcome) in outcomes {
        match outcome {
            Outcome::Accepted(id) => {
                logs[at].info("relayed").field("as", id).emit();
                done[at] = true;
            }
            Outcome::Rejected(failure) => unfit.push((at, failure.to_string())),
            Outcome::Unsent(failure) => logs[at].warn("not relayed").cause(&failure).emit(),
        }
    }
    let put_aside = unfit.iter().map(|(at, reason)| relay.aside(&records[*at], reason));
    let put_aside: Vec<Message> = put_aside.collect();
    let outcomes = relay.sender.send(&put_aside, invocation.deadline.earlier(RESERVE / 4)).await;
    for ((at, reason), outcome) in unfit.iter().zip(outcomes) {
        // One that is refused here too stays undone, and so the batch fails.
        done[*at] = outcome.is_accepted();
        let line = logs[*at].error("can't be relayed").cause(reason);
        line.field("quarantined", done[*at]).emit();
        logs[*at].count(if done[*at] { "Quarantined" } else { "QuarantineRefused" });
    }
    done
}

impl Relay {
    /// What to do about a record, or why nothing can be done; `log` gets the ids of its row.
    fn duty(&self, record: &Record, log: &mut Log) -> Result<Duty, String> {
        let change = record.change.as_ref().map_err(String::clone)?;
        if change.kind != ChangeKind::Insert {
            return Ok(Duty::Skip);
        }
        let item = change.new.as_ref().ok_or("the stream has no new image")?;
        if let Some(Kind::Guard | Kind::Snapshot) = Kind::of(item) {
            return Ok(Duty::Skip);
        }
        let row = Row::from_item(item).map_err(|error| error.to_string())?;
        let metadata = &row.envelope.metadata;
        *log = log.with("eventId", metadata.id).with("correlationId", &metadata.correlation_id);
        *log = log.with("eventType", &metadata.event_type).with("stream", &metadata.stream);
        let (stream, name) = (metadata.stream.kind(), &metadata.event_type);
        let source = registry::source_of(stream)
            .ok_or_else(|| format!("the shop has no stream of type {stream}"))?;
        if row.kind == Kind::Event {
            let mut entry = Entry::new(source, name, &row.detail);
            entry.time = Some(metadata.occurred_at);
            return Ok(Duty::Publish(entry));
        }
        let queue = self.commands.get(&(stream.to_owned(), name.clone()));
        let queue = queue.ok_or_else(|| {
            format!("a stream of type {stream} sends no {name}, or no queue is set for it")
        })?;
        let delay = row.due.map_or(0, |due| delay(due, change.at));
        Ok(Duty::Send(Message::command(queue, source, &row).delay(delay)))
    }

    /// A whole record on its way into quarantine.
    fn aside(&self, record: &Record, reason: &str) -> Message {
        // Escaped, since an attribute takes neither every character nor any length.
        let reason: String = reason.escape_default().take(1000).collect();
        Message::new(&self.quarantine, &record.raw).attribute("reason", &reason)
    }
}

/// The queues of the commands that streams send: `COMMAND_QUEUE_URL_<name>` for each.
fn command_queues() -> BTreeMap<(String, String), String> {
    let queue = |command: &registry::CommandEntry| {
        let Origin::Stream { stream, .. } = command.origin else { return None };
        let url = env::var(format!("COMMAND_QUEUE_URL_{}", command.name)).ok()?;
        Some(((stream.to_owned(), command.name.to_owned()), url))
    };
    registry::commands().iter().filter_map(queue).collect()
}

/// The seconds from `at` until `due`, rounded up: late at worst, never early.
fn delay(due: Timestamp, at: Timestamp) -> u64 {
    let ms = due.as_ms().saturating_sub(at.as_ms()).max(0);
    u64::try_from(ms).unwrap_or(0).div_ceil(1000)
}
