//! Starting, using again, ending; what a function is given and what it writes.

use super::fake::{Fake, echoing, script};
use super::*;
use crate::engine::testing::function;
use std::collections::BTreeMap;
use tokio::sync::Semaphore;

#[tokio::test]
async fn a_function_is_started_once_and_used_again() {
    let world = World::new(vec![echo()], echoing()).await;
    for n in 0..5 {
        let payload = format!("{{\"n\":{n}}}");
        assert_eq!(world.invoke(&payload).await.0, Ok(payload));
    }
    assert_eq!(world.spawner.count(), 1);
}

#[tokio::test]
async fn every_concurrent_invocation_has_an_environment_of_its_own() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let run = script(move |mut fake: Fake| {
        let gate = gate.clone();
        async move {
            loop {
                let Ok(given) = fake.next().await else { return 0 };
                gate.acquire().await.unwrap().forget();
                fake.respond(&given.request, &given.payload).await;
            }
        }
    });
    let world = World::new(vec![echo()], run).await;
    let mut answers = vec![];
    for n in 0..4 {
        answers.push((n.to_string(), world.begin(&n.to_string()).await.2));
    }
    while world.spawner.count() < 4 {
        tokio::task::yield_now().await;
    }
    opened.add_permits(4);
    for (payload, answer) in answers {
        assert_eq!(read(soon(answer).await.unwrap()), Ok(payload));
    }
    opened.add_permits(1);
    assert_eq!(world.invoke("5").await.0, Ok("5".into()));
    assert_eq!(world.spawner.count(), 4);
}

#[tokio::test]
async fn no_more_environments_than_allowed_are_started_and_the_rest_wait() {
    let spawner = fake::FakeSpawner::new(echoing());
    let world = World::with(vec![echo()], spawner, |config| config.limits.environments = 2).await;
    let mut answers = vec![];
    for n in 0..20 {
        answers.push((n.to_string(), world.begin(&n.to_string()).await.2));
    }
    for (payload, answer) in answers {
        assert_eq!(read(soon(answer).await.unwrap()), Ok(payload));
    }
    assert!(world.spawner.count() <= 2);
}

#[tokio::test]
async fn an_idle_environment_ends_and_the_next_invocation_starts_another() {
    let spawner = fake::FakeSpawner::new(echoing());
    let idle = Duration::from_millis(20);
    let world = World::with(vec![echo()], spawner, |config| config.limits.idle = idle).await;
    assert_eq!(world.invoke("1").await.0, Ok("1".into()));
    let key = key_of(&world, 0);
    let ended = async {
        while world.runner.caller_of_key(&key) != Some(KeyOwner::Ended) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    soon(ended).await;
    assert_eq!(world.invoke("2").await.0, Ok("2".into()));
    assert_eq!(world.spawner.count(), 2);
}

#[tokio::test]
async fn changed_settings_and_changed_code_take_a_new_environment() {
    let world = World::new(vec![echo()], echoing()).await;
    assert_eq!(world.invoke("1").await.0, Ok("1".into()));
    let mut changed = function("echo");
    changed.environment.insert("COLOUR".into(), "green".into());
    world.apply(vec![Spec::Function(changed)]).await;
    assert_eq!(world.invoke("2").await.0, Ok("2".into()));
    assert_eq!(world.spawner.count(), 2);
    assert_eq!(variables(&world, 1)["COLOUR"], "green");
    world.runner.retire("echo");
    assert_eq!(world.invoke("3").await.0, Ok("3".into()));
    assert_eq!(world.spawner.count(), 3);
}

#[tokio::test]
async fn an_environment_has_the_variables_that_lambda_sets() {
    let mut spec = function("echo");
    spec.environment.insert("TABLE".into(), "orders".into());
    spec.environment.insert("AWS_REGION".into(), "is reserved".into());
    let world = World::new(vec![Spec::Function(spec)], echoing()).await;
    world.invoke("1").await.0.unwrap();
    let variables = variables(&world, 0);
    for (name, value) in [
        ("TABLE", "orders"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "echo"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/echo"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ("LAMBDA_TASK_ROOT", "/functions"),
        ("_HANDLER", "bootstrap"),
        ("TZ", ":UTC"),
    ] {
        assert_eq!(variables.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(variables["AWS_LAMBDA_LOG_STREAM_NAME"].contains("/[$LATEST]"));
    assert!(!variables.contains_key("CARGO_MANIFEST_DIR"), "nothing else is inherited");
    assert_eq!(variables["PATH"], std::env::var("PATH").unwrap());
}

#[tokio::test]
async fn an_invocation_comes_with_its_circumstances_and_is_known_by_key_and_trace() {
    let (seen, mut sees) = unbounded_channel();
    let run = script(move |mut fake: Fake| {
        let seen = seen.clone();
        async move {
            loop {
                let Ok(given) = fake.next().await else { return 0 };
                seen.send((fake.environment.clone(), given.headers)).unwrap();
                if given.payload != "hang" {
                    fake.respond(&given.request, "1").await;
                }
            }
        }
    });
    let world = World::new(vec![echo()], run).await;
    let mut traces = vec![];
    for _ in 0..2 {
        let before = world.engine.clock().wall();
        let (id, request, answer) = world.begin("now").await;
        soon(answer).await.unwrap();
        let (_, headers) = sees.recv().await.unwrap();
        assert_eq!(headers["lambda-runtime-aws-request-id"], request.to_string());
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:echo";
        assert_eq!(headers["lambda-runtime-invoked-function-arn"], arn);
        let deadline: i64 = headers["lambda-runtime-deadline-ms"].parse().unwrap();
        assert!(deadline >= before.0 + 3000);
        let trace = headers["lambda-runtime-trace-id"].clone();
        assert_eq!(world.runner.caller_of_trace(&trace), Some(("echo".into(), id)));
        traces.push(trace);
    }
    assert_ne!(traces[0], traces[1]);
    assert_eq!(world.runner.caller_of_trace("Root=1-5759e988-bd862e3fe1be46a994272793"), None);
    let key = key_of(&world, 0);
    let owner = |invocation| Some(KeyOwner::Environment { function: "echo".into(), invocation });
    assert_eq!(world.runner.caller_of_key(&key), owner(None));
    let (id, ..) = world.begin("hang").await;
    sees.recv().await.unwrap();
    assert_eq!(world.runner.caller_of_key(&key), owner(Some(id)));
    assert_eq!(world.runner.caller_of_key("AKIAIOSFODNN7EXAMPLE"), None);
    world.runner.stop().await;
    assert_eq!(world.runner.caller_of_key(&key), Some(KeyOwner::Ended));
}

#[tokio::test]
async fn lines_stand_with_the_request_that_wrote_them_between_start_and_report() {
    let run = script(|mut fake: Fake| async move {
        fake.print("starting").await;
        loop {
            let Ok(given) = fake.next().await else { return 0 };
            fake.print(&format!("{{\"payload\":{}}}", given.payload)).await;
            tokio::io::AsyncWriteExt::write_all(&mut fake.err, b"warned\n").await.unwrap();
            fake.respond(&given.request, "null").await;
        }
    });
    let world = World::new(vec![echo()], run).await;
    let mut follow = world.runner.logs().follow();
    for n in 0..3 {
        let (_, request) = world.invoke(&n.to_string()).await;
        let mut log = world.log(request);
        let report = log.pop().unwrap();
        if n == 0 {
            assert_eq!(log.remove(0), "starting");
        }
        assert_eq!(log.remove(0), format!("START RequestId: {request} Version: $LATEST"));
        assert_eq!(log.pop().unwrap(), format!("END RequestId: {request}"));
        log.sort();
        assert_eq!(log, ["warned".to_owned(), format!("{{\"payload\":{n}}}")]);
        assert!(
            report.starts_with(&format!("REPORT RequestId: {request}\tDuration: ")),
            "{report}"
        );
        assert!(report.contains("\tMemory Size: 128 MB"), "{report}");
        assert_eq!(report.contains("Init Duration"), n == 0, "{report}");
    }
    assert_eq!(follow.recv().await.unwrap().to_string(), "starting");
}

#[tokio::test]
async fn stopping_ends_what_runs_without_finishing_it() {
    let run = script(|mut fake: Fake| async move {
        let _ = fake.next().await;
        std::future::pending().await
    });
    let world = World::new(vec![echo()], run).await;
    let (_, _, answer) = world.begin("1").await;
    while world.spawner.count() == 0 {
        tokio::task::yield_now().await;
    }
    soon(world.runner.stop()).await;
    assert_eq!(world.read(|state| state.invocations.len()).await, 1);
    drop(answer);
}

fn variables(world: &World, n: usize) -> BTreeMap<String, String> {
    world.spawner.started.lock().unwrap()[n].environment.iter().cloned().collect()
}

fn key_of(world: &World, n: usize) -> String {
    variables(world, n)["AWS_ACCESS_KEY_ID"].clone()
}
