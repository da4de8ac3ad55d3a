//! What DynamoDB makes of a scan, on plain maps.

use super::super::{Cursor, Error, Item, Key, PK, Page, SK, Scan, Value};
use super::evaluate;
use crate::idempotency::digest;

/// DynamoDB's limit.
const MAX_SEGMENTS: u32 = 1_000_000;

/// One page of a scan's part: behind the cursor, up to limit and size.
///
/// The order is that of the partition keys' hashes, as in DynamoDB, so that nobody comes to rely on
/// another.
pub(super) fn page<'a>(
    items: impl Iterator<Item = &'a Item>,
    scan: &Scan,
    after: Option<&Cursor>,
    page_bytes: usize,
) -> Result<Page, Error> {
    let Scan { segment, segments, .. } = *scan;
    if segments == 0 || segments > MAX_SEGMENTS || segment >= segments {
        return Err(Error::validation(format!("there is no segment {segment} of {segments}")));
    }
    let start = after.map(|Cursor(key)| place(key));
    if start.as_ref().is_some_and(|(hash, ..)| hash % segments != segment) {
        return Err(Error::validation("the starting key lies outside the segment"));
    }
    let mut found: Vec<_> = items
        .map(|item| (place(item), item))
        .filter(|((hash, ..), _)| hash % segments == segment)
        .filter(|(at, _)| start.as_ref().is_none_or(|start| at > start))
        .collect();
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    let (mut items, mut bytes) = (Vec::new(), 0);
    for (looked_at, ((_, pk, sk), item)) in found.into_iter().enumerate() {
        if scan.filter.as_ref().is_none_or(|filter| filter.holds(Some(item))) {
            items.push(item.clone());
        }
        bytes += evaluate::size(item);
        if bytes >= page_bytes || scan.limit == Some(looked_at + 1) {
            let key = Key::new(scan.table.clone(), pk, sk);
            return Ok(Page { items, next: Some(Cursor(key.attributes())) });
        }
    }
    Ok(Page { items, next: None })
}

/// Where an item comes in a scan.
fn place(item: &Item) -> (u32, String, String) {
    let text = |name: &str| item.get(name).and_then(Value::as_s).unwrap_or_default().to_owned();
    let pk = text(PK);
    let hash = digest(&[pk.as_bytes()]);
    (u32::from_str_radix(&hash[..8], 16).unwrap_or_default(), pk, text(SK))
}
