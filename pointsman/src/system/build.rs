use super::StartError;
use crate::topology::{FunctionSpec, Resource, Spec};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What was built.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// Folders that hold the binaries.
    pub folders: Vec<PathBuf>,
    /// Their names.
    pub binaries: Vec<String>,
}

/// Builds a template's Rust functions with Cargo, whose progress goes to standard error.
///
/// # Errors
/// There is no Cargo, or it could not build them.
pub fn build(template: &Path, resources: &[Resource], release: bool) -> Result<Built, StartError> {
    let mut built = Built::default();
    for (manifest, binaries) in crates(template, resources) {
        let mut command = cargo();
        // --workspace chooses features as a plain `cargo build` at its root does, so that nothing is compiled twice.
        command.args(["build", "--workspace", "--manifest-path"]).arg(&manifest);
        if release {
            command.arg("--release");
        }
        for binary in &binaries {
            command.arg("--bin").arg(binary);
        }
        let status = command.stdin(Stdio::null()).status().map_err(|error| {
            StartError::new(format!("cargo could not be run ({error}); is Rust installed?"))
        })?;
        if !status.success() {
            return Err(StartError::new(format!(
                "the functions of {} could not be built; Cargo says above why",
                template.display()
            )));
        }
        built.folders.push(target(&manifest)?.join(if release { "release" } else { "debug" }));
        built.binaries.extend(binaries);
    }
    Ok(built)
}

/// Manifests of the Rust functions' crates with the names of their binaries.
fn crates(template: &Path, resources: &[Resource]) -> BTreeMap<PathBuf, BTreeSet<String>> {
    let base = template.parent().unwrap_or(Path::new("."));
    let mut crates: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for resource in resources {
        let Spec::Function(FunctionSpec { code: Some(code), binary: Some(binary), .. }) =
            &resource.spec
        else {
            continue;
        };
        let manifest = base.join(code).join("Cargo.toml");
        if manifest.is_file() {
            crates.entry(manifest).or_default().insert(binary.clone());
        }
    }
    crates
}

/// Cargo's target folder for a manifest.
fn target(manifest: &Path) -> Result<PathBuf, StartError> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .stderr(Stdio::inherit())
        .output();
    let folder = output.ok().filter(|o| o.status.success()).and_then(|output| {
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        metadata["target_directory"].as_str().map(PathBuf::from)
    });
    folder.ok_or_else(|| {
        StartError::new(format!("cargo metadata says no target folder for {}", manifest.display()))
    })
}

fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // As the user's own shell would call it, also where Cargo runs us: its variables would rebuild everything.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n == "CARGO_MANIFEST_DIR") {
            command.env_remove(name);
        }
    }
    command
}
