//! Functions built with Cargo.

use super::StartError;
use super::start::Stack;
use crate::platform;
use crate::topology::{FunctionSpec, Spec};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tokio::io::{AsyncBufReadExt, BufReader};

/// The crates that functions are built from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crates {
    crates: Vec<Crate>,
    release: bool,
}

/// A crate with functions' binaries.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Crate {
    manifest: PathBuf,
    binaries: BTreeSet<String>,
    target: PathBuf,
    /// Folders of the packages that it is made of, itself and those of its workspace or of a path that it depends on.
    packages: Vec<PathBuf>,
    workspace: PathBuf,
}

/// What was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// Names of libraries and binaries that were compiled or linked; what was fresh is left out.
    pub made: Vec<String>,
}

impl Crates {
    /// The crates of the templates' Rust functions.
    ///
    /// # Errors
    /// Cargo cannot be run, or does not understand a manifest.
    pub fn of(stacks: &[Stack], release: bool) -> Result<Crates, StartError> {
        let wanted = wanted(stacks).into_iter();
        let crates = wanted.map(|(manifest, binaries)| Crate::of(manifest, binaries));
        Ok(Crates { crates: crates.collect::<Result<_, _>>()?, release })
    }

    /// Whether the functions of these templates are built from just these crates.
    pub fn suit(&self, stacks: &[Stack]) -> bool {
        let have = self.crates.iter().map(|krate| (&krate.manifest, &krate.binaries));
        wanted(stacks).iter().eq(have)
    }

    /// Folders that hold the binaries.
    pub fn folders(&self) -> Vec<PathBuf> {
        let profile = if self.release { "release" } else { "debug" };
        self.crates.iter().map(|krate| krate.target.join(profile)).collect()
    }

    /// Folders with the sources: a change of a file below one of them may change a binary.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Path> {
        self.crates.iter().flat_map(|krate| &krate.packages).map(PathBuf::as_path)
    }

    /// Folders below sources that hold none.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Path> {
        self.crates.iter().map(|krate| krate.target.as_path())
    }

    /// Files outside of packages that builds depend on.
    pub(super) fn settings(&self) -> impl Iterator<Item = PathBuf> {
        let names = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml"];
        self.crates.iter().flat_map(move |krate| names.map(|name| krate.workspace.join(name)))
    }

    /// `cargo lambda watch` for the functions, which builds and starts each as it is invoked.
    ///
    /// # Errors
    /// The functions are of more than one workspace, or of none.
    pub fn cargo_lambda(&self) -> Result<Command, StartError> {
        let workspaces: BTreeSet<&Path> =
            self.crates.iter().map(|krate| krate.workspace.as_path()).collect();
        let mut workspaces = workspaces.into_iter();
        let (Some(workspace), None) = (workspaces.next(), workspaces.next()) else {
            return Err(StartError::new(
                "cargo lambda watch runs the functions of one Cargo workspace, and those of the template are not \
                 of one: leave out --functions cargo-lambda",
            ));
        };
        let mut command = Command::new("cargo-lambda");
        as_a_person(&mut command);
        // From its root, so that a function is built with the features that all of the workspace has.
        command.args(["lambda", "watch"]).current_dir(workspace);
        if self.release {
            command.arg("--release");
        }
        Ok(command)
    }

    /// Builds everything; Cargo's progress goes to standard error.
    ///
    /// # Errors
    /// There is no Cargo, or it could not build them.
    pub fn build(&self) -> Result<(), StartError> {
        for krate in &self.crates {
            let status = krate.build(self.release).status().map_err(no_cargo)?;
            if !status.success() {
                return Err(StartError::new(format!(
                    "the functions of {} could not be built; Cargo says above why",
                    krate.manifest.display()
                )));
            }
        }
        Ok(())
    }

    /// Builds everything anew as far as it has changed; what compilers have to say goes to standard error. If this
    /// is dropped, Cargo ends.
    ///
    /// # Errors
    /// There is no Cargo, or it could not build them.
    pub async fn rebuild(&self) -> Result<Built, StartError> {
        let mut built = Built::default();
        for krate in &self.crates {
            let mut command = krate.build(self.release);
            command.args(["--quiet", "--message-format", "json-render-diagnostics"]);
            command.stdout(Stdio::piped());
            let mut command = tokio::process::Command::from(command);
            let mut cargo =
                command.process_group(0).kill_on_drop(true).spawn().map_err(no_cargo)?;
            let group = cargo.id().map(Group);
            if let Some(out) = cargo.stdout.take() {
                let mut lines = BufReader::new(out).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    built.made.extend(made(&line));
                }
            }
            let status = cargo.wait().await.map_err(no_cargo)?;
            // It has ended, and its number may be another's.
            std::mem::forget(group);
            if !status.success() {
                return Err(StartError::new("not built; Cargo says above why"));
            }
        }
        Ok(built)
    }
}

impl Crate {
    fn of(manifest: PathBuf, binaries: BTreeSet<String>) -> Result<Crate, StartError> {
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
            .arg(&manifest)
            .stderr(Stdio::inherit())
            .output()
            .map_err(no_cargo)?;
        let metadata = Some(output).filter(|output| output.status.success());
        let metadata = metadata.and_then(|output| serde_json::from_slice(&output.stdout).ok());
        let metadata: Value = metadata.ok_or_else(|| {
            StartError::new(format!("cargo metadata does not know {}", manifest.display()))
        })?;
        let path = |name: &str| PathBuf::from(metadata[name].as_str().unwrap_or_default());
        let (target, workspace) = (path("target_directory"), path("workspace_root"));
        let packages = packages(&manifest, &binaries, &metadata);
        Ok(Crate { manifest, binaries, target, packages, workspace })
    }

    /// --workspace chooses features as a plain `cargo build` at its root does, so that nothing is compiled twice.
    fn build(&self, release: bool) -> Command {
        let mut command = cargo();
        command.args(["build", "--workspace", "--manifest-path"]).arg(&self.manifest);
        if release {
            command.arg("--release");
        }
        for binary in &self.binaries {
            command.arg("--bin").arg(binary);
        }
        command.stdin(Stdio::null());
        command
    }
}

/// A process group that ends with this: Cargo, and the compilers that it started.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        platform::terminate_group(self.0);
    }
}

/// The name of what one of Cargo's messages tells was made.
fn made(line: &str) -> Option<String> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_news = message["reason"] == "compiler-artifact" && message["fresh"] == false;
    let target = &message["target"];
    let is_script = target["kind"][0] == "custom-build";
    (is_news && !is_script).then(|| target["name"].as_str().map(str::to_owned))?
}

/// Manifests of the Rust functions' crates, with the names of their binaries.
fn wanted(stacks: &[Stack]) -> BTreeMap<PathBuf, BTreeSet<String>> {
    let mut wanted: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for Stack { loaded, .. } in stacks {
        let template = loaded.files.first().map_or(Path::new(""), PathBuf::as_path);
        let base = template.parent().unwrap_or(Path::new("."));
        for resource in &loaded.resources {
            let Spec::Function(FunctionSpec { code: Some(code), binary: Some(binary), .. }) =
                &resource.spec
            else {
                continue;
            };
            let manifest = base.join(code).join("Cargo.toml");
            if manifest.is_file() {
                wanted.entry(manifest).or_default().insert(binary.clone());
            }
        }
    }
    wanted
}

/// Folders of the packages that have the binaries, and of those that they depend on by path. The manifest may be that
/// of a workspace, with the binaries in its members.
fn packages(manifest: &Path, binaries: &BTreeSet<String>, metadata: &Value) -> Vec<PathBuf> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let folder_of = |package: &Value| {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        manifest.parent().map(Path::to_owned)
    };
    let has_one = |package: &&Value| {
        let targets = package["targets"].as_array().map_or(&[][..], Vec::as_slice);
        let mut bins = targets.iter().filter(|target| target["kind"][0] == "bin");
        bins.any(|bin| bin["name"].as_str().is_some_and(|name| binaries.contains(name)))
    };
    let with_one = packages.iter().filter(has_one).filter_map(folder_of);
    let mut folders: Vec<PathBuf> = with_one.filter_map(|f| f.canonicalize().ok()).collect();
    if folders.is_empty() {
        folders.extend(manifest.parent().and_then(|folder| folder.canonicalize().ok()));
    }
    let mut next = 0;
    while let Some(folder) = folders.get(next).cloned() {
        next += 1;
        let same = |package: &&Value| {
            folder_of(package).and_then(|f| f.canonicalize().ok()).as_ref() == Some(&folder)
        };
        // One outside of the workspace is watched, but not asked what it depends on itself.
        let Some(package) = packages.iter().find(same) else { continue };
        let needs = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
        for need in needs.iter().filter(|need| need["kind"] != "dev") {
            let path = need["path"].as_str().and_then(|path| Path::new(path).canonicalize().ok());
            if let Some(path) = path.filter(|path| !folders.contains(path)) {
                folders.push(path);
            }
        }
    }
    folders
}

fn no_cargo(error: std::io::Error) -> StartError {
    StartError::new(format!("cargo could not be run ({error}); is Rust installed?"))
}

fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    as_a_person(&mut command);
    command
}

/// As the user's own shell would call it, also where Cargo runs us: its variables would rebuild everything.
fn as_a_person(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if is_of_a_run(&name) {
            command.env_remove(name);
        }
    }
}

/// Whether Cargo sets this variable for what it runs.
fn is_of_a_run(name: &OsStr) -> bool {
    name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n == "CARGO_MANIFEST_DIR")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_made_is_told_and_what_was_fresh_is_not() {
        let message = |fresh: bool, kind: &str| json!({"reason": "compiler-artifact", "fresh": fresh, "target": {"name": "view", "kind": [kind]}});
        assert_eq!(made(&message(false, "bin").to_string()).as_deref(), Some("view"));
        for other in [
            message(true, "bin"),
            message(false, "custom-build"),
            json!({"reason": "build-finished"}),
        ] {
            assert_eq!(made(&other.to_string()), None, "{other}");
        }
        assert_eq!(made("no JSON"), None);
    }

    #[test]
    fn a_crate_is_made_of_itself_and_what_it_depends_on_by_path() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["functions/domain", "kit", "tests"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        let package = |name: &str, needs: Value| {
            json!({"manifest_path": root.join(name).join("Cargo.toml"), "dependencies": needs,
                "targets": [{"kind": ["bin"], "name": format!("{name}-bin")}]})
        };
        let path = |name: &str, kind: Value| json!({"path": root.join(name), "kind": kind});
        let metadata = json!({"packages": [
            package("functions", json!([path("functions/domain", json!(null)), path("tests", json!("dev")), {"name": "serde"}])),
            package("functions/domain", json!([path("kit", json!("build"))])),
            package("kit", json!([])),
            package("tests", json!([])),
        ]});
        let binaries = BTreeSet::from(["functions-bin".to_owned()]);
        // The manifest of the workspace is where functions are built from, and no package itself.
        for manifest in ["Cargo.toml", "functions/Cargo.toml"] {
            let found = packages(&root.join(manifest), &binaries, &metadata);
            assert_eq!(found, ["functions", "functions/domain", "kit"].map(|name| root.join(name)));
        }
    }
}
