mod choice;
mod second;

use self::choice::Choice;
use self::second::Second;
use super::Failure;
use super::client::At;
use super::screen::{BAD, DIM, EVENT, FUNCTION, QUEUE, styled};
use crate::adapters::control::{Line, Target, What};
use crate::clock::Stopwatch;
use clap::Args;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// So often what rushed by is told.
const SECOND: Duration = Duration::from_secs(1);

/// Follow what happens: events through bus, queues and functions
///
/// Coloured text on a terminal, one JSON object a line in a pipe.
///
/// On a terminal, lines that would rush by are summed up: where more than 80 come in a second, a few lines tell every
/// second how often each event came, and what became of it in each queue and function. What went wrong is told line by
/// line also then, unless it rushes by itself. A pipe gets every line, and so does a terminal with --every-line.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Tail {
    /// Begin with the fact of this number (1 is the first of all); without it, with what happens from now on
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    #[command(flatten)]
    choice: Choice,
    /// Never sum up
    #[arg(long)]
    every_line: bool,
    /// JSON lines also on a terminal
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

const EXAMPLES: &str = "\
Examples:
  pointsman tail                                    what happens from now on
  pointsman tail --detail-type OrderPlaced          these events alone
  pointsman tail --queue payment --function payment  what concerns the queue or the function
  pointsman tail --from 1 | jq -c 'select(.kind==\"dead-lettered\")'
                                                    all that was ever put aside, as JSON";

impl Tail {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let from = self.from.map(|from| format!("?from={from}")).unwrap_or_default();
        let lines = self.at.lines(&format!("/_pointsman/tail{from}"))?;
        // The engine has ended when there are no more.
        let lines = lines.map_while(Result::ok).filter(|line| self.choice.wants(line));
        let mut out = anstream::stdout();
        let mut print = |text: &str| writeln!(out, "{text}").and_then(|()| out.flush());
        if self.json || !std::io::stdout().is_terminal() {
            // Whoever reads may have enough.
            let _ = lines.into_iter().try_for_each(|line| print(&line));
        } else if self.every_line {
            let read = lines.filter_map(|line| serde_json::from_str::<Line>(&line).ok());
            let _ = read.into_iter().try_for_each(|line| print(&shown(&line)));
        } else {
            calmly(lines, print);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints lines, and sums up those that come too fast to be read.
fn calmly(
    lines: impl Iterator<Item = String> + Send,
    mut print: impl FnMut(&str) -> std::io::Result<()>,
) {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1_024);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for line in lines.filter_map(|line| serde_json::from_str::<Line>(&line).ok()) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut second = Second::default();
        let mut began = Stopwatch::start();
        loop {
            let left = SECOND.saturating_sub(began.elapsed());
            let told = match receiver.recv_timeout(left) {
                Ok(line) => second.take(&line).then(|| shown(&line)),
                Err(RecvTimeoutError::Timeout) => {
                    began = Stopwatch::start();
                    second.end()
                }
                Err(RecvTimeoutError::Disconnected) => {
                    // What was gathered last is told, too; nobody may be there to read it.
                    let _ = second.end().map_or(Ok(()), |told| print(&told));
                    return;
                }
            };
            if told.is_some_and(|told| print(&told).is_err()) {
                // Nobody reads any more; waiting for the engine's next line would not end.
                std::process::exit(0);
            }
        }
    });
}

/// A line for people: the time of day, then one sentence.
pub(super) fn shown(line: &Line) -> String {
    let time = line.at.get(11..23).unwrap_or(&line.at);
    let event = |source: &str, detail_type: &str| {
        format!("{} {}", styled(EVENT, detail_type), styled(DIM, source))
    };
    let sentence = match &line.what {
        What::Started { epoch } => format!("the engine started (epoch {epoch})"),
        What::Event { bus, source, detail_type, targets, refused, .. } => {
            let mut text = format!("{} → {bus}", event(source, detail_type));
            text.push_str(&reached(targets));
            if targets.is_empty() {
                text.push_str(&styled(BAD, " → no rule took it"));
            }
            for why in refused {
                text.push_str(&format!("\n             {}: {}", why.rule, why.because));
            }
            text
        }
        What::EventDropped { bus, source, detail_type, .. } => format!(
            "{} {}",
            event(source, detail_type),
            styled(BAD, format!("→ dropped: there is no bus {bus}"))
        ),
        What::Sent { queue, .. } => format!("message → {}", styled(QUEUE, queue)),
        What::Invoked { function, by, count, invocation, .. } => {
            let what = match *count {
                1 => by.clone(),
                n => format!("{by} ({n})"),
            };
            format!(
                "{} → {} {}",
                styled(QUEUE, what),
                styled(FUNCTION, function),
                number(*invocation)
            )
        }
        What::Ended { function, outcome, error, invocation } => {
            let style = if outcome == "answered" { FUNCTION } else { BAD };
            let mut text = format!(
                "{} {} {}",
                styled(FUNCTION, function),
                styled(style, outcome),
                number(*invocation)
            );
            if let Some(error) = error {
                text.push_str(&format!(": {}", styled(BAD, error)));
            }
            text
        }
        What::Batch { queue, handled, kept, .. } if *kept == 0 => {
            format!("{}: {handled} handled", styled(QUEUE, queue))
        }
        What::Batch { queue, handled, kept, .. } => {
            format!(
                "{}: {handled} handled, {}",
                styled(QUEUE, queue),
                styled(BAD, format!("{kept} to be tried again"))
            )
        }
        What::Returned { queue, count } => {
            format!("{}: {count} can be received again", styled(QUEUE, queue))
        }
        What::DeadLettered { queue, to } => {
            format!(
                "{} → {}",
                styled(QUEUE, queue),
                styled(BAD, format!("{to}: received too often"))
            )
        }
        What::Gone { queue, count } => {
            format!(
                "{}: {}",
                styled(QUEUE, queue),
                styled(BAD, format!("{count} dropped, too old"))
            )
        }
        What::Discarded { count, reason, .. } => {
            styled(BAD, format!("{count} records of a table given up: {reason}"))
        }
        What::Fired { schedule, attempt, targets, again, missed, .. } => {
            let mut text = format!("schedule {}", styled(EVENT, schedule));
            if *attempt > 1 {
                text.push_str(&format!(" (attempt {attempt})"));
            }
            text.push_str(&reached(targets));
            if let Some(again) = again {
                let at = again.at.get(11..19).unwrap_or(&again.at);
                let why = format!(" → {}; again at {at}", again.because);
                text.push_str(&styled(BAD, why));
            }
            if let Some(missed) = missed {
                text.push_str(&styled(DIM, format!(" (missed since {missed})")));
            }
            text
        }
        What::Applied { stack, resources } => format!("stack {stack}: {resources} resources"),
        What::Clock { offset_ms } => {
            format!("the clock stands {} s ahead", offset_ms / 1000)
        }
        What::Fault { what } => format!("{} {what}", styled(BAD, "fault:")),
        What::Missed { count } => styled(BAD, format!("{count} facts are no longer kept")),
    };
    format!("{} {sentence}", styled(DIM, time))
}

/// ` → queue → other`
fn reached(targets: &[Target]) -> String {
    let mut text = String::new();
    for target in targets {
        let to = match &target.failed {
            None => styled(QUEUE, &target.to),
            Some(why) => format!("{} {}", target.to, styled(BAD, why)),
        };
        text.push_str(&format!(" → {to}"));
    }
    text
}

fn number(invocation: u64) -> String {
    styled(DIM, format!("#{invocation}"))
}
