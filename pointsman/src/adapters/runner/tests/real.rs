//! Real processes: this test program itself, started by a small script as a function.

use super::*;
use crate::platform;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Not a test of its own: what the script runs. Without the variable that the functions have, it does nothing.
#[test]
fn acts_as_a_function() {
    if let (Ok(api), Ok(_)) =
        (std::env::var("AWS_LAMBDA_RUNTIME_API"), std::env::var("POINTSMAN_TEST_FUNCTION"))
    {
        // The test harness has begun a line.
        println!();
        let api = api.strip_prefix("http://").unwrap();
        let (address, prefix) = api.split_once('/').unwrap();
        let mut connection = BufReader::new(TcpStream::connect(address).unwrap());
        loop {
            let (request, payload) = call(&mut connection, prefix, "GET", "invocation/next", "");
            let answer = act(&payload);
            let path = format!("invocation/{request}/response");
            call(&mut connection, prefix, "POST", &path, &answer);
        }
    }
}

fn act(payload: &str) -> String {
    match payload {
        "abort" => std::process::abort(),
        "exit" => std::process::exit(7),
        "pid" => std::process::id().to_string(),
        "child" => {
            let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
            println!("child {}", child.id());
            child.wait().unwrap().to_string()
        }
        other => {
            println!("told {other}");
            other.to_owned()
        }
    }
}

fn call(
    connection: &mut BufReader<TcpStream>,
    prefix: &str,
    method: &str,
    path: &str,
    body: &str,
) -> (String, String) {
    let head = format!(
        "{method} /{prefix}/2018-06-01/runtime/{path} HTTP/1.1\r\nHost: api\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.get_mut().write_all(head.as_bytes()).unwrap();
    let (mut length, mut request, mut line) = (0, String::new(), String::new());
    connection.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 20"), "{line}");
    loop {
        line.clear();
        connection.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "lambda-runtime-aws-request-id" => request = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).unwrap();
    (request, String::from_utf8(body).unwrap())
}

async fn world(timeout: u32) -> World {
    let mut spec = function("echo");
    spec.timeout = timeout;
    spec.environment.insert("POINTSMAN_TEST_FUNCTION".into(), "1".into());
    let unused = fake::FakeSpawner::new(fake::echoing());
    World::with(vec![Spec::Function(spec)], unused, |config| {
        let program = program(&config.state_dir);
        config.executables = Arc::new(move |_: &FunctionSpec| Ok::<_, String>(program.clone()));
        config.spawner = Arc::new(ProcessSpawner);
    })
    .await
}

fn program(folder: &Path) -> PathBuf {
    let path = folder.join("function");
    let me = std::env::current_exe().unwrap();
    let name = module_path!().split_once("::").unwrap().1;
    let text = format!(
        "#!/bin/sh\nexec '{}' --exact {name}::acts_as_a_function --nocapture --test-threads 1\n",
        me.display()
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn gone(pid: u32) {
    let check = async {
        while platform::started(pid).is_some() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    soon(check).await;
}

fn noted(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("processes")).unwrap().count()
}

#[tokio::test]
async fn a_real_process_is_started_used_again_and_ended() {
    let world = world(20).await;
    let pid = world.invoke("pid").await.0.unwrap();
    let (answer, request) = world.invoke("{\"n\":1}").await;
    assert_eq!(answer, Ok("{\"n\":1}".into()));
    let log = world.log(request);
    assert!(log.contains(&"told {\"n\":1}".to_owned()), "{log:?}");
    assert!(!cfg!(target_os = "linux") || log.last().unwrap().contains("Max Memory Used: "));
    assert_eq!(world.invoke("pid").await.0.unwrap(), pid);
    assert_eq!(noted(world.state_dir.path()), 1);
    soon(world.runner.stop()).await;
    gone(pid.parse().unwrap()).await;
    assert_eq!(noted(world.state_dir.path()), 0);
}

#[tokio::test]
async fn a_real_process_that_ends_is_named_by_status_or_signal_and_replaced() {
    let world = world(20).await;
    for (payload, how) in [("exit", "exit status 7"), ("abort", "signal: aborted")] {
        let (result, request) = world.invoke(payload).await;
        let error = result.unwrap_err();
        assert_eq!(error["errorType"], "Runtime.ExitError");
        let said = format!("RequestId: {request} Error: Runtime exited with error: {how}");
        assert_eq!(error["errorMessage"], said);
    }
    assert_eq!(world.invoke("again").await.0, Ok("again".into()));
    soon(world.runner.stop()).await;
}

#[tokio::test]
async fn a_timeout_ends_also_what_the_function_had_started() {
    let world = world(1).await;
    let (result, request) = world.invoke("child").await;
    assert_eq!(result.unwrap_err()["errorType"], "Sandbox.Timedout");
    let log = world.log(request);
    let child = log.iter().find_map(|line| line.strip_prefix("child ")).unwrap();
    gone(child.parse().unwrap()).await;
}

#[tokio::test]
async fn what_outlives_a_crash_of_the_engine_is_ended_at_the_next_start() {
    let folder = {
        let world = world(20).await;
        let pid: u32 = world.invoke("pid").await.0.unwrap().parse().unwrap();
        // A file of a number that another process has since, or none, harms nobody.
        let notes = world.state_dir.path().join("processes");
        std::fs::write(notes.join("1"), "another").unwrap();
        std::fs::write(notes.join("4000000"), "gone").unwrap();
        let kept = tempfile::tempdir().unwrap();
        std::fs::create_dir(kept.path().join("processes")).unwrap();
        for file in std::fs::read_dir(&notes).unwrap() {
            let path = file.unwrap().path();
            let to = kept.path().join("processes").join(path.file_name().unwrap());
            std::fs::copy(path, to).unwrap();
        }
        drop(world);
        assert!(
            platform::started(pid).is_some(),
            "dropped without a stop, it leaves its processes"
        );
        (kept, pid)
    };
    let (kept, pid) = folder;
    leftovers::Leftovers::end(kept.path()).await.unwrap();
    assert_eq!(platform::started(pid), None);
    assert_eq!(noted(kept.path()), 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_run_fails_the_invocation_with_the_reason() {
    let world = world(20).await;
    std::fs::write(world.state_dir.path().join("function"), "\0not a program").unwrap();
    let error = world.invoke("1").await.0.unwrap_err();
    assert_eq!(error["errorType"], "Runtime.InvalidEntrypoint");
    let said = error["errorMessage"].as_str().unwrap();
    assert!(said.contains("function could not be started: "), "{said}");
}
