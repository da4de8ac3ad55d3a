use super::{Message, existing};
use crate::clock::Time;
use crate::engine::{
    Command, Context, Decision, Draft, Extra, Fact, Fault, Handed, InvocationId, Name, State,
};

/// One receive moves so many dead letters at most; who still waits looks again.
const MOVED_AT_ONCE: usize = 1_000;

/// So many messages of a standard queue may be in flight.
const MOST_IN_FLIGHT: usize = 120_000;

/// How many messages a receiver takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Take {
    /// At most so many.
    pub(crate) messages: usize,
    /// None that would make it more bytes than this, but one in any case.
    pub(crate) bytes: usize,
}

/// `ReceiveMessage` without its waiting: what is there now.
///
/// A message that has been received as often as the redrive policy allows goes to the dead-letter queue instead. With
/// 120,000 messages in flight it is refused: `OverLimit`.
#[derive(Clone, Debug)]
pub struct Receive {
    /// The queue.
    pub queue: Name,
    /// `MaxNumberOfMessages`: 1–10 for callers from outside.
    pub max: usize,
    /// `VisibilityTimeout`; without it the queue's.
    pub visibility: Option<u32>,
}

impl Command for Receive {
    type Reply = Vec<Handed>;

    fn decide(&self, state: &State, context: &Context) -> Decision<Vec<Handed>> {
        let queue = match existing(state, &self.queue) {
            Ok(queue) => queue,
            Err(fault) => return Decision::refuse(fault),
        };
        let until = context.now.plus_seconds(self.visibility.unwrap_or(queue.spec.visibility));
        if queue.in_flight() >= MOST_IN_FLIGHT {
            return Decision::refuse(Fault::new(
                "OverLimit",
                format!(
                    "The queue has {MOST_IN_FLIGHT} messages in flight, and that is the limit."
                ),
            ));
        }
        let mut draft = Draft::new(state, context);
        let take = Take { messages: self.max, bytes: usize::MAX };
        let handed = hand_out(&mut draft, &self.queue, take, until, None);
        draft.reply(handed)
    }
}

/// Hands out messages until `until`, moving dead letters out of the way.
pub(crate) fn hand_out(
    draft: &mut Draft<'_>,
    name: &Name,
    take: Take,
    until: Time,
    batch: Option<InvocationId>,
) -> Vec<Handed> {
    let state = draft.state;
    let Some(queue) = state.queues.get(name) else { return vec![] };
    let now = draft.context.now;
    let limit = dead_letter_queue(state, queue);
    let receipt = draft.choices.bits();
    let mut handed = Vec::new();
    let max = take.messages.min(MOST_IN_FLIGHT.saturating_sub(queue.in_flight()));
    let (mut moved, mut bytes) = (0, 0);
    for (seq, message) in queue.line() {
        if handed.len() == max || moved == MOVED_AT_ONCE {
            break;
        }
        match &limit {
            Some((to, most)) if message.receives >= *most => {
                moved += 1;
                let new = draft.seq();
                draft.fact(Fact::DeadLettered {
                    from: name.clone(),
                    message: seq,
                    to: to.clone(),
                    seq: new,
                });
            }
            _ => {
                bytes += weight(message);
                if bytes > take.bytes && !handed.is_empty() {
                    break;
                }
                handed.push(shown(seq, message, receipt, now));
            }
        }
    }
    if !handed.is_empty() {
        draft.fact(Fact::Received {
            queue: name.clone(),
            messages: handed.iter().map(|h| h.seq).collect(),
            receipt,
            until,
            batch,
        });
    }
    handed
}

/// What a message weighs in an event for a function: text, attributes, and what stands beside them.
fn weight(message: &Message) -> usize {
    const BESIDE: usize = 1024;
    let attributes = message.extra.as_deref().map_or(0, Extra::size);
    message.body.size as usize + attributes + BESIDE
}

fn shown(seq: u64, message: &Message, receipt: u64, now: Time) -> Handed {
    Handed {
        seq,
        id: message.id,
        receipt,
        body: message.body,
        sent: message.sent,
        first_received: message.first_received.unwrap_or(now),
        receives: message.receives + 1,
        extra: message.extra.clone(),
        dead_letter_source: message.dead_letter_source.clone(),
    }
}

fn dead_letter_queue(state: &State, queue: &super::Queue) -> Option<(Name, u32)> {
    let redrive = queue.spec.redrive.as_ref()?;
    let name: Name = state.region.local("sqs", &redrive.target)?.into();
    state.queues.contains_key(&name).then_some((name, redrive.max_receives))
}
