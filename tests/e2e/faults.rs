//! Faults on request: what is doubled, late, refused, lost or killed comes to the same end.

use crate::seeds::{plan, under_seeds};
use crate::shop::Shop;
use crate::support::{Answer, Client, Pointsman, order, signal, template, up};
use pointsman::engine::{Fact, Followed};
use pointsman::faults::{At, Injected};
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

/// How often a client asks before it gives up.
const PATIENCE: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_killed_after_its_write_is_one_order_when_it_is_asked_again() {
    let shop = Shop::start().await;
    let at = At::after_write().of("order-commands");
    let mut killed = shop.running.faults().once(at, Injected::Kill);
    let order = order("TEA-ASSAM-100", 2);
    let first = shop.anna.send("POST", "/orders", Some("key-1"), Some(&order.to_string()));
    killed.hit().await;
    assert!(first.as_ref().is_ok_and(|answer| answer.status >= 500), "{first:?}");

    let again = shop.anna.place("key-1", &order);
    let id = again.order_id();
    assert_eq!(shop.anna.place("key-1", &order).said(), again.said());
    shop.equation().await;
    assert_eq!(placed_on_the_bus(&shop).await, 1);
    assert_eq!(shop.rows().keys().collect::<Vec<_>>(), [&id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_killed_before_its_write_has_done_nothing() {
    let shop = Shop::start().await;
    let at = At::before_write().of("order-commands");
    let mut killed = shop.running.faults().once(at, Injected::Kill);
    let order = order("TEA-ASSAM-100", 2);
    let first = shop.anna.send("POST", "/orders", Some("key-1"), Some(&order.to_string()));
    killed.hit().await;
    assert!(first.as_ref().is_ok_and(|answer| answer.status >= 500), "{first:?}");
    assert_eq!(shop.counts(), [0, 0, 0], "nothing is stored");
    shop.anna.place("key-1", &order).order_id();
    shop.equation().await;
    assert_eq!(placed_on_the_bus(&shop).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_killed_between_publish_and_checkpoint_publishes_twice_and_it_counts_once() {
    let shop = Shop::start().await;
    let at = At::after_publish().of("outbox-relay");
    let mut killed = shop.running.faults().once(at, Injected::Kill);
    let id = shop.anna.place("key-1", &order("TEA-ASSAM-100", 2)).order_id();
    killed.hit().await;
    // Each effect once is a part of the equation.
    shop.equation().await;
    assert_eq!(placed_on_the_bus(&shop).await, 2, "it is on the bus twice");
    assert_eq!(shop.rows().keys().collect::<Vec<_>>(), [&id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_transaction_and_a_lost_answer_are_tried_again_within_the_request() {
    let shop = Shop::start().await;
    let faults = shop.running.faults();
    let mut throttled =
        faults.times(2, At::request("TransactWriteItems").of("order-commands"), Injected::Throttle);
    let mut lost = faults.once(At::answer("PutEvents").of("outbox-relay"), Injected::Lose);
    shop.anna.place("key-1", &order("TEA-ASSAM-100", 2)).order_id();
    throttled.hit().await;
    lost.hit().await;
    shop.equation().await;
    assert_eq!(placed_on_the_bus(&shop).await, 2, "what was not answered was published again");
    assert_eq!(shop.rows().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_crashes_around_a_commit_loses_nothing_that_the_relay_has_to_tell() {
    let of_an_event = |fact: &Fact| matches!(fact, Fact::EventAccepted { .. });
    for at in [At::commit(of_an_event), At::committed(of_an_event)] {
        let mut shop = Shop::start().await;
        let mut crashed = shop.running.faults().once(at, Injected::Crash);
        let two = order("TEA-ASSAM-100", 2);
        // The relay may be faster than the answer, which then does not come; so it is asked for again.
        let _ = shop.anna.send("POST", "/orders", Some("key-1"), Some(&two.to_string()));
        crashed.hit().await;
        shop.running.kill().await;
        shop.running.restart().await.expect("it starts again");
        let id = shop.anna.place("key-1", &two).order_id();
        shop.equation().await;
        assert_eq!(shop.rows()[&id].version, 1);
    }
}

/// What the whole mix must come to, whatever it strikes.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_orders_under_the_gentle_mix_are_each_accepted_and_shown_once() {
    under_seeds(3, |seed| async move {
        let shop = Shop::under(plan(seed)).await;
        let accepted: Vec<String> =
            (0..20).map(|n| until_accepted(&shop.anna, &format!("key-{n}")).order_id()).collect();
        shop.running.drain().await;
        let struck = shop.running.faults().counts();
        let ledger = shop.equation().await;
        let shown: BTreeSet<String> = shop.rows().into_keys().collect();
        let wanted: BTreeSet<String> = accepted.iter().cloned().collect();
        assert_eq!(wanted.len(), 20, "seed {seed}: an order for each key");
        assert_eq!(shown, wanted, "seed {seed}: each is shown, and no other");
        assert!(struck.total() > 0, "seed {seed}: something was struck");
        let is_grave = |name: &str| name.ends_with("-dlq") || name.ends_with("-quarantine");
        let given_up =
            ledger.queues.iter().filter(|(name, page)| is_grave(name) && page.accepted > 0);
        assert_eq!(given_up.count(), 0, "seed {seed}: nothing good is given up: {ledger}");
        eprintln!("seed {seed}: {struck}; {} events", ledger.events);
        shop.running.stop().await;
    })
    .await;
}

/// How often the bus was given an OrderPlaced.
async fn placed_on_the_bus(shop: &Shop) -> usize {
    // All that was accepted before it stands before it.
    shop.anna.publish(&[("test", "Marker", json!({}))]);
    let mut facts = shop.running.engine().subscribe(Some(1));
    let mut placed = 0;
    loop {
        let Some(Followed::Item(item)) = facts.next().await else { panic!("the facts end") };
        if let Fact::EventAccepted { detail_type, .. } = &item.entry.fact {
            match &**detail_type {
                "Marker" => return placed,
                "OrderPlaced" => placed += 1,
                _ => {}
            }
        }
    }
}

/// Places an order under a key as often as it takes, as a client does that was not answered.
fn until_accepted(client: &Client, key: &str) -> Answer {
    let order = order("TEA-ASSAM-100", 1).to_string();
    for _ in 0..PATIENCE {
        match client.send("POST", "/orders", Some(key), Some(&order)) {
            Ok(answer) if answer.status < 500 => return answer,
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    panic!("{key} is not answered after {PATIENCE} tries");
}

#[test]
fn up_says_what_goes_wrong_and_at_its_end_what_did() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = up(&template(), folder.path());
    command.args(["--quiet", "--port", "0", "--http-port", "0"]);
    command.args(["--faults", "seed=8123,kill-after-write=1,only=order-commands"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("pointsman is built");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut printed = String::new();
    while !printed.contains("\nready in ") {
        assert!(out.read_line(&mut printed).expect("text") > 0, "it ended early: {printed}");
    }
    let plan = "faults: seed 8123, kill-after-write 100 %, only order-commands\n";
    assert!(printed.contains(plan), "{printed}");
    let url = |heading| printed.lines().find_map(|line| line.strip_prefix(heading));
    let url = |heading| url(heading).expect("a URL").trim().to_owned();
    let client = Client::new(&url("HTTP "), &url("AWS "));

    let mut tail = client.tail();
    let order = order("CUP-BLUE", 1).to_string();
    let struck = client.send("POST", "/orders", Some("key-1"), Some(&order));
    assert!(struck.as_ref().is_ok_and(|answer| answer.status >= 500), "{struck:?}");
    let fault = tail.find(|line| line["kind"] == "fault");
    assert_eq!(fault["what"], "killed order-commands after its write");
    let stopped = client.switch_faults(false);
    assert_eq!(
        (&stopped["on"], &stopped["struck"]["kill-after-write"]),
        (&false.into(), &1.into())
    );
    assert_eq!(client.post("/orders", Some("key-1"), &order).status, 202);

    signal(child.id(), Signal::INT);
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("text");
    assert!(child.wait().expect("it has ended").success());
    assert!(rest.ends_with("faults: 1 × kill-after-write\n"), "{rest}");
}

#[test]
fn without_faults_there_are_none_to_switch() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Pointsman::up(folder.path());
    assert!(!engine.printed.contains("faults"), "{}", engine.printed);
}
