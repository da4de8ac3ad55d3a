use super::Failure;
use super::client::At;
use super::screen::{BAD, DIM, EVENT, FUNCTION, QUEUE, styled};
use crate::adapters::control::{Line, What};
use clap::Args;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Follow what happens: events through bus, queues and functions
///
/// Coloured text on a terminal, one JSON object a line in a pipe.
#[derive(Args)]
pub(super) struct Tail {
    /// Begin with the fact of this number (1 is the first of all); without it, with what happens from now on
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// JSON lines also on a terminal
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

impl Tail {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let from = self.from.map(|from| format!("?from={from}")).unwrap_or_default();
        let lines = self.at.lines(&format!("/_pointsman/tail{from}"))?;
        let as_json = self.json || !std::io::stdout().is_terminal();
        let mut out = anstream::stdout();
        for line in lines {
            // The engine has ended, or whoever reads has enough.
            let Ok(line) = line else { break };
            let text = match as_json {
                true => line,
                false => match serde_json::from_str::<Line>(&line) {
                    Ok(line) => shown(&line),
                    Err(_) => line,
                },
            };
            if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
                break;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
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
            for target in targets {
                let to = match &target.failed {
                    None => styled(QUEUE, &target.to),
                    Some(why) => format!("{} {}", target.to, styled(BAD, why)),
                };
                text.push_str(&format!(" → {to}"));
            }
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
        What::Applied { stack, resources } => format!("stack {stack}: {resources} resources"),
        What::Clock { offset_ms } => {
            format!("the clock stands {} s ahead", offset_ms / 1000)
        }
        What::Fault { what } => format!("{} {what}", styled(BAD, "fault:")),
        What::Missed { count } => styled(BAD, format!("{count} facts are no longer kept")),
    };
    format!("{} {sentence}", styled(DIM, time))
}

fn number(invocation: u64) -> String {
    styled(DIM, format!("#{invocation}"))
}
