use super::*;
use crate::services::function::{Finish, Finished};
use crate::topology::{
    AsyncSpec, FunctionSpec, MappingSource, MappingSpec, QueueSpec, StartingPosition,
};

#[track_caller]
fn same(got: &str, wanted: &str) {
    assert_eq!(got, wanted);
}

const QUEUE_MAPPING: &str = "11111111-1111-4111-8111-111111111111";
const STREAM_MAPPING: &str = "22222222-2222-4222-8222-222222222222";
const INVOCATIONS: &str = "/2015-03-31/functions/payment/invocations";

fn function(name: &str) -> FunctionSpec {
    FunctionSpec {
        name: name.into(),
        runtime: "provided.al2023".into(),
        handler: "bootstrap".into(),
        code: None,
        binary: None,
        environment: BTreeMap::from([("A".to_owned(), "b".to_owned())]),
        timeout: 10,
        memory: 128,
        reserved_concurrency: Some(1),
        asynchronous: AsyncSpec::default(),
        statements: None,
        architecture: "x86_64".into(),
    }
}

fn mapping(uuid: &str, source: MappingSource) -> Spec {
    Spec::Mapping(MappingSpec {
        uuid: uuid.into(),
        function: "payment".into(),
        source,
        enabled: true,
        batch_size: 10,
        window: 0,
        report_failures: true,
        filters: vec![],
    })
}

async fn with_function() -> World {
    let world = World::new().await;
    let stream = MappingSource::Stream {
        table: "store".into(),
        starting: StartingPosition::TrimHorizon,
        max_attempts: Some(5),
        max_age_seconds: None,
        bisect: true,
        parallelization: 1,
        on_failure: None,
    };
    let queue = MappingSource::Queue { queue: "orders".into(), max_concurrency: Some(2) };
    world
        .apply(vec![
            Spec::Queue(QueueSpec::named("orders")),
            Spec::Function(function("payment")),
            Spec::Function(function("shipping")),
            mapping(QUEUE_MAPPING, queue),
            mapping(STREAM_MAPPING, stream),
        ])
        .await;
    world
}

impl World {
    async fn get(&self, path: &str) -> String {
        self.send("GET", &format!("/2015-03-31/{path}"), &[], "").await.raw()
    }

    async fn finish(&self, id: InvocationId, finished: Finished) {
        let asked = Asked { caller: Caller::Engine, cause: Cause::Invocation(id) };
        let finish = Finish { id, finished, payload: bytes::Bytes::new() };
        assert!(self.engine.submit(finish, asked).await.unwrap());
    }
}

impl Answered {
    /// With its ids, since a mapping's is its name.
    fn raw(&self) -> String {
        format!("{} {}", self.status, self.body)
    }
}

#[tokio::test]
async fn a_function_answers_whoever_invokes_it() {
    let mut world = with_function().await;
    let address = world.address;
    let case = async |world: &mut World, finished: Finished| {
        let asking = tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let text = request("POST", INVOCATIONS, &[("X-Amz-Log-Type", "Tail")], r#"{"a":1}"#);
            stream.write_all(text.as_bytes()).await.unwrap();
            Answered::read(&mut stream, &mut vec![]).await
        });
        let (id, request, payload) = world.invocation().await;
        same(&payload, r#"{"a":1}"#);
        let throttled = world.send("POST", INVOCATIONS, &[], "{}").await;
        same(
            &throttled.short(),
            r#"429 {"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
        );
        assert_eq!(throttled.headers["x-amzn-errortype"], "TooManyRequestsException");
        world.finish(id, finished).await;
        let answer = asking.await.unwrap();
        assert_eq!(answer.headers["x-amzn-requestid"], request);
        assert_eq!(answer.headers["x-amz-executed-version"], "$LATEST");
        assert_eq!(answer.headers["x-amz-log-result"], "");
        answer
    };
    let answer = case(&mut world, Finished::Answered("[1]".into())).await;
    same(&answer.raw(), "200 [1]");
    assert_eq!(answer.headers.get("x-amz-function-error"), None);
    let body = r#"{"errorType":"E","errorMessage":"m"}"#;
    let failed = Finished::Failed { kind: "E".into(), message: "m".into(), body: body.into() };
    let answer = case(&mut world, failed).await;
    same(&answer.raw(), &format!("200 {body}"));
    assert_eq!(answer.headers["x-amz-function-error"], "Unhandled");
}

#[tokio::test]
async fn an_event_is_accepted_and_run_and_a_dry_run_is_not() {
    let mut world = with_function().await;
    let dry = [("X-Amz-Invocation-Type", "DryRun")];
    same(&world.send("POST", INVOCATIONS, &dry, "").await.raw(), "204 ");
    let event = [("X-Amz-Invocation-Type", "Event")];
    let arn = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Apayment/invocations?Qualifier=%24LATEST";
    let accepted = world.send("POST", arn, &event, "").await;
    same(&accepted.raw(), "202 ");
    let (_, request, payload) = world.invocation().await;
    same(&payload, "{}");
    assert_eq!(accepted.headers["x-amzn-requestid"], request);
}

#[tokio::test]
async fn an_invocation_that_cannot_be_is_refused_as_lambda_does() {
    let world = with_function().await;
    let case = async |name: &str, kind: &str, body: &str, status: u16, code: &str, part: &str| {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let refused = world.send("POST", &path, &[("X-Amz-Invocation-Type", kind)], body).await;
        assert_eq!(
            (refused.status, refused.headers["x-amzn-errortype"].as_str()),
            (status, code),
            "{refused:?}"
        );
        assert!(refused.body.contains(part), "{part}: {refused:?}");
    };
    let wait = "RequestResponse";
    case("none", wait, "{}", 404, "ResourceNotFoundException", "function:none").await;
    case("none", "DryRun", "{}", 404, "ResourceNotFoundException", "function:none").await;
    case("payment:live", wait, "{}", 404, "ResourceNotFoundException", "live").await;
    case("payment", wait, "{", 400, "InvalidRequestContentException", "json").await;
    case("payment", "Later", "{}", 400, "InvalidParameterValueException", "Later").await;
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    case("payment", "Event", &large, 413, "RequestTooLargeException", "1048576").await;
    let large = format!("\"{}\"", "x".repeat(6 * 1024 * 1024));
    case("payment", wait, &large, 413, "RequestTooLargeException", "6291456").await;
    let refused = world.send("POST", "/2015-03-31/functions", &[], "{}").await;
    assert_eq!(refused.headers["x-amzn-errortype"], "UnknownOperationException");
}

#[tokio::test]
async fn functions_are_shown_and_listed_by_the_page() {
    let world = with_function().await;
    let payment = concat!(
        r#"{"FunctionName":"payment","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:payment","Runtime":"provided.al2023","#,
        r#""Role":"arn:aws:iam::000000000000:role/payment","Handler":"bootstrap","CodeSize":0,"Description":"","Timeout":10,"MemorySize":128,"#,
        r#""LastModified":"2023-11-14T22:13:20.000+0000","Version":"$LATEST","Environment":{"Variables":{"A":"b"}},"State":"Active","#,
        r#""LastUpdateStatus":"Successful","PackageType":"Zip","Architectures":["x86_64"]}"#,
    );
    same(
        &world.get("functions/payment").await,
        &format!(
            r#"200 {{"Configuration":{payment},"Concurrency":{{"ReservedConcurrentExecutions":1}}}}"#
        ),
    );
    same(&world.get("functions/payment/configuration").await, &format!("200 {payment}"));
    let first = world.get("functions/?MaxItems=1").await;
    same(&member(&first, "/Functions/0/FunctionName"), "payment");
    let next = member(&first, "/NextMarker");
    let second = world.get(&format!("functions?MaxItems=1&Marker={next}")).await;
    same(&member(&second, "/Functions/0/FunctionName"), "shipping");
    assert!(!second.contains("NextMarker"), "{second}");
    same(
        &world.get("functions/none").await,
        r#"404 {"Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:none","Type":"User"}"#,
    );
}

#[tokio::test]
async fn mappings_are_shown_and_listed() {
    let world = with_function().await;
    same(
        &world.get(&format!("event-source-mappings/{QUEUE_MAPPING}")).await,
        &format!(
            concat!(
                r#"200 {{"UUID":"{0}","EventSourceMappingArn":"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{0}","#,
                r#""EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:orders","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:payment","#,
                r#""State":"Enabled","StateTransitionReason":"USER_INITIATED","BatchSize":10,"MaximumBatchingWindowInSeconds":0,"#,
                r#""FunctionResponseTypes":["ReportBatchItemFailures"],"LastModified":1700000000.0,"ScalingConfig":{{"MaximumConcurrency":2}}}}"#,
            ),
            QUEUE_MAPPING
        ),
    );
    let stream = world.get(&format!("event-source-mappings/{STREAM_MAPPING}")).await;
    same(&member(&stream, "/MaximumRetryAttempts"), "5");
    same(&member(&stream, "/MaximumRecordAgeInSeconds"), "-1");
    same(&member(&stream, "/StartingPosition"), "TRIM_HORIZON");
    let by = async |query: &str| {
        let listed = world.get(&format!("event-source-mappings/?{query}")).await;
        let body = listed.split_once(' ').unwrap().1;
        let listed: serde_json::Value = serde_json::from_str(body).unwrap();
        listed["EventSourceMappings"].as_array().unwrap().len()
    };
    assert_eq!(by("").await, 2);
    assert_eq!(by("FunctionName=payment").await, 2);
    assert_eq!(by("FunctionName=shipping").await, 0);
    assert_eq!(by("EventSourceArn=arn:aws:sqs:us-east-1:000000000000:orders").await, 1);
    let stream = "arn:aws:dynamodb:us-east-1:000000000000:table/store/stream/2023";
    assert_eq!(by(&format!("EventSourceArn={stream}")).await, 1);
    same(
        &world.get("event-source-mappings/none").await,
        r#"404 {"Message":"The resource you requested does not exist.","Type":"User"}"#,
    );
}

#[tokio::test]
async fn a_mapping_is_changed_within_lambdas_limits() {
    let world = with_function().await;
    let put = async |uuid: &str, body: &str| {
        let path = format!("/2015-03-31/event-source-mappings/{uuid}");
        world.send("PUT", &path, &[], body).await.raw()
    };
    let change = r#"{"UUID":"x","Enabled":false,"BatchSize":100,"MaximumBatchingWindowInSeconds":1,"FunctionName":"shipping",
        "ScalingConfig":{},"FunctionResponseTypes":[],"FilterCriteria":{"Filters":[{"Pattern":"{\"body\":[\"a\"]}"}]}}"#;
    let changed = put(QUEUE_MAPPING, change).await;
    assert!(changed.starts_with("202 "), "{changed}");
    same(&member(&changed, "/State"), "Disabled");
    same(&member(&changed, "/BatchSize"), "100");
    same(&member(&changed, "/FunctionResponseTypes"), "[]");
    same(&member(&changed, "/FilterCriteria/Filters/0/Pattern"), r#"{"body":["a"]}"#);
    assert!(member(&changed, "/FunctionArn").ends_with(":shipping"));
    assert!(!changed.contains("ScalingConfig"), "{changed}");
    let changed =
        put(STREAM_MAPPING, r#"{"MaximumRetryAttempts":-1,"MaximumRecordAgeInSeconds":60}"#).await;
    same(&member(&changed, "/MaximumRetryAttempts"), "-1");
    same(&member(&changed, "/MaximumRecordAgeInSeconds"), "60");
    let case = async |uuid: &str, body: &str, status: u16, part: &str| {
        let refused = put(uuid, body).await;
        assert!(refused.starts_with(&status.to_string()), "{refused}");
        assert!(refused.contains(part), "{part}: {refused}");
    };
    let window = r#"{"BatchSize":11,"MaximumBatchingWindowInSeconds":0}"#;
    let text = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10";
    case(QUEUE_MAPPING, window, 400, text).await;
    case(QUEUE_MAPPING, r#"{"BatchSize":0}"#, 400, "BatchSize").await;
    let one = r#"{"ScalingConfig":{"MaximumConcurrency":1}}"#;
    case(QUEUE_MAPPING, one, 400, "MaximumConcurrency").await;
    case(QUEUE_MAPPING, r#"{"MaximumRetryAttempts":1}"#, 400, "MaximumRetryAttempts").await;
    case(STREAM_MAPPING, one, 400, "ScalingConfig").await;
    let filter = r#"{"FilterCriteria":{"Filters":[{"Pattern":"{"}]}}"#;
    case(QUEUE_MAPPING, filter, 400, "pattern").await;
    case(QUEUE_MAPPING, r#"{"TumblingWindowInSeconds":1}"#, 400, "TumblingWindow").await;
    case(QUEUE_MAPPING, r#"{"FunctionName":"none"}"#, 404, "none").await;
    case(QUEUE_MAPPING, "{", 400, "json").await;
    case("none", "{}", 404, "does not exist").await;
}
