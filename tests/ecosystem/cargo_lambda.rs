//! `cargo lambda watch` with the engine as its data plane, and as what runs the engine's functions.

use crate::shop::{tool, workspace};
use crate::support::{Pointsman, binary, order, template};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// No test waits longer for anything that must happen: functions may have to be compiled.
const LONG: Duration = Duration::from_secs(600);

/// The order of the samples, and who placed it.
const SAMPLE: &str = "01M7YQ1WE07VNQX5Q5KKJ0Z75H";
const CUSTOMER: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

#[test]
fn the_page_on_local_runs_invokes_each_kind_of_trigger_with_the_engine_behind() {
    let Some(program) = tool("cargo-lambda", "cargo-lambda") else { return };
    let state = tempfile::tempdir().expect("a folder");
    let engine = Pointsman::up(state.path());
    let watch = Watch::start(&program, &engine.endpoint);
    let mut answers = vec![];
    for line in invocations() {
        answers.push((line.clone(), watch.invoke(&program, &line)));
    }
    let answer = |part: &str| {
        let found = answers.iter().find(|(line, _)| line.contains(part));
        &found.unwrap_or_else(|| panic!("docs/local.md invokes nothing with {part}")).1
    };
    let placed = answer("http-place-order");
    assert_eq!(placed["statusCode"], 202, "{placed}");
    for batch in ["sqs-order-events", "dynamodb-event-store"] {
        assert_eq!(answer(batch)["batchItemFailures"], json!([]), "{batch}");
    }
    let recorded = answer("http-record-readings");
    assert!(matches!(recorded["statusCode"].as_u64(), Some(200..=299)), "{recorded}");
    assert!(answer("schedule-readings").get("errorType").is_none());

    // What order-view wrote under cargo-lambda, and where the engine's own functions took the order that was placed.
    let client = engine.client();
    let shown = client.of(CUSTOMER).get(&format!("/orders/{SAMPLE}"));
    assert_eq!(shown.status, 200, "{shown:?}");
    let body: Value = serde_json::from_str(placed["body"].as_str().expect("a body")).expect("JSON");
    let id = body["orderId"].as_str().expect("an order id");
    until("the engine's functions see the order", || {
        client.of(CUSTOMER).get(&format!("/orders/{id}")).status == 200
    });
}

#[test]
fn cargo_lambda_runs_the_functions_of_the_whole_shop() {
    let Some(program) = tool("cargo-lambda", "cargo-lambda") else { return };
    let state = tempfile::tempdir().expect("a folder");
    let mut engine = up_with(&program, state.path());
    let client = engine.client();
    let anna = client.of("anna");
    let stock = json!({
        "action": "loadStock", "delivery": "first", "items": [{ "sku": "TEA-ASSAM-100", "quantity": 5 }],
    });
    let loaded = client.invoke("maintenance", &stock);
    assert_eq!(loaded["done"], true, "{loaded}");
    let id = anna.place("first", &order("TEA-ASSAM-100", 2)).order_id();
    until("the order is fulfilled", || {
        anna.get(&format!("/orders/{id}")).body["status"] == "fulfilled"
    });
    // A function's own error is the invocation's.
    let refused =
        client.rest("POST", "/2015-03-31/functions/outbox-relay/invocations", &json!("no batch"));
    assert!(refused["errorMessage"].as_str().is_some_and(|text| !text.is_empty()), "{refused}");
    // A process that dies fails what it ran, and another one is started.
    let functions = crate::support::functions_of(&engine.endpoint);
    let relays = functions.iter().filter(|function| function.name == "outbox-relay");
    // What lent it its variables began before it, and has its name.
    let relay = relays.max_by_key(|function| function.pid).expect("the relay runs").clone();
    crate::support::signal(relay.pid, rustix::process::Signal::KILL);
    let second = anna.place("second", &order("TEA-ASSAM-100", 1)).order_id();
    until("the second order is fulfilled", || {
        anna.get(&format!("/orders/{second}")).body["status"] == "fulfilled"
    });

    assert!(engine.interrupt().success());
    until("nothing outlives the engine", || {
        crate::support::functions_of(&engine.endpoint).is_empty()
    });
}

#[test]
fn without_cargo_lambda_one_line_says_how_to_install_it() {
    let state = tempfile::tempdir().expect("a folder");
    let mut up = crate::support::up(&template(), state.path());
    up.args(["--functions", "cargo-lambda", "--port", "0", "--http-port", "0"]);
    let empty = tempfile::tempdir().expect("a folder");
    let cargo = std::env::var_os("CARGO").expect("Cargo runs the tests");
    let output = up.env("PATH", empty.path()).env("CARGO", cargo).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("pip install cargo-lambda"), "{said}");
}

/// `pointsman up --functions cargo-lambda`, which finds it on its PATH.
fn up_with(program: &Path, state: &Path) -> Pointsman {
    let folder = program.parent().expect("it lies in a folder").to_owned();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&paths)));
    Pointsman::with(&template(), Some(Path::new("cargo-lambda")), state, [0, 0], |command| {
        command.env("PATH", paths.expect("no colon in a folder's name"));
    })
}

/// The lines of docs/local.md that invoke a function with a file.
fn invocations() -> Vec<String> {
    let page = std::fs::read_to_string(workspace().join("docs/local.md")).expect("the page");
    let lines = page.lines().filter(|line| line.starts_with("cargo lambda invoke"));
    lines.map(str::to_owned).collect()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let step = Duration::from_millis(100);
    for _ in 0..LONG.as_millis() / step.as_millis() {
        if holds() {
            return;
        }
        std::thread::sleep(step);
    }
    panic!("not in {LONG:?}: {what}");
}

/// `cargo lambda watch` at the workspace's root, as a person starts it; dropped, it ends with all that it started.
struct Watch {
    child: Child,
    port: u16,
}

impl Watch {
    fn start(program: &Path, endpoint: &str) -> Watch {
        let free = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let mut command = lambda(program);
        command.args(["watch", "--invoke-address", "127.0.0.1", "--invoke-port"]);
        command.arg(port.to_string()).env("AWS_ENDPOINT_URL", endpoint);
        let child = command.process_group(0).spawn().expect("it starts");
        until("cargo lambda watch listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Watch { child, port }
    }

    /// What a line of the page answers.
    fn invoke(&self, program: &Path, line: &str) -> Value {
        let words = line.split_whitespace().skip(2);
        let mut command = lambda(program);
        command.args(words).args(["--invoke-address", "127.0.0.1", "--invoke-port"]);
        let output = command.arg(self.port.to_string()).output().expect("it runs");
        let (said, why) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line}: {why}");
        serde_json::from_slice(said).unwrap_or_else(|error| {
            panic!("{line}: {error}: {}", String::from_utf8_lossy(said));
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It passes the end on to what it started.
        crate::support::signal(self.child.id(), rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

fn lambda(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("lambda").current_dir(workspace()).stdin(Stdio::null()).stderr(Stdio::inherit());
    for (name, _) in std::env::vars_os() {
        let is_of_a_run = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if is_of_a_run {
            command.env_remove(name);
        }
    }
    // CargoLambda.toml names it.
    binary("pointsman");
    command
}
