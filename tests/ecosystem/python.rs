use crate::shop::{
    BUS, EMPTY_BATCH, FUNCTION, QUEUE, SOURCE, TABLE, all_were_deleted, run, start, tool,
    version_2, workspace,
};
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn boto3_puts_events_receives_invokes_and_scans() {
    let Some(python) = tool("python", "boto3") else { return };
    let shop = start().await;
    let mut script = Command::new(python);
    script
        .arg(workspace().join("tests/ecosystem/boto3_calls.py"))
        .args([BUS, SOURCE, QUEUE, FUNCTION, EMPTY_BATCH, TABLE])
        .env("AWS_ENDPOINT_URL", shop.endpoint());
    let output = run(script).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "25 events, 25 messages, 3 items, 3 schedules"
    );
    all_were_deleted(&shop, 25).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_calls_every_action_of_the_table() {
    actions("boto3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_cli_calls_every_action_of_the_table() {
    actions("cli").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn version_2_of_the_aws_cli_calls_every_action_of_the_table() {
    let Some(program) = version_2() else { return };
    actions(program.to_str().expect("a path of UTF-8")).await;
}

/// Every row of actions.json with this tool.
async fn actions(by: &str) {
    let Some(python) = tool("python", by) else { return };
    let shop = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut script = Command::new(python);
    script.arg(workspace().join("tests/ecosystem/actions.py")).arg(by);
    script.current_dir(folder.path()).env("AWS_ENDPOINT_URL", shop.endpoint());
    let output = run(script).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let rows = crate::shop::actions().len();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), rows);
    shop.stop().await;
}
