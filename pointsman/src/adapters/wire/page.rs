//! Lists by the page: items have names, come in their order, and a token says after which name to go on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Begins every token, so that a text that is none is told from one.
const MARK: &[u8] = b"after:";

/// A page, and the token of the next one if there is one.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

/// At most `limit` of `items`, which come in the order of their names, behind the name `after`.
pub(super) fn page<N: AsRef<str>, T>(
    items: impl Iterator<Item = (N, T)>,
    after: Option<&str>,
    limit: usize,
) -> Page<T> {
    let mut rest = items.skip_while(|(name, _)| after.is_some_and(|after| name.as_ref() <= after));
    let mut page = Page { items: vec![], next: None };
    let mut last = None;
    while page.items.len() < limit {
        let Some((name, item)) = rest.next() else { return page };
        page.items.push(item);
        last = Some(name);
    }
    if rest.next().is_some() {
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
        let names = ["a", "b", "c", "d"];
        let all = || names.iter().map(|n| (*n, *n));
        let first = page(all(), None, 2);
        assert_eq!(first.items, ["a", "b"]);
        let after = decode(&first.next.unwrap()).unwrap();
        let second = page(all(), Some(&after), 2);
        assert_eq!((second.items, second.next), (vec!["c", "d"], None));
        assert_eq!(decode("nonsense"), None);
    }
}
