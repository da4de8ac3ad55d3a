use std::fs;
use std::path::{Path, PathBuf};

/// The most lines a source file of ours may have.
const MAX_LINES: usize = 450;

#[test]
fn a_release_unwinds_so_that_a_panic_costs_one_record_alone() {
    let manifest = read("Cargo.toml");
    let release = section(&manifest, "[profile.release]");
    assert!(release.contains(&"panic = \"unwind\""), "{release:?}");
}

#[test]
fn only_build_and_validate_name_the_template_since_deploy_must_take_the_built_one() {
    let config = read("samconfig.toml");
    let mut header = "";
    let mut named = vec![];
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            header = line;
        }
        if line.starts_with("template") {
            named.push((header, line));
        }
    }
    assert!(!named.is_empty());
    for (header, line) in named {
        assert!(
            header.ends_with(".build.parameters]") || header.ends_with(".validate.parameters]"),
            "{header}"
        );
        assert_eq!(line, "template_file = \"infra/template.yaml\"");
    }
}

#[test]
fn every_relative_link_of_a_document_leads_somewhere() {
    let mut links = 0;
    for path in files().into_iter().filter(|path| has_extension(path, &["md"])) {
        let text = fs::read_to_string(&path).expect("a document");
        for target in targets(&text) {
            links += 1;
            let file = target.split('#').next().unwrap_or_default();
            let folder = path.parent().expect("a folder");
            let there = file.is_empty() || folder.join(file).exists();
            assert!(there, "{}: the link {target} leads nowhere", path.display());
        }
    }
    assert!(links > 0, "there are documents with links");
}

#[test]
fn no_source_file_is_longer_than_a_reader_can_hold() {
    for path in files().into_iter().filter(|path| has_extension(path, &["rs", "py"])) {
        let lines = fs::read_to_string(&path).expect("a source file").lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines, more than {MAX_LINES}", path.display());
    }
}

#[test]
fn what_must_be_pure_touches_neither_files_nor_network_nor_clock() {
    let pure = ["functions/domain/src", "shared/event/src", "shared/contract/src", "router/src"];
    let banned = [
        "std::fs",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "ToSocketAddrs",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant::",
        "tokio",
    ];
    for path in files() {
        let inside = path.strip_prefix(root()).expect("a path of ours");
        let tests = inside.ends_with("tests.rs")
            || inside.components().any(|part| part.as_os_str() == "tests");
        if tests
            || !pure.iter().any(|folder| inside.starts_with(folder))
            || !has_extension(&path, &["rs"])
        {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let found = banned.iter().find(|word| line.contains(*word));
            assert_eq!(found, None, "{}: {line}", inside.display());
        }
    }
}

#[test]
fn ci_runs_the_test_command_and_nothing_else() {
    let script = read(".ci/run");
    let commands: Vec<&str> =
        script.lines().filter(|line| line.contains("cargo") && !line.starts_with('#')).collect();
    assert_eq!(commands, ["exec cargo verify"]);
}

/// The lines of a TOML section, trimmed.
fn section<'a>(manifest: &'a str, header: &str) -> Vec<&'a str> {
    let lines = manifest.lines().map(str::trim).skip_while(|line| *line != header).skip(1);
    lines.take_while(|line| !line.starts_with('[')).collect()
}

/// Where a document's links lead, those outside the repository left out; text in code is none.
fn targets(text: &str) -> Vec<&str> {
    let mut found = vec![];
    let prose = text.split("```").step_by(2);
    for rest in prose.flat_map(|part| part.split("](").skip(1)) {
        let target = rest.split([')', ' ']).next().unwrap_or_default();
        if !target.contains("://") && !target.starts_with("mailto:") {
            found.push(target);
        }
    }
    found
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|e| wanted.contains(&e))
}

/// All files of the repository, what is built or installed left out.
fn files() -> Vec<PathBuf> {
    let mut files = vec![];
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let name = entry.file_name();
            let kind = entry.file_type().expect("a file's type");
            if kind.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is a member").to_owned()
}

/// The faults that `cargo verify mutations` puts in.
#[path = "../src/mutations/list.rs"]
#[expect(dead_code, reason = "what is there instead is the command's to know")]
mod mutations;

#[test]
fn every_mutation_s_place_is_there_exactly_once() {
    assert!(mutations::MUTATIONS.len() >= 12);
    for mutation in mutations::MUTATIONS {
        for edit in mutation.edits {
            let text = read(edit.file);
            let count = text.matches(edit.find).count();
            assert_eq!(count, 1, "{}: {} has {count} × {}", mutation.name, edit.file, edit.find);
        }
    }
}
