//! The functions for arm64, which is what Lambda runs them on unless it is told otherwise: built by SAM on any machine, and
//! run here under QEMU's user mode.

use crate::process::{Tally, cargo, check, command, test};
use crate::sam::{self, by_name, lay_out};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where `sam build` puts them.
const BUILT: &str = "target/sam/arm64";

/// The functions that a scenario runs with: those for arm64 behind QEMU, all others as for this machine.
const FUNCTIONS: &str = "target/sam/arm64-functions";

/// QEMU, and the libraries that Lambda's Linux would have.
const QEMU: &str = "target/qemu";

/// What Debian and Ubuntu call them. They are unpacked into [`QEMU`], not installed.
const PACKAGES: [&str; 3] = ["qemu-user-static", "libc6-arm64-cross", "libgcc-s1-arm64-cross"];

/// The target of the functions, as Rust calls it.
const TARGET: &str = "aarch64-unknown-linux-gnu";

/// The scenario: an order's whole way.
const SCENARIO: &str = "journey";

/// Builds one function as fast as it can be, and runs a scenario with it.
pub(crate) fn one(root: &Path, bin: &Path) -> Result<Tally, String> {
    let hurry = [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("OPT_LEVEL", "0")];
    if let Err(why) = target(root) {
        println!("skipped: a function for arm64: {why}");
        return Ok(Tally::skip());
    }
    run(root, bin, &["order-view".to_owned()], &hurry)
}

/// Builds all as they are deployed, and runs a scenario with them.
pub(crate) fn all(root: &Path, bin: &Path) -> Result<Tally, String> {
    run(root, bin, &by_name(root)?, &[])
}

/// Rust's own libraries for the target, which rustup fetches once.
fn target(root: &Path) -> Result<(), String> {
    match check(command(root, "rustup").args(["target", "add", TARGET]))? {
        Tally { failed: 0, .. } => Ok(()),
        _ => Err(format!("rustup cannot add {TARGET}")),
    }
}

fn run(
    root: &Path,
    bin: &Path,
    names: &[String],
    profile: &[(&str, &str)],
) -> Result<Tally, String> {
    target(root)?;
    let mut sam = sam::command(root, bin)?;
    sam.arg("build");
    if let [one] = names {
        // Before the parameters, of which SAM would take it for one.
        sam.arg(sam::logical_id(one));
    }
    sam.args(["--no-cached", "--build-dir", BUILT]);
    sam.args(["--parameter-overrides", "Architecture=arm64"]);
    for (name, value) in profile {
        sam.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
    }
    let mut tally = check(&mut sam)?;
    if tally.failed > 0 {
        return Ok(tally);
    }
    for name in names {
        let bootstrap = root.join(BUILT).join(sam::logical_id(name)).join("bootstrap");
        is_arm64(&bootstrap)?;
        tally += Tally::success();
    }
    println!("sam built for arm64: {}", names.join(", "));
    if cfg!(target_arch = "aarch64") && cfg!(target_os = "linux") {
        return Ok(tally);
    }
    match qemu(root) {
        Ok(qemu) => tally += scenario(root, names, &qemu)?,
        Err(why) => {
            println!("skipped: running them under QEMU: {why}");
            tally += Tally::skip();
        }
    }
    Ok(tally)
}

/// Runs the scenario with these functions under QEMU, and the others as `sam build` made them for this machine, or
/// else as Cargo did.
fn scenario(root: &Path, names: &[String], qemu: &Path) -> Result<Tally, String> {
    let build = ["build", "--workspace", "--bins"];
    let built = check(cargo(root).args(build))?;
    if built.failed > 0 {
        return Ok(built);
    }
    let into = root.join(FUNCTIONS);
    lay_out(&into, &by_name(root)?, |name| {
        let native = root.join("target/debug").join(name);
        if names.iter().any(|arm64| arm64 == name) { None } else { Some(native) }
    })?;
    let libraries = root.join(QEMU).join("usr/aarch64-linux-gnu");
    for name in names {
        let bootstrap = root.join(BUILT).join(sam::logical_id(name)).join("bootstrap");
        let script = format!(
            "#!/bin/sh\nexec '{}' -L '{}' '{}'\n",
            qemu.display(),
            libraries.display(),
            bootstrap.display()
        );
        let folder = into.join(name);
        let file = folder.join("bootstrap");
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&file, script))
            .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o755)))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let mut cargo = cargo(root);
    cargo.args(["test", "--workspace", "--test", "e2e", SCENARIO]);
    let ran = test(cargo.env("POINTSMAN_FUNCTIONS", into))?;
    if ran.passed == 0 && ran.failed == 0 {
        return Err(format!("no test is called {SCENARIO}"));
    }
    Ok(ran)
}

/// Holds that a file is an executable for arm64: ELF of 64 bits, little-endian, and the processor's number.
fn is_arm64(path: &Path) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let is_elf = bytes.starts_with(b"\x7fELF\x02\x01");
    match bytes.get(18..20) {
        Some([183, 0]) if is_elf => Ok(()),
        _ => Err(format!("{} is not for arm64", path.display())),
    }
}

/// QEMU's user mode, downloaded by APT where it is there; it wants no rights for that.
fn qemu(root: &Path) -> Result<PathBuf, String> {
    let folder = root.join(QEMU);
    let qemu = folder.join("usr/bin/qemu-aarch64-static");
    if !cfg!(target_os = "linux") {
        return Err("it runs programs of Linux alone".into());
    }
    if folder.join("complete").is_file() {
        return Ok(qemu);
    }
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let run = |program: &str, arguments: &[&str]| {
        let status = command(&folder, program).args(arguments).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{program} {}: {status}", arguments.join(" "))),
            Err(_) => Err(format!("there is no {program}")),
        }
    };
    let download = [&["download"], &PACKAGES[..]].concat();
    if run("apt-get", &download).is_err() {
        // Where the lists are old or were never there, and this may be done.
        run("apt-get", &["update", "-qq"])?;
        run("apt-get", &download)?;
    }
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for file in files.flatten() {
        let path = file.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run("dpkg", &["-x", &path.display().to_string(), "."])?;
            // It is large, and unpacked.
            let _ = fs::remove_file(path);
        }
    }
    fs::write(folder.join("complete"), "")
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(qemu)
}
