use pointsman_router::Pattern;
use serde_json::Value;

/// `FilterCriteria` of a mapping, ready to judge. Any of its patterns may match; without patterns everything does.
pub(super) struct Filter {
    patterns: Vec<(Pattern, Body)>,
}

/// What a pattern says of `body`, which decides what a message's body must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Fields of it: it must be JSON.
    Json,
    /// Its text: it must not be JSON.
    Text,
    /// Nothing.
    Any,
}

impl Filter {
    /// The filter of a mapping that reads a stream: its patterns are about the whole record.
    ///
    /// # Errors
    /// What is wrong with a pattern.
    pub(super) fn of_records(patterns: &[String]) -> Result<Filter, String> {
        let patterns = patterns.iter().map(|text| Ok((parse(text)?, Body::Any)));
        Ok(Filter { patterns: patterns.collect::<Result<_, String>>()? })
    }

    /// The filter of a mapping that reads a queue: its patterns are about `body` alone.
    ///
    /// # Errors
    /// What is wrong with a pattern. A pattern that names anything else would match nothing and so drop every
    /// message: that is an error, too.
    pub(super) fn of_messages(patterns: &[String]) -> Result<Filter, String> {
        let patterns = patterns.iter().map(|text| {
            let pattern = parse(text)?;
            let Ok(Value::Object(keys)) = serde_json::from_str(text) else {
                return Err(format!("the filter {text} is not a JSON object"));
            };
            if let Some(other) = keys.keys().find(|key| *key != "body") {
                return Err(format!(
                    "the filter {text} names {other:?}; messages are filtered by \"body\" alone"
                ));
            }
            let body = match keys.get("body") {
                Some(Value::Object(_)) => Body::Json,
                Some(_) => Body::Text,
                None => Body::Any,
            };
            Ok((pattern, body))
        });
        Ok(Filter { patterns: patterns.collect::<Result<_, String>>()? })
    }

    /// Nothing is filtered.
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a stream's record is wanted. One that cannot be judged is: the function may know better.
    pub(super) fn wants_record(&self, record: &[u8]) -> bool {
        self.is_empty() || self.patterns.iter().any(|(p, _)| p.matches(record).unwrap_or(true))
    }

    /// Whether a message is wanted. Text meets no pattern about JSON, and JSON none about text, as in Lambda; a
    /// body that cannot be judged is wanted.
    pub(super) fn wants_message(&self, body: &str) -> bool {
        if self.is_empty() {
            return true;
        }
        let is_json = matches!(serde_json::from_str(body), Ok(Value::Object(_) | Value::Array(_)));
        let shown = if is_json {
            format!("{{\"body\":{body}}}")
        } else {
            serde_json::json!({ "body": body }).to_string()
        };
        self.patterns.iter().any(|(pattern, about)| {
            let comparable = match about {
                Body::Json => is_json,
                Body::Text => !is_json,
                Body::Any => true,
            };
            comparable && pattern.matches(shown.as_bytes()).unwrap_or(true)
        })
    }
}

fn parse(text: &str) -> Result<Pattern, String> {
    Pattern::parse(text).map_err(|error| format!("the filter {text} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn message(patterns: &[&str], body: &str, wanted: bool) {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        let filter = Filter::of_messages(&patterns).unwrap();
        assert_eq!(filter.wants_message(body), wanted, "{patterns:?} {body}");
    }

    #[test]
    fn a_message_is_wanted_if_any_pattern_matches_a_body_of_its_kind() {
        let json = r#"{"body":{"kind":["a"]}}"#;
        let text = r#"{"body":["hello",{"prefix":"good"}]}"#;
        message(&[], "anything", true);
        message(&[json], r#"{"kind":"a"}"#, true);
        message(&[json], r#"{"kind":"b"}"#, false);
        message(&[json], "not json", false);
        message(&[json], r#""a""#, false);
        message(&[text], "hello", true);
        message(&[text], "good morning", true);
        message(&[text], r#"{"hello":1}"#, false);
        message(&[json, text], "hello", true);
        message(&[json, text], r#"{"kind":"a"}"#, true);
        message(&[json, text], r#"{"kind":"c"}"#, false);
        message(&[r#"{"body":{"n":[{"numeric":[">",5]}]}}"#], r#"{"n":7}"#, true);
    }

    #[test]
    fn a_filter_that_would_drop_everything_is_an_error() {
        for pattern in [r#"{"messageAttributes":{"a":["b"]}}"#, r#"{"body":"text"}"#, "[]", "{"] {
            assert!(Filter::of_messages(&[pattern.to_owned()]).is_err(), "{pattern}");
        }
    }

    #[test]
    fn records_are_filtered_as_they_are() {
        let filter = r#"{"eventName":["INSERT"],"dynamodb":{"NewImage":{"k":{"S":["x"]}}}}"#;
        let filter = Filter::of_records(&[filter.to_owned()]).unwrap();
        assert!(
            filter
                .wants_record(br#"{"eventName":"INSERT","dynamodb":{"NewImage":{"k":{"S":"x"}}}}"#)
        );
        assert!(!filter.wants_record(br#"{"eventName":"REMOVE","dynamodb":{}}"#));
    }
}
