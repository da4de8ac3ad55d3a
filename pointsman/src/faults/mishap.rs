use crate::engine::{Choices, Name};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// What may befall messages on their way into queues. Plain data: the same one makes the same choices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mishaps {
    /// Where the choices come from.
    pub seed: u64,
    /// Of a million messages, so many are there twice.
    pub duplicates: u32,
    /// Of a million messages, so many come later.
    pub delays: u32,
    /// By how much later at most, in engine time; a second copy also.
    pub longest: Duration,
    /// Only on the way into these queues; empty for all.
    pub only: Arc<BTreeSet<String>>,
    /// Messages that something certainly befalls: for each the next one into the queue, or into any.
    pub certain: Vec<Certain>,
}

/// Something that befalls the next message into a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Certain {
    /// Tells it from others.
    pub id: u64,
    /// The queue; any if it is `None`.
    pub queue: Option<Name>,
    /// What.
    pub what: Befallen,
}

/// What befalls one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Befallen {
    /// It is there twice, the second copy later by so much engine time.
    pub copy: Option<Duration>,
    /// It comes later by so much engine time.
    pub delay: Option<Duration>,
}

/// What befell a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mishap {
    /// The queue it went to.
    pub queue: Name,
    /// What befell it.
    pub what: Befallen,
    /// The certain mishap that this was.
    pub certain: Option<u64>,
}

impl Mishaps {
    /// What befalls the `nth` message that ever went into a queue, after what befell others of the same decision.
    pub fn of(&self, queue: &Name, nth: u64, before: &[Mishap]) -> Option<Mishap> {
        let is_open = |c: &&Certain| {
            c.queue.as_ref().is_none_or(|q| q == queue)
                && !before.iter().any(|mishap| mishap.certain == Some(c.id))
        };
        if let Some(certain) = self.certain.iter().find(is_open) {
            let (what, certain) = (certain.what, Some(certain.id));
            return Some(Mishap { queue: queue.clone(), what, certain });
        }
        if !self.only.is_empty() && !self.only.contains(&**queue) {
            return None;
        }
        let mut choices = choices(self.seed, &["delivery", queue], nth);
        let longest = u64::try_from(self.longest.as_millis()).unwrap_or(u64::MAX);
        let mut chance = |of_a_million: u32| {
            let strikes = choices.below(1_000_000) < u64::from(of_a_million);
            let later = Duration::from_millis(choices.below(longest.saturating_add(1)));
            strikes.then_some(later)
        };
        let what = Befallen { copy: chance(self.duplicates), delay: chance(self.delays) };
        (what != Befallen::default()).then(|| Mishap { queue: queue.clone(), what, certain: None })
    }
}

/// The choices at a place that is described in words, the `nth` time.
pub(super) fn choices(seed: u64, place: &[&str], nth: u64) -> Choices {
    // FNV-1a, with a byte between the words that is in no name.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed;
    for word in place {
        for byte in word.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    let mut mixed = Choices::from_seed(hash ^ nth.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Choices::from_seed(mixed.bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mishaps() -> Mishaps {
        let longest = Duration::from_secs(5);
        Mishaps { seed: 7, duplicates: 50_000, delays: 100_000, longest, ..Mishaps::default() }
    }

    #[test]
    fn the_same_seed_befalls_the_same_messages_and_another_seed_others() {
        let of = |mishaps: &Mishaps| -> Vec<_> {
            (0..2_000).map(|n| mishaps.of(&"orders".into(), n, &[])).collect()
        };
        assert_eq!(of(&mishaps()), of(&mishaps()));
        assert_ne!(of(&mishaps()), of(&Mishaps { seed: 8, ..mishaps() }));
        let other: Vec<_> = (0..2_000).map(|n| mishaps().of(&"mail".into(), n, &[])).collect();
        assert_ne!(of(&mishaps()).len(), other.iter().flatten().count());
    }

    #[test]
    fn about_as_many_are_befallen_as_was_asked_for_and_none_for_longer() {
        let all: Vec<Befallen> = (0..20_000)
            .filter_map(|n| mishaps().of(&"orders".into(), n, &[]).map(|m| m.what))
            .collect();
        let copies = all.iter().filter(|b| b.copy.is_some()).count();
        let delays = all.iter().filter(|b| b.delay.is_some()).count();
        assert!((800..1_200).contains(&copies), "{copies}");
        assert!((1_700..2_300).contains(&delays), "{delays}");
        let longest = all.iter().filter_map(|b| b.delay.max(b.copy)).max();
        assert!(longest.is_some_and(|d| d <= Duration::from_secs(5)), "{longest:?}");
    }

    #[test]
    fn a_certain_mishap_befalls_one_message_of_its_queue() {
        let what = Befallen { copy: Some(Duration::ZERO), delay: None };
        let certain = vec![Certain { id: 3, queue: Some("orders".into()), what }];
        let mishaps = Mishaps { certain, ..Mishaps::default() };
        assert_eq!(mishaps.of(&"mail".into(), 0, &[]), None);
        let first = mishaps.of(&"orders".into(), 0, &[]);
        assert_eq!(first.as_ref().map(|m| (m.what, m.certain)), Some((what, Some(3))));
        let before: Vec<Mishap> = first.into_iter().collect();
        assert_eq!(mishaps.of(&"orders".into(), 1, &before), None);
    }

    #[test]
    fn only_the_named_queues_are_befallen() {
        let only = Arc::new(BTreeSet::from(["orders".to_owned()]));
        let mishaps = Mishaps { duplicates: 1_000_000, only, ..mishaps() };
        assert!(mishaps.of(&"orders".into(), 0, &[]).is_some());
        assert_eq!(mishaps.of(&"mail".into(), 0, &[]), None);
    }
}
