//! Every recorded verdict of AWS's matcher.

use pointsman_router::Pattern;
use serde_json::Value;

/// `true`, `false` or `invalid` as the recordings spell it, or `error` if the event is at fault.
pub(crate) fn verdict(pattern: &str, event: &str) -> String {
    match Pattern::parse(pattern) {
        Err(_) => "invalid".to_owned(),
        Ok(pattern) => match pattern.matches(event.as_bytes()) {
            Ok(matched) => matched.to_string(),
            Err(_) => "error".to_owned(),
        },
    }
}

pub(crate) fn cases(lines: &str) -> impl Iterator<Item = Value> {
    lines.lines().map(|line| serde_json::from_str(line).expect("a case is JSON"))
}

pub(crate) fn text<'c>(case: &'c Value, field: &str) -> &'c str {
    case[field].as_str().expect("the field is a string")
}

#[test]
fn every_recorded_case_gets_its_recorded_verdict() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in cases(include_str!("../data/patterns.jsonl")) {
        count += 1;
        let expected = match &case["expect"] {
            Value::Bool(matched) => matched.to_string(),
            other => other.as_str().expect("a bool or \"invalid\"").to_owned(),
        };
        let actual = verdict(text(&case, "pattern"), text(&case, "event"));
        if actual != expected {
            wrong.push(format!("{case}\n  gave {actual}"));
        }
    }
    assert_eq!(count, 1_513, "the recording is whole");
    assert!(wrong.is_empty(), "{} of {count} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
