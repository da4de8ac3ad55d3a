//! A refused pattern is told where, what and what instead.

use pointsman_router::{Limits, Pattern, PatternError};

fn refused(pattern: &str) -> PatternError {
    match Pattern::parse(pattern) {
        Err(error) => error,
        Ok(_) => panic!("{pattern} was taken"),
    }
}

#[track_caller]
fn check(pattern: &str, place: (usize, usize, &str), fault: &str) {
    let error = refused(pattern);
    assert_eq!((error.line(), error.column(), error.path()), place, "{error}");
    assert_eq!(error.fault(), fault);
    assert!(!error.remedy().is_empty());
}

#[test]
fn an_error_names_line_column_path_and_fault() {
    check("[]", (1, 1, "$"), "Filter is not an object");
    check("{\n \"a\": \"x\"}", (2, 7, "$.a"), "\"a\" must be an object or an array");
    check(r#"{"é":{"b":[]}}"#, (1, 11, "$.é.b"), "Empty arrays are not allowed");
    check(r#"{"a":{}}"#, (1, 6, "$.a"), "Empty objects are not allowed");
    check(r#"{"a":["x",{"like":"y"}]}"#, (1, 12, "$.a[1].like"), "Unrecognized match type like");
    check(
        r#"{"a":[{"anything-but":["x",1]}]}"#,
        (1, 28, "$.a[0].anything-but[1]"),
        "Inside anything but list, either all values are number or string, mixed type is not \
         supported",
    );
    check(
        r#"{"a":[{"prefix":"a","suffix":"b"}]}"#,
        (1, 21, "$.a[0]"),
        "Only one key allowed in match expression",
    );
    check(
        r#"{"a":[{"numeric":[">",5,"<",5]}]}"#,
        (1, 18, "$.a[0].numeric"),
        "Bottom must be less than top",
    );
    check(
        r#"{"a":[1],"$or":[{"b":[1]}]}"#,
        (1, 16, "$.$or"),
        "There must have at least 2 Objects in $or relationship.",
    );
}

#[test]
fn text_that_is_no_json_is_a_syntax_error() {
    for (pattern, column) in
        [(r#"{"a":["x",]}"#, 11), ("{'a':[1]}", 2), (r#"{"a":[01]}"#, 8), ("", 1)]
    {
        let error = refused(pattern);
        assert!(error.is_syntax(), "{error}");
        assert_eq!(error.column(), column, "{error}");
    }
}

#[test]
fn limits_are_refused_by_name() {
    let or = |i| format!(r#""f{i}":{{"$or":[{{"a":[1]}},{{"b":[1]}}]}}"#);
    let wide = |n| format!("{{{}}}", (0..n).map(or).collect::<Vec<_>>().join(","));
    assert!(Pattern::parse(&wide(12)).is_ok());
    for n in [13, 60, 400] {
        let error = refused(&wide(n));
        assert!(error.is_limit(), "{error}");
        assert!(error.fault().contains("$or"), "{error}");
    }

    let deep = format!("{}[1]{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    assert_eq!(refused(&deep).fault(), "the pattern is nested too deeply");
    assert!(refused(&deep).is_limit());

    let long = format!(r#"{{"a":["{}"]}}"#, "é".repeat(2_039));
    assert!(Pattern::parse(&long).is_ok());
    let error = Pattern::parse_within(&long, &Limits::aws()).unwrap_err();
    assert_eq!(error.fault(), "the pattern has 2049 characters, more than 2048");

    let mut one_star = Limits::default();
    one_star.wildcard_stars = Some(1);
    let error = Pattern::parse_within(r#"{"a":[{"wildcard":"*a*"}]}"#, &one_star).unwrap_err();
    assert!(error.is_limit() && error.path() == "$.a[0].wildcard", "{error}");
}
