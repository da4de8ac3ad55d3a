//! The page's measured parts, made from the figures that are kept beside it.
//!
//! `docs/performance.md` is written by hand but for what stands between `<!-- measured: NAME -->` and `<!-- end -->`,
//! which is written here; `performance.svg` is written as a whole. A conformance test holds both to the figures.

mod functions;
mod goals;
mod plot;
pub(crate) mod record;
pub(crate) mod tables;

pub(crate) use functions::{BARE, SHOP};

use record::{ColdStarts, Record};
use serde::de::DeserializeOwned;
use std::path::Path;

const BEGIN: &str = "<!-- measured: ";
const END: &str = "<!-- end -->";

/// The page and its plot as they ought to be, by file, from what lies in `docs`.
pub(crate) fn made(docs: &Path) -> Result<[(&'static str, String); 2], String> {
    let record: Record = read(docs, "performance.json")?;
    let starts: ColdStarts = read(docs, "coldstart.json")?;
    let page = docs.join("performance.md");
    let page = std::fs::read_to_string(&page).map_err(|e| format!("{}: {e}", page.display()))?;
    let page = filled(&page, |name| match name {
        "machine" => Some(tables::machine(&record.machine, &record.settings.note)),
        "servers" => Some(tables::servers(&record)),
        "goals" => Some(goals::table(&record, &starts)),
        "throughput" => Some(tables::throughput(&record)),
        "latency" => Some(tables::latency(&record)),
        "resources" => Some(tables::resources(&record)),
        "kill" => Some(tables::kill(&record)),
        "load" => Some(tables::load(&record)),
        "functions" => Some(functions::table(&starts)),
        "functions' machine" => Some(tables::machine(&starts.machine, &starts.note)),
        _ => None,
    })?;
    Ok([("performance.md", page), ("performance.svg", plot::svg(&record))])
}

fn read<T: DeserializeOwned>(docs: &Path, name: &str) -> Result<T, String> {
    let text = std::fs::read_to_string(docs.join(name)).map_err(|e| format!("{name}: {e}"))?;
    serde_json::from_str(&text).map_err(|e| format!("{name}: {e}"))
}

/// The page with what stands between the marks replaced.
pub(crate) fn filled(page: &str, part: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(" -->\n").ok_or("a mark is not closed")?;
        let (_, after) = after.split_once(END).ok_or_else(|| format!("{name} has no end"))?;
        let part = part(name).ok_or_else(|| format!("nothing measured is called {name}"))?;
        filled += &format!("{before}{BEGIN}{name} -->\n{part}{END}");
        rest = after;
    }
    Ok(filled + rest)
}
