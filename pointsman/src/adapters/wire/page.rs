//! Lists by the page: items have names, come in their order, and a token says after which name to go on.

use crate::engine::Name;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeMap;
use std::collections::btree_map::Range;
use std::ops::Bound::{Excluded, Unbounded};

/// Begins every token, so that a text that is none is told from one.
const MARK: &[u8] = b"after:";

/// A page, and the token of the next one if there is one.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

/// What comes behind the name `after`, found without passing what comes before.
pub(super) fn behind<'a, T>(map: &'a BTreeMap<Name, T>, after: Option<&str>) -> Range<'a, Name, T> {
    map.range::<str, _>((after.map_or(Unbounded, Excluded), Unbounded))
}

/// At most `limit` of `items`, which come in the order of their names.
pub(super) fn page<N: AsRef<str>, T>(
    mut items: impl Iterator<Item = (N, T)>,
    limit: usize,
) -> Page<T> {
    let mut page = Page { items: vec![], next: None };
    let mut last = None;
    while page.items.len() < limit {
        let Some((name, item)) = items.next() else { return page };
        page.items.push(item);
        last = Some(name);
    }
    if items.next().is_some() {
        page.next = last.map(|name| encode(name.as_ref()));
    }
    page
}

/// The name in a token; `None` for a text that is no token.
pub(super) fn decode(token: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    String::from_utf8(bytes.strip_prefix(MARK)?.to_vec()).ok()
}

fn encode(name: &str) -> String {
    URL_SAFE_NO_PAD.encode([MARK, name.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_overlap_and_the_last_has_no_token() {
        let map: BTreeMap<Name, ()> = ["a", "b", "c", "d"].map(|n| (n.into(), ())).into();
        let after = |name: Option<&str>| {
            page(behind(&map, name).map(|(name, ())| (name, name.to_string())), 2)
        };
        let first = after(None);
        assert_eq!(first.items, ["a", "b"]);
        let second = after(decode(&first.next.unwrap()).as_deref());
        assert_eq!((second.items, second.next), (vec!["c".to_owned(), "d".to_owned()], None));
        assert_eq!(decode("nonsense"), None);
    }
}
