use crate::shop::{
    BUS, EMPTY_BATCH, FUNCTION, QUEUE, SOURCE, TABLE, all_were_deleted, run, start, tool, workspace,
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
