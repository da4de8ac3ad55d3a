//! What AWS does, as far as it is known for sure, and that the engine does it too: each semantic names its source, and
//! the cases that show it against the engine, over the wire.
//!
//! [`docs/aws.md`](../../docs/aws.md) is written from these tables: `UPDATE=1 cargo test --workspace --test conformance
//! page_of_aws`.

mod aws;
mod http_api;
mod http_tokens;
mod put_events;
mod queue_mapping;
mod queues;
mod scheduler;
mod scheduler_targets;
mod stage;
mod stream_failures;
mod stream_mapping;
mod targets;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// Something that AWS does.
pub(super) struct Fact {
    says: &'static str,
    source: &'static str,
    shown: Shown,
}

/// Where a fact is shown.
enum Shown {
    /// By these cases.
    By(&'static [Case]),
    /// Not by a case of these, for this reason.
    Not(&'static str),
}

/// A case's name, and the case.
pub(super) type Case = (&'static str, fn());

/// A fact that these cases show.
const fn fact(says: &'static str, source: &'static str, cases: &'static [Case]) -> Fact {
    Fact { says, source, shown: Shown::By(cases) }
}

/// A fact that no case shows, and why.
const fn not_shown(says: &'static str, source: &'static str, why: &'static str) -> Fact {
    Fact { says, source, shown: Shown::Not(why) }
}

/// Cases by their names; each is there, or it does not compile.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => { &[$((stringify!($name), $name as fn())),+] };
}
use cases;

/// A service's facts: its heading, the file of its cases, and the facts.
struct Section(&'static str, &'static str, &'static [&'static [Fact]]);

const SECTIONS: [Section; 7] = [
    Section("EventBridge: PutEvents", "put_events.rs", &[put_events::FACTS]),
    Section("EventBridge: targets", "targets.rs", &[targets::FACTS]),
    Section("SQS: standard queues", "queues.rs", &[queues::FACTS]),
    Section("Lambda: mappings of queues", "queue_mapping.rs", &[queue_mapping::FACTS]),
    Section(
        "Lambda: mappings of streams",
        "stream_*.rs",
        &[stream_mapping::FACTS, stream_failures::FACTS],
    ),
    Section(
        "EventBridge Scheduler",
        "scheduler*.rs",
        &[scheduler::FACTS, scheduler_targets::FACTS],
    ),
    Section("API Gateway: HTTP APIs", "http_*.rs", &[http_api::FACTS, http_tokens::FACTS]),
];

const HEAD: &str = "\
# AWS's semantics, and where they are shown

What AWS is known to do, where that is known from, and the case that shows it against the engine, over the wire:
`cargo test --workspace --test conformance facts`. Sources are AWS's documents as they read in autumn 2026, AWS's
service models, and answers that others have recorded from AWS and published, with the day of the recording. What is
only said second-hand is not in this list. What no case shows is, with the reason.

This page is written by a test: `UPDATE=1 cargo test --workspace --test conformance page_of_aws`.
";

#[test]
fn the_page_of_awss_semantics_says_what_the_cases_show() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/aws.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let there = std::fs::read_to_string(&path).expect("the page");
    assert!(
        there == page,
        "docs/aws.md is stale: UPDATE=1 cargo test --workspace --test conformance page_of_aws"
    );
}

#[test]
fn every_case_shows_a_semantic_that_names_its_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/facts");
    let named: BTreeSet<&str> = facts().flat_map(|fact| fact.names()).collect();
    for file in std::fs::read_dir(folder).expect("the cases").flatten() {
        let text = std::fs::read_to_string(file.path()).expect("a source file");
        for case in text.split("test(flavor = \"multi_thread\")]").skip(1) {
            let name = case.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
            let (name, _) = name.expect("a function");
            assert!(named.contains(name), "{name} of {} is of no fact", file.path().display());
        }
    }
    for fact in facts() {
        assert!(fact.source.contains("20"), "no year: {} ({})", fact.says, fact.source);
    }
}

fn facts() -> impl Iterator<Item = &'static Fact> {
    SECTIONS.iter().flat_map(|section| section.2).flat_map(|facts| facts.iter())
}

impl Fact {
    fn names(&self) -> Vec<&'static str> {
        match self.shown {
            Shown::By(cases) => cases.iter().map(|(name, _)| *name).collect(),
            Shown::Not(_) => vec![],
        }
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let shown = facts().filter(|fact| !fact.names().is_empty()).count();
    let cases: BTreeSet<&str> = facts().flat_map(Fact::names).collect();
    let _ = writeln!(
        page,
        "\n{} semantics: {shown} are shown by {} cases, {} are not shown here.",
        facts().count(),
        cases.len(),
        facts().count() - shown
    );
    for Section(heading, file, facts) in &SECTIONS {
        let _ = writeln!(page, "\n## {heading}\n\nCases: `tests/conformance/facts/{file}`\n");
        let facts = || facts.iter().flat_map(|facts| facts.iter());
        for fact in facts() {
            let Shown::By(cases) = fact.shown else { continue };
            page.push_str(&item(&format!("{} *({})*", fact.says, fact.source)));
            for (name, _) in cases {
                let _ = writeln!(page, "  - `{name}`");
            }
        }
        let mut heading = "\nNot shown here:\n\n";
        for fact in facts() {
            let Shown::Not(why) = fact.shown else { continue };
            page.push_str(heading);
            page.push_str(&item(&format!("{} *({})*: {why}.", fact.says, fact.source)));
            heading = "";
        }
    }
    page
}

/// An item of a list, in lines as long as our documents' are.
fn item(text: &str) -> String {
    let (mut lines, mut length) = ("-".to_owned(), 1);
    for word in text.split(' ') {
        if length + 1 + word.chars().count() > 120 {
            lines.push_str("\n ");
            length = 1;
        }
        length += 1 + word.chars().count();
        lines.push(' ');
        lines.push_str(word);
    }
    lines.push('\n');
    lines
}
