//! Doing a thing once, however often it is asked for.
//!
//! A [`Once`] is a row that says a request or an event was dealt with, written in the same
//! transaction as what was done ([`crate::transaction`]): either all of it happened or nothing.
//! There is no check-then-act: who comes second finds the row's condition false.
//!
//! What happens outside the table, no transaction can hold: that is what [`crate::lock`] is for.

use crate::table::{Condition, Error, Item, Key, Op, Tables, Value};
use pointsman_event::Timestamp;
use ring::digest::{Context, Digest, SHA256};

/// For how long the key of a request repeats its answer.
const REQUEST_HOURS: i64 = 24;
/// For how long an event's marker is kept, in hours: 60 days, more than a queue's 4 days of
/// retention, its DLQ's 14, another 14 after a redrive, and a replay's horizon of 14.
const MARKER_HOURS: i64 = 60 * 24;

const HASH: &str = "hash";
const ANSWER: &str = "answer";
/// The attribute by which the table forgets rows (its TTL attribute), in seconds since the epoch.
pub const EXPIRES: &str = "expires";

/// Something that is to be done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    key: Key,
    hash: String,
    now: i64,
    expires: i64,
}

/// What a [`Once`]'s row says, if it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It was done, with this answer if one was kept.
    Done(Option<String>),
    /// The same key was used for something else: another request, or an event whose content has
    /// changed under its id.
    Other,
}

impl Once {
    /// One request: the caller's `subject`, the `route`, their Idempotency-Key, and the body that
    /// must come with it again. Its answer is repeated for 24 hours.
    pub fn request(
        table: &str,
        subject: &str,
        route: &str,
        key: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Self {
        // Hashed: none of the three parts can be confused with another's, whatever is in them.
        let id = digest(&[subject.as_bytes(), route.as_bytes(), key.as_bytes()]);
        Self::new(Key::new(table, format!("request#{id}"), "request"), body, now, REQUEST_HOURS)
    }

    /// One event (or command) at one consumer and one generation of its state.
    pub fn marker(
        table: &str,
        consumer: &str,
        generation: &str,
        event: &str,
        data: &[u8],
        now: Timestamp,
    ) -> Self {
        let pk = format!("marker#{consumer}#{generation}#{event}");
        Self::new(Key::new(table, pk, "marker"), data, now, MARKER_HOURS)
    }

    fn new(key: Key, payload: &[u8], now: Timestamp, hours: i64) -> Self {
        let now = now.as_ms().div_euclid(1000);
        let expires = now + hours * 3600;
        Self { key, hash: digest(&[payload]), now, expires }
    }

    /// Looks whether it was done, to save the work of finding out by trying.
    ///
    /// # Errors
    /// The table's.
    pub async fn seen(&self, tables: &dyn Tables) -> Result<Option<Seen>, Error> {
        let item = tables.get(&self.key).await?;
        // The table's TTL deletes days late, so the time is compared here too.
        let valid = |item: &Item| {
            item.get(EXPIRES).and_then(Value::as_n).is_none_or(|at: i64| at >= self.now)
        };
        Ok(item.filter(valid).map(|item| self.read(&item)))
    }

    /// The row, under the condition that there is none yet, or only one that has expired.
    pub(crate) fn op(&self, answer: Option<String>) -> Op {
        let mut item = Item::from([
            (HASH.to_owned(), self.hash.as_str().into()),
            (EXPIRES.to_owned(), self.expires.into()),
        ]);
        if let Some(answer) = answer {
            item.insert(ANSWER.to_owned(), answer.into());
        }
        let free = Condition::Any(vec![Condition::Absent, Condition::less(EXPIRES, self.now)]);
        Op::put(self.key.clone(), item).when(free).returning()
    }

    /// What the row that was there says.
    pub(crate) fn read(&self, item: &Item) -> Seen {
        if item.get(HASH).and_then(Value::as_s) != Some(&self.hash) {
            return Seen::Other;
        }
        Seen::Done(item.get(ANSWER).and_then(Value::as_s).map(str::to_owned))
    }

    /// Where the row is.
    pub fn key(&self) -> &Key {
        &self.key
    }
}

/// SHA-256 in hex over parts, each with its length, so that no two lists of parts look alike.
pub(crate) fn digest(parts: &[&[u8]]) -> String {
    digest_bytes(parts).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same as bytes.
pub(crate) fn digest_bytes(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Memory;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_ms(second * 1000)
    }

    fn request(subject: &str, route: &str, key: &str) -> Key {
        Once::request("T", subject, route, key, b"", at(0)).key
    }

    #[test]
    fn a_request_is_its_callers_its_routes_and_its_keys() {
        let key = request("ann", "POST /orders", "1");
        assert_eq!(key, request("ann", "POST /orders", "1"));
        assert_ne!(key, request("bob", "POST /orders", "1"));
        assert_ne!(key, request("ann", "POST /customers", "1"));
        assert_ne!(key, request("ann", "POST /orders", "2"));
        assert_ne!(request("a", "bc", "d"), request("ab", "c", "d"));
    }

    #[tokio::test]
    async fn the_row_says_what_was_done_until_it_expires() {
        let tables = Memory::new();
        let once = |body: &[u8], now| Once::request("T", "ann", "POST /", "k", body, at(now));
        assert_eq!(once(b"a", 0).seen(&tables).await.unwrap(), None);
        tables.write(once(b"a", 0).op(Some("yes".into()))).await.unwrap();
        let day = 24 * 3600;
        let done = Some(Seen::Done(Some("yes".into())));
        assert_eq!(once(b"a", day).seen(&tables).await.unwrap(), done);
        assert_eq!(once(b"b", day).seen(&tables).await.unwrap(), Some(Seen::Other));
        assert!(tables.write(once(b"a", day).op(None)).await.is_err());
        assert_eq!(once(b"b", day + 1).seen(&tables).await.unwrap(), None);
        tables.write(once(b"b", day + 1).op(None)).await.unwrap();
        assert_eq!(once(b"b", day + 2).seen(&tables).await.unwrap(), Some(Seen::Done(None)));
    }

    #[tokio::test]
    async fn a_marker_outlasts_queue_dlq_and_redrive() {
        let tables = Memory::new();
        let day = 24 * 3600;
        let once = |now| Once::marker("T", "order-view", "1", "01J", b"{}", at(now));
        tables.write(once(0).op(None)).await.unwrap();
        assert_eq!(once(59 * day).seen(&tables).await.unwrap(), Some(Seen::Done(None)));
        assert_eq!(once(61 * day).seen(&tables).await.unwrap(), None);
    }

    #[test]
    fn a_marker_names_consumer_generation_and_event() {
        let once = Once::marker("T", "order-view", "2", "01J", b"", at(0));
        assert_eq!(once.key.pk, "marker#order-view#2#01J");
    }
}
