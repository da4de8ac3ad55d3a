//! The one file of platform calls: processes, as Linux and macOS have them.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Asks every process of a group to end.
pub(crate) fn terminate_group(leader: u32) {
    signal_group(leader, Signal::TERM);
}

/// Ends a process; it cannot object.
pub(crate) fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw) {
        // One that has ended already needs no signal.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Ends every process of a group; none can object.
pub(crate) fn kill_group(leader: u32) {
    signal_group(leader, Signal::KILL);
}

fn signal_group(leader: u32, signal: Signal) {
    let leader = i32::try_from(leader).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw);
    if let Some(leader) = leader {
        // A group that has ended already needs no signal.
        let _ = kill_process_group(leader, signal);
    }
}

/// When a living process started, as a text that is good for comparing only: a later process that is given the same
/// number has another one. `None` if there is no such process, or it has ended and only waits to be collected.
#[cfg(target_os = "linux")]
pub(crate) fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may itself hold spaces and parentheses.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    // Field 22 of the whole line counts clock ticks since the machine started.
    let ticks = fields.nth(18)?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(format!("{} {ticks}", boot.trim()))
}

/// When a living process started, as a text that is good for comparing only: a later process that is given the same
/// number has another one. `None` if there is no such process, or it has ended and only waits to be collected.
#[cfg(not(target_os = "linux"))]
pub(crate) fn started(pid: u32) -> Option<String> {
    let ps = std::process::Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let line = String::from_utf8(ps.stdout).ok()?;
    let (state, started) = line.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| started.trim().to_owned())
}

/// The most memory a process ever had in use, in MB rounded up.
#[cfg(target_os = "linux")]
pub(crate) fn peak_memory(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes.div_ceil(1024))
}

/// The most memory a process ever had in use: not known cheaply on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn peak_memory(_pid: u32) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_a_start_and_keeps_it() {
        let me = std::process::id();
        assert!(started(me).is_some());
        assert_eq!(started(me), started(me));
        assert_eq!(started(u32::MAX - 1), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_uses_memory() {
        assert!(peak_memory(std::process::id()).is_some_and(|mb| mb > 0));
    }
}
