//! Projections: consumers whose state can be dropped and built again.

use super::{Batch, BatchFailures, Failure, Harness, Record};
use crate::runtime::Invocation;
use pointsman_event::Readable;

/// Handles one batch of a projection; what is returned goes to Lambda as it is.
///
/// A live record is handled once for every generation that `open` names: the live one, and any
/// being built. A replayed record counts for its own generation alone, if that is open and the
/// replay is meant for this consumer; else it is acked and counted. `open` is asked once a batch.
pub async fn handle_projection_batch<W, S: Readable>(
    harness: &Harness,
    batch: Batch,
    invocation: &Invocation,
    world: &W,
    open: impl AsyncFn(&W) -> Result<Vec<String>, Failure>,
    handle: impl AsyncFn(&W, &Record<S>, &str) -> Result<(), Failure>,
) -> BatchFailures {
    let generations = tokio::sync::OnceCell::new();
    let visit = async |record: Record<S>| {
        let generations: &Vec<String> = generations.get_or_try_init(|| open(world)).await?;
        let Some(replay) = &record.replay else {
            for generation in generations {
                handle(world, &record, generation).await?;
            }
            return Ok(());
        };
        match replay.generation_for(harness.name()) {
            Some(generation) if generations.iter().any(|open| open == generation) => {
                handle(world, &record, generation).await
            }
            _ => {
                record.log.count("ReplayedIgnored");
                Ok(())
            }
        }
    };
    harness.each(batch, invocation, visit).await
}
