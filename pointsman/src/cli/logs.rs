use super::Failure;
use super::client::At;
use super::clock::passing;
use super::screen::{BAD, BOLD, DIM, FUNCTION, styled};
use crate::adapters::control::{LogKind, LogView};
use clap::Args;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Show what functions wrote
///
/// The time of day, the function, the first characters of the request, the line. JSON lines in a pipe. The engine keeps
/// the last 4 MiB, also of earlier starts and after a crash.
#[derive(Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Logs {
    /// Functions; without any, all
    #[arg(value_name = "NAME")]
    functions: Vec<String>,
    /// Go on with what they write from now on
    #[arg(long, short)]
    follow: bool,
    /// How far back to begin: 90s, 15m, 2h, 1d
    #[arg(long, default_value = "10m", value_name = "TIME")]
    since: String,
    /// Only lines with this in them, or of this request
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    filter: String,
    /// Also the lines START, END and REPORT of each invocation
    #[arg(long)]
    all: bool,
    /// JSON lines also on a terminal
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

const EXAMPLES: &str = "\
Examples:
  pointsman logs                              what all functions wrote in the last ten minutes
  pointsman logs order-view --follow          one of them, as it writes
  pointsman logs --since 2h --filter ERROR    lines with ERROR in them, of the last two hours
  pointsman logs --filter 4b1f0e9c-32aa-4c2f-9d43-1b7a8f0f8c11
                                              what one invocation wrote, by its request id
  pointsman logs payment --all | jq .text     with durations and memory, for another program";

impl Logs {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let since = passing(&self.since)
            .ok_or_else(|| format!("--since {}: give 90s, 15m, 2h or 1d", self.since))?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("since", &since.to_string());
        query.append_pair("text", &self.filter);
        query.append_pair("follow", &self.follow.to_string());
        query.append_pair("all", &self.all.to_string());
        for function in &self.functions {
            query.append_pair("function", function);
        }
        let lines = self.at.lines(&format!("/_pointsman/logs?{}", query.finish()))?;
        let as_json = self.json || !std::io::stdout().is_terminal();
        let mut out = anstream::stdout();
        for line in lines {
            // The engine has ended, or whoever reads has enough.
            let Ok(line) = line else { break };
            let text = match as_json {
                true => line,
                false => match serde_json::from_str::<LogView>(&line) {
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

fn shown(line: &LogView) -> String {
    let time = styled(DIM, line.at.get(11..23).unwrap_or(&line.at));
    // Of a UUID the last characters, which differ most.
    let request = line.request.as_deref().map_or("--------", |id| id.get(28..).unwrap_or(id));
    let text = match line.kind {
        LogKind::Out => line.text.clone(),
        LogKind::Err => styled(BOLD, &line.text),
        LogKind::Start | LogKind::End | LogKind::Report => {
            styled(DIM, line.text.replace('\t', "  "))
        }
        LogKind::Trouble => styled(BAD, &line.text),
        LogKind::Missed => return styled(BAD, &line.text),
    };
    format!("{time} {} {} {text}", styled(FUNCTION, &line.function), styled(DIM, request))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: LogKind, request: Option<&str>, text: &str) -> String {
        let line = LogView {
            at: "2026-11-21T18:56:13.307Z".into(),
            function: "view".into(),
            request: request.map(Into::into),
            kind,
            text: text.into(),
        };
        anstream::adapter::strip_str(&shown(&line)).to_string()
    }

    #[test]
    fn a_line_has_its_time_its_function_and_the_end_of_its_request() {
        let request = Some("4b1f0e9c-32aa-4c2f-9d43-1b7a8f0f8c11");
        assert_eq!(line(LogKind::Out, request, "hello"), "18:56:13.307 view 8f0f8c11 hello");
        assert_eq!(line(LogKind::Err, None, "starts"), "18:56:13.307 view -------- starts");
        let report = line(LogKind::Report, request, "REPORT\tDuration: 1 ms");
        assert_eq!(report, "18:56:13.307 view 8f0f8c11 REPORT  Duration: 1 ms");
        assert_eq!(line(LogKind::Missed, None, "3 lines are missing"), "3 lines are missing");
    }
}
