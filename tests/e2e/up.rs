//! `pointsman up`: what it prints, why it does not start, how it ends.

use crate::support::{Pointsman, functions_of, order, template, up};
use std::fs;
use std::net::TcpListener;
use std::process::Command;

#[test]
fn up_prints_a_map_and_lines_to_try_and_ctrl_c_ends_all_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut engine = Pointsman::up(folder.path());
    let printed = engine.printed.clone();
    for line in [
        "POST /orders                      → order-commands",
        "GET /orders/{id}/history          → order-queries",
        "shop order-view → order-view → order-view",
        "stream of local-EventStore → outbox-relay",
    ] {
        assert!(printed.contains(line), "{line} is missing: {printed}");
    }
    let (_, tries) = printed.split_once("\nTry\n").expect("lines to try");
    assert_eq!(tries.lines().filter(|line| line.starts_with("  ")).count(), 4, "{printed}");

    // Stock and an order are whole curls, the latter with a token: they work as they stand.
    for (what, wanted) in [("loadStock", "{\"done\":true,"), ("curl -i ", "HTTP/1.1 202 Accepted")]
    {
        let curl = tries.lines().find(|line| line.contains(what)).expect("a curl").trim();
        let tried = Command::new("bash").args(["-c", curl]).output();
        match tried {
            Ok(tried) if Command::new("curl").arg("--version").output().is_ok() => {
                let said = String::from_utf8_lossy(&tried.stdout);
                assert!(said.starts_with(wanted), "{curl}: {tried:?}");
            }
            _ => eprintln!("the curl is not tried: there is no curl here, or no bash"),
        }
    }
    engine.client().place("key-1", &order("CUP-BLUE", 1)).order_id();

    assert!(!functions_of(&engine.endpoint).is_empty(), "functions run as processes");
    assert!(engine.interrupt().success(), "Ctrl-C is no failure");
    assert_eq!(functions_of(&engine.endpoint), [], "no function outlives it");

    // What was there is there again, on the same ports, and the map still says so.
    engine.up_again(folder.path());
    assert!(!engine.printed.contains("changed:"), "nothing changed: {}", engine.printed);
    let listed = engine.client().get("/orders");
    assert_eq!(listed.status, 200, "{listed:?}");
}

#[test]
fn what_keeps_it_from_starting_is_said_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (state, template) = (path("state"), template());
    let free = ["--port", "0", "--http-port", "0"];

    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let in_use = format!("port {port} is in use: ");
    refuses(up(&template, &state).args(["--port", &port, "--http-port", "0"]), &in_use);
    refuses(up(&template, &state).args(["--port", "0", "--http-port", &port]), &in_use);

    refuses(up(&path("nowhere.yaml"), &state).args(free), "cannot be read");
    refuses(up(&template, &state).args(free).args(["--parameter", "Typo=1"]), "Typo");
    refuses(up(&template, &state).args(free).args(["--parameter", "Typo"]), "NAME=VALUE is wanted");
    let wrong = "faults: explode=1: explode is none of seed, ";
    refuses(up(&template, &state).args(free).args(["--faults", "explode=1"]), wrong);
    let broken = path("broken.yaml");
    let text = fs::read_to_string(&template).expect("the shop's template");
    let typo = text.replacen("DLQ_URL: !Ref OrderViewDlq", "DLQ_URL: !Ref OrderViewDlp", 1);
    let line = 1 + typo.lines().position(|line| line.contains("OrderViewDlp")).expect("a typo");
    fs::write(&broken, typo).expect("it is written");
    refuses(up(&broken, &state).args(free), &format!("broken.yaml:{line}:"));
    fs::write(&broken, "Resources: [").expect("it is written");
    refuses(up(&broken, &state).args(free), "broken.yaml:1:");

    // Of an option given twice the last counts.
    fs::create_dir(path("empty")).expect("it is made");
    refuses(
        up(&template, &state).args(free).arg("--functions").arg(path("empty")),
        "order-commands: ",
    );
    fs::write(path("file"), "").expect("it is written");
    refuses(up(&template, &path("file")).args(free), "file");

    let engine = Pointsman::up(&state);
    refuses(up(&template, &state).args(free), " is in use by ");
    engine.client().place("key-1", &order("CUP-BLUE", 1)).order_id();
}

/// It ends by itself, not well, and says why in one line.
#[track_caller]
fn refuses(command: &mut Command, why: &str) {
    let output = command.output().expect("pointsman is built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{output:?}");
    assert!(said.starts_with("pointsman: ") && said.contains(why), "{why} is not said: {said}");
    assert_eq!(said.lines().count(), 1, "one line: {said}");
}
