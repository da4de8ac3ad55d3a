//! The payment provider by itself: its word about every charge, which comes late, several times and
//! in any order, also before its answer; and now and then money that it takes in spite of all.

use contract::values::OrderId;
use fastrand::Rng;
use pointsman_kit::{
    event::Timestamp,
    http::{self, signature::sign},
    table::{Change, Item, Key, Memory, Op, Value},
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// What it signs with, and the shop knows.
pub(crate) const SECRET: &str = "the-secret-of-every-world";

/// Its word about a charge.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    id: String,
    pub(crate) order: OrderId,
    body: Json,
}

/// A delivery of its word.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    number: u64,
    pub(crate) word: Word,
    at: i64,
    fraud: Option<Fraud>,
}

/// What is wrong with a letter that is not from the provider.
#[derive(Debug, Clone, Copy)]
enum Fraud {
    Secret,
    Body,
    Time,
}

/// A word that is told as soon as there is one, while the provider has not even answered.
#[derive(Debug)]
pub(crate) struct Early {
    pub(crate) order: OrderId,
    number: u64,
    pub(crate) pauses: Vec<i64>,
}

/// What was seen of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// Words that were news, and that were not.
    pub(crate) recorded: u64,
    pub(crate) known: u64,
    /// Those told again, with the same answer.
    pub(crate) again: u64,
    /// Letters that were not from the provider.
    pub(crate) frauds: u64,
    /// Two words about one payment at the same moment.
    pub(crate) together: u64,
    /// A word that was news while `payment` was at it.
    pub(crate) against: u64,
    /// Words that were decided on anew, since somebody else came first.
    pub(crate) anew: u64,
    /// Money that was taken in spite of all.
    pub(crate) spite: u64,
}

/// The provider's side.
#[derive(Default)]
pub(crate) struct Provider {
    letters: Vec<Letter>,
    /// By word, the answer it got first.
    answers: BTreeMap<String, Json>,
    /// Up to where the tables' changes were read.
    cursor: u64,
    sent: u64,
    /// Whether nobody hears its word, so that what the shop asks it is all that there is.
    pub(crate) is_mute: bool,
    pub(crate) told: Told,
    /// What is wrong with an answer.
    pub(crate) fault: Option<String>,
}

impl Provider {
    pub(crate) fn new(is_mute: bool) -> Self {
        Self { is_mute, ..Self::default() }
    }

    /// Has a word for each charge that was decided.
    pub(crate) fn look(&mut self, tables: &Memory, now: i64, troubled: bool, rng: &mut Rng) {
        let changes = tables.changes(self.cursor);
        self.cursor = changes.last().map_or(self.cursor, |last| last.sequence);
        if self.is_mute {
            return;
        }
        for Change { key, old, new, .. } in changes {
            let state = |item: &Option<Item>| item.as_ref().and_then(|i| i.get("state").cloned());
            let word = new.as_ref().filter(|_| state(&old) != state(&new));
            let Some(word) = word.and_then(|item| Word::of(&key, item)) else { continue };
            let copies = if troubled { rng.usize(1..=3) } else { 1 };
            for _ in 0..copies {
                let late = match (troubled, rng.u8(0..100)) {
                    (true, 0..30) => rng.i64(0..60),
                    // When the message comes again whose question it is about.
                    (true, 30..65) => 59_980 + rng.i64(0..60),
                    (true, 65..85) => rng.i64(0..5_000),
                    (true, _) => rng.i64(0..1_500_000),
                    (false, _) => rng.i64(0..50),
                };
                self.post(word.clone(), now + late, None);
            }
            if troubled && rng.u8(0..100) < 10 {
                let fraud = [Fraud::Secret, Fraud::Body, Fraud::Time][rng.usize(0..3)];
                self.post(word.clone(), now + rng.i64(0..5_000), Some(fraud));
            }
        }
    }

    /// The letters that are due, by their numbers.
    pub(crate) fn ready(&self, now: i64) -> impl Iterator<Item = u64> {
        self.letters.iter().filter(move |letter| letter.at <= now).map(|letter| letter.number)
    }

    /// When the next letter is due.
    pub(crate) fn next(&self) -> Option<i64> {
        self.letters.iter().map(|letter| letter.at).min()
    }

    pub(crate) fn take(&mut self, number: u64) -> Option<Letter> {
        let at = self.letters.iter().position(|letter| letter.number == number)?;
        Some(self.letters.remove(at))
    }

    /// A word that will be told as soon as there is one, now and then.
    pub(crate) fn early(&mut self, order: OrderId, rng: &mut Rng) -> Option<Early> {
        if self.is_mute || rng.u8(0..100) >= 40 {
            return None;
        }
        self.sent += 1;
        let pauses = (0..12).map(|_| rng.i64(0..12)).collect();
        Some(Early { order, number: self.sent, pauses })
    }

    /// What has become of an order's charge since this was last looked at, if there is a word for it.
    pub(crate) fn news(&self, tables: &Memory, order: OrderId) -> Option<Word> {
        let key = key(order);
        let changes = tables.changes(self.cursor);
        let last = changes.iter().rev().find(|change| change.key == key)?;
        Word::of(&key, last.new.as_ref()?)
    }

    /// A letter was answered, or nobody answered.
    pub(crate) fn answered(&mut self, letter: Letter, answer: Option<&Json>, at: i64) {
        let status = answer.and_then(|answer| answer["statusCode"].as_u64());
        match (letter.fraud, status) {
            (Some(_), Some(401)) => self.told.frauds += 1,
            (Some(fraud), Some(200 | 404)) => self.wrong(format!("{fraud:?} was believed")),
            (None, Some(200)) => self.heard(&letter.word, answer.unwrap_or(&Json::Null)),
            // Nobody answered, or not now: the provider tells again.
            (_, None | Some(409 | 500..)) => self.post(letter.word, at, letter.fraud),
            (_, Some(_)) => self.wrong(format!("{:?} was answered {answer:?}", letter.word)),
        }
    }

    /// A word was taken.
    pub(crate) fn heard(&mut self, word: &Word, answer: &Json) {
        if answer["statusCode"] != 200 {
            return;
        }
        let body = answer["body"].as_str().unwrap_or_default();
        match self.answers.get(&word.id) {
            Some(first) if first != answer => {
                self.wrong(format!("{} was answered {first} and then {answer}", word.id));
            }
            Some(_) => self.told.again += 1,
            None => {
                if body.contains("recorded") {
                    self.told.recorded += 1;
                } else {
                    self.told.known += 1;
                }
                self.answers.insert(word.id.clone(), answer.clone());
            }
        }
    }

    /// Takes the price of an order whose payment was refused, or undone, before; one that is mute does not, since only
    /// its word could set that right.
    pub(crate) fn in_spite(&mut self, tables: &Memory, order: OrderId) {
        if self.is_mute {
            return;
        }
        let services = tables.items("Services");
        let row = |pk: String| services.iter().find(|item| item["pk"] == Value::S(pk.clone()));
        let state = row(format!("payment#{order}")).and_then(|row| row.get("state")?.as_s());
        let taken = row(format!("provider#{order}")).is_some_and(|row| row.contains_key("taken"));
        if taken || !matches!(state, Some("declined" | "tombstone")) {
            return;
        }
        let stream = Value::S(format!("fulfilment#{order}"));
        let rows = tables.items("EventStore");
        let requested = rows
            .iter()
            .find(|row| row["pk"] == stream && row.get("type") == Some(&"PaymentRequested".into()));
        let detail = requested.and_then(|row| row.get("detail")?.as_s());
        let Some(Ok(detail)) = detail.map(serde_json::from_str::<Json>) else { return };
        let (Some(total), Some(currency)) =
            (detail["data"]["total"].as_i64(), detail["data"]["currency"].as_str())
        else {
            return;
        };
        let row = Op::update(key(order)).set("state", "charged").set("amount", total);
        let row = row.set("currency", currency).set("transactionId", format!("spite-{order}"));
        tables.force(row.add("taken", total));
        self.told.spite += 1;
    }

    fn post(&mut self, word: Word, at: i64, fraud: Option<Fraud>) {
        self.sent += 1;
        self.letters.push(Letter { number: self.sent, word, at, fraud });
    }

    fn wrong(&mut self, what: String) {
        self.fault.get_or_insert(what);
    }
}

impl Word {
    /// What the provider says about a charge whose account is `item`; nothing, of anything else.
    pub(crate) fn of(key: &Key, item: &Item) -> Option<Self> {
        if &*key.table != "Services" || key.sk != "charge" {
            return None;
        }
        let order: OrderId = key.pk.strip_prefix("provider#")?.parse().ok()?;
        let text = |name: &str| item.get(name).and_then(Value::as_s);
        let state = text("state")?;
        let id = format!("evt-{order}-{state}");
        let body = match state {
            "charged" => {
                let amount: i64 = item.get("amount").and_then(Value::as_n)?;
                let charge = json!({
                    "key": order, "transactionId": text("transactionId")?, "amount": amount,
                    "currency": text("currency")?,
                });
                json!({ "id": id, "type": "charge.succeeded", "charge": charge })
            }
            "declined" => {
                json!({ "id": id, "type": "charge.declined", "charge": { "key": order } })
            }
            _ => return None,
        };
        Some(Self { id, order, body })
    }
}

impl Letter {
    /// As API Gateway hands it over.
    pub(crate) fn request(&self, now: i64) -> http::Event {
        let mut body = self.word.body.clone();
        if let Some(fraud) = self.fraud {
            body["id"] = format!("{fraud:?}-{}", self.number).into();
        }
        let text = body.to_string();
        let at = |ms| Timestamp::from_ms(ms);
        let (signature, text) = match self.fraud {
            None => (sign(SECRET, at(now), text.as_bytes()), text),
            Some(Fraud::Secret) => (sign("the-secret-of-nobody", at(now), text.as_bytes()), text),
            Some(Fraud::Time) => (sign(SECRET, at(now - 600_000), text.as_bytes()), text),
            Some(Fraud::Body) => (sign(SECRET, at(now), text.as_bytes()), format!("{text} ")),
        };
        request(self.number, &text, &signature, now)
    }
}

impl Early {
    /// The word as API Gateway hands it over.
    pub(crate) fn request(&self, word: &Word, now: i64) -> http::Event {
        let text = word.body.to_string();
        let signature = sign(SECRET, Timestamp::from_ms(now), text.as_bytes());
        request(self.number, &text, &signature, now)
    }
}

fn request(number: u64, body: &str, signature: &str, now: i64) -> http::Event {
    let route = "POST /webhooks/payments";
    let event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": "/webhooks/payments",
        "headers": { "payment-signature": signature },
        "requestContext": {
            "http": { "method": "POST" },
            "requestId": format!("letter-{number}"),
            "routeKey": route,
            "timeEpoch": now,
        },
        "body": body,
        "isBase64Encoded": false,
    });
    serde_json::from_value(event).expect("a request")
}

fn key(order: OrderId) -> Key {
    Key::new("Services", format!("provider#{order}"), "charge")
}

impl Told {
    pub(crate) fn add(&mut self, more: &Self) {
        self.recorded += more.recorded;
        self.known += more.known;
        self.again += more.again;
        self.frauds += more.frauds;
        self.together += more.together;
        self.against += more.against;
        self.anew += more.anew;
        self.spite += more.spite;
    }

    /// How often each of it was.
    pub(crate) fn counts(&self) -> [u64; 8] {
        let Self { recorded, known, again, frauds, together, against, anew, spite } = *self;
        [recorded, known, again, frauds, together, against, anew, spite]
    }
}
