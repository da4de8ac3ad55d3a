//! JWT authorizers of HTTP APIs.

use super::aws::{Aws, Told};
use super::{Fact, cases, fact, not_shown};
use pointsman::adapters::control::Claims;
use serde_json::{Value, json};

const AUTHORIZER: &str = "AWS docs 2026, API Gateway guide";
const CAPTURES: &str = "captured from AWS in two public pull requests, 2026-08";

pub(super) const FACTS: &[Fact] = &[
    fact(
        "authorizer.jwt is {claims, scopes}; all claims are texts: numbers and booleans as written, arrays \"[a b]\", \
         objects as JSON, and nulls are left out.",
        CAPTURES,
        cases![claims_are_texts],
    ),
    fact(
        "scopes is null on a route without scopes, else all that the token has; scope stays among the claims.",
        CAPTURES,
        cases![scopes_are_all_of_the_tokens_or_null],
    ),
    fact(
        "Checked are kid, iss, aud (client_id only without it), exp, nbf, iat, and one of the route's scopes in scope \
         or scp; algorithms are RSA's.",
        AUTHORIZER,
        cases![
            a_token_is_checked_as_a_jwt_authorizer_does,
            a_token_is_signed_with_rsa_by_a_known_key,
            a_scope_is_in_scope_or_scp
        ],
    ),
    fact(
        "401 is {\"message\":\"Unauthorized\"} with www-authenticate: Bearer scope=\"\" error=\"invalid_token\" \
         error_description=\"the token has expired\", or \"the token does not have a valid audience\".",
        "AWS docs 2026, API Gateway guide; captured from AWS",
        cases![a_refused_token_is_told_why],
    ),
    fact(
        "A token without any of the route's scopes: 403 {\"message\":\"Forbidden\"}.",
        "measured on AWS in a public pull request, 2026-08",
        cases![a_scope_is_in_scope_or_scp],
    ),
    not_shown(
        "Keys are cached for 2 hours, and fetched within 1,500 ms, 150,000 bytes; 50 audiences, 10 authorizers an API, \
         10 scopes a route.",
        AUTHORIZER,
        "the local issuer's keys are in the same process; quotas",
    ),
    not_shown(
        "With an authorizer on $default, preflights want an OPTIONS route without one.",
        "AWS docs 2026, API Gateway guide",
        "SAM puts CORS on the API, which answers before routes do; advice for templates without",
    ),
];

const TEMPLATE: &str = r#"
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Caller
        Authorizers:
          Caller:
            IdentitySource: $request.header.Authorization
            JwtConfiguration: {issuer: "https://issuer.example", audience: [shop, office]}
  Clerk:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: clerk
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      Events:
        Any: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /any}}
        Orders:
          Type: HttpApi
          Properties:
            {ApiId: !Ref Api, Method: GET, Path: /orders, Auth: {AuthorizationScopes: [orders:read, orders:all]}}
"#;

/// A request with a token of these claims, beside what every token has.
async fn ask(aws: &Aws, path: &str, more: &Value) -> Told {
    let more = more.as_object().expect("claims").clone();
    let claims =
        Claims { sub: "anna".into(), scope: "tea orders:read".into(), more, ..Claims::default() };
    with(aws, path, claims).await
}

async fn with(aws: &Aws, path: &str, claims: Claims) -> Told {
    let token = aws.running.sign(claims).await;
    aws.http(&format!("GET {path}"), &[("authorization", &format!("Bearer {token}"))], "")
}

fn jwt(aws: &Aws) -> Value {
    let event = aws.stage.given("clerk").pop().expect("an event");
    event["requestContext"]["authorizer"]["jwt"].clone()
}

fn now() -> i64 {
    pointsman_kit::clock::wall().as_ms() / 1_000
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_are_texts() {
    let aws = Aws::up(TEMPLATE).await;
    let more = json!({
        "level": 7, "admin": true, "roles": ["a", "b"], "none": null, "place": { "city": "Bonn" },
    });
    assert_eq!(ask(&aws, "/any", &more).await.status, 200);
    let claims = jwt(&aws)["claims"].clone();
    for (name, text) in [
        ("sub", "anna"),
        ("level", "7"),
        ("admin", "true"),
        ("roles", "[a b]"),
        ("place", r#"{"city":"Bonn"}"#),
        ("aud", "shop"),
    ] {
        assert_eq!(claims[name], text);
    }
    assert_eq!(claims.get("none"), None);
    let exp = claims["exp"].as_str().and_then(|exp| exp.parse::<i64>().ok());
    assert!(exp.is_some_and(|exp| exp > now()), "{claims}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_all_of_the_tokens_or_null() {
    let aws = Aws::up(TEMPLATE).await;
    assert_eq!(ask(&aws, "/orders", &json!({})).await.status, 200);
    assert_eq!(jwt(&aws)["scopes"], json!(["tea", "orders:read"]));
    assert_eq!(jwt(&aws)["claims"]["scope"], "tea orders:read");
    assert_eq!(ask(&aws, "/any", &json!({})).await.status, 200);
    assert_eq!(jwt(&aws).get("scopes"), Some(&Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_checked_as_a_jwt_authorizer_does() {
    let aws = Aws::up(TEMPLATE).await;
    let claims = || Claims { sub: "anna".into(), ..Claims::default() };
    let late = json!({ "nbf": now() + 600 });
    let early = json!({ "nbf": now() - 600 });
    let more =
        |more: &Value| Claims { more: more.as_object().expect("claims").clone(), ..claims() };
    for (claims, wanted) in [
        (claims(), 200),
        (Claims { aud: Some("office".into()), ..claims() }, 200),
        (Claims { aud: Some("other".into()), ..claims() }, 401),
        // aud is there, so client_id counts for nothing.
        (Claims { aud: Some("other".into()), ..more(&json!({ "client_id": "shop" })) }, 401),
        (Claims { iss: Some("https://other.example".into()), ..claims() }, 401),
        (Claims { expires_in: Some(-60), ..claims() }, 401),
        (more(&late), 401),
        (more(&early), 200),
    ] {
        let shown = format!("{claims:?}");
        assert_eq!(with(&aws, "/any", claims).await.status, wanted, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_signed_with_rsa_by_a_known_key() {
    let aws = Aws::up(TEMPLATE).await;
    let token = aws.running.token("anna", "").await;
    let status = |token: &str| aws.http("GET /any", &[("authorization", token)], "").status;
    assert_eq!((status(&format!("Bearer {token}")), status(&token)), (200, 200));
    let [head, body, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("{token}")
    };
    // {"alg":"none"}, {"alg":"HS256","typ":"JWT"}, and RS256 of a key that nobody knows.
    let unknown = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im5vYm9keSJ9";
    for forged in [
        format!("eyJhbGciOiJub25lIn0.{body}."),
        format!("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{body}.{signature}"),
        format!("{unknown}.{body}.{signature}"),
        format!("{head}.{body}."),
        format!("{head}.{}.{signature}", body.replacen('a', "b", 1)),
        "no token".to_owned(),
    ] {
        assert_eq!(status(&format!("Bearer {forged}")), 401, "{forged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_is_in_scope_or_scp() {
    let aws = Aws::up(TEMPLATE).await;
    for (scope, wanted) in
        [("orders:read", 200), ("tea orders:all", 200), ("tea", 403), ("orders", 403)]
    {
        let claims = Claims { sub: "anna".into(), scope: scope.into(), ..Claims::default() };
        let told = with(&aws, "/orders", claims).await;
        assert_eq!(told.status, wanted, "{scope}");
        if wanted == 403 {
            assert_eq!(told.json(), json!({ "message": "Forbidden" }));
        }
    }
    for (scopes, wanted) in [(json!(["tea", "orders:read"]), 200), (json!(["tea"]), 403)] {
        let more = json!({ "scp": scopes }).as_object().expect("claims").clone();
        let claims = Claims { sub: "anna".into(), more, ..Claims::default() };
        assert_eq!(with(&aws, "/orders", claims).await.status, wanted, "{scopes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_told_why() {
    let aws = Aws::up(TEMPLATE).await;
    let claims = || Claims { sub: "anna".into(), ..Claims::default() };
    for (claims, why) in [
        (Claims { expires_in: Some(-60), ..claims() }, "the token has expired"),
        (Claims { aud: Some("x".into()), ..claims() }, "the token does not have a valid audience"),
    ] {
        let told = with(&aws, "/any", claims).await;
        assert_eq!((told.status, told.json()), (401, json!({ "message": "Unauthorized" })));
        let wanted = format!(r#"Bearer scope="" error="invalid_token" error_description="{why}""#);
        assert_eq!(told.header("www-authenticate"), wanted);
    }
}
