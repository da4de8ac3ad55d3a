//! [`Tables`] on Amazon DynamoDB.

use super::{
    Action, Cursor, Error, Item, Key, Op, Page, Query, Reason, Scan, Tables, Value,
    expression::Placeholders, op,
};
use crate::{aws::chain, clock::Deadline, retry::Backoff};
use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    config::{Config, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    primitives::Blob,
    types::{
        AttributeValue, CancellationReason, ConditionCheck, Delete, Put,
        ReturnValuesOnConditionCheckFailure as Return, TransactWriteItem, Update,
    },
};
use std::{collections::HashMap, time::Duration};

/// For how long a lone write is tried again that was throttled or in conflict, and so not made.
const THROTTLED: Duration = Duration::from_secs(1);

/// Amazon DynamoDB behind the table port.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    client: Client,
}

impl DynamoDb {
    /// The port on `client`; make one client per process ([`crate::aws`]).
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Tables for DynamoDb {
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&*key.table)
            .set_key(Some(to_aws(key.attributes())))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        answer.item.map(from_aws).transpose()
    }

    async fn page(&self, query: &Query, after: Option<&Cursor>) -> Result<Page, Error> {
        let mut used = Placeholders::default();
        let condition = used.key(query);
        let limit = query.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = self
            .client
            .query()
            .table_name(&*query.table)
            .set_index_name(query.index.map(|index| index.name.to_owned()))
            .consistent_read(query.index.is_none())
            .scan_index_forward(!query.descending)
            .set_limit(limit)
            .set_exclusive_start_key(after.map(|cursor| to_aws(cursor.0.clone())))
            .key_condition_expression(condition)
            .set_expression_attribute_names(names(&used))
            .set_expression_attribute_values(values(used))
            .send()
            .await
            .map_err(failed)?;
        page_of(answer.items, answer.last_evaluated_key)
    }

    async fn scan(&self, scan: &Scan, after: Option<&Cursor>) -> Result<Page, Error> {
        let mut used = Placeholders::default();
        let filter = used.filter(scan);
        let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        let limit = scan.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = self
            .client
            .scan()
            .table_name(&*scan.table)
            .consistent_read(true)
            .segment(number(scan.segment))
            .total_segments(number(scan.segments))
            .set_filter_expression(filter)
            .set_limit(limit)
            .set_exclusive_start_key(after.map(|cursor| to_aws(cursor.0.clone())))
            .set_expression_attribute_names(names(&used))
            .set_expression_attribute_values(values(used))
            .send()
            .await
            .map_err(failed)?;
        page_of(answer.items, answer.last_evaluated_key)
    }

    async fn write(&self, op: Op) -> Result<(), Error> {
        let mut backoff = Backoff::until(Deadline::after(THROTTLED));
        loop {
            match self.write_once(op.clone()).await {
                Err(Error::Busy { .. }) if backoff.pause().await => {}
                result => return result,
            }
        }
    }

    async fn transact(&self, ops: Vec<Op>) -> Result<(), Error> {
        op::validate(&ops)?;
        let items = ops.into_iter().map(transact_item).collect::<Result<_, _>>()?;
        // The SDK adds a ClientRequestToken of its own to each call, so its retries are safe.
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        sent.map(drop).map_err(|error| match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons().iter();
                match reasons.map(reason).collect() {
                    Ok(reasons) => Error::Cancelled(reasons),
                    Err(error) => error,
                }
            }
            _ => failed(error),
        })
    }
}

impl DynamoDb {
    /// One attempt at a lone write. The SDK makes no second one: an answer to that could be about what
    /// the first had written already.
    async fn write_once(&self, op: Op) -> Result<(), Error> {
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let mut used = Placeholders::default();
        let condition = used.condition(&op);
        let returning = op.returning.then_some(Return::AllOld);
        let table = op.key.table.to_string();
        match op.action {
            Action::Put(mut item) => {
                item.extend(op.key.attributes());
                self.client
                    .put_item()
                    .table_name(table)
                    .set_item(Some(to_aws(item)))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names(&used))
                    .set_expression_attribute_values(values(used))
                    .set_return_values_on_condition_check_failure(returning)
                    .customize()
                    .config_override(once)
                    .send()
                    .await
                    .map(drop)
                    .map_err(|error| condition_failed(&error).unwrap_or_else(|| failed(error)))
            }
            Action::Update(updates) => {
                let update = used.update(&updates);
                self.client
                    .update_item()
                    .table_name(table)
                    .set_key(Some(to_aws(op.key.attributes())))
                    .set_update_expression((!update.is_empty()).then_some(update))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names(&used))
                    .set_expression_attribute_values(values(used))
                    .set_return_values_on_condition_check_failure(returning)
                    .customize()
                    .config_override(once)
                    .send()
                    .await
                    .map(drop)
                    .map_err(|error| condition_failed(&error).unwrap_or_else(|| failed(error)))
            }
            Action::Delete => self
                .client
                .delete_item()
                .table_name(table)
                .set_key(Some(to_aws(op.key.attributes())))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names(&used))
                .set_expression_attribute_values(values(used))
                .set_return_values_on_condition_check_failure(returning)
                .customize()
                .config_override(once)
                .send()
                .await
                .map(drop)
                .map_err(|error| condition_failed(&error).unwrap_or_else(|| failed(error))),
            Action::Check => Err(Error::validation("a check alone is no write")),
        }
    }
}

fn transact_item(op: Op) -> Result<TransactWriteItem, Error> {
    let mut used = Placeholders::default();
    let condition = used.condition(&op);
    let returning = op.returning.then_some(Return::AllOld);
    let table = op.key.table.to_string();
    let key = op.key.attributes();
    let item = TransactWriteItem::builder();
    let item = match op.action {
        Action::Put(mut attributes) => {
            attributes.extend(key);
            let put = Put::builder()
                .table_name(table)
                .set_item(Some(to_aws(attributes)))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names(&used))
                .set_expression_attribute_values(values(used))
                .set_return_values_on_condition_check_failure(returning);
            item.put(put.build().map_err(incomplete)?)
        }
        Action::Update(updates) => {
            let update = Update::builder()
                .table_name(table)
                .set_key(Some(to_aws(key)))
                .update_expression(used.update(&updates))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names(&used))
                .set_expression_attribute_values(values(used))
                .set_return_values_on_condition_check_failure(returning);
            item.update(update.build().map_err(incomplete)?)
        }
        Action::Delete => {
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(to_aws(key)))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names(&used))
                .set_expression_attribute_values(values(used))
                .set_return_values_on_condition_check_failure(returning);
            item.delete(delete.build().map_err(incomplete)?)
        }
        Action::Check => {
            let check = ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(to_aws(key)))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names(&used))
                .set_expression_attribute_values(values(used))
                .set_return_values_on_condition_check_failure(returning);
            item.condition_check(check.build().map_err(incomplete)?)
        }
    };
    Ok(item.build())
}

fn reason(reason: &CancellationReason) -> Result<Reason, Error> {
    Ok(match reason.code().unwrap_or("None") {
        "None" => Reason::None,
        "ConditionalCheckFailed" => Reason::ConditionFailed {
            item: reason
                .item()
                .filter(|item| !item.is_empty())
                .cloned()
                .map(from_aws)
                .transpose()?,
        },
        "TransactionConflict" => Reason::Conflict,
        "ProvisionedThroughputExceeded" | "ThrottlingError" => Reason::Throttled,
        code => Reason::Refused {
            code: code.to_owned(),
            message: reason.message().unwrap_or_default().to_owned(),
        },
    })
}

/// Sorts an error by what the caller must do about it. After a server's fault or silence a write
/// may have gone in.
fn failed<E, R>(error: SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let SdkError::ServiceError(context) = &error else {
        let message = chain(&error);
        return match error {
            SdkError::ConstructionFailure(_) => {
                Error::Refused { code: "ConstructionFailure".to_owned(), message }
            }
            _ => Error::Lost { message },
        };
    };
    let code = context.err().code().unwrap_or("Unknown").to_owned();
    let message = context.err().message().unwrap_or_default().to_owned();
    match code.as_str() {
        "ThrottlingException"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "TransactionConflictException" => Error::Busy { code },
        "InternalServerError"
        | "InternalServerErrorException"
        | "ServiceUnavailable"
        | "TransactionInProgressException"
        | "Unknown" => Error::Lost { message: format!("{code}: {message}") },
        _ => Error::Refused { code, message },
    }
}

fn condition_failed<E: ProvideErrorMetadata + FailedCondition, R>(
    error: &SdkError<E, R>,
) -> Option<Error> {
    let item = error.as_service_error()?.failed_item()?;
    match item.map(from_aws).transpose() {
        Ok(item) => Some(Error::ConditionFailed { item }),
        Err(error) => Some(error),
    }
}

/// The three single writes share their conditional failure, but the SDK gives each a type.
trait FailedCondition {
    /// `Some` if the condition was false, with the item if it was asked for.
    fn failed_item(&self) -> Option<Option<HashMap<String, AttributeValue>>>;
}

macro_rules! failed_condition {
    ($($module:ident :: $error:ident),*) => {$(
        impl FailedCondition for aws_sdk_dynamodb::operation::$module::$error {
            fn failed_item(&self) -> Option<Option<HashMap<String, AttributeValue>>> {
                match self {
                    Self::ConditionalCheckFailedException(failed) => {
                        Some(failed.item().filter(|item| !item.is_empty()).cloned())
                    }
                    _ => None,
                }
            }
        }
    )*};
}
failed_condition!(
    put_item::PutItemError,
    update_item::UpdateItemError,
    delete_item::DeleteItemError
);

fn incomplete(error: aws_sdk_dynamodb::error::BuildError) -> Error {
    Error::validation(error.to_string())
}

fn names(used: &Placeholders) -> Option<HashMap<String, String>> {
    (!used.names.is_empty()).then(|| used.names.clone())
}

fn values(used: Placeholders) -> Option<HashMap<String, AttributeValue>> {
    (!used.values.is_empty())
        .then(|| used.values.into_iter().map(|(name, value)| (name, aws_value(value))).collect())
}

fn to_aws(item: Item) -> HashMap<String, AttributeValue> {
    item.into_iter().map(|(name, value)| (name, aws_value(value))).collect()
}

fn from_aws(item: HashMap<String, AttributeValue>) -> Result<Item, Error> {
    item.into_iter().map(|(name, value)| Ok((name, own_value(value)?))).collect()
}

fn page_of(
    items: Option<Vec<HashMap<String, AttributeValue>>>,
    last: Option<HashMap<String, AttributeValue>>,
) -> Result<Page, Error> {
    Ok(Page {
        items: items.unwrap_or_default().into_iter().map(from_aws).collect::<Result<_, _>>()?,
        next: last.map(from_aws).transpose()?.map(Cursor),
    })
}

fn aws_value(value: Value) -> AttributeValue {
    match value {
        Value::S(text) => AttributeValue::S(text),
        Value::N(digits) => AttributeValue::N(digits),
        Value::B(bytes) => AttributeValue::B(Blob::new(bytes)),
        Value::Bool(value) => AttributeValue::Bool(value),
        Value::Null => AttributeValue::Null(true),
        Value::M(fields) => AttributeValue::M(to_aws(fields)),
        Value::L(values) => AttributeValue::L(values.into_iter().map(aws_value).collect()),
    }
}

fn own_value(value: AttributeValue) -> Result<Value, Error> {
    Ok(match value {
        AttributeValue::S(text) => Value::S(text),
        AttributeValue::N(digits) => Value::N(digits),
        AttributeValue::B(bytes) => Value::B(bytes.into_inner()),
        AttributeValue::Bool(value) => Value::Bool(value),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::M(fields) => Value::M(from_aws(fields)?),
        AttributeValue::L(values) => {
            Value::L(values.into_iter().map(own_value).collect::<Result<_, _>>()?)
        }
        other => {
            return Err(Error::validation(format!("an attribute is a set, not ours: {other:?}")));
        }
    })
}
