//! Broken, deep, wide and ambiguous input ends in an answer or an error, and soon.

use pointsman_router::{Pattern, Rules};
use proptest::prelude::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

/// Every operator once, over one field and its neighbours.
const ALL: &str = r#"{"a":["x",1,null,true,{"prefix":"p"},{"suffix":{"equals-ignore-case":"É"}},
    {"wildcard":"a*b*c"},{"anything-but":{"wildcard":["*"]}},{"numeric":[">",1.5,"<=",2e3]},
    {"cidr":"10.0.0.0/8"},{"cidr":"::/1"},{"exists":false}],
    "$or":[{"b":{"c":[{"exists":true}]}},{"b.d":[{"anything-but":[1,2]}]}]}"#;

const EVENT: &str = r#"{"a":["\u0041\ud83d\ude00é",-1.5e+3,{"x":[]}],"b":[{"c":null},[{"d":3}]],
    "b":{"c":"10.1.2.3"},"c":"skipped \" \\","e":{"f":[1,2,{"g":false}]}}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = pattern(ALL).matches(&bytes);
        let _ = Pattern::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_damage_to_good_input_makes_it_panic(
        at in any::<prop::sample::Index>(),
        drop in 0usize..4,
        put in "[\\[\\]{}\",:.*/\\\\eu0-9é-]{0,4}",
    ) {
        let damage = |text: &str| {
            let mut chars: Vec<char> = text.chars().collect();
            let start = at.index(chars.len());
            let end = (start + drop).min(chars.len());
            chars.splice(start..end, put.chars());
            chars.into_iter().collect::<String>()
        };
        let _ = pattern(ALL).matches(damage(EVENT).as_bytes());
        if let Ok(damaged) = Pattern::parse(&damage(ALL)) {
            prop_assert!(damaged.matches(EVENT.as_bytes()).is_ok());
            let rules = Rules::new();
            rules.insert(1, damaged);
            prop_assert!(rules.explain(EVENT.as_bytes()).is_ok());
        }
    }

    /// Our own reader takes exactly what serde_json takes.
    #[test]
    fn an_event_is_json_or_an_error(
        at in any::<prop::sample::Index>(),
        drop in 0usize..3,
        put in "[\\[\\]{}\",:.eu0-9 -]{0,3}",
    ) {
        let mut damaged = EVENT.to_owned();
        let start = at.index(damaged.len());
        let end = (start + drop).min(damaged.len());
        prop_assume!(damaged.is_char_boundary(start) && damaged.is_char_boundary(end));
        damaged.replace_range(start..end, &put);
        let object = serde_json::from_str::<serde::de::IgnoredAny>(&damaged).is_ok()
            && damaged.trim_start().starts_with('{');
        prop_assert_eq!(pattern(ALL).matches(damaged.as_bytes()).is_ok(), object, "{}", damaged);
    }
}

#[test]
fn an_event_nested_a_million_deep_is_judged() {
    let deep = 1_000_000;
    let event = format!(r#"{{"a":{}"x"{},"b":1}}"#, "[".repeat(deep), "]".repeat(deep));
    assert!(pattern(r#"{"b":[1]}"#).matches(event.as_bytes()).unwrap());
    assert!(pattern(r#"{"a":["x"]}"#).matches(event.as_bytes()).unwrap());
}

#[test]
fn a_pattern_as_deep_as_allowed_fits_a_small_stack() {
    let deep = |inner: &str| format!("{}{inner}{}", r#"{"a":"#.repeat(511), "}".repeat(511));
    let (text, event) = (deep(r#"["x"]"#), deep(r#""x""#));
    let judged = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || pattern(&text).matches(event.as_bytes()))
        .unwrap();
    assert_eq!(judged.join().unwrap(), Ok(true));
}

#[test]
fn an_array_of_many_near_misses_is_judged_quickly() {
    let element = |i: usize| if i.is_multiple_of(2) { r#"{"p":"x"}"# } else { r#"{"q":"y"}"# };
    let list: Vec<&str> = (0..50_000).map(element).collect();
    let event = format!(r#"{{"l":[{}]}}"#, list.join(","));
    assert!(!pattern(r#"{"l":{"p":["x"],"q":["y"]}}"#).matches(event.as_bytes()).unwrap());
    let absent = r#"{"l":{"p":["x"],"q":[{"exists":false}]}}"#;
    assert!(pattern(absent).matches(event.as_bytes()).unwrap());
}

#[test]
fn arrays_under_repeated_keys_are_judged_or_given_up_by_name() {
    let fields = ["a", "b", "c", "d", "e", "f", "g", "h"];
    // Each array lets every field but the last be met, each in an element of its own.
    let elements: Vec<String> = fields[..7].iter().map(|f| format!(r#"{{"{f}":1}}"#)).collect();
    let array = format!(r#""l":[{}]"#, elements.join(","));
    let event = format!(
        r#"{{{},"l":[{{"h":1}},{{"z":1}}],"l":[{{"z":1}},{{"h":2}}]}}"#,
        vec![array; 40].join(",")
    );
    let wanted: Vec<String> = fields.iter().map(|f| format!(r#""{f}":[1]"#)).collect();
    let text = format!(r#"{{"l":{{{},"z":[1]}}}}"#, wanted.join(","));
    match pattern(&text).matches(event.as_bytes()) {
        Ok(matched) => assert!(matched),
        Err(error) => assert!(error.is_too_complex()),
    }
}
