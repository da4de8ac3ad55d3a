//! SQS, AWS JSON 1.0 and the older Query protocol.

mod attribute;
mod batch;
mod change_message_visibility;
mod change_message_visibility_batch;
mod create_queue;
mod delete_message;
mod delete_message_batch;
mod delete_queue;
mod get_queue_attributes;
mod get_queue_url;
mod list_dead_letter_source_queues;
mod list_queues;
mod purge_queue;
mod receive_message;
mod send_message;
mod send_message_batch;
mod set_queue_attributes;
mod settings;

use super::action::{Input, Output, run};
use super::ask::Ask;
use super::field::Int;
use super::page;
use crate::adapters::receipt::decode_receipt;
use crate::engine::{Fault, Name};
use crate::services::queue::Receipt;
use crate::topology::Region;

/// The most items of a list's page, and their number where the request names none.
const PAGE: i64 = 1_000;

pub(super) async fn answer(ask: &Ask<'_>, action: &str, input: Input) -> Result<Output, Fault> {
    match action {
        "SendMessage" => run::<send_message::Request>(ask, action, input).await,
        "SendMessageBatch" => run::<send_message_batch::Request>(ask, action, input).await,
        "ReceiveMessage" => run::<receive_message::Request>(ask, action, input).await,
        "DeleteMessage" => run::<delete_message::Request>(ask, action, input).await,
        "DeleteMessageBatch" => run::<delete_message_batch::Request>(ask, action, input).await,
        "ChangeMessageVisibility" => {
            run::<change_message_visibility::Request>(ask, action, input).await
        }
        "ChangeMessageVisibilityBatch" => {
            run::<change_message_visibility_batch::Request>(ask, action, input).await
        }
        "CreateQueue" => run::<create_queue::Request>(ask, action, input).await,
        "DeleteQueue" => run::<delete_queue::Request>(ask, action, input).await,
        "PurgeQueue" => run::<purge_queue::Request>(ask, action, input).await,
        "GetQueueUrl" => run::<get_queue_url::Request>(ask, action, input).await,
        "GetQueueAttributes" => run::<get_queue_attributes::Request>(ask, action, input).await,
        "SetQueueAttributes" => run::<set_queue_attributes::Request>(ask, action, input).await,
        "ListQueues" => run::<list_queues::Request>(ask, action, input).await,
        "ListDeadLetterSourceQueues" => {
            run::<list_dead_letter_source_queues::Request>(ask, action, input).await
        }
        _ => Err(unsupported(format!("SQS's {action} is not supported by this engine."))),
    }
}

fn unsupported(message: String) -> Fault {
    Fault::new("AWS.SimpleQueueService.UnsupportedOperation", message)
}

fn required<T>(value: Option<T>, name: &str) -> Result<T, Fault> {
    value.ok_or_else(|| {
        Fault::new("MissingParameter", format!("The request must contain the parameter {name}."))
    })
}

fn bad_value(value: impl std::fmt::Display, parameter: &str, reason: &str) -> Fault {
    Fault::new(
        "InvalidParameterValue",
        format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"),
    )
}

fn unknown_attribute(name: &str) -> Fault {
    Fault::new("InvalidAttributeName", format!("Unknown Attribute {name}."))
}

/// The queue that a URL names: `…/ACCOUNT/NAME`, whatever the host.
fn queue(region: &Region, url: Option<String>) -> Result<Name, Fault> {
    let url = required(url, "QueueUrl")?;
    let mut parts = url.rsplit('/');
    let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if name.is_empty() || account.is_empty() {
        return Err(Fault::new(
            "InvalidAddress",
            format!("The address {url} is not valid for this endpoint."),
        ));
    }
    if account != region.account {
        return Err(Fault::new(
            "AWS.SimpleQueueService.NonExistentQueue",
            format!(
                "The specified queue does not exist: {url} is of account {account}, this engine has {}.",
                region.account
            ),
        ));
    }
    Ok(name.into())
}

fn receipt(handle: Option<String>) -> Result<Receipt, Fault> {
    let handle = required(handle, "ReceiptHandle")?;
    decode_receipt(&handle).ok_or_else(|| {
        Fault::new(
            "ReceiptHandleIsInvalid",
            format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
        )
    })
}

/// Seconds of a visibility timeout.
fn visibility(seconds: Int) -> Result<u32, Fault> {
    match u32::try_from(seconds.0) {
        Ok(seconds @ 0..=43_200) => Ok(seconds),
        _ => Err(bad_value(
            seconds.0,
            "VisibilityTimeout",
            "Must be >= 0 and <= 43200, if provided.",
        )),
    }
}

/// `MaxResults` and `NextToken` of a list.
struct Paging {
    limit: usize,
    after: Option<String>,
    /// SQS gives a token only to who has asked for pages.
    tells: bool,
}

fn paging(limit: Option<Int>, token: Option<&str>) -> Result<Paging, Fault> {
    let wanted = limit.map_or(PAGE, |limit| limit.0);
    if !(1..=PAGE).contains(&wanted) {
        return Err(bad_value(wanted, "MaxResults", "MaxResults must be between 1 and 1000."));
    }
    let after = match token.filter(|t| !t.is_empty()) {
        None => None,
        Some(token) => Some(page::decode(token).ok_or_else(|| {
            bad_value(token, "NextToken", "It is not one that this list has given.")
        })?),
    };
    Ok(Paging { limit: wanted as usize, after, tells: limit.is_some() })
}
