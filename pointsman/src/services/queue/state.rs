use crate::clock::Time;
use crate::engine::{Body, Extra, Id, InvocationId, Name, NewMessage, Owner};
use crate::topology::QueueSpec;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A queue: its settings, its messages and what it has counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Queue {
    /// Its settings.
    pub spec: QueueSpec,
    /// Who made it.
    pub owner: Owner,
    /// `CreatedTimestamp`
    pub created: Time,
    /// `LastModifiedTimestamp`
    pub modified: Time,
    /// It left its template with messages in it, and goes when they are gone.
    pub retained: bool,
    /// What has happened to its messages.
    pub counts: Counts,
    messages: BTreeMap<u64, Message>,
    /// Messages in the order of becoming visible. Entries whose turn is not the message's are stale.
    line: VecDeque<(u64, u32)>,
    by_age: BTreeSet<(Time, u64)>,
    visible: usize,
    in_flight: usize,
}

/// What has happened to a queue's messages since it was made. `entered` is always the sum of the others and of the
/// messages that are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Sent or delivered to it, or moved here as dead letters.
    pub entered: u64,
    /// Deleted by a receiver.
    pub deleted: u64,
    /// Moved to the dead-letter queue.
    pub dead_lettered: u64,
    /// Grown too old, or thrown away on request.
    pub dropped: u64,
}

/// A message in a queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// `MessageId`
    pub id: Id,
    /// Its text.
    pub body: Body,
    /// When it first entered a queue; kept when it moves to a dead-letter queue.
    pub sent: Time,
    /// `ApproximateFirstReceiveTimestamp`
    pub first_received: Option<Time>,
    /// `ApproximateReceiveCount`
    pub receives: u32,
    /// Where it is in its life.
    pub place: Position,
    /// Attributes, where there are any.
    pub extra: Option<Arc<Extra>>,
    /// The queue it came from as a dead letter.
    pub dead_letter_source: Option<Name>,
    turn: u32,
    last_receipt: Option<u64>,
    last_batch: Option<InvocationId>,
}

/// Where a message is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// To be received from this time.
    Delayed(Time),
    /// To be received.
    Visible,
    /// Received, and hidden until its time is up.
    InFlight {
        /// Until when.
        until: Time,
        /// Which receive it was: with the message's number, the receipt handle.
        receipt: u64,
        /// The invocation that has it, if a mapping took it and the invocation is not over.
        batch: Option<InvocationId>,
    },
}

impl Message {
    /// Which receive was the last.
    pub(crate) fn last_receipt(&self) -> Option<u64> {
        self.last_receipt
    }

    /// The invocation that was the last to get it, if a mapping took it.
    pub(crate) fn last_batch(&self) -> Option<InvocationId> {
        self.last_batch
    }

    /// The invocation has this message.
    pub(crate) fn is_held_by(&self, invocation: InvocationId) -> bool {
        matches!(self.place, Position::InFlight { batch: Some(b), .. } if b == invocation)
    }

    /// The invocation was the last to get this message, and nobody has received it since.
    pub(crate) fn is_last_of(&self, invocation: InvocationId) -> bool {
        self.last_batch == Some(invocation) && !matches!(self.place, Position::Delayed(_))
    }

    /// When this message's position changes by itself.
    pub(crate) fn due(&self) -> Option<Time> {
        match self.place {
            Position::Delayed(until) | Position::InFlight { until, .. } => Some(until),
            Position::Visible => None,
        }
    }
}

impl Queue {
    pub(crate) fn new(spec: QueueSpec, owner: Owner, now: Time) -> Self {
        Queue {
            spec,
            owner,
            created: now,
            modified: now,
            retained: false,
            counts: Counts::default(),
            messages: BTreeMap::new(),
            line: VecDeque::new(),
            by_age: BTreeSet::new(),
            visible: 0,
            in_flight: 0,
        }
    }

    /// `ApproximateNumberOfMessages`
    pub fn visible(&self) -> usize {
        self.visible
    }

    /// `ApproximateNumberOfMessagesNotVisible`
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// `ApproximateNumberOfMessagesDelayed`
    pub fn delayed(&self) -> usize {
        self.messages.len() - self.visible - self.in_flight
    }

    /// All messages that are there.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Nothing is there.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// A message by its number.
    pub fn message(&self, seq: u64) -> Option<&Message> {
        self.messages.get(&seq)
    }

    /// All messages, oldest number first.
    pub fn messages(&self) -> impl Iterator<Item = (u64, &Message)> {
        self.messages.iter().map(|(seq, m)| (*seq, m))
    }

    /// Visible messages in the order in which they are handed out.
    pub(crate) fn line(&self) -> impl Iterator<Item = (u64, &Message)> {
        self.line.iter().filter_map(|&(seq, turn)| {
            let message = self.messages.get(&seq)?;
            (message.turn == turn && message.place == Position::Visible).then_some((seq, message))
        })
    }

    /// When the oldest message was sent.
    pub(crate) fn oldest(&self) -> Option<Time> {
        self.by_age.first().map(|(sent, _)| *sent)
    }

    /// When the oldest message outlives the queue's retention.
    pub(crate) fn expiry(&self) -> Option<Time> {
        self.by_age.first().map(|(sent, _)| sent.plus_seconds(self.spec.retention))
    }

    /// Messages sent at `before` or earlier, oldest first.
    pub(crate) fn older_than(&self, before: Time) -> impl Iterator<Item = u64> {
        self.by_age.iter().take_while(move |(sent, _)| *sent <= before).map(|(_, seq)| *seq)
    }

    pub(crate) fn enter(&mut self, message: &NewMessage, sent: Time) {
        let place = message.delayed.map_or(Position::Visible, Position::Delayed);
        self.insert(
            message.seq,
            Message {
                id: message.id,
                body: message.body,
                sent,
                first_received: None,
                receives: 0,
                place,
                extra: message.extra.clone(),
                dead_letter_source: None,
                turn: 0,
                last_receipt: None,
                last_batch: None,
            },
        );
    }

    pub(crate) fn insert(&mut self, seq: u64, message: Message) {
        self.counts.entered += 1;
        self.by_age.insert((message.sent, seq));
        match message.place {
            Position::Visible => {
                self.visible += 1;
                self.line.push_back((seq, message.turn));
            }
            Position::InFlight { .. } => self.in_flight += 1,
            Position::Delayed(_) => {}
        }
        self.messages.insert(seq, message);
    }

    pub(crate) fn remove(&mut self, seq: u64) -> Option<Message> {
        let message = self.messages.remove(&seq)?;
        self.by_age.remove(&(message.sent, seq));
        match message.place {
            Position::Visible => self.visible -= 1,
            Position::InFlight { .. } => self.in_flight -= 1,
            Position::Delayed(_) => {}
        }
        self.skip_stale();
        Some(message)
    }

    pub(crate) fn hand_out(
        &mut self,
        seq: u64,
        now: Time,
        until: Time,
        receipt: u64,
        batch: Option<InvocationId>,
    ) {
        let Some(message) = self.messages.get_mut(&seq) else { return };
        if message.place == Position::Visible {
            self.visible -= 1;
            self.in_flight += 1;
        }
        message.place = Position::InFlight { until, receipt, batch };
        message.last_receipt = Some(receipt);
        message.last_batch = batch;
        message.first_received.get_or_insert(now);
        message.receives += 1;
        self.skip_stale();
    }

    /// Changes when a message in flight is seen again; `ended` also lets go of its invocation.
    pub(crate) fn hold(&mut self, seq: u64, new_until: Option<Time>, ended: bool) {
        if let Some(message) = self.messages.get_mut(&seq)
            && let Position::InFlight { until, batch, .. } = &mut message.place
        {
            *until = new_until.unwrap_or(*until);
            if ended {
                *batch = None;
            }
        }
    }

    pub(crate) fn appear(&mut self, seq: u64, uncounted: bool) {
        let Some(message) = self.messages.get_mut(&seq) else { return };
        match message.place {
            Position::Visible => return,
            Position::InFlight { .. } => self.in_flight -= 1,
            Position::Delayed(_) => {}
        }
        message.place = Position::Visible;
        message.turn += 1;
        if uncounted {
            message.receives = message.receives.saturating_sub(1);
            if message.receives == 0 {
                message.first_received = None;
            }
        }
        self.visible += 1;
        self.line.push_back((seq, message.turn));
    }

    /// Entries of the line before the first that counts.
    #[cfg(test)]
    pub(crate) fn stale(&self) -> usize {
        let first = self.line().next().map(|(seq, _)| seq);
        self.line.iter().take_while(|(seq, _)| Some(*seq) != first).count()
    }

    /// Entries of the line.
    #[cfg(test)]
    pub(crate) fn line_len(&self) -> usize {
        self.line.len()
    }

    fn skip_stale(&mut self) {
        while let Some(&(seq, turn)) = self.line.front() {
            let fresh = self
                .messages
                .get(&seq)
                .is_some_and(|m| m.turn == turn && m.place == Position::Visible);
            if fresh {
                break;
            }
            self.line.pop_front();
        }
    }
}
