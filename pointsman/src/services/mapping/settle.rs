use super::answer::failures;
use crate::engine::{Draft, Fact, Id, InvocationId, Name};
use crate::services::function::{Finished, Invocation};
use std::collections::BTreeMap;

/// What becomes of a batch of messages: the function's answer says which were not handled; an error or a timeout
/// keeps all. What is kept is seen again after its visibility timeout, as in AWS. What nobody has received since is
/// the batch's own even if that time is up.
pub(crate) fn settle_messages(
    draft: &mut Draft<'_>,
    (id, invocation): (InvocationId, &Invocation),
    mapping: &Name,
    queue: &Name,
    messages: &[u64],
    finished: &Finished,
) {
    let state = draft.state;
    let here = state.queues.get(queue);
    let is_held = |seq: &u64| here.and_then(|q| q.message(*seq)).is_some_and(|m| m.is_last_of(id));
    let held: Vec<u64> = messages.iter().copied().filter(is_held).collect();
    let id_of = |seq: u64| here.and_then(|q| q.message(seq)).map_or(Id(0), |m| m.id);
    let (deleted, kept) = match finished {
        Finished::Answered(answer) if invocation.reports_failures => {
            // Also of those that somebody else has by now, or has deleted: they are of the batch.
            let known: BTreeMap<u64, String> =
                messages.iter().map(|seq| (*seq, id_of(*seq).to_string())).collect();
            // One that is gone has left no identifier behind.
            let is_gone = known.values().any(|id| *id == Id(0).to_string());
            let is_known =
                |id: &str| known.values().any(|k| k == id) || is_gone && id.parse::<Id>().is_ok();
            match failures(answer, is_known) {
                Some(failed) => held.iter().partition_map(|seq| {
                    (known.get(seq).is_some_and(|id| failed.contains(id)), *seq)
                }),
                None => (vec![], held),
            }
        }
        Finished::Answered(_) => (held, vec![]),
        _ => (vec![], held),
    };
    draft.fact(Fact::BatchEnded {
        mapping: mapping.clone(),
        queue: queue.clone(),
        invocation: id,
        deleted,
        kept,
    });
}

/// Splits by a flag: false to the left, true to the right.
trait PartitionMap: Iterator + Sized {
    fn partition_map<T>(self, f: impl Fn(Self::Item) -> (bool, T)) -> (Vec<T>, Vec<T>) {
        let (mut left, mut right) = (vec![], vec![]);
        for item in self {
            match f(item) {
                (false, value) => left.push(value),
                (true, value) => right.push(value),
            }
        }
        (left, right)
    }
}

impl<I: Iterator> PartitionMap for I {}
