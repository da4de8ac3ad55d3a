//! HTTP APIs of API Gateway, with payload format 2.0.

use super::aws::{Aws, Told, text_of};
use super::stage::Does;
use super::{Fact, cases, fact, not_shown};
use serde_json::{Value, json};

const PAYLOAD: &str = "AWS docs 2026, API Gateway guide";
const CAPTURE: &str = "captured from AWS in a public pull request, 2026-08";
const ROUTES: &str = "AWS docs 2026, API Gateway guide";
const CORS: &str = "AWS docs 2026, API Gateway guide";
const QUOTAS: &str = "AWS docs 2026, API Gateway quotas";

pub(super) const FACTS: &[Fact] = &[
    fact(
        "An event has version \"2.0\", routeKey, rawPath, rawQueryString, cookies, headers, queryStringParameters, \
         requestContext, body, pathParameters, isBase64Encoded; names of headers in lower case, what is repeated joined \
         by commas.",
        PAYLOAD,
        cases![an_event_is_the_request_in_format_2_0, what_a_request_has_not_its_event_has_not],
    ),
    fact(
        "requestContext has accountId, apiId, authorizer, domainName, domainPrefix, http {method, path, protocol, \
         sourceIp, userAgent}, requestId, routeKey, stage, time \"12/Mar/2020:19:03:58 +0000\", timeEpoch in ms.",
        PAYLOAD,
        cases![a_request_has_its_context],
    ),
    fact(
        "Its headers have host, x-amzn-trace-id, x-forwarded-for, -port and -proto.",
        CAPTURE,
        cases![a_request_has_its_context],
    ),
    fact(
        "Without a route: 404 {\"message\":\"Not Found\"}, also for a known path under another method.",
        ROUTES,
        cases![what_has_no_route_is_not_found],
    ),
    fact(
        "A full match comes before {proxy+}, that before $default; a static path before a variable, a method before \
         ANY.",
        ROUTES,
        cases![the_most_specific_route_is_taken],
    ),
    fact("{proxy+} is only at a path's end.", ROUTES, cases![a_greedy_variable_stands_at_the_end]),
    fact("Path parameters arrive decoded.", ROUTES, cases![an_event_is_the_request_in_format_2_0]),
    fact(
        "A function's error, its timeout, or a response that is none: 500 {\"message\":\"Internal Server Error\"}.",
        PAYLOAD,
        cases![what_goes_wrong_in_a_function_is_an_internal_server_error],
    ),
    fact(
        "An integration has at most 30 s.",
        QUOTAS,
        cases![an_integration_has_at_most_thirty_seconds],
    ),
    fact(
        "A request's payload has at most 10 MB, and its event for Lambda 6 MB; request line and headers 10,240 bytes.",
        QUOTAS,
        cases![a_request_has_its_limits],
    ),
    fact(
        "A response with statusCode is {statusCode, headers, body, isBase64Encoded, cookies}, each cookie a set-cookie \
         header, and no multiValueHeaders.",
        PAYLOAD,
        cases![a_response_with_a_status_says_everything_itself],
    ),
    fact(
        "Other JSON is the body of a 200, application/json.",
        PAYLOAD,
        cases![other_json_is_a_body],
    ),
    fact(
        "With CORS a preflight is answered without a route, a function's own CORS headers give way, and there are none \
         without Origin.",
        CORS,
        cases![a_preflight_needs_no_route, cors_headers_are_the_apis_and_for_an_origin],
    ),
    not_shown("stageVariables.", PAYLOAD, "stages have no variables here"),
    not_shown("authentication.clientCert.", PAYLOAD, "no mutual TLS on loopback"),
    not_shown("300 routes and integrations, 10 stages.", QUOTAS, "quotas of an account and region"),
];

const TEMPLATE: &str = r#"
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration:
        {AllowOrigins: ["https://shop.example"], AllowMethods: [GET], AllowHeaders: [x-kind], MaxAge: 60}
  Clerk:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: clerk
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      Timeout: 1
      Events:
        Item: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: "/orders/{id}/items"}}
        One: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: "/orders/{id}"}}
        Latest: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: /orders/latest}}
        GetLatest: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /orders/latest}}
        Rest: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: "/orders/{proxy+}"}}
"#;

/// With `$default` for the rest.
fn with_default() -> String {
    format!("{TEMPLATE}        Default: {{Type: HttpApi, Properties: {{ApiId: !Ref Api}}}}\n")
}

/// The event that the function was given last.
fn last(aws: &Aws) -> Value {
    aws.stage.given("clerk").pop().expect("an event")
}

/// What a client gets when the function answers so.
fn answered(aws: &Aws, answer: &Value) -> Told {
    let answer = answer.to_string();
    aws.stage.plays("clerk", move |_| Does::Says(answer.clone()));
    aws.http("GET /orders/1", &[], "")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_the_request_in_format_2_0() {
    let aws = Aws::up(TEMPLATE).await;
    let headers = [
        ("Content-Type", "application/json"),
        ("X-Twice", "1"),
        ("x-twice", "2"),
        ("Cookie", "a=1; b=2"),
    ];
    aws.http("POST /orders/a%20b%2Fc/items?x=1&y=%C3%A9&x=2", &headers, r#"{"sku":"tea"}"#);
    let mut event = last(&aws);
    let headers = event["headers"].take();
    assert_eq!(
        (&headers["content-type"], &headers["x-twice"]),
        (&json!("application/json"), &json!("1,2"))
    );
    assert!(headers.as_object().expect("headers").keys().all(|name| *name == name.to_lowercase()));
    assert!(event["requestContext"].take().is_object());
    let wanted = json!({
        "version": "2.0",
        "routeKey": "POST /orders/{id}/items",
        "rawPath": "/orders/a%20b%2Fc/items",
        "rawQueryString": "x=1&y=%C3%A9&x=2",
        "cookies": ["a=1", "b=2"],
        "headers": null,
        "queryStringParameters": { "x": "1,2", "y": "é" },
        "requestContext": null,
        "body": r#"{"sku":"tea"}"#,
        "pathParameters": { "id": "a b/c" },
        "isBase64Encoded": false,
    });
    assert_eq!(event, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_has_not_its_event_has_not() {
    let aws = Aws::up(TEMPLATE).await;
    aws.http("GET /orders/latest", &[], "");
    let event = last(&aws);
    for name in ["cookies", "queryStringParameters", "body"] {
        assert_eq!(event.get(name), None, "{event}");
    }
    assert_eq!((&event["rawQueryString"], &event["isBase64Encoded"]), (&json!(""), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_its_context() {
    let aws = Aws::up(TEMPLATE).await;
    aws.http("GET /orders/1", &[("user-agent", "tea/1")], "");
    let event = last(&aws);
    let mut context = event["requestContext"].clone();
    let ms = context["timeEpoch"].take().as_i64().expect("milliseconds");
    let time = pointsman::clock::Time(ms).format("%d/%b/%Y:%H:%M:%S +0000");
    let host = aws.running.http().strip_prefix("http://").expect("a URL");
    for name in ["apiId", "requestId", "domainPrefix"] {
        assert!(!text_of(&context[name].take()).is_empty(), "{name}");
    }
    let wanted = json!({
        "accountId": "000000000000",
        "apiId": null,
        "domainName": host,
        "domainPrefix": null,
        "http": {
            "method": "GET",
            "path": "/orders/1",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "tea/1",
        },
        "requestId": null,
        "routeKey": "GET /orders/{id}",
        "stage": "$default",
        "time": time,
        "timeEpoch": null,
    });
    assert_eq!(context, wanted);
    let headers = &event["headers"];
    assert_eq!(
        (&headers["host"], &headers["x-forwarded-for"]),
        (&json!(host), &json!("127.0.0.1"))
    );
    assert!(text_of(&headers["x-amzn-trace-id"]).starts_with("Root=1-"), "{headers}");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-forwarded-port"].as_str(), host.split(':').nth(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_route_is_not_found() {
    let aws = Aws::up(TEMPLATE).await;
    for request in
        ["GET /", "GET /order", "DELETE /orders/1", "POST /orders", "PUT /orders/1/items"]
    {
        let told = aws.http(request, &[], "");
        assert_eq!(
            (told.status, told.json()),
            (404, json!({ "message": "Not Found" })),
            "{request}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_specific_route_is_taken() {
    let aws = Aws::up(&with_default()).await;
    for (request, route) in [
        ("GET /orders/latest", "GET /orders/latest"),
        ("PUT /orders/latest", "ANY /orders/latest"),
        ("GET /orders/7", "GET /orders/{id}"),
        ("POST /orders/7/items", "POST /orders/{id}/items"),
        ("GET /orders/7/items", "GET /orders/{proxy+}"),
        ("PUT /orders/7/items", "$default"),
        ("GET /", "$default"),
    ] {
        aws.http(request, &[], "");
        assert_eq!(last(&aws)["routeKey"], route, "{request}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_greedy_variable_stands_at_the_end() {
    let refused = Aws::refused(&TEMPLATE.replace("/orders/{proxy+}", "/{proxy+}/orders")).await;
    assert!(refused.contains("/{proxy+}/orders"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_in_a_function_is_an_internal_server_error() {
    let aws = Aws::up(TEMPLATE).await;
    let parts: [fn() -> Does; 5] = [
        || Does::Fails,
        || Does::Says("no JSON".into()),
        || Does::says(&json!({ "statusCode": "no number" })),
        || Does::says(&json!({ "statusCode": 200, "body": { "no": "text" } })),
        || Does::Waits,
    ];
    for (n, part) in parts.into_iter().enumerate() {
        aws.stage.plays("clerk", move |_| part());
        let told = aws.http("GET /orders/1", &[], "");
        let wanted = json!({ "message": "Internal Server Error" });
        assert_eq!((told.status, told.json()), (500, wanted), "the {n}th");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_has_at_most_thirty_seconds() {
    let with = |ms: &str| {
        let more = format!("Path: /orders/latest, TimeoutInMillis: {ms}}}");
        TEMPLATE.replacen("Path: /orders/latest}", &more, 1)
    };
    Aws::up(&with("30000")).await;
    let refused = Aws::refused(&with("30001")).await;
    assert!(refused.contains("TimeoutInMillis"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_its_limits() {
    let aws = Aws::up(TEMPLATE).await;
    let text = [("content-type", "text/plain")];
    let post = |bytes: usize| aws.http("POST /orders/1/items", &text, &"y".repeat(bytes)).status;
    assert_eq!(post(6_000_000), 200);
    assert_eq!(post(6 * 1_024 * 1_024), 413, "with what stands around it");
    assert_eq!(aws.stage.given("clerk").len(), 1);
    let get =
        |bytes: usize| aws.http("GET /orders/1", &[("x-long", &"y".repeat(bytes))], "").status;
    assert_eq!((get(9_900), get(10_240)), (200, 431));
    assert_eq!(aws.stage.given("clerk").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_with_a_status_says_everything_itself() {
    let aws = Aws::up(TEMPLATE).await;
    let told = answered(
        &aws,
        &json!({
            "statusCode": 201,
            "headers": { "content-type": "text/tea", "X-Kind": "green" },
            "multiValueHeaders": { "x-many": ["1", "2"] },
            "cookies": ["a=1", "b=2; Secure"],
            "body": "dGVh",
            "isBase64Encoded": true,
        }),
    );
    assert_eq!((told.status, &*told.text), (201, "tea"));
    assert_eq!((told.header("content-type"), told.header("x-kind")), ("text/tea", "green"));
    assert_eq!(told.header("x-many"), "");
    let cookies: Vec<_> = told.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2; Secure"]);
    let plain = answered(&aws, &json!({ "statusCode": 200, "body": "dGVh" }));
    assert_eq!(plain.text, "dGVh");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_json_is_a_body() {
    let aws = Aws::up(TEMPLATE).await;
    for answer in [json!({ "tea": ["green"] }), json!([1, 2]), json!(7)] {
        let told = answered(&aws, &answer);
        assert_eq!((told.status, told.header("content-type")), (200, "application/json"));
        assert_eq!(told.json(), answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_needs_no_route() {
    let aws = Aws::up(&with_default()).await;
    let asks = [("origin", "https://shop.example"), ("access-control-request-method", "GET")];
    let told = aws.http("OPTIONS /nowhere", &asks, "");
    assert_eq!((told.status / 100, &*told.text), (2, ""));
    let allowed = ["origin", "methods", "headers"]
        .map(|what| told.header(&format!("access-control-allow-{what}")).to_owned());
    assert_eq!(allowed, ["https://shop.example", "GET", "x-kind"]);
    assert_eq!(told.header("access-control-max-age"), "60");
    assert!(aws.stage.given("clerk").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn cors_headers_are_the_apis_and_for_an_origin() {
    let aws = Aws::up(TEMPLATE).await;
    let own = json!({ "statusCode": 200, "headers": {
        "Access-Control-Allow-Origin": "*", "access-control-allow-methods": "DELETE", "x-kind": "green",
    } });
    aws.stage.plays("clerk", move |_| Does::says(&own));
    let ask = |headers: &[(&str, &str)]| {
        let told = aws.http("GET /orders/1", headers, "");
        assert_eq!(told.header("x-kind"), "green");
        ["origin", "methods"]
            .map(|what| told.header(&format!("access-control-allow-{what}")).to_owned())
    };
    assert_eq!(ask(&[]), ["", ""]);
    assert_eq!(ask(&[("origin", "https://shop.example")])[0], "https://shop.example");
    assert_eq!(ask(&[("origin", "https://other.example")]), ["", ""]);
}
