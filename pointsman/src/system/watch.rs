//! Files that a running system is made of, and which of them were saved.

use super::binaries::Stamp;
use super::build::Crates;
use crate::clock;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// After a change, nothing may change for so long before it is told: editors save in several steps, and several files.
const CALM: Duration = Duration::from_millis(60);

/// So often at most the calm is waited for.
const MOST_CALMS: u32 = 50;

/// How often files are looked at where the system cannot tell of changes.
const POLL: Duration = Duration::from_secs(1);

/// What a file is to a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A template.
    Template,
    /// Functions are built from it.
    Source,
    /// A function's binary.
    Binary,
}

/// What is watched.
#[derive(Clone, Debug, Default)]
pub struct Places {
    files: BTreeMap<PathBuf, Role>,
    /// With all that is below them.
    folders: BTreeSet<PathBuf>,
    /// Folders below the others that are not looked into.
    left_out: BTreeSet<PathBuf>,
}

impl Places {
    /// Adds a template, or another file that stands for itself.
    pub fn file(&mut self, path: &Path, role: Role) {
        self.files.insert(path.to_owned(), role);
    }

    /// Adds what functions are built from.
    pub fn crates(&mut self, crates: &Crates) {
        self.folders.extend(crates.sources().map(Path::to_owned));
        self.left_out.extend(crates.targets().map(Path::to_owned));
        self.files.extend(crates.settings().map(|file| (file, Role::Source)));
    }

    /// Leaves out a folder.
    pub fn leave_out(&mut self, folder: &Path) {
        self.left_out.insert(folder.canonicalize().unwrap_or_else(|_| folder.to_owned()));
    }
}

/// Watches files.
///
/// The system only says when to look: what was saved is found by looking, so that it does not matter how an editor
/// saves (over the file, or beside it and then under its name), nor whether the system was heard.
pub struct Watch {
    places: Places,
    /// Every file as it was when it was last told of.
    seen: BTreeMap<PathBuf, (Role, Stamp)>,
    watcher: Option<RecommendedWatcher>,
    /// Folders that the system watches, as they were then.
    watched: BTreeMap<PathBuf, Stamp>,
    woken: Arc<Notify>,
    /// Something may have changed since the last look.
    is_due: bool,
}

impl Watch {
    /// Watches nothing yet.
    pub fn new() -> Watch {
        let woken = Arc::new(Notify::new());
        let wakes = woken.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // What was only read has not changed; if something went wrong, looking tells.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                wakes.notify_one();
            }
        });
        Watch {
            places: Places::default(),
            seen: BTreeMap::new(),
            watcher: watcher.ok(),
            watched: BTreeMap::new(),
            woken,
            is_due: false,
        }
    }

    /// Watches these from now on. A file that is watched already is told of if it has changed since.
    pub fn set(&mut self, places: Places) {
        self.places = places;
        let files = self.look();
        self.seen.retain(|path, _| files.contains_key(path));
        for (path, found) in files {
            self.seen.entry(path).or_insert(found);
        }
    }

    /// Waits until files were saved, made or removed, and tells which. Nothing is lost if the future is dropped.
    pub async fn saved(&mut self) -> Vec<(Role, PathBuf)> {
        loop {
            if !self.is_due {
                tokio::select! {
                    () = self.woken.notified() => {}
                    () = clock::sleep(POLL), if self.watcher.is_none() => {}
                }
                self.is_due = true;
            }
            for _ in 0..MOST_CALMS {
                tokio::select! {
                    () = self.woken.notified() => {}
                    () = clock::sleep(CALM) => break,
                }
            }
            self.is_due = false;
            let saved = self.compare();
            if !saved.is_empty() {
                return saved;
            }
        }
    }

    fn compare(&mut self) -> Vec<(Role, PathBuf)> {
        let files = self.look();
        let is_other = |path: &PathBuf, found: &(Role, Stamp)| self.seen.get(path) != Some(found);
        let mut saved: Vec<(Role, PathBuf)> = vec![];
        saved.extend(files.iter().filter(|(p, f)| is_other(p, f)).map(|(p, f)| (f.0, p.clone())));
        let gone = self.seen.iter().filter(|(path, _)| !files.contains_key(*path));
        saved.extend(gone.map(|(path, (role, _))| (*role, path.clone())));
        self.seen = files;
        saved
    }

    /// Every file there is, as it is; the system is asked to tell of the folders that hold them.
    fn look(&mut self) -> BTreeMap<PathBuf, (Role, Stamp)> {
        let mut found = Found::default();
        for (path, role) in &self.places.files {
            found.file(path.clone(), *role);
            if let Some(folder) = path.parent() {
                found.folder(folder);
            }
        }
        for folder in &self.places.folders {
            found.below(folder, &self.places);
        }
        let Found { files, folders } = found;
        self.watched
            .retain(|path, stamp| folders.get(path).is_some_and(|now| now.is_file_of(stamp)));
        for (folder, stamp) in folders {
            if let Some(watcher) = &mut self.watcher
                && !self.watched.contains_key(&folder)
            {
                match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                    Ok(()) => {
                        self.watched.insert(folder, stamp);
                    }
                    // Out of watches: looking now and then finds changes, too.
                    Err(_) => self.watcher = None,
                }
            }
        }
        files
    }
}

impl Default for Watch {
    fn default() -> Self {
        Watch::new()
    }
}

#[derive(Default)]
struct Found {
    files: BTreeMap<PathBuf, (Role, Stamp)>,
    folders: BTreeMap<PathBuf, Stamp>,
}

impl Found {
    fn file(&mut self, path: PathBuf, role: Role) {
        // One that is not there, or goes at this moment, counts as gone.
        if let Ok(stamp) = Stamp::of(&path) {
            self.files.entry(path).or_insert((role, stamp));
        }
    }

    fn folder(&mut self, path: &Path) {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        if let Ok(stamp) = Stamp::of(path) {
            self.folders.insert(path.to_owned(), stamp);
        }
    }

    /// The sources below a folder; packages of their own are not its.
    fn below(&mut self, folder: &Path, places: &Places) {
        let mut left = vec![folder.to_owned()];
        while let Some(folder) = left.pop() {
            self.folder(&folder);
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = entry.file_name();
                let name = name.to_string_lossy();
                match entry.file_type() {
                    _ if is_of_an_editor(&name) => {}
                    Ok(kind) if kind.is_dir() => {
                        let is_other = path.join("Cargo.toml").is_file();
                        let is_out = name == "target" || places.left_out.contains(&path);
                        if !is_other && !is_out {
                            left.push(path);
                        }
                    }
                    _ => self.file(path, Role::Source),
                }
            }
        }
    }
}

/// Hidden, a backup, or there while an editor has a file open.
fn is_of_an_editor(name: &str) -> bool {
    let marks = name.starts_with(['.', '#']) || name.ends_with(['~', '#']);
    // Vim tries with this file whether it may write into a folder.
    marks || name.ends_with(".tmp") || name == "4913"
}

#[cfg(test)]
mod tests;
