use crate::shop::{run, tool, workspace};
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn sam_deploy_would_take_what_sam_build_made_and_the_workflow_no_more_rights_than_it_needs() {
    let Some(python) = tool("python", "SAM") else { return };
    let mut script = Command::new(python);
    script.arg(workspace().join("tests/ecosystem/deploy.py")).arg(workspace());
    let output = run(script).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "2 stages\n2 jobs\n1 role\n");
}
