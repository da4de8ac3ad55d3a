//! Scenario 2: one event reaches all its consumers, none of which its producer names; an event that no rule wants is
//! explained.

use crate::shop::Shop;
use crate::support::order;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_placed_reaches_a_consumer_that_its_producer_never_heard_of() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    // Two consumers more, added while the shop runs: nothing of the producers changes.
    for name in ["newsletter", "archive"] {
        anna.call("AmazonSQS.CreateQueue", &json!({ "QueueName": name }));
        let pattern =
            json!({ "detail-type": [{ "prefix": "Order" }], "replay-name": [{ "exists": false }] });
        let rule =
            json!({ "Name": name, "EventBusName": "shop", "EventPattern": pattern.to_string() });
        let rule = anna.call("AWSEvents.PutRule", &rule);
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
            "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": { "ArnEquals": { "aws:SourceArn": rule["RuleArn"] } },
        }] });
        let attributes = json!({ "Policy": policy.to_string() });
        let input = json!({ "QueueUrl": anna.queue(name), "Attributes": attributes });
        anna.call("AmazonSQS.SetQueueAttributes", &input);
        let targets = json!([{ "Id": name, "Arn": arn }]);
        let input = json!({ "Rule": name, "EventBusName": "shop", "Targets": targets });
        let put = anna.call("AWSEvents.PutTargets", &input);
        assert_eq!(put["FailedEntryCount"], 0, "{put}");
    }

    let id = anna.place("first", &order("TEA-ASSAM-100", 2)).order_id();
    let ledger = shop.equation().await;
    assert_eq!((ledger.events, ledger.unmatched), (1, 0), "{ledger}");
    assert_eq!(ledger.queue("order-view").handled, 1, "{ledger}");
    let mut seen = vec![];
    for name in ["newsletter", "archive"] {
        assert_eq!(ledger.queue(name).accepted, 1, "{ledger}");
        let messages = anna.receive(name);
        let body: Value =
            serde_json::from_str(messages[0]["Body"].as_str().expect("text")).expect("an event");
        assert_eq!(body["detail"]["data"]["orderId"], id.as_str());
        seen.push(body);
    }
    assert_eq!(seen[0], seen[1], "each gets the whole event");

    for producer in ["order-commands", "outbox-relay"] {
        let specs = shop
            .running
            .engine()
            .read(move |state, _| state.functions[producer].spec.environment.clone());
        for (name, value) in specs.await.expect("the engine runs") {
            assert!(
                !value.contains("order-view"),
                "{producer} is told of a consumer: {name}={value}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_no_rule_wants_is_shown_with_each_rules_first_failed_field() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    let mut tail = anna.tail();
    let registered = json!({ "name": "Anna Miller", "email": "anna@example.com" });
    assert_eq!(anna.post("/customers", Some("me"), &registered.to_string()).status, 202);
    let told = tail.find(|line| line["kind"] == "event");
    assert_eq!(told["detailType"], "UserRegistered");
    assert_eq!(told["targets"], json!([]));
    let refused = told["refused"].as_array().expect("each rule's reason");
    let rules: Vec<&Value> = refused.iter().map(|refused| &refused["rule"]).collect();
    assert_eq!(rules, ["fulfilment", "order-view"], "{told}");
    for refused in refused {
        let because = refused["because"].as_str().expect("a reason");
        assert!(because.starts_with("source is \"shop.customers\", wanted "), "{because}");
    }
    let ledger = shop.equation().await;
    assert_eq!((ledger.events, ledger.unmatched), (1, 1), "{ledger}");
}
