use super::Failure;
use super::client::At;
use super::screen::{BAD, BOLD, DIM, length, styled};
use crate::adapters::control::{MoveTime, Moved, Shown};
use crate::clock::Time;
use clap::Args;
use serde_json::json;
use std::io::IsTerminal;
use std::process::ExitCode;

/// Show engine time, or move it on
///
/// Everything that waits for time follows: visibility timeouts, delays, retries, retention, time to live, and what AWS
/// stamps on records and requests. It never goes back. Tokens, signatures and a function's own deadline stay with the
/// wall clock.
///
/// Time passes from one due timer to the next, and each time waits until the functions have done what was due. With
/// --jump it is there at once, as after a night with the lid closed.
#[derive(Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Clock {
    /// By how much (+90s, +15m, +25h, +3d, +1d12h), or to which instant (2027-01-31T08:00:00Z)
    #[arg(value_name = "TO")]
    to: Option<String>,
    /// Go there in one step: whatever comes due on the way happens at its end
    #[arg(long, requires = "to")]
    jump: bool,
    /// JSON also on a terminal
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

const EXAMPLES: &str = "\
Examples:
  pointsman clock                         what time it is, and what comes due next
  pointsman clock +15m                    a delay or deadline of a quarter of an hour passes
  pointsman clock +25h --jump             a day is gone, and nobody was awake
  pointsman clock 2027-01-31T08:00:00Z    until then";

impl Clock {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let as_json = self.json || !std::io::stdout().is_terminal();
        let Some(to) = &self.to else {
            let shown: Shown = self.at.get("/_pointsman/clock")?;
            match as_json {
                true => println!("{}", json!(shown)),
                false => anstream::println!("{}", face(&shown)),
            }
            return Ok(ExitCode::SUCCESS);
        };
        let wanted = MoveTime { jump: self.jump, ..read(to)? };
        let moved: Moved = self.at.post("/_pointsman/clock", &json!(wanted))?;
        match as_json {
            true => println!("{}", json!(moved)),
            false => anstream::println!("{}", told(&moved)),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `+25h` or an instant.
fn read(to: &str) -> Result<MoveTime, Failure> {
    let wrong = || {
        format!(
            "clock {to}: give a time to pass (+90s, +15m, +25h, +3d) or an instant (2027-01-31T08:00:00Z)"
        )
    };
    if let Some(span) = to.strip_prefix('+') {
        let by = passing(span).ok_or_else(wrong)?;
        return Ok(MoveTime { by_ms: Some(by), ..MoveTime::default() });
    }
    let instant: jiff::Timestamp = to.parse().map_err(|_| wrong())?;
    Ok(MoveTime { to_ms: Some(instant.as_millisecond()), ..MoveTime::default() })
}

/// Milliseconds of `1d12h`, `90s`, `500ms`: numbers with units.
pub(super) fn passing(mut span: &str) -> Option<u64> {
    let mut sum: u64 = 0;
    while !span.is_empty() {
        let digits = span.find(|c: char| !c.is_ascii_digit())?;
        let (number, rest) = span.split_at(digits);
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(end);
        let ms: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(ms)?)?;
        span = rest;
    }
    (sum > 0).then_some(sum)
}

fn face(shown: &Shown) -> String {
    let (engine, wall) = (Time(shown.engine_ms), Time(shown.wall_ms));
    let ahead = match (engine - wall).as_millis() {
        0..1_000 => "as the wall clock".to_owned(),
        _ => format!("{} ahead of the wall clock", length(engine - wall)),
    };
    let mut text =
        format!("{} {}", styled(BOLD, engine.rfc3339_millis()), styled(DIM, format!("({ahead})")));
    match &shown.next {
        None => text.push_str("\nnothing waits for time to pass"),
        Some(next) => {
            text.push_str(&format!("\nin {}: {}", length(Time(next.due_ms) - engine), next.what))
        }
    }
    text
}

fn told(moved: &Moved) -> String {
    let (from, to) = (Time(moved.from_ms), Time(moved.to_ms));
    let mut text = format!(
        "{} → {} {}",
        from.rfc3339_millis(),
        styled(BOLD, to.rfc3339_millis()),
        styled(DIM, format!("(+{})", length(to - from)))
    );
    let all = [
        (moved.visible, ["message", "became visible"], false),
        (moved.mappings, ["mapping", "had waited long enough"], false),
        (moved.retried, ["asynchronous invocation", "tried again"], false),
        (moved.schedules, ["time", "of schedules"], false),
        (moved.invocations, ["invocation", ""], false),
        (moved.dead_lettered, ["message", "went to a dead-letter queue"], true),
        (moved.expired, ["message", "outlived the retention"], true),
        (moved.items, ["item", "of tables outlived the time to live"], false),
        (moved.records, ["stream record", "outlived a day"], false),
    ];
    for (count, [what, became], bad) in all.into_iter().filter(|(count, ..)| *count > 0) {
        let s = if count == 1 { "" } else { "s" };
        let line = format!("{count:>6} {what}{s} {became}");
        let line = line.trim_end();
        text.push('\n');
        text.push_str(&if bad { styled(BAD, line) } else { line.to_owned() });
    }
    if all_quiet(moved) {
        text.push_str("\nnothing was due");
    }
    text
}

fn all_quiet(moved: &Moved) -> bool {
    let Moved { from_ms, to_ms, .. } = *moved;
    *moved == Moved { from_ms, to_ms, ..Moved::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::control::Next;

    #[track_caller]
    fn by(to: &str, ms: u64) {
        assert_eq!(read(to).map(|m| (m.by_ms, m.to_ms)), Ok((Some(ms), None)), "{to}");
    }

    #[track_caller]
    fn wrong(to: &str) {
        let why = read(to).unwrap_err();
        assert!(why.starts_with(&format!("clock {to}: give a time to pass")), "{why}");
    }

    #[test]
    fn time_to_pass_is_numbers_with_units() {
        by("+90s", 90_000);
        by("+15m", 900_000);
        by("+25h", 90_000_000);
        by("+3d", 259_200_000);
        by("+1d12h", 129_600_000);
        by("+500ms", 500);
        wrong("+");
        wrong("+0s");
        wrong("+1");
        wrong("+h");
        wrong("+1w");
        wrong("+1 h");
        wrong("1h");
        wrong("-1h");
        wrong("+99999999999999999999d");
        wrong("tomorrow");
        wrong("2027-01-31");
    }

    #[test]
    fn an_instant_is_rfc_3339() {
        let read = read("2022-03-22T22:39:43.042Z").unwrap();
        assert_eq!((read.by_ms, read.to_ms), (None, Some(1_647_988_783_042)));
    }

    #[test]
    fn what_happened_is_told_and_what_did_not_is_not() {
        let moved = Moved { from_ms: 0, to_ms: 90_000_000, visible: 2, ..Moved::default() };
        let text = anstream::adapter::strip_str(&told(&moved)).to_string();
        assert_eq!(
            text,
            "1970-01-01T00:00:00.000Z → 1970-01-02T01:00:00.000Z (+1 d 1 h)\n     2 messages became visible"
        );
        let one = told(&Moved { visible: 1, items: 1, ..moved });
        assert!(one.contains("     1 message became visible\n     1 item of tables"), "{one}");
        let quiet = Moved { from_ms: 5, to_ms: 7, ..Moved::default() };
        assert!(told(&quiet).ends_with("\nnothing was due"));
    }

    #[test]
    fn the_clock_shows_how_far_it_is_ahead_and_what_comes_next() {
        let next = Some(Next { due_ms: 3_661_000, what: "x".into() });
        let text = face(&Shown { engine_ms: 3_600_000, wall_ms: 0, next });
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(text, "1970-01-01T01:00:00.000Z (1 h ahead of the wall clock)\nin 1 min 1 s: x");
    }
}
