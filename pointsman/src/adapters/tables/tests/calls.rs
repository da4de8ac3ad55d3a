use super::{Api, Shop, call, parsed, read_model, row, store};
use crate::adapters::tables::Tables;
use crate::topology::TableSpec;
use serde_json::{Value, json};

const CANCELED: &str = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";

#[tokio::test]
async fn a_put_under_a_condition_that_fails_is_refused_as_dynamodb_does() {
    let shop = Shop::with_store().await;
    let put = json!({
        "TableName": "EventStore",
        "Item": row("order#1", "0000000001"),
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    assert_eq!(shop.ok("PutItem", put.clone()).await, json!({}));
    let (status, body) = shop.call("PutItem", put).await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "message": "The conditional request failed",
            "Item": row("order#1", "0000000001"),
        })
    );
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing_and_says_which_part_failed() {
    let shop = Shop::with_store().await;
    shop.put("fulfilment#1", "guard").await;
    let append = json!({ "TransactItems": [
        { "Put": {
            "TableName": "EventStore",
            "Item": row("order#1", "0000000002"),
            "ConditionExpression": "attribute_not_exists(pk)" } },
        { "ConditionCheck": {
            "TableName": "EventStore",
            "Key": { "pk": { "S": "fulfilment#1" }, "sk": { "S": "guard" } },
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD" } },
        { "Update": {
            "TableName": "EventStore",
            "Key": { "pk": { "S": "order#1" }, "sk": { "S": "snapshot" } },
            "UpdateExpression": "SET #v = if_not_exists(#v, :zero) + :one",
            "ExpressionAttributeNames": { "#v": "version" },
            "ExpressionAttributeValues": { ":zero": { "N": "0" }, ":one": { "N": "1" } } } },
    ] });
    let (status, body) = shop.call("TransactWriteItems", append.clone()).await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        json!({
            "__type": CANCELED,
            "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons \
                        [None, ConditionalCheckFailed, None]",
            "CancellationReasons": [
                { "Code": "None" },
                { "Code": "ConditionalCheckFailed",
                  "Message": "The conditional request failed",
                  "Item": row("fulfilment#1", "guard") },
                { "Code": "None" },
            ],
        })
    );
    assert_eq!(stream_of(&shop, "order#1").await["Count"], 0);

    shop.ok(
        "DeleteItem",
        json!({
            "TableName": "EventStore",
            "Key": { "pk": { "S": "fulfilment#1" }, "sk": { "S": "guard" } },
        }),
    )
    .await;
    assert_eq!(shop.ok("TransactWriteItems", append).await, json!({}));
    assert_eq!(stream_of(&shop, "order#1").await["Count"], 2);
}

async fn stream_of(shop: &Shop, pk: &str) -> Value {
    shop.ok(
        "Query",
        json!({
            "TableName": "EventStore",
            "ConsistentRead": true,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": pk } },
        }),
    )
    .await
}

#[tokio::test]
async fn two_actions_on_one_item_are_refused_without_reasons() {
    let shop = Shop::with_store().await;
    let put = json!({ "Put": { "TableName": "EventStore", "Item": row("order#1", "1") } });
    let (status, body) =
        shop.call("TransactWriteItems", json!({ "TransactItems": [put, put] })).await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        json!({
            "__type": "com.amazon.coral.validate#ValidationException",
            "message": "Transaction request cannot include multiple operations on one item",
        })
    );
}

#[tokio::test]
async fn a_request_token_counts_for_ten_minutes_of_engine_time() {
    let shop = Shop::with_store().await;
    let add = |token: &str, by: &str| {
        json!({ "ClientRequestToken": token, "TransactItems": [{ "Update": {
            "TableName": "EventStore",
            "Key": { "pk": { "S": "counter" }, "sk": { "S": "1" } },
            "UpdateExpression": "ADD n :by",
            "ExpressionAttributeValues": { ":by": { "N": by } } } }] })
    };
    let count = async || {
        let key = json!({ "pk": { "S": "counter" }, "sk": { "S": "1" } });
        let item = shop.ok("GetItem", json!({ "TableName": "EventStore", "Key": key })).await;
        item["Item"]["n"]["N"].as_str().map(str::to_owned)
    };
    shop.ok("TransactWriteItems", add("t-1", "1")).await;
    shop.ok("TransactWriteItems", add("t-1", "1")).await;
    assert_eq!(count().await.as_deref(), Some("1"));

    let (status, body) = shop.call("TransactWriteItems", add("t-1", "5")).await;
    assert_eq!(status, 400);
    let kind = body["__type"].as_str().unwrap_or_default();
    assert!(kind.ends_with("#IdempotentParameterMismatchException"), "{body}");

    shop.pass(10 * 60 * 1000);
    shop.ok("TransactWriteItems", add("t-1", "5")).await;
    assert_eq!(count().await.as_deref(), Some("6"));
}

#[tokio::test]
async fn a_query_answers_at_most_a_megabyte_and_goes_on_from_its_key() {
    let shop = Shop::with_store().await;
    let payload = "x".repeat(300 * 1024);
    for n in 1..=8 {
        let mut item = row("order#1", &format!("{n:010}"));
        item["data"] = json!({ "S": payload });
        shop.ok("PutItem", json!({ "TableName": "EventStore", "Item": item })).await;
    }
    let mut from = Value::Null;
    let mut pages = Vec::new();
    loop {
        let mut query = json!({
            "TableName": "EventStore",
            "ConsistentRead": true,
            "KeyConditionExpression": "pk = :pk AND sk < :end",
            "ExpressionAttributeValues": { ":pk": { "S": "order#1" }, ":end": { "S": ":" } },
        });
        if !from.is_null() {
            query["ExclusiveStartKey"] = from;
        }
        let page = shop.ok("Query", query).await;
        pages.push(page["Count"].as_u64().unwrap_or_default());
        from = page["LastEvaluatedKey"].clone();
        if from.is_null() {
            break;
        }
    }
    assert_eq!(pages, [3, 3, 2]);
}

#[tokio::test]
async fn an_index_lists_a_customers_orders_by_time() {
    let shop = Shop::open();
    shop.tables.reconcile(&[read_model()]).await.expect("the table is made");
    for (order, customer, at) in
        [("1", "ada", "2026-01-03"), ("2", "bob", "2026-01-02"), ("3", "ada", "2026-01-01")]
    {
        let item = json!({
            "pk": { "S": format!("1#order#{order}") },
            "customer": { "S": format!("1#customer#{customer}") },
            "placedAt": { "S": at },
        });
        shop.ok("PutItem", json!({ "TableName": "ReadModel", "Item": item })).await;
    }
    let list = shop
        .ok(
            "Query",
            json!({
                "TableName": "ReadModel",
                "IndexName": "byCustomer",
                "ScanIndexForward": false,
                "KeyConditionExpression": "customer = :c",
                "ExpressionAttributeValues": { ":c": { "S": "1#customer#ada" } },
            }),
        )
        .await;
    let orders: Vec<_> =
        list["Items"].as_array().into_iter().flatten().map(|i| i["pk"]["S"].clone()).collect();
    assert_eq!(orders, ["1#order#1", "1#order#3"]);
    let scan = shop.ok("Scan", json!({ "TableName": "ReadModel" })).await;
    assert_eq!(scan["Count"], 3);
}

#[tokio::test]
async fn an_update_under_the_version_that_was_read_wins_once() {
    let shop = Shop::open();
    shop.tables.reconcile(&[read_model()]).await.expect("the table is made");
    let update = json!({
        "TableName": "ReadModel",
        "Key": { "pk": { "S": "1#order#1" } },
        "UpdateExpression": "SET rev = :next, #p.#o = :four REMOVE draft",
        "ConditionExpression": "rev = :rev",
        "ExpressionAttributeNames": { "#p": "positions", "#o": "order" },
        "ExpressionAttributeValues": { ":rev": { "N": "1" }, ":next": { "N": "2" }, ":four": { "N": "4" } },
        "ReturnValues": "ALL_NEW",
    });
    shop.ok("PutItem", json!({ "TableName": "ReadModel", "Item": {
        "pk": { "S": "1#order#1" }, "rev": { "N": "1" }, "draft": { "BOOL": true }, "positions": { "M": {} },
    } }))
    .await;
    let won = shop.ok("UpdateItem", update.clone()).await;
    assert_eq!(
        won["Attributes"],
        json!({
            "pk": { "S": "1#order#1" }, "rev": { "N": "2" }, "positions": { "M": { "order": { "N": "4" } } },
        })
    );
    let (status, _) = shop.call("UpdateItem", update).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn arns_are_of_the_configured_account_and_region_and_no_other_is_taken() {
    let shop = Shop::with_store().await;
    let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/EventStore";
    let table = shop.ok("DescribeTable", json!({ "TableName": arn })).await["Table"].clone();
    assert_eq!(table["TableArn"], arn);
    let stream = table["LatestStreamArn"].as_str().unwrap_or_default().to_owned();
    assert!(stream.starts_with(&format!("{arn}/stream/")), "{stream}");

    shop.ok("PutItem", json!({ "TableName": arn, "Item": row("arn:aws:sqs:x:y:z", "1") })).await;
    shop.ok(
        "TransactWriteItems",
        json!({ "TransactItems": [
        { "Put": { "TableName": arn, "Item": row("order#2", "1") } }
    ] }),
    )
    .await;
    let got = shop
        .ok(
            "BatchGetItem",
            json!({ "RequestItems": { arn: {
        "Keys": [{ "pk": { "S": "order#2" }, "sk": { "S": "1" } }]
    } } }),
        )
        .await;
    assert_eq!(got["Responses"]["EventStore"][0], row("order#2", "1"));

    let tags = json!([{ "Key": "team", "Value": "orders" }]);
    let request = json!({ "ResourceArn": arn, "Tags": tags });
    let answer = call(&shop.tables, Api::DynamoDb, "TagResource", &request, None).await;
    assert_eq!((answer.status, answer.body.is_empty()), (200, true));
    let tagged = shop.ok("ListTagsOfResource", json!({ "ResourceArn": arn })).await;
    assert_eq!(tagged["Tags"], tags);

    let gone = arn.replace("EventStore", "Nowhere") + "/stream/1";
    let request = json!({ "StreamArn": gone });
    let answer = call(&shop.tables, Api::Streams, "DescribeStream", &request, None).await;
    let message = parsed(&answer.body)["message"].clone();
    assert_eq!(message, format!("Requested resource not found: Stream: {gone}"));

    let far = "arn:aws:dynamodb:us-east-1:123456789012:table/EventStore";
    let (status, body) = shop.call("DescribeTable", json!({ "TableName": far })).await;
    assert_eq!(status, 400);
    assert_eq!(
        body["message"],
        format!("{far} is not of account 123456789012 and region eu-central-1, the only ones here")
    );
}

#[tokio::test]
async fn what_is_not_dynamodb_is_refused_by_its_name() {
    #[track_caller]
    fn check(answer: (u16, Value), kind: &str, message: Option<&str>) {
        assert_eq!(answer.0, 400);
        assert_eq!(answer.1["__type"], kind);
        let said = answer.1.get("message").or(answer.1.get("Message")).and_then(Value::as_str);
        assert_eq!(said, message, "{}", answer.1);
    }
    let shop = Shop::with_store().await;
    let serialization = "com.amazon.coral.service#SerializationException";
    let validation = "com.amazon.coral.validate#ValidationException";
    check(
        shop.call("PutItems", json!({})).await,
        "com.amazon.coral.service#UnknownOperationException",
        Some("PutItems is not an operation of the local tables"),
    );
    check(
        shop.call("GetRecords", json!({})).await,
        "com.amazon.coral.service#UnknownOperationException",
        Some("GetRecords is not an operation of the local tables"),
    );
    check(
        shop.call("GetItem", json!({ "TableName": "Nowhere", "Key": { "pk": { "S": "1" } } }))
            .await,
        "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
        Some("Requested resource not found"),
    );
    check(
        shop.call("PutItem", json!({ "TableName": "EventStore", "Item": { "pk": { "S": "1" } } }))
            .await,
        validation,
        Some("One or more parameter values were invalid: Missing the key sk in the item"),
    );
    check(
        shop.call("TransactWriteItems", json!({})).await,
        validation,
        Some(
            "1 validation error detected: Value null at 'transactItems' failed to satisfy constraint: Member must not be null",
        ),
    );
    let broken = crate::adapters::tables::Call {
        api: Api::DynamoDb,
        operation: "PutItem".into(),
        body: "{\"TableName\":".into(),
        cause: None,
    };
    let answer = shop.tables.call(broken).await.expect("the store answers");
    check((answer.status, parsed(&answer.body)), serialization, None);
}

#[tokio::test]
async fn names_that_sqlite_takes_for_one_are_kept_apart() {
    let shop = Shop::with_store().await;
    for (name, why) in [
        (
            "eventstore",
            "TableName eventstore cannot be used here: it differs from EventStore in case alone",
        ),
        (
            "_tables",
            "TableName _tables cannot be used here: the local store keeps that name for itself",
        ),
    ] {
        let (status, body) = shop
            .call(
                "CreateTable",
                json!({
                    "TableName": name,
                    "BillingMode": "PAY_PER_REQUEST",
                    "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
                    "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
                }),
            )
            .await;
        assert_eq!((status, body["message"].as_str()), (400, Some(why)));
    }
    shop.put("order#1", "1").await;
}

#[tokio::test]
async fn items_whose_time_has_passed_go_with_a_record_that_says_so() {
    for attribute in ["expires", "it's \"odd\""] {
        let shop = Shop::open();
        let spec = TableSpec { ttl: Some(attribute.into()), ..store() };
        shop.tables.reconcile(&[spec]).await.expect("the table is made");
        for (sk, seconds) in [("1", 60), ("2", 120), ("3", -super::NOON)] {
            let mut item = row("order#1", sk);
            item[attribute] = json!({ "N": (super::NOON / 1000 + seconds).to_string() });
            shop.ok("PutItem", json!({ "TableName": "EventStore", "Item": item })).await;
        }
        shop.put("order#1", "4").await;
        shop.pass(60_000);
        assert_eq!(shop.tables.sweep().await.map(|swept| swept.items), Ok(0));
        shop.pass(1_000);
        assert_eq!(shop.tables.sweep().await.map(|swept| swept.items), Ok(1));
        assert_eq!(stream_of(&shop, "order#1").await["Count"], 3);
        let records = shop.records(None).await;
        assert_eq!(records[4]["eventName"], "REMOVE");
        assert_eq!(
            records[4]["userIdentity"],
            json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" })
        );
    }
}
