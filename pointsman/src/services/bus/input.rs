//! What a target is sent instead of the event: `Input`, `InputPath`, `InputTransformer`.

use crate::clock::Time;
use crate::topology::InputSpec;
use bytes::Bytes;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What a target gets.
pub(super) enum Shaped {
    /// The event's own bytes.
    Same,
    /// Other bytes.
    Other(Bytes),
}

/// Makes of an event what the target wants.
///
/// # Errors
/// A template whose result is not JSON: EventBridge does not deliver such an event.
pub(super) fn shape(
    input: &InputSpec,
    event: &[u8],
    rule: &str,
    rule_arn: &dyn Fn() -> String,
    now: Time,
) -> Result<Shaped, String> {
    let text = || std::str::from_utf8(event).map_err(|e| e.to_string());
    match input {
        InputSpec::Event => Ok(Shaped::Same),
        InputSpec::Constant(text) => Ok(Shaped::Other(Bytes::from(text.clone()))),
        InputSpec::Path(path) => {
            let found = find(text()?, path).map_or_else(|| "null".to_owned(), compact);
            Ok(Shaped::Other(Bytes::from(found)))
        }
        InputSpec::Transformer { paths, template } => {
            let variables = Variables { event: text()?, paths, rule, rule_arn: &rule_arn(), now };
            variables.fill(template).map(|text| Shaped::Other(Bytes::from(text)))
        }
    }
}

/// Refuses a template with a placeholder that no path defines, as `PutTargets` does.
pub(crate) fn check(target: &str, input: &InputSpec) -> Result<(), String> {
    let InputSpec::Transformer { paths, template } = input else { return Ok(()) };
    let trimmed = template.trim_start();
    if !trimmed.starts_with(['"', '{', '[', '<']) {
        return Err(format!(
            "InputTemplate for target {target} is neither a JSON string nor a JSON document."
        ));
    }
    match placeholders(template)
        .find(|(_, name)| !is_predefined(name) && !paths.contains_key(*name))
    {
        Some((_, name)) => {
            Err(format!("InputTemplate for target {target} contains invalid placeholder {name}."))
        }
        None => Ok(()),
    }
}

struct Variables<'a> {
    event: &'a str,
    paths: &'a BTreeMap<String, String>,
    rule: &'a str,
    rule_arn: &'a str,
    now: Time,
}

impl Variables<'_> {
    fn fill(&self, template: &str) -> Result<String, String> {
        let is_text = template.trim_start().starts_with('"');
        let mut filled = String::with_capacity(template.len());
        let mut rest = 0;
        let mut quoted = Quotes::default();
        for (at, name) in placeholders(template) {
            quoted.skip(&template[rest..at]);
            filled.push_str(&template[rest..at]);
            filled.push_str(&self.value(name, quoted.inside, is_text));
            rest = at + name.len() + 2;
        }
        filled.push_str(&template[rest..]);
        let is_json = is_text || serde_json::from_str::<serde::de::IgnoredAny>(&filled).is_ok();
        is_json
            .then_some(filled)
            .ok_or_else(|| "The input template's result is not JSON.".to_owned())
    }

    /// A variable's text: inside quotes bare, outside as JSON. A string template strips an object's inner quotes.
    fn value(&self, name: &str, quoted: bool, is_text: bool) -> String {
        let text = |text: &str| match quoted {
            true => text.to_owned(),
            false => format!("\"{text}\""),
        };
        match name {
            "aws.events.rule-arn" => return text(self.rule_arn),
            "aws.events.rule-name" => return text(self.rule),
            "aws.events.event.ingestion-time" => return text(&self.now.rfc3339()),
            "aws.events.event.json" => return compact(self.event),
            "aws.events.event" => return without_detail(self.event),
            _ => {}
        }
        let found = self.paths.get(name).and_then(|path| find(self.event, path));
        match found {
            None if quoted => String::new(),
            None => "\"\"".to_owned(),
            // Nothing in it is escaped again, as in AWS: a quote in it breaks the JSON.
            Some(value) if value.starts_with('"') => {
                text(&serde_json::from_str::<String>(value).unwrap_or_default())
            }
            Some(value) if quoted && is_text => compact(value).replace('"', ""),
            Some(value) => compact(value),
        }
    }
}

/// Whether a place in a template lies inside a JSON string.
#[derive(Default)]
struct Quotes {
    inside: bool,
    escaped: bool,
}

impl Quotes {
    fn skip(&mut self, text: &str) {
        text.chars().for_each(|c| self.step(c));
    }

    fn step(&mut self, c: char) {
        match c {
            _ if self.escaped => self.escaped = false,
            '\\' if self.inside => self.escaped = true,
            '"' => self.inside = !self.inside,
            _ => {}
        }
    }
}

/// Places and names of the `<name>` placeholders.
fn placeholders(template: &str) -> impl Iterator<Item = (usize, &str)> {
    template.match_indices('<').filter_map(|(at, _)| {
        let rest = &template[at + 1..];
        let name = &rest[..rest.find('>')?];
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        (!name.is_empty() && name.chars().all(fits)).then_some((at, name))
    })
}

fn is_predefined(name: &str) -> bool {
    matches!(
        name,
        "aws.events.rule-arn"
            | "aws.events.rule-name"
            | "aws.events.event.ingestion-time"
            | "aws.events.event"
            | "aws.events.event.json"
    )
}

/// The event without its detail, and with the key that AWS spells differently here.
fn without_detail(event: &str) -> String {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(event).unwrap_or_default();
    let keys = ["version", "id", "detail-type", "source", "account", "time", "region", "resources"];
    let kept = keys.iter().filter_map(|key| {
        let value = compact(fields.get(*key)?.get());
        let key = if *key == "detail-type" { "detailType" } else { key };
        Some(format!("\"{key}\":{value}"))
    });
    format!("{{{}}}", kept.collect::<Vec<_>>().join(","))
}

/// EventBridge's subset of JSON path: `$.detail.items[0].name`. What is found is the event's own text, so that the
/// order of keys and the digits of numbers stay.
fn find<'a>(event: &'a str, path: &str) -> Option<&'a str> {
    let mut value = event.trim();
    for part in path.strip_prefix('$')?.split('.').filter(|part| !part.is_empty()) {
        let (key, indexes) = part.split_once('[').unwrap_or((part, ""));
        if !key.is_empty() {
            let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(value).ok()?;
            value = fields.remove(key)?.get();
        }
        for index in indexes.split('[').filter(|i| !i.is_empty()) {
            let index: usize = index.strip_suffix(']')?.parse().ok()?;
            let items: Vec<&RawValue> = serde_json::from_str(value).ok()?;
            value = items.get(index)?.get();
        }
    }
    Some(value)
}

/// JSON without the space between its tokens.
fn compact(json: &str) -> String {
    let mut quotes = Quotes::default();
    let keep = |c: &char| {
        quotes.step(*c);
        quotes.inside || !c.is_ascii_whitespace()
    };
    json.chars().filter(keep).collect()
}
