use super::Failure;
use clap::Args;
use pointsman_router::{Pattern, Rules};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Match an event against an event pattern
///
/// With two files: says whether the event matches, and if not, which field failed first; exits with 1 then.
/// Without: reads JSON lines {"pattern": …, "event": …} (a string is raw JSON text) and answers each with
/// true, false or invalid: why.
#[derive(Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Match {
    /// File with an event pattern
    #[arg(requires = "event")]
    pattern: Option<PathBuf>,
    /// File with an event
    event: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Case<'a> {
    #[serde(borrow)]
    pattern: &'a RawValue,
    #[serde(borrow)]
    event: &'a RawValue,
}

const EXAMPLES: &str = "\
Examples:
  pointsman match pattern.json event.json     whether it matches, and the first field that fails
  jq -c '{pattern: $p, event: .}' --argjson p '{\"source\":[\"shop.orders\"]}' events.jsonl | pointsman match
                                              true or false for each of many events";

impl Match {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        match (self.pattern, self.event) {
            (Some(pattern), Some(event)) => files(&pattern, &event),
            _ => lines(&mut std::io::stdin().lock(), &mut std::io::stdout().lock()),
        }
    }
}

fn files(pattern: &PathBuf, event: &PathBuf) -> Result<ExitCode, Failure> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let parsed = Pattern::parse(&read(pattern)?);
    let parsed = parsed.map_err(|error| format!("{}: {error}", pattern.display()))?;
    let rules = Rules::new();
    rules.insert((), parsed);
    let verdicts = rules.explain(read(event)?.as_bytes());
    let verdicts = verdicts.map_err(|error| format!("{}: {error}", event.display()))?;
    match verdicts.into_iter().find_map(|verdict| verdict.failure) {
        None => {
            println!("matches");
            Ok(ExitCode::SUCCESS)
        }
        Some(failure) => {
            println!("no match: {failure}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn lines(input: &mut impl BufRead, output: &mut impl Write) -> Result<ExitCode, Failure> {
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        let read = input.read_line(&mut line).map_err(|error| format!("line {number}: {error}"))?;
        if read == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let verdict = verdict(&line).map_err(|error| format!("line {number}: {error}"))?;
        if writeln!(output, "{verdict}").is_err() {
            // Whoever read the verdicts has enough.
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn verdict(line: &str) -> Result<String, serde_json::Error> {
    let case: Case<'_> = serde_json::from_str(line)?;
    let (pattern, event) = (text(case.pattern)?, text(case.event)?);
    let matched = Pattern::parse(&pattern).map_err(|error| error.to_string());
    let matched = matched.and_then(|p| p.matches(event.as_bytes()).map_err(|e| e.to_string()));
    Ok(match matched {
        Ok(matched) => matched.to_string(),
        Err(why) => format!("invalid: {}", why.replace('\n', " ")),
    })
}

/// A string stands for the JSON text in it, anything else for itself.
fn text(value: &RawValue) -> Result<String, serde_json::Error> {
    match value.get().starts_with('"') {
        true => serde_json::from_str(value.get()),
        false => Ok(value.get().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_answered_one_by_one() {
        let input = concat!(
            r#"{"pattern":{"a":[1]},"event":{"a":1}}"#,
            "\n\n",
            r#"{"pattern":"{\"a\":[1]}","event":"{\"a\":2}"}"#,
            "\n",
            r#"{"pattern":{"a":1},"event":{}}"#,
            "\n"
        );
        let mut output = vec![];
        lines(&mut input.as_bytes(), &mut output).unwrap();
        let output = String::from_utf8(output).unwrap();
        let answers: Vec<&str> = output.lines().collect();
        assert_eq!(answers[..2], ["true", "false"]);
        assert!(answers[2].starts_with("invalid: "), "{output}");
    }

    #[test]
    fn a_line_that_is_no_case_is_named() {
        let error = lines(&mut "{}\n".as_bytes(), &mut vec![]).unwrap_err();
        assert!(error.starts_with("line 1: "), "{error}");
    }
}
