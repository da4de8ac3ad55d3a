use super::{Position, Receipt, existing};
use crate::engine::{Command, Context, Decision, Draft, Fact, Name, State};

/// `DeleteMessage` and `DeleteMessageBatch`.
///
/// As in SQS, deleting what is gone succeeds, and a receipt that a later receive has overtaken deletes nothing.
#[derive(Debug)]
pub struct DeleteMessages {
    /// The queue.
    pub queue: Name,
    /// Which messages.
    pub receipts: Vec<Receipt>,
}

impl Command for DeleteMessages {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let queue = match existing(state, &self.queue) {
            Ok(queue) => queue,
            Err(fault) => return Decision::refuse(fault),
        };
        let mut messages: Vec<u64> = self
            .receipts
            .iter()
            .filter(|r| {
                queue.message(r.seq).is_some_and(|m| match m.place {
                    Position::InFlight { receipt, .. } => receipt == r.receipt,
                    // Its time ran out, but nobody has received it since.
                    Position::Visible => m.receives > 0 && m.last_receipt() == Some(r.receipt),
                    Position::Delayed(_) => false,
                })
            })
            .map(|r| r.seq)
            .collect();
        messages.sort_unstable();
        messages.dedup();
        let mut draft = Draft::new(state, context);
        if !messages.is_empty() {
            draft.fact(Fact::Deleted { queue: self.queue.clone(), messages });
        }
        draft.reply(())
    }
}
