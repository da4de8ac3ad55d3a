//! The load: PutEvents, ten events a request, to a rule, to a queue, from which they are received and deleted.
//!
//! | mode | what happens |
//! |---|---|
//! | stream | producers and consumers at once, as fast as they are answered |
//! | burst | all is put, then all is received |
//! | paced | an event a request, at a rate that does not wait for the server |
//! | backlog | a stream while that many messages lie in the queue |

mod client;
mod sigv4;
mod state;

pub(crate) use client::Client;
pub(crate) use sigv4::timestamp;
pub(crate) use state::Board;

use crate::proc;
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

/// The names of what the load makes for itself.
const NAME: &str = "performance";
/// How many send, and how many receive.
const PRODUCERS: usize = 4;
const CONSUMERS: usize = 4;
/// The most that AWS takes in a request.
const BATCH: u64 = 10;

/// One load.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) mode: Mode,
    /// How many events are put and received, those of a backlog not counted.
    pub(crate) events: u64,
    /// Bytes of an event's detail.
    pub(crate) size: usize,
    /// After which time it is given up; the filling of a backlog has as long for itself.
    pub(crate) limit: Duration,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Stream,
    Burst,
    /// Events a second.
    Paced(f64),
    /// Messages.
    Backlog(u64),
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) figures: BTreeMap<String, f64>,
    pub(crate) gave_up: Option<String>,
}

impl Outcome {
    pub(crate) fn given_up(why: impl Into<String>) -> Outcome {
        Outcome { gave_up: Some(why.into()), ..Outcome::default() }
    }

    pub(crate) fn set(&mut self, name: &str, value: f64) {
        self.figures.insert(name.to_owned(), value);
    }
}

/// A queue behind a rule of a bus.
pub(crate) struct Way {
    pub(crate) bus: String,
    pub(crate) queue: String,
    pub(crate) arn: String,
}

impl Way {
    /// Makes a rule on a bus of its own, to a queue that is made too unless `queue` names one.
    pub(crate) fn make(client: &mut Client, queue: Option<&str>) -> Result<Way, String> {
        let made = match queue {
            Some(queue) => client.json("AmazonSQS.GetQueueUrl", &json!({"QueueName": queue}))?,
            None => client.json("AmazonSQS.CreateQueue", &json!({"QueueName": NAME}))?,
        };
        let queue = text(&made["QueueUrl"])?;
        let wanted = json!({"QueueUrl": queue, "AttributeNames": ["QueueArn"]});
        let attributes = client.json("AmazonSQS.GetQueueAttributes", &wanted)?;
        let arn = text(&attributes["Attributes"]["QueueArn"])?;
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn,
            "Principal": {"Service": "events.amazonaws.com"},
        }]});
        let attributes = json!({"Policy": policy.to_string()});
        let policy = json!({"QueueUrl": queue, "Attributes": attributes});
        client.json("AmazonSQS.SetQueueAttributes", &policy)?;
        client.json("AWSEvents.CreateEventBus", &json!({"Name": NAME}))?;
        let pattern = json!({"source": [NAME], "detail": {"kind": ["order"]}}).to_string();
        let rule = json!({"Name": NAME, "EventBusName": NAME, "EventPattern": pattern});
        client.json("AWSEvents.PutRule", &rule)?;
        let targets = json!([{"Id": "queue", "Arn": arn}]);
        let targets = json!({"Rule": NAME, "EventBusName": NAME, "Targets": targets});
        let put = client.json("AWSEvents.PutTargets", &targets)?;
        if put["FailedEntryCount"].as_u64() != Some(0) {
            return Err(format!("PutTargets: {put}"));
        }
        Ok(Way { bus: NAME.to_owned(), queue, arn })
    }

    /// The one that is there, perhaps from an earlier life of the server.
    pub(crate) fn find(client: &mut Client) -> Result<Way, String> {
        let queue = client.json("AmazonSQS.GetQueueUrl", &json!({"QueueName": NAME}))?;
        Ok(Way { bus: NAME.to_owned(), queue: text(&queue["QueueUrl"])?, arn: String::new() })
    }
}

fn text(value: &serde_json::Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("no text: {value}"))
}

/// Runs a load on the server at an address, which is the process `pid`.
pub(crate) fn run(address: &str, pid: u32, way: &Way, load: Load) -> Result<Outcome, String> {
    let backlog = if let Mode::Backlog(depth) = load.mode { depth } else { 0 };
    if backlog > 0 {
        let board = Board::new(backlog, load.limit);
        put(address, way, load, &board, 0);
        if let Some(fault) = board.fault() {
            return Err(fault);
        }
        if board.accepted() < backlog {
            return Ok(Outcome::given_up(format!(
                "gave up after {} s: {} of {backlog} messages were in the queue",
                load.limit.as_secs(),
                board.accepted()
            )));
        }
    }
    // What the backlog holds counts when it is received, whichever comes first.
    let board = Board::with_backlog(load.events, backlog, load.limit);
    let (own, server) = (proc::own_cpu(), proc::cpu(pid));
    thread::scope(|scope| {
        let consume = || {
            for _ in 0..CONSUMERS {
                scope.spawn(|| board.noted(receive(address, way, &board)));
            }
        };
        if load.mode != Mode::Burst {
            consume();
        }
        put(address, way, load, &board, backlog);
        board.all_put();
        if load.mode == Mode::Burst {
            consume();
        }
        board.wait();
        board.measured(proc::own_cpu().since(own), proc::cpu(pid).since(server));
        board.stop();
    });
    board.outcome(load.mode == Mode::Burst, proc::resident(pid))
}

/// Puts all events of a board, numbered from `first` on, and returns when the last is answered.
pub(crate) fn put(address: &str, way: &Way, load: Load, board: &Board, first: u64) {
    thread::scope(|scope| {
        for _ in 0..PRODUCERS {
            scope.spawn(|| board.noted(produce(address, way, load, board, first)));
        }
    });
}

fn produce(address: &str, way: &Way, load: Load, board: &Board, first: u64) -> Result<(), String> {
    let mut client = Client::new(address, load.limit);
    let rate = if let Mode::Paced(rate) = load.mode { Some(rate) } else { None };
    while let Some(range) = board.next(if rate.is_some() { 1 } else { BATCH }) {
        let late = rate.is_none_or(|rate| board.until(range.start as f64 / rate));
        let mut body = String::from("{\"Entries\":[");
        for number in range.clone() {
            let detail = detail(first + number, load.size);
            let comma = if number == range.start { "" } else { "," };
            body += &format!(
                "{comma}{{\"Source\":\"{NAME}\",\"DetailType\":\"Order Placed\",\"Detail\":{},\"EventBusName\":\"{}\"}}",
                serde_json::Value::from(detail),
                way.bus
            );
        }
        body += "]}";
        // One whose due found all producers waiting counts from its due: a slow server must not slow the clock.
        board.sent(range.clone(), first, rate.filter(|_| late));
        let answer = client.call("AWSEvents.PutEvents", &body)?;
        let answer: PutAnswer = serde_json::from_slice(&answer).map_err(|e| e.to_string())?;
        if answer.failed > 0 {
            return Err(format!("PutEvents: {} entries failed", answer.failed));
        }
        board.accept(range.end - range.start);
    }
    Ok(())
}

/// `{"id":17,"kind":"order","pad":"xx…"}`, so many bytes.
fn detail(number: u64, size: usize) -> String {
    let empty = format!("{{\"id\":{number},\"kind\":\"order\",\"pad\":\"\"}}");
    let pad = "x".repeat(size.saturating_sub(empty.len()));
    format!("{}{pad}\"}}", &empty[..empty.len() - 2])
}

fn receive(address: &str, way: &Way, board: &Board) -> Result<(), String> {
    let mut client = Client::new(address, board.limit());
    let url = &way.queue;
    let wanted = json!({"QueueUrl": url, "MaxNumberOfMessages": BATCH, "WaitTimeSeconds": 1});
    let wanted = wanted.to_string();
    while !board.stopped() && !board.full() {
        let answer = client.call("AmazonSQS.ReceiveMessage", &wanted)?;
        let came = board.elapsed();
        let answer: Received<'_> = serde_json::from_slice(&answer).map_err(|e| e.to_string())?;
        if answer.messages.is_empty() {
            continue;
        }
        let mut body = format!("{{\"QueueUrl\":\"{url}\",\"Entries\":[");
        for (at, message) in answer.messages.iter().enumerate() {
            let event: Event = serde_json::from_str(&message.body).map_err(|e| e.to_string())?;
            board.received(event.detail.id, came);
            let comma = if at == 0 { "" } else { "," };
            let handle = serde_json::Value::from(&*message.handle);
            body += &format!("{comma}{{\"Id\":\"{at}\",\"ReceiptHandle\":{handle}}}");
        }
        body += "]}";
        client.call("AmazonSQS.DeleteMessageBatch", &body)?;
    }
    Ok(())
}

/// Receives what is left in a queue, until there is nothing for two seconds; how many different events it was.
pub(crate) fn count(client: &mut Client, way: &Way) -> Result<u64, String> {
    let mut found = std::collections::BTreeSet::new();
    let mut empty = 0;
    let wanted = json!({"QueueUrl": way.queue, "MaxNumberOfMessages": BATCH, "WaitTimeSeconds": 1});
    while empty < 2 {
        let answer = client.call("AmazonSQS.ReceiveMessage", &wanted.to_string())?;
        let answer: Received<'_> = serde_json::from_slice(&answer).map_err(|e| e.to_string())?;
        empty = if answer.messages.is_empty() { empty + 1 } else { 0 };
        for message in &answer.messages {
            let event: Event = serde_json::from_str(&message.body).map_err(|e| e.to_string())?;
            found.insert(event.detail.id);
        }
    }
    Ok(found.len() as u64)
}

#[derive(Deserialize)]
struct PutAnswer {
    #[serde(rename = "FailedEntryCount")]
    failed: u64,
}

#[derive(Deserialize)]
struct Received<'a> {
    #[serde(rename = "Messages", default, borrow)]
    messages: Vec<Message<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(rename = "Body", borrow)]
    body: Cow<'a, str>,
    #[serde(rename = "ReceiptHandle", borrow)]
    handle: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Event {
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    id: u64,
}
