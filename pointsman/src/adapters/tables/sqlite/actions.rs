//! Operations, each handed to the library.

use super::arns;
use super::errors::{parse, print};
use super::store::Store;
use super::{streams, unchanged};
use crate::adapters::tables::Api;
use bytes::Bytes;
use dynoxide::DynoxideError;
use dynoxide::actions as library;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

type Result<T> = std::result::Result<T, DynoxideError>;

const STREAMS: [&str; 4] = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"];

const TABLES: [&str; 24] = [
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "CreateTable",
    "DeleteItem",
    "DeleteTable",
    "DescribeTable",
    "DescribeTimeToLive",
    "ExecuteStatement",
    "ExecuteTransaction",
    "GetItem",
    "ListTables",
    "ListTagsOfResource",
    "PutItem",
    "Query",
    "Scan",
    "SearchVectors",
    "TagResource",
    "TransactGetItems",
    "TransactWriteItems",
    "UntagResource",
    "UpdateItem",
    "UpdateTable",
    "UpdateTimeToLive",
];

/// Whether an operation exists here.
pub(super) fn serves(api: Api, operation: &str) -> bool {
    match api {
        Api::DynamoDb => TABLES.contains(&operation),
        Api::Streams => STREAMS.contains(&operation),
    }
}

/// Reads a request, runs it, prints its answer.
macro_rules! run {
    ($module:ident, $store:expr, $body:expr $(, $more:expr)*) => {
        print(&ready(library::$module::execute(&$store.storage, parse($body)? $(, $more)*))?)
    };
}

/// The same for answers with ARNs, which hold nobody's data.
macro_rules! describe {
    ($module:ident, $store:expr, $body:expr $(, $more:expr)*) => {{
        let answer = ready(library::$module::execute(&$store.storage, parse($body)? $(, $more)*))?;
        let mut answer = serde_json::to_value(&answer)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
        arns::outward(&$store.region, &mut answer);
        print(&answer)
    }};
}

/// Answers an operation that [`serves`] knows.
pub(super) fn run(store: &Store, operation: &str, body: &[u8]) -> Result<Bytes> {
    match operation {
        "BatchExecuteStatement" => run!(batch_execute_statement, store, body),
        "BatchGetItem" => run!(batch_get_item, store, body),
        "BatchWriteItem" => run!(batch_write_item, store, body),
        "CreateTable" => {
            let request: library::create_table::CreateTableRequest = parse(body)?;
            check_name(store, &request.table_name)?;
            let answer = describe!(create_table, store, body)?;
            unchanged::watch_all(&store.storage)?;
            Ok(answer)
        }
        "DeleteItem" => run!(delete_item, store, body),
        "DeleteTable" => {
            let answer = describe!(delete_table, store, body, &store.vectors)?;
            streams::forget_deleted(&store.storage)?;
            Ok(answer)
        }
        "DescribeStream" => describe!(describe_stream, store, body),
        "DescribeTable" => describe!(describe_table, store, body, &store.vectors),
        "DescribeTimeToLive" => run!(describe_time_to_live, store, body),
        "ExecuteStatement" => run!(execute_statement, store, body),
        "ExecuteTransaction" => run!(execute_transaction, store, body),
        "GetItem" => run!(get_item, store, body),
        "GetRecords" => records(store, body),
        "GetShardIterator" => run!(get_shard_iterator, store, body),
        "ListStreams" => describe!(list_streams, store, body),
        "ListTables" => run!(list_tables, store, body),
        "ListTagsOfResource" => run!(list_tags_of_resource, store, body),
        "PutItem" => run!(put_item, store, body),
        "Query" => run!(query, store, body),
        "Scan" => run!(scan, store, body),
        "SearchVectors" => run!(search_vectors, store, body, &store.vectors),
        "TagResource" => ready(library::tag_resource::execute(&store.storage, parse(body)?))
            .map(|_| Bytes::new()),
        "TransactGetItems" => run!(transact_get_items, store, body),
        "TransactWriteItems" => run!(transact_write_items, store, body),
        "UntagResource" => ready(library::untag_resource::execute(&store.storage, parse(body)?))
            .map(|_| Bytes::new()),
        "UpdateItem" => run!(update_item, store, body),
        "UpdateTable" => {
            let answer = describe!(update_table, store, body, &store.vectors)?;
            unchanged::watch_all(&store.storage)?;
            Ok(answer)
        }
        "UpdateTimeToLive" => run!(update_time_to_live, store, body),
        other => Err(DynoxideError::InternalServerError(format!("{other} is not served"))),
    }
}

/// The library's calls never wait on SQLite: their first poll is their last.
pub(super) fn ready<T, E: Into<DynoxideError>>(
    call: impl Future<Output = std::result::Result<T, E>>,
) -> Result<T> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.map_err(Into::into),
        Poll::Pending => Err(DynoxideError::InternalServerError("a table call waits".into())),
    }
}

/// SQLite, in which tables are tables too, keeps some names for itself and knows no case.
pub(super) fn check_name(store: &Store, name: &str) -> Result<()> {
    let taken = |other: &str| {
        Err(DynoxideError::ValidationException(format!(
            "TableName {name} cannot be used here: {other}"
        )))
    };
    let lower = name.to_lowercase();
    if matches!(lower.as_str(), "_tables" | "_config" | "_stream_records")
        || lower.starts_with("sqlite_")
    {
        return taken("the local store keeps that name for itself");
    }
    for other in store.storage.list_table_names()? {
        if other != name && other.to_lowercase() == lower {
            return taken(&format!("it differs from {other} in case alone"));
        }
    }
    Ok(())
}

/// `GetRecords`, without records past their retention.
fn records(store: &Store, body: &[u8]) -> Result<Bytes> {
    let mut answer = ready(library::get_records::execute(&store.storage, parse(body)?))?;
    let kept = streams::kept_from(store.now()) as f64;
    answer.records.retain(|record| record.dynamodb.approximate_creation_date_time >= kept);
    for record in &mut answer.records {
        record.aws_region = store.region.name.clone();
    }
    print(&answer)
}
