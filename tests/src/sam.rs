//! What AWS SAM makes of the template: the binaries that are deployed, and a run with them.

use crate::process::{self, Tally, cargo, check, test};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Where `sam build` puts its result here, so that it never meets the one of a person who deploys.
pub(crate) const BUILT: &str = "target/sam/build";

/// The same binaries by their own names: `order-view/bootstrap`.
const FUNCTIONS: &str = "target/sam/functions";

/// `sam` at the workspace's root, where samconfig.toml is.
pub(crate) fn command(root: &Path, bin: &Path) -> Result<Command, String> {
    with_tools(root, bin.join("sam"), bin)
}

/// A program that runs SAM, or is it, at the workspace's root.
pub(crate) fn with_tools(root: &Path, program: PathBuf, bin: &Path) -> Result<Command, String> {
    let mut sam = process::command(root, program);
    // SAM finds cargo-lambda, and that finds zig, on the PATH.
    let paths = env::var_os("PATH").unwrap_or_default();
    let paths = [bin.to_owned()].into_iter().chain(env::split_paths(&paths));
    let paths = env::join_paths(paths).map_err(|error| format!("PATH: {error}"))?;
    sam.env("PATH", paths).env("SAM_CLI_TELEMETRY", "0").env("AWS_DEFAULT_REGION", "us-east-1");
    Ok(sam)
}

/// Builds all functions as for Lambda, on this machine's processor and with an optimiser in a hurry. The full release
/// is for whoever deploys.
pub(crate) fn build(root: &Path, bin: &Path) -> Result<Tally, String> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let mut sam = command(root, bin)?;
    sam.args(["build", "--no-cached", "--build-dir", BUILT, "--parameter-overrides"])
        .arg(format!("Architecture={architecture}"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    let mut tally = check(&mut sam)?;
    if tally.failed == 0 {
        let functions = by_name(root)?;
        let built = |name: &str| Some(root.join(BUILT).join(logical_id(name)).join("bootstrap"));
        lay_out(&root.join(FUNCTIONS), &functions, built)?;
        println!("sam built {}", functions.join(", "));
        tally.passed += functions.len() as u64;
    }
    Ok(tally)
}

/// Runs the end-to-end scenarios with what [`build`] left.
pub(crate) fn scenarios(root: &Path) -> Result<Tally, String> {
    if !cfg!(target_os = "linux") {
        println!("skipped: what sam builds runs on Linux alone");
        return Ok(Tally::skip());
    }
    let functions = root.join(FUNCTIONS);
    if !functions.is_dir() {
        return Err("nothing is built: run the step sam first".into());
    }
    // Some of the scenarios run the engine as a process, and this selection does not build it.
    let built = check(cargo(root).args(["build", "--bin", "pointsman"]))?;
    if built.failed > 0 {
        return Ok(built);
    }
    let mut cargo = cargo(root);
    cargo.args(["test", "--workspace", "--test", "e2e"]).env("POINTSMAN_FUNCTIONS", functions);
    test(&mut cargo)
}

/// Names of the functions' binaries.
pub(crate) fn by_name(root: &Path) -> Result<Vec<String>, String> {
    let sources = root.join("functions/src/bin");
    let entries = fs::read_dir(&sources).map_err(|error| cannot(&sources, &error))?;
    let mut names = vec![];
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

/// Lays binaries under the names that they have everywhere else, and finds that none is missing; none is laid for a
/// name that `built` does not know.
pub(crate) fn lay_out(
    into: &Path,
    names: &[String],
    built: impl Fn(&str) -> Option<PathBuf>,
) -> Result<(), String> {
    if into.exists() {
        fs::remove_dir_all(into).map_err(|error| cannot(into, &error))?;
    }
    for name in names {
        let Some(built) = built(name) else { continue };
        let folder = into.join(name);
        fs::create_dir_all(&folder).map_err(|error| cannot(&folder, &error))?;
        let laid = folder.join("bootstrap");
        fs::hard_link(&built, &laid)
            .or_else(|_| fs::copy(&built, &laid).map(drop))
            .map_err(|error| format!("there is no {name}: {}: {error}", built.display()))?;
    }
    Ok(())
}

fn cannot(what: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", what.display())
}

/// `order-view` → `OrderView`: SAM names folders by logical id.
pub(crate) fn logical_id(name: &str) -> String {
    let words = name.split('-').filter_map(|word| {
        let first = word.chars().next()?;
        Some(first.to_uppercase().chain(word.chars().skip(1)).collect::<String>())
    });
    words.collect()
}
