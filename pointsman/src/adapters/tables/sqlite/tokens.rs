use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;

/// DynamoDB holds a token for ten minutes.
const HELD_MS: i64 = 10 * 60 * 1000;

/// `ClientRequestToken`s of transactions that went through, with their answers, in engine time. They survive no
/// restart.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    held: HashMap<Key, (u64, Bytes)>,
    order: VecDeque<(i64, Key)>,
}

/// A token counts for its operation alone.
type Key = (&'static str, String);

/// What is known of a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    New,
    Same(Bytes),
    Other,
}

impl Tokens {
    pub(super) fn look(
        &mut self,
        operation: &'static str,
        token: &str,
        what: u64,
        now: i64,
    ) -> Seen {
        while self.order.front().is_some_and(|(at, _)| now - at >= HELD_MS) {
            if let Some((_, key)) = self.order.pop_front() {
                self.held.remove(&key);
            }
        }
        match self.held.get(&(operation, token.to_owned())) {
            None => Seen::New,
            Some((held, answer)) if *held == what => Seen::Same(answer.clone()),
            Some(_) => Seen::Other,
        }
    }

    pub(super) fn hold(
        &mut self,
        operation: &'static str,
        token: &str,
        what: u64,
        answer: &Bytes,
        now: i64,
    ) {
        let key = (operation, token.to_owned());
        self.held.insert(key.clone(), (what, answer.clone()));
        self.order.push_back((now, key));
    }
}

/// The token of a transaction and a digest of what it asks for, if it has one.
pub(super) fn token_of(operation: &str, body: &[u8]) -> Option<(&'static str, String, u64)> {
    let (operation, member) = match operation {
        "TransactWriteItems" => ("TransactWriteItems", "TransactItems"),
        "ExecuteTransaction" => ("ExecuteTransaction", "TransactStatements"),
        _ => return None,
    };
    let request: Value = serde_json::from_slice(body).ok()?;
    let token = request.get("ClientRequestToken")?.as_str()?;
    let mut hasher = DefaultHasher::new();
    digest(request.get(member).unwrap_or(&Value::Null), &mut hasher);
    Some((operation, token.to_owned(), hasher.finish()))
}

/// Independent of the order of members, which SDKs leave to chance.
fn digest(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            ('{', members.len()).hash(hasher);
            for (name, member) in members {
                name.hash(hasher);
                digest(member, hasher);
            }
        }
        Value::Array(items) => {
            ('[', items.len()).hash(hasher);
            items.iter().for_each(|item| digest(item, hasher));
        }
        Value::String(text) => ('"', text).hash(hasher),
        other => ('=', other.to_string()).hash(hasher),
    }
}
