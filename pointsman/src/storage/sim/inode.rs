//! A simulated file: what is seen, what is on the medium, and the changes between the two.

use super::random::Random;

/// What the medium writes as a whole.
const SECTOR: usize = 512;

#[derive(Debug)]
pub(super) struct Inode {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
    pub(super) unlinked: bool,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Clear { offset: usize, len: usize },
}

impl Inode {
    /// A new file; on the medium it is empty until it is synced.
    pub(super) fn allocated(len: u64) -> Inode {
        let len = len as usize;
        Inode {
            seen: vec![0; len],
            durable: Vec::new(),
            pending: vec![Change::Clear { offset: 0, len }],
            unlinked: false,
        }
    }

    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        put(&mut self.seen, offset, bytes);
        self.pending.push(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn clear_from(&mut self, offset: usize, len: usize) {
        clear(&mut self.seen, offset, len);
        self.pending.push(Change::Clear { offset, len });
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// Some of it reached the medium, the rest never will, and nobody is told again.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        let keep = random.keep_share();
        self.write_some(random, keep);
    }

    pub(super) fn lose_power(&mut self, random: &mut Random, keep: f64) {
        self.write_some(random, keep);
        self.seen.clone_from(&self.durable);
    }

    pub(super) fn flip(&mut self, offset: u64) {
        for bytes in [&mut self.seen, &mut self.durable] {
            bytes[offset as usize] ^= 0x55;
        }
    }

    fn write_some(&mut self, random: &mut Random, keep: f64) {
        for change in std::mem::take(&mut self.pending) {
            let Change::Write { offset, bytes } = &change else {
                if random.chance(keep) {
                    change.apply(&mut self.durable);
                }
                continue;
            };
            let (mut at, end) = (*offset, offset + bytes.len());
            while at < end {
                let next = ((at / SECTOR + 1) * SECTOR).min(end);
                if random.chance(keep) {
                    put(&mut self.durable, at, &bytes[at - offset..next - offset]);
                }
                at = next;
            }
        }
    }
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => put(to, *offset, bytes),
            Change::Clear { offset, len } => clear(to, *offset, *len),
        }
    }
}

fn put(to: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if to.len() < offset + bytes.len() {
        to.resize(offset + bytes.len(), 0);
    }
    to[offset..offset + bytes.len()].copy_from_slice(bytes);
}

fn clear(to: &mut Vec<u8>, offset: usize, len: usize) {
    to.truncate(offset);
    to.resize(len, 0);
}
