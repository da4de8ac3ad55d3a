use super::lease::Lease;
use crate::platform;
use async_trait::async_trait;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::process::{Child, Command};

/// Starts processes: the engine's own, those of `cargo lambda watch`, or a test's.
#[async_trait]
pub trait Spawner: Send + Sync + 'static {
    /// Starts one.
    ///
    /// # Errors
    /// Why it could not be started: there is no such file, it is not executable, it is for another processor.
    fn spawn(&self, start: Start) -> io::Result<Box<dyn Process>>;

    /// What its processes bear.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Brings up what it needs itself, for functions that call AWS at `endpoint`; the number of its process, if it has
    /// one, which leads a group.
    ///
    /// # Errors
    /// One line that says what is missing, or why it does not start.
    async fn begin(&self, _endpoint: &str) -> io::Result<Option<u32>> {
        Ok(None)
    }

    /// Ends what it brought up.
    async fn end(&self) {}

    /// What somebody else's process that runs this binary has to know, once there is work for it; `None` if all
    /// processes are its own.
    fn lend(&self, _binary: &str) -> Option<Pin<Box<dyn Future<Output = Lease> + Send>>> {
        None
    }
}

/// What the processes of a [`Spawner`] bear.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Environments of one function at most; further invocations wait for one.
    pub environments: usize,
    /// An environment without work for so long ends.
    pub idle: Duration,
    /// How long a process may take until it asks for work.
    pub init: Duration,
}

impl Default for Limits {
    /// Idle ones end after five minutes; at most 64 environments a function; ten seconds to begin, as in Lambda.
    fn default() -> Self {
        let (idle, init) = (Duration::from_secs(300), Duration::from_secs(10));
        Limits { environments: 64, idle, init }
    }
}

/// What a process starts with.
#[derive(Clone, Debug)]
pub struct Start {
    /// The executable.
    pub program: PathBuf,
    /// Its working directory.
    pub directory: PathBuf,
    /// Its whole environment: nothing is inherited.
    pub environment: Vec<(String, String)>,
}

/// What a process writes to.
pub type Output = Box<dyn AsyncRead + Send + Unpin>;

/// A started process, leader of its own process group.
#[async_trait]
pub trait Process: Send {
    /// Its number; `None` for a test's.
    fn pid(&self) -> Option<u32>;

    /// What it writes to standard output and standard error. Asked once.
    fn output(&mut self) -> (Output, Output);

    /// Asks it and everything it started to end.
    fn terminate(&mut self);

    /// Ends it and everything it started.
    fn kill(&mut self);

    /// Waits until it has ended. May be dropped and called again.
    async fn wait(&mut self) -> Exit;
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

/// Starts real processes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessSpawner;

impl Spawner for ProcessSpawner {
    fn spawn(&self, start: Start) -> io::Result<Box<dyn Process>> {
        let child = Command::new(start.program)
            .current_dir(start.directory)
            .env_clear()
            .envs(start.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let pid = child.id();
        Ok(Box::new(RealProcess { child, pid, ended: None }))
    }
}

struct RealProcess {
    child: Child,
    pid: Option<u32>,
    ended: Option<Exit>,
}

#[async_trait]
impl Process for RealProcess {
    fn pid(&self) -> Option<u32> {
        self.pid
    }

    fn output(&mut self) -> (Output, Output) {
        let out = self.child.stdout.take().map(|pipe| Box::new(pipe) as Output);
        let err = self.child.stderr.take().map(|pipe| Box::new(pipe) as Output);
        let nothing = || Box::new(tokio::io::empty()) as Output;
        (out.unwrap_or_else(nothing), err.unwrap_or_else(nothing))
    }

    fn terminate(&mut self) {
        if let (Some(pid), None) = (self.pid, self.ended) {
            platform::terminate_group(pid);
        }
    }

    fn kill(&mut self) {
        if let (Some(pid), None) = (self.pid, self.ended) {
            platform::kill_group(pid);
        }
    }

    async fn wait(&mut self) -> Exit {
        use std::os::unix::process::ExitStatusExt;
        if let Some(ended) = self.ended {
            return ended;
        }
        let exit = match self.child.wait().await {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => Exit::Status(code),
                (None, signal) => Exit::Signal(signal.unwrap_or(0)),
            },
            // Somebody else has collected it: it has ended all the same.
            Err(_) => Exit::Status(0),
        };
        // What it started does not outlive it.
        self.kill();
        self.ended = Some(exit);
        exit
    }
}
