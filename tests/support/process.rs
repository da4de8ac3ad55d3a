use super::Client;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// An engine as a process of its own: `pointsman up`.
///
/// Dropping it kills it and every function that it left behind.
pub(crate) struct Pointsman {
    child: Child,
    template: PathBuf,
    functions: Option<PathBuf>,
    /// What it printed until it was ready.
    pub(crate) printed: String,
    pub(crate) endpoint: String,
    /// Empty where the template has no HTTP API.
    pub(crate) http: String,
}

impl Pointsman {
    /// `pointsman up` of the shop with its state in `state`, on ports that are free.
    ///
    /// # Panics
    /// If it ends before it is ready, with what it said.
    pub(crate) fn up(state: &Path) -> Pointsman {
        Pointsman::of(&template(), None, state, [0, 0])
    }

    /// The same of another template, with its functions from this folder, on these ports.
    pub(crate) fn of(
        template: &Path,
        functions: Option<&Path>,
        state: &Path,
        ports: [u16; 2],
    ) -> Pointsman {
        Pointsman::with(template, functions, state, ports, |_| {})
    }

    /// The same, started as `changed` says.
    pub(crate) fn with(
        template: &Path,
        functions: Option<&Path>,
        state: &Path,
        [aws, http]: [u16; 2],
        changed: impl FnOnce(&mut Command),
    ) -> Pointsman {
        let mut command = up(template, state);
        // Whatever is built meanwhile is not the test's.
        command.args(["--quiet", "--no-watch"]);
        changed(&mut command);
        if let Some(folder) = functions {
            command.arg("--functions").arg(folder);
        }
        command.args(["--port", &aws.to_string(), "--http-port", &http.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("pointsman is built");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut printed = String::new();
        while !printed.contains("\nready in ") {
            if out.read_line(&mut printed).expect("it prints text") == 0 {
                let ended = child.wait().expect("it has ended");
                panic!("pointsman up ended ({ended}) before it was ready: {printed}");
            }
        }
        // The pipe stays open as long as the process: what it still prints must not end it.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let url = |heading: &str| {
            let line = printed.lines().find_map(|line| line.strip_prefix(heading));
            line.unwrap_or_default().trim().to_owned()
        };
        let (endpoint, http) = (url("AWS "), url("HTTP "));
        let (template, functions) = (template.to_owned(), functions.map(Path::to_owned));
        Pointsman { child, template, functions, printed, endpoint, http }
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.http, &self.endpoint)
    }

    /// `kill -9` of the engine alone: functions are left behind.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// Starts it again on the same ports, after [`Pointsman::kill`]: what it left behind is the new one's to end.
    pub(crate) fn up_again(&mut self, state: &Path) {
        let port = |url: &str| url.rsplit(':').next().and_then(|port| port.parse().ok());
        // An engine without an HTTP API has had a port for none.
        let ports = [&self.endpoint, &self.http].map(|url| port(url).unwrap_or(0));
        let next = Pointsman::of(&self.template, self.functions.as_deref(), state, ports);
        let killed = std::mem::replace(self, next);
        std::mem::forget(killed);
    }

    /// Ctrl-C: waits until it has ended.
    pub(crate) fn interrupt(&mut self) -> ExitStatus {
        signal(self.child.id(), Signal::INT);
        self.child.wait().expect("it has ended")
    }
}

impl Drop for Pointsman {
    fn drop(&mut self) {
        // All of it may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        functions_of(&self.endpoint).into_iter().for_each(|f| signal(f.pid, Signal::KILL));
    }
}

/// `pointsman up` with the functions that lie beside the tests, or where `POINTSMAN_FUNCTIONS` says.
pub(crate) fn up(template: &Path, state: &Path) -> Command {
    let mut command = Command::new(binary("pointsman"));
    command.arg("up").arg("--template").arg(template).arg("--state").arg(state);
    if std::env::var_os("POINTSMAN_FUNCTIONS").is_none() {
        command.env("POINTSMAN_FUNCTIONS", binaries());
    }
    command.env_remove("AWS_REGION");
    command
}

/// The shop's template.
pub(crate) fn template() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml")
}

/// Where Cargo puts the workspace's binaries: beside the tests' own folder.
fn binaries() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.ancestors().nth(2).expect("target/PROFILE/deps/TEST").to_owned()
}

/// A binary of the workspace.
///
/// # Panics
/// If it is not built. `cargo test` of the whole workspace builds it, since its own package has integration tests.
pub(crate) fn binary(name: &str) -> PathBuf {
    let path = binaries().join(name);
    assert!(path.is_file(), "{} is missing: cargo build --workspace --bins", path.display());
    path
}

/// A process that runs a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) pid: u32,
    pub(crate) name: String,
}

/// The function processes of the engine at `endpoint`, also those that it does not know.
pub(crate) fn functions_of(endpoint: &str) -> Vec<Function> {
    let mut found = vec![];
    for pid in processes() {
        let environment = match cfg!(target_os = "linux") {
            // One that has ended and waits to be collected has none any more.
            true => std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default(),
            false => ps(&["-wwE", "-o", "command=", "-p", &pid.to_string()]),
        };
        let environment = String::from_utf8_lossy(&environment);
        let variable = |name: &str| {
            let mut all = environment.split(['\0', ' ']).filter_map(|v| v.split_once('='));
            all.find(|(n, _)| *n == name).map(|(_, value)| value.to_owned())
        };
        if variable("AWS_ENDPOINT_URL").as_deref() == Some(endpoint)
            && let Some(name) = variable("AWS_LAMBDA_FUNCTION_NAME")
        {
            found.push(Function { pid, name });
        }
    }
    found
}

/// All processes.
fn processes() -> Vec<u32> {
    match std::fs::read_dir("/proc") {
        Ok(entries) => {
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            names.filter_map(|name| name.parse().ok()).collect()
        }
        Err(_) => {
            let all = ps(&["-ax", "-o", "pid="]);
            String::from_utf8_lossy(&all)
                .split_whitespace()
                .filter_map(|p| p.parse().ok())
                .collect()
        }
    }
}

/// Sends a signal; a process that has ended gets none.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

fn ps(arguments: &[&str]) -> Vec<u8> {
    Command::new("ps").args(arguments).output().map(|output| output.stdout).unwrap_or_default()
}
