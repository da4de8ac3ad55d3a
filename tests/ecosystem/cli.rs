use crate::shop::{
    BUS, EMPTY_BATCH, FUNCTION, QUEUE, SOURCE, TABLE, all_were_deleted, run, start, tool, version_2,
};
use pointsman::testing::Running;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_cli_puts_events_receives_invokes_and_scans() {
    let Some(program) = tool("aws", "the AWS CLI") else { return };
    let shop = start().await;
    // It reads the endpoint of `aws sqs` from nowhere but its option.
    let options = vec!["--endpoint-url".to_owned(), shop.endpoint().to_owned()];
    uses(shop, program, options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn version_2_of_the_aws_cli_puts_events_receives_invokes_and_scans() {
    let Some(program) = version_2() else { return };
    let shop = start().await;
    // It takes bytes in base64 unless it is told otherwise.
    let options = ["--cli-binary-format", "raw-in-base64-out"].map(str::to_owned);
    uses(shop, program, options.into()).await;
}

/// What one does with a bus, a queue, a function, a table and a schedule.
async fn uses(shop: Running, program: PathBuf, options: Vec<String>) {
    let aws = Aws { program, options, endpoint: shop.endpoint().to_owned() };

    let entries = json!([
        { "EventBusName": BUS, "Source": SOURCE, "DetailType": "OrderPlaced", "Detail": r#"{"n":1}"# },
        { "EventBusName": BUS, "Source": SOURCE, "DetailType": "OrderPlaced", "Detail": "no JSON" },
    ]);
    let put = aws.json(&["events", "put-events", "--entries", &entries.to_string()]).await;
    assert_eq!(put["FailedEntryCount"], 1, "{put}");
    assert_eq!(put["Entries"][1]["ErrorCode"], "MalformedDetail", "{put}");

    let url = aws.json(&["sqs", "get-queue-url", "--queue-name", QUEUE]).await;
    let url = url["QueueUrl"].as_str().expect("a URL");
    let receive = ["sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "20"];
    let received = aws.json(&receive).await;
    let message = &received["Messages"][0];
    let body: Value =
        serde_json::from_str(message["Body"].as_str().expect("a body")).expect("JSON");
    assert_eq!((&body["id"], &body["detail"]["n"]), (&put["Entries"][0]["EventId"], &json!(1)));
    let handle = message["ReceiptHandle"].as_str().expect("a handle");
    aws.done(&["sqs", "delete-message", "--queue-url", url, "--receipt-handle", handle]).await;
    all_were_deleted(&shop, 1).await;

    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("payload.json");
    let file = out.to_str().expect("a path of UTF-8");
    let invoke = ["lambda", "invoke", "--function-name", FUNCTION, "--payload", EMPTY_BATCH];
    let answer = aws.json(&[&invoke[..], &[file]].concat()).await;
    assert_eq!((&answer["StatusCode"], &answer["FunctionError"]), (&json!(200), &Value::Null));
    let payload = std::fs::read_to_string(&out).expect("the payload's file");
    assert_eq!(
        serde_json::from_str::<Value>(&payload).expect("JSON"),
        json!({ "batchItemFailures": [] })
    );
    let event = aws.json(&[&invoke[..], &["--invocation-type", "Event", file]].concat()).await;
    assert_eq!(event["StatusCode"], 202, "{event}");
    shop.wait_until_idle().await;

    let item = json!({ "pk": { "S": "p" }, "sk": { "S": "s" }, "n": { "N": "7" } });
    aws.done(&["dynamodb", "put-item", "--table-name", TABLE, "--item", &item.to_string()]).await;
    let scanned = aws.json(&["dynamodb", "scan", "--table-name", TABLE]).await;
    assert_eq!((&scanned["Count"], &scanned["Items"]), (&json!(1), &json!([item])));

    schedules(&aws).await;
    let refused = aws.run(&["sqs", "get-queue-url", "--queue-name", "nobodys"]).await;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("AWS.SimpleQueueService.NonExistentQueue"), "{said}");
    shop.stop().await;
}

/// A schedule is made, shown, fires, and is deleted.
async fn schedules(aws: &Aws) {
    let target = json!({
        "Arn": format!("arn:aws:sqs:us-east-1:000000000000:{QUEUE}"),
        "RoleArn": "arn:aws:iam::000000000000:role/any",
        "Input": "from <aws.scheduler.schedule-arn>",
    });
    let target = target.to_string();
    let create = [
        "scheduler",
        "create-schedule",
        "--name",
        "beat",
        "--schedule-expression",
        "rate(5 minutes)",
        "--flexible-time-window",
        "Mode=OFF",
        "--target",
        &target,
    ];
    let arn = aws.json(&create).await["ScheduleArn"].as_str().expect("an ARN").to_owned();
    let shown = aws.json(&["scheduler", "get-schedule", "--name", "beat"]).await;
    assert_eq!((&shown["Arn"], &shown["State"]), (&json!(arn), &json!("ENABLED")), "{shown}");
    let url = aws.json(&["sqs", "get-queue-url", "--queue-name", QUEUE]).await;
    let url = url["QueueUrl"].as_str().expect("a URL");
    let receive = ["sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "20"];
    let received = aws.json(&receive).await;
    assert_eq!(received["Messages"][0]["Body"], format!("from {arn}"), "it fires at once");
    let listed = aws.json(&["scheduler", "list-schedules", "--name-prefix", "be"]).await;
    assert_eq!(listed["Schedules"][0]["Name"], "beat", "{listed}");
    aws.done(&["scheduler", "delete-schedule", "--name", "beat"]).await;
    let again = aws.run(&create).await;
    assert!(again.status.success(), "its name is free again");
}

/// The command, what is said to it each time, and where it calls.
struct Aws {
    program: PathBuf,
    options: Vec<String>,
    endpoint: String,
}

impl Aws {
    /// What it prints.
    async fn json(&self, arguments: &[&str]) -> Value {
        let output = self.done(arguments).await;
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Its output, once it succeeds.
    async fn done(&self, arguments: &[&str]) -> Output {
        let output = self.run(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {arguments:?}: {}: {said}", output.status);
        output
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command.args(&self.options).args(["--output", "json"]).args(arguments);
        command.env("AWS_ENDPOINT_URL", &self.endpoint);
        run(command).await
    }
}
