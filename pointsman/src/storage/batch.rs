//! What is committed together.

use bytes::Bytes;

/// Names a body: the bytes of an event or a message, written once. Never used again for other bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyId(pub u64);

/// Records and bodies that become durable together or not at all, by one write and one sync.
///
/// A body goes into the same batch as the first record that names it: a snapshot between the two would drop it. Records
/// may be empty. All together at most 1 GiB.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Length and bytes of each record, as they will lie in the log.
    pub(crate) records: Vec<u8>,
    pub(crate) count: u32,
    pub(crate) bodies: Vec<Body>,
    pub(crate) bodies_len: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) id: BodyId,
    pub(crate) bytes: Bytes,
    /// Written before: only a body that is still indexed gets the new place.
    pub(crate) moved: bool,
}

impl Batch {
    /// Nothing yet.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Adds one record.
    pub fn record(&mut self, bytes: &[u8]) {
        self.record_with(|out| out.extend_from_slice(bytes));
    }

    /// Adds one record which `write` appends to the buffer it is given, so that it is serialised in place.
    pub fn record_with<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let start = self.records.len();
        self.records.extend_from_slice(&[0; 4]);
        let result = write(&mut self.records);
        // A record beyond 4 GiB makes the batch too large, and `append` refuses it.
        let len = (self.records.len() - start - 4) as u32;
        self.records[start..start + 4].copy_from_slice(&len.to_le_bytes());
        self.count += 1;
        result
    }

    /// Adds a body.
    pub fn body(&mut self, id: BodyId, bytes: Bytes) {
        self.push(Body { id, bytes, moved: false });
    }

    /// Adds a body that [`Compactor::next_moves`](super::Compactor::next_moves) handed out; one released since then
    /// stays released.
    pub fn moved_body(&mut self, id: BodyId, bytes: Bytes) {
        self.push(Body { id, bytes, moved: true });
    }

    /// The number of records.
    pub fn records(&self) -> usize {
        self.count as usize
    }

    /// The bytes of records and bodies.
    pub fn len(&self) -> usize {
        self.records.len() + self.bodies_len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.count == 0 && self.bodies.is_empty()
    }

    /// Empties it and keeps its space.
    pub fn clear(&mut self) {
        self.records.clear();
        self.count = 0;
        self.bodies.clear();
        self.bodies_len = 0;
    }

    fn push(&mut self, body: Body) {
        self.bodies_len += body.bytes.len();
        self.bodies.push(body);
    }
}
