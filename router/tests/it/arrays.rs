//! Array consistency: the matcher's search against trying every choice.

use pointsman_router::Pattern;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A leaf of an event: its path, its text, and the elements around it as (array, index).
type Leaf = (String, String, Vec<(usize, usize)>);

fn flatten(
    value: &Value,
    path: &str,
    around: &[(usize, usize)],
    arrays: &mut usize,
    leaves: &mut Vec<Leaf>,
) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(value, &path, around, arrays, leaves);
            }
        }
        Value::Array(values) => {
            *arrays += 1;
            let array = *arrays;
            for (index, value) in values.iter().enumerate() {
                let mut inside = around.to_vec();
                if value.is_object() || value.is_array() {
                    inside.push((array, index));
                }
                flatten(value, path, &inside, arrays, leaves);
            }
        }
        scalar => leaves.push((path.to_owned(), scalar.to_string(), around.to_vec())),
    }
}

/// Whether the wanted fields (ordered by path; `None`: absent) can be met within `chosen`.
fn possible(
    wanted: &[(String, Option<String>)],
    leaves: &[Leaf],
    chosen: &[(usize, usize)],
) -> bool {
    let Some(((path, text), rest)) = wanted.split_first() else { return true };
    let agrees = |around: &[(usize, usize)]| {
        around.iter().all(|(array, index)| chosen.iter().all(|(a, i)| a != array || i == index))
    };
    let mut here = leaves.iter().filter(|(p, _, around)| p == path && agrees(around));
    match text {
        None => here.next().is_none() && possible(rest, leaves, chosen),
        Some(text) => here.any(|(_, found, around)| {
            found == text && possible(rest, leaves, &[chosen, around].concat())
        }),
    }
}

fn event() -> impl Strategy<Value = Value> {
    let leaf = prop::sample::select(vec![json!("x"), json!("y")]);
    let value = leaf.prop_recursive(5, 60, 4, |inner| {
        let key = prop::sample::select(vec!["a", "b", "c"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key, inner), 1..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    });
    prop::collection::vec((prop::sample::select(vec!["a", "b"]), value), 1..3).prop_map(|members| {
        Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
    })
}

/// Fields picked from the event's own paths, so that most patterns nearly match.
fn wanted(event: &Value, picks: &[(prop::sample::Index, u8)]) -> Vec<(String, Option<String>)> {
    let mut leaves = Vec::new();
    flatten(event, "", &[], &mut 0, &mut leaves);
    leaves.push(("a.zz".to_owned(), "\"x\"".to_owned(), vec![]));
    let mut fields = std::collections::BTreeMap::new();
    for (index, kind) in picks {
        let (path, text, _) = index.get(&leaves);
        let text = match kind {
            0 => None,
            1 => Some("\"y\"".to_owned()),
            _ => Some(text.clone()),
        };
        fields.insert(path.clone(), text);
    }
    fields.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_search_finds_what_trying_every_choice_finds(
        event in event(),
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0u8..6), 1..5),
    ) {
        let wanted = wanted(&event, &picks);
        let mut leaves = Vec::new();
        flatten(&event, "", &[], &mut 0, &mut leaves);
        let expected = possible(&wanted, &leaves, &[]);

        let pattern: Map<String, Value> = wanted
            .iter()
            .map(|(path, text)| match text {
                None => (path.clone(), json!([{"exists": false}])),
                Some(text) => (path.clone(), json!([text.trim_matches('"')])),
            })
            .collect();
        let pattern = Value::Object(pattern).to_string();
        let event = event.to_string();
        let actual = Pattern::parse(&pattern).unwrap().matches(event.as_bytes()).unwrap();
        prop_assert_eq!(actual, expected, "{} on {}", pattern, event);
    }
}

#[test]
fn an_absent_field_may_need_another_one_bound_though_it_could_stay_free() {
    let pattern = Pattern::parse(r#"{"b":["y"],"b.a":[{"exists":false}]}"#).unwrap();
    assert!(pattern.matches(br#"{"b":[["y"],"y",{"a":"x"}]}"#).unwrap());
    assert!(!pattern.matches(br#"{"b":["y",{"a":"x"}]}"#).unwrap());
}
