//! What `explain` says.

use pointsman_router::{FailureKind, Pattern, Rules, Verdict};

fn explain(pattern: &str, event: &str) -> Verdict<&'static str> {
    let rules = Rules::new();
    rules.insert("r", Pattern::parse(pattern).unwrap());
    rules.explain(event.as_bytes()).unwrap().remove(0)
}

#[track_caller]
fn check(pattern: &str, event: &str, kind: FailureKind, line: &str) {
    let verdict = explain(pattern, event);
    assert_eq!(verdict.to_string(), format!("r: no match: {line}"));
    assert_eq!(verdict.failure.unwrap().kind, kind);
}

#[test]
fn the_first_field_that_failed_is_told_with_what_was_found_and_wanted() {
    check(
        r#"{"source":["a"],"detail":{"n":[1]}}"#,
        r#"{"source":"b"}"#,
        FailureKind::NotEqual,
        r#"source is "b", wanted "a""#,
    );
    check(r#"{"z":[1],"a":[2]}"#, "{}", FailureKind::Missing, "z is missing, wanted 1");
    check(r#"{"a":[1]}"#, r#"{"a":[]}"#, FailureKind::Missing, "a is [], wanted 1");
    check(
        r#"{"a":[{"numeric":[">=",0,"<",10.0]},null]}"#,
        r#"{"a":"5"}"#,
        FailureKind::WrongType,
        r#"a is "5", the wrong type, wanted a number >= 0 and < 10.0 or null"#,
    );
    check(
        r#"{"a":["x"]}"#,
        r#"{"a":{"b":1}}"#,
        FailureKind::WrongType,
        r#"a is {…}, the wrong type, wanted "x""#,
    );
    check(
        r#"{"a":[{"exists":false}]}"#,
        r#"{"a":[1,"x"]}"#,
        FailureKind::Present,
        r#"a is 1, "x", wanted no such field"#,
    );
    check(
        r#"{"a":[{"anything-but":{"prefix":["x","y"]}}]}"#,
        r#"{"a":"xx"}"#,
        FailureKind::NotEqual,
        r#"a is "xx", wanted anything but prefix "x" or prefix "y""#,
    );
}

#[test]
fn fields_met_in_different_elements_are_told_together() {
    check(
        r#"{"l":{"sku":["x"],"qty":[2],"note":[1]},"source":["s"]}"#,
        r#"{"l":[{"sku":"x","qty":1,"note":1},{"sku":"y","qty":2,"note":1}],"source":"s"}"#,
        FailureKind::DifferentElements,
        "l.note and l.qty and l.sku matched, but in different elements of the array",
    );
}

#[test]
fn only_fields_that_share_an_array_are_told_together() {
    check(
        r#"{"k":{"n":[1]},"l":{"p":[1],"q":[1]}}"#,
        r#"{"k":[{"n":1}],"l":[{"p":1},{"q":1}]}"#,
        FailureKind::DifferentElements,
        "l.p and l.q matched, but in different elements of the array",
    );
}

#[test]
fn of_several_alternatives_the_nearest_is_told() {
    let verdict = explain(r#"{"$or":[{"a":[1],"b":[1]},{"c":[1],"d":[1]}]}"#, r#"{"c":1,"d":2}"#);
    let failure = verdict.failure.unwrap();
    assert_eq!((failure.path.as_str(), failure.alternatives), ("d", 2));
}

#[test]
fn a_verdict_is_serialised_with_its_parts() {
    let verdict = explain(r#"{"a":[true]}"#, r#"{"a":false}"#);
    assert_eq!(
        serde_json::to_value(&verdict).unwrap(),
        serde_json::json!({"id": "r", "matched": false, "failure": {
            "kind": "not-equal", "path": "a", "found": "false", "wanted": "true", "alternatives": 1,
        }}),
    );
    let matched = explain(r#"{"a":[true]}"#, r#"{"a":true}"#);
    assert_eq!(matched.to_string(), "r: matches");
    assert_eq!(
        serde_json::to_value(&matched).unwrap(),
        serde_json::json!({"id": "r", "matched": true}),
    );
}
