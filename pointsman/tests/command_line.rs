//! The binary itself: what it prints, and its exit code. That this test exists also has Cargo build the binary for the
//! workspace's tests, which run the engine as a process.

use std::io::Write;
use std::process::{Command, Output, Stdio};

#[test]
fn match_says_whether_and_if_not_which_field_failed() {
    let event = r#"{"source":"shop.orders","detail":{"total":12}}"#;
    check(r#"{"source":["shop.orders"]}"#, event, true, "matches");
    check(r#"{"detail":{"total":[{"numeric":[">",10]}]}}"#, event, true, "matches");
    check(r#"{"source":["shop.customers"]}"#, event, false, "no match: ");
}

#[test]
fn match_without_files_answers_line_by_line() {
    let lines = concat!(
        r#"{"pattern":{"source":["a"]},"event":{"source":"a"}}"#,
        "\n",
        r#"{"pattern":{"source":["a"]},"event":{"source":"b"}}"#,
        "\n",
        r#"{"pattern":{"source":"a"},"event":{"source":"a"}}"#,
        "\n",
    );
    let output = pointsman(&["match"], lines);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let [yes, no, invalid] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
    assert_eq!((yes, no), ("true", "false"));
    assert!(invalid.starts_with("invalid: "), "{invalid}");
}

#[test]
fn what_cannot_be_done_is_one_line_and_no_success() {
    for arguments in [
        &["up", "--template", "nowhere.yaml", "--port", "0", "--http-port", "0"][..],
        &["match", "nowhere.json", "nowhere.json"],
    ] {
        let output = pointsman(arguments, "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("pointsman: nowhere."), "{said}");
    }
}

#[test]
fn every_verb_has_examples_a_manual_page_and_is_completed() {
    let text = |arguments: &[&str]| {
        let output = pointsman(arguments, "");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let help = text(&["--help"]);
    let (_, listed) = help.split_once("Commands:\n").expect("verbs");
    let verbs = listed.lines().take_while(|line| !line.is_empty());
    let verbs = verbs.filter_map(|line| line.split_whitespace().next());
    let verbs: Vec<&str> = verbs.filter(|verb| *verb != "help").collect();
    assert!(verbs.contains(&"up") && verbs.contains(&"logs"), "{verbs:?}");
    let scripts = ["bash", "zsh", "fish"].map(|shell| text(&["completions", shell]));
    for verb in verbs {
        let help = text(&[verb, "--help"]);
        let examples = help.matches(&format!("pointsman {verb}")).count() - 1;
        assert!(examples > 0, "{verb} --help has a usage, but no examples: {help}");
        assert!(text(&["man", verb]).contains(&format!(".TH pointsman-{verb} ")), "{verb}");
        assert!(scripts.iter().all(|script| script.contains(verb)), "{verb} is not completed");
    }
    assert!(text(&["man"]).contains(".SH"));
    let unknown = pointsman(&["man", "tale"], "");
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(said.starts_with("pointsman: there is no verb tale, but there are "), "{said}");
}

#[track_caller]
fn check(pattern: &str, event: &str, matches: bool, says: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path of UTF-8").to_owned()
    };
    let output = pointsman(&["match", &file("pattern", pattern), &file("event", event)], "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.success(), matches, "{pattern}: {said}");
    assert!(said.starts_with(says), "{pattern}: {said}");
}

fn pointsman(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("pointsman starts");
    // A command that does not read is free to end first.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("pointsman ends")
}
