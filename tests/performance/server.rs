//! The servers that are measured, each as a process on a free port of loopback with its state in a folder of its own.

use crate::load::Client;
use crate::{clock, proc};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pointsman,
    Ministack,
    /// The same with all persistence that it has.
    MinistackKept,
    Moto,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Pointsman => "pointsman",
            Kind::Ministack => "ministack",
            Kind::MinistackKept => "ministack, PERSIST_STATE=1",
            Kind::Moto => "moto",
        }
    }

    /// The settings that matter here, for the page.
    pub(crate) fn settings(self) -> &'static str {
        match self {
            Kind::Pointsman => {
                "as it is: a request is answered when its facts are synced to the disk (fdatasync)"
            }
            Kind::Ministack => "persistence off, as it is by default; LOG_LEVEL=WARNING",
            Kind::MinistackKept => {
                "PERSIST_STATE=1, which writes when it is ended by a signal it can catch"
            }
            Kind::Moto => "as it is: memory alone; it has no persistence",
        }
    }
}

/// Where the programs are.
pub(crate) struct Programs {
    pub(crate) pointsman: PathBuf,
    pub(crate) ministack: Option<PathBuf>,
    pub(crate) moto: Option<PathBuf>,
    /// The repository.
    pub(crate) root: PathBuf,
    /// Where the functions' binaries are.
    pub(crate) functions: PathBuf,
}

impl Programs {
    pub(crate) fn of(&self, kind: Kind) -> Option<&Path> {
        match kind {
            Kind::Pointsman => Some(&self.pointsman),
            Kind::Ministack | Kind::MinistackKept => self.ministack.as_deref(),
            Kind::Moto => self.moto.as_deref(),
        }
    }
}

/// One that runs. Dropped, it is killed with all that it started.
pub(crate) struct Server {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
    /// From its start as a process to the first request that it answered.
    pub(crate) started: Duration,
}

impl Server {
    /// Starts one with its state in `folder`; `extra` are more arguments and `template` is what the engine runs.
    pub(crate) fn start(
        programs: &Programs,
        kind: Kind,
        folder: &Path,
        template: &str,
        extra: &[String],
    ) -> Result<Server, String> {
        let program = programs.of(kind).ok_or_else(|| format!("{} is not here", kind.name()))?;
        let port = free_port()?;
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", folder).env("TMPDIR", folder).current_dir(folder);
        match kind {
            Kind::Pointsman => engine(&mut command, programs, folder, template, port),
            Kind::Ministack | Kind::MinistackKept => {
                ministack(&mut command, folder, port, kind == Kind::MinistackKept);
            }
            Kind::Moto => {
                command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            }
        }
        let log = folder.join("log");
        let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let copy = file.try_clone().map_err(|error| error.to_string())?;
        command.args(extra).stdin(Stdio::null()).stdout(file).stderr(copy);
        let began = clock::now();
        let child = command.spawn();
        let child = child.map_err(|error| format!("{}: {error}", program.display()))?;
        let mut server = Server { child, address, started: Duration::ZERO };
        let mut client = Client::new(&server.address, PATIENCE);
        while let Err(why) = client.json("AmazonSQS.ListQueues", &json!({})) {
            let ended = server.child.try_wait().map_err(|error| error.to_string())?;
            if ended.is_some() || began.elapsed() > PATIENCE {
                let said = fs::read_to_string(&log).unwrap_or_default();
                let tail = said.len().saturating_sub(2_000);
                let tail = said.get(tail..).unwrap_or_default();
                return Err(format!("{} does not answer: {why}\n{tail}", kind.name()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        server.started = began.elapsed();
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9` of it and of all that it started.
    pub(crate) fn kill(&mut self) {
        // Oldest first: what is still to be started never is.
        for pid in proc::tree(self.child.id()) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.kill();
        }
    }
}

fn engine(command: &mut Command, programs: &Programs, folder: &Path, template: &str, port: u16) {
    let template = programs.root.join("tests/templates").join(template);
    command.arg("up").arg("--template").arg(template).arg("--state").arg(folder.join("state"));
    command.arg("--functions").arg(&programs.functions);
    command.args(["--port", &port.to_string(), "--http-port", "0", "--quiet", "--no-watch"]);
}

fn ministack(command: &mut Command, folder: &Path, port: u16, keeps: bool) {
    let state = folder.join("state");
    command.env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1");
    command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"));
    command.env("STATE_DIR", &state).env("S3_DATA_DIR", folder.join("s3"));
    command.env("LOG_LEVEL", "WARNING").env("LAMBDA_EXECUTOR", "local");
    command.env("DOCKER_HOST", "unix:///nowhere").env("IOT_MTLS_ENABLED", "0");
    command.env("SFTP_ENABLED", "0");
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env(name, "test");
    }
    command.env("AWS_DEFAULT_REGION", "us-east-1");
    if keeps {
        command.env("PERSIST_STATE", "1");
    }
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}
