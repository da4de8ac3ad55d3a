//! What it was measured on, so that others can judge the figures.

use crate::clock;
use crate::load::timestamp;
use crate::page::record::Machine;
use crate::server::{Kind, Programs};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// This machine, with state folders in `work`.
pub(crate) fn look(root: &Path, work: &Path) -> Result<Machine, String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let memory: f64 = memory.trim_end_matches(" kB").parse().unwrap_or(0.0);
    let stamp = timestamp(clock::unix());
    Ok(Machine {
        date: format!("{}-{}-{}", &stamp[..4], &stamp[4..6], &stamp[6..8]),
        commit: said(Command::new("git").current_dir(root).args(["rev-parse", "--short", "HEAD"])),
        changed: !said(Command::new("git").current_dir(root).args([
            "status",
            "--porcelain",
            "--",
            "pointsman",
            "router",
            "shared",
            "functions",
            "Cargo.lock",
        ]))
        .is_empty(),
        processor: field(&processors, "model name"),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        memory_gb: (memory * 1024.0 / 1e8).round() / 10.0,
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        filesystem: filesystem(work, &read("/proc/mounts")),
        sync_us: sync_us(work).map_err(|error| format!("{}: {error}", work.display()))?,
        load: read("/proc/loadavg").split(' ').next().and_then(|l| l.parse().ok()).unwrap_or(0.0),
        rustc: said(Command::new("rustc").current_dir(root).arg("--version")),
    })
}

/// A server's version, by its own word.
pub(crate) fn version(kind: Kind, programs: &Programs) -> String {
    let Some(program) = programs.of(kind) else { return String::new() };
    let package = match kind {
        Kind::Pointsman => return said(Command::new(program).arg("--version")),
        Kind::Ministack | Kind::MinistackKept => "ministack",
        Kind::Moto => "moto",
    };
    let ask = format!("import importlib.metadata as m; print(m.version('{package}'))");
    said(Command::new(program.with_file_name("python")).args(["-c", &ask]))
}

fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

/// The kind of the one that a folder is on.
fn filesystem(folder: &Path, mounts: &str) -> String {
    let folder = folder.canonicalize().unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let of = mounts.filter(|(at, _)| folder.starts_with(at));
    of.max_by_key(|(at, _)| at.len()).map(|(_, kind)| kind.to_owned()).unwrap_or_default()
}

/// What it takes to append 4,096 bytes durably, in the median.
fn sync_us(folder: &Path) -> std::io::Result<f64> {
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let mut took = vec![];
    for _ in 0..200 {
        let began = clock::now();
        file.write_all(&[1; 4_096])?;
        file.sync_data()?;
        took.push(began.elapsed().as_secs_f64() * 1e6);
    }
    fs::remove_file(&path)?;
    took.sort_by(f64::total_cmp);
    Ok((took[took.len() / 2]).round())
}
