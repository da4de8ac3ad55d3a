use super::Failure;
use super::client::At;
use super::screen::{BAD, BOLD, DIM, FUNCTION, QUEUE, length, short, styled};
use crate::adapters::control::{MessageView, QueueView};
use clap::Args;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Show all queues, or the messages of one without receiving them
///
/// A table on a terminal; in a pipe one JSON object a queue (or a message), a line each.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Queues {
    /// Show this queue's first messages: state, age, receives, reason, attributes, body
    #[arg(value_name = "QUEUE")]
    queue: Option<String>,
    /// So many messages of the queue
    #[arg(long, default_value_t = 10, value_name = "NUMBER", requires = "queue")]
    max: usize,
    /// Look again every second, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// JSON lines also on a terminal
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

const EXAMPLES: &str = "\
Examples:
  pointsman queues                     how many messages wait where, and why some went wrong
  pointsman queues --watch             the same, kept fresh
  pointsman queues order-view-dlq      what lies there
  pointsman queues | jq -c 'select(.deadLetters > 0)'";

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// From the top of the screen, over what is there.
const HOME: &str = "\x1b[H";
/// Nothing behind the end of the line.
const END_OF_LINE: &str = "\x1b[K";
/// Nothing below.
const BELOW: &str = "\x1b[J";

impl Queues {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let terminal = std::io::stdout().is_terminal();
        let as_json = self.json || !terminal;
        let in_place = self.watch && !as_json;
        let mut out = anstream::stdout();
        if in_place {
            // What was on the screen stays above.
            let _ = write!(out, "\x1b[2J");
        }
        loop {
            let text = self.look(as_json)?;
            let text = match in_place {
                true => format!("{HOME}{}{BELOW}", text.replace('\n', &format!("{END_OF_LINE}\n"))),
                false => text,
            };
            // Whoever reads has enough.
            if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() || !self.watch {
                return Ok(ExitCode::SUCCESS);
            }
            std::thread::sleep(LOOK);
        }
    }

    fn look(&self, as_json: bool) -> Result<String, Failure> {
        match &self.queue {
            None => {
                let queues: Vec<QueueView> = self.at.get("/_pointsman/queues")?;
                Ok(if as_json { lines(&queues) } else { table(&queues) })
            }
            Some(queue) => {
                let path = format!("/_pointsman/queues/{queue}?max={}", self.max);
                let messages: Vec<MessageView> = self.at.get(&path)?;
                Ok(if as_json { lines(&messages) } else { listed(&messages) })
            }
        }
    }
}

fn lines<T: serde::Serialize>(all: &[T]) -> String {
    all.iter().map(|one| format!("{}\n", json!(one))).collect()
}

/// A line a queue, and below it its dead letters with their reasons.
fn table(queues: &[QueueView]) -> String {
    if queues.is_empty() {
        return "there are no queues\n".into();
    }
    let dead: BTreeSet<&str> =
        queues.iter().filter_map(|queue| queue.dead_letter_queue.as_deref()).collect();
    let width = queues.iter().map(|queue| queue.queue.len() + 4).max().unwrap_or_default();
    let heading = format!(
        "{:<width$} {:>8} {:>9} {:>8} {:>13}  function",
        "queue", "visible", "in flight", "delayed", "oldest"
    );
    let mut text = format!("{}\n", styled(BOLD, heading));
    for queue in queues.iter().filter(|queue| !dead.contains(queue.queue.as_str())) {
        row(&mut text, queue, width, "");
        let behind = queue.dead_letter_queue.as_deref();
        let behind = behind.and_then(|name| queues.iter().find(|other| other.queue == name));
        if let Some(behind) = behind {
            row(&mut text, behind, width, "  ↳ ");
        }
    }
    text
}

fn row(text: &mut String, queue: &QueueView, width: usize, indent: &str) {
    let name = format!("{:<width$}", format!("{indent}{}", queue.queue));
    let there = queue.visible + queue.in_flight + queue.delayed;
    let is_wrong = there > 0 && (!indent.is_empty() || !queue.reasons.is_empty());
    let number = |number: usize, width: usize| match number {
        0 => styled(DIM, format!("{:>width$}", "·")),
        number if is_wrong => styled(BAD, format!("{number:>width$}")),
        number => format!("{number:>width$}"),
    };
    let oldest = queue.oldest_seconds.map(|seconds| length(Duration::from_secs(seconds)));
    let oldest = format!("{:>13}", oldest.unwrap_or_default());
    let mut behind = match (&queue.function, queue.enabled) {
        (Some(function), Some(false)) => {
            format!("{} {}", styled(FUNCTION, function), styled(BAD, "(mapping disabled)"))
        }
        (Some(function), _) => styled(FUNCTION, function),
        (None, _) => String::new(),
    };
    if queue.retained {
        behind.push_str(&styled(DIM, " (left its template; goes when it is empty)"));
    }
    let line = format!(
        "{} {} {} {} {oldest}  {behind}",
        styled(QUEUE, name),
        number(queue.visible, 8),
        number(queue.in_flight, 9),
        number(queue.delayed, 8),
    );
    text.push_str(line.trim_end());
    text.push('\n');
    for reason in &queue.reasons {
        let line = format!("      {} × {}", reason.messages, short(&reason.reason, 110));
        text.push_str(&styled(DIM, line));
        text.push('\n');
    }
}

/// A paragraph a message.
fn listed(messages: &[MessageView]) -> String {
    if messages.is_empty() {
        return "the queue is empty\n".into();
    }
    let mut text = String::new();
    for message in messages {
        let hidden = message.for_seconds.map(|seconds| length(Duration::from_secs(seconds)));
        let hidden = hidden.map(|time| format!(" for {time}")).unwrap_or_default();
        text.push_str(&format!(
            "{}  {}{hidden}, {} old, received {}\n",
            styled(QUEUE, &message.id),
            message.state,
            length(Duration::from_secs(message.age_seconds)),
            match message.receives {
                0 => "never".to_owned(),
                1 => "once".to_owned(),
                n => format!("{n} times"),
            }
        ));
        if let Some(reason) = &message.reason {
            text.push_str(&format!("  {}\n", styled(BAD, short(reason, 200))));
        }
        for (name, value) in &message.attributes {
            // It stands above already.
            if message.reason.as_ref() != Some(value) {
                text.push_str(&format!("  {} {}\n", styled(DIM, name), short(value, 150)));
            }
        }
        let more = message.size as usize > message.body.len();
        let size = if more { format!(" ({} bytes)", message.size) } else { String::new() };
        text.push_str(&format!("  {}{}\n", short(&message.body, 200), styled(DIM, size)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::control::Reason;

    fn queue(name: &str) -> QueueView {
        QueueView {
            queue: name.into(),
            visible: 0,
            in_flight: 0,
            delayed: 0,
            oldest_seconds: None,
            function: None,
            enabled: None,
            dead_letter_queue: None,
            dead_letters: None,
            reasons: vec![],
            retained: false,
        }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn dead_letters_stand_below_their_queue_with_the_reason() {
        let view = QueueView {
            visible: 12,
            oldest_seconds: Some(65),
            function: Some("view".into()),
            enabled: Some(false),
            dead_letter_queue: Some("a-dlq".into()),
            dead_letters: Some(2),
            ..queue("view")
        };
        let reasons = vec![Reason { reason: "the body is\nno event".into(), messages: 2 }];
        let dead = QueueView { visible: 2, reasons, ..queue("a-dlq") };
        let text = plain(&table(&[dead, queue("other"), view]));
        let expected = "\
queue      visible in flight  delayed        oldest  function
other            ·         ·        ·
view            12         ·        ·     1 min 5 s  view (mapping disabled)
  ↳ a-dlq        2         ·        ·
      2 × the body is no event
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_message_is_a_paragraph() {
        let message = MessageView {
            id: "0a1b".into(),
            state: "in flight".into(),
            for_seconds: Some(30),
            age_seconds: 3_600,
            receives: 2,
            reason: Some("nonsense".into()),
            attributes: [("reason", "nonsense"), ("source-queue", "arn")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            body: "{}".into(),
            size: 2,
        };
        let text = plain(&listed(&[message]));
        let expected = "\
0a1b  in flight for 30 s, 1 h old, received 2 times
  nonsense
  source-queue arn
  {}
";
        assert_eq!(text, expected);
        assert_eq!(listed(&[]), "the queue is empty\n");
    }
}
