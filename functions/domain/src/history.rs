//! An order's history: the rows of its streams in one list.
//!
//! There is no total order over streams. The list is one that nobody can object to: a row comes
//! behind its cause and behind the row before it in its stream; where that leaves a choice, the
//! earlier comes first, then the smaller id.

#[cfg(test)]
mod tests;

use contract::event::{Envelope, Timestamp, Ulid};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

/// A versioned row of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whether it is an event or a command.
    pub kind: RowKind,
    /// The event or command.
    pub envelope: Envelope,
}

/// What a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// An event.
    Event,
    /// A command: it links its cause to what it caused, and is then left out.
    Command,
}

/// The events of `rows`, causes first. The order of `rows` has no influence, and a row that comes
/// twice counts once.
///
/// Rows whose causes form a circle, which no writer of ours makes, come last and by time, so that
/// nothing is lost.
pub fn merge(rows: Vec<Row>) -> Vec<Envelope> {
    let rows: BTreeMap<Ulid, Row> =
        rows.into_iter().map(|row| (row.envelope.metadata.id, row)).collect();
    let mut links = Links::of(&rows);
    let mut ready: BinaryHeap<_> = rows
        .keys()
        .filter(|id| !links.waiting.contains_key(*id))
        .map(|id| Reverse(key(&rows, *id)))
        .collect();
    let mut order = Vec::with_capacity(rows.len());
    while let Some(Reverse((_, id))) = ready.pop() {
        order.push(id);
        ready.extend(links.release(id).into_iter().map(|id| Reverse(key(&rows, id))));
    }
    let mut circle: Vec<_> = links.waiting.into_keys().map(|id| key(&rows, id)).collect();
    circle.sort_unstable();
    order.extend(circle.into_iter().map(|(_, id)| id));

    let mut rows = rows;
    order
        .into_iter()
        .filter_map(|id| rows.remove(&id))
        .filter(|row| row.kind == RowKind::Event)
        .map(|row| row.envelope)
        .collect()
}

/// Who waits for whom.
struct Links {
    /// By row, those that come behind it.
    behind: BTreeMap<Ulid, Vec<Ulid>>,
    /// By row, how many it still waits for; without an entry, none.
    waiting: BTreeMap<Ulid, usize>,
}

impl Links {
    fn of(rows: &BTreeMap<Ulid, Row>) -> Self {
        let mut pairs = BTreeSet::new();
        let mut streams: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, Row { envelope: Envelope { metadata, .. }, .. }) in rows {
            streams.entry(&metadata.stream).or_default().push((metadata.version, *id));
            // A request's id need be no ULID; then it is no row's either.
            if let Ok(cause) = metadata.causation_id.parse()
                && rows.contains_key(&cause)
            {
                pairs.insert((cause, *id));
            }
        }
        for stream in streams.values_mut() {
            stream.sort_unstable();
            pairs.extend(stream.windows(2).map(|pair| (pair[0].1, pair[1].1)));
        }
        let mut links = Self { behind: BTreeMap::new(), waiting: BTreeMap::new() };
        for (before, after) in pairs {
            links.behind.entry(before).or_default().push(after);
            *links.waiting.entry(after).or_default() += 1;
        }
        links
    }

    /// Those that waited for `id` alone.
    fn release(&mut self, id: Ulid) -> Vec<Ulid> {
        let mut free = self.behind.remove(&id).unwrap_or_default();
        free.retain(|after| {
            let left = self.waiting.get_mut(after).map_or(0, |left| {
                *left -= 1;
                *left
            });
            if left == 0 {
                self.waiting.remove(after);
            }
            left == 0
        });
        free
    }
}

fn key(rows: &BTreeMap<Ulid, Row>, id: Ulid) -> (Option<Timestamp>, Ulid) {
    (rows.get(&id).map(|row| row.envelope.metadata.occurred_at), id)
}
