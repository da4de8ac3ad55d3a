//! How an environment and an invocation are known again from what a function sends: paths, keys and traces carry
//! epoch and number.

use crate::clock::Time;
use crate::engine::InvocationId;

/// An execution environment. Its number is never given twice in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct EnvironmentId {
    pub(super) epoch: u64,
    pub(super) number: u64,
}

const KEY_PREFIX: &str = "ASIA";

impl EnvironmentId {
    /// The access key of an environment: of AWS's form for a role's keys, 20 characters.
    pub(super) fn access_key(self) -> String {
        format!("{KEY_PREFIX}{:06X}{:010X}", self.epoch & 0xff_ffff, self.number & 0xff_ffff_ffff)
    }

    /// The environment that has this key; `None` for a key that never belonged to one.
    pub(super) fn of_access_key(key: &str) -> Option<Self> {
        let digits = key.strip_prefix(KEY_PREFIX).filter(|rest| rest.len() == 16)?;
        let is_ours = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
        let (epoch, number) = is_ours.then(|| digits.split_at(6))?;
        Some(EnvironmentId {
            epoch: u64::from_str_radix(epoch, 16).ok()?,
            number: u64::from_str_radix(number, 16).ok()?,
        })
    }

    /// The first two parts of a path of the Runtime API.
    pub(super) fn path(self) -> String {
        format!("{}/{}", self.epoch, self.number)
    }
}

/// `Lambda-Runtime-Trace-Id` of an invocation; no two are the same.
pub(super) fn trace_header(epoch: u64, invocation: InvocationId, wall: Time) -> String {
    let seconds = wall.seconds() & 0xffff_ffff;
    let number = invocation.0;
    format!("Root=1-{seconds:08x}-{epoch:08x}{number:016x};Parent={number:016x};Sampled=1")
}

/// The invocation that a trace header was made for, if it is of this epoch. SDKs send it on as `X-Amzn-Trace-Id`.
pub(super) fn invocation_of_trace(epoch: u64, header: &str) -> Option<InvocationId> {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root=1-"))?;
    let (_, unique) = root.split_once('-')?;
    let (of, number) = unique.split_at_checked(8)?;
    let of = u64::from_str_radix(of, 16).ok()?;
    let number = (number.len() == 16).then(|| u64::from_str_radix(number, 16).ok())??;
    (of == epoch).then_some(InvocationId(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_environment() {
        let id = EnvironmentId { epoch: 3, number: 0xabc };
        assert_eq!(id.access_key().len(), 20);
        assert_eq!(EnvironmentId::of_access_key(&id.access_key()), Some(id));
        for key in ["test", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "ASIA00"] {
            assert_eq!(EnvironmentId::of_access_key(key), None, "{key}");
        }
    }

    #[test]
    fn a_trace_names_its_invocation_in_its_epoch() {
        let header = trace_header(4, InvocationId(77), Time(1_700_000_000_000));
        assert_eq!(
            header,
            "Root=1-6553f100-00000004000000000000004d;Parent=000000000000004d;Sampled=1"
        );
        assert_eq!(invocation_of_trace(4, &header), Some(InvocationId(77)));
        assert_eq!(invocation_of_trace(5, &header), None, "an invocation of an epoch that is over");
        let foreign = "Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a9942";
        for other in ["", "Root=", "Root=1-é", "Root=1-1-00000004é", foreign] {
            assert_eq!(invocation_of_trace(4, other), None, "{other}");
        }
    }
}
