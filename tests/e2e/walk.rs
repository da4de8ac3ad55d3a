//! A stranger's walk: what the pages print to be typed is typed, in their order, and what they say is seen is seen.
//!
//! The pages themselves are read, so a page that changes is walked as it is. Three things differ from the stranger's
//! machine: `cargo ALIAS` is what `.cargo/config.toml` makes of it, with the binaries that are built already; ports are
//! free ones, and stand for 4566 and 3000; the state is in a folder that ends with the walk. What is not typed has a
//! reason in these tables, and what neither is typed nor has a reason fails.

mod page;
mod readme;
mod stranger;
mod terminal;

use self::page::{Piece, pieces, read, root};
use self::stranger::Stranger;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::Command;

/// What becomes of a piece of a page.
#[derive(Clone, Copy)]
enum Fate {
    /// It is done here.
    Walked(fn(&mut Stranger, &Piece)),
    /// It is not, for this reason.
    Not(&'static str),
}

use Fate::{Not, Walked};

/// What no page needs to say why.
const ANYWHERE: &[(&str, Fate)] = &[
    ("cargo verify", Not("this test is a part of it, or it takes long and is only run by name")),
    ("cargo test", Not("it runs this test")),
];

/// The other pages that print anything else: their pieces by how they begin.
const OTHERS: &[(&str, &[(&str, Fate)])] = &[
    (
        "CONTRIBUTING.md",
        &[
            ("cargo up", Not("README's walk begins with it")),
            ("cargo pointsman --help", Walked(help)),
            ("storage: ", Not("a commit's message")),
            ("//! OrderPlaced → a greeting", Not(WALKTHROUGH)),
            ("GreetingRule:", Not(WALKTHROUGH)),
            ("//! A new order is greeted", Not(WALKTHROUGH)),
        ],
    ),
    (
        "docs/local.md",
        &[
            ("cargo lambda watch", Not("tests/ecosystem/cargo_lambda.rs starts it")),
            ("cargo lambda invoke", Not("tests/ecosystem/cargo_lambda.rs types every line of it")),
            ("cargo up --functions cargo-lambda", Not("tests/ecosystem/cargo_lambda.rs starts it")),
            ("cargo pointsman env", Walked(env)),
        ],
    ),
    (
        "docs/deploy/README.md",
        &[
            ("aws secretsmanager", Not(AWS)),
            ("export PATH", Not(AWS)),
            ("rustup target add", Not(AWS)),
            ("sam ", Not(AWS)),
            ("SignInUrl/login", Not("an address")),
            ("aws cloudformation", Not(AWS)),
        ],
    ),
    (
        "ARCHITECTURE.md",
        &[
            ("functions/ the Lambda functions", Not("a map")),
            ("cli a file a verb", Not("a map")),
            ("functions ─▶ domain", Not("tests/conformance holds its arrows")),
        ],
    ),
    ("router/README.md", &[("use pointsman_router", Not("a test of the crate's documentation"))]),
];

const WALKTHROUGH: &str = "`cargo verify walkthrough` puts it into a copy of the sources";
const AWS: &str = "it needs an account of AWS";

#[test]
fn what_readme_says_is_typed_and_seen_in_its_order() {
    for needed in ["bash", "curl"] {
        if Command::new(needed).arg("--version").output().is_err() {
            // Not by println!, which tests that pass keep to themselves.
            let _ = writeln!(std::io::stdout(), "skipped: README's walk (it needs {needed})");
            return;
        }
    }
    walk(&mut Stranger::new(), "README.md", readme::STEPS, true);
}

#[test]
fn what_other_pages_print_is_typed_or_left_out_for_a_reason() {
    let mut stranger = Stranger::new();
    stranger.start();
    let mut others: BTreeMap<&str, &[(&str, Fate)]> = OTHERS.iter().copied().collect();
    for name in pages().iter().filter(|name| *name != "README.md") {
        walk(&mut stranger, name, others.remove(name.as_str()).unwrap_or(&[]), false);
    }
    assert!(others.is_empty(), "no page has the name {:?}", others.keys());
}

/// Does what a page says, from its top to its end.
fn walk(stranger: &mut Stranger, name: &str, steps: &[(&str, Fate)], spoken: bool) {
    let mut met = BTreeSet::new();
    for piece in pieces(&read(name), spoken) {
        let found = steps.iter().chain(ANYWHERE).filter(|(begins, _)| piece.begins(begins));
        // The one that says most of it.
        let Some((begins, fate)) = found.max_by_key(|(begins, _)| begins.len()) else {
            panic!(
                "{name}:{}: nothing walks this, and nothing says why not: {}",
                piece.line, piece.text
            )
        };
        met.insert(*begins);
        match fate {
            Walked(step) => {
                eprintln!("{name}:{}: {begins}", piece.line);
                step(stranger, &piece);
            }
            Not(why) => assert!(!why.is_empty()),
        }
    }
    let gone: Vec<&str> =
        steps.iter().map(|(begins, _)| *begins).filter(|begins| !met.contains(begins)).collect();
    assert!(gone.is_empty(), "{name} says this no longer: {gone:?}");
}

/// The pages of the repository, the catalogue of events left out: its own test writes it.
fn pages() -> Vec<String> {
    let mut names = vec![];
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            let hidden = name.to_string_lossy().starts_with('.');
            if path.is_dir() && !hidden && name != "target" && name != "events" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let inside = path.strip_prefix(root()).expect("it lies inside");
                names.push(inside.to_string_lossy().into_owned());
            }
        }
    }
    names
}

fn help(stranger: &mut Stranger, piece: &Piece) {
    let seen = stranger.typed(&piece.text);
    for verb in ["up", "publish", "tail", "logs", "match", "token", "env", "clock", "queues"] {
        assert!(seen.contains(&format!("\n  {verb} ")), "{verb}: {seen}");
    }
}

fn env(stranger: &mut Stranger, piece: &Piece) {
    let seen = stranger.typed(&piece.text);
    let wanted = match piece.text.split_once(" order-view") {
        Some((_, "")) => "\nREAD_MODEL_TABLE=local-ReadModel\n",
        Some((_, " --format shell")) => "\nexport READ_MODEL_TABLE='local-ReadModel'\n",
        Some((_, " -- printenv AWS_LAMBDA_FUNCTION_NAME")) => "order-view\n",
        _ => panic!("what {} shows is not known", piece.text),
    };
    assert!(seen.contains(wanted), "{}: {seen}", piece.text);
}
