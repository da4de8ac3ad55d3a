//! One try to invoke a schedule's target, and what follows when the target cannot be invoked.

use crate::clock::Time;
use crate::engine::{Choices, Delivered, Delivery, Draft, Id, Name, Tried};
use crate::services::bus::{EventEntry, accept};
use crate::services::deliver;
use crate::topology::{Invoked, ScheduleTarget};
use bytes::Bytes;
use serde_json::json;
use std::time::Duration;

/// The longest pause between two tries: with it all 185 fit into a day.
const LONGEST_PAUSE_MS: u64 = 480_000;

/// A try.
pub(super) struct Shot<'a> {
    /// The schedule's `group/name`.
    pub(super) schedule: &'a Name,
    pub(super) target: &'a ScheduleTarget,
    /// The time for which it fires.
    pub(super) scheduled: Time,
    pub(super) execution: Id,
    /// From 1.
    pub(super) attempt: u32,
    /// When it was tried first.
    pub(super) first: Time,
}

/// Invokes the target; if that cannot be, says when it is tried again, or gives up.
pub(super) fn invoke(draft: &mut Draft<'_>, shot: &Shot<'_>) -> Tried {
    let input = shot.input(draft);
    let mut outcome = shot.send(draft, &input);
    if let Delivered::Lost { code, reason } = outcome {
        // What is not there may come; what the target refuses, it will refuse again.
        let is_retryable = code == "NO_RESOURCE";
        let code = shot.code(draft, code);
        let exhausted = match is_retryable {
            true => match shot.again(draft) {
                Ok(due) => return Tried::Failed { due, code, reason },
                Err(condition) => Some(condition),
            },
            false => None,
        };
        outcome = shot.give_up(draft, &input, (code, reason), exhausted);
    }
    let copy = match &mut outcome {
        Delivered::Queued { queue, message } => draft
            .befall(queue, message)
            .map(|copy| Delivered::Queued { queue: queue.clone(), message: copy }),
        _ => None,
    };
    let delivery =
        |outcome| Delivery { rule: "".into(), target: shot.target.arn.as_str().into(), outcome };
    Tried::Settled {
        deliveries: [Some(outcome), copy].into_iter().flatten().map(delivery).collect(),
    }
}

impl Shot<'_> {
    /// `Input` with its context attributes; without one, the event that Scheduler makes.
    fn input(&self, draft: &Draft<'_>) -> String {
        let region = &draft.state.region;
        let (arn, time) = (region.schedule(self.schedule), self.scheduled.rfc3339());
        let Some(input) = &self.target.input else {
            if self.target.event.is_some() {
                return "{}".into();
            }
            let event = json!({
                "version": "0",
                "id": self.execution.to_string(),
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": region.account,
                "time": time,
                "region": region.name,
                "resources": [arn],
                "detail": "{}",
            });
            return event.to_string();
        };
        input
            .replace("<aws.scheduler.schedule-arn>", &arn)
            .replace("<aws.scheduler.scheduled-time>", &time)
            .replace("<aws.scheduler.execution-id>", &self.execution.to_string())
            .replace("<aws.scheduler.attempt-number>", &self.attempt.to_string())
    }

    fn send(&self, draft: &mut Draft<'_>, input: &str) -> Delivered {
        let target = self.target;
        match (target.invokes(&draft.state.region), &target.event) {
            (Ok(Invoked::Bus(bus)), Some((detail_type, source))) => {
                let entry = EventEntry {
                    source: Some(source.clone()),
                    detail_type: Some(detail_type.clone()),
                    detail: Some(input.to_owned()),
                    bus: Some(bus.to_owned()),
                    ..EventEntry::default()
                };
                match accept(draft, &entry) {
                    Ok(event) => Delivered::Put { bus: bus.into(), event },
                    Err(error) => {
                        Delivered::Lost { code: error.code.into(), reason: error.message }
                    }
                }
            }
            _ => deliver::send(draft, &target.arn, Bytes::from(input.to_owned()), None),
        }
    }

    /// The code with which the target's own service refuses.
    fn code(&self, draft: &Draft<'_>, code: String) -> String {
        let is_gone = code == "NO_RESOURCE";
        match self.target.invokes(&draft.state.region) {
            Ok(Invoked::Queue(_)) if is_gone => "AWS.SimpleQueueService.NonExistentQueue".into(),
            Ok(Invoked::Queue(_)) if code == "INVALID_PARAMETER" => "InvalidParameterValue".into(),
            Ok(Invoked::Function) if is_gone => "ResourceNotFoundException".into(),
            _ => code,
        }
    }

    /// When it is tried again, or the condition that forbids it.
    fn again(&self, draft: &mut Draft<'_>) -> Result<Time, &'static str> {
        let retry = &self.target.retry;
        if self.attempt > retry.max_attempts {
            return Err("MaximumRetryAttempts");
        }
        let due = draft.context.now + pause(self.attempt, &mut draft.choices);
        match due > self.first.plus_seconds(retry.max_age_seconds) {
            true => Err("MaximumEventAgeInSeconds"),
            false => Ok(due),
        }
    }

    /// To the dead-letter queue, if there is one that takes it.
    fn give_up(
        &self,
        draft: &mut Draft<'_>,
        input: &str,
        (code, reason): (String, String),
        exhausted: Option<&str>,
    ) -> Delivered {
        let Some(queue) = &self.target.dead_letter else { return Delivered::Lost { code, reason } };
        let extra = deliver::attributes([
            ("ERROR_CODE", "String", code.clone()),
            ("ERROR_MESSAGE", "String", reason.clone()),
            ("EXECUTION_ID", "String", self.execution.to_string()),
            ("EXHAUSTED_RETRY_CONDITION", "String", exhausted.unwrap_or_default().to_owned()),
            ("IS_PAYLOAD_TRUNCATED", "String", "false".to_owned()),
            ("RETRY_ATTEMPTS", "String", (self.attempt - 1).to_string()),
            ("SCHEDULED_TIME", "String", self.scheduled.rfc3339()),
            ("SCHEDULE_ARN", "String", draft.state.region.schedule(self.schedule)),
            ("TARGET_ARN", "String", self.target.arn.clone()),
        ]);
        let mut extra = (*extra).clone();
        if exhausted.is_none() {
            extra.attributes.remove("EXHAUSTED_RETRY_CONDITION");
        }
        let request = Bytes::from(self.request(draft, input));
        match deliver::send(draft, queue, request, Some(extra.into())) {
            Delivered::Queued { queue, message } => {
                Delivered::DeadLettered { queue, message, code, reason }
            }
            _ => Delivered::Lost {
                code,
                reason: format!("{reason} Its dead-letter queue {queue} could not take it either."),
            },
        }
    }

    /// The request to the target's API: the body of a dead letter.
    fn request(&self, draft: &Draft<'_>, input: &str) -> String {
        let (region, target) = (&draft.state.region, self.target);
        let request = match (target.invokes(region), &target.event) {
            (Ok(Invoked::Queue(queue)), _) => {
                let host = format!("https://sqs.{}.amazonaws.com", region.name);
                json!({ "MessageBody": input, "QueueUrl": region.queue_url(&host, queue) })
            }
            (Ok(Invoked::Bus(bus)), Some((detail_type, source))) => json!({ "Entries": [{
                "Detail": input,
                "DetailType": detail_type,
                "EventBusName": bus,
                "Source": source,
            }] }),
            _ => json!({
                "FunctionName": target.arn,
                "InvocationType": "Event",
                "Payload": input,
            }),
        };
        request.to_string()
    }
}

/// How long it takes until the next try: twice as long each time, up to a limit, and at random between half and all of
/// that.
fn pause(attempt: u32, choices: &mut Choices) -> Duration {
    let doubled = 1_000_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(LONGEST_PAUSE_MS);
    let most = if attempt > 20 { LONGEST_PAUSE_MS } else { doubled.min(LONGEST_PAUSE_MS) };
    Duration::from_millis(most / 2 + choices.below(most / 2 + 1))
}
