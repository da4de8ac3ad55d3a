//! What an invoker is told when a function does not answer.

use super::fake::{Fake, call, echoing, script};
use super::*;
use crate::adapters::runner::failure::LARGEST_ANSWER;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

#[track_caller]
fn error(result: Result<String, Value>, kind: &str, message: &str) {
    let error = result.unwrap_err();
    assert_eq!(error["errorType"], kind, "{error}");
    assert_eq!(error["errorMessage"], message);
}

/// Handles one invocation in this way.
async fn once<F: Future<Output = i32> + Send + 'static>(
    run: impl Fn(Fake, fake::Given) -> F + Send + Sync + Clone + 'static,
) -> World {
    let run = script(move |mut fake: Fake| {
        let run = run.clone();
        async move {
            match fake.next().await {
                Ok(given) => run(fake, given).await,
                Err(_) => 0,
            }
        }
    });
    World::new(vec![echo()], run).await
}

#[tokio::test]
async fn an_error_that_a_function_reports_reaches_the_invoker_as_it_is() {
    let world = once(|mut fake, given| async move {
        let body = r#"{"errorType":"Refused","errorMessage":"no","stackTrace":[]}"#;
        assert_eq!(fake.fail(&given.request, "Refused", body).await.status, 202);
        let _ = fake.next().await;
        0
    })
    .await;
    let (result, _) = world.invoke("1").await;
    assert_eq!(
        result,
        Err(json!({"errorType": "Refused", "errorMessage": "no", "stackTrace": []}))
    );
}

#[tokio::test]
async fn an_error_without_json_keeps_the_type_of_its_header() {
    let world = once(|mut fake, given| async move {
        fake.fail(&given.request, "Runtime.Bad", "it broke").await;
        0
    })
    .await;
    error(world.invoke("1").await.0, "Runtime.Bad", "it broke");
}

#[tokio::test]
async fn an_answer_need_not_be_json() {
    let world = once(|mut fake, given| async move {
        fake.respond(&given.request, "plain text").await;
        0
    })
    .await;
    assert_eq!(world.invoke("1").await.0, Ok("plain text".into()));
}

#[tokio::test]
async fn a_function_that_exits_without_an_answer_is_named_with_its_status() {
    for (status, said) in [
        (3, "Runtime exited with error: exit status 3"),
        (0, "Runtime exited without providing a reason"),
    ] {
        let world = once(move |mut fake, _| async move {
            fake.print("last words").await;
            status
        })
        .await;
        let (result, request) = world.invoke("1").await;
        error(result, "Runtime.ExitError", &format!("RequestId: {request} Error: {said}"));
        assert!(world.log(request).contains(&"last words".to_owned()));
    }
}

#[tokio::test]
async fn a_function_past_its_timeout_is_ended_and_answers_nobody() {
    let (late, mut is_late) = unbounded_channel();
    let run = script(move |mut fake: Fake| {
        let late = late.clone();
        async move {
            let Ok(given) = fake.next().await else { return 0 };
            late.send((fake.environment["AWS_LAMBDA_RUNTIME_API"].clone(), given.request)).unwrap();
            std::future::pending().await
        }
    });
    let mut spec = crate::engine::testing::function("echo");
    spec.timeout = 1;
    let world = World::new(vec![Spec::Function(spec)], run).await;
    let (result, request) = world.invoke("1").await;
    let said = format!("RequestId: {request} Error: Task timed out after 1.00 seconds");
    error(result, "Sandbox.Timedout", &said);
    assert!(world.log(request).last().unwrap().ends_with("Status: timeout"));
    let (api, request) = is_late.recv().await.unwrap();
    let path = format!("invocation/{request}/response");
    let reply = call(&mut None, &api, "POST", &path, "", b"late").await.unwrap();
    assert_eq!(reply.status, 410, "{}", reply.body);
    let reply = call(&mut None, &api, "GET", "invocation/next", "", b"").await.unwrap();
    assert_eq!(reply.status, 410, "what has outlived its end is given nothing");
    assert_eq!(serde_json::from_str::<Value>(&reply.body).unwrap()["errorType"], "EnvironmentGone");
}

#[tokio::test]
async fn another_epoch_and_another_invocation_are_refused() {
    let world = once(|mut fake, given| async move {
        let other = "00000000-0000-4000-8000-000000000000";
        let reply = fake.respond(other, "for another").await;
        assert_eq!((reply.status, reply.body.contains("InvalidRequestID")), (400, true));
        let reply = fake.init_error("{}").await;
        assert_eq!((reply.status, reply.body.contains("InvalidStateTransition")), (403, true));
        let api = fake.environment["AWS_LAMBDA_RUNTIME_API"].clone();
        let (address, path) = api.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (epoch, environment) = path.split_once('/').unwrap();
        let epoch: u64 = epoch.parse().unwrap();
        let old = format!("http://{address}/{}/{environment}", epoch - 1);
        for (method, path) in [("GET", "invocation/next"), ("POST", "init/error")] {
            let reply = call(&mut None, &old, method, path, "", b"").await.unwrap();
            assert_eq!(reply.status, 410);
        }
        let path = format!("invocation/{}/response", given.request);
        assert_eq!(call(&mut None, &old, "POST", &path, "", b"old").await.unwrap().status, 410);
        assert_eq!(fake.respond(&given.request, "own").await.status, 202);
        let reply = fake.respond(&given.request, "again").await;
        assert_eq!(reply.status, 400, "an invocation is answered once");
        0
    })
    .await;
    assert_eq!(world.invoke("1").await.0, Ok("own".into()));
}

#[tokio::test]
async fn an_answer_over_six_megabytes_is_an_error_on_both_sides() {
    let world = once(|mut fake, given| async move {
        let reply = fake.respond(&given.request, &"x".repeat(LARGEST_ANSWER + 1)).await;
        assert_eq!((reply.status, reply.body.contains("RequestEntityTooLarge")), (413, true));
        let given = fake.next().await.ok().unwrap();
        fake.respond(&given.request, &"x".repeat(LARGEST_ANSWER)).await;
        0
    })
    .await;
    let said = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    error(world.invoke("1").await.0, "Function.ResponseSizeTooLarge", said);
    assert_eq!(world.invoke("2").await.0.map(|answer| answer.len()), Ok(LARGEST_ANSWER));
}

#[tokio::test]
async fn a_function_that_does_not_start_fails_its_invocation_and_starts_later() {
    let starts = Arc::new(AtomicUsize::new(0));
    let count = starts.clone();
    let run = script(move |mut fake: Fake| {
        let nth = count.fetch_add(1, Ordering::SeqCst);
        async move {
            match nth {
                0 => return 101,
                1 => {
                    let body = r#"{"errorType":"NoTable","errorMessage":"TABLE is not set"}"#;
                    assert_eq!(fake.init_error(body).await.status, 202);
                    return 1;
                }
                _ => {}
            }
            loop {
                let Ok(given) = fake.next().await else { return 0 };
                fake.respond(&given.request, "started").await;
            }
        }
    });
    let world = World::new(vec![echo()], run).await;
    let (result, request) = world.invoke("1").await;
    let said = format!("RequestId: {request} Error: Runtime exited with error: exit status 101");
    error(result, "Runtime.ExitError", &said);
    error(world.invoke("2").await.0, "NoTable", "TABLE is not set");
    assert_eq!(world.invoke("3").await.0, Ok("started".into()));
    assert_eq!(starts.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_function_without_a_file_fails_with_the_reason() {
    let spawner = fake::FakeSpawner::new(echoing());
    let world = World::with(vec![echo()], spawner, |config| {
        config.executables =
            Arc::new(|_: &FunctionSpec| Err("no binary echo; run `cargo build`".to_owned()));
    })
    .await;
    let (result, request) = world.invoke("1").await;
    let said = format!("RequestId: {request} Error: no binary echo; run `cargo build`");
    error(result, "Runtime.InvalidEntrypoint", &said);
}

#[tokio::test]
async fn a_function_that_dies_between_two_invocations_costs_none() {
    let world = once(|mut fake, given| async move {
        fake.respond(&given.request, "once").await;
        1
    })
    .await;
    for _ in 0..10 {
        assert_eq!(world.invoke("1").await.0, Ok("once".into()));
    }
}
