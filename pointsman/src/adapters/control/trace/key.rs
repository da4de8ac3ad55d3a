use crate::clock::Time;
use crate::engine::{Id, InvocationId, Name, Writer};

/// What a fact is about, and what causes are followed by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Request(Id),
    Invocation(InvocationId),
    Event(Id),
    Message(u64),
    Async(u64),
    /// Table and sequence number.
    Record(Name, String),
    /// A schedule's ARN and the time for which it fired.
    Firing(Name, Time),
}

impl From<Writer> for Key {
    fn from(writer: Writer) -> Key {
        match writer {
            Writer::Request(id) => Key::Request(id),
            Writer::Invocation(id) => Key::Invocation(id),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Of a request, an invocation, an event or a message.
    Id(Id),
    /// `#12`, as `tail` shows it.
    Number(InvocationId),
    /// An X-Ray trace: of an invocation, or of an HTTP request by the last 96 bits of its id.
    Trace { invocation: InvocationId, low: u128 },
    /// Whatever else: it is looked for in bodies, paths and keys.
    Text,
}

/// The last 96 bits of an id: what a trace id holds of it.
pub(super) fn low(id: Id) -> u128 {
    id.0 & ((1 << 96) - 1)
}

impl Target {
    pub(super) fn of(text: &str) -> Target {
        if let Ok(id) = text.parse() {
            return Target::Id(id);
        }
        if let Some(number) = text.strip_prefix('#').and_then(|number| number.parse().ok()) {
            return Target::Number(InvocationId(number));
        }
        Target::trace(text).unwrap_or(Target::Text)
    }

    /// `Root=1-…;…` or `1-…` alone.
    fn trace(text: &str) -> Option<Target> {
        let root = text.split(';').find_map(|part| {
            let part = part.trim();
            part.strip_prefix("Root=").unwrap_or(part).strip_prefix("1-")
        })?;
        let (seconds, unique) = root.split_once('-')?;
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if seconds.len() != 8 || unique.len() != 24 || !is_hex(seconds) || !is_hex(unique) {
            return None;
        }
        let low = u128::from_str_radix(unique, 16).ok()?;
        Some(Target::Trace { invocation: InvocationId(low as u64), low })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_known_by_its_form() {
        let id = "4c4c6a0e-3f6d-4a52-8a57-9f1d2a1b3c4d";
        assert!(matches!(Target::of(id), Target::Id(found) if found.to_string() == id));
        assert_eq!(Target::of("#12"), Target::Number(InvocationId(12)));
        let header = "Root=1-6553f100-00000004000000000000004d;Parent=000000000000004d;Sampled=1";
        let low = 0x4_0000_0000_0000_004d;
        let traced = Target::Trace { invocation: InvocationId(0x4d), low };
        assert_eq!(Target::of(header), traced);
        assert_eq!(Target::of("1-6553f100-00000004000000000000004d"), traced);
        for text in ["01M7YQ1WE07VNQX5Q5KKJ0Z75H", "#x", "1-2-3", "order#1", "é"] {
            assert_eq!(Target::of(text), Target::Text, "{text}");
        }
    }
}
