//! Which messages a redrive is about.

use crate::cli::Failure;
use pointsman_router::Pattern;
use serde_json::Value;

/// All of it must hold.
#[derive(Default)]
pub(super) struct Filter {
    contains: Vec<(Part, String)>,
    pattern: Option<Pattern>,
}

/// Where a text is looked for.
enum Part {
    Body,
    Attribute(String),
}

impl Filter {
    /// `body=TEXT` or `ATTRIBUTE=TEXT` each, and an event pattern for the body.
    ///
    /// # Errors
    /// One line.
    pub(super) fn read(contains: &[String], pattern: Option<&str>) -> Result<Filter, Failure> {
        let contains = contains.iter().map(|given| match given.split_once('=') {
            Some(("body", text)) => Ok((Part::Body, text.to_owned())),
            Some((name, text)) if !name.is_empty() => {
                Ok((Part::Attribute(name.to_owned()), text.to_owned()))
            }
            _ => {
                Err(format!("--filter {given}: reason=TEXT, body=TEXT or ATTRIBUTE=TEXT is wanted"))
            }
        });
        let contains = contains.collect::<Result<Vec<_>, _>>()?;
        let pattern = pattern.map(|text| {
            Pattern::parse(text).map_err(|why| {
                format!("--pattern is no event pattern: {}", why.to_string().replace('\n', " "))
            })
        });
        Ok(Filter { contains, pattern: pattern.transpose()? })
    }

    /// Whether it is about this message, as a receive gave it.
    pub(super) fn wants(&self, message: &Value) -> bool {
        let body = message["Body"].as_str().unwrap_or_default();
        let contains = self.contains.iter().all(|(part, text)| match part {
            Part::Body => body.contains(text.as_str()),
            Part::Attribute(name) => {
                let own = message["MessageAttributes"][name]["StringValue"].as_str();
                let value = own.or_else(|| message["Attributes"][name].as_str());
                value.is_some_and(|value| value.contains(text.as_str()))
            }
        });
        // What is no event matches no pattern.
        let fits = |pattern: &Pattern| pattern.matches(body.as_bytes()).unwrap_or(false);
        contains && self.pattern.as_ref().is_none_or(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(contains: &[&str], pattern: Option<&str>, wanted: bool) {
        let contains: Vec<String> = contains.iter().map(|text| (*text).to_owned()).collect();
        let message = json!({
            "Body": r#"{"source":"shop.orders","detail":{"n":1}}"#,
            "Attributes": { "ApproximateReceiveCount": "5" },
            "MessageAttributes": { "reason": { "DataType": "String", "StringValue": "no event: x" } },
        });
        let filter = Filter::read(&contains, pattern).unwrap();
        assert_eq!(filter.wants(&message), wanted, "{contains:?} {pattern:?}");
    }

    #[track_caller]
    fn wrong(contains: &[&str], pattern: Option<&str>, why: &str) {
        let contains: Vec<String> = contains.iter().map(|text| (*text).to_owned()).collect();
        let said = Filter::read(&contains, pattern).err().expect("it is refused");
        assert!(said.starts_with(why) && !said.contains('\n'), "{said}");
    }

    #[test]
    fn a_message_is_wanted_if_all_holds() {
        check(&[], None, true);
        check(&["reason=no event"], None, true);
        check(&["reason=other"], None, false);
        check(&["reason=no event", "body=shop.orders"], None, true);
        check(&["reason=no event", "body=shop.customers"], None, false);
        check(&["ApproximateReceiveCount=5"], None, true);
        check(&["missing="], None, false);
        check(&[], Some(r#"{"detail":{"n":[1]}}"#), true);
        check(&[], Some(r#"{"detail":{"n":[2]}}"#), false);
        check(&["reason=other"], Some(r#"{"detail":{"n":[1]}}"#), false);
    }

    #[test]
    fn what_is_no_filter_is_refused_in_one_line() {
        wrong(&["reason"], None, "--filter reason: ");
        wrong(&["=x"], None, "--filter =x: ");
        wrong(&[], Some("{"), "--pattern is no event pattern: ");
        wrong(&[], Some(r#"{"a":1}"#), "--pattern is no event pattern: ");
    }
}
