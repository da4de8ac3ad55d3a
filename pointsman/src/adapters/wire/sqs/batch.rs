//! What the three batch actions have in common: the rules for entries, and results by id.

use super::super::fault::shape;
use super::super::route::Service;
use crate::engine::Fault;
use serde::Serialize;
use std::collections::BTreeSet;

/// Results by entry; an entry is found by its id, not by its place.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply<T> {
    successful: Vec<T>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    id: String,
    code: &'static str,
    message: String,
    sender_fault: bool,
}

/// An entry that succeeded, where there is nothing to tell about it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Done {
    pub(super) id: String,
}

impl<T> Reply<T> {
    pub(super) fn new() -> Self {
        Reply { successful: vec![], failed: vec![] }
    }

    pub(super) fn succeed(&mut self, entry: T) {
        self.successful.push(entry);
    }

    pub(super) fn fail(&mut self, id: String, fault: Fault) {
        let sender_fault = shape(Service::Sqs, fault.code).sender;
        self.failed.push(Failed { id, code: fault.code, message: fault.message, sender_fault });
    }
}

/// Holds a batch to SQS's rules: 1 to 10 entries with distinct ids of the right form.
///
/// # Errors
/// `AWS.SimpleQueueService.` `EmptyBatchRequest`, `TooManyEntriesInBatchRequest`, `InvalidBatchEntryId`,
/// `BatchEntryIdsNotDistinct`.
pub(super) fn check<'a>(
    entry_type: &str,
    ids: impl ExactSizeIterator<Item = Option<&'a str>>,
) -> Result<(), Fault> {
    if ids.len() == 0 {
        return Err(Fault::new(
            "AWS.SimpleQueueService.EmptyBatchRequest",
            format!("There should be at least one {entry_type} in the request."),
        ));
    }
    if ids.len() > 10 {
        return Err(Fault::new(
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are 10. You have sent {}.", ids.len()),
        ));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut seen = BTreeSet::new();
    for id in ids {
        let id = super::required(id, "Id")?;
        if id.is_empty() || id.len() > 80 || !id.chars().all(fits) {
            return Err(Fault::new(
                "AWS.SimpleQueueService.InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(Fault::new(
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
                format!("Id {id} repeated."),
            ));
        }
    }
    Ok(())
}
