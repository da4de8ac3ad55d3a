//! Copies of the sources, for steps that change them.

use crate::process::command;
use std::fs;
use std::path::Path;

/// The sources as they are, committed or not, in `tree`. A file that is there already with the same content keeps its
/// date, so that little is compiled anew; one that is gone from the sources is deleted.
pub(crate) fn copy(root: &Path, tree: &Path) -> Result<(), String> {
    let mut git = command(root, "git");
    let listed =
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).output();
    let listed = listed.map_err(|error| format!("git cannot be run: {error}"))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let names: Vec<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
    for name in &names {
        // A file that was deleted and not committed is still listed.
        let Ok(wanted) = fs::read(root.join(name)) else { continue };
        if fs::read(tree.join(name)).is_ok_and(|found| found == wanted) {
            continue;
        }
        write(tree, name, &wanted)?;
    }
    let wanted = |file: &Path| names.iter().any(|name| file == tree.join(name));
    prune(tree, &wanted).map_err(|error| format!("{}: {error}", tree.display()))
}

/// Writes a file of the copy.
pub(crate) fn write(tree: &Path, name: &str, content: &[u8]) -> Result<(), String> {
    let path = tree.join(name);
    let folder = path.parent().unwrap_or(tree);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, content));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads a file of the copy.
pub(crate) fn read(tree: &Path, name: &str) -> Result<String, String> {
    fs::read_to_string(tree.join(name)).map_err(|error| format!("{name}: {error}"))
}

fn prune(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            prune(&path, wanted)?;
        } else if !wanted(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
