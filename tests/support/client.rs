use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

/// The longest a request may take, in wall time.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a token of [`Client::token`] allows: everything the shop has.
const SCOPES: &str = "orders:write orders:read customers:write";

/// The customer `anna`, and the operator beside her: requests to a system's two addresses.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    http: String,
    endpoint: String,
    token: String,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// JSON, or text as a JSON string.
    pub(crate) body: Value,
}

impl Client {
    /// A client of the HTTP API at `http` and AWS's protocols at `endpoint`, with a token of anna's.
    pub(crate) fn new(http: &str, endpoint: &str) -> Client {
        let mut client = Client { http: http.into(), ..Client::operator(endpoint) };
        client.token = client.token("anna", SCOPES);
        client
    }

    /// An operator alone, of a system that may have no HTTP API.
    pub(crate) fn operator(endpoint: &str) -> Client {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(PATIENCE)).build().into();
        Client { agent, http: String::new(), endpoint: endpoint.into(), token: String::new() }
    }

    /// The same with another customer's token.
    pub(crate) fn of(&self, sub: &str) -> Client {
        Client { token: self.token(sub, SCOPES), ..self.clone() }
    }

    /// The same with this for a token; empty, no header is sent.
    pub(crate) fn with_token(&self, token: &str) -> Client {
        Client { token: token.to_owned(), ..self.clone() }
    }

    /// A token, signed by the local issuer.
    pub(crate) fn token(&self, sub: &str, scope: &str) -> String {
        let body = json!({ "sub": sub, "scope": scope });
        let answer = self.operate("POST", "/_pointsman/token", &body);
        answer["token"].as_str().expect("the local issuer signs").to_owned()
    }

    /// Moves engine time on.
    pub(crate) fn advance(&self, by: Duration) {
        let body = json!({ "byMs": u64::try_from(by.as_millis()).expect("it is not for ever") });
        self.operate("POST", "/_pointsman/clock", &body);
    }

    /// Moves engine time on in one step, also while others are at work.
    pub(crate) fn jump(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).expect("it is not for ever");
        self.operate("POST", "/_pointsman/clock", &json!({ "byMs": by, "jump": true }));
    }

    /// Switches faults on request on or off; how they stand then.
    pub(crate) fn switch_faults(&self, on: bool) -> Value {
        self.operate("POST", "/_pointsman/faults", &json!({ "on": on }))
    }

    /// Places an order under an idempotency key.
    pub(crate) fn place(&self, key: &str, order: &Value) -> Answer {
        self.post("/orders", Some(key), &order.to_string())
    }

    /// A POST of this text.
    pub(crate) fn post(&self, path: &str, key: Option<&str>, body: &str) -> Answer {
        self.send("POST", path, key, Some(body)).expect("it answers")
    }

    /// A PUT of this document.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, None, Some(&body.to_string())).expect("it answers")
    }

    /// A DELETE under an idempotency key.
    pub(crate) fn delete(&self, path: &str, key: &str) -> Answer {
        self.send("DELETE", path, Some(key), None).expect("it answers")
    }

    /// A GET.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, None).expect("it answers")
    }

    /// A request to the HTTP API; an error where there is no answer.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&str>,
    ) -> Result<Answer, ureq::Error> {
        let request = ureq::http::Request::builder().method(method);
        let mut request = request.uri(format!("{}{path}", self.http));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                answer(self.agent.run(request.body(body.to_owned())?)?)
            }
            None => answer(self.agent.run(request.body(())?)?),
        }
    }

    /// An action of an AWS service that speaks JSON: `AmazonSQS.ListQueues`.
    ///
    /// # Panics
    /// If it is refused.
    pub(crate) fn call(&self, action: &str, input: &Value) -> Value {
        let Answer { status, body, .. } = self.try_call(action, input);
        assert_eq!(status, 200, "{action} {input}: {body}");
        body
    }

    fn try_call(&self, action: &str, input: &Value) -> Answer {
        let request = ureq::http::Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", action)
            .body(input.to_string());
        let answered = self.agent.run(request.expect("a request")).and_then(answer);
        answered.expect("the endpoint answers")
    }

    /// Invokes a function with this and waits for its answer.
    ///
    /// # Panics
    /// If it does not answer well.
    pub(crate) fn invoke(&self, function: &str, payload: &Value) -> Value {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let request = ureq::http::Request::post(url).body(payload.to_string());
        let answered = self.agent.run(request.expect("a request")).and_then(answer);
        let Answer { status, headers, body } = answered.expect("the endpoint answers");
        let failed = headers.get("x-amz-function-error");
        assert_eq!((status, failed), (200, None), "{function} {payload}: {body}");
        body
    }

    /// Lets the wall time pass for which a payment stays locked that somebody left in the middle.
    pub(crate) fn unlock(&self) {
        for item in self.scan("Services") {
            if item["until"]["N"].as_str().is_some_and(|until| until != "0") {
                let input = json!({
                    "TableName": "local-Services", "Key": { "pk": item["pk"], "sk": item["sk"] },
                    "UpdateExpression": "SET #until = :past",
                    "ConditionExpression": "attribute_exists(#until)",
                    "ExpressionAttributeNames": { "#until": "until" },
                    "ExpressionAttributeValues": { ":past": { "N": "0" } },
                });
                // Refused where it was finished meanwhile, and then there is nothing to be done.
                let _refused = self.try_call("DynamoDB_20120810.UpdateItem", &input);
            }
        }
    }

    /// All items of a table of the template.
    pub(crate) fn scan(&self, table: &str) -> Vec<Value> {
        let mut items = vec![];
        let mut input = json!({ "TableName": format!("local-{table}"), "ConsistentRead": true });
        loop {
            let page = self.call("DynamoDB_20120810.Scan", &input);
            items.extend(page["Items"].as_array().expect("items").iter().cloned());
            match &page["LastEvaluatedKey"] {
                Value::Null => return items,
                key => input["ExclusiveStartKey"] = key.clone(),
            }
        }
    }

    /// Publishes events to the shop's bus in one request of ten at most; all must be accepted.
    pub(crate) fn publish(&self, events: &[(&str, &str, Value)]) {
        let entries: Vec<Value> = events.iter().map(|(source, detail_type, detail)| {
            json!({ "EventBusName": "shop", "Source": source, "DetailType": detail_type, "Detail": detail.to_string() })
        }).collect();
        let answer = self.call("AWSEvents.PutEvents", &json!({ "Entries": entries }));
        assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
    }

    /// The queue's URL.
    pub(crate) fn queue(&self, name: &str) -> String {
        let answer = self.call("AmazonSQS.GetQueueUrl", &json!({ "QueueName": name }));
        answer["QueueUrl"].as_str().expect("a URL").to_owned()
    }

    /// How many messages a queue holds, in whatever state.
    pub(crate) fn depth(&self, queue: &str) -> u64 {
        let names =
            ["", "NotVisible", "Delayed"].map(|w| format!("ApproximateNumberOfMessages{w}"));
        let input = json!({ "QueueUrl": self.queue(queue), "AttributeNames": names });
        let answer = self.call("AmazonSQS.GetQueueAttributes", &input);
        let number =
            |name: &String| answer["Attributes"][name].as_str().unwrap_or("0").parse::<u64>();
        names.iter().map(|name| number(name).expect("a number")).sum()
    }

    /// Up to ten messages of a queue, with all their attributes.
    pub(crate) fn receive(&self, queue: &str) -> Vec<Value> {
        let input = json!({
            "QueueUrl": self.queue(queue), "MaxNumberOfMessages": 10,
            "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"],
        });
        let answer = self.call("AmazonSQS.ReceiveMessage", &input);
        answer["Messages"].as_array().cloned().unwrap_or_default()
    }

    /// Sends messages with these bodies to a queue.
    pub(crate) fn send_all(&self, queue: &str, bodies: &[String]) {
        let url = self.queue(queue);
        for some in bodies.chunks(10) {
            let entry = |(n, body)| json!({ "Id": format!("{n}"), "MessageBody": body });
            let entries: Vec<Value> = some.iter().enumerate().map(entry).collect();
            let input = json!({ "QueueUrl": url, "Entries": entries });
            let answer = self.call("AmazonSQS.SendMessageBatch", &input);
            assert_eq!(answer["Successful"].as_array().map(Vec::len), Some(some.len()), "{answer}");
        }
    }

    /// Follows what happens from now on.
    pub(crate) fn tail(&self) -> Tail {
        let response = ureq::get(format!("{}/_pointsman/tail", self.endpoint)).call();
        let reader = response.expect("the engine tells").into_body().into_reader();
        Tail::new(reader)
    }

    /// A request of a service whose actions are paths.
    pub(crate) fn rest(&self, method: &str, path: &str, body: &Value) -> Value {
        self.operate(method, path, body)
    }

    fn operate(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = ureq::http::Request::builder().method(method);
        let request = request.uri(format!("{}{path}", self.endpoint)).body(body.to_string());
        let answered = self.agent.run(request.expect("a request")).and_then(answer);
        let Answer { status, body, .. } = answered.expect("the engine answers");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

impl Answer {
    /// Status, place and body: what is the same when the same is asked again.
    pub(crate) fn said(&self) -> (u16, Option<&String>, &Value) {
        (self.status, self.headers.get("location"), &self.body)
    }

    /// The order's id in an answer to a command.
    #[track_caller]
    pub(crate) fn order_id(&self) -> String {
        assert_eq!(self.status, 202, "{self:?}");
        self.body["orderId"].as_str().expect("an order id").to_owned()
    }
}

/// What happens, as `pointsman tail` gets it.
pub(crate) struct Tail(BufReader<Box<dyn Read + Send>>);

impl Tail {
    /// Any lines of JSON.
    pub(crate) fn new(lines: impl Read + Send + 'static) -> Tail {
        Tail(BufReader::new(Box::new(lines)))
    }

    /// The next line like this; what comes before it is passed over.
    #[track_caller]
    pub(crate) fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut text = String::new();
        loop {
            text.clear();
            let read = self.0.read_line(&mut text).expect("text");
            assert!(read > 0, "it ended before it told of it");
            let line = serde_json::from_str(&text).expect("a JSON line");
            if wanted(&line) {
                return line;
            }
        }
    }
}

/// An order as a customer sends it.
pub(crate) fn order(sku: &str, quantity: u32) -> Value {
    json!({
        "items": [{ "sku": sku, "quantity": quantity }],
        "shippingAddress": {
            "recipient": "Anna Miller", "street": "Lindenallee 1", "postalCode": "10115",
            "city": "Berlin", "country": "DE",
        },
    })
}

fn answer(response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let status = response.status().as_u16();
    let text =
        |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value)));
    let headers = headers.collect();
    let body = response.into_body().read_to_string()?;
    let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
    Ok(Answer { status, headers, body })
}
