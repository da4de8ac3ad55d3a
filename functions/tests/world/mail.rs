//! Queues between the functions: delayed, doubled, in any order, and seen again when not deleted.

use contract::event::Timestamp;
use fastrand::Rng;
use pointsman_kit::testing::Delivery;
use std::collections::BTreeMap;

/// How long a received message is hidden, as the template has it.
const VISIBILITY: i64 = 60_000;
/// How often a message is received before it is a dead letter.
const MAX_RECEIVES: u32 = 5;

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) receives: u32,
    first_received: Option<Timestamp>,
    visible_at: i64,
}

impl Parcel {
    /// The message as Lambda hands it over.
    pub(crate) fn delivery(&self) -> Delivery {
        Delivery {
            id: self.id.clone(),
            body: self.body.clone(),
            first_received: self.first_received.expect("it was received"),
            receives: self.receives,
        }
    }
}

/// All queues by name.
#[derive(Default)]
pub(crate) struct Mail {
    queues: BTreeMap<String, Vec<Parcel>>,
    dead: BTreeMap<String, Vec<Parcel>>,
    /// Queues that nobody reads, and until when.
    closed: BTreeMap<String, i64>,
    sent: u64,
}

impl Mail {
    pub(crate) fn send(&mut self, queue: &str, body: String, visible_at: i64) {
        self.sent += 1;
        let id = format!("m{}", self.sent);
        let parcel = Parcel { id, body, receives: 0, first_received: None, visible_at };
        self.queues.entry(queue.to_owned()).or_default().push(parcel);
    }

    /// Nobody reads this queue until then.
    pub(crate) fn close(&mut self, queue: &str, until: i64) {
        self.closed.insert(queue.to_owned(), until);
    }

    /// All queues are read again.
    pub(crate) fn open(&mut self) {
        self.closed.clear();
    }

    /// The queues that have something to receive at `now`.
    pub(crate) fn ready(&self, now: i64) -> Vec<String> {
        let ready = self.nexts().filter(|(_, next)| *next <= now);
        ready.map(|(name, _)| name.clone()).collect()
    }

    /// When the next message can be received, if none can be at `now`.
    pub(crate) fn next(&self) -> Option<i64> {
        self.nexts().map(|(_, next)| next).min()
    }

    /// Of each queue that is not empty, when a message can be received.
    fn nexts(&self) -> impl Iterator<Item = (&String, i64)> {
        self.queues.iter().filter_map(|(name, parcels)| {
            let visible = parcels.iter().map(|parcel| parcel.visible_at).min()?;
            let opens = self.closed.get(name).copied();
            Some((name, opens.map_or(visible, |opens| opens.max(visible))))
        })
    }

    /// Receives up to `most` messages, whichever.
    pub(crate) fn receive(
        &mut self,
        queue: &str,
        most: usize,
        now: i64,
        rng: &mut Rng,
    ) -> Vec<Parcel> {
        let Some(parcels) = self.queues.get_mut(queue) else { return Vec::new() };
        let dead =
            |parcel: &mut Parcel| parcel.visible_at <= now && parcel.receives >= MAX_RECEIVES;
        self.dead.entry(queue.to_owned()).or_default().extend(parcels.extract_if(.., dead));
        let mut visible: Vec<usize> =
            (0..parcels.len()).filter(|at| parcels[*at].visible_at <= now).collect();
        rng.shuffle(&mut visible);
        visible.truncate(most);
        let hand_out = |at: usize| {
            let parcel = &mut parcels[at];
            parcel.receives += 1;
            parcel.visible_at = now + VISIBILITY;
            parcel.first_received.get_or_insert(Timestamp::from_ms(now));
            parcel.clone()
        };
        visible.into_iter().map(hand_out).collect()
    }

    pub(crate) fn delete(&mut self, queue: &str, id: &str) {
        if let Some(parcels) = self.queues.get_mut(queue) {
            parcels.retain(|parcel| parcel.id != id);
        }
    }

    /// Gives all dead letters another life, as an operator does who has mended the cause. How many
    /// there were.
    pub(crate) fn redrive(&mut self, now: i64) -> usize {
        let dead = std::mem::take(&mut self.dead);
        let letters = dead.into_iter().flat_map(|(queue, parcels)| {
            parcels.into_iter().map(move |parcel| (queue.clone(), parcel))
        });
        let letters: Vec<_> = letters.collect();
        let count = letters.len();
        for (queue, parcel) in letters {
            self.send(&queue, parcel.body, now);
        }
        count
    }

    pub(crate) fn is_empty(&self) -> bool {
        let none = |queues: &BTreeMap<String, Vec<Parcel>>| queues.values().all(Vec::is_empty);
        none(&self.queues) && none(&self.dead)
    }
}
