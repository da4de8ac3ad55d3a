//! A set of rules judges as each of its rules does alone, however it came about.

use pointsman_router::{Pattern, Rules};
use proptest::prelude::*;

const PATTERNS: &[&str] = &[
    r#"{"source":["a"]}"#,
    r#"{"source":["a","b"],"detail-type":["T"]}"#,
    r#"{"source":["b"],"detail":{"id":[{"prefix":"k"}]}}"#,
    r#"{"detail.id":[{"anything-but":["k1"]}]}"#,
    r#"{"detail":{"id":[{"exists":false}]}}"#,
    r#"{"detail":{"n":[{"numeric":[">",1]}]},"source":["a"]}"#,
    r#"{"$or":[{"source":["a"]},{"detail-type":["U"]}],"detail":{"id":["k1","k2"]}}"#,
    r#"{"$or":[{"source":["a"]},{"source":["b"],"detail-type":["U"]}]}"#,
    r#"{"detail":{"l":{"p":["x"],"q":["y"]}}}"#,
    r#"{"detail":{"l":{"p":["x","x"],"q":[{"exists":false}]}}}"#,
    r#"{"source":[{"wildcard":"*"}]}"#,
    r#"{"source":["10.0.0.1"]}"#,
];

fn event() -> impl Strategy<Value = String> {
    let pick = |values: &'static [&'static str]| prop::sample::select(values);
    (
        pick(&[r#""a""#, r#""b""#, r#"["b","a"]"#, r#""\u0061""#, r#""010.0.0.1""#, "null"]),
        pick(&[r#""T""#, r#""U""#, r#"["T","U"]"#, "{}"]),
        pick(&[r#""id":"k1""#, r#""id":"k2","n":2"#, r#""n":1e0"#, r#""id":["k1",3]"#]),
        pick(&[
            "",
            r#","l":[{"p":"x"},{"q":"y"}]"#,
            r#","l":[{"p":"x","q":"y"}]"#,
            r#","l":{"p":["x"],"q":"y"}"#,
        ]),
    )
        .prop_map(|(source, kind, detail, list)| {
            format!(r#"{{"source":{source},"detail-type":{kind},"detail":{{{detail}{list}}}}}"#)
        })
}

fn matched(rules: &Rules<usize>, event: &str) -> Vec<usize> {
    let mut ids = Vec::new();
    rules.matches(event.as_bytes(), |id| ids.push(*id)).unwrap();
    ids
}

fn parse(index: usize) -> Pattern {
    Pattern::parse(PATTERNS[index]).unwrap()
}

proptest! {
    #[test]
    fn a_set_judges_as_each_rule_alone_after_any_changes(
        event in event(),
        changes in prop::collection::vec((any::<bool>(), 0usize..20, 0..PATTERNS.len()), 1..60),
    ) {
        let rules = Rules::new();
        let mut model = std::collections::BTreeMap::new();
        for (insert, id, pattern) in changes {
            let old = match insert {
                true => (rules.insert(id, parse(pattern)), model.insert(id, pattern)),
                false => (rules.remove(&id), model.remove(&id)),
            };
            prop_assert_eq!(old.0.map(|p| p.to_string()), old.1.map(|p| PATTERNS[p].to_owned()));
        }
        let alone = |pattern: usize| parse(pattern).matches(event.as_bytes()).unwrap();
        let expected: Vec<usize> =
            model.iter().filter(|(_, p)| alone(**p)).map(|(id, _)| *id).collect();

        let mut actual = matched(&rules, &event);
        actual.sort_unstable();
        prop_assert_eq!(&actual, &expected, "{}", event);

        let anew: Rules<usize> = model.iter().map(|(id, p)| (*id, parse(*p))).collect();
        prop_assert_eq!(matched(&anew, &event), expected.clone());

        let verdicts = rules.explain(event.as_bytes()).unwrap();
        let mut told: Vec<usize> = verdicts.iter().filter(|v| v.matched).map(|v| v.id).collect();
        told.sort_unstable();
        prop_assert_eq!(told, expected);
        prop_assert!(verdicts.iter().all(|v| v.matched == v.failure.is_none()));
    }
}

#[test]
fn rules_are_told_of_in_the_order_of_their_first_insertion() {
    let rules = Rules::new();
    for id in [3, 1, 2] {
        rules.insert(id, parse(0));
    }
    rules.insert(1, parse(10));
    assert_eq!(matched(&rules, r#"{"source":"a"}"#), [3, 1, 2]);
}

#[test]
fn a_snapshot_does_not_see_later_changes() {
    let rules = Rules::new();
    rules.insert(1, parse(0));
    let snapshot = rules.snapshot();
    rules.remove(&1);
    let mut seen = 0;
    snapshot.matches(br#"{"source":"a"}"#, |_| seen += 1).unwrap();
    assert_eq!((seen, rules.snapshot().len()), (1, 0));
}

#[test]
fn threads_match_while_another_changes_the_set() {
    fn shared<T: Send + Sync>(_: &T) {}
    let rules = Rules::new();
    rules.insert(0, parse(0));
    shared(&rules);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for id in 1..200 {
                rules.insert(id, parse(id % PATTERNS.len()));
                rules.remove(&id);
            }
        });
        for _ in 0..200 {
            let ids = matched(&rules, r#"{"source":"a","detail":{"id":"k"}}"#);
            assert_eq!(ids.first(), Some(&0), "the rule that stays is always seen");
        }
    });
}
