//! A dead letter: where it came from, and what it was before it was put aside.

use serde_json::{Map, Value, json};

/// Attributes that a consumer's harness adds to what it puts aside.
const POISON: [&str; 3] = ["reason", "source-queue", "poison-id"];

/// Attributes that EventBridge adds to what it could not deliver.
const UNDELIVERED: [&str; 6] = [
    "RULE_ARN",
    "TARGET_ARN",
    "ERROR_CODE",
    "ERROR_MESSAGE",
    "EXHAUSTED_RETRY_CONDITION",
    "RETRY_ATTEMPTS",
];

/// A message as a receive gave it.
pub(super) struct Letter(Value);

impl Letter {
    pub(super) fn new(message: Value) -> Letter {
        Letter(message)
    }

    /// `MessageId`
    pub(super) fn id(&self) -> &str {
        self.0["MessageId"].as_str().unwrap_or_default()
    }

    /// `ReceiptHandle`
    pub(super) fn receipt(&self) -> &str {
        self.0["ReceiptHandle"].as_str().unwrap_or_default()
    }

    pub(super) fn message(&self) -> &Value {
        &self.0
    }

    /// Why it was put aside, in a few words.
    pub(super) fn reason(&self) -> String {
        let source = self.0["Attributes"]["DeadLetterQueueSourceArn"].as_str();
        match (self.attribute("reason"), self.attribute("ERROR_CODE"), source) {
            (Some(reason), ..) => reason.to_owned(),
            (None, Some(code), _) => {
                format!("{code}: {}", self.attribute("ERROR_MESSAGE").unwrap_or_default())
            }
            (None, None, Some(_)) => "received too often".to_owned(),
            (None, None, None) => "no reason given".to_owned(),
        }
    }

    /// ARN of what it was for, as far as the letter itself says.
    pub(super) fn addressee(&self) -> Option<&str> {
        if self.is_poison() {
            self.attribute("source-queue")
        } else if self.is_undelivered() {
            self.attribute("TARGET_ARN")
        } else {
            self.0["Attributes"]["DeadLetterQueueSourceArn"].as_str()
        }
    }

    /// The id under which it was known in the queue it came from: its own, or that of what it is a copy of.
    pub(super) fn former_id(&self) -> &str {
        match self.is_poison() {
            true => self.attribute("poison-id").unwrap_or_default(),
            false => self.id(),
        }
    }

    /// An entry of `SendMessageBatch` that makes it what it was.
    pub(super) fn entry(&self, id: &str) -> Value {
        let mut entry = json!({ "Id": id, "MessageBody": self.0["Body"] });
        let added: &[&str] = if self.is_poison() {
            &POISON
        } else if self.is_undelivered() {
            &UNDELIVERED
        } else {
            &[]
        };
        let attributes = self.0["MessageAttributes"].as_object();
        let kept: Map<String, Value> = attributes
            .into_iter()
            .flatten()
            .filter(|(name, _)| !added.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if !kept.is_empty() {
            entry["MessageAttributes"] = kept.into();
        }
        let system = |name: &str| self.0["Attributes"][name].as_str();
        if let Some(trace) = system("AWSTraceHeader") {
            entry["MessageSystemAttributes"] =
                json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": trace } });
        }
        if let Some(group) = system("MessageGroupId") {
            entry["MessageGroupId"] = group.into();
        }
        entry
    }

    /// Bytes of the entry as SQS counts them, at most.
    pub(super) fn size(&self) -> usize {
        let text = |value: &Value| value.as_str().map_or(0, str::len);
        let attributes = self.0["MessageAttributes"].as_object();
        let attributes = attributes.into_iter().flatten().map(|(name, value)| {
            let values = ["DataType", "StringValue", "BinaryValue"].map(|of| text(&value[of]));
            name.len() + values.iter().sum::<usize>()
        });
        text(&self.0["Body"]) + attributes.sum::<usize>()
    }

    fn is_poison(&self) -> bool {
        self.attribute("source-queue").is_some() && self.attribute("poison-id").is_some()
    }

    fn is_undelivered(&self) -> bool {
        self.attribute("RULE_ARN").is_some() && self.attribute("TARGET_ARN").is_some()
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.0["MessageAttributes"][name]["StringValue"].as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(attributes: &[(&str, &str)], system: Value) -> Letter {
        let attributes: Map<String, Value> = attributes
            .iter()
            .map(|(n, v)| ((*n).to_owned(), json!({ "DataType": "String", "StringValue": v })))
            .collect();
        Letter::new(json!({
            "MessageId": "own", "ReceiptHandle": "r", "Body": "{}",
            "Attributes": system, "MessageAttributes": attributes,
        }))
    }

    #[test]
    fn poison_becomes_what_it_was() {
        let poison =
            [("reason", "why"), ("source-queue", "arn:q"), ("poison-id", "first"), ("n", "7")];
        let letter = letter(&poison, json!({ "AWSTraceHeader": "Root=1" }));
        assert_eq!(
            (letter.addressee(), letter.former_id(), letter.reason()),
            (Some("arn:q"), "first", "why".to_owned())
        );
        assert_eq!(
            letter.entry("0"),
            json!({
                "Id": "0", "MessageBody": "{}",
                "MessageAttributes": { "n": { "DataType": "String", "StringValue": "7" } },
                "MessageSystemAttributes": {
                    "AWSTraceHeader": { "DataType": "String", "StringValue": "Root=1" },
                },
            })
        );
    }

    #[test]
    fn what_a_redrive_policy_moved_is_as_it_was_also_if_an_attribute_is_called_reason() {
        let system = json!({ "DeadLetterQueueSourceArn": "arn:s", "MessageGroupId": "g" });
        let letter = letter(&[("reason", "the customer's own")], system);
        assert_eq!((letter.addressee(), letter.former_id()), (Some("arn:s"), "own"));
        let entry = letter.entry("0");
        assert_eq!(entry["MessageAttributes"]["reason"]["StringValue"], "the customer's own");
        assert_eq!(entry["MessageGroupId"], "g");
        assert_eq!(letter.size(), 2 + "reason".len() + "String".len() + "the customer's own".len());
    }

    #[test]
    fn what_a_rule_could_not_deliver_goes_to_its_target() {
        let added = [("RULE_ARN", "arn:r"), ("TARGET_ARN", "arn:t"), ("ERROR_CODE", "NO_RESOURCE")];
        let letter = letter(&added, json!({}));
        assert_eq!(letter.addressee(), Some("arn:t"));
        assert_eq!(letter.reason(), "NO_RESOURCE: ");
        assert_eq!(letter.entry("0"), json!({ "Id": "0", "MessageBody": "{}" }));
    }

    #[test]
    fn a_letter_that_says_nothing_has_no_addressee() {
        let letter = letter(&[], json!({}));
        assert_eq!((letter.addressee(), letter.reason().as_str()), (None, "no reason given"));
    }
}
