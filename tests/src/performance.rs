//! The figures of docs/performance.md: builds what is measured and what measures, and starts it.
//!
//! What stands behind `--` on the command line goes to the program (`tests/performance`), but for `--smoke`, which tries
//! all of it in minutes, unoptimised, with few events, and touches nothing in docs; and `--page`, which measures nothing
//! and writes the page anew from what is kept.

use crate::process::{self, Tally, cargo, check, command};
use crate::tools::Tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Where the page is written in a smoke.
const SMOKE: &str = "target/performance/docs";
const FUNCTIONS: &str = "target/performance/functions";

/// Measures the engine beside its peers. `PERFORMANCE_POINTSMAN` names an engine that is built already.
pub(crate) fn servers(root: &Path) -> Result<Tally, String> {
    if skipped() {
        return Ok(Tally::skip());
    }
    let given = Given::read();
    if given.page {
        let built = build(root, &given, &["--bench", "performance"])?;
        return check(command(root, of(&built, "performance")?).arg("page"));
    }
    // What pip brings goes on beside Cargo. A peer that cannot be had is left out, and the page says so.
    let ministack = Tools::of(root, "tests/judge/requirements.txt", "target/judge");
    let moto = Tools::of(root, "tests/performance/requirements.txt", "target/moto");
    let mut targets = vec!["--bench", "performance", "--bench", "counter"];
    let pointsman = std::env::var_os("PERFORMANCE_POINTSMAN").map(PathBuf::from);
    if pointsman.is_none() {
        targets.extend(["--bin", "pointsman"]);
    }
    let built = build(root, &given, &targets)?;
    lay(root, &built, &["counter"])?;
    let engine = pointsman.map_or_else(|| of(&built, "pointsman"), Ok)?;
    let mut measure = command(root, of(&built, "performance")?);
    measure.arg("measure").arg("--pointsman").arg(engine).args(["--functions", FUNCTIONS]);
    for (name, tools, program) in
        [("ministack", ministack, "ministack"), ("moto", moto, "moto_server")]
    {
        match tools.bin() {
            Ok(bin) => measure.arg(format!("--{name}")).arg(bin.join(program)),
            // Where it says more is for who runs this, not for the page.
            Err(why) => {
                println!("{name} is left out: {why}");
                let why = why.split(';').next().unwrap_or_default();
                measure.arg(format!("--no-{name}")).arg(why)
            }
        };
    }
    if given.smoke {
        measure.args(smoke(root)?);
        measure.args(["--rounds", "1", "--events", "500", "--paced", "200", "--handled", "500"]);
        measure.args(["--backlogs", "0,500,1000", "--limit", "20"]);
    }
    check(measure.args(given.rest))
}

/// Measures a function's cold start beside a bare one's.
pub(crate) fn functions(root: &Path) -> Result<Tally, String> {
    if skipped() {
        return Ok(Tally::skip());
    }
    let given = Given::read();
    let targets = ["--bench", "performance", "--bench", "bare", "--bin", "order-queries"];
    let built = build(root, &given, &targets)?;
    lay(root, &built, &["bare", "order-queries"])?;
    let mut measure = command(root, of(&built, "performance")?);
    measure.args(["coldstart", "--functions", FUNCTIONS]);
    if given.smoke {
        measure.args(smoke(root)?).args(["--starts", "3"]);
    }
    check(measure.args(given.rest))
}

fn skipped() -> bool {
    let skipped = !cfg!(target_os = "linux");
    if skipped {
        println!("skipped: CPU and memory are read as Linux tells them");
    }
    skipped
}

/// What stands behind `--` on the command line.
#[derive(Default)]
struct Given {
    smoke: bool,
    page: bool,
    rest: Vec<String>,
}

impl Given {
    fn read() -> Given {
        let mut given = Given::default();
        for argument in process::given() {
            match &*argument {
                "--smoke" => given.smoke = true,
                "--page" => given.page = true,
                _ => given.rest.push(argument),
            }
        }
        given
    }
}

/// Builds targets; their files, by name.
fn build(root: &Path, given: &Given, targets: &[&str]) -> Result<Vec<(String, PathBuf)>, String> {
    let mut cargo = cargo(root);
    cargo.args(["build", "--message-format", "json-render-diagnostics"]).args(targets);
    if !given.smoke && !given.page {
        cargo.arg("--release");
    }
    let output = cargo.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err("it does not compile".into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(executable).collect())
}

/// The target's name and its file, if a line of Cargo's tells of one. Neither has a character that JSON escapes: names
/// are Cargo's, and a path that had one would not be found, which is told.
fn executable(line: &str) -> Option<(String, PathBuf)> {
    let field = |name: &str, from: &str| {
        let (_, after) = from.split_once(&format!("\"{name}\":\""))?;
        Some(after.split_once('"')?.0.to_owned())
    };
    let path = field("executable", line)?;
    let (_, target) = line.split_once("\"target\":{")?;
    Some((field("name", target)?, path.into()))
}

fn of(built: &[(String, PathBuf)], name: &str) -> Result<PathBuf, String> {
    let found = built.iter().find(|(of, _)| of == name);
    found.map(|(_, path)| path.clone()).ok_or_else(|| format!("Cargo built no {name}"))
}

/// Lays functions where the engine looks for them, by their names.
fn lay(root: &Path, built: &[(String, PathBuf)], names: &[&str]) -> Result<(), String> {
    let folder = root.join(FUNCTIONS);
    let laid = |from: PathBuf, to: PathBuf| {
        fs::create_dir_all(&folder)?;
        fs::remove_file(&to).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        fs::copy(from, to)
    };
    for name in names {
        laid(of(built, name)?, folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

/// A copy of the page and its figures, for a smoke, and the options with which that is written.
fn smoke(root: &Path) -> Result<[&'static str; 4], String> {
    let folder = root.join(SMOKE);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for name in ["performance.md", "performance.json", "coldstart.json"] {
        let (from, to) = (root.join("docs").join(name), folder.join(name));
        // The figures of one smoke stay for the other's.
        if name.ends_with(".md") || !to.exists() {
            fs::copy(&from, &to).map_err(|error| format!("{}: {error}", from.display()))?;
        }
    }
    Ok(["--docs", SMOKE, "--note", "Unoptimised, to try the command."])
}
