use super::stage::{Actors, Stage};
use pointsman::system::StartError;
use pointsman::testing::{Running, Setup};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The account and the region of an engine that is told nothing else.
pub(super) const ARN: &str = "us-east-1:000000000000";

/// After this it is looked again.
const SOON: Duration = Duration::from_millis(10);

/// An engine in place of AWS, whose functions the test plays, asked over the wire.
pub(super) struct Aws {
    pub(super) running: Running,
    pub(super) stage: Arc<Stage>,
    agent: ureq::Agent,
    folder: Arc<TempDir>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: ureq::http::HeaderMap,
    pub(super) text: String,
}

impl Aws {
    /// One with what a template, or its resources alone, asks for.
    pub(super) async fn up(template: &str) -> Aws {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Aws::up_in(folder, template).await.expect("the engine starts")
    }

    /// Why there can be none with this template.
    pub(super) async fn refused(template: &str) -> String {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Aws::up_in(folder, template).await.err().expect("a refusal").to_string()
    }

    /// The same on another template, with all that is there.
    pub(super) async fn again(self, template: &str) -> Aws {
        self.running.stop().await;
        let mut tries = 0;
        loop {
            // Tasks of the one before may still be on their way out, and hold the folder.
            match Aws::up_in(self.folder.clone(), template).await {
                Err(error) if tries < 200 && error.to_string().contains("in use") => tries += 1,
                started => return started.expect("the engine starts"),
            }
            tokio::time::sleep(SOON).await;
        }
    }

    async fn up_in(folder: Arc<TempDir>, template: &str) -> Result<Aws, StartError> {
        let path = template_in(folder.path(), template);
        let stage = Stage::new();
        let setup = Setup::new(path).folder(folder.path().join("state"));
        let running = setup.processes(Arc::new(Actors(stage.clone()))).start().await;
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(Duration::from_secs(60))).build().into();
        Ok(Aws { running: running?, stage, agent, folder })
    }

    /// What a request of any kind is answered.
    pub(super) fn ask(&self, request: ureq::http::Request<String>) -> Told {
        let response = match request.body().is_empty() {
            true => self.agent.run(request.map(|_| ())),
            false => self.agent.run(request),
        };
        let mut response = response.expect("an answer");
        let text = response.body_mut().with_config().limit(32 << 20).read_to_string();
        Told {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: text.expect("text"),
        }
    }

    /// An action of a service that speaks JSON: `AmazonSQS.ListQueues`.
    pub(super) fn call(&self, action: &str, input: &Value) -> Told {
        let request = ureq::http::Request::post(self.running.endpoint())
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", action)
            .body(input.to_string());
        self.ask(request.expect("a request"))
    }

    /// The same, where it must succeed.
    #[track_caller]
    pub(super) fn ok(&self, action: &str, input: &Value) -> Value {
        let told = self.call(action, input);
        let shown: String = input.to_string().chars().take(500).collect();
        assert_eq!(told.status, 200, "{action} {shown}: {}", told.text);
        told.json()
    }

    /// An action of a service that speaks REST.
    pub(super) fn rest(&self, method: &str, path: &str, body: &Value) -> Told {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let url = format!("{}{path}", self.running.endpoint());
        let request = ureq::http::Request::builder().method(method).uri(url).body(text);
        self.ask(request.expect("a request"))
    }

    /// A request to the template's HTTP API.
    pub(super) fn http(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Told {
        let (method, path) = request.split_once(' ').expect("METHOD /path");
        let url = format!("{}{path}", self.running.http());
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(body.to_owned()).expect("a request"))
    }

    /// What SQS says to an action on a queue.
    pub(super) fn sqs(&self, action: &str, queue: &str, mut input: Value) -> Told {
        input["QueueUrl"] = json!(format!("{}/000000000000/{queue}", self.running.endpoint()));
        self.call(&format!("AmazonSQS.{action}"), &input)
    }

    /// Sends a text to a queue; the message's id.
    #[track_caller]
    pub(super) fn send(&self, queue: &str, text: &str) -> String {
        let told = self.sqs("SendMessage", queue, json!({ "MessageBody": text }));
        assert_eq!(told.status, 200, "{queue}: {}", told.text);
        text_of(&told.json()["MessageId"])
    }

    /// Up to ten messages of a queue with all attributes; they stay in flight.
    #[track_caller]
    pub(super) fn receive(&self, queue: &str) -> Vec<Value> {
        self.receive_for(queue, json!({}))
    }

    /// The same with further members of the request.
    #[track_caller]
    pub(super) fn receive_for(&self, queue: &str, mut input: Value) -> Vec<Value> {
        let members = input.as_object_mut().expect("an object");
        members.entry("MaxNumberOfMessages").or_insert(json!(10));
        members.insert("AttributeNames".into(), json!(["All"]));
        members.insert("MessageAttributeNames".into(), json!(["All"]));
        let told = self.sqs("ReceiveMessage", queue, input);
        assert_eq!(told.status, 200, "{queue}: {}", told.text);
        told.json()["Messages"].as_array().cloned().unwrap_or_default()
    }

    /// Texts of up to ten messages of a queue, in order; they stay in flight.
    #[track_caller]
    pub(super) fn texts(&self, queue: &str) -> Vec<String> {
        self.receive(queue).iter().map(|message| text_of(&message["Body"])).collect()
    }

    /// Messages of a queue: visible, in flight, delayed.
    #[track_caller]
    pub(super) fn depths(&self, queue: &str) -> [u64; 3] {
        let told = self.sqs("GetQueueAttributes", queue, json!({ "AttributeNames": ["All"] }));
        assert_eq!(told.status, 200, "{queue}: {}", told.text);
        let attributes = told.json()["Attributes"].clone();
        ["", "NotVisible", "Delayed"].map(|kind| {
            let name = format!("ApproximateNumberOfMessages{kind}");
            text_of(&attributes[&name]).parse().expect("a number")
        })
    }

    /// The UUID of the function's one mapping.
    #[track_caller]
    pub(super) fn mapping(&self, function: &str) -> String {
        let path = format!("/2015-03-31/event-source-mappings?FunctionName={function}");
        let told = self.rest("GET", &path, &Value::Null).json();
        text_of(&told["EventSourceMappings"][0]["UUID"])
    }

    /// What Lambda says to a change of the function's mapping.
    pub(super) fn change_mapping(&self, function: &str, change: &Value) -> Told {
        let path = format!("/2015-03-31/event-source-mappings/{}", self.mapping(function));
        self.rest("PUT", &path, change)
    }

    /// Waits until something is so that nobody tells of.
    pub(super) async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        for _ in 0..6_000 {
            if is_so() {
                return;
            }
            tokio::time::sleep(SOON).await;
        }
        panic!("it never comes: {what}");
    }

    /// Lets time pass, with all that is due on the way.
    pub(super) async fn pass(&self, seconds: u64) {
        self.running.advance(Duration::from_secs(seconds)).await;
    }
}

impl Told {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// A header's value; empty where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The error's code, wherever its service says it.
    pub(super) fn code(&self) -> String {
        let kind = self.header("x-amzn-errortype");
        let kind = if kind.is_empty() { text_of(&self.json()["__type"]) } else { kind.into() };
        kind.rsplit('#').next().unwrap_or_default().to_owned()
    }

    /// The error's text.
    pub(super) fn message(&self) -> String {
        let body = self.json();
        let message = if body["message"].is_null() { &body["Message"] } else { &body["message"] };
        text_of(message)
    }

    /// It is this error.
    #[track_caller]
    pub(super) fn is_refused(&self, status: u16, code: &str, message: &str) {
        let told = (self.status, self.code(), self.message());
        assert_eq!(told, (status, code.to_owned(), message.to_owned()));
    }
}

/// A JSON text; empty for anything else.
pub(super) fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn template_in(folder: &Path, resources: &str) -> std::path::PathBuf {
    let path = folder.join("template.yaml");
    let head = "Transform: AWS::Serverless-2016-10-31\nResources:\n";
    std::fs::write(&path, format!("{head}{resources}")).expect("a template");
    path
}
