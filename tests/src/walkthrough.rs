//! Does what CONTRIBUTING says about a new consumer, in a copy of the sources: one file, one stanza, one test. Then a
//! function is saved there while it runs.

use crate::process::{Tally, cargo, check, test};
use crate::{daily, tree};
use std::path::Path;

/// Walks through it.
pub(crate) fn run(root: &Path) -> Result<Tally, String> {
    let copy = root.join("target/walkthrough/tree");
    tree::copy(root, &copy)?;
    let text = tree::read(root, "CONTRIBUTING.md")?;
    let section = section(&text, "## A new consumer").ok_or("CONTRIBUTING has no such section")?;
    let rust = blocks(section, "rust");
    let (&[function, scenario], [stanza]) = (&rust[..], &blocks(section, "yaml")[..]) else {
        return Err("it has one file, one stanza and one test".into());
    };
    tree::write(&copy, "functions/src/bin/greeting.rs", function.as_bytes())?;
    tree::write(&copy, "tests/e2e/greeting.rs", scenario.as_bytes())?;
    insert(&copy, "tests/e2e/main.rs", "mod journey;\n", "mod greeting;\n")?;
    insert(&copy, "infra/template.yaml", "  # ── STATE ", &format!("{stanza}\n"))?;
    insert(
        &copy,
        "infra/template.yaml",
        "!GetAtt OrderViewRule.Arn]}}",
        "!GetAtt GreetingRule.Arn, ",
    )?;
    // Never the sources' own: to Cargo, a file of the copy and its original are the same.
    let target = root.join("target/walkthrough/target");
    let mut tally = as_said(section, &copy, &target)?;
    if tally.failed > 0 {
        return Ok(tally);
    }
    let mut conform = cargo(&copy);
    conform.args(["test", "--workspace", "--test", "conformance", "template"]);
    tally += test(conform.env("CARGO_TARGET_DIR", &target))?;
    tally += daily::run(&copy, &target)?;
    Ok(tally)
}

/// Runs the test as the section says that it is run.
fn as_said(section: &str, copy: &Path, target: &Path) -> Result<Tally, String> {
    let mut commands = section.split('`').filter(|span| span.contains("&& cargo test "));
    let said = commands.next().ok_or("it does not say how to run the test")?;
    let mut tally = Tally::default();
    for part in said.split(" && ") {
        let mut words = part.split_whitespace();
        if words.next() != Some("cargo") {
            return Err(format!("not a command of Cargo: {part}"));
        }
        let mut command = cargo(copy);
        command.args(words).env("CARGO_TARGET_DIR", target);
        if !part.starts_with("cargo test ") {
            let built = check(&mut command)?;
            if built.failed > 0 {
                return Ok(built);
            }
            continue;
        }
        tally += test(&mut command)?;
    }
    if tally.passed == 0 && tally.failed == 0 {
        return Err(format!("{said}: runs no test"));
    }
    Ok(tally)
}

/// What stands below a heading, up to the next of its rank.
fn section<'a>(text: &'a str, heading: &str) -> Option<&'a str> {
    let (_, below) = text.split_once(&format!("\n{heading}\n"))?;
    Some(below.split_once("\n## ").map_or(below, |(section, _)| section))
}

/// The blocks of a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let blocks = text.split(fence.as_str()).skip(1);
    blocks.filter_map(|block| block.split_once("\n```")).map(|(block, _)| block).collect()
}

/// Puts `what` before the one place that begins with `before`.
fn insert(copy: &Path, name: &str, before: &str, what: &str) -> Result<(), String> {
    let text = tree::read(copy, name)?;
    if text.matches(before).count() != 1 {
        return Err(format!("{name}: not there exactly once: {before:?}"));
    }
    tree::write(copy, name, text.replacen(before, &format!("{what}{before}"), 1).as_bytes())
}
