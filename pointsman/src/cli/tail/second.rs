use super::super::screen::{BAD, BOLD, DIM, EVENT, FUNCTION, QUEUE, styled};
use crate::adapters::control::{Line, What};
use std::collections::BTreeMap;

/// More lines in a second than a person reads; but one chain of events, of 50 or 60 in the shop, is told whole.
const MOST: usize = 80;

/// So many lines of what went wrong are told one by one even then.
const MOST_BAD: usize = 10;

/// What came in a second: told at once while it can be read, and else summed up at its end.
#[derive(Default)]
pub(super) struct Second {
    lines: usize,
    bad: usize,
    /// The last second had too many lines: this one is summed up from its beginning.
    rushes: bool,
    first: String,
    sums: BTreeMap<Key, Sums>,
    gathered: usize,
}

/// What is counted: kinds in the order in which they are told, then names.
type Key = (Kind, String);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Event,
    Queue,
    Function,
    Other,
}

/// How often each thing happened, in the order of their names.
type Sums = BTreeMap<&'static str, usize>;

impl Second {
    /// Takes a line; true if it is to be told at once.
    pub(super) fn take(&mut self, line: &Line) -> bool {
        self.lines += 1;
        if is_bad(&line.what) {
            self.bad += 1;
            if self.bad <= MOST_BAD {
                return true;
            }
        } else if !self.rushes && self.lines <= MOST {
            return true;
        }
        if self.gathered == 0 {
            self.first = line.at.get(11..19).unwrap_or_default().to_owned();
        }
        self.gathered += 1;
        for (kind, name, what, count) in counted(&line.what) {
            *self.sums.entry((kind, name)).or_default().entry(what).or_default() += count;
        }
        false
    }

    /// Ends the second: what was not told line by line, summed up.
    pub(super) fn end(&mut self) -> Option<String> {
        let ended = std::mem::take(self);
        self.rushes = ended.lines > MOST;
        if ended.gathered == 0 {
            return None;
        }
        let mut told = format!(
            "{} {}",
            styled(DIM, &ended.first),
            styled(DIM, format!("{} more in a second", ended.gathered))
        );
        for ((kind, name), sums) in ended.sums {
            let style = match kind {
                Kind::Event => EVENT,
                Kind::Queue => QUEUE,
                Kind::Function => FUNCTION,
                Kind::Other => BOLD,
            };
            let sums: Vec<String> = sums
                .into_iter()
                .map(|(what, count)| {
                    let text = format!("{count} {what}");
                    if BAD_ENDS.contains(&what) { styled(BAD, text) } else { text }
                })
                .collect();
            told.push_str(&format!("\n         {} {}", styled(style, name), sums.join(", ")));
        }
        Some(told)
    }
}

/// Sums that are no good news.
const BAD_ENDS: [&str; 5] =
    ["taken by no rule", "ended badly", "to be tried again", "put aside", "dropped"];

/// What happened to what, and how often.
fn counted(what: &What) -> Vec<(Kind, String, &'static str, usize)> {
    match what {
        What::Event { detail_type, targets, .. } if targets.is_empty() => {
            vec![(Kind::Event, detail_type.clone(), "taken by no rule", 1)]
        }
        What::Event { detail_type, .. } => vec![(Kind::Event, detail_type.clone(), "came", 1)],
        What::EventDropped { detail_type, .. } => {
            vec![(Kind::Event, detail_type.clone(), "dropped", 1)]
        }
        What::Sent { queue, .. } => vec![(Kind::Queue, queue.clone(), "sent", 1)],
        What::Batch { queue, handled, kept, .. } => {
            let of = |what, count| (Kind::Queue, queue.clone(), what, count);
            let both = [of("handled", *handled), of("to be tried again", *kept)];
            both.into_iter().filter(|(.., count)| *count > 0).collect()
        }
        What::Returned { queue, count } => {
            vec![(Kind::Queue, queue.clone(), "can be received again", *count)]
        }
        What::DeadLettered { queue, .. } => vec![(Kind::Queue, queue.clone(), "put aside", 1)],
        What::Gone { queue, count } => vec![(Kind::Queue, queue.clone(), "dropped", *count)],
        What::Invoked { function, .. } => {
            vec![(Kind::Function, function.clone(), "invocations begun", 1)]
        }
        What::Ended { function, outcome, .. } => {
            let what = if outcome == "answered" { "answered" } else { "ended badly" };
            vec![(Kind::Function, function.clone(), what, 1)]
        }
        What::Fired { schedule, .. } => vec![(Kind::Other, schedule.clone(), "times come", 1)],
        What::Discarded { mapping, count, .. } => {
            vec![(Kind::Other, mapping.clone(), "dropped", *count as usize)]
        }
        What::Fault { .. } => vec![(Kind::Other, "faults on request".into(), "struck", 1)],
        What::Started { .. } | What::Applied { .. } | What::Clock { .. } | What::Missed { .. } => {
            vec![]
        }
    }
}

/// What nobody should miss.
fn is_bad(what: &What) -> bool {
    match what {
        What::Event { targets, .. } => {
            targets.is_empty() || targets.iter().any(|target| target.failed.is_some())
        }
        What::Fired { targets, again, .. } => {
            again.is_some() || targets.iter().any(|target| target.failed.is_some())
        }
        What::Ended { outcome, .. } => outcome != "answered",
        What::Batch { kept, .. } => *kept > 0,
        What::EventDropped { .. }
        | What::DeadLettered { .. }
        | What::Gone { .. }
        | What::Discarded { .. }
        | What::Started { .. }
        | What::Applied { .. }
        | What::Clock { .. }
        | What::Missed { .. } => true,
        What::Sent { .. } | What::Invoked { .. } | What::Returned { .. } | What::Fault { .. } => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(what: What) -> Line {
        Line { seq: 1, at: "2026-11-21T18:56:13.307Z".into(), what }
    }

    fn batch(kept: usize) -> Line {
        line(What::Batch { queue: "view".into(), invocation: 1, handled: 10, kept })
    }

    fn plain(text: Option<String>) -> Option<String> {
        text.map(|text| anstream::adapter::strip_str(&text).to_string())
    }

    #[test]
    fn what_can_be_read_is_told_line_by_line() {
        let mut second = Second::default();
        for _ in 0..3 {
            assert!((0..MOST).all(|_| second.take(&batch(0))));
            assert_eq!(second.end(), None);
        }
    }

    #[test]
    fn what_rushes_by_is_summed_up_until_it_is_calm_again() {
        let mut second = Second::default();
        let ended = |outcome: &str| What::Ended {
            invocation: 1,
            function: "view".into(),
            outcome: outcome.into(),
            error: None,
        };
        let told = (0..MOST + 5).filter(|_| second.take(&batch(0))).count();
        assert_eq!(told, MOST);
        assert!(!second.take(&line(ended("answered"))));
        assert_eq!(
            plain(second.end()).as_deref(),
            Some("18:56:13 6 more in a second\n         view 50 handled\n         view 1 answered")
        );
        assert!(!second.take(&batch(0)), "the rush may go on");
        assert!(second.end().is_some());
        assert!(second.take(&batch(0)), "it is over");
    }

    #[test]
    fn what_went_wrong_is_told_line_by_line_also_in_a_rush_unless_it_rushes_itself() {
        let mut second = Second::default();
        for _ in 0..=MOST {
            let _ = second.take(&batch(0));
        }
        let told = (0..MOST_BAD + 2).filter(|_| second.take(&batch(1))).count();
        assert_eq!(told, MOST_BAD);
        let sum = plain(second.end()).unwrap_or_default();
        assert!(sum.ends_with("view 30 handled, 2 to be tried again"), "{sum}");
    }
}
