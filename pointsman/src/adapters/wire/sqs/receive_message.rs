use super::super::action::Action;
use super::super::ask::Ask;
use super::super::field::Int;
use super::attribute::{self, Wired};
use super::{bad_value, queue, unknown_attribute, visibility};
use crate::adapters::digest;
use crate::adapters::receipt::encode_receipt;
use crate::engine::{Attribute, Fault, Handed};
use crate::services::queue::{Receipt, Receive, existing};
use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_url: Option<String>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
    max_number_of_messages: Option<Int>,
    visibility_timeout: Option<Int>,
    wait_time_seconds: Option<Int>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    message_id: String,
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    #[serde(serialize_with = "as_text")]
    body: Bytes,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<String, Wired>,
}

/// The system attributes of a message.
const SYSTEM: [&str; 10] = [
    "All",
    "AWSTraceHeader",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
];

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let queue = queue(ask.region(), self.queue_url.clone())?;
        let max = match self.max_number_of_messages {
            None => 1,
            Some(Int(max @ 1..=10)) => max as usize,
            Some(Int(max)) => {
                let reason = "Must be between 1 and 10, if provided.";
                return Err(bad_value(max, "MaxNumberOfMessages", reason));
            }
        };
        let wait = match self.wait_time_seconds {
            None => None,
            Some(Int(seconds @ 0..=20)) => Some(Duration::from_secs(seconds as u64)),
            Some(Int(seconds)) => {
                let reason = "Must be >= 0 and <= 20, if provided.";
                return Err(bad_value(seconds, "WaitTimeSeconds", reason));
            }
        };
        let visibility = self.visibility_timeout.map(visibility).transpose()?;
        self.check_names()?;
        let handed = receive(ask, Receive { queue, max, visibility }, wait).await?;
        let messages = handed.into_iter().filter_map(|handed| self.show(ask, handed).transpose());
        Ok(Reply { messages: messages.collect::<Result<_, _>>()? })
    }
}

/// Receives; what is there at once costs one decision, whoever sets the time to wait.
async fn receive(
    ask: &Ask<'_>,
    receive: Receive,
    wait: Option<Duration>,
) -> Result<Vec<Handed>, Fault> {
    let wait = match wait {
        Some(wait) => wait,
        None => {
            let handed = ask.submit(receive.clone()).await?;
            if !handed.is_empty() {
                return Ok(handed);
            }
            let queue = receive.queue.clone();
            let seconds = ask
                .read(move |state, _| existing(state, &queue).map(|queue| queue.spec.wait))
                .await??;
            if seconds == 0 {
                return Ok(handed);
            }
            Duration::from_secs(seconds.into())
        }
    };
    let mut stopping = ask.wire.stopping.clone();
    tokio::select! {
        handed = ask.engine().receive(receive, wait, ask.asked.clone()) => handed,
        _ = stopping.wait_for(|stopping| *stopping), if !wait.is_zero() => Ok(vec![]),
    }
}

impl Request {
    fn check_names(&self) -> Result<(), Fault> {
        let names = self.attribute_names.iter().chain(&self.message_system_attribute_names);
        match names.into_iter().find(|name| !SYSTEM.contains(&name.as_str())) {
            Some(name) => Err(unknown_attribute(name)),
            None => Ok(()),
        }
    }

    /// The message, unless somebody has purged the queue since it was handed out.
    fn show(&self, ask: &Ask<'_>, handed: Handed) -> Result<Option<Message>, Fault> {
        let body = match ask.engine().body(handed.body.id) {
            Ok(body) => body,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let text = format!("The text of message {} could not be read: {error}.", handed.id);
                return Err(Fault::new("InternalFailure", text));
            }
        };
        let extra = handed.extra.as_deref();
        let chosen: BTreeMap<String, Attribute> = extra
            .into_iter()
            .flat_map(|extra| &extra.attributes)
            .filter(|(name, _)| attribute::is_wanted(&self.message_attribute_names, name))
            .map(|(name, attribute)| (name.clone(), attribute.clone()))
            .collect();
        Ok(Some(Message {
            message_id: handed.id.to_string(),
            receipt_handle: encode_receipt(Receipt { seq: handed.seq, receipt: handed.receipt }),
            md5_of_body: digest::of_body(&body),
            attributes: self.system(ask, &handed),
            md5_of_message_attributes: digest::of_attributes(&chosen),
            message_attributes: chosen
                .into_iter()
                .map(|(name, attribute)| (name, Wired::of(attribute)))
                .collect(),
            body,
        }))
    }

    fn system(&self, ask: &Ask<'_>, handed: &Handed) -> BTreeMap<&'static str, String> {
        let names = || self.attribute_names.iter().chain(&self.message_system_attribute_names);
        let all = names().any(|name| name == "All");
        let mut shown = BTreeMap::new();
        let extra = handed.extra.as_deref();
        for name in SYSTEM.iter().filter(|name| all || names().any(|n| n == **name)) {
            let value = match *name {
                "AWSTraceHeader" => extra.and_then(|extra| extra.trace.clone()),
                "ApproximateFirstReceiveTimestamp" => Some(handed.first_received.0.to_string()),
                "ApproximateReceiveCount" => Some(handed.receives.to_string()),
                "DeadLetterQueueSourceArn" => {
                    handed.dead_letter_source.as_ref().map(|queue| ask.region().queue(queue))
                }
                "MessageGroupId" => extra.and_then(|extra| extra.group.clone()),
                "SenderId" => Some(ask.region().account.clone()),
                "SentTimestamp" => Some(handed.sent.0.to_string()),
                _ => None,
            };
            if let Some(value) = value {
                shown.insert(*name, value);
            }
        }
        shown
    }
}

/// Texts are checked when they are sent, and events are JSON.
fn as_text<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => to.serialize_str(text),
        Err(_) => to.serialize_str(&String::from_utf8_lossy(bytes)),
    }
}
