use super::page::{root, shell};
use super::terminal::Terminal;
use crate::support::{Pointsman, binary, signal, template, up};
use std::cell::Cell;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Whoever reads a page and types what it prints, in the repository's folder, on terminals.
pub(super) struct Stranger {
    engine: Option<Pointsman>,
    /// The second terminal, where `tail` runs.
    tail: Option<Terminal>,
    /// After them, for it is deleted when it is dropped.
    folder: TempDir,
    /// Ids of the order that was placed, and of its request.
    pub(super) order: String,
    pub(super) request: String,
}

impl Stranger {
    pub(super) fn new() -> Stranger {
        let folder = tempfile::tempdir().expect("a folder");
        Stranger { engine: None, tail: None, folder, order: String::new(), request: String::new() }
    }

    /// A path of the folder that ends with the walk.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The system, once it was started.
    pub(super) fn engine(&self) -> Option<&Pointsman> {
        self.engine.as_ref()
    }

    /// `cargo up`, on free ports and with a state folder that ends with the walk.
    pub(super) fn start(&mut self) {
        let state = self.path("state");
        let up = Pointsman::with(&template(), None, &state, [0, 0], |command| {
            command.current_dir(root());
        });
        self.engine = Some(up);
    }

    /// What it printed, as it would on the ports that pages name, from the folder `target`; and it follows what is
    /// saved, which this one does not.
    pub(super) fn printed(&self) -> String {
        let engine = self.engine.as_ref().expect("it runs");
        let plain = engine.printed.replace(&format!(" --endpoint {}", engine.endpoint), "");
        let plain =
            plain.replace(&binary("pointsman").display().to_string(), "target/debug/pointsman");
        plain.replace("ms · ", "ms · follows what is saved · ")
    }

    /// The lines that it printed to be tried, as they are.
    pub(super) fn tries(&self) -> Vec<String> {
        let printed = &self.engine.as_ref().expect("it runs").printed;
        let (_, tries) = printed.split_once("\nTry\n").expect("lines to try");
        tries.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
    }

    /// Opens the second terminal, and waits until it tells what happens.
    pub(super) fn follow(&mut self, command: &str) {
        let tail = self.terminal(command);
        let client = self.engine.as_ref().expect("it runs").client();
        // It says nothing when it begins, so something happens until it tells of it; not so often that it sums up.
        let looks = Cell::new(0);
        tail.until("it tells what happens", |seen| {
            if looks.replace(looks.get() + 1) % 25 == 0 {
                client.publish(&[("test", "Poke", serde_json::json!({}))]);
            }
            seen.contains("Poke")
        });
        self.tail = Some(tail);
    }

    /// The second terminal.
    pub(super) fn tail(&self) -> &Terminal {
        self.tail.as_ref().expect("it was opened")
    }

    /// Takes note of an order, from what `curl -i` showed.
    pub(super) fn placed(&mut self, answer: &str) {
        let header = answer.lines().find_map(|line| line.strip_prefix("apigw-requestid: "));
        self.request = header.expect("a request's id").to_owned();
        let (_, order) = answer.split_once("\"orderId\":\"").expect("an order's id");
        self.order = order.split('"').next().unwrap_or_default().to_owned();
    }

    /// `kill -9`, and `cargo up` again.
    pub(super) fn kill_and_start_again(&mut self) {
        let state = self.path("state");
        let engine = self.engine.as_mut().expect("it runs");
        engine.kill();
        engine.up_again(&state);
        self.tail = None;
    }

    /// A command on a terminal, as it is printed: `cargo` by [`shell`], and verbs find the system by its variable.
    pub(super) fn terminal(&self, command: &str) -> Terminal {
        // What it needs to find functions.
        let mut bash = Command::new("bash");
        for (name, value) in up(&template(), &self.path("state")).get_envs() {
            match value {
                Some(value) => bash.env(name, value),
                None => bash.env_remove(name),
            };
        }
        if let Some(engine) = &self.engine {
            bash.env("AWS_ENDPOINT_URL", &engine.endpoint);
        }
        // The shell makes place for it, so that a signal meets the program.
        bash.arg("-c").arg(format!("exec {}", shell(command))).current_dir(root());
        Terminal::run(bash)
    }

    /// What a command shows that ends by itself, and well.
    #[track_caller]
    pub(super) fn typed(&self, command: &str) -> String {
        let (status, seen) = self.terminal(command).ended();
        assert!(status.success(), "{command}: {status}: {seen}");
        seen
    }

    /// What another `up` shows until it is ready, on free ports and with a state of its own; Ctrl-C ends it.
    pub(super) fn other_system(&self, command: &str) -> String {
        let state = tempfile::tempdir_in(self.folder.path()).expect("a folder");
        let state = state.path().display();
        let free = format!("--state '{state}' --port 0 --http-port 0 --quiet --no-watch");
        let terminal = self.terminal(&format!("{command} {free}"));
        terminal.until("it is ready", |seen| seen.contains("\nready in "));
        signal(terminal.id(), rustix::process::Signal::INT);
        let (status, seen) = terminal.ended();
        assert!(status.success(), "{command}: {status}: {seen}");
        seen
    }

    /// A moment, for what comes by itself.
    pub(super) fn wait(&self) {
        std::thread::sleep(Duration::from_millis(50));
    }
}
