use super::*;
use crate::observability::Log;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its errors are looked at")]
struct Order {
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its errors are looked at")]
struct Line {
    sku: String,
    quantity: u16,
}

#[track_caller]
fn blames(body: &str, field: Option<&str>) {
    let problem = Request::builder("POST /").json(body).build().json::<Order>().unwrap_err();
    assert_eq!(problem.status, 400);
    assert_eq!(problem.field.as_deref(), field, "{problem}");
}

#[test]
fn a_malformed_body_is_refused_naming_the_field() {
    blames("{", None);
    blames("", None);
    blames("{}", Some("lines"));
    blames(r#"{"lines":5}"#, Some("lines"));
    blames(r#"{"lines":[],"x":1}"#, Some("x"));
    blames(r#"{"lines":[{"sku":"a","quantity":1},{"sku":"b"}]}"#, Some("lines[1].quantity"));
    blames(r#"{"lines":[{"sku":"a","quantity":70000}]}"#, Some("lines[0].quantity"));
    blames(r#"{"lines":[{"sku":"a","quantity":1,"price":1}]}"#, Some("lines[0].price"));
    blames(r#"{"lines":[]} x"#, None);
}

#[test]
fn a_captured_event_is_read_whole() {
    let event: Event = serde_json::from_value(json!({
        "version": "2.0",
        "routeKey": "POST /orders/{id}",
        "rawPath": "/orders/7",
        "rawQueryString": "min_version=3",
        "headers": { "idempotency-key": "k-1", "content-type": "application/json" },
        "queryStringParameters": { "min_version": "3" },
        "pathParameters": { "id": "7" },
        "requestContext": {
            "accountId": "000000000000", "apiId": "a", "domainName": "d", "domainPrefix": "d",
            "authorizer": { "jwt": {
                "claims": { "sub": "ann", "exp": "1787996002", "scope": "orders/write orders/read" },
                "scopes": null
            } },
            "http": { "method": "POST", "path": "/orders/7", "protocol": "HTTP/1.1",
                      "sourceIp": "127.0.0.1", "userAgent": "curl" },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": "POST /orders/{id}", "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1_583_348_638_390_i64
        },
        "body": "eyJhIjoxfQ==",
        "isBase64Encoded": true
    }))
    .unwrap();
    let request = Request::from_event(event).unwrap();
    assert_eq!(request.route, "POST /orders/{id}");
    assert_eq!(request.param("id").unwrap(), "7");
    assert_eq!(request.param("other").unwrap_err().status, 404);
    assert_eq!(request.query("min_version"), Some("3"));
    assert_eq!(request.idempotency_key().unwrap(), "k-1");
    assert_eq!(request.now.as_ms(), 1_583_348_638_390);
    assert_eq!(request.body, br#"{"a":1}"#);
    let principal = request.principal().unwrap();
    assert_eq!(principal.subject, "ann");
    assert!(principal.may("orders/read") && !principal.may("orders"));
    assert_eq!(principal.claim("exp"), Some("1787996002"));
}

#[test]
fn an_idempotency_key_must_be_there_and_visible() {
    let status = |request: Builder| request.build().idempotency_key().map_err(|p| p.status).err();
    let request = || Request::builder("POST /");
    assert_eq!(status(request()), Some(400));
    assert_eq!(status(request().header("Idempotency-Key", "")), Some(400));
    assert_eq!(status(request().header("Idempotency-Key", "a b")), Some(400));
    assert_eq!(status(request().header("Idempotency-Key", &"k".repeat(129))), Some(400));
    assert_eq!(status(request().header("Idempotency-Key", &"k".repeat(128))), None);
}

#[test]
fn a_part_of_a_body_is_read_by_itself_and_its_field_is_named_within_it() {
    let field = |part: Value| read::<Line>(&part).err().map(|problem| problem.field);
    let named = |name: &str| Some(Some(name.to_owned()));
    assert_eq!(field(json!({ "sku": "x", "quantity": 1 })), None);
    assert_eq!(field(json!({ "sku": 5, "quantity": 1 })), named("sku"));
    assert_eq!(field(json!({ "sku": "x", "quantity": -1 })), named("quantity"));
    assert_eq!(field(json!({ "sku": "x" })), named("quantity"));
    assert_eq!(field(json!({ "sku": "x", "quantity": 1, "price": 1 })), named("price"));
    assert_eq!(field(json!(7)), Some(None));
    let inner = read::<Order>(&json!({ "lines": [{ "sku": "x", "quantity": "1" }] })).unwrap_err();
    assert_eq!((inner.status, inner.field.as_deref()), (400, Some("lines[0].quantity")));
}

#[test]
fn without_a_subject_there_is_no_caller() {
    assert_eq!(Request::builder("GET /").build().principal().unwrap_err().status, 401);
    assert_eq!(Request::builder("GET /").subject("").build().principal().unwrap_err().status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_deadline_are_answered_and_the_cause_stays_in_the_log() {
    let (log, lines) = Log::captured("f");
    let reply = async |route: &str| {
        let invocation = Invocation::new("r", Duration::from_secs(3), &log);
        let event = Request::builder(route).event();
        let answer =
            answer(&(), event, invocation, async |(), request, _| match request.route.as_str() {
                "GET /panic" => panic!("secret"),
                "GET /slow" => std::future::pending().await,
                "GET /fails" => Err(Problem::internal("secret")),
                "GET /busy" => Err(Problem::unavailable("try again")),
                "GET /wrong" => Err(Problem::bad_request("no")),
                _ => Ok(Response::json(200, "fine")),
            });
        serde_json::to_value(answer.await).unwrap()
    };
    for (route, status, cause) in [
        ("GET /", 200, None),
        ("GET /panic", 500, Some("panic: secret")),
        ("GET /slow", 503, Some("no answer before the deadline")),
        ("GET /fails", 500, Some("secret")),
        ("GET /busy", 503, Some("try again")),
        ("GET /wrong", 400, None),
    ] {
        let answer = reply(route).await;
        assert_eq!(answer["statusCode"], status, "{route}");
        assert_eq!(answer["headers"]["content-type"], "application/json");
        assert!(!answer.to_string().contains("secret"), "{answer}");
        let lines: Vec<Value> =
            lines.take().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.iter().all(|line| line["requestId"] == "r" && line["route"] == route));
        let failed = lines.iter().filter(|line| line["level"] == "ERROR");
        let causes: Vec<Option<&str>> = failed.map(|line| line["error"].as_str()).collect();
        assert_eq!(causes, cause.map(Some).as_slice(), "{route}");
    }
}
