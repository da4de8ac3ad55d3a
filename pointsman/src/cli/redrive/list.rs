//! Which dead-letter queues hold messages.

use super::run::{Service, name};
use crate::cli::Failure;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A line for each dead-letter queue with messages in it, and what to do about it.
///
/// # Errors
/// One line: SQS does not answer, or refuses.
pub(super) fn dead_letters(sqs: &dyn Service) -> Result<String, Failure> {
    let mut visible: BTreeMap<String, u64> = BTreeMap::new();
    let mut sources: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for url in all(sqs)? {
        let names = ["ApproximateNumberOfMessages", "RedrivePolicy"];
        let input = json!({ "QueueUrl": url, "AttributeNames": names });
        let answer = sqs.call("GetQueueAttributes", &input).map_err(|why| why.to_string())?;
        let text = |name: &str| answer["Attributes"][name].as_str().unwrap_or_default();
        visible.insert(name(&url).to_owned(), text(names[0]).parse().unwrap_or(0));
        let policy: Value = serde_json::from_str(text(names[1])).unwrap_or_default();
        if let Some(dlq) = policy["deadLetterTargetArn"].as_str().and_then(|a| a.rsplit(':').next())
        {
            sources.entry(dlq.to_owned()).or_default().push(name(&url).to_owned());
        }
    }
    let full = sources.iter().filter_map(|(dlq, sources)| {
        let count = visible.get(dlq).filter(|count| **count > 0)?;
        Some(format!("{dlq}: {count} from {}", sources.join(", ")))
    });
    let full: Vec<String> = full.collect();
    Ok(match full.is_empty() {
        true => "no dead-letter queue of a queue holds a message".into(),
        false => full.join("\n"),
    })
}

/// URLs of all queues.
fn all(sqs: &dyn Service) -> Result<Vec<String>, Failure> {
    let mut urls = vec![];
    let mut input = json!({ "MaxResults": 1000 });
    loop {
        let answer = sqs.call("ListQueues", &input).map_err(|why| why.to_string())?;
        let page = answer["QueueUrls"].as_array().into_iter().flatten();
        urls.extend(page.filter_map(|url| url.as_str().map(str::to_owned)));
        match answer["NextToken"].as_str() {
            Some(token) => input["NextToken"] = token.into(),
            None => return Ok(urls),
        }
    }
}
