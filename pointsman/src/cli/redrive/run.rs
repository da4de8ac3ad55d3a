//! One redrive: receive, send, delete, and what is not for it made visible again.

use super::filter::Filter;
use super::letter::Letter;
use crate::cli::Failure;
use crate::cli::sqs::{Refusal, Sqs};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

/// For how long a message that was looked at stays hidden, in seconds: until all have been.
const HIDDEN: u32 = 600;

/// A batch of SQS.
const BATCH: usize = 10;

/// Bytes of a batch at most; a larger message goes alone.
const BATCH_BYTES: usize = 256 * 1024;

/// What is wanted.
pub(super) struct Order {
    pub(super) dlq: String,
    pub(super) to: Option<String>,
    pub(super) filter: Filter,
    pub(super) max: Option<usize>,
    pub(super) dry_run: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) looked_at: usize,
    pub(super) moved: usize,
    pub(super) left: usize,
    pub(super) failed: usize,
}

/// Somebody who speaks SQS.
pub(super) trait Service {
    fn call(&self, action: &str, input: &Value) -> Result<Value, Refusal>;

    /// A receive may overlook messages that are there.
    fn is_distributed(&self) -> bool;
}

impl Service for Sqs {
    fn call(&self, action: &str, input: &Value) -> Result<Value, Refusal> {
        Sqs::call(self, action, input)
    }

    fn is_distributed(&self) -> bool {
        Sqs::is_distributed(self)
    }
}

pub(super) struct Run<'a> {
    sqs: &'a dyn Service,
    order: &'a Order,
    interrupted: &'a AtomicBool,
    /// URL of the dead-letter queue.
    dlq: String,
    /// URL of the queue that everything goes to, if one was named.
    to: Option<String>,
    /// URLs by ARN, or why there is none.
    known: HashMap<String, Result<String, String>>,
    /// The queue whose redrive policy leads here, if it is one.
    source: Option<Result<String, String>>,
    /// Messages that were looked at.
    seen: HashSet<String>,
    /// Ids under which messages were sent.
    sent: HashSet<String>,
    /// Receipts of what is to be made visible again.
    hidden: Vec<String>,
    counts: Counts,
    notes: BTreeMap<String, usize>,
}

impl<'a> Run<'a> {
    /// Finds the queues.
    ///
    /// # Errors
    /// One line: a queue that is not there, or that cannot be redriven.
    pub(super) fn begin(
        sqs: &'a dyn Service,
        order: &'a Order,
        interrupted: &'a AtomicBool,
    ) -> Result<Run<'a>, Failure> {
        let dlq = url_of(sqs, &order.dlq, None)?;
        let to = order.to.as_deref().map(|to| url_of(sqs, to, None)).transpose()?;
        if to.as_ref() == Some(&dlq) {
            return Err(format!("{} would be sent to itself: give another --to", order.dlq));
        }
        Ok(Run {
            sqs,
            order,
            interrupted,
            dlq,
            to,
            known: HashMap::new(),
            source: None,
            seen: HashSet::new(),
            sent: HashSet::new(),
            hidden: vec![],
            counts: Counts::default(),
            notes: BTreeMap::new(),
        })
    }

    /// Looks at each message once. `tell` gets the lines of a dry run.
    ///
    /// # Errors
    /// One line, where the queue cannot be read on; what was done until then counts.
    pub(super) fn work(&mut self, tell: &mut dyn FnMut(String)) -> Result<(), Failure> {
        let ended = self.all(tell);
        self.release();
        ended.map_err(|why| why.to_string())
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The counts as one line.
    pub(super) fn told(&self) -> String {
        let Counts { looked_at, moved, left, failed } = self.counts;
        let moved = match self.order.dry_run {
            true => format!("{moved} would be moved"),
            false => format!("{moved} moved"),
        };
        format!("{}: {looked_at} looked at, {moved}, {left} left, {failed} failed", self.order.dlq)
    }

    /// Why messages were left or failed: a line for each reason.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        self.notes.iter().map(|(why, count)| format!("{count} {why}"))
    }

    fn all(&mut self, tell: &mut dyn FnMut(String)) -> Result<(), Refusal> {
        // An empty answer of AWS's does not yet mean an empty queue.
        let mut patience = if self.sqs.is_distributed() { 2 } else { 1 };
        while patience > 0 && !self.interrupted.load(Ordering::Relaxed) {
            let room = self.order.max.map_or(BATCH, |max| (max - self.counts.moved).min(BATCH));
            if room == 0 {
                break;
            }
            let letters = self.receive(room)?;
            if letters.is_empty() {
                patience -= 1;
            }
            let mut outgoing: Vec<(String, Letter)> = vec![];
            let mut again = false;
            for letter in letters {
                if !self.seen.insert(letter.id().to_owned()) {
                    again = true;
                    self.hidden.push(letter.receipt().to_owned());
                    continue;
                }
                self.counts.looked_at += 1;
                match self.judge(&letter) {
                    Ok(url) if self.order.dry_run => {
                        self.counts.moved += 1;
                        tell(format!("{} → {}  {}", letter.id(), name(&url), letter.reason()));
                        self.hidden.push(letter.receipt().to_owned());
                    }
                    Ok(url) => outgoing.push((url, letter)),
                    Err(why) => {
                        self.counts.left += 1;
                        if let Some(why) = why {
                            self.note(format!("left: {why}"));
                        }
                        self.hidden.push(letter.receipt().to_owned());
                    }
                }
            }
            self.send(outgoing);
            if again {
                self.note("came round again: run it once more for what may be behind".into());
                break;
            }
        }
        Ok(())
    }

    fn receive(&self, most: usize) -> Result<Vec<Letter>, Refusal> {
        let wait = if self.sqs.is_distributed() { 2 } else { 0 };
        let answer = self.sqs.call(
            "ReceiveMessage",
            &json!({
                "QueueUrl": self.dlq, "MaxNumberOfMessages": most, "VisibilityTimeout": HIDDEN,
                "WaitTimeSeconds": wait, "MessageAttributeNames": ["All"],
                "MessageSystemAttributeNames": ["All"],
            }),
        )?;
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        Ok(messages.into_iter().map(Letter::new).collect())
    }

    /// Where a letter is to go, or why it stays: for nothing worth a word if the filter does not want it.
    fn judge(&mut self, letter: &Letter) -> Result<String, Option<String>> {
        if !self.order.filter.wants(letter.message()) {
            return Err(None);
        }
        if self.sent.contains(letter.former_id()) {
            return Err(Some("moved a moment ago, and here again: mend the fault first".into()));
        }
        if let Some(to) = &self.to {
            return Ok(to.clone());
        }
        let (sqs, dlq) = (self.sqs, &self.dlq);
        let url = match letter.addressee() {
            Some(arn) => {
                let known = self.known.entry(arn.to_owned());
                known.or_insert_with(|| addressed(sqs, arn))
            }
            None => self.source.get_or_insert_with(|| sole_source(sqs, dlq)),
        };
        match url {
            Ok(url) if url == dlq => Err(Some("meant for this very queue: give --to".into())),
            Ok(url) => Ok(url.clone()),
            Err(why) => Err(Some(why.clone())),
        }
    }

    /// Sends, then deletes what the other queue has acknowledged.
    fn send(&mut self, outgoing: Vec<(String, Letter)>) {
        let mut by_queue: BTreeMap<String, Vec<Letter>> = BTreeMap::new();
        for (url, letter) in outgoing {
            by_queue.entry(url).or_default().push(letter);
        }
        for (url, letters) in by_queue {
            for batch in batches(letters) {
                self.send_batch(&url, &batch);
            }
        }
    }

    fn send_batch(&mut self, url: &str, batch: &[Letter]) {
        let entries = batch.iter().enumerate().map(|(n, letter)| letter.entry(&n.to_string()));
        let input = json!({ "QueueUrl": url, "Entries": entries.collect::<Vec<_>>() });
        let answer = self.sqs.call("SendMessageBatch", &input);
        let mut gone: Vec<&Letter> = vec![];
        for (n, letter) in batch.iter().enumerate() {
            match result(&answer, n) {
                Ok(id) => {
                    self.sent.insert(id);
                    gone.push(letter);
                }
                Err(why) => {
                    self.counts.failed += 1;
                    self.note(format!("failed, and still there: {why}"));
                    self.hidden.push(letter.receipt().to_owned());
                }
            }
        }
        if gone.is_empty() {
            return;
        }
        let entries = gone.iter().enumerate();
        let entries = entries
            .map(|(n, letter)| json!({ "Id": n.to_string(), "ReceiptHandle": letter.receipt() }));
        let input = json!({ "QueueUrl": self.dlq, "Entries": entries.collect::<Vec<_>>() });
        let mut answer = self.sqs.call("DeleteMessageBatch", &input);
        if answer.is_err() {
            // To delete twice does no harm; not to delete leaves a duplicate.
            answer = self.sqs.call("DeleteMessageBatch", &input);
        }
        for n in 0..gone.len() {
            match result(&answer, n) {
                Ok(_) => self.counts.moved += 1,
                Err(why) => {
                    self.counts.failed += 1;
                    self.note(format!("sent, but not deleted here, so there twice: {why}"));
                }
            }
        }
    }

    /// Makes visible what was not for this redrive.
    fn release(&mut self) {
        let hidden = std::mem::take(&mut self.hidden);
        for batch in hidden.chunks(BATCH) {
            let entries = batch.iter().enumerate().map(|(n, receipt)| {
                json!({ "Id": n.to_string(), "ReceiptHandle": receipt, "VisibilityTimeout": 0 })
            });
            let input = json!({ "QueueUrl": self.dlq, "Entries": entries.collect::<Vec<_>>() });
            if let Err(why) = self.sqs.call("ChangeMessageVisibilityBatch", &input) {
                let count = batch.len();
                let note = format!("hidden for {} more minutes: {why}", HIDDEN / 60);
                *self.notes.entry(note).or_default() += count;
            }
        }
    }

    fn note(&mut self, why: String) {
        *self.notes.entry(why).or_default() += 1;
    }
}

/// The id of what the entry `n` of a batch made, or why it failed.
fn result(answer: &Result<Value, Refusal>, n: usize) -> Result<String, String> {
    let answer = answer.as_ref().map_err(Refusal::to_string)?;
    let of = |list: &str| {
        let id = n.to_string();
        answer[list].as_array()?.iter().find(|entry| entry["Id"] == id.as_str()).cloned()
    };
    if let Some(entry) = of("Successful") {
        return Ok(entry["MessageId"].as_str().unwrap_or_default().to_owned());
    }
    let entry = of("Failed").unwrap_or_default();
    let text = |name: &str| entry[name].as_str().unwrap_or("no answer").to_owned();
    Err(format!("{}: {}", text("Code"), text("Message")))
}

/// Ten at a time, and not too much.
fn batches(letters: Vec<Letter>) -> Vec<Vec<Letter>> {
    let mut batches: Vec<Vec<Letter>> = vec![];
    let mut size = 0;
    for letter in letters {
        let more = letter.size();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && size + more <= BATCH_BYTES => {
                size += more;
                batch.push(letter);
            }
            _ => {
                size = more;
                batches.push(vec![letter]);
            }
        }
    }
    batches
}

/// URL of the queue that an ARN names.
fn addressed(sqs: &dyn Service, arn: &str) -> Result<String, String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "sqs", _, account, name] => url_of(sqs, name, Some(account)),
        _ => Err(format!("meant for {arn}, which is no queue: give --to")),
    }
}

/// URL of the one queue whose redrive policy leads here.
fn sole_source(sqs: &dyn Service, dlq: &str) -> Result<String, String> {
    let mut sources: Vec<String> = vec![];
    let mut input = json!({ "QueueUrl": dlq, "MaxResults": 1000 });
    loop {
        let answer =
            sqs.call("ListDeadLetterSourceQueues", &input).map_err(|why| why.to_string())?;
        let urls = answer["queueUrls"].as_array().into_iter().flatten();
        sources.extend(urls.filter_map(|url| url.as_str().map(str::to_owned)));
        match answer["NextToken"].as_str() {
            Some(token) => input["NextToken"] = token.into(),
            None => break,
        }
    }
    match &sources[..] {
        [source] => Ok(source.clone()),
        [] => Err("without a word where they came from, and no queue's redrive policy leads here: give --to".into()),
        many => {
            let names: Vec<&str> = many.iter().map(|url| name(url)).collect();
            Err(format!("from one of {}: give --to", names.join(", ")))
        }
    }
}

/// URL of a queue.
fn url_of(sqs: &dyn Service, name: &str, account: Option<&str>) -> Result<String, String> {
    if name.ends_with(".fifo") {
        return Err(format!(
            "{name} is a FIFO queue: its order would be lost, so it is not redriven"
        ));
    }
    let mut input = json!({ "QueueName": name });
    if let Some(account) = account {
        input["QueueOwnerAWSAccountId"] = account.into();
    }
    let answer = sqs.call("GetQueueUrl", &input).map_err(|why| match why.code.as_str() {
        "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" => {
            format!("there is no queue {name}")
        }
        _ => why.to_string(),
    })?;
    Ok(answer["QueueUrl"].as_str().unwrap_or_default().to_owned())
}

/// The name at the end of a queue's URL.
pub(super) fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}
