//! What AWS SAM makes of the template: the binaries that are deployed, and a run with them.

use crate::process::{self, Tally, cargo, check, test};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Where `sam build` puts its result here, so that it never meets the one of a person who deploys.
const BUILT: &str = "target/sam/build";

/// The same binaries by their own names: `order-view/bootstrap`.
const FUNCTIONS: &str = "target/sam/functions";

/// `sam` at the workspace's root, where samconfig.toml is.
pub(crate) fn command(root: &Path, bin: &Path) -> Result<Command, String> {
    let mut sam = process::command(root, bin.join("sam"));
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

/// Lays each binary under the name it has everywhere else, and finds that none is missing.
///
/// SAM names folders by logical id: `OrderView` for `order-view`.
fn by_name(root: &Path) -> Result<Vec<String>, String> {
    let cannot = |what: &Path, error: std::io::Error| format!("{}: {error}", what.display());
    let sources = root.join("functions/src/bin");
    let mut names = vec![];
    for entry in fs::read_dir(&sources).map_err(|error| cannot(&sources, error))?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    let into = root.join(FUNCTIONS);
    if into.exists() {
        fs::remove_dir_all(&into).map_err(|error| cannot(&into, error))?;
    }
    for name in &names {
        let built: PathBuf = root.join(BUILT).join(logical_id(name)).join("bootstrap");
        let folder = into.join(name);
        fs::create_dir_all(&folder).map_err(|error| cannot(&folder, error))?;
        fs::copy(&built, folder.join("bootstrap"))
            .map_err(|error| format!("sam built no {name}: {}: {error}", built.display()))?;
    }
    Ok(names)
}

/// `order-view` → `OrderView`.
fn logical_id(name: &str) -> String {
    let words = name.split('-').filter_map(|word| {
        let first = word.chars().next()?;
        Some(first.to_uppercase().chain(word.chars().skip(1)).collect::<String>())
    });
    words.collect()
}
