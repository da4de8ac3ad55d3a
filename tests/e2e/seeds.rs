use pointsman::faults::Plan;
use std::future::Future;
use tokio::runtime::Handle;

/// Runs a scenario under `count` seeds, one after the other, beginning with 1; the seed of the one that fails is
/// printed.
///
/// `POINTSMAN_SEED=7` runs it under that seed alone; `POINTSMAN_SEEDS=50` under so many.
pub(crate) async fn under_seeds<F>(count: u64, scenario: impl Fn(u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let seeds = match (number("POINTSMAN_SEED"), number("POINTSMAN_SEEDS")) {
        (Some(seed), _) => seed..=seed,
        (None, count_wanted) => 1..=count_wanted.unwrap_or(count),
    };
    for seed in seeds {
        // Its requests block: it has a thread of its own, as the body of a test has.
        let (handle, run) = (Handle::current(), scenario(seed));
        let ended = tokio::task::spawn_blocking(move || handle.block_on(run)).await;
        if let Err(failed) = ended {
            eprintln!("it failed under seed {seed}: run it again with POINTSMAN_SEED={seed}");
            std::panic::resume_unwind(failed.into_panic());
        }
    }
}

/// The plan of a seed: the gentle mix, or the one that `POINTSMAN_FAULTS` has.
pub(crate) fn plan(seed: u64) -> Plan {
    let spec = std::env::var("POINTSMAN_FAULTS").unwrap_or_default();
    Plan::parse(&spec, seed).unwrap_or_else(|why| panic!("{why}"))
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text}: a number is wanted")))
}
