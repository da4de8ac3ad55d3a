//! What followed from a request, told as one tree.

use crate::shop::Shop;
use crate::support::{Pointsman, binary, order};
use pointsman::testing::{Node, Stands, Trace, What};
use serde_json::json;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_s_trace_is_one_tree_by_whatever_it_is_asked_for() {
    let shop = Shop::start().await;
    let placed = shop.anna.place("first", &order("TEA-ASSAM-100", 2));
    let request = &placed.headers["apigw-requestid"];
    shop.running.wait_until_idle().await;

    let trace = shop.running.trace(request).await;
    assert_eq!(trace.found.as_deref(), Some("an HTTP request"));
    let tree = one(&trace);
    assert!(
        matches!(&tree.what, What::HttpRequest { status: Some(202), .. }) && tree.asked,
        "{tree:#?}"
    );
    assert_eq!(titles(&way(tree)), WAY, "{tree:#?}");
    let nodes = way(tree);
    assert!(nodes.iter().all(|node| node.stands == Stands::Done && !node.joint), "{tree:#?}");
    let ids: Vec<&str> = nodes.iter().filter_map(|node| node.id()).collect();
    assert_eq!(ids.len(), 6, "all but the record have one");

    // Any of its ids gives the same tree, and so do the order's id and that of its event.
    let history = shop.anna.get(&format!("/orders/{}/history", placed.order_id()));
    let event = history.body["events"][0]["metadata"]["id"].as_str().expect("an id").to_owned();
    let order = placed.order_id();
    let mut asked: Vec<&str> = ids.clone();
    asked.extend([order.as_str(), event.as_str()]);
    for id in asked {
        let other = shop.running.trace(id).await;
        assert_eq!(titles(&way(one(&other))), WAY, "{id}: {other:#?}");
        assert_eq!(one(&other).id(), Some(request.as_str()));
    }
    assert_eq!(shop.running.trace("nobody's").await.found, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_shared_a_batch_are_apart() {
    let shop = Shop::start().await;
    shop.running.switch("outbox-relay", false).await;
    let placed: Vec<_> = (0..3)
        .map(|n| shop.anna.place(&format!("key-{n}"), &order("TEA-ASSAM-100", n + 1)))
        .collect();
    let request = &placed[1].headers["apigw-requestid"];
    let waiting = shop.running.trace(request).await;
    assert_eq!(waiting.waiting.len(), 1, "{:?}", waiting.waiting);
    assert!(
        waiting.waiting[0].contains("not read from the stream yet: the mapping to outbox-relay"),
        "{:?}",
        waiting.waiting
    );

    shop.running.switch("order-view", false).await;
    shop.running.switch("outbox-relay", true).await;
    shop.running.wait_until_idle().await;
    let waiting = of_the_view(&shop.running.trace(request).await);
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert!(
        waiting[0].starts_with("order-view: waiting in queue order-view since "),
        "{waiting:?}"
    );
    assert!(waiting[0].ends_with("the mapping to order-view is disabled"), "{waiting:?}");

    shop.running.switch("order-view", true).await;
    shop.running.wait_until_idle().await;
    for answer in &placed {
        let trace = shop.running.trace(&answer.headers["apigw-requestid"]).await;
        assert_eq!(titles(&way(one(&trace))), WAY, "{trace:#?}");
        assert_eq!(of_the_view(&trace), [""; 0]);
        let relay = find(&trace, "outbox-relay");
        let What::Invocation { batch, others, .. } = relay.what else { panic!("{relay:?}") };
        assert_eq!((batch, others), (3, 2), "the others' events are theirs");
        let trace = shop.running.trace(&answer.order_id()).await;
        assert_eq!(one(&trace).id(), Some(answer.headers["apigw-requestid"].as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_followed_into_the_dlq_with_its_reason() {
    let shop = Shop::start().await;
    let mark = "this is nonsense";
    shop.anna.publish(&[("shop.orders", "OrderPlaced", json!({ "text": mark }))]);
    shop.running.wait_until_idle().await;
    let trace = shop.running.trace(mark).await;
    one(&trace);
    let dead = find(&trace, "order-view-dlq");
    assert_eq!(dead.stands, Stands::Failed);
    let reason = dead.because.as_deref().unwrap_or_default();
    assert!(reason.contains("the body is no event: missing field"), "{reason}");
    assert_eq!(of_the_view(&trace).len(), 1, "{:?}", trace.waiting);

    shop.anna.publish(&[("shop.orders", "OrderCooked", json!({ "text": "for nobody" }))]);
    shop.running.wait_until_idle().await;
    let trace = shop.running.trace("for nobody").await;
    let What::Event { refused, .. } = &find(&trace, "OrderCooked").what else {
        panic!("{trace:?}")
    };
    let why = refused.iter().find(|why| why.rule == "order-view").expect("each rule says why");
    assert!(why.because.contains("detail-type"), "{why:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_lost_is_found_again_by_what_the_record_says() {
    let mut shop = Shop::start().await;
    let known = shop.anna.place("key-1", &order("TEA-ASSAM-100", 1));
    shop.running.wait_until_idle().await;
    shop.running.switch("outbox-relay", false).await;
    let lost = shop.anna.place("key-2", &order("TEA-ASSAM-100", 2));
    shop.running.kill().await;
    shop.running.restart().await.expect("it starts again");

    let waiting = shop.running.trace(&lost.headers["apigw-requestid"]).await;
    assert_eq!(waiting.waiting.len(), 1, "{waiting:#?}");
    shop.running.switch("outbox-relay", true).await;
    shop.running.wait_until_idle().await;
    for (answer, is_unknown) in [(&known, false), (&lost, true)] {
        let by_request = shop.running.trace(&answer.headers["apigw-requestid"]).await;
        for trace in [by_request, shop.running.trace(&answer.order_id()).await] {
            let mut wanted = WAY.to_vec();
            if is_unknown {
                // The record stands beside the invocation that wrote it.
                wanted.remove(1);
            }
            assert_eq!(titles(&way(one(&trace))), wanted, "{trace:#?}");
            let record = trace.nodes().into_iter().find_map(|node| match &node.what {
                What::Record { writer_unknown, .. } => Some(*writer_unknown),
                _ => None,
            });
            assert_eq!(record, Some(is_unknown));
            assert_eq!(of_the_view(&trace), [""; 0]);
        }
    }
}

#[test]
fn the_verb_prints_a_document_in_a_pipe_and_one_line_where_nothing_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Pointsman::up(folder.path());
    let anna = engine.client();
    let placed = anna.place("key-1", &order("TEA-ASSAM-100", 1));
    let trace = |id: &str| {
        let mut command = Command::new(binary("pointsman"));
        let command = command.args(["trace", id]).env("AWS_ENDPOINT_URL", &engine.endpoint);
        command.output().expect("pointsman is built")
    };
    let output = trace(&placed.headers["apigw-requestid"]);
    assert!(output.status.success(), "{output:?}");
    let printed: Trace = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(one(&printed).title(), "POST /orders");

    let output = trace("nobody's");
    assert!(!output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with("pointsman: nothing since 20"), "{said}");
    assert!(said.contains("--history") && said.lines().count() == 1, "{said}");
}

/// From the request to the read model.
const WAY: [&str; 7] = [
    "POST /orders",
    "order-commands",
    "INSERT",
    "outbox-relay",
    "OrderPlaced",
    "order-view",
    "order-view",
];

#[track_caller]
fn one(trace: &Trace) -> &Node {
    assert_eq!(trace.trees.len(), 1, "{trace:#?}");
    &trace.trees[0]
}

#[track_caller]
fn find<'a>(trace: &'a Trace, title: &str) -> &'a Node {
    let found = trace.nodes().into_iter().find(|node| node.title() == title);
    found.unwrap_or_else(|| panic!("no {title}: {trace:#?}"))
}

/// The shortest way from the root to the read model.
#[track_caller]
fn way(tree: &Node) -> Vec<&Node> {
    fn ways<'a>(node: &'a Node, above: &[&'a Node], found: &mut Vec<Vec<&'a Node>>) {
        let mut here = above.to_vec();
        here.push(node);
        if matches!(&node.what, What::Invocation { function, .. } if function == "order-view") {
            found.push(here.clone());
        }
        node.children.iter().for_each(|child| ways(child, &here, found));
    }
    let mut found = vec![];
    ways(tree, &[], &mut found);
    found.into_iter().min_by_key(Vec::len).unwrap_or_else(|| panic!("no way: {tree:#?}"))
}

fn titles(nodes: &[&Node]) -> Vec<String> {
    let title = |node: &&Node| match &node.what {
        What::Record { event_name, .. } => event_name.clone(),
        _ => node.title(),
    };
    nodes.iter().map(title).collect()
}

/// What waits on its way to the read model, or lies in its dead-letter queue.
fn of_the_view(trace: &Trace) -> Vec<String> {
    let waiting = trace.waiting.iter().filter(|waiting| waiting.starts_with("order-view"));
    waiting.cloned().collect()
}
