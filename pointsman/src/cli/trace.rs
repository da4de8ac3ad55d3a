use super::Failure;
use super::client::At;
use super::screen::{BAD, BOLD, DIM, EVENT, FUNCTION, QUEUE, length, short, styled};
use crate::adapters::control::trace::{Node, Stands, Trace as Traced, What};
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Show all that followed from a request, and what of it still waits
///
/// A tree on a terminal, one JSON document in a pipe. ID is of a request to an HTTP API (header apigw-requestid) or an
/// AWS service, an invocation, an event or a message, an X-Ray trace id, or #12 for an invocation as tail shows it.
/// Anything else is looked for in the bodies of events and messages, in tables' keys and in the paths of requests that
/// do not only read: the id of an order, say. What history no longer has is not found: `up --history` says how much is kept.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Trace {
    /// What to trace
    #[arg(value_name = "ID")]
    id: String,
    /// All trees, where ID is in several
    #[arg(long)]
    all: bool,
    /// JSON also on a terminal
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

const EXAMPLES: &str = "\
Examples:
  pointsman trace 6f0c4d0e-58a5-4f8e-9a51-3c8d6c1f7b2a   the request with this apigw-requestid
  pointsman trace 01M7YQ1WE07VNQX5Q5KKJ0Z75H             the order with this id
  pointsman trace --all 01M7YQ1WE07VNQX5Q5KKJ0Z75H       every request about it
  pointsman trace '#12'                                  invocation 12, as tail shows it
  pointsman trace ID | jq -r '.waiting[]'                what still waits";

impl Trace {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let id = utf8_percent_encode(&self.id, NON_ALPHANUMERIC);
        let traced: Traced = self.at.get(&format!("/_pointsman/trace?id={id}&all={}", self.all))?;
        if traced.found.is_none() {
            return Err(not_found(&traced));
        }
        let text = match self.json || !std::io::stdout().is_terminal() {
            true => {
                serde_json::to_string_pretty(&traced).map_err(|error| error.to_string())? + "\n"
            }
            false => shown(&traced),
        };
        // Whoever reads may have enough.
        let _ = anstream::stdout().write_all(text.as_bytes());
        Ok(ExitCode::SUCCESS)
    }
}

fn not_found(traced: &Traced) -> Failure {
    let since = traced.history.since.as_deref().unwrap_or("now");
    format!(
        "nothing since {since} (fact {}) has {}: give an id as tail shows it or text of a body; \
         what is older went with `up --history`",
        traced.history.from, traced.id
    )
}

/// The document for people.
fn shown(traced: &Traced) -> String {
    let mut out = String::new();
    if !traced.candidates.is_empty() {
        choice(&mut out, traced);
    }
    for tree in &traced.trees {
        let found = traced.found.as_deref().unwrap_or_default();
        let day = tree.at.replace('T', " ").replace('Z', "");
        let _ = writeln!(out, "{} {}\n", styled(BOLD, &day), styled(DIM, found));
        draw(&mut out, tree, "", "");
        out.push('\n');
    }
    for repeat in &traced.repeats {
        let text = format!(
            "{} of {} follows from another of itself ({} → {}): a feedback loop?",
            repeat.detail_type, repeat.subject, repeat.first, repeat.second
        );
        let _ = writeln!(out, "{}", styled(BAD, text));
    }
    for note in &traced.notes {
        let _ = writeln!(out, "{}", styled(DIM, note));
    }
    match traced.waiting.as_slice() {
        [] if traced.trees.is_empty() => {}
        [] => {
            let _ = writeln!(out, "nothing waits");
        }
        waiting => {
            let _ = writeln!(out, "{}", styled(BOLD, "still waiting"));
            for one in waiting {
                let _ = writeln!(out, "  {}", styled(BAD, one));
            }
        }
    }
    out
}

fn choice(out: &mut String, traced: &Traced) {
    let _ = writeln!(
        out,
        "{} is in {} trees ({}). Take one by its id, or --all:\n",
        styled(BOLD, &traced.id),
        traced.candidates.len(),
        traced.found.as_deref().unwrap_or_default()
    );
    for candidate in &traced.candidates {
        let waiting = match candidate.waiting {
            0 => String::new(),
            n => format!("  {}", styled(BAD, format!("{n} waiting"))),
        };
        let at = styled(DIM, candidate.at.replace('T', " ").replace('Z', ""));
        let _ = writeln!(out, "  {}  {at}  {}{waiting}", candidate.id, short(&candidate.what, 80));
    }
}

/// A line for the node, and those of what followed below it. `fork` stands before the line, `stem` before those below.
fn draw(out: &mut String, node: &Node, fork: &str, stem: &str) {
    let after = styled(DIM, format!("{:>9}", span(node.after_ms)));
    let fork = if fork.is_empty() { String::new() } else { styled(DIM, fork) };
    let mut line = format!("{after}  {fork}{}", named(node));
    if let Some(took) = node.took_ms.filter(|_| !matches!(node.what, What::Record { .. })) {
        let _ = write!(line, "{}", styled(DIM, format!("  {}", span(took))));
    }
    if node.joint {
        let text = "  perhaps of another of its batch";
        line.push_str(&styled(DIM, text));
    }
    if let Some(because) = &node.because {
        let style = if node.stands == Stands::Done { DIM } else { BAD };
        let _ = write!(line, "  {}", styled(style, short(because, 300)));
    }
    if node.asked {
        line.push_str(&styled(BOLD, "  ◀"));
    }
    let _ = writeln!(out, "{line}");
    if let What::Event { refused, .. } = &node.what {
        for why in refused {
            let rule = format!("{:>9}  {stem}   {}: {}", "", why.rule, why.because);
            let _ = writeln!(out, "{}", styled(DIM, rule));
        }
    }
    let last = node.children.len().saturating_sub(1);
    for (n, child) in node.children.iter().enumerate() {
        let (turn, below) = if n == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        draw(out, child, &format!("{stem}{turn}"), &format!("{stem}{below}"));
    }
}

fn named(node: &Node) -> String {
    match &node.what {
        What::HttpRequest { method, path, status, .. } => {
            let answer = match status {
                Some(status @ 500..) => styled(BAD, format!(" → {status}")),
                Some(status) => format!(" → {status}"),
                None => String::new(),
            };
            format!("{}{answer}", styled(BOLD, format!("{method} {path}")))
        }
        What::Request { request } => format!("request {request}"),
        What::Schedule { schedule, scheduled, attempts, missed, .. } => {
            let mut text = format!("schedule {}", styled(BOLD, schedule));
            text.push_str(&styled(DIM, format!(" for {scheduled}")));
            if *attempts > 1 {
                text.push_str(&styled(DIM, format!(" tried {attempts} times")));
            }
            if let Some(missed) = missed {
                text.push_str(&styled(DIM, format!(" (missed since {missed})")));
            }
            text
        }
        What::Invocation { function, invocation, batch, outcome, others, .. } => {
            let mut text = styled(FUNCTION, function);
            text.push_str(&styled(DIM, format!(" #{invocation}")));
            match outcome.as_str() {
                "answered" | "running" => {}
                other => text.push_str(&styled(BAD, format!(" {other}"))),
            }
            if *batch > 1 {
                let others = match others {
                    0 => String::new(),
                    n => format!(", {n} effects of others left out"),
                };
                text.push_str(&styled(DIM, format!(" batch of {batch}{others}")));
            }
            text
        }
        What::Record { table, keys, event_name, writer_unknown, .. } => {
            let lost =
                if *writer_unknown { styled(BAD, "  writer unknown") } else { String::new() };
            format!("{} {table} {}{lost}", event_name.to_lowercase(), styled(DIM, keys))
        }
        What::Event { bus, source, detail_type, dropped, refused, .. } => {
            let end = match (dropped, refused.is_empty()) {
                (false, false) => styled(BAD, " → no rule took it"),
                _ => String::new(),
            };
            let (name, source) = (styled(EVENT, detail_type), styled(DIM, source));
            format!("{name} {source} → {bus}{end}")
        }
        What::Message { queue, rule, receives, .. } => {
            let rule = rule.as_ref().filter(|rule| *rule != queue);
            let rule = rule.map(|rule| styled(DIM, format!(" rule {rule}"))).unwrap_or_default();
            let times = match receives {
                0 | 1 => String::new(),
                n => styled(DIM, format!(" received {n} times")),
            };
            format!("▸ {}{rule}{times}", styled(QUEUE, queue))
        }
        What::Async { function, rule, .. } => {
            let rule = rule.as_ref().map(|rule| styled(DIM, format!(" rule {rule}")));
            format!("{} asynchronously{}", styled(FUNCTION, function), rule.unwrap_or_default())
        }
        What::Undelivered { target, rule } => {
            format!("{} {}", styled(BAD, "undelivered"), rule.as_ref().unwrap_or(target))
        }
    }
}

/// `12 ms`, `1.25 s`, `2 min 5 s`.
fn span(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10),
        _ => length(Duration::from_millis(ms.unsigned_abs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_short() {
        assert_eq!(
            [7, 1_250, 59_999, 125_000].map(span),
            ["7 ms", "1.25 s", "59.99 s", "2 min 5 s"]
        );
    }
}
