//! Function processes that outlived the engine that had started them.

use crate::platform;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a killed process may take to be gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// One small file per process: its name is the number, its text when the process started, so that another process
/// that was given the number later is left alone.
#[derive(Clone, Debug)]
pub(super) struct Leftovers {
    folder: PathBuf,
}

impl Leftovers {
    /// Ends what an earlier epoch left running, and remembers new processes in the same folder from now on.
    pub(super) async fn end(state_dir: &Path) -> io::Result<Leftovers> {
        let folder = state_dir.join("processes");
        fs::create_dir_all(&folder)?;
        let mut ending = vec![];
        for file in fs::read_dir(&folder)? {
            let path = file?.path();
            let pid = path.file_name().and_then(|name| name.to_str()).and_then(|n| n.parse().ok());
            if let Some(pid) = pid {
                let started = fs::read_to_string(&path)?;
                // All of them first, so that they end beside each other.
                if platform::started(pid).as_deref() == Some(&started) {
                    platform::kill_group(pid);
                }
                ending.push((pid, started));
            }
        }
        for (pid, started) in ending {
            end_one(pid, &started).await?;
        }
        for file in fs::read_dir(&folder)? {
            fs::remove_file(file?.path())?;
        }
        Ok(Leftovers { folder })
    }

    /// A process has started.
    pub(super) fn note(&self, pid: u32) -> io::Result<()> {
        match platform::started(pid) {
            Some(started) => fs::write(self.folder.join(pid.to_string()), started),
            // It has ended already.
            None => Ok(()),
        }
    }

    /// A process has ended.
    pub(super) fn forget(&self, pid: u32) {
        // The file is missing where the process ended before it was noted.
        let _ = fs::remove_file(self.folder.join(pid.to_string()));
    }
}

async fn end_one(pid: u32, started: &str) -> io::Result<()> {
    let step = Duration::from_millis(2);
    let mut waited = Duration::ZERO;
    while platform::started(pid).as_deref() == Some(started) {
        platform::kill_group(pid);
        if waited >= PATIENCE {
            let text = format!("process {pid} of an earlier start does not end");
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        crate::clock::sleep(step).await;
        waited += step;
    }
    Ok(())
}
