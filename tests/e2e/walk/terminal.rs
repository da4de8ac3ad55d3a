use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long anything is waited for, in wall time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program on a terminal, and what a person sees there; dropped, it is killed.
pub(super) struct Terminal {
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts it.
    pub(super) fn run(mut command: Command) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("it is ours");
        let name = ptsname(&ours, vec![]).expect("it has a name");
        let no_control = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).expect("a flag");
        let theirs = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(no_control)
            .open(name.to_str().expect("a path"))
            .expect("it opens");
        let end = || theirs.try_clone().expect("a file");
        let child = command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm");
        let child = child.spawn().expect("it is built");
        // With these open, reading would never end.
        drop((command, theirs));
        let seen = Arc::new(Mutex::new(vec![]));
        let reader = std::thread::spawn({
            let seen = seen.clone();
            move || read(File::from(ours), &seen)
        });
        Terminal { child, seen, reader: Some(reader) }
    }

    /// What is seen so far, colours left out.
    pub(super) fn text(&self) -> String {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        plain(&String::from_utf8_lossy(&seen))
    }

    /// Waits until what is seen is as wanted; what is seen then.
    #[track_caller]
    pub(super) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let step = Duration::from_millis(20);
        for _ in 0..PATIENCE.as_millis() / step.as_millis() {
            let text = self.text();
            if is_so(&text) {
                return text;
            }
            std::thread::sleep(step);
        }
        panic!("not in {PATIENCE:?}: {what}; seen is {}", self.text());
    }

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended; how it did, and all that it showed.
    pub(super) fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it has ended");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("it reads to the end");
        }
        (status, self.text())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads until nobody writes any more, which Linux tells by an error.
fn read(mut terminal: File, seen: &Mutex<Vec<u8>>) {
    let mut part = [0; 4_096];
    while let Ok(length) = terminal.read(&mut part)
        && length > 0
    {
        seen.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&part[..length]);
    }
}

/// A text without colours and links, and with the ends of lines as a program writes them.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, code)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = match code.strip_prefix(']') {
            // Up to its end, which is `ESC \`.
            Some(link) => link.split_once("\u{1b}\\").map_or("", |(_, rest)| rest),
            None => code.find(|c: char| c.is_ascii_alphabetic()).map_or("", |end| &code[end + 1..]),
        };
    }
    plain.push_str(rest);
    plain.replace('\r', "")
}

#[test]
fn colours_and_links_are_not_text() {
    let seen = "\u{1b}[1mlocation\u{1b}[0m:\u{1b}]8;;http://x/o?1\u{1b}\\ /o\r\n\u{1b}]8;;\u{1b}\\\u{1b}[2mnext\u{1b}[0m";
    assert_eq!(plain(seen), "location: /o\nnext");
}
