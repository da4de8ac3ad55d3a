use super::{Position, Receipt, existing, invalid};
use crate::engine::{Command, Context, Decision, Draft, Fact, Fault, Name, State};

/// `ChangeMessageVisibility` and its batch: each message succeeds or fails for itself.
#[derive(Debug)]
pub struct ChangeVisibility {
    /// The queue.
    pub queue: Name,
    /// Receipts and the new timeouts from now, in seconds: 0–43,200; 0 shows the message at once.
    pub changes: Vec<(Receipt, u32)>,
}

impl Command for ChangeVisibility {
    type Reply = Vec<Result<(), Fault>>;

    fn decide(&self, state: &State, context: &Context) -> Decision<Self::Reply> {
        let queue = match existing(state, &self.queue) {
            Ok(queue) => queue,
            Err(fault) => return Decision::refuse(fault),
        };
        let mut draft = Draft::new(state, context);
        let mut shown = vec![];
        let mut reply = vec![];
        for (receipt, seconds) in &self.changes {
            let in_flight = queue.message(receipt.seq).is_some_and(|m| {
                matches!(m.place, Position::InFlight { receipt: r, .. } if r == receipt.receipt)
            });
            reply.push(match (*seconds, in_flight) {
                (43_201.., _) => Err(invalid(format!(
                    "Value {seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200."
                ))),
                (_, false) => Err(invalid(format!(
                    "Value {} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.",
                    receipt.seq
                ))),
                (0, true) => {
                    shown.push(receipt.seq);
                    Ok(())
                }
                (_, true) => {
                    let until = context.now.plus_seconds(*seconds);
                    draft.fact(Fact::VisibilitySet {
                        queue: self.queue.clone(),
                        message: receipt.seq,
                        until,
                    });
                    Ok(())
                }
            });
        }
        if !shown.is_empty() {
            draft.fact(Fact::Visible {
                queue: self.queue.clone(),
                messages: shown,
                uncounted: false,
            });
        }
        draft.reply(reply)
    }
}
