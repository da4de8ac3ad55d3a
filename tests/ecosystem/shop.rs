//! The real template and the real binaries; the queue of `order-view` is left to the tool under test.

use pointsman::testing::{self, QueueLedger, Running};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The bus of the template.
pub(crate) const BUS: &str = "shop";
/// A queue that a rule of the bus fills.
pub(crate) const QUEUE: &str = "order-view";
/// The source of the events that the rule takes.
pub(crate) const SOURCE: &str = "shop.orders";
/// A function that handles an empty batch by doing nothing, and finds fault with anything else.
pub(crate) const FUNCTION: &str = "outbox-relay";
/// A batch of nothing.
pub(crate) const EMPTY_BATCH: &str = r#"{"Records":[]}"#;
/// A table of the template.
pub(crate) const TABLE: &str = "local-ReadModel";

/// Brings the shop up, and keeps `order-view` from taking what the tool is to receive.
pub(crate) async fn start() -> Running {
    let template = workspace().join("infra/template.yaml");
    let shop = testing::start(template).await.expect("the shop starts");
    shop.switch("order-view", false).await;
    shop
}

/// Holds that so many messages went through the queue and that all were deleted.
pub(crate) async fn all_were_deleted(shop: &Running, messages: u64) {
    let expected = QueueLedger { accepted: messages, handled: messages, ..QueueLedger::default() };
    assert_eq!(shop.ledger().await.queue(QUEUE), expected);
}

/// The workspace's folder.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is a member").to_owned()
}

/// The AWS CLI, version 2, where there is one; otherwise says what is skipped.
pub(crate) fn version_2() -> Option<PathBuf> {
    let program = tool("../aws-cli-v2/aws", "the AWS CLI, version 2")?;
    if program.is_file() {
        return Some(program);
    }
    let _ = writeln!(std::io::stdout(), "skipped: the AWS CLI, version 2 (not for this machine)");
    None
}

/// A Python tool, if those that the repository asks for are installed; otherwise says what is skipped.
pub(crate) fn tool(name: &str, what: &str) -> Option<PathBuf> {
    let tools = workspace().join("target/tools");
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    let installed = read(tools.join("requirements.txt"));
    if installed.is_some() && installed == read(workspace().join("tests/requirements.txt")) {
        return Some(tools.join("bin").join(name));
    }
    // Not by println!, which tests that pass keep to themselves.
    let _ = writeln!(std::io::stdout(), "skipped: {what} (run cargo verify)");
    None
}

/// Runs a tool with nothing of this machine's AWS settings, apart from the runtime's threads.
pub(crate) async fn run(mut command: Command) -> Output {
    let home = tempfile::tempdir().expect("a folder");
    command
        .env("HOME", home.path())
        .env("AWS_CONFIG_FILE", home.path().join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", home.path().join("credentials"))
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "of-the-laptop")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN");
    let ran = tokio::task::spawn_blocking(move || command.output()).await;
    ran.expect("it does not panic").expect("the tool starts")
}

/// The rows of actions.json.
pub(crate) fn actions() -> Vec<serde_json::Value> {
    let path = workspace().join("tests/ecosystem/actions.json");
    let text = std::fs::read_to_string(path).expect("the table");
    serde_json::from_str(&text).expect("JSON")
}
