//! The JSON documents of an SQS event source mapping.

use serde::{Deserialize, Serialize};

/// A batch as Lambda hands it over.
#[derive(Debug, Clone, Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    pub(super) records: Vec<Message>,
}

/// A message of a batch: the part that the kit reads.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    pub(super) message_id: String,
    #[serde(default)]
    pub(super) body: String,
    #[serde(default)]
    pub(super) attributes: Attributes,
    #[serde(default, rename = "eventSourceARN")]
    pub(super) queue_arn: String,
}

/// SQS's attributes of a message; all are strings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Attributes {
    pub(super) approximate_first_receive_timestamp: String,
    pub(super) approximate_receive_count: String,
}

/// Which items of a batch are to come again; empty if all are done.
///
/// It is a type because Lambda takes almost anything else for "all done".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchFailures {
    batch_item_failures: Vec<ItemFailure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

impl BatchFailures {
    /// None so far.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// One more.
    pub(crate) fn push(&mut self, item_identifier: String) {
        self.batch_item_failures.push(ItemFailure { item_identifier });
    }

    /// Whether all are done.
    pub fn is_empty(&self) -> bool {
        self.batch_item_failures.is_empty()
    }

    /// The identifiers, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str())
    }
}
