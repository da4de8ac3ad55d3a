//! What comes of what was done: answers, deletions, and what goes on its way.

use super::{End, World};
use crate::{
    customers::{Act, Deed},
    mail::Parcel,
    provider::Letter,
    template::takes,
};
use pointsman_kit::{table::Change, testing};

impl World {
    /// A customer was answered, or not.
    pub(super) fn answered(&mut self, act: Act, end: Option<End>) {
        let answer = match end {
            Some(End::Answered(answer)) => answer,
            _ => serde_json::Value::Null,
        };
        let status = answer["statusCode"].as_u64();
        self.say(|| format!("{:?} of order {}: {status:?}", act.deed, act.order));
        let body = answer["body"].as_str().unwrap_or_default();
        let known = &mut self.known[act.order];
        match status {
            Some(202) => match act.deed {
                Deed::Place { .. } => {
                    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
                    known.id = body["orderId"].as_str().and_then(|id| id.parse().ok());
                }
                Deed::Add { .. } => known.added.push(act.key),
                Deed::Move => {}
                Deed::Cancel => known.cancelled = true,
            },
            Some(409) if !body.contains("Contended") => known.refused += 1,
            // Nobody answered, or not now: asked again, under the same key.
            None | Some(409 | 500..) => {
                let at = self.time.now() + self.rng.i64(0..5_000);
                self.acts.push(Act { at, ..act });
            }
            Some(status) => panic!("{status}: {answer}"),
        }
    }

    /// The stream moves on, as far as the relay got; not at all if it died.
    pub(super) fn relayed(&mut self, changes: &[Change], end: Option<End>) {
        let Some(End::Failed(failures)) = end else { return };
        let first = failures.ids().next();
        let undone = |change: &Change| Some(format!("{:021}", change.sequence).as_str()) == first;
        let done = changes.iter().position(undone).unwrap_or(changes.len());
        self.unread.drain(..done);
    }

    /// What was handled is deleted; the rest comes again.
    pub(super) fn handled(&mut self, queue: &str, parcels: &[Parcel], end: Option<End>) {
        let kept: Option<Vec<String>> = match &end {
            Some(End::Failed(failures)) => Some(failures.ids().map(str::to_owned).collect()),
            _ => None,
        };
        for parcel in parcels {
            let done = kept.as_ref().map(|kept| !kept.contains(&parcel.id));
            self.say(|| {
                let end = match done {
                    None => "dies",
                    Some(true) => "done",
                    Some(false) => "fails",
                };
                format!("{queue} {} #{}: {end}", about(&parcel.body), parcel.receives)
            });
            // What was handled may still be there, as when the queue loses a deletion.
            let forgotten = self.troubled && self.rng.u8(0..100) < 3;
            if done == Some(true) && !forgotten {
                self.mail.delete(queue, &parcel.id);
            }
        }
        if queue == "inventory" {
            self.negative |= crate::check::stock(self).values().any(|available| *available < 0);
        }
    }

    /// What was published and sent arrives, whatever became of the sender.
    pub(super) fn pass_on(&mut self) {
        for entry in self.bus.take() {
            let body = testing::delivered(&entry);
            for (queue, rule) in [("fulfilment", "FulfilmentRule"), ("order-view", "OrderViewRule")]
            {
                if takes(rule, &entry.detail_type) {
                    self.post(queue, &body, 0);
                }
            }
        }
        for message in self.queues.take() {
            if message.queue == "quarantine" {
                self.say(|| format!("put aside: {message:?}"));
                self.quarantined += 1;
            } else {
                self.post(&message.queue, &message.body, i64::from(message.delay) * 1_000);
            }
        }
    }

    /// Puts a message into a queue: as a rule soon and once.
    fn post(&mut self, queue: &str, body: &str, delay: i64) {
        self.say(|| format!("  {queue} ◀ {} in {delay} ms", about(body)));
        let copies = 1 + usize::from(self.troubled && self.rng.u8(0..100) < 5);
        for _ in 0..copies {
            let late = match (self.troubled, self.rng.u8(0..100)) {
                (true, 0..5) => self.rng.i64(0..1_500_000),
                (true, 5..20) => self.rng.i64(0..5_000),
                _ => self.rng.i64(0..50),
            };
            self.mail.send(queue, body.to_owned(), self.time.now() + delay + late);
        }
    }

    /// The provider was answered, or not. Whether it had news.
    pub(super) fn told(&mut self, letter: Letter, end: Option<End>) -> bool {
        let answer = match end {
            Some(End::Answered(answer)) => Some(answer),
            _ => None,
        };
        self.say(|| format!("the provider's word {letter:?}: {answer:?}"));
        let later = if self.troubled { self.rng.i64(0..5_000) } else { 50 };
        self.provider.answered(letter, answer.as_ref(), self.time.now() + later);
        answer.is_some_and(|answer| is_news(&answer))
    }

    /// The provider told before it answered, if it had anything to tell. Whether it had news.
    pub(super) fn told_early(&mut self, end: Option<End>) -> bool {
        let Some(End::Told(word, answer)) = end else { return false };
        self.say(|| format!("the provider's early word {word:?}: {answer}"));
        self.provider.heard(&word, &answer);
        is_news(&answer)
    }
}

fn is_news(answer: &serde_json::Value) -> bool {
    answer["statusCode"] == 200
        && answer["body"].as_str().is_some_and(|body| body.contains("recorded"))
}

/// What a message is about, in a word.
fn about(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let metadata = &body["detail"]["metadata"];
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
    format!("{} v{} of {}", word(&metadata["type"]), metadata["version"], word(&metadata["stream"]))
}
