//! What Linux tells of processes: CPU and memory of one and of all that it started.

use std::collections::BTreeMap;
use std::fs;

/// A kernel's tick in the files read here, whatever its own: 1/100 s.
const TICK: f64 = 0.01;

/// Seconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cpu {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl Cpu {
    pub(crate) fn since(self, earlier: Cpu) -> Cpu {
        Cpu { user: self.user - earlier.user, system: self.system - earlier.system }
    }

    pub(crate) fn total(self) -> f64 {
        self.user + self.system
    }
}

/// A process and what it started, itself first.
///
/// Of 0, which is none, nothing, rather than every process of the machine.
pub(crate) fn tree(pid: u32) -> Vec<u32> {
    if pid == 0 {
        return vec![];
    }
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    for child in all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        let parent = stat(child).and_then(|fields| fields.get(1)?.parse::<u32>().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(child);
        }
    }
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(next) = found.get(at) {
        found.extend(children.remove(next).unwrap_or_default());
        at += 1;
    }
    found
}

/// What a tree of processes has used so far, with those of it that have ended.
pub(crate) fn cpu(pid: u32) -> Cpu {
    let all = tree(pid).into_iter().map(|pid| used(pid, &[11, 13], &[12, 14]));
    all.fold(Cpu::default(), |a, b| Cpu { user: a.user + b.user, system: a.system + b.system })
}

/// The same of this process alone, whatever it started.
pub(crate) fn own_cpu() -> Cpu {
    used(std::process::id(), &[11], &[12])
}

/// The sums of fields of [`stat`].
fn used(pid: u32, user: &[usize], system: &[usize]) -> Cpu {
    let fields = stat(pid).unwrap_or_default();
    let ticks = |at: &usize| fields.get(*at)?.parse::<f64>().ok();
    let sum = |all: &[usize]| all.iter().filter_map(ticks).sum::<f64>() * TICK;
    Cpu { user: sum(user), system: sum(system) }
}

/// Milliseconds of CPU that the living threads of one process have used, to the nanosecond.
pub(crate) fn exact_cpu_ms(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let used = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    used.sum::<f64>() / 1e6
}

/// Megabytes (of 10⁶ bytes) of memory that a tree of processes holds; what two of them share counts twice.
pub(crate) fn resident(pid: u32) -> f64 {
    tree(pid).into_iter().map(resident_alone).sum()
}

/// The same of one process.
pub(crate) fn resident_alone(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.unwrap_or(0.0) * 1024.0 / 1e6
}

/// The fields of `/proc/PID/stat` behind the name, which may hold anything: the state is 0, the parent 1.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}
