//! Minting ids at the edge, so that decisions get them as arguments.

use crate::idempotency::digest_bytes;
use pointsman_event::{Timestamp, Ulid};
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::{Arc, Mutex, PoisonError};

/// A source of [`Ulid`]s. Clones share it.
#[derive(Clone)]
pub struct Ids(Source);

#[derive(Clone)]
enum Source {
    System(SystemRandom),
    Seeded(Arc<Mutex<fastrand::Rng>>),
}

impl Ids {
    /// Ids whose random part is the operating system's.
    pub fn random() -> Self {
        Self(Source::System(SystemRandom::new()))
    }

    /// Ids that `seed` determines, for tests.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)))))
    }

    /// A new id of the time `now`.
    ///
    /// # Panics
    /// If the operating system has no randomness to give; an id made without it could be another's.
    pub fn mint(&self, now: Timestamp) -> Ulid {
        let mut random = [0; 10];
        match &self.0 {
            Source::System(system) => {
                system.fill(&mut random).expect("the operating system's random source works");
            }
            Source::Seeded(rng) => {
                rng.lock().unwrap_or_else(PoisonError::into_inner).fill(&mut random);
            }
        }
        Ulid::new(u64::try_from(now.as_ms()).unwrap_or(0), random)
    }
}

/// The id of something that is the same whenever its time and these parts are: who tells of it
/// again tells of the same, and is met as a duplicate.
pub fn derived(at: Timestamp, parts: &[&[u8]]) -> Ulid {
    let digest = digest_bytes(parts);
    let mut bits = [0; 10];
    bits.copy_from_slice(&digest.as_ref()[..10]);
    Ulid::new(u64::try_from(at.as_ms()).unwrap_or(0), bits)
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Source::System(_) => "Ids(random)",
            Source::Seeded(_) => "Ids(seeded)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_carry_their_time() {
        let now = Timestamp::from_ms(1_700_000_000_000);
        let (one, two) = (Ids::random().mint(now), Ids::random().mint(now));
        assert_ne!(one, two);
        assert_eq!(one.epoch_ms(), 1_700_000_000_000);
        assert_eq!(Ids::seeded(1).mint(now), Ids::seeded(1).mint(now));
    }

    #[test]
    fn a_derived_id_follows_from_its_time_and_each_of_its_parts() {
        let now = Timestamp::from_ms(1_700_000_000_000);
        let id = derived(now, &[b"web-1", b"cpu"]);
        assert_eq!((id, id.epoch_ms()), (derived(now, &[b"web-1", b"cpu"]), 1_700_000_000_000));
        assert_ne!(id, derived(now, &[b"web-1c", b"pu"]));
        assert_ne!(id, derived(Timestamp::from_ms(now.as_ms() + 1), &[b"web-1", b"cpu"]));
    }
}
