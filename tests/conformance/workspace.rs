use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Each member with the members it may depend on. Functions and engine never know each other.
const ARROWS: &[(&str, &[&str])] = &[
    ("pointsman-event", &[]),
    ("contract", &["pointsman-event"]),
    ("domain", &["contract"]),
    ("pointsman-kit", &["pointsman-event"]),
    ("functions", &["contract", "domain", "pointsman-kit"]),
    ("pointsman-router", &[]),
    ("pointsman", &["pointsman-router"]),
    ("system-tests", &["contract", "domain", "pointsman", "pointsman-kit"]),
];

/// Members that do no I/O, with all that they may use of others.
const PURE: &[(&str, &[&str])] = &[
    ("pointsman-router", &["serde"]),
    ("pointsman-event", &["serde", "serde_json"]),
    ("contract", &["schemars", "serde", "serde_json"]),
    ("domain", &["serde", "serde_json"]),
];

#[test]
fn arrows_between_members_point_one_way() {
    let metadata = metadata();
    let members = members(&metadata);
    let names: BTreeSet<&str> = members.keys().copied().collect();
    assert_eq!(
        names,
        ARROWS.iter().map(|(name, _)| *name).collect(),
        "every member is listed here"
    );
    for (name, allowed) in ARROWS {
        for other in dependencies(members[name], "normal").intersection(&names) {
            assert!(allowed.contains(other), "{name} must not depend on {other}");
        }
    }
}

#[test]
fn what_is_pure_depends_on_nothing_that_does_io() {
    let metadata = metadata();
    let members = members(&metadata);
    for (name, allowed) in PURE {
        for other in dependencies(members[name], "normal") {
            let ours = members.contains_key(other);
            assert!(ours || allowed.contains(&other), "{name} must not depend on {other}");
        }
    }
}

#[test]
fn no_dependency_has_a_licence_that_would_bind_our_users() {
    for package in metadata()["packages"].as_array().expect("packages") {
        let name = &package["name"];
        match package["license"].as_str() {
            Some(licence) => assert!(is_free_to_use(licence), "{name}: {licence}"),
            None => assert!(package["license_file"].is_string(), "{name} has no licence"),
        }
    }
}

#[test]
fn a_licence_is_read_as_an_expression() {
    for good in
        ["MIT OR Apache-2.0", "MIT/Apache-2.0", "MIT OR LGPL-2.1-or-later", "Apache-2.0 AND ISC"]
    {
        assert!(is_free_to_use(good), "{good}");
    }
    for bad in ["AGPL-3.0-only", "GPL-2.0", "MIT AND GPL-3.0", "LGPL-3.0-only OR GPL-3.0"] {
        assert!(!is_free_to_use(bad), "{bad}");
    }
}

#[test]
fn builds_with_and_without_tests_choose_the_same_features() {
    let with = features("normal,build,dev");
    let twice: Vec<String> = features("normal,build").difference(&with).cloned().collect();
    assert!(
        twice.is_empty(),
        "these would be compiled once for `cargo up` and once more for `cargo test`: name what \
         asks for the difference in tests/Cargo.toml: {twice:#?}"
    );
}

/// Whether one of the alternatives leaves its users free, and needs nothing that does not.
fn is_free_to_use(licence: &str) -> bool {
    let alternatives = licence.split(" OR ").flat_map(|part| part.split('/'));
    alternatives.into_iter().any(|alternative| !alternative.contains("GPL"))
        && !licence.split(" AND ").any(|needed| !needed.contains(" OR ") && needed.contains("GPL"))
}

/// Every package of the tree for this machine, with its features.
fn features(edges: &str) -> BTreeSet<String> {
    let arguments = ["tree", "--workspace", "--prefix", "none", "-f", "{p} [{f}]", "-e", edges];
    let tree = cargo(&arguments);
    tree.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

/// Names of a package's dependencies of a kind.
fn dependencies<'a>(package: &'a Value, kind: &str) -> BTreeSet<&'a str> {
    let all = package["dependencies"].as_array().expect("dependencies");
    let kept = all.iter().filter(|one| one["kind"].as_str().unwrap_or("normal") == kind);
    kept.filter_map(|one| one["name"].as_str()).collect()
}

fn members(metadata: &Value) -> BTreeMap<&str, &Value> {
    let packages = metadata["packages"].as_array().expect("packages");
    let ours = packages.iter().filter(|package| package["source"].is_null());
    ours.map(|package| (package["name"].as_str().expect("a name"), package)).collect()
}

/// The workspace and all that it is built from on this machine.
fn metadata() -> Value {
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs").stdout;
    let version = String::from_utf8(version).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let text = cargo(&["metadata", "--format-version", "1", "--filter-platform", host]);
    serde_json::from_str(&text).expect("JSON")
}

fn cargo(arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is a member");
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root).output();
    let output = output.expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}
