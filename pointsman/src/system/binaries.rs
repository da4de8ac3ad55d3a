use super::executables::Folders;
use crate::adapters::runner::Executables;
use crate::topology::FunctionSpec;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The binaries that run, and which of them are others than when they were looked at last.
///
/// With a shelf, a folder that holds a link to each, they run from there: what a build does in Cargo's folder, or has
/// done by the time that it fails, changes nothing that runs until [`Binaries::look`] takes it over.
pub struct Binaries {
    folders: Mutex<Folders>,
    shelf: Option<PathBuf>,
    known: Mutex<HashMap<String, Known>>,
}

/// A binary, as it was looked at last.
struct Known {
    found: PathBuf,
    stamp: Stamp,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    file: (u64, u64),
    length: u64,
    modified: (i64, i64),
}

impl Binaries {
    /// Binaries of these folders, run where they lie, or from a shelf.
    pub fn new(folders: Folders, shelf: Option<PathBuf>) -> Binaries {
        Binaries { folders: Mutex::new(folders), shelf, known: Mutex::default() }
    }

    /// Looks in other folders from now on.
    pub fn set_folders(&self, folders: Folders) {
        *lock(&self.folders) = folders;
    }

    /// Looks at the binaries of these functions, and puts them on the shelf. Returns the names of those that have
    /// another binary than when it was last looked at; one that was never looked at is none of them.
    ///
    /// # Errors
    /// The shelf cannot be written.
    pub fn look(&self, functions: &[FunctionSpec]) -> io::Result<Vec<String>> {
        let mut known = lock(&self.known);
        let (mut changed, mut looked) = (vec![], HashMap::new());
        for function in functions {
            // That one is missing is told when it is to run.
            let Ok(found) = lock(&self.folders).find(function) else { continue };
            let name = binary(function);
            let is_other = match looked.get(name) {
                Some(is_other) => *is_other,
                None => {
                    let is_other = self.look_at(&mut known, name, found)?;
                    looked.insert(name, is_other);
                    is_other
                }
            };
            if is_other {
                changed.push(function.name.clone());
            }
        }
        Ok(changed)
    }

    fn look_at(
        &self,
        known: &mut HashMap<String, Known>,
        name: &str,
        found: PathBuf,
    ) -> io::Result<bool> {
        let stamp = Stamp::of(&found)?;
        let last = known.get(name).filter(|last| last.found == found);
        let kept = self.shelf.as_ref().map(|shelf| shelf.join(name));
        let was_known = known.contains_key(name);
        let is_other = match (last, &kept) {
            (Some(last), _) if last.stamp == stamp => return Ok(false),
            // Linked anew, and perhaps the same: then nothing needs to end.
            (_, Some(kept)) if was_known => !is_same(kept, &found)?,
            _ => was_known,
        };
        if let Some(kept) = &kept {
            put(&found, kept)?;
        }
        known.insert(name.to_owned(), Known { found, stamp });
        Ok(is_other)
    }
}

impl Executables for Binaries {
    fn find(&self, function: &FunctionSpec) -> Result<PathBuf, String> {
        let found = lock(&self.folders).find(function)?;
        let name = binary(function);
        match &self.shelf {
            Some(shelf) if lock(&self.known).contains_key(name) => Ok(shelf.join(name)),
            _ => Ok(found),
        }
    }
}

impl Stamp {
    /// Whether both are of the same file, however it has changed.
    pub(super) fn is_file_of(&self, other: &Stamp) -> bool {
        self.file == other.file
    }

    pub(super) fn of(path: &Path) -> io::Result<Stamp> {
        let data = fs::metadata(path)?;
        Ok(Stamp {
            file: (data.dev(), data.ino()),
            length: data.len(),
            modified: (data.mtime(), data.mtime_nsec()),
        })
    }
}

fn binary(function: &FunctionSpec) -> &str {
    function.binary.as_deref().unwrap_or(&function.name)
}

/// Whether two files hold the same; one that was written in place is not compared with itself.
fn is_same(kept: &Path, found: &Path) -> io::Result<bool> {
    let (a, b) = match (Stamp::of(kept), Stamp::of(found)?) {
        (Ok(a), b) => (a, b),
        (Err(_), _) => return Ok(false),
    };
    if a.length != b.length || a.file == b.file {
        return Ok(false);
    }
    let (mut kept, mut found) = (File::open(kept)?, File::open(found)?);
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = kept.read(&mut left)?;
        if read == 0 {
            return Ok(true);
        }
        found.read_exact(&mut right[..read])?;
        if left[..read] != right[..read] {
            return Ok(false);
        }
    }
}

/// Puts a link to a file in place of another, or a copy where there can be no link. What runs keeps what it has.
fn put(found: &Path, kept: &Path) -> io::Result<()> {
    let folder = kept.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let new = folder.join(".new");
    // One that a crash has left.
    let _ = fs::remove_file(&new);
    if fs::hard_link(found, &new).is_err() {
        fs::copy(found, &new)?;
    }
    fs::rename(&new, kept)
}

/// A panic elsewhere leaves what is kept here whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::function;

    /// A folder with a binary for the function `echo`, perhaps run from a shelf.
    fn binaries(with_shelf: bool) -> (tempfile::TempDir, Binaries) {
        let folder = tempfile::tempdir().unwrap();
        let built = folder.path().join("built");
        fs::create_dir(&built).unwrap();
        fs::write(built.join("echo"), "one").unwrap();
        let shelf = with_shelf.then(|| folder.path().join("shelf"));
        let folders = Folders { folders: vec![built], remedy: String::new() };
        (folder, Binaries::new(folders, shelf))
    }

    /// As a linker does: a new file under the old name.
    fn link(folder: &tempfile::TempDir, text: &str) {
        let path = folder.path().join("built/echo");
        fs::remove_file(&path).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_binary_runs_as_it_was_until_it_is_looked_at_again() {
        let (folder, binaries) = binaries(true);
        let echo = [FunctionSpec { binary: Some("echo".into()), ..function("other-name") }];
        assert_eq!(binaries.look(&echo).unwrap(), [""; 0], "none is another at first");
        let runs = || fs::read_to_string(binaries.find(&echo[0]).unwrap()).unwrap();
        link(&folder, "two");
        assert_eq!(runs(), "one");
        assert_eq!(binaries.look(&echo).unwrap(), ["other-name"]);
        assert_eq!(runs(), "two");
        assert_eq!(binaries.look(&echo).unwrap(), [""; 0]);
    }

    #[test]
    fn the_same_binary_linked_again_is_no_other_one() {
        let (folder, binaries) = binaries(true);
        let echo = [function("echo")];
        binaries.look(&echo).unwrap();
        link(&folder, "one");
        assert_eq!(binaries.look(&echo).unwrap(), [""; 0]);
        link(&folder, "two");
        assert_eq!(binaries.look(&echo).unwrap(), ["echo"]);
    }

    #[test]
    fn a_binary_written_in_place_is_another_one() {
        for with_shelf in [true, false] {
            let (folder, binaries) = binaries(with_shelf);
            let echo = [
                function("echo"),
                FunctionSpec { binary: Some("echo".into()), ..function("twin") },
            ];
            binaries.look(&echo).unwrap();
            fs::write(folder.path().join("built/echo"), "other").unwrap();
            assert_eq!(binaries.look(&echo).unwrap(), ["echo", "twin"]);
        }
    }

    #[test]
    fn without_a_shelf_it_runs_where_it_lies() {
        let (folder, binaries) = binaries(false);
        binaries.look(&[function("echo")]).unwrap();
        assert_eq!(binaries.find(&function("echo")).unwrap(), folder.path().join("built/echo"));
        assert!(binaries.find(&function("gone")).is_err());
    }
}
