use serde_json::Value;
use std::collections::BTreeSet;

/// The identifiers that a function reports as failed, or `None` where its answer makes the whole batch fail.
///
/// As Lambda reads it: an empty list, `null` for the list, `{}` and `null` are complete successes; anything that is
/// not JSON, an identifier that is empty, missing, null or not of the batch is a complete failure.
pub(super) fn failures(answer: &[u8], known: impl Fn(&str) -> bool) -> Option<BTreeSet<String>> {
    if answer.is_empty() {
        return Some(BTreeSet::new());
    }
    let answer: Value = serde_json::from_slice(answer).ok()?;
    match answer.get("batchItemFailures") {
        None | Some(Value::Null) => Some(BTreeSet::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| {
                let id = item.get("itemIdentifier")?.as_str()?;
                known(id).then(|| id.to_owned())
            })
            .collect(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(answer: &str, wanted: Option<&[&str]>) {
        let got = failures(answer.as_bytes(), |id| ["a", "b"].contains(&id));
        let wanted = wanted.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(got, wanted, "{answer}");
    }

    #[test]
    fn an_answer_is_read_as_lambda_reads_it() {
        case("", Some(&[]));
        case("null", Some(&[]));
        case("{}", Some(&[]));
        case("[]", Some(&[]));
        case(r#""""#, Some(&[]));
        case(r#"{"batchItemFailures":null}"#, Some(&[]));
        case(r#"{"batchItemFailures":[]}"#, Some(&[]));
        case(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, Some(&["b"]));
        case(
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"a"}]}"#,
            Some(&["a"]),
        );
        case("not json", None);
        case(r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, None);
        case(r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, None);
        case(r#"{"batchItemFailures":[{"itemIdentifier":7}]}"#, None);
        case(r#"{"batchItemFailures":[{"foo":"a"}]}"#, None);
        case(r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#, None);
        case(r#"{"batchItemFailures":"a"}"#, None);
    }
}
