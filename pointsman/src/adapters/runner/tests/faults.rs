//! Invocations that are struck on request.

use super::fake::{Fake, echoing, script};
use super::*;
use crate::faults::{At, Injected, Injector, Plan};

async fn world(script: Script) -> (World, Arc<Injector>) {
    let faults = Injector::new(Plan::quiet(1));
    let given = faults.clone();
    let specs = vec![Spec::Function(crate::engine::testing::function("echo"))];
    let spawner = FakeSpawner::new(script);
    let world = World::with(specs, spawner, |config| config.faults = given).await;
    (world, faults)
}

/// What the invoker gets: the payload, or the error's JSON.
async fn invoke(world: &World) -> Result<String, String> {
    let (_, _, answer) = world.begin("\"hello\"").await;
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    match soon(answer).await.unwrap() {
        Answer::Payload(payload) => Ok(text(payload)),
        Answer::Error(error) => Err(text(error)),
    }
}

#[tokio::test]
async fn a_process_dies_as_soon_as_it_was_given_an_invocation() {
    let (world, faults) = world(echoing()).await;
    let hit = faults.once(At::invocation().of("echo"), Injected::Kill);
    let error = invoke(&world).await.unwrap_err();
    assert!(error.contains("signal: killed"), "{error}");
    assert!(hit.has_struck());
    assert_eq!(invoke(&world).await.as_deref(), Ok("\"hello\""));
    assert_eq!(world.spawner.count(), 2);
}

#[tokio::test]
async fn a_process_dies_as_if_it_had_not_answered() {
    let (told, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let answering = script(move |mut fake: Fake| {
        let told = told.clone();
        async move {
            loop {
                let Ok(given) = fake.next().await else { return 0 };
                told.send(given.payload.clone()).unwrap();
                fake.respond(&given.request, &given.payload).await;
            }
        }
    });
    let (world, faults) = world(answering).await;
    faults.once(At::response().of("echo"), Injected::Kill);
    let error = invoke(&world).await.unwrap_err();
    assert!(error.contains("signal: killed"), "{error}");
    assert_eq!(seen.recv().await.as_deref(), Some("\"hello\""), "it had done its work");
    assert_eq!(invoke(&world).await.as_deref(), Ok("\"hello\""));
}

#[tokio::test]
async fn an_invocation_that_waits_is_run_all_the_same() {
    let (world, faults) = world(echoing()).await;
    let hit = faults.once(At::invocation(), Injected::Delay(std::time::Duration::from_millis(1)));
    assert_eq!(invoke(&world).await.as_deref(), Ok("\"hello\""));
    assert!(hit.has_struck());
    assert_eq!(world.spawner.count(), 1);
}

#[tokio::test]
async fn a_process_is_killed_by_its_access_key() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let never_answering = script(move |mut fake: Fake| {
        let tell = tell.clone();
        async move {
            let key = fake.environment["AWS_ACCESS_KEY_ID"].clone();
            let Ok(_) = fake.next().await else { return 0 };
            tell.send(key).unwrap();
            std::future::pending().await
        }
    });
    let (world, _) = world(never_answering).await;
    let (_, _, answer) = world.begin("\"hello\"").await;
    let key = soon(told.recv()).await.unwrap();
    soon(world.runner.kill(&key)).await;
    assert!(matches!(soon(answer).await.unwrap(), Answer::Error(_)));
    // Nobody's, and one that has ended: nothing to wait for.
    soon(world.runner.kill("AKIDEXAMPLE")).await;
    soon(world.runner.kill(&key)).await;
    assert_eq!(world.runner.caller_of_key(&key), Some(KeyOwner::Ended));
}
