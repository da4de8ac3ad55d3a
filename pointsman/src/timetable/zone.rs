//! Local times in their zones, from time zone data that is part of the binary: the same on every machine, and for every
//! reader of a journal.

use super::cron::Cron;
use crate::clock::Time;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use std::sync::OnceLock;

/// The zone of this IANA name, spelled as IANA spells it.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    static BUNDLED: OnceLock<TimeZoneDatabase> = OnceLock::new();
    let zones = BUNDLED.get_or_init(TimeZoneDatabase::bundled);
    zones.get(name).ok().filter(|zone| zone.iana_name() == Some(name))
}

/// The first time after `after` at which the local time fits. A local time that the clocks skip does not come; one that
/// they repeat comes once, the first time.
pub(super) fn next(zone: &TimeZone, cron: &Cron, after: Time) -> Option<Time> {
    let mut local = zone.to_datetime(Timestamp::from_millisecond(after.0).ok()?);
    loop {
        local = cron.next(local)?;
        let offset = match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Gap { .. } => continue,
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, .. } => before,
        };
        let found = offset.to_timestamp(local).ok().map(|at| Time(at.as_millisecond()))?;
        // In the second of two same hours the first of them has passed.
        if found > after {
            return Some(found);
        }
    }
}

/// The instant of one local time: the first of two; of one that is skipped, as far behind the change of clock as it lies
/// behind the beginning of what is skipped.
pub(super) fn instant(zone: &TimeZone, local: DateTime) -> Option<Time> {
    let at = zone.to_ambiguous_timestamp(local).compatible().ok()?;
    Some(Time(at.as_millisecond()))
}
