//! What README has one do and see, in its order.

use super::page::{Piece, is_like};
use super::stranger::Stranger;
use super::{Fate, Fate::Not, Fate::Walked};
use crate::support::order;
use std::fs;

pub(super) const STEPS: &[(&str, Fate)] = &[
    ("kill -9", Walked(kill)),
    ("cargo pointsman up --template PATH", Walked(another_template)),
    ("cargo up", Walked(up)),
    ("AWS http", Walked(map)),
    ("00:00:00.000 request", Walked(travels)),
    ("cargo pointsman trace ORDER", Walked(trace)),
    ("cargo pointsman publish", Walked(lost)),
    ("cargo pointsman VERB", Not("the table below it is walked row by row")),
    ("trace ID", Walked(traces)),
    ("tail --from 1", Walked(tail)),
    ("logs NAME --follow", Walked(logs)),
    ("queues", Walked(queues)),
    ("redrive NAME", Walked(redrive)),
    ("clock +25h", Walked(clock)),
    ("up --faults", Walked(faults)),
    ("publish, match, token", Walked(events_and_tokens)),
    ("env NAME", Walked(env)),
    ("format ok", Walked(summary)),
    ("export PATH", Not("it deploys to AWS")),
    ("rustup target add", Not("it deploys to AWS")),
    ("sam build", Not("it deploys to AWS; the step sam of `cargo verify` runs it")),
    ("sam deploy", Not("it deploys to AWS; the step judge of `cargo verify` runs it")),
];

/// «Other templates of this kind run as well. What in them cannot run is listed with file, line and column.»
fn another_template(stranger: &mut Stranger, piece: &Piece) {
    let path = stranger.path("other.yaml");
    let text =
        "Resources:\n  Orders: {Type: AWS::SQS::Queue}\n  Alerts:\n    Type: AWS::SNS::Topic\n";
    fs::write(&path, text).expect("it is written");
    let up = piece.text.replace("PATH", &path.display().to_string());
    let seen = stranger.other_system(&up);
    assert!(seen.contains("other.yaml:4:11: AWS::SNS::Topic (Alerts)"), "{seen}");
}

/// The template, the ports and the folder that README speaks of are those without options.
fn up(stranger: &mut Stranger, piece: &Piece) {
    let help = stranger.typed(&format!("{} --help", piece.text));
    for default in ["infra/template.yaml", "4566", "3000", ".pointsman"] {
        assert!(help.contains(&format!("[default: {default}]")), "{default}: {help}");
    }
    stranger.start();
}

/// The map is the one that `up` prints, and the lines under «Try» work as they are printed there.
fn map(stranger: &mut Stranger, piece: &Piece) {
    let printed = stranger.printed();
    let mut seen = printed.lines();
    let mut more = false;
    for shown in piece.text.lines() {
        if shown.trim() == "…" {
            more = true;
            continue;
        }
        let found = match std::mem::take(&mut more) {
            true => seen.find(|seen| is_like(seen, shown)),
            false => seen.next().filter(|seen| is_like(seen, shown)),
        };
        assert!(found.is_some(), "README shows this where it is not: {shown}\n{printed}");
    }
    let tries = stranger.tries();
    let [tail, stock, order, list] = &tries[..] else { panic!("four lines: {tries:?}") };
    stranger.follow(tail);
    let loaded = stranger.typed(stock);
    assert!(loaded.starts_with("{\"done\":true,"), "{loaded}");
    let placed = stranger.typed(order);
    assert!(placed.starts_with("HTTP/1.1 202 Accepted"), "{placed}");
    stranger.placed(&placed);
    // It is in the read model a moment later.
    while !stranger.typed(list).contains(&stranger.order) {}
}

/// «One sees it travel»: every line that README shows comes, and the order comes to its end.
fn travels(stranger: &mut Stranger, piece: &Piece) {
    let shown: Vec<&str> = piece.text.lines().filter(|line| line.trim() != "…").collect();
    let tail = stranger.tail();
    tail.until("the order is fulfilled", |seen| seen.contains("OrderFulfilled"));
    tail.until(&piece.text, |seen| {
        let mut seen: Vec<&str> = seen.lines().collect();
        shown.iter().all(|shown| {
            let found = seen.iter().position(|seen| is_like(seen, shown));
            found.map(|found| seen.remove(found)).is_some()
        })
    });
}

/// «All of it as one tree.»
fn trace(stranger: &mut Stranger, piece: &Piece) {
    let command = piece.text.replace("ORDER", &stranger.order);
    let tree = stranger.typed(&command);
    assert_eq!(tree.matches("POST /orders → 202").count(), 1, "{tree}");
    let parts = ["order-commands #", "outbox-relay #", "order-view #", "fulfilment #"];
    for part in parts.into_iter().chain(["payment #", "inventory #", "shipping #"]) {
        assert!(tree.contains(part), "{part} is not in {tree}");
    }
    assert!(tree.contains("OrderFulfilled"), "{tree}");
}

/// «An event that no rule takes is shown with each rule's first field that failed.»
fn lost(stranger: &mut Stranger, piece: &Piece) {
    stranger.typed(&piece.text);
    stranger.tail().until("why no rule took it", |seen| {
        let (_, why) =
            seen.split_once("OrderLost shop.orders → shop → no rule took it").unwrap_or_default();
        ["fulfilment", "order-view"]
            .iter()
            .all(|rule| why.contains(&format!("{rule}: detail-type is \"OrderLost\", wanted ")))
    });
}

/// «Orders that were answered with 202 are there, once.»
fn kill(stranger: &mut Stranger, _: &Piece) {
    // It is spoken of before anything runs.
    let Some(engine) = stranger.engine() else { return };
    let anna = engine.client();
    let mut wanted = vec![];
    for key in ["one", "two", "three"] {
        wanted.push(anna.place(key, &order("TEA-ASSAM-100", 1)).order_id());
    }
    stranger.kill_and_start_again();
    wanted.push(stranger.order.clone());
    wanted.sort();
    loop {
        let listed = anna.get("/orders").body;
        let listed = listed["orders"].as_array().expect("a list");
        let mut ids: Vec<&str> = listed.iter().filter_map(|o| o["orderId"].as_str()).collect();
        ids.sort_unstable();
        if ids == wanted {
            return;
        }
        assert!(ids.iter().all(|id| wanted.iter().any(|wanted| wanted == id)), "{ids:?}");
        stranger.wait();
    }
}

/// «ID is an order's, an event's, a request's.»
fn traces(stranger: &mut Stranger, piece: &Piece) {
    let client = stranger.engine().expect("it runs").client();
    let history = client.get(&format!("/orders/{}/history", stranger.order)).body;
    let event = history["events"][0]["metadata"]["id"].as_str().expect("an event's id").to_owned();
    for id in [&stranger.order, &event, &stranger.request] {
        let command = format!("cargo pointsman {}", piece.text.replace("ID", id));
        let tree = stranger.typed(&command);
        assert_eq!(tree.matches("POST /orders → 202").count(), 1, "{id}: {tree}");
        assert!(tree.contains("\nstill waiting\n"), "deadlines of the saga: {tree}");
    }
}

/// «What happened, from the first fact on»; each option chooses.
fn tail(stranger: &mut Stranger, piece: &Piece) {
    let verb = format!("cargo pointsman {}", piece.text);
    stranger.terminal(&verb).until("the first facts", |seen| {
        seen.contains("the engine started (epoch 1)") && seen.contains("stack local: ")
    });
    assert!(!piece.told.is_empty(), "options that choose");
    for option in &piece.told {
        let chosen = stranger.terminal(&format!("{verb} {option} order-view"));
        let seen = chosen.until(option, |seen| seen.matches("order-view").count() > 3);
        assert!(seen.lines().all(|line| line.contains("order-view")), "{option}: {seen}");
    }
}

/// «What functions wrote.»
fn logs(stranger: &mut Stranger, piece: &Piece) {
    let verb = format!("cargo pointsman {}", piece.text.replace("NAME", "order-view"));
    stranger.terminal(&verb).until("what it wrote", |seen| {
        seen.contains("\"message\":\"applied\"") && seen.contains(&stranger.order)
    });
}

/// «How many messages wait where, and why some went wrong.»
fn queues(stranger: &mut Stranger, piece: &Piece) {
    let poison = "publish --bus shop --source shop.orders --detail-type OrderPlaced --detail {}";
    stranger.typed(&format!("cargo pointsman {poison}"));
    let verb = format!("cargo pointsman {}", piece.text);
    assert_eq!(piece.told, ["--watch"]);
    stranger.terminal(&format!("{verb} --watch")).until("a dead letter and its reason", dead);
    let seen = stranger.typed(&verb);
    assert!(dead(&seen), "{seen}");
}

/// Whether a table of queues shows a dead letter of `order-view`, and below it why.
fn dead(table: &str) -> bool {
    let mut rows = table.lines().rev().skip_while(|row| !row.trim_start().starts_with("1 × "));
    let (Some(_), Some(row)) = (rows.next(), rows.next()) else { return false };
    table.lines().any(|row| row.starts_with("  ↳ order-view-dlq") && row.contains(" 1 "))
        && row.starts_with("  ↳ ")
}

/// «Sends dead letters back as they were; try `--dry-run` first.» With `--aws` it needs an account.
fn redrive(stranger: &mut Stranger, piece: &Piece) {
    assert_eq!(piece.told, ["--aws", "--dry-run"]);
    let verb = format!("cargo pointsman {}", piece.text.replace("NAME", "order-view-dlq"));
    let tried = stranger.typed(&format!("{verb} --dry-run"));
    assert!(tried.contains(" 1 would be moved"), "{tried}");
    // Poison as it is, it may be here again at once, and then that is said.
    let (_, done) = stranger.terminal(&verb).ended();
    assert!(done.contains(" 1 moved, ") && done.contains(" 0 failed"), "{done}");
}

/// «Lets a day pass as it would; `--jump` is there at once.»
fn clock(stranger: &mut Stranger, piece: &Piece) {
    let verb = format!("cargo pointsman {}", piece.text);
    let passed = stranger.typed(&verb);
    assert!(passed.contains("(+1 d 1 h)") && passed.contains(" became visible"), "{passed}");
    assert_eq!(piece.told, ["--jump"]);
    let jumped = stranger.typed(&format!("{verb} --jump"));
    assert!(jumped.contains("(+1 d 1 h)"), "{jumped}");
}

/// «Messages doubled and delayed, calls throttled, functions killed, by a seed that is printed.»
fn faults(stranger: &mut Stranger, piece: &Piece) {
    let seen = stranger.other_system(&format!("cargo pointsman {}", piece.text));
    let (_, plan) = seen.split_once("\nfaults: seed ").expect("a seed");
    for fault in ["duplicate", "delay", "throttle", "kill"] {
        assert!(plan.contains(fault), "{fault}: {seen}");
    }
}

/// «An event; a pattern against an event; a token of the local issuer.»
fn events_and_tokens(stranger: &mut Stranger, piece: &Piece) {
    let event = r#"{"source": "shop.orders", "detail-type": "OrderLost", "detail": {}}"#;
    let [event, pattern] =
        [("event.json", event), ("pattern.json", r#"{"source": ["shop.orders"]}"#)].map(
            |(name, text)| {
                let path = stranger.path(name);
                fs::write(&path, text).expect("it is written");
                path.display().to_string()
            },
        );
    for verb in piece.text.split(", ") {
        let (arguments, wanted) = match verb {
            "publish" => (format!("--bus shop {event}"), "  OrderLost"),
            "match" => (format!("{pattern} {event}"), "matches"),
            "token" => ("--sub anna".into(), "ey"),
            other => panic!("nothing is known of {other}"),
        };
        let seen = stranger.typed(&format!("cargo pointsman {verb} {arguments}"));
        assert!(seen.contains(wanted), "{verb}: {seen}");
    }
}

/// «A function's variables, or a program run with them.»
fn env(stranger: &mut Stranger, piece: &Piece) {
    let verb = format!("cargo pointsman {}", piece.text.replace("NAME", "order-view"));
    let printed = stranger.typed(&verb);
    assert!(printed.contains("READ_MODEL_TABLE=local-ReadModel\n"), "{printed}");
    let ran = stranger.typed(&format!("{verb} -- printenv READ_MODEL_TABLE"));
    assert_eq!(ran, "local-ReadModel\n");
}

/// The steps are those of `cargo verify`, and the counts add up.
fn summary(stranger: &mut Stranger, piece: &Piece) {
    let help = stranger.typed("cargo verify --help");
    let (_, steps) = help.split_once("in this order:\n").expect("a list");
    let (steps, _) = steps.split_once("\n\n").expect("it ends");
    let (rows, total) = piece.text.split_once("\n\n").expect("a line alone");
    let first = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
    };
    assert_eq!(first(rows), first(steps));
    let counts = |line: &str| -> Vec<u64> {
        let words: Vec<&str> = line.split_whitespace().rev().take(6).collect();
        words.iter().filter_map(|word| word.parse().ok()).collect()
    };
    let mut sum = vec![0; 3];
    for row in rows.lines() {
        sum.iter_mut().zip(counts(row)).for_each(|(sum, count)| *sum += count);
    }
    assert_eq!(sum, counts(total), "{rows}");
}
