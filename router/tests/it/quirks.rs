//! Where AWS's open-source matcher departs from sense, or AWS may: what we do, and why.

use crate::recorded::{cases, text, verdict};

/// Id of the case in `data/quirks.jsonl`, our verdict, our reason.
const DECISIONS: &[(&[&str], &str, &str)] = &[
    (&["quirk-000"], "true", "characters beyond the BMP equal themselves, in any case"),
    (&["quirk-001"], "false", "…and are not question marks"),
    (&["quirk-002"], "false", "a number is no address"),
    (
        &["quirk-003", "quirk-004", "quirk-005", "quirk-006"],
        "false",
        "IPv4 and IPv6 addresses are different, whatever their leading digits",
    ),
    (&["quirk-007"], "true", "matcher and model agree: leading zeros are decimal"),
    (&["quirk-008"], "true", "matcher and model agree: an IPv4-mapped address is that address"),
    (&["quirk-009"], "invalid", "…so its block takes at most 31 bits"),
    (&["quirk-010", "quirk-011"], "true", "matcher and model agree on the odd spellings"),
    (&["quirk-012"], "invalid", "text after the pattern is most likely a misplaced brace"),
    (&["quirk-013"], "error", "an event with text after it is no JSON"),
    (&["quirk-014", "quirk-015", "quirk-016"], "invalid", "an empty list excludes nothing"),
    (&["quirk-017"], "true", "257 fields are beyond Limits::aws alone"),
    (&["quirk-018", "quirk-019", "quirk-031", "quirk-032"], "true", "large, but sound"),
    (&["quirk-020"], "invalid", "half a character cannot be meant"),
    (
        &["quirk-021", "quirk-022", "quirk-023", "quirk-prefix-000", "quirk-suffix-001"],
        "false",
        "the quotes around a string are not part of it",
    ),
    (&["quirk-024"], "invalid", "the shortest decimal for that double is 5e-324"),
    (
        &["quirk-025", "quirk-026", "quirk-027", "quirk-number-canon-007"],
        "true",
        "a double stands for its shortest decimal, on every version of Java",
    ),
    (&["quirk-number-canon-002"], "true", "4.9e-324 is not 5e-324"),
    (&["quirk-number-canon-003"], "false", "4.9e-324 is not 5e-324"),
    (&["quirk-number-canon-004", "quirk-number-canon-005"], "true", "two spellings of 1e23"),
    (&["quirk-number-canon-006"], "false", "two spellings of 1e23"),
    (&["quirk-028", "quirk-keys-008"], "true", "an empty name is a name"),
    (&["quirk-029", "quirk-030"], "true", "names are joined by dots, also by their own"),
    (&["quirk-033"], "invalid", "EventBridge documents no `exactly`; a plain value says it"),
    (&["quirk-034"], "true", "a prefix is text, also of an address"),
];

#[test]
fn every_quirk_has_a_decision_and_follows_it() {
    let decided = |id: &str| DECISIONS.iter().find(|(ids, ..)| ids.contains(&id));
    let mut count = 0;
    for case in cases(include_str!("../data/quirks.jsonl")) {
        count += 1;
        let id = text(&case, "id");
        let (_, expected, reason) = decided(id).unwrap_or_else(|| panic!("no decision on {id}"));
        let actual = verdict(text(&case, "pattern"), text(&case, "event"));
        assert_eq!(actual, *expected, "{id}: {reason}");
    }
    assert_eq!(count, DECISIONS.iter().map(|(ids, ..)| ids.len()).sum::<usize>());
}
