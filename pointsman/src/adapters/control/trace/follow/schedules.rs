//! What a schedule began.

use super::{Follow, Hint, Key, Stand, Twig, What};
use crate::engine::{Cause, Delivered, Delivery, Entry, Fact, PastBatch, Tried};

impl Follow {
    /// A schedule fired, or tried its target again.
    pub(super) fn fire(&mut self, entry: &Entry, batch: &PastBatch) {
        let Cause::Schedule { arn, scheduled } = &entry.cause else { return };
        let key = Key::Firing(arn.clone(), *scheduled);
        let (node, attempt, outcome) = match &entry.fact {
            Fact::ScheduleFired { schedule, execution, missed, outcome, .. } => {
                if !self.at.contains_key(&key) {
                    return;
                }
                let what = What::Schedule {
                    execution: execution.to_string(),
                    schedule: schedule.to_string(),
                    scheduled: scheduled.rfc3339(),
                    attempts: 1,
                    missed: missed.map(crate::clock::Time::rfc3339),
                };
                let twig = Twig::new(None, entry.at, what, Stand::Done(None));
                (self.add(Some(key), twig), 1, outcome)
            }
            Fact::FiringTried { attempt, outcome, .. } => match self.node(&key) {
                Some(node) => (node, *attempt, outcome),
                None => return,
            },
            _ => return,
        };
        let twig = &mut self.twigs[node];
        if let What::Schedule { attempts, .. } = &mut twig.what {
            *attempts = attempt;
        }
        match outcome {
            Tried::Failed { due, code, reason } => {
                twig.trouble = Some(format!("{code}: {reason}"));
                twig.stand = Stand::Again(*due);
            }
            Tried::Settled { deliveries } => {
                let lost = deliveries.iter().find_map(|delivery| match &delivery.outcome {
                    Delivered::Lost { code, reason }
                    | Delivered::DeadLettered { code, reason, .. } => {
                        Some(format!("given up: {code}: {reason}"))
                    }
                    _ => None,
                });
                twig.trouble = None;
                let stand = lost.map_or(Stand::Done(None), Stand::Failed);
                if attempt > 1 || matches!(stand, Stand::Failed(_)) {
                    twig.settle(entry.at, stand);
                }
                for delivery in deliveries {
                    let hint = body(delivery).and_then(|id| (batch.body)(id));
                    let hint = Hint::of_body(hint);
                    self.deliver(node, entry.at, delivery, &hint, false);
                }
            }
        }
    }
}

/// The bytes that a target got.
pub(in crate::adapters::control::trace) fn body(delivery: &Delivery) -> Option<u64> {
    match &delivery.outcome {
        Delivered::Queued { message, .. } | Delivered::DeadLettered { message, .. } => {
            Some(message.body.id)
        }
        Delivered::Invoked { body, .. } => Some(body.id),
        Delivered::Lost { .. } | Delivered::Put { .. } => None,
    }
}
