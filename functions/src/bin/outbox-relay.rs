//! EventStore's stream → every event on the bus, every command in its queue
//!
//! The row is the outbox: what was appended is published from here, at least once and in any order.

use functions::relay::{self, CommandQueues, Duty, command_queues, discharge};
use pointsman_kit::{
    aws,
    delivery::Outcome,
    observability::Log,
    publisher::Publisher,
    queues::{Message, Sender},
    runtime::{Error, Invocation},
    store::{Kind, Row},
    stream::{self, Record},
    table::ChangeKind,
};
use std::time::Duration;

/// What of an invocation is kept for quarantine and the answer.
const RESERVE: Duration = Duration::from_secs(2);

/// What a batch is handled with.
pub(crate) struct Relay {
    pub(crate) publisher: Publisher,
    pub(crate) sender: Sender,
    /// The URL of the queue for what can't be published at all.
    pub(crate) quarantine: String,
    /// Where commands go.
    pub(crate) commands: CommandQueues,
}

fn main() -> Result<(), Error> {
    stream::run("outbox-relay", init, handle)
}

async fn init() -> Result<Relay, Error> {
    let config = aws::config().await;
    Ok(Relay {
        publisher: functions::publisher(&config, &functions::variable("BUS_NAME")?),
        sender: functions::sender(&config),
        quarantine: functions::variable("QUARANTINE_QUEUE_URL")?,
        commands: command_queues()?,
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
    let (mut due, mut unfit) = (Vec::new(), Vec::new());
    for (at, record) in records.iter().enumerate() {
        let mut log = invocation.log.with("sequence", &record.sequence);
        match relay.duty(record, &mut log) {
            Ok(None) => done[at] = true,
            Ok(Some(duty)) => due.push((at, duty)),
            Err(reason) => unfit.push((at, reason)),
        }
        logs.push(log);
    }
    let (due_at, due): (Vec<usize>, Vec<Duty>) = due.into_iter().unzip();
    let deadline = invocation.deadline.earlier(RESERVE);
    let outcomes = discharge(&relay.publisher, &relay.sender, due, deadline).await;
    for (at, outcome) in due_at.into_iter().zip(outcomes) {
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
    /// What to do about a record (nothing, unless it is a new event or command), or why nothing can
    /// be done; `log` gets the ids of its row.
    fn duty(&self, record: &Record, log: &mut Log) -> Result<Option<Duty>, String> {
        let change = record.change.as_ref().map_err(String::clone)?;
        if change.kind != ChangeKind::Insert {
            return Ok(None);
        }
        let item = change.new.as_ref().ok_or("the stream has no new image")?;
        if let Some(Kind::Guard | Kind::Snapshot) = Kind::of(item) {
            return Ok(None);
        }
        let row = Row::from_item(item).map_err(|error| error.to_string())?;
        let metadata = &row.envelope.metadata;
        *log = log.with("eventId", metadata.id).with("correlationId", &metadata.correlation_id);
        *log = log.with("eventType", &metadata.event_type).with("stream", &metadata.stream);
        relay::duty(&row, change.at, &self.commands).map(Some)
    }

    /// A whole record on its way into quarantine.
    fn aside(&self, record: &Record, reason: &str) -> Message {
        // Escaped, since an attribute takes neither every character nor any length.
        let reason: String = reason.escape_default().take(1000).collect();
        Message::new(&self.quarantine, &record.raw).attribute("reason", &reason)
    }
}
