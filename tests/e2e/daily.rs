//! The daily loop: what is saved while `up` runs is swapped and applied, and what was begun before ends as it began.

use crate::support::up;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tempfile::TempDir;

/// How long anything is waited for, in wall time.
const PATIENCE: Duration = Duration::from_secs(60);

const TEMPLATE: &str = "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: echo
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      Timeout: 60
      Events:
        Get: {Type: HttpApi, Properties: {Method: GET, Path: /echo}}
  Orders:
    Type: AWS::SQS::Queue
    Properties: {QueueName: orders, VisibilityTimeout: 30}
";

#[test]
fn a_new_binary_takes_what_comes_next_and_the_old_one_ends_what_it_has() {
    let mut daily = Daily::up(&[("template.yaml", TEMPLATE)]);
    assert_eq!(daily.invoke(&json!({}))["says"], "one");
    let go = daily.folder.path().join("go");
    std::thread::scope(|scope| {
        let endpoint = &daily.endpoint;
        let held = scope.spawn(|| invoke(endpoint, &json!({ "until": go })));
        awaited("it is at work", || go.with_extension("got").exists());
        function(&daily.folder, "two");
        // Each invocation before the swap, too, is answered by one of the two.
        awaited("the new one answers", || invoke(endpoint, &json!({}))["says"] == "two");
        fs::write(&go, "").expect("it is written");
        let answer = held.join().expect("it is answered");
        assert_eq!(answer["says"], "one", "what was begun ends in the old process");
    });
    daily.says("swapped echo");
}

#[test]
fn a_saved_template_is_applied_as_a_change_set_and_a_broken_one_is_refused_with_its_place() {
    let mut daily = Daily::up(&[("template.yaml", TEMPLATE)]);
    daily.save(
        "template.yaml",
        &TEMPLATE.replace("VisibilityTimeout: 30", "VisibilityTimeout: long"),
    );
    daily.says("template.yaml:15:56: VisibilityTimeout of Orders is «long»");
    daily.says("the old template runs on");
    assert_eq!(daily.invoke(&json!({}))["says"], "one");

    let late = "Type: SQS, Properties: {Queue: !GetAtt Late.Arn}";
    let changed = TEMPLATE.replace("VisibilityTimeout: 30", "VisibilityTimeout: 45").replace(
        "      Timeout: 60\n",
        "      Timeout: 60\n      Environment: {Variables: {COLOUR: green}}\n",
    );
    let more = changed
        .replace("Path: /echo}}\n", &format!("Path: /other}}}}\n        Late: {{{late}}}\n"));
    daily.save("template.yaml", &format!("{more}  Late: {{Type: AWS::SQS::Queue, Properties: {{QueueName: late, VisibilityTimeout: 360}}}}\n"));
    for change in [
        "~ queue orders (visibility)",
        "+ queue late",
        "~ function echo (environment",
        "+ mapping ",
        "~ HTTP API local-ServerlessHttpApi (routes)",
    ] {
        daily.says(change);
    }
    assert_eq!(daily.invoke(&json!({}))["colour"], "green");
    assert_eq!(daily.get("/other"), 200);
    assert_eq!(daily.get("/echo"), 404);

    // What leaves the template goes, but not with messages in it.
    let sent = json!({ "QueueUrl": format!("{}/000000000000/orders", daily.endpoint), "MessageBody": "kept" });
    daily.call("AmazonSQS.SendMessage", &sent);
    let (without, _) = changed.split_once("  Orders:").expect("a queue");
    daily.save("template.yaml", without);
    daily.says("- queue late");
    daily.says("! queue orders (kept until its messages are gone)");
}

#[test]
fn templates_are_applied_after_those_they_import_from_and_an_import_holds_its_export() {
    let queue = format!(
        "{TEMPLATE}Outputs:\n  Arn: {{Value: !GetAtt Orders.Arn, Export: {{Name: orders}}}}\n"
    );
    let rule = "Resources:\n  Bus: {Type: AWS::Events::EventBus, Properties: {Name: shop}}\n  All:\n    Type: AWS::Events::Rule\n    Properties:\n      EventBusName: !Ref Bus\n      EventPattern: {source: [shop]}\n      Targets: [{Id: orders, Arn: !ImportValue orders}]\n";
    let mut daily = Daily::up(&[("rules.yaml", rule), ("queues.yaml", &queue)]);
    let event = json!({ "Entries": [{ "EventBusName": "shop", "Source": "shop", "DetailType": "T", "Detail": "{}" }] });
    assert_eq!(daily.call("AWSEvents.PutEvents", &event)["FailedEntryCount"], 0);
    let url = format!("{}/000000000000/orders", daily.endpoint);
    let got = json!({ "QueueUrl": url, "WaitTimeSeconds": 10 });
    assert_eq!(
        daily.call("AmazonSQS.ReceiveMessage", &got)["Messages"].as_array().map_or(0, Vec::len),
        1
    );

    daily.save("queues.yaml", &queue.replace("Name: orders}}", "Name: other}}"));
    daily.says("rules.yaml:8:35: «orders» is imported here, so the stack queues cannot give up exporting it");
    daily.save("queues.yaml", &queue.replace("QueueName: orders", "QueueName: fresh"));
    daily.says("queues.yaml:17:51: the export «orders» is imported (");
    daily.save("rules.yaml", &rule.replace("!ImportValue orders", "!ImportValue order"));
    daily.says(
        "rules.yaml:8:35: no other stack that runs here exports «order» (did you mean orders?)",
    );
}

/// The function of these tests: this very binary, told to be one.
#[test]
#[ignore = "not a test: the engine starts it as a function"]
fn as_a_function() {
    let Ok(says) = std::env::var("SAYS") else { return };
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("the engine says where its door is");
    let api = api.trim_start_matches("http://");
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    loop {
        let next = format!("http://{api}/2018-06-01/runtime/invocation/next");
        // The engine has ended, or this environment has.
        let Ok(next) = agent.get(next).call() else { return };
        let Some(request) = next.headers().get("lambda-runtime-aws-request-id") else { return };
        let request = request.to_str().expect("text").to_owned();
        let mut event = String::new();
        next.into_body().into_reader().read_to_string(&mut event).expect("an event");
        let event: Value = serde_json::from_str(&event).expect("JSON");
        if let Some(until) = event["until"].as_str().map(Path::new) {
            fs::write(until.with_extension("got"), "").expect("it is written");
            awaited("it may go on", || until.exists());
        }
        let answer = json!({ "says": says, "colour": std::env::var("COLOUR").ok() });
        let to = format!("http://{api}/2018-06-01/runtime/invocation/{request}/response");
        if agent.post(to).send(answer.to_string()).is_err() {
            return;
        }
    }
}

/// `pointsman up` with one function in a folder of its own, and all that it says.
struct Daily {
    folder: TempDir,
    child: Child,
    lines: Receiver<String>,
    endpoint: String,
    http: String,
}

impl Daily {
    fn up(templates: &[(&str, &str)]) -> Daily {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("functions")).expect("it is made");
        function(&folder, "one");
        for (name, text) in templates {
            fs::write(path(name), text).expect("it is written");
        }
        let [(first, _), others @ ..] = templates else { panic!("a template is wanted") };
        let mut command = up(&path(first), &path("state"));
        for (name, _) in others {
            command.arg("--template").arg(path(name));
        }
        command.arg("--functions").arg(path("functions"));
        command.args(["--port", "0", "--http-port", "0", "--quiet"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("pointsman is built");
        let (sender, lines) = channel();
        follow(child.stdout.take().expect("a pipe"), sender.clone());
        follow(child.stderr.take().expect("a pipe"), sender);
        let mut daily =
            Daily { folder, child, lines, endpoint: String::new(), http: String::new() };
        daily.endpoint = daily.says("AWS ").trim().to_owned();
        daily.http = daily.says("HTTP ").trim().to_owned();
        daily.says("ready in ");
        daily
    }

    /// Saves a template as editors do: beside it, then under its name.
    fn save(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(path.with_extension("new"), text).expect("it is written");
        fs::rename(path.with_extension("new"), path).expect("it is renamed");
    }

    /// Waits until a line has this in it; what follows it there.
    #[track_caller]
    fn says(&mut self, what: &str) -> String {
        let mut said = vec![];
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains('\u{1b}') => panic!("no colours in a pipe: {line:?}"),
                Ok(line) => match line.split_once(what) {
                    Some((_, rest)) => return rest.to_owned(),
                    None => said.push(line),
                },
                Err(_) => panic!("{what} is not said, but {said:#?}"),
            }
        }
    }

    fn invoke(&self, event: &Value) -> Value {
        invoke(&self.endpoint, event)
    }

    fn call(&self, action: &str, input: &Value) -> Value {
        post(&self.endpoint, Some(action), input)
    }

    /// Status of a GET of the HTTP API.
    fn get(&self, path: &str) -> u16 {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        agent.get(format!("{}{path}", self.http)).call().expect("it answers").status().as_u16()
    }
}

impl Drop for Daily {
    fn drop(&mut self) {
        crate::support::signal(self.child.id(), rustix::process::Signal::INT);
        // It may have ended already.
        let _ = self.child.wait();
    }
}

/// Puts the function there, saying this, as a linker does.
fn function(folder: &TempDir, says: &str) {
    let me = std::env::current_exe().expect("a test has a path");
    let script = format!(
        "#!/bin/sh\nSAYS={says} exec '{}' --exact daily::as_a_function --ignored --nocapture\n",
        me.display()
    );
    let path = folder.path().join("functions").join("echo");
    let new = path.with_extension("new");
    fs::write(&new, script).expect("it is written");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::rename(new, path).expect("it is renamed");
}

fn follow(pipe: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
}

fn invoke(endpoint: &str, event: &Value) -> Value {
    post(&format!("{endpoint}/2015-03-31/functions/echo/invocations"), None, event)
}

fn post(url: &str, action: Option<&str>, body: &Value) -> Value {
    let mut request = ureq::post(url).header("content-type", "application/x-amz-json-1.0");
    if let Some(action) = action {
        request = request.header("x-amz-target", action);
    }
    let answer = request.send(body.to_string()).expect("it answers");
    serde_json::from_reader(answer.into_body().into_reader()).expect("JSON")
}

fn awaited(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain: {what}");
}
