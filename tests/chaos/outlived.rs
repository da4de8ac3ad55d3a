use crate::support::{Pointsman, functions_of};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A function that an engine left behind is ended by the next one. Here the next one is kept from knowing of it: it
/// comes back to work in a world that is not its own, with an address and a key of an engine that is gone.
#[test]
fn a_function_that_outlives_its_engine_answers_nobody_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (state, functions) = (folder.path().join("state"), folder.path().join("functions"));
    fs::create_dir(&functions).expect("it is made");
    sleeper(&functions.join("sleeper"), &functions);
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/sleeper.yaml");
    let mut engine = Pointsman::of(&template, Some(&functions), &state, [0, 0]);
    let operator = engine.client();
    let message = json!({ "QueueUrl": operator.queue("sleeper"), "MessageBody": "work" });
    operator.call("AmazonSQS.SendMessage", &message);

    let old = awaited("the message is at work", || at_work(&functions, None));
    engine.kill();
    forget(&state, old);
    engine.up_again(&state);
    let new = awaited("the message is at work again", || at_work(&functions, Some(old)));
    let pids: Vec<u32> = functions_of(&engine.endpoint).into_iter().map(|f| f.pid).collect();
    assert!(pids.contains(&old) && pids.contains(&new), "both of {old} and {new}: {pids:?}");

    // Even where it finds the new engine's door, it is not let in, and nothing of the message is over.
    let said = wake(&functions, old, new);
    assert_eq!(said["answer"], 410, "gone: {said}");
    assert_eq!(said["send"], 403, "{said}");
    assert!(said["why"].to_string().contains("ExpiredToken"), "{said}");
    assert_eq!((operator.depth("sleeper"), operator.depth("said")), (1, 0));

    let said = wake(&functions, new, new);
    assert_eq!((&said["answer"], &said["send"]), (&json!(202), &json!(200)), "{said}");
    awaited("the message is handled", || (operator.depth("sleeper") == 0).then_some(()));
    assert_eq!(operator.depth("said"), 1, "one effect");
    assert!(engine.interrupt().success());
    awaited("nothing is left", || functions_of(&engine.endpoint).is_empty().then_some(()));
}

/// The function of the test above, which runs it in a process of its own: takes a message, waits to be woken, sends a
/// message and answers, and notes what it is told.
#[test]
#[ignore = "it is a function, no test"]
fn as_a_function() {
    let variable = |name: &str| std::env::var(name).expect("the engine and the script set it");
    let folder = PathBuf::from(variable("SLEEPER_FOLDER"));
    let api = variable("AWS_LAMBDA_RUNTIME_API").replace("http://", "");
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let pid = std::process::id();
    let next = format!("http://{api}/2018-06-01/runtime/invocation/next");
    while let Ok(given) = agent.get(&next).call() {
        let request =
            given.headers()["lambda-runtime-aws-request-id"].to_str().expect("an id").to_owned();
        note(&folder, "got", pid, &api);
        let go = folder.join(format!("go-{pid}"));
        let door = awaited("it is woken", || fs::read_to_string(&go).ok());
        let key = variable("AWS_ACCESS_KEY_ID");
        let scope = format!("Credential={key}/20261121/us-east-1/sqs/aws4_request");
        let send = agent
            .post(variable("AWS_ENDPOINT_URL"))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"),
            )
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "AmazonSQS.SendMessage")
            .send(
                json!({ "QueueUrl": variable("SAID_QUEUE_URL"), "MessageBody": "done" })
                    .to_string(),
            );
        let send = send.expect("the new engine listens where the old one did");
        let status = send.status().as_u16();
        let why = send.into_body().read_to_string().expect("text");
        let (_, place) = api.split_once('/').expect("an environment has a path of its own");
        let answer =
            format!("http://{door}/{place}/2018-06-01/runtime/invocation/{request}/response");
        let answer = agent.post(answer).send(json!({ "batchItemFailures": [] }).to_string());
        let answer = answer.expect("the door is the new engine's").status().as_u16();
        note(
            &folder,
            "said",
            pid,
            &json!({ "answer": answer, "send": status, "why": why }).to_string(),
        );
        if answer != 202 {
            return;
        }
    }
}

/// Makes the function's executable: this very binary, told to be [`as_a_function`].
fn sleeper(path: &Path, folder: &Path) {
    let me = std::env::current_exe().expect("a test has a path");
    let script = format!(
        "#!/bin/sh\nSLEEPER_FOLDER='{}' exec '{}' --exact outlived::as_a_function --ignored --nocapture\n",
        folder.display(),
        me.display()
    );
    fs::write(path, script).expect("it is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// The process that has a message in hand, other than one.
fn at_work(folder: &Path, but: Option<u32>) -> Option<u32> {
    let names = fs::read_dir(folder)
        .expect("a folder")
        .filter_map(|e| e.ok()?.file_name().into_string().ok());
    let mut pids = names.filter_map(|name| name.strip_prefix("got-")?.parse().ok());
    pids.find(|pid| Some(*pid) != but)
}

/// Lets a process go on, at the door of the engine that `of` belongs to; what it was told there.
fn wake(folder: &Path, pid: u32, of: u32) -> Value {
    let api = fs::read_to_string(folder.join(format!("got-{of}"))).expect("it is at work");
    note(folder, "go", pid, api.split('/').next().unwrap_or_default());
    let said = folder.join(format!("said-{pid}"));
    let said = awaited("it says what it was told", || fs::read_to_string(&said).ok());
    serde_json::from_str(&said).expect("JSON")
}

/// Writes a file that is there whole or not at all.
fn note(folder: &Path, what: &str, pid: u32, text: &str) {
    let draft = folder.join(format!("draft-{what}-{pid}"));
    fs::write(&draft, text).expect("it is written");
    fs::rename(&draft, folder.join(format!("{what}-{pid}"))).expect("it is renamed");
}

/// Takes away the note by which the next engine would know the process.
fn forget(state: &Path, pid: u32) {
    let mut folders = vec![state.join("processes")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| *name == *pid.to_string()) {
                return fs::remove_file(path).expect("it is removed");
            }
        }
    }
    panic!("no note of process {pid}");
}

/// Waits for something that comes by itself.
#[track_caller]
fn awaited<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3_000 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not within 30 s: {what}");
}
