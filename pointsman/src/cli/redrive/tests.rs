use super::filter::Filter;
use super::run::{Counts, Order, Run, Service};
use crate::cli::sqs::Refusal;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

/// Queues in memory, as SQS has them; calls fail on request.
#[derive(Default)]
struct Fake {
    queues: RefCell<BTreeMap<String, Vec<Value>>>,
    /// Sources whose redrive policy leads to the dead-letter queue.
    sources: Vec<&'static str>,
    /// Actions that fail, each so many times, and whether they have their effect all the same.
    failing: RefCell<Vec<(&'static str, usize, bool)>>,
    /// A message of the source that its consumer puts aside at once, over and over.
    bouncing: bool,
    next: Cell<u32>,
}

impl Fake {
    fn with(letters: &[(&str, Value)]) -> Fake {
        let fake = Fake { sources: vec!["q"], ..Fake::default() };
        for queue in ["q", "other", "dlq"] {
            fake.queues.borrow_mut().insert(queue.into(), vec![]);
        }
        for (body, attributes) in letters {
            fake.put("dlq", body, attributes.clone());
        }
        fake
    }

    fn put(&self, queue: &str, body: &str, attributes: Value) -> String {
        self.next.set(self.next.get() + 1);
        let id = format!("m{}", self.next.get());
        let message = json!({
            "MessageId": id, "ReceiptHandle": format!("r-{id}"), "Body": body,
            "MessageAttributes": attributes, "hidden": false,
        });
        self.queues.borrow_mut().get_mut(queue).expect("a queue").push(message);
        id
    }

    fn bodies(&self, queue: &str) -> Vec<String> {
        let text = |m: &Value| m["Body"].as_str().expect("text").to_owned();
        self.queues.borrow()[queue].iter().map(text).collect()
    }

    fn visible(&self, queue: &str) -> usize {
        self.queues.borrow()[queue].iter().filter(|m| m["hidden"] == false).count()
    }

    fn answer(&self, action: &str, input: &Value) -> Result<Value, Refusal> {
        let queue = input["QueueUrl"].as_str().unwrap_or_default();
        let queue = queue.rsplit('/').next().unwrap_or_default().to_owned();
        let entries = input["Entries"].as_array().cloned().unwrap_or_default();
        let receipt = |entry: &Value| entry["ReceiptHandle"].clone();
        Ok(match action {
            "GetQueueUrl" => {
                let name = input["QueueName"].as_str().expect("a name");
                if !self.queues.borrow().contains_key(name) {
                    let code = "QueueDoesNotExist".to_owned();
                    return Err(Refusal { code, message: String::new() });
                }
                json!({ "QueueUrl": format!("http://sqs/0/{name}") })
            }
            "ListDeadLetterSourceQueues" => {
                let urls: Vec<String> =
                    self.sources.iter().map(|name| format!("http://sqs/0/{name}")).collect();
                json!({ "queueUrls": urls })
            }
            "ReceiveMessage" => {
                let most = input["MaxNumberOfMessages"].as_u64().expect("a number") as usize;
                let mut queues = self.queues.borrow_mut();
                let messages = queues.get_mut(&queue).expect("a queue").iter_mut();
                let visible = messages.filter(|m| m["hidden"] == false).take(most);
                let handed: Vec<Value> = visible
                    .map(|message| {
                        message["hidden"] = true.into();
                        message.clone()
                    })
                    .collect();
                json!({ "Messages": handed })
            }
            "SendMessageBatch" => {
                let sent = entries.iter().map(|entry| {
                    let body = entry["MessageBody"].as_str().expect("text");
                    let id = self.put(&queue, body, entry["MessageAttributes"].clone());
                    if self.bouncing {
                        self.queues.borrow_mut().get_mut(&queue).expect("a queue").pop();
                        let text = |t: &str| json!({ "DataType": "String", "StringValue": t });
                        let poison = json!({
                            "reason": text("again"), "poison-id": text(&id),
                            "source-queue": text("arn:aws:sqs:r:0:q"),
                        });
                        self.put("dlq", body, poison);
                    }
                    json!({ "Id": entry["Id"], "MessageId": id })
                });
                json!({ "Successful": sent.collect::<Vec<_>>() })
            }
            "DeleteMessageBatch" => {
                let receipts: Vec<Value> = entries.iter().map(receipt).collect();
                let mut queues = self.queues.borrow_mut();
                let messages = queues.get_mut(&queue).expect("a queue");
                messages.retain(|m| !receipts.contains(&m["ReceiptHandle"]));
                let done = entries.iter().map(|entry| json!({ "Id": entry["Id"] }));
                json!({ "Successful": done.collect::<Vec<_>>() })
            }
            "ChangeMessageVisibilityBatch" => {
                let receipts: Vec<Value> = entries.iter().map(receipt).collect();
                let mut queues = self.queues.borrow_mut();
                for message in queues.get_mut(&queue).expect("a queue") {
                    if receipts.contains(&message["ReceiptHandle"]) {
                        message["hidden"] = false.into();
                    }
                }
                json!({})
            }
            other => panic!("{other} is not needed"),
        })
    }
}

impl Service for Fake {
    fn call(&self, action: &str, input: &Value) -> Result<Value, Refusal> {
        let mut failing = self.failing.borrow_mut();
        let fails = failing.iter_mut().find(|(of, times, _)| *of == action && *times > 0);
        if let Some((_, times, has_effect)) = fails {
            *times -= 1;
            if *has_effect {
                self.answer(action, input)?;
            }
            return Err(Refusal { code: String::new(), message: "lost".into() });
        }
        self.answer(action, input)
    }

    fn is_distributed(&self) -> bool {
        false
    }
}

fn order() -> Order {
    let filter = Filter::default();
    Order { dlq: "dlq".into(), to: None, filter, max: None, dry_run: false }
}

/// Counts, notes, and what a dry run says.
fn redrive(fake: &Fake, order: &Order) -> (Counts, Vec<String>, Vec<String>) {
    let running = AtomicBool::new(false);
    let mut run = Run::begin(fake, order, &running).expect("the queues are there");
    let mut told = vec![];
    let ended = run.work(&mut |line| told.push(line));
    let mut notes: Vec<String> = run.notes().collect();
    notes.extend(ended.err());
    (run.counts(), notes, told)
}

fn counts(looked_at: usize, moved: usize, left: usize, failed: usize) -> Counts {
    Counts { looked_at, moved, left, failed }
}

fn letters(count: usize) -> Vec<(String, Value)> {
    (0..count).map(|n| (format!("body {n}"), json!({}))).collect()
}

fn fake(count: usize) -> Fake {
    let letters = letters(count);
    let letters: Vec<(&str, Value)> =
        letters.iter().map(|(body, value)| (body.as_str(), value.clone())).collect();
    Fake::with(&letters)
}

#[test]
fn everything_goes_back_to_the_one_source() {
    let fake = fake(23);
    assert_eq!(redrive(&fake, &order()), (counts(23, 23, 0, 0), vec![], vec![]));
    assert_eq!((fake.bodies("q").len(), fake.bodies("dlq").len()), (23, 0));
}

#[test]
fn a_dry_run_says_what_would_go_where_and_leaves_everything_to_be_received() {
    let fake = fake(12);
    let (done, notes, told) = redrive(&fake, &Order { dry_run: true, ..order() });
    assert_eq!((done, notes), (counts(12, 12, 0, 0), vec![]));
    assert_eq!(told[0], "m1 → q  no reason given");
    assert_eq!((told.len(), fake.visible("dlq"), fake.bodies("q").len()), (12, 12, 0));
}

#[test]
fn what_the_filter_does_not_want_is_looked_at_once_and_made_visible_again() {
    let fake = fake(23);
    let filter = Filter::read(&["body=body 1".to_owned()], None).expect("a filter");
    let (done, notes, _) = redrive(&fake, &Order { filter, ..order() });
    // 1 and 10 to 19.
    assert_eq!((done, notes), (counts(23, 11, 12, 0), vec![]));
    assert_eq!((fake.bodies("q").len(), fake.visible("dlq")), (11, 12));
}

#[test]
fn no_more_than_asked_for_is_moved() {
    let fake = fake(23);
    let (done, ..) = redrive(&fake, &Order { max: Some(13), ..order() });
    assert_eq!(done, counts(13, 13, 0, 0));
    assert_eq!((fake.bodies("q").len(), fake.visible("dlq")), (13, 10));
}

#[test]
fn a_send_that_fails_leaves_the_message_and_one_that_only_seems_to_leaves_it_twice() {
    for has_effect in [false, true] {
        let fake = fake(12);
        fake.failing.borrow_mut().push(("SendMessageBatch", 1, has_effect));
        let (done, notes, _) = redrive(&fake, &order());
        assert_eq!(done, counts(12, 2, 0, 10));
        assert_eq!(notes, ["10 failed, and still there: lost"]);
        assert_eq!(fake.visible("dlq"), 10);
        assert_eq!(fake.bodies("q").len(), if has_effect { 12 } else { 2 });
    }
}

#[test]
fn a_delete_is_tried_twice_and_then_the_message_is_said_to_be_in_both_queues() {
    let once = fake(3);
    once.failing.borrow_mut().push(("DeleteMessageBatch", 1, false));
    assert_eq!(redrive(&once, &order()).0, counts(3, 3, 0, 0));
    let twice = fake(3);
    twice.failing.borrow_mut().push(("DeleteMessageBatch", 2, false));
    let (done, notes, _) = redrive(&twice, &order());
    assert_eq!(done, counts(3, 0, 0, 3));
    assert_eq!(notes, ["3 sent, but not deleted here, so there twice: lost"]);
    assert_eq!((twice.bodies("q").len(), twice.bodies("dlq").len()), (3, 3));
}

#[test]
fn whatever_fails_no_message_is_in_neither_queue() {
    let actions = [
        "ReceiveMessage",
        "SendMessageBatch",
        "DeleteMessageBatch",
        "ChangeMessageVisibilityBatch",
        "ListDeadLetterSourceQueues",
    ];
    for action in actions {
        for (times, has_effect) in [(1, false), (1, true), (2, false), (2, true), (9, false)] {
            let fake = fake(25);
            fake.failing.borrow_mut().push((action, times, has_effect));
            redrive(&fake, &order());
            let mut there = fake.bodies("q");
            there.extend(fake.bodies("dlq"));
            let lost = letters(25).into_iter().find(|(body, _)| !there.contains(body));
            assert_eq!(lost, None, "{action} fails {times} times ({has_effect})");
        }
    }
}

#[test]
fn what_comes_back_at_once_is_not_moved_for_ever() {
    let fake = Fake { bouncing: true, ..fake(4) };
    let (done, notes, _) = redrive(&fake, &order());
    assert_eq!(done, counts(8, 4, 4, 0));
    assert_eq!(notes, ["4 left: moved a moment ago, and here again: mend the fault first"]);
    assert_eq!(fake.visible("dlq"), 4);
}

#[test]
fn where_several_queues_lead_here_the_message_says_or_somebody_must() {
    let text = |t: &str| json!({ "DataType": "String", "StringValue": t });
    let poison = json!({
        "reason": text("r"), "poison-id": text("x"), "source-queue": text("arn:aws:sqs:r:0:other"),
    });
    let gone = json!({ "RULE_ARN": text("arn"), "TARGET_ARN": text("arn:aws:sqs:r:0:gone") });
    let function =
        json!({ "RULE_ARN": text("arn"), "TARGET_ARN": text("arn:aws:lambda:r:0:function:f") });
    let mut fake = Fake::with(&[("a", poison), ("b", json!({})), ("c", gone), ("d", function)]);
    fake.sources = vec!["q", "other"];
    let (done, notes, _) = redrive(&fake, &order());
    assert_eq!(done, counts(4, 1, 3, 0));
    assert_eq!(
        notes,
        [
            "1 left: from one of q, other: give --to",
            "1 left: meant for arn:aws:lambda:r:0:function:f, which is no queue: give --to",
            "1 left: there is no queue gone",
        ]
    );
    assert_eq!(fake.bodies("other"), ["a"]);
    let (done, notes, _) = redrive(&fake, &Order { to: Some("q".into()), ..order() });
    assert_eq!((done, notes), (counts(3, 3, 0, 0), vec![]));
    assert_eq!(fake.bodies("q"), ["b", "c", "d"]);
}

#[test]
fn what_cannot_be_redriven_is_refused_in_one_line() {
    let fake = fake(1);
    let interrupted = AtomicBool::new(false);
    let why = |order: Order| Run::begin(&fake, &order, &interrupted).err().expect("it is refused");
    let of = |dlq: &str, to: Option<&str>| {
        why(Order { dlq: dlq.into(), to: to.map(str::to_owned), ..order() })
    };
    assert_eq!(of("gone", None), "there is no queue gone");
    assert_eq!(of("dlq", Some("gone")), "there is no queue gone");
    assert_eq!(of("dlq", Some("dlq")), "dlq would be sent to itself: give another --to");
    assert!(of("a.fifo", None).starts_with("a.fifo is a FIFO queue"));
}

#[test]
fn an_interrupted_redrive_takes_no_further_message() {
    let fake = fake(3);
    let (order, interrupted) = (order(), AtomicBool::new(true));
    let mut run = Run::begin(&fake, &order, &interrupted).expect("the queues are there");
    assert_eq!(run.work(&mut |_| ()), Ok(()));
    assert_eq!((run.counts(), fake.visible("dlq")), (Counts::default(), 3));
}
