//! The daily loop: what was saved is built, swapped and applied.

use super::super::screen::{BAD, BOLD, DIM, FUNCTION, styled};
use super::Up;
use super::reader::{Read, Reader};
use crate::clock::{Stopwatch, sleep};
use crate::system::{Applied, Binaries, Built, Crates, Role, StartError, System, Watch, functions};
use crate::template;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A build that takes longer is announced.
const SHORT: Duration = Duration::from_millis(400);

/// After so many builds that were overtaken the next one is left to end: something may be saved by building.
const MOST_IN_VAIN: u32 = 5;

/// Follows what is saved for a system that runs.
pub(super) struct Daily<'a> {
    pub(super) up: &'a Up,
    pub(super) system: &'a System,
    pub(super) reader: Reader,
    pub(super) crates: Crates,
    pub(super) binaries: Arc<Binaries>,
    pub(super) watch: Watch,
}

/// What was saved and is not dealt with.
#[derive(Default)]
struct Todo {
    templates: BTreeSet<PathBuf>,
    sources: BTreeSet<PathBuf>,
    /// Builds of it that were begun in vain.
    in_vain: u32,
    /// That it is being built was told, and so is its end.
    announced: bool,
}

/// What a build came to.
enum Ended {
    Well(Built),
    Badly(StartError),
    /// Something was saved meanwhile.
    Overtaken,
}

impl Daily<'_> {
    pub(super) async fn run(mut self) -> Infallible {
        let mut todo = Todo::default();
        loop {
            todo.add(self.watch.saved().await);
            while self.is_overtaken(&mut todo).await {}
        }
    }

    /// Deals with what is to be done; true if it was begun in vain, since more was saved meanwhile.
    async fn is_overtaken(&mut self, todo: &mut Todo) -> bool {
        let began = Stopwatch::start();
        let read = if todo.templates.is_empty() { None } else { self.read(todo) };
        let crates = match &read {
            Some((stacks, _)) if self.up.folder().is_none() && !self.crates.suit(stacks) => {
                Crates::of(stacks, self.up.release)
            }
            _ => Ok(self.crates.clone()),
        };
        let crates = match crates {
            Ok(crates) => crates,
            Err(why) => {
                bad(format!("{why}: the old template runs on"));
                return false;
            }
        };
        let is_new = crates != self.crates;
        let mut built = Built::default();
        if is_new || !todo.sources.is_empty() {
            match self.build(&crates, todo).await {
                Ended::Well(made) => built = made,
                Ended::Overtaken => return true,
                Ended::Badly(why) => {
                    let old =
                        if read.is_some() { "template and functions run" } else { "functions run" };
                    bad(format!(
                        "{why}: the old {old} on, until something is saved that can be built"
                    ));
                    // A template that needs what could not be built is read again with the next save.
                    todo.sources.clear();
                    (todo.in_vain, todo.announced) = (0, false);
                    return false;
                }
            }
        }
        let stacks = match &read {
            Some((stacks, _)) => stacks.clone(),
            None => self.system.stacks(),
        };
        if is_new {
            self.binaries.set_folders(self.up.folders(&crates));
            self.crates = crates;
        }
        if is_new || read.is_some() {
            self.watch.set(self.up.places(self.reader.templates(), &self.crates, &stacks));
        }
        let mut others = match self.binaries.look(&functions(&stacks)) {
            Ok(others) => others,
            Err(why) => {
                bad(format!("functions' binaries cannot be taken over: {why}"));
                vec![]
            }
        };
        if let Some(read) = read {
            let applied = self.apply(read, todo, began).await;
            others.retain(|other| !applied.functions.iter().any(|(name, _)| name == other));
        }
        let swapped = self.system.swap(others).await;
        tell_swapped(todo, &built, &swapped, began);
        *todo = Todo::default();
        false
    }

    /// The templates as they are now; none if one has a mistake.
    fn read(&mut self, todo: &mut Todo) -> Option<Read> {
        let open = self.system.control().doors.urls();
        match self.reader.read(&self.system.stacks(), open) {
            Ok(read) => Some(read),
            Err(why) => {
                bad(format!("{why}\nthe old template runs on"));
                todo.templates.clear();
                None
            }
        }
    }

    async fn build(&mut self, crates: &Crates, todo: &mut Todo) -> Ended {
        let build = crates.rebuild();
        tokio::pin!(build);
        loop {
            tokio::select! {
                built = &mut build => return match built {
                    Ok(built) => Ended::Well(built),
                    Err(why) => Ended::Badly(why),
                },
                saved = self.watch.saved(), if todo.in_vain < MOST_IN_VAIN => {
                    todo.add(saved);
                    todo.in_vain += 1;
                    return Ended::Overtaken;
                }
                () = sleep(SHORT), if !todo.announced => {
                    todo.announced = true;
                    let files = shown(todo.templates.iter().chain(&todo.sources));
                    anstream::println!("{}", styled(DIM, format!("{files} saved: building")));
                }
            }
        }
    }

    async fn apply(&mut self, (stacks, http): Read, todo: &Todo, began: Stopwatch) -> Applied {
        let before = self.system.stacks();
        let notes = |stacks: &[crate::system::Stack]| {
            stacks.iter().flat_map(|stack| stack.loaded.unsupported.clone()).collect::<Vec<_>>()
        };
        let (known, mut news) = (notes(&before), notes(&stacks));
        news.retain(|note| {
            let is_same = |old: &template::Note| {
                (&old.id, &old.what, &old.consequence) == (&note.id, &note.what, &note.consequence)
            };
            !known.iter().any(is_same)
        });
        let applied = self.system.apply(stacks, http).await;
        let files = shown(todo.templates.iter());
        let changed: usize = applied.changes.iter().map(|(_, set)| set.changes.len()).sum();
        if let Some(why) = &applied.refused {
            bad(format!("{why}\nthe old template runs on"));
        } else if changed == 0 {
            anstream::println!(
                "{}",
                styled(DIM, format!("{files} saved: it asks for nothing new"))
            );
        } else {
            anstream::println!(
                "{} {}",
                styled(BOLD, files),
                styled(DIM, format!("applied {}", after(began)))
            );
        }
        for (stack, set) in &applied.changes {
            let head = if applied.changes.len() > 1 { format!("{stack}: ") } else { String::new() };
            set.changes.iter().for_each(|change| anstream::println!("  {head}{change}"));
            set.notes.iter().for_each(|note| anstream::println!("  {}", styled(DIM, note)));
        }
        template::report(&news)
            .iter()
            .for_each(|note| anstream::println!("  {}", styled(DIM, note)));
        for (api, url) in &applied.opened {
            anstream::println!("  {} {url} {}", styled(BOLD, "HTTP"), styled(DIM, api));
        }
        for api in &applied.closed {
            anstream::println!("  HTTP API {api} is served no longer");
        }
        for (_, started) in &applied.functions {
            if let Err(why) = started {
                bad(why);
            }
        }
        applied
    }
}

impl Todo {
    fn add(&mut self, saved: Vec<(Role, PathBuf)>) {
        for (role, path) in saved {
            match role {
                Role::Template => self.templates.insert(path),
                Role::Source => self.sources.insert(path),
                // Binaries are looked at whenever something was saved.
                Role::Binary => false,
            };
        }
    }
}

fn tell_swapped(
    todo: &Todo,
    built: &Built,
    swapped: &[(String, Result<(), String>)],
    began: Stopwatch,
) {
    let names: Vec<String> = swapped.iter().map(|(name, _)| styled(FUNCTION, name)).collect();
    let names = names.join(", ");
    let made = match built.made.len() {
        0 => String::new(),
        1..=4 => format!("built {} · ", built.made.join(", ")),
        many => format!("built {many} crates and functions · "),
    };
    if !swapped.is_empty() {
        let files = match todo.sources.is_empty() {
            true => String::new(),
            false => format!("{} · ", shown(todo.sources.iter())),
        };
        let told = styled(DIM, format!("· {files}{made}{}", after(began)));
        anstream::println!("{} {names} {told}", styled(BOLD, "swapped"));
    } else if todo.announced || !built.made.is_empty() && !todo.sources.is_empty() {
        let told = format!("{made}{} · the functions' binaries are as they were", after(began));
        anstream::println!("{}", styled(DIM, told));
    }
    swapped.iter().filter_map(|(_, started)| started.as_ref().err()).for_each(bad);
}

/// Names of files, as they are typed here; of many only how many they are.
fn shown<'p>(files: impl Iterator<Item = &'p PathBuf> + Clone) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let name = |path: &Path| path.strip_prefix(&here).unwrap_or(path).display().to_string();
    match files.clone().count() {
        many @ 4.. => format!("{many} files"),
        _ => files.map(|path| name(path)).collect::<Vec<_>>().join(", "),
    }
}

fn after(began: Stopwatch) -> String {
    match began.elapsed() {
        short if short < Duration::from_secs(1) => format!("in {} ms", short.as_millis()),
        long => format!("in {:.1} s", long.as_secs_f64()),
    }
}

fn bad(why: impl std::fmt::Display) {
    anstream::eprintln!("{}", styled(BAD, why));
}
