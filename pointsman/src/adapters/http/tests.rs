//! An API on a real listener, before an engine whose functions answer at once.

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::engine::{
    self, Asked, Caller, Cause, Effect, Engine, Id, MemoryLog, Payload, SeededRandom, Setup, State,
};
use crate::services::function::{Finish, Finished};
use crate::services::stack::ApplyTemplate;
use crate::topology::*;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// Making a key takes a while without optimisation: once is enough.
fn issuer() -> Arc<Issuer> {
    static ISSUER: OnceLock<Arc<Issuer>> = OnceLock::new();
    ISSUER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let made = Issuer::open(folder.path()).unwrap();
            let token = made.sign(&Map::new()).unwrap();
            let again = Issuer::open(folder.path()).unwrap();
            assert!(again.claims(&token).is_some(), "the key is kept");
            Arc::new(made)
        })
        .clone()
}

fn route(method: &str, path: &str, function: &str, scopes: &[&str]) -> RouteSpec {
    RouteSpec {
        method: method.into(),
        path: path.into(),
        function: function.into(),
        authorizer: (!path.starts_with("/open")).then(|| "jwt".into()),
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        timeout_ms: 200,
        payload: "2.0".into(),
        place: Place::default(),
    }
}

fn api() -> HttpApiSpec {
    let jwt = AuthorizerSpec {
        issuer: "https://issuer.example".into(),
        audience: vec!["shop".into()],
        identity_source: "$request.header.Authorization".into(),
    };
    HttpApiSpec {
        name: "Api".into(),
        stage: "$default".into(),
        authorizers: BTreeMap::from([("jwt".to_owned(), jwt)]),
        routes: vec![
            route("POST", "/orders", "echo", &["orders:write"]),
            route("GET", "/orders/{id}", "echo", &[]),
            route("GET", "/open/{how}", "echo", &[]),
            route("GET", "/open/gone", "gone", &[]),
        ],
        cors: Some(r#"{"AllowOrigins":["https://shop.example"],"AllowMethods":["POST"]}"#.into()),
    }
}

/// Answers with the event it got, or as its path asks.
async fn functions(engine: Engine, mut effects: mpsc::UnboundedReceiver<Effect>) {
    while let Some(effect) = effects.recv().await {
        let Effect::Invoke(invoke) = effect else { continue };
        let Payload::Bytes(payload) = invoke.payload else { continue };
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let how = event["pathParameters"]["how"].as_str().unwrap_or_default();
        let finished = match how {
            "hang" => continue,
            "fail" => Finished::Failed {
                kind: "Boom".into(),
                message: "boom".into(),
                body: Bytes::from_static(b"{}"),
            },
            "plain" => Finished::Answered(Bytes::from_static(b"{\"a\":1}")),
            "nonsense" => Finished::Answered(Bytes::from_static(b"{\"statusCode\":\"x\"}")),
            "binary" => Finished::Answered(Bytes::from_static(
                br#"{"statusCode":201,"body":"/w==","isBase64Encoded":true,"cookies":["a=1","b=2"]}"#,
            )),
            _ => Finished::Answered(payload.clone()),
        };
        let asked = Asked { caller: Caller::Engine, cause: Cause::Invocation(invoke.id) };
        let finish = Finish { id: invoke.id, finished, payload };
        engine.submit(finish, asked).await.unwrap();
    }
}

struct Served {
    port: u16,
    engine: Engine,
}

async fn served() -> Served {
    let (effects, received) = mpsc::unbounded_channel();
    let engine = engine::start(Setup {
        state: State::default(),
        facts: 0,
        region: Region::default(),
        clock: Arc::new(SystemClock),
        random: Box::new(SeededRandom::new(1)),
        log: Box::new(MemoryLog::default()),
        effects,
        fatal: Box::new(|e| panic!("{e}")),
        faults: Arc::new(crate::faults::NoFaults),
    })
    .unwrap();
    let specs =
        vec![Spec::Function(crate::engine::testing::function("echo")), Spec::HttpApi(api())];
    let resources = crate::engine::testing::resources(specs);
    let template = ApplyTemplate { stack: "shop".into(), resources, ..Default::default() };
    let asked = Asked { caller: Caller::Operator, cause: Cause::Request(Id(1)) };
    engine.submit(template, asked).await.unwrap();
    tokio::spawn(functions(engine.clone(), received));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (_, keys) = watch::channel(Some(issuer()));
    let gateway = Arc::new(Gateway::new(engine.clone(), "Api".into(), keys));
    tokio::spawn(serve(listener, gateway, std::future::pending()));
    Served { port, engine }
}

/// Status, head and body of an answer.
struct Got {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Served {
    async fn send(&self, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let mut text = format!("{request} HTTP/1.1\r\nhost: api.local\r\nconnection: close\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        stream.write_all(text.as_bytes()).await.unwrap();
        // The answer may come before all of a body that is too large was read.
        let _ = stream.write_all(body).await;
        let mut all = vec![];
        let _ = stream.read_to_end(&mut all).await;
        let split = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&all[..split]).to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Got { status, head, body: all[split + 4..].to_vec() }
    }

    async fn with_claims(&self, request: &str, claims: Value) -> Got {
        let Value::Object(claims) = claims else { panic!() };
        let token = format!("Bearer {}", issuer().sign(&claims).unwrap());
        self.send(request, &[("authorization", &token)], b"").await
    }
}

fn claims() -> Value {
    let now = SystemClock.wall().seconds();
    json!({
        "iss": "https://issuer.example", "aud": "shop", "sub": "anna", "scope": "orders:write x",
        "iat": now, "exp": now + 60, "roles": ["a", "b"], "admin": true, "none": null,
    })
}

#[track_caller]
fn with(changes: Value) -> Value {
    let mut all = claims();
    for (name, value) in changes.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

#[tokio::test]
async fn an_event_has_api_gateways_shape() {
    let api = served().await;
    let token = format!("Bearer {}", issuer().sign(claims().as_object().unwrap()).unwrap());
    let headers = [
        ("Authorization", token.as_str()),
        ("Content-Type", "application/json"),
        ("X-Twice", "1"),
        ("x-twice", "2"),
        ("Cookie", "a=1; b=2"),
        ("Idempotency-Key", "k1"),
    ];
    let got = api.send("POST /orders?b=2&a=1&a=%20x", &headers, br#"{"sku":"tea"}"#).await;
    assert_eq!(got.status, 200, "{}", got.head);
    let event = got.json();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "POST /orders");
    assert_eq!(event["rawPath"], "/orders");
    assert_eq!(event["rawQueryString"], "b=2&a=1&a=%20x");
    assert_eq!(event["queryStringParameters"], json!({"a": "1, x", "b": "2"}));
    assert_eq!(event["headers"]["x-twice"], "1,2");
    assert_eq!(event["headers"]["idempotency-key"], "k1");
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["body"], r#"{"sku":"tea"}"#);
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event.get("pathParameters"), None);
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["accountId"], "000000000000");
    assert!(context["timeEpoch"].as_i64().unwrap() > 1_700_000_000_000);
    let jwt = &context["authorizer"]["jwt"];
    assert_eq!(jwt["scopes"], json!(["orders:write", "x"]));
    assert_eq!(jwt["claims"]["roles"], "[a b]");
    assert_eq!(jwt["claims"]["admin"], "true");
    assert_eq!(jwt["claims"]["sub"], "anna");
    assert_eq!(jwt["claims"].get("none"), None);
    assert!(jwt["claims"]["exp"].is_string());
    api.engine.stop();
}

#[tokio::test]
async fn a_route_without_scopes_has_null_scopes_and_its_variables() {
    let api = served().await;
    let got = api.with_claims("GET /orders/a%20b", claims()).await;
    let event = got.json();
    assert_eq!(event["pathParameters"], json!({"id": "a b"}));
    assert_eq!(event["requestContext"]["authorizer"]["jwt"]["scopes"], Value::Null);
    assert_eq!(event.get("body"), None);
    api.engine.stop();
}

#[tokio::test]
async fn a_token_is_checked_as_api_gateway_checks_it() {
    let api = served().await;
    let now = SystemClock.wall().seconds();
    let cases = [
        (with(json!({"client_id": "other"})), 200, ""),
        (with(json!({"aud": ["other", "shop"]})), 200, ""),
        (with(json!({"aud": "other"})), 401, "valid audience"),
        (with(json!({"iss": "https://other.example"})), 401, "valid issuer"),
        (with(json!({"exp": now - 1})), 401, "has expired"),
        (with(json!({"exp": null})), 401, "no expiration"),
        (with(json!({"nbf": now + 60})), 401, "not valid yet"),
        (with(json!({"iat": now + 60})), 401, "in the future"),
        (with(json!({"scope": "orders:read"})), 403, ""),
        (with(json!({"scope": null, "scp": ["orders:write"]})), 403, ""),
    ];
    for (claims, status, challenge) in cases {
        let got = api.with_claims("POST /orders", claims.clone()).await;
        assert_eq!(got.status, status, "{claims}: {}", got.head);
        assert!(got.head.contains(challenge), "{claims}: {}", got.head);
    }
    let mut by_client = claims();
    by_client.as_object_mut().unwrap().remove("aud");
    by_client["client_id"] = "shop".into();
    assert_eq!(api.with_claims("POST /orders", by_client).await.status, 200);
    let missing = api.send("POST /orders", &[], b"").await;
    assert_eq!((missing.status, missing.json()), (401, json!({"message": "Unauthorized"})));
    let forged = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.";
    assert_eq!(api.send("POST /orders", &[("authorization", forged)], b"").await.status, 401);
    api.engine.stop();
}

#[tokio::test]
async fn answers_and_failures_are_api_gateways() {
    let api = served().await;
    let cases = [
        ("GET /open/plain", 200, json!({"a": 1})),
        ("GET /open/fail", 500, json!({"message": "Internal Server Error"})),
        ("GET /open/nonsense", 500, json!({"message": "Internal Server Error"})),
        ("GET /open/gone", 500, json!({"message": "Internal Server Error"})),
        ("GET /open/hang", 503, json!({"message": "Service Unavailable"})),
        ("GET /nowhere", 404, json!({"message": "Not Found"})),
        ("DELETE /orders", 404, json!({"message": "Not Found"})),
    ];
    for (request, status, body) in cases {
        let got = api.send(request, &[], b"").await;
        assert_eq!((got.status, got.json()), (status, body), "{request}");
    }
    let binary = api.send("GET /open/binary", &[], b"").await;
    assert_eq!((binary.status, &binary.body[..]), (201, &b"\xff"[..]));
    assert_eq!(binary.head.matches("set-cookie").count(), 2);
    let long = "x".repeat(11_000);
    assert_eq!(api.send("GET /open/plain", &[("x-long", &long)], b"").await.status, 431);
    let large = vec![b'x'; 7 * 1024 * 1024];
    let got = api.send("GET /open/echo", &[("content-type", "text/plain")], &large).await;
    assert_eq!((got.status, got.json()), (413, json!({"message": "Request Entity Too Large"})));
    api.engine.stop();
}

#[tokio::test]
async fn a_preflight_is_answered_without_a_route() {
    let api = served().await;
    let headers = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];
    let got = api.send("OPTIONS /anything", &headers, b"").await;
    assert_eq!(got.status, 204);
    assert!(got.head.contains("access-control-allow-origin: https://shop.example"), "{}", got.head);
    let stranger = [("origin", "https://other.example")];
    let got = api.send("GET /open/plain", &stranger, b"").await;
    assert!(!got.head.contains("access-control"), "{}", got.head);
    api.engine.stop();
}
