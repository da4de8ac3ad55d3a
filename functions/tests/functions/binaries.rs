//! The binaries as they are built: each names what it misses, in its log and with its exit code.

use contract::{event::Origin, registry};
use std::process::Command;

#[track_caller]
fn names_what_it_misses(binary: &str, variables: &[&str]) {
    for missing in variables {
        let set = variables.iter().filter(|name| name != &missing).map(|name| (name, "1"));
        let output = Command::new(binary)
            .env_clear()
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
            .envs(set)
            .output()
            .unwrap();
        assert!(!output.status.success(), "{binary} started without {missing}");
        let log = String::from_utf8(output.stdout).unwrap();
        let text = format!("the environment variable {missing} is not set");
        assert!(log.contains(&text) && log.contains(r#""level":"ERROR""#), "{binary}: {log}");
    }
}

#[test]
fn a_binary_that_misses_a_variable_ends_and_names_it() {
    let store = "EVENT_STORE_TABLE";
    names_what_it_misses(env!("CARGO_BIN_EXE_order-commands"), &[store, "SERVICES_TABLE"]);
    names_what_it_misses(env!("CARGO_BIN_EXE_order-queries"), &[store, "READ_MODEL_TABLE"]);
    let view = [store, "READ_MODEL_TABLE", "DLQ_URL"];
    names_what_it_misses(env!("CARGO_BIN_EXE_order-view"), &view);
    let commands = registry::commands().iter().map(|command| command.declaration);
    let sent = commands.filter(|command| matches!(command.origin, Origin::Stream { .. }));
    let queues: Vec<String> = sent.map(|c| format!("COMMAND_QUEUE_URL_{}", c.name)).collect();
    let queues: Vec<&str> = queues.iter().map(String::as_str).collect();
    let relay = [&["BUS_NAME", "QUARANTINE_QUEUE_URL"][..], &queues[..]].concat();
    names_what_it_misses(env!("CARGO_BIN_EXE_outbox-relay"), &relay);
    let tables = [store, "SERVICES_TABLE", "READ_MODEL_TABLE", "BUS_NAME"];
    names_what_it_misses(env!("CARGO_BIN_EXE_maintenance"), &[&tables[..], &queues[..]].concat());
    let step = [store, "SERVICES_TABLE", "DLQ_URL"];
    let times = ["AMENDMENT_WINDOW_SECONDS", "STEP_DEADLINE_SECONDS"];
    names_what_it_misses(env!("CARGO_BIN_EXE_fulfilment"), &[&step[..], &times].concat());
    names_what_it_misses(env!("CARGO_BIN_EXE_payment"), &step);
    names_what_it_misses(env!("CARGO_BIN_EXE_inventory"), &step);
    names_what_it_misses(env!("CARGO_BIN_EXE_shipping"), &step);
    let webhook = [store, "SERVICES_TABLE", "WEBHOOK_SECRETS"];
    names_what_it_misses(env!("CARGO_BIN_EXE_payment-webhook"), &webhook);
    names_what_it_misses(env!("CARGO_BIN_EXE_readings"), &["BUS_NAME"]);
}
