//! Where each body lies, and reading one.

use super::batch::BodyId;
use super::disk::read_exact_at;
use super::error::damaged;
use super::frame::Place;
use super::segment;
use super::shared::Shared;
use bytes::Bytes;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

/// Many small maps instead of one: growing one stops nobody for long, however large the backlog.
const SHARDS: usize = 64;

/// Reads bodies. Clones are cheap and read the same store, from any thread.
#[derive(Clone, Debug)]
pub struct Bodies {
    pub(crate) shared: Arc<Shared>,
}

impl Bodies {
    /// The bytes of a body, from its batch's `append` on until it is released.
    ///
    /// # Errors
    /// `NotFound` for a body never written or released; `InvalidData`, with file and offset, for one whose bytes have
    /// changed on the disk.
    pub fn read(&self, id: BodyId) -> io::Result<Bytes> {
        let mut place = self.shared.index.get(id).ok_or_else(|| unknown(id))?;
        loop {
            match read_at(&self.shared, id, &place) {
                // Moved and its segment removed since we asked where it is.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let now = self.shared.index.get(id).ok_or_else(|| unknown(id))?;
                    if now == place {
                        return Err(error);
                    }
                    place = now;
                }
                result => return result,
            }
        }
    }

    /// Forgets bodies that no state names any more. Their space is given back by compaction, which goes by what is
    /// durable and not by this call.
    pub fn release(&self, ids: impl IntoIterator<Item = BodyId>) {
        for id in ids {
            self.shared.index.remove(id);
        }
    }

    /// The number of bodies.
    pub fn len(&self) -> usize {
        self.shared.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads and checks the bytes at a place.
pub(crate) fn read_at(shared: &Shared, id: BodyId, place: &Place) -> io::Result<Bytes> {
    let file = shared.file(place.at.segment)?;
    let mut buf = vec![0; place.len as usize];
    let whole = read_exact_at(&*file, &mut buf, u64::from(place.at.offset))?;
    if !whole || crc32c::crc32c(&buf) != place.crc {
        let name = segment::name(place.at.segment);
        return Err(damaged(
            &name,
            u64::from(place.at.offset),
            &format!("body {} does not add up", id.0),
        ));
    }
    Ok(buf.into())
}

fn unknown(id: BodyId) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("body {} is not in the store", id.0))
}

/// A map from body to place without sharding, for one thread.
pub(crate) type Places = HashMap<BodyId, Place, BuildHasherDefault<IdHasher>>;

/// The index of all live bodies.
#[derive(Debug)]
pub(crate) struct Index {
    shards: Vec<RwLock<Places>>,
}

impl Index {
    pub(crate) fn new(entries: impl IntoIterator<Item = (BodyId, Place)>) -> Index {
        let index = Index { shards: (0..SHARDS).map(|_| RwLock::default()).collect() };
        for (id, place) in entries {
            index.insert(id, place);
        }
        index
    }

    pub(crate) fn get(&self, id: BodyId) -> Option<Place> {
        self.shard(id).read().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }

    pub(crate) fn insert(&self, id: BodyId, place: Place) {
        self.write(id).insert(id, place);
    }

    /// Gives a body its new place if it is still there.
    pub(crate) fn relocate(&self, id: BodyId, place: Place) {
        if let Some(old) = self.write(id).get_mut(&id) {
            *old = place;
        }
    }

    fn remove(&self, id: BodyId) {
        let mut shard = self.write(id);
        shard.remove(&id);
        // A backlog that was worked off gives its memory back.
        if shard.capacity() > 256 && shard.len() < shard.capacity() / 8 {
            let room = shard.len() * 2;
            shard.shrink_to(room);
        }
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|s| s.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn shard(&self, id: BodyId) -> &RwLock<Places> {
        // Other bits than those which the map inside takes.
        &self.shards[(spread(id.0) >> 32) as usize % SHARDS]
    }

    fn write(&self, id: BodyId) -> std::sync::RwLockWriteGuard<'_, Places> {
        self.shard(id).write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids come from ourselves, mostly in order: a multiplication spreads them, and nobody can aim collisions.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = spread(self.0 ^ id);
    }
}

fn spread(id: u64) -> u64 {
    let product = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 29)
}
