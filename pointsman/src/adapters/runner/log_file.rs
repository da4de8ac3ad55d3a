//! What functions wrote, kept beyond the engine's end: two files of lines, of which the older one goes.

use super::logs::LogLine;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes of one of the two files: 4 MiB.
const LARGEST: u64 = 4 << 20;

const OLDER: &str = "older.jsonl";
const NEWER: &str = "newer.jsonl";

/// Lines that wait for the disk at most; what comes on top is not kept.
const WAITING: usize = 8_192;

/// Lines written at once at most.
const AT_ONCE: usize = 1_024;

/// Keeps lines, by a thread of its own: no invocation waits for it, and if the disk fails they are merely not kept.
#[derive(Clone)]
pub(super) struct LogFile(SyncSender<Arc<LogLine>>);

impl LogFile {
    /// Goes on behind what earlier starts have left in the folder; those lines are told when they are read, which
    /// nothing waits for.
    pub(super) fn open(
        folder: &Path,
        tell: impl FnOnce(Vec<LogLine>) + Send + 'static,
    ) -> io::Result<LogFile> {
        fs::create_dir_all(folder)?;
        let folder = folder.to_owned();
        let (sender, lines) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("pointsman-logs".into());
        thread.spawn(move || {
            tell(left(&folder));
            // Lines are a help, not state: without a disk that takes them they are merely gone.
            drop(Writer::open(&folder).and_then(|mut writer| writer.run(&lines)));
        })?;
        Ok(LogFile(sender))
    }

    pub(super) fn keep(&self, line: Arc<LogLine>) {
        // One too many is not kept.
        let _ = self.0.try_send(line);
    }
}

/// What is kept in a folder, oldest first.
fn left(folder: &Path) -> Vec<LogLine> {
    let files = [OLDER, NEWER].into_iter().filter_map(|name| File::open(folder.join(name)).ok());
    let lines = files.flat_map(|file| BufReader::new(file).lines().map_while(Result::ok));
    // A crash may have torn the last one.
    lines.filter_map(|line| serde_json::from_str(&line).ok()).collect()
}

struct Writer {
    old: PathBuf,
    new: PathBuf,
    out: File,
    size: u64,
}

impl Writer {
    fn open(folder: &Path) -> io::Result<Writer> {
        let (old, new) = (folder.join(OLDER), folder.join(NEWER));
        let out = File::options().create(true).append(true).open(&new)?;
        let size = out.metadata()?.len();
        let mut writer = Writer { old, new, out, size };
        // What is left of a torn line is a line of its own.
        writer.append(b"\n")?;
        Ok(writer)
    }

    /// Until nobody is there to send lines.
    fn run(&mut self, lines: &Receiver<Arc<LogLine>>) -> io::Result<()> {
        while let Ok(first) = lines.recv() {
            let mut text = vec![];
            for line in std::iter::once(first).chain(lines.try_iter()).take(AT_ONCE) {
                serde_json::to_writer(&mut text, &*line)?;
                text.push(b'\n');
            }
            self.append(&text)?;
        }
        Ok(())
    }

    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        if self.size > LARGEST {
            fs::rename(&self.new, &self.old)?;
            self.out = File::options().create(true).append(true).open(&self.new)?;
            self.size = 0;
        }
        self.out.write_all(text)?;
        self.size += text.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::logs::Said;
    use super::*;
    use crate::clock::Time;
    use crate::engine::Id;
    use std::time::Duration;

    fn line(n: i64, said: Said) -> LogLine {
        LogLine {
            at: Time(n),
            function: "echo".into(),
            environment: 1,
            request: Some(Id(u128::MAX)),
            said,
        }
    }

    /// What is left in the folder, once it is as wanted.
    fn kept(folder: &Path, wanted: impl Fn(&[LogLine]) -> bool) -> Vec<LogLine> {
        for _ in 0..1_000 {
            let lines = left(folder);
            if wanted(&lines) {
                return lines;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the lines are not kept");
    }

    #[test]
    fn lines_outlive_their_engine_and_a_torn_one_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let report = Said::Report {
            duration: Duration::from_micros(1_234),
            memory: 128,
            peak: None,
            init: None,
            status: Some("error".into()),
        };
        let lines = [line(1, Said::Out("grün".into())), line(2, Said::Start), line(3, report)];
        let file = LogFile::open(folder.path(), |lines| assert_eq!(lines, [])).unwrap();
        lines.iter().for_each(|line| file.keep(Arc::new(line.clone())));
        drop(file);
        assert_eq!(kept(folder.path(), |kept| kept.len() == 3), lines);

        let mut torn = File::options().append(true).open(folder.path().join(NEWER)).unwrap();
        torn.write_all(b"{\"at\":4,\"function\":\"ec").unwrap();
        let file = LogFile::open(folder.path(), |_| {}).unwrap();
        file.keep(Arc::new(line(5, Said::End)));
        drop(file);
        assert_eq!(kept(folder.path(), |kept| kept.len() == 4)[3].at, Time(5));
    }

    #[test]
    fn no_more_is_kept_than_two_files_hold() {
        let folder = tempfile::tempdir().unwrap();
        let text = "x".repeat(1 << 20);
        for n in 0..12 {
            let file = LogFile::open(folder.path(), |_| {}).unwrap();
            file.keep(Arc::new(line(n, Said::Out(text.clone()))));
            drop(file);
            kept(folder.path(), |kept| kept.last().is_some_and(|line| line.at == Time(n)));
        }
        let sizes = fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().len());
        let sizes: Vec<u64> = sizes.collect();
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|size| *size < LARGEST + (2 << 20)), "{sizes:?}");
    }
}
