use super::{Shop, read_model, store, text};
use crate::adapters::tables::{Outcome, Reconciled, Tables};
use crate::topology::{TableIndex, TableSpec};
use serde_json::json;

#[track_caller]
fn check(outcomes: &[Reconciled], expected: &[(&str, Outcome)]) {
    let outcomes: Vec<_> =
        outcomes.iter().map(|one| (one.table.as_str(), one.outcome.clone())).collect();
    assert_eq!(outcomes, expected);
}

async fn reconcile(shop: &Shop, tables: &[TableSpec]) -> Vec<Reconciled> {
    shop.tables.reconcile(tables).await.expect("tables are reconciled")
}

fn changed(made: &[&str], refused: &[&str]) -> Outcome {
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Outcome::Changed { made: list(made), refused: list(refused) }
}

#[tokio::test]
async fn tables_are_created_once_and_others_are_kept() {
    let shop = Shop::open();
    check(
        &reconcile(&shop, &[store(), read_model()]).await,
        &[("EventStore", Outcome::Created), ("ReadModel", Outcome::Created)],
    );
    let shop = shop.reopened();
    check(
        &reconcile(&shop, &[read_model()]).await,
        &[("ReadModel", Outcome::Unchanged), ("EventStore", Outcome::Kept)],
    );
    let table =
        shop.ok("DescribeTable", json!({ "TableName": "ReadModel" })).await["Table"].clone();
    assert_eq!(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["GlobalSecondaryIndexes"][0]["IndexName"], "byCustomer");
    let ttl = shop.ok("DescribeTimeToLive", json!({ "TableName": "ReadModel" })).await;
    assert_eq!(ttl["TimeToLiveDescription"]["AttributeName"], "expires");
}

#[tokio::test]
async fn what_can_be_changed_in_place_is_and_rows_are_in_a_new_index() {
    let shop = Shop::open();
    reconcile(&shop, &[read_model()]).await;
    shop.ok(
        "PutItem",
        json!({ "TableName": "ReadModel", "Item": {
        "pk": { "S": "1" }, "status": { "S": "Fulfilled" }
    } }),
    )
    .await;
    let mut spec = read_model();
    spec.indexes = vec![TableIndex {
        name: "byStatus".into(),
        hash: text("status"),
        range: None,
        projection: "INCLUDE".into(),
        include: vec!["total".into()],
    }];
    spec.stream = Some("NEW_IMAGE".into());
    spec.ttl = None;
    check(
        &reconcile(&shop, std::slice::from_ref(&spec)).await,
        &[(
            "ReadModel",
            changed(
                &[
                    "index byCustomer deleted",
                    "index byStatus created",
                    "stream NEW_IMAGE",
                    "time to live switched off",
                ],
                &[],
            ),
        )],
    );
    check(
        &reconcile(&shop, std::slice::from_ref(&spec)).await,
        &[("ReadModel", Outcome::Unchanged)],
    );
    let found = shop
        .ok(
            "Query",
            json!({
                "TableName": "ReadModel", "IndexName": "byStatus",
                "KeyConditionExpression": "#s = :s",
                "ExpressionAttributeNames": { "#s": "status" },
                "ExpressionAttributeValues": { ":s": { "S": "Fulfilled" } },
            }),
        )
        .await;
    assert_eq!(found["Count"], 1);

    spec.stream = Some("KEYS_ONLY".into());
    check(&reconcile(&shop, &[spec]).await, &[("ReadModel", changed(&["stream KEYS_ONLY"], &[]))]);
}

#[tokio::test]
async fn what_cannot_be_changed_is_named_and_left_as_it_is() {
    let shop = Shop::open();
    reconcile(&shop, &[store(), read_model()]).await;
    let mut other_key = store();
    other_key.hash = text("stream");
    let mut other_type = read_model();
    other_type.hash.1 = "N".into();
    other_type.indexes[0].projection = "KEYS_ONLY".into();
    let key = "its key differs; a key cannot be changed, so give the table another name or delete it first";
    let index = "index byCustomer differs in key or projection; an index cannot be changed, so give it another name";
    check(
        &reconcile(&shop, &[other_key, other_type]).await,
        &[("EventStore", changed(&[], &[key])), ("ReadModel", changed(&[], &[key, index]))],
    );
    shop.put("order#1", "1").await;
}
