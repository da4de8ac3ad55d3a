use super::status::http_status;
use crate::engine::{
    Answer, Command, Context, Decision, Delivery, Draft, Effect, Fact, InvocationId, Outcome,
    State, Why,
};
use crate::services::deliver;
use crate::services::mapping;
use bytes::Bytes;
use serde_json::json;
use std::time::Duration;

/// What a function made of an invocation. The reply is whether anybody still wanted to know.
#[derive(Debug)]
pub struct Finish {
    /// The invocation.
    pub id: InvocationId,
    /// How it ended.
    pub finished: Finished,
    /// What the function had been given, where a destination's record must repeat it.
    pub payload: Bytes,
}

/// How a function ended an invocation.
#[derive(Clone, Debug)]
pub enum Finished {
    /// It answered with these bytes.
    Answered(Bytes),
    /// It reported an error, crashed or did not start.
    Failed {
        /// `errorType`, such as `Runtime.ExitError`.
        kind: String,
        /// `errorMessage`
        message: String,
        /// The JSON that an invoker sees.
        body: Bytes,
    },
    /// Its time was up.
    TimedOut {
        /// The JSON that an invoker sees.
        body: Bytes,
    },
}

impl Finished {
    /// As a fact has it.
    pub fn outcome(&self) -> Outcome {
        match self {
            Finished::Answered(_) => Outcome::Answered,
            Finished::Failed { kind, message, .. } => {
                Outcome::Failed { kind: kind.clone(), message: message.clone() }
            }
            Finished::TimedOut { .. } => Outcome::TimedOut,
        }
    }

    fn body(&self) -> &Bytes {
        match self {
            Finished::Answered(body)
            | Finished::Failed { body, .. }
            | Finished::TimedOut { body } => body,
        }
    }
}

impl Command for Finish {
    type Reply = bool;

    fn decide(&self, state: &State, context: &Context) -> Decision<bool> {
        let Some(invocation) = state.invocations.get(&self.id) else {
            return Decision::reply(false);
        };
        let mut draft = Draft::new(state, context);
        match &invocation.why {
            Why::Request => {
                let answer = match &self.finished {
                    Finished::Answered(payload) => {
                        if let Some(status) = http_status(payload) {
                            draft.fact(Fact::HttpAnswered { invocation: self.id, status });
                        }
                        Answer::Payload(payload.clone())
                    }
                    failed => Answer::Error(failed.body().clone()),
                };
                draft.effect(Effect::Answer(self.id, answer));
            }
            Why::Async { event, attempt } => self.settle(&mut draft, *event, *attempt),
            Why::Messages { mapping, queue, messages } => {
                mapping::settle_messages(
                    &mut draft,
                    (self.id, invocation),
                    mapping,
                    queue,
                    messages,
                    &self.finished,
                );
            }
            Why::Records { mapping, sequences, oldest } => {
                mapping::settle_records(
                    &mut draft,
                    (self.id, invocation),
                    mapping,
                    sequences,
                    *oldest,
                    &self.finished,
                );
            }
        }
        draft.fact(Fact::InvocationEnded { id: self.id, outcome: self.finished.outcome() });
        draft.reply(true)
    }
}

impl Finish {
    fn settle(&self, draft: &mut Draft<'_>, event: u64, attempt: u32) {
        let state = draft.state;
        let Some(waiting) = state.async_events.get(&event) else { return };
        let spec = state.functions.get(&waiting.function).map(|f| &f.spec.asynchronous);
        let answered = matches!(self.finished, Finished::Answered(_));
        let due = draft.context.now + Duration::from_secs(60 * u64::from(attempt));
        let too_old = spec.is_some_and(|s| due > waiting.accepted.plus_seconds(s.max_age_seconds));
        if !answered && !too_old && spec.is_some_and(|s| attempt <= s.max_attempts) {
            draft.fact(Fact::AsyncRetried { event, due });
            return;
        }
        let condition = match (answered, too_old) {
            (true, _) => "Success",
            (_, true) => "EventAgeExceeded",
            _ => "RetriesExhausted",
        };
        let destination =
            spec.and_then(|s| if answered { s.on_success.as_ref() } else { s.on_failure.as_ref() });
        let dead_letter =
            spec.and_then(|s| s.dead_letter.as_ref()).filter(|_| !answered).map(|d| &d.target);
        let delivery = match (destination, dead_letter) {
            (Some(target), _) => {
                let record = self.record(draft, waiting, condition, attempt);
                Some((target, deliver::send(draft, target, record, None)))
            }
            (None, Some(target)) => {
                let extra = deliver::attributes([
                    ("RequestID", "String", waiting.request.to_string()),
                    ("ErrorCode", "Number", "200".to_owned()),
                    ("ErrorMessage", "String", self.error_message()),
                ]);
                let event = (waiting.body, &self.payload[..]);
                Some((target, deliver::send_stored(draft, target, event, Some(extra))))
            }
            (None, None) => None,
        };
        let delivery = delivery.map(|(target, outcome)| Delivery {
            rule: "".into(),
            target: target.as_str().into(),
            outcome,
        });
        draft.fact(Fact::AsyncEnded { event, delivery });
    }

    fn record(
        &self,
        draft: &Draft<'_>,
        waiting: &super::AsyncEvent,
        condition: &str,
        attempt: u32,
    ) -> Bytes {
        let as_json = |bytes: &[u8]| {
            serde_json::from_slice::<serde_json::Value>(bytes).unwrap_or(serde_json::Value::Null)
        };
        let mut response = json!({ "statusCode": 200, "executedVersion": "$LATEST" });
        if !matches!(self.finished, Finished::Answered(_)) {
            response["functionError"] = "Unhandled".into();
        }
        let arn = draft.state.region.function(&waiting.function);
        let record = json!({
            "version": "1.0",
            "timestamp": draft.context.now.rfc3339_millis(),
            "requestContext": {
                "requestId": waiting.request.to_string(),
                "functionArn": format!("{arn}:$LATEST"),
                "condition": condition,
                "approximateInvokeCount": attempt,
            },
            "requestPayload": as_json(&self.payload),
            "responseContext": response,
            "responsePayload": as_json(self.finished.body()),
        });
        Bytes::from(record.to_string())
    }

    fn error_message(&self) -> String {
        let mut message = match &self.finished {
            Finished::Failed { message, .. } => message.clone(),
            Finished::TimedOut { .. } => "Task timed out".to_owned(),
            Finished::Answered(_) => String::new(),
        };
        let mut end = message.len().min(1024);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message
    }
}
