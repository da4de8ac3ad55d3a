//! Durable facts as lines of `tail`.

use super::line::{Again, Line, Target, What, Why};
use crate::clock::Time;
use crate::engine::{
    Cause as Because, Delivered, Delivery, Engine, Fact, Fault, Followed, Item, Outcome, Tried,
    Why as Cause,
};
use bytes::Bytes;
use std::collections::HashMap;

/// Turns facts into lines; remembers which function an invocation is of.
#[derive(Default)]
pub(super) struct Teller {
    functions: HashMap<u64, String>,
}

impl Teller {
    /// The line of what was followed, if it is worth one.
    pub(super) async fn tell(
        &mut self,
        engine: &Engine,
        followed: Followed,
    ) -> Result<Option<Line>, Fault> {
        let item = match followed {
            Followed::Item(item) => item,
            Followed::Dropped(count) => {
                let at = engine.read(|_, now| now).await?.rfc3339_millis();
                return Ok(Some(Line { seq: 0, at, what: What::Missed { count } }));
            }
        };
        let Some(mut what) = self.what(&item) else { return Ok(None) };
        if let What::Event { bus, targets, refused, .. } = &mut what
            && targets.is_empty()
        {
            *refused = explain(engine, bus.clone(), item.body.clone()).await?;
        }
        Ok(Some(Line { seq: item.seq, at: item.entry.at.rfc3339_millis(), what }))
    }

    fn what(&mut self, item: &Item) -> Option<What> {
        Some(match &item.entry.fact {
            Fact::Started { epoch, .. } => What::Started { epoch: *epoch },
            Fact::ClockMoved { offset_ms } | Fact::ClockJumped { offset_ms, .. } => {
                What::Clock { offset_ms: *offset_ms }
            }
            Fact::StackApplied { stack, resources } => {
                What::Applied { stack: stack.to_string(), resources: resources.len() }
            }
            Fact::EventAccepted { id, bus, source, detail_type, deliveries, .. } => What::Event {
                id: id.to_string(),
                bus: bus.to_string(),
                source: source.to_string(),
                detail_type: detail_type.to_string(),
                targets: deliveries.iter().map(target).collect(),
                refused: vec![],
            },
            Fact::EventDropped { id, bus, source, detail_type } => What::EventDropped {
                id: id.to_string(),
                bus: bus.to_string(),
                source: source.to_string(),
                detail_type: detail_type.to_string(),
            },
            Fact::MessageSent { queue, message } => {
                What::Sent { queue: queue.to_string(), id: message.id.to_string() }
            }
            Fact::InvocationStarted { id, request, function, why } => {
                self.functions.insert(id.0, function.to_string());
                let (by, count) = match why {
                    Cause::Request => ("request".to_owned(), 1),
                    Cause::Async { attempt, .. } => (format!("async, attempt {attempt}"), 1),
                    Cause::Messages { queue, messages, .. } => (queue.to_string(), messages.len()),
                    Cause::Records { sequences, .. } => {
                        ("table stream".to_owned(), sequences.len())
                    }
                };
                What::Invoked {
                    invocation: id.0,
                    request: request.to_string(),
                    function: function.to_string(),
                    by,
                    count,
                }
            }
            Fact::InvocationEnded { id, outcome } => {
                let (outcome, error) = match outcome {
                    Outcome::Answered => ("answered", None),
                    Outcome::Failed { kind, message } => {
                        ("failed", Some(format!("{kind}: {message}")))
                    }
                    Outcome::TimedOut => ("timed out", None),
                    Outcome::Interrupted => ("interrupted", None),
                };
                What::Ended {
                    invocation: id.0,
                    function: self.functions.remove(&id.0).unwrap_or_default(),
                    outcome: outcome.to_owned(),
                    error,
                }
            }
            Fact::BatchEnded { queue, invocation, deleted, kept, .. } => What::Batch {
                queue: queue.to_string(),
                invocation: invocation.0,
                handled: deleted.len(),
                kept: kept.len(),
            },
            Fact::Visible { queue, messages, .. } if !messages.is_empty() => {
                What::Returned { queue: queue.to_string(), count: messages.len() }
            }
            Fact::DeadLettered { from, to, .. } => {
                What::DeadLettered { queue: from.to_string(), to: to.to_string() }
            }
            Fact::Expired { queue, messages } => {
                What::Gone { queue: queue.to_string(), count: messages.len() }
            }
            Fact::StreamDiscarded { mapping, count, reason, .. } => What::Discarded {
                mapping: mapping.to_string(),
                count: *count,
                reason: reason.clone(),
            },
            Fact::ScheduleFired { schedule, scheduled, missed, outcome, .. } => {
                let (targets, again) = tried(outcome);
                What::Fired {
                    schedule: schedule.to_string(),
                    scheduled: scheduled.rfc3339(),
                    attempt: 1,
                    targets,
                    again,
                    missed: missed.map(Time::rfc3339),
                }
            }
            Fact::FiringTried { attempt, outcome, .. } => {
                let Because::Schedule { arn, scheduled } = &item.entry.cause else { return None };
                let (targets, again) = tried(outcome);
                let schedule = arn.split_once(":schedule/").map_or(&**arn, |(_, key)| key);
                What::Fired {
                    schedule: schedule.to_owned(),
                    scheduled: scheduled.rfc3339(),
                    attempt: *attempt,
                    targets,
                    again,
                    missed: None,
                }
            }
            _ => return None,
        })
    }
}

/// What a schedule's target got, or why it got nothing yet.
fn tried(outcome: &Tried) -> (Vec<Target>, Option<Again>) {
    match outcome {
        Tried::Settled { deliveries } => (deliveries.iter().map(target).collect(), None),
        Tried::Failed { due, code, reason } => {
            let because = format!("{code}: {reason}");
            (vec![], Some(Again { at: due.rfc3339_millis(), because }))
        }
    }
}

fn target(delivery: &Delivery) -> Target {
    let (to, failed) = match &delivery.outcome {
        Delivered::Queued { queue, .. } => (queue.to_string(), None),
        Delivered::Invoked { function, .. } => (function.to_string(), None),
        Delivered::Put { bus, .. } => (bus.to_string(), None),
        Delivered::DeadLettered { queue, code, reason, .. } => {
            (queue.to_string(), Some(format!("{code}: {reason}")))
        }
        Delivered::Lost { code, reason } => {
            (delivery.target.to_string(), Some(format!("{code}: {reason}")))
        }
    };
    Target { rule: delivery.rule.to_string(), to, failed }
}

/// For each rule of the bus, why it did not take the event.
pub(super) async fn explain(
    engine: &Engine,
    bus: String,
    event: Option<Bytes>,
) -> Result<Vec<Why>, Fault> {
    let Some(event) = event else { return Ok(vec![]) };
    let rules = engine.read(move |state, _| {
        let bus = state.buses.get(bus.as_str())?;
        let off = bus.rules.values().filter(|rule| !rule.spec.enabled);
        let off: Vec<Why> = off
            .map(|rule| Why { rule: rule.spec.name.clone(), because: "it is disabled".into() })
            .collect();
        Some((bus.matcher().snapshot(), off))
    });
    let Some((rules, mut refused)) = rules.await? else { return Ok(vec![]) };
    // An event that was accepted can be explained.
    for verdict in rules.explain(&event).unwrap_or_default() {
        if let Some(failure) = verdict.failure {
            let rule = verdict.id.to_string();
            refused.push(Why { rule, because: failure.to_string() });
        }
    }
    Ok(refused)
}
