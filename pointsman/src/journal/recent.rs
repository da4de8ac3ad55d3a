//! The bodies that were written last, in memory: most are read within moments, and then never again.

use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many bytes are kept.
const MOST: usize = 8 << 20;

/// The newest bodies, until nothing needs them or newer ones take their room.
#[derive(Default)]
pub(super) struct Recent(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    bodies: HashMap<u64, Bytes>,
    /// In the order in which they came; those that nothing needs any more may still be among them.
    order: VecDeque<u64>,
    bytes: usize,
}

impl Recent {
    pub(super) fn keep(&self, bodies: &[(u64, Bytes)]) {
        let mut kept = self.kept();
        for (id, bytes) in bodies {
            kept.forget(*id);
            kept.bytes += bytes.len();
            kept.bodies.insert(*id, bytes.clone());
            kept.order.push_back(*id);
        }
        while let Some(&first) = kept.order.front()
            && (kept.bytes > MOST || !kept.bodies.contains_key(&first))
        {
            kept.forget(first);
            kept.order.pop_front();
        }
    }

    pub(super) fn get(&self, id: u64) -> Option<Bytes> {
        self.kept().bodies.get(&id).cloned()
    }

    pub(super) fn forget(&self, ids: &[u64]) {
        let mut kept = self.kept();
        ids.iter().for_each(|id| kept.forget(*id));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget(&mut self, id: u64) {
        if let Some(bytes) = self.bodies.remove(&id) {
            self.bytes -= bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(id: u64, size: usize) -> (u64, Bytes) {
        (id, Bytes::from(vec![b'x'; size]))
    }

    #[test]
    fn the_newest_are_kept_as_far_as_there_is_room() {
        let recent = Recent::default();
        recent.keep(&[body(1, MOST / 2), body(2, MOST / 2)]);
        assert!(recent.get(1).is_some() && recent.get(2).is_some());
        recent.keep(&[body(3, 1)]);
        assert_eq!((recent.get(1), recent.get(3).map(|b| b.len())), (None, Some(1)));
        recent.keep(&[body(4, MOST + 1)]);
        assert!((1..=4).all(|id| recent.get(id).is_none()), "larger than all room");
        assert_eq!(recent.kept().bytes, 0);
    }

    #[test]
    fn what_nothing_needs_takes_no_room() {
        let recent = Recent::default();
        for id in 0..10_000 {
            recent.keep(&[body(id, 100)]);
            recent.forget(&[id]);
        }
        recent.keep(&[body(10_000, 100)]);
        let kept = recent.kept();
        assert_eq!((kept.bodies.len(), kept.order.len(), kept.bytes), (1, 1, 100));
    }

    #[test]
    fn a_body_that_is_written_again_counts_once() {
        let recent = Recent::default();
        recent.keep(&[body(1, 100)]);
        recent.keep(&[body(1, 50)]);
        assert_eq!(recent.kept().bytes, 50);
        recent.forget(&[1]);
        assert_eq!(recent.kept().bytes, 0);
    }
}
