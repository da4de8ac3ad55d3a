use super::at::{function, publishes, writes};
use super::plan::Seconds;
use super::{Injected, Mishap, Point};
use std::collections::BTreeMap;
use std::fmt;

/// One fault that struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What kind it was, as a SPEC names it.
    pub kind: &'static str,
    /// What struck where: `killed payment after its write`.
    pub what: String,
}

/// How many faults of which kind have struck.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub BTreeMap<&'static str, u64>);

impl Counts {
    /// Of one kind.
    pub fn of(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or_default()
    }

    /// Of all kinds.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// `3 × duplicate, 1 × kill-after-write`, or that nothing struck.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none struck");
        }
        let all: Vec<String> = self.0.iter().map(|(kind, n)| format!("{n} × {kind}")).collect();
        f.write_str(&all.join(", "))
    }
}

/// What strikes at a point, told; `None` for what cannot happen there.
pub(super) fn tell(point: &Point<'_>, what: Injected) -> Option<Told> {
    let (kind, what) = match (point, what) {
        (Point::Request(r), what) => {
            let (who, action) = (function(r.caller).unwrap_or("an operator"), r.action);
            match what {
                Injected::Throttle => ("throttle", format!("throttled {action} of {who}")),
                Injected::Fail => ("fail", format!("failed {action} of {who}")),
                Injected::Lose => ("lose", format!("lost {action} of {who} before it was done")),
                Injected::Kill if writes(r) => {
                    ("kill-before-write", format!("killed {who} before its write"))
                }
                Injected::Kill => ("kill", format!("killed {who} before its {action}")),
                _ => return None,
            }
        }
        (Point::Answer(r), what) => {
            let (who, action) = (function(r.caller).unwrap_or("an operator"), r.action);
            match what {
                Injected::Lose => ("lose", format!("lost the answer to {action} of {who}")),
                Injected::Kill if writes(r) => {
                    ("kill-after-write", format!("killed {who} after its write"))
                }
                Injected::Kill if publishes(r) => {
                    ("kill-after-publish", format!("killed {who} after its {action}"))
                }
                Injected::Kill => ("kill", format!("killed {who} after its {action}")),
                _ => return None,
            }
        }
        (Point::Invocation(i), Injected::Delay(by)) => {
            ("wait", format!("{} waits {} for its invocation", i.function, Seconds(by)))
        }
        (Point::Invocation(i), Injected::Kill) => {
            ("kill-at-start", format!("killed {} at the start of its invocation", i.function))
        }
        (Point::Response(i), Injected::Kill) => {
            ("kill-before-answer", format!("killed {} before its answer", i.function))
        }
        (Point::Commit(_), Injected::Crash) => ("crash", "crashed before a commit".to_owned()),
        (Point::Committed(_), Injected::Crash) => ("crash", "crashed after a commit".to_owned()),
        _ => return None,
    };
    Some(Told { kind, what })
}

/// What befell a message, told: one line for each thing.
pub(super) fn tell_mishap(mishap: &Mishap) -> impl Iterator<Item = Told> {
    let queue = &mishap.queue;
    let copy = mishap.what.copy.map(|by| Told {
        kind: "duplicate",
        what: format!("a message to {queue} is there twice, the second {} later", Seconds(by)),
    });
    let delay = mishap.what.delay.map(|by| Told {
        kind: "delay",
        what: format!("a message to {queue} comes {} later", Seconds(by)),
    });
    copy.into_iter().chain(delay)
}
