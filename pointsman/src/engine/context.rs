use crate::clock::Time;
use crate::faults::Mishaps;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A name of a resource: cheap to clone, and the same text that AWS's API takes.
pub type Name = Arc<str>;

/// An id of 128 bits, shown as a UUID: of events, messages and requests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Id(pub u128);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut text, mut at) = ([b'-'; 36], 0);
        for (n, byte) in self.0.to_be_bytes().into_iter().enumerate() {
            at += usize::from(matches!(n, 4 | 6 | 8 | 10));
            for nibble in [byte >> 4, byte & 15] {
                text[at] = b"0123456789abcdef"[usize::from(nibble)];
                at += 1;
            }
        }
        // Digits and dashes are ASCII.
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Id, ()> {
        let dashes = [8, 13, 18, 23];
        if text.len() != 36 || !dashes.iter().all(|&i| text.as_bytes()[i] == b'-') {
            return Err(());
        }
        let hex: String = text.split('-').collect();
        u128::from_str_radix(&hex, 16).map(Id).map_err(|_| ())
    }
}

/// An invocation of a function, numbered over the whole life of the journal.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct InvocationId(pub u64);

/// Why something was decided. In every fact, so that any effect can be followed back to what began it.
///
/// The order of the variants is the journal's format: add at the end, change nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cause {
    /// A request from outside, by its request id.
    Request(Id),
    /// Something a function did during an invocation.
    Invocation(InvocationId),
    /// A message that a mapping took from a queue.
    Messages {
        /// The mapping.
        mapping: Name,
    },
    /// Records that a mapping read from a table's stream.
    Records {
        /// The mapping.
        mapping: Name,
        /// Sequence number of the first of them.
        first: String,
    },
    /// A timer that came due.
    Timer,
    /// A new start of the engine.
    Start,
    /// The time of a schedule, or of a rule with one, came.
    Schedule {
        /// Its ARN.
        arn: Name,
        /// The time: no schedule fires twice for the same one.
        scheduled: Time,
    },
}

/// Who asked for it.
///
/// The order of the variants is the journal's format: add at the end, change nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Caller {
    /// The engine itself: mappings, timers, starts.
    Engine,
    /// A person or program that shows no access key: a caller of an HTTP API, or a request without a signature.
    Operator,
    /// A function, known by the access key of its execution environment.
    Function(Name),
    /// A person or program whose access key belongs to no function: the account's administrator, as `Operator` is.
    User {
        /// Its access key id, 128 characters at most.
        key: Name,
    },
}

impl Caller {
    /// Whoever signs with this access key id, which belongs to no function.
    pub fn user(key: &str) -> Caller {
        // AWS's own are no longer, and it is in every fact.
        const LONGEST: usize = 128;
        let end = key.char_indices().nth(LONGEST).map_or(key.len(), |(at, _)| at);
        Caller::User { key: key[..end].into() }
    }

    /// Somebody from outside: neither the engine nor a function.
    pub fn is_outside(&self) -> bool {
        matches!(self, Caller::Operator | Caller::User { .. })
    }
}

/// All that a decision may know beside state and command.
#[derive(Clone, Debug)]
pub struct Context {
    /// Engine time.
    pub now: Time,
    /// Why.
    pub cause: Cause,
    /// Who.
    pub caller: Caller,
    /// Where ids, jitter and choices come from.
    pub seed: u64,
    /// What may befall messages on their way into queues; `None` in production.
    pub mishaps: Option<Arc<Mishaps>>,
}

impl Context {
    /// The engine acting by itself at `now`.
    pub fn engine(now: Time, cause: Cause, seed: u64) -> Self {
        Context { now, cause, caller: Caller::Engine, seed, mishaps: None }
    }

    /// The stream of choices that this command's seed stands for.
    pub fn choices(&self) -> Choices {
        Choices(self.seed)
    }
}

/// Deterministic choices from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Choices(u64);

impl Choices {
    /// The choices that follow from `seed`.
    pub fn from_seed(seed: u64) -> Self {
        Choices(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A version 4 UUID.
    pub fn id(&mut self) -> Id {
        let v = (u128::from(self.bits()) << 64) | u128::from(self.bits());
        let version = (v & !(0xf << 76)) | (4 << 76);
        Id((version & !(0b11 << 62)) | (0b10 << 62))
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_version_4_uuid_and_reads_back() {
        let id = Choices(7).id();
        let text = id.to_string();
        assert_eq!(text.as_bytes()[14], b'4');
        assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_eq!(text.parse(), Ok(id));
        let id = Id(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(id.to_string(), "01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!("not-an-id".parse::<Id>(), Err(()));
    }

    #[test]
    fn the_same_seed_makes_the_same_choices() {
        let (mut a, mut b) = (Choices(42), Choices(42));
        assert_eq!((a.id(), a.below(10)), (b.id(), b.below(10)));
        assert!((0..1000).all(|_| a.below(3) < 3));
        assert_eq!(a.below(0), 0);
    }
}
