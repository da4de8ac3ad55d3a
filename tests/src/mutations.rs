//! Does the simulated world find bugs? `cargo verify mutations` puts one fault after the other into a copy of the
//! sources, has the copy's world tried, and counts in how many worlds an order comes to grief. A fault that none finds
//! is a failure. What stands behind `--` are parts of the names of those to try; without any, all are.

#[path = "mutations/list.rs"]
mod list;

use crate::process::{Tally, cargo, given};
use crate::tree;
use list::{Edit, MUTATIONS, Mutation};
use std::fs;
use std::path::{Path, PathBuf};

/// How many worlds each fault is looked for in; `WORLD_SEEDS` says otherwise.
const SEEDS: &str = "1000";

/// Puts each fault in by itself and says how many worlds found it.
pub(crate) fn run(root: &Path) -> Result<Tally, String> {
    let names: Vec<String> = given().collect();
    let is_named = |mutation: &&Mutation| {
        names.is_empty() || names.iter().any(|name| mutation.name.contains(name))
    };
    let chosen: Vec<&Mutation> = MUTATIONS.iter().filter(is_named).collect();
    if chosen.is_empty() {
        return Err(format!("no fault is named {}", names.join(", ")));
    }
    let tree = root.join("target/mutations/tree");
    tree::copy(root, &tree)?;
    let seeds = std::env::var("WORLD_SEEDS").unwrap_or_else(|_| SEEDS.into());
    let worlds = |of: &str| format!("{of} of {seeds} worlds");
    match grief(&tree, &seeds)? {
        Some(0) => println!("as it is: {}", worlds("0")),
        Some(found) => {
            return Err(format!(
                "the sources have a fault already: {}",
                worlds(&found.to_string())
            ));
        }
        None => return Err("the sources do not compile".into()),
    }
    let mut tally = Tally::default();
    for Mutation { name, edits } in chosen {
        let before = edits.iter().map(|edit| apply(&tree, edit)).collect::<Result<Vec<_>, _>>();
        let found = before.as_ref().map_or(Ok(None), |_| grief(&tree, &seeds));
        // The other way round: of two edits of one file, the first has what it was.
        for (path, text) in before.as_deref().unwrap_or_default().iter().rev() {
            fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        before?;
        let found = found?;
        tally +=
            if found.is_some_and(|found| found > 0) { Tally::success() } else { Tally::failure() };
        match found {
            Some(0) => println!("{name}: NOT FOUND"),
            Some(found) => println!("{name}: {}", worlds(&found.to_string())),
            None => println!("{name}: does not compile"),
        }
    }
    Ok(tally)
}

/// In how many worlds an order comes to grief; none if the sources do not compile.
fn grief(tree: &Path, seeds: &str) -> Result<Option<u64>, String> {
    let target = tree.with_file_name("target");
    let mut test = cargo(tree);
    test.args([
        "test",
        "--quiet",
        "--workspace",
        "--test",
        "world",
        "every_order",
        "--",
        "--nocapture",
    ]);
    test.env("CARGO_TARGET_DIR", target).env("WORLD_COUNT", "1").env("WORLD_SEEDS", seeds);
    let output = test.output().map_err(|error| format!("cargo cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.lines().find_map(|line| {
        line.split_once(" worlds came to grief")?.0.split_once(" of ")?.0.parse().ok()
    });
    if count.is_none() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(count)
}

/// Makes the edit; the file, and what was in it.
fn apply(tree: &Path, edit: &Edit) -> Result<(PathBuf, String), String> {
    let path = tree.join(edit.file);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", edit.file))?;
    if text.matches(edit.find).count() != 1 {
        return Err(format!("{}: not there exactly once: {}", edit.file, edit.find));
    }
    let mutated = text.replacen(edit.find, edit.replace, 1);
    fs::write(&path, mutated).map_err(|error| format!("{}: {error}", edit.file))?;
    Ok((path, text))
}
