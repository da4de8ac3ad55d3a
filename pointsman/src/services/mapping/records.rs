use super::answer::failures;
use crate::clock::Time;
use crate::engine::{
    Command, Context, Decision, Delivery, Draft, Fact, InvocationId, Name, Payload, ReadRecord,
    State, Why,
};
use crate::services::deliver;
use crate::services::function::{Finished, Invocation};
use crate::topology::MappingSource;
use bytes::Bytes;
use serde_json::json;
use std::time::Duration;

/// Records that follow a mapping's cursor, read from a table's stream when they were durable there.
///
/// The reply is whether they were taken. They are not where another reader was faster, or the mapping rests.
#[derive(Debug)]
pub struct TakeRecords {
    /// The mapping.
    pub mapping: Name,
    /// The cursor from which they were read.
    pub after: Option<String>,
    /// Their sequence numbers, also of those that a filter left out of the payload.
    pub sequences: Vec<String>,
    /// What is known of each of them, for whoever follows what led to what.
    pub read: Vec<ReadRecord>,
    /// When each of them was written.
    pub written: Vec<Time>,
    /// The event for the function; `None` where the filter wants none of them.
    pub payload: Option<Bytes>,
}

impl Command for TakeRecords {
    type Reply = bool;

    fn decide(&self, state: &State, context: &Context) -> Decision<bool> {
        let mut draft = Draft::new(state, context);
        let taken = self.take(&mut draft).is_some();
        draft.reply(taken)
    }
}

impl TakeRecords {
    fn take(&self, draft: &mut Draft<'_>) -> Option<()> {
        let state = draft.state;
        let mapping = state.mappings.get(&self.mapping)?;
        let function = state.functions.get(mapping.spec.function.as_str())?;
        if !mapping.may_take_records() || mapping.cursor != self.after || function.is_throttled() {
            return None;
        }
        let last = self.sequences.last()?;
        let MappingSource::Stream { max_age_seconds, on_failure, .. } = &mapping.spec.source else {
            return None;
        };
        let Some(payload) = &self.payload else {
            self.note(draft, mapping.table()?, None);
            draft
                .fact(Fact::StreamAdvanced { mapping: self.mapping.clone(), cursor: last.clone() });
            return Some(());
        };
        let now = draft.context.now;
        let too_old =
            |at: &Time| max_age_seconds.is_some_and(|most| mapping.is_too_old(*at, most, now));
        // The others are read again from behind these.
        let old = self.written.iter().take_while(|at| too_old(at)).count();
        if old > 0
            && self.read.iter().take(old).all(|record| !record.wanted)
            && !self.read.is_empty()
        {
            let cursor = self.sequences.get(old - 1)?.clone();
            draft.fact(Fact::StreamAdvanced { mapping: self.mapping.clone(), cursor });
            return Some(());
        }
        if old > 0 {
            let given_up = GivenUp {
                mapping: &self.mapping,
                table: mapping.table()?,
                function: &mapping.spec.function,
                sequences: self.sequences.get(..old)?,
                arrived: (self.written[0], self.written[old - 1]),
                attempts: mapping.attempts,
                condition: "RecordAgeExceeded",
                failed: mapping.attempts > 0,
                on_failure: on_failure.as_deref(),
            };
            given_up.discard(draft);
            return Some(());
        }
        let why = Why::Records {
            mapping: self.mapping.clone(),
            sequences: self.sequences.clone(),
            oldest: self.written.first().copied().unwrap_or(draft.context.now),
        };
        let payload = Payload::Bytes(payload.clone());
        let attempt = mapping.attempts + 1;
        let (id, _) =
            crate::services::function::start(draft, &mapping.function(), why, payload, attempt);
        self.note(draft, mapping.table()?, Some(id));
        Some(())
    }

    /// What was read leads from what wrote it to what follows from it.
    fn note(&self, draft: &mut Draft<'_>, table: &str, invocation: Option<InvocationId>) {
        if !self.read.is_empty() {
            draft.fact(Fact::RecordsRead {
                mapping: self.mapping.clone(),
                table: table.into(),
                invocation,
                records: self.read.clone(),
            });
        }
    }
}

/// What becomes of a batch of records: the cursor moves up to the first failure, and the rest is tried again, and
/// nothing beside it, in halves if the mapping bisects, until attempts or age are used up.
pub(crate) fn settle_records(
    draft: &mut Draft<'_>,
    (id, invocation): (InvocationId, &Invocation),
    name: &Name,
    sequences: &[String],
    oldest: Time,
    finished: &Finished,
) {
    let state = draft.state;
    // A mapping that was made anew, or reads another table now, has not begun this batch.
    let Some(mapping) = state.mappings.get(name).filter(|m| m.running.contains(&id)) else {
        return;
    };
    let failed_at = match finished {
        Finished::Answered(answer) if invocation.reports_failures => {
            match failures(answer, |id| sequences.iter().any(|s| s == id)) {
                Some(failed) => sequences.iter().position(|s| failed.contains(s)),
                None => Some(0),
            }
        }
        Finished::Answered(_) => None,
        _ => Some(0),
    };
    let last = sequences.last().cloned().unwrap_or_default();
    let Some(first_failed) = failed_at else {
        draft.fact(Fact::StreamAdvanced { mapping: name.clone(), cursor: last });
        return;
    };
    if first_failed > 0 {
        let cursor = sequences[first_failed - 1].clone();
        draft.fact(Fact::StreamAdvanced { mapping: name.clone(), cursor });
    }
    let rest = &sequences[first_failed..];
    let MappingSource::Stream { max_attempts, bisect, on_failure, .. } = &mapping.spec.source
    else {
        return;
    };
    // Progress is a new beginning; splitting does not use up the quota. What cannot be split further stays alone
    // until it is through or given up, so that its neighbours are not tried with it again.
    let tried = if first_failed > 0 { 1 } else { mapping.attempts + 1 };
    let partial = matches!(finished, Finished::Answered(_));
    let is_split = *bisect && !partial && rest.len() > 1;
    let limit = if is_split { rest.len() / 2 } else { rest.len() };
    let limit = Some(u32::try_from(limit).unwrap_or(u32::MAX));
    let used = if is_split { mapping.attempts } else { tried };
    if !is_split && max_attempts.is_some_and(|most| used > most) {
        let discarded = if partial { &rest[..1] } else { rest };
        let given_up = GivenUp {
            mapping: name,
            table: mapping.table().unwrap_or_default(),
            function: &invocation.function,
            sequences: discarded,
            arrived: (oldest, oldest),
            attempts: used,
            condition: "RetryAttemptsExhausted",
            failed: !partial,
            on_failure: on_failure.as_deref(),
        };
        given_up.discard(draft);
        return;
    }
    let due = draft.context.now + pause(draft, tried);
    draft.fact(Fact::StreamRetried { mapping: name.clone(), attempts: used, due, limit });
}

/// 100 ms doubled with each try, at most 30 s, with equal jitter.
fn pause(draft: &mut Draft<'_>, tried: u32) -> Duration {
    let most = (100_u64 << tried.saturating_sub(1).min(9)).min(30_000);
    Duration::from_millis(most / 2 + draft.choices.below(most / 2 + 1))
}

/// Records that are not tried again.
struct GivenUp<'a> {
    mapping: &'a Name,
    table: &'a str,
    function: &'a str,
    sequences: &'a [String],
    /// When the first and the last were written.
    arrived: (Time, Time),
    attempts: u32,
    condition: &'a str,
    failed: bool,
    on_failure: Option<&'a str>,
}

impl GivenUp<'_> {
    fn discard(&self, draft: &mut Draft<'_>) {
        let (first, last) = match self.sequences {
            [] => return,
            [one] => (one, one),
            [first, .., last] => (first, last),
        };
        let delivery = self.on_failure.map(|target| {
            let record = self.record(draft, first, last);
            Delivery {
                rule: "".into(),
                target: target.into(),
                outcome: deliver::send(draft, target, record, None),
            }
        });
        draft.fact(Fact::StreamDiscarded {
            mapping: self.mapping.clone(),
            first: first.clone(),
            last: last.clone(),
            count: self.sequences.len() as u32,
            reason: self.condition.to_owned(),
            delivery,
        });
    }

    /// Metadata only, as Lambda sends it: the records themselves stay in the stream and the table.
    fn record(&self, draft: &mut Draft<'_>, first: &str, last: &str) -> Bytes {
        let region = &draft.state.region;
        let record = json!({
            "requestContext": {
                "requestId": draft.choices.id().to_string(),
                "functionArn": region.function(self.function),
                "condition": self.condition,
                "approximateInvokeCount": self.attempts,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": self.failed.then_some("Unhandled"),
            },
            "version": "1.0",
            "timestamp": draft.context.now.rfc3339_millis(),
            "DDBStreamBatchInfo": {
                "shardId": "shardId-00000000000000000000-00000000",
                "startSequenceNumber": first,
                "endSequenceNumber": last,
                "approximateArrivalOfFirstRecord": self.arrived.0.rfc3339_millis(),
                "approximateArrivalOfLastRecord": self.arrived.1.rfc3339_millis(),
                "batchSize": self.sequences.len(),
                "streamArn": format!("{}/stream", region.table(self.table)),
            },
        });
        Bytes::from(record.to_string())
    }
}
