//! What targets get instead of the event.

use super::*;

const DETAIL: &str = r#"{ "text": "baz", "n": 7, "big": 1234567890123456789, "flag": true,
    "object": {"z": "0a787ecb-4015", "a": "b c"}, "list": ["ACTIVE", "INACTIVE"], "deep": [{"x": 1}] }"#;

/// What a target with this input gets; `None`: nothing, since it would not be JSON.
#[track_caller]
fn shaped(input: InputSpec, wanted: Option<&str>) {
    let mut world = one_rule(vec![TargetSpec { input, ..target(arn("orders")) }]);
    put(&mut world, entry(DETAIL)).unwrap();
    let handed = world.receive("orders");
    let got = handed.first().map(|h| world.text(h.body));
    assert_eq!(got.as_deref(), wanted);
    if wanted.is_none() {
        let Delivered::Lost { code, .. } = &deliveries(&world)[0].outcome else { panic!() };
        assert_eq!(code, "INVALID_JSON");
    }
}

pub(super) fn transformer(template: &str) -> InputSpec {
    let names = ["text", "n", "big", "flag", "object", "list", "missing"];
    let mut paths: BTreeMap<String, String> =
        names.iter().map(|n| ((*n).to_owned(), format!("$.detail.{n}"))).collect();
    paths.insert("x".into(), "$.detail.deep[0].x".into());
    InputSpec::Transformer { paths, template: template.into() }
}

#[track_caller]
fn transformed(template: &str, wanted: &str) {
    shaped(transformer(template), Some(wanted));
}

#[test]
fn a_target_gets_the_constant_or_the_part_that_it_asks_for() {
    shaped(InputSpec::Constant(r#"{"a": 1}"#.into()), Some(r#"{"a": 1}"#));
    shaped(InputSpec::Path("$.detail.text".into()), Some(r#""baz""#));
    shaped(InputSpec::Path("$.detail.object".into()), Some(r#"{"z":"0a787ecb-4015","a":"b c"}"#));
    shaped(InputSpec::Path("$.detail.deep[0].x".into()), Some("1"));
    shaped(InputSpec::Path("$.detail.big".into()), Some("1234567890123456789"));
    shaped(InputSpec::Path("$.detail-type".into()), Some(r#""OrderPlaced""#));
    shaped(InputSpec::Path("$.detail.missing".into()), Some("null"));
}

#[test]
fn a_json_template_is_filled_as_eventbridge_fills_it() {
    transformed(r#"{"a": <text>}"#, r#"{"a": "baz"}"#);
    transformed(
        r#"{"a": <object>, "b": <list>}"#,
        r#"{"a": {"z":"0a787ecb-4015","a":"b c"}, "b": ["ACTIVE","INACTIVE"]}"#,
    );
    transformed(
        r#"{"a": <n>, "b": <flag>, "c": <big>, "d": <x>}"#,
        r#"{"a": 7, "b": true, "c": 1234567890123456789, "d": 1}"#,
    );
    transformed(r#"{"a": "<text>", "b": "say <text>, <n>"}"#, r#"{"a": "baz", "b": "say baz, 7"}"#);
    transformed(r#"{"a": <missing>, "b": "-<missing>-"}"#, r#"{"a": "", "b": "--"}"#);
    transformed("[<text>, <n>]", r#"["baz", 7]"#);
    shaped(transformer(r#"{"a": "<object>"}"#), None);
    shaped(transformer(r#"{"a": "<list>"}"#), None);
}

#[test]
fn a_text_template_keeps_its_quotes_and_strips_those_of_objects() {
    transformed(r#""order <text>""#, r#""order baz""#);
    transformed(r#""<object> <list>""#, r#""{z:0a787ecb-4015,a:b c} [ACTIVE,INACTIVE]""#);
    transformed(r#""<flag> <n> <missing>.""#, r#""true 7 .""#);
    transformed("\"one <n>\"\n\"two <text>\"", "\"one 7\"\n\"two baz\"");
}

#[test]
fn extracted_values_are_not_escaped_so_a_quote_in_one_breaks_the_json() {
    let mut world = one_rule(vec![TargetSpec {
        input: transformer(r#"{"a": <text>}"#),
        ..target(arn("orders"))
    }]);
    put(&mut world, entry(r#"{"text":"a \"b\""}"#)).unwrap();
    assert!(world.queue("orders").is_empty());
}

#[test]
fn predefined_variables_name_the_rule_the_time_and_the_event() {
    transformed(r#"{"a": "<aws.events.rule-name>"}"#, r#"{"a": "all"}"#);
    let arn_of = Region::default().rule("default", "all");
    transformed(r#"{"a": <aws.events.rule-arn>}"#, &format!(r#"{{"a": "{arn_of}"}}"#));
    let time = Time(1_700_000_000_000).rfc3339();
    transformed("{\"a\": <aws.events.event.ingestion-time>}", &format!(r#"{{"a": "{time}"}}"#));

    let input = transformer(r#"{"e": <aws.events.event>, "j": <aws.events.event.json>}"#);
    let mut world = one_rule(vec![TargetSpec { input, ..target(arn("orders")) }]);
    let id = put(&mut world, entry(r#"{"z": 1, "a": 2}"#)).unwrap();
    let handed = world.receive("orders");
    let head = format!(r#"{{"version":"0","id":"{id}","#);
    let tail = format!(
        r#""source":"shop.orders","account":"000000000000","time":"{time}","region":"us-east-1","resources":[]"#
    );
    let kind = r#""OrderPlaced","#;
    assert_eq!(
        world.text(handed[0].body),
        format!(
            r#"{{"e": {head}"detailType":{kind}{tail}}}, "j": {head}"detail-type":{kind}{tail},"detail":{{"z":1,"a":2}}}}}}"#
        )
    );
}
