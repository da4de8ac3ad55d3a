//! Functions run by `cargo lambda watch` instead of by the engine's own processes.
//!
//! To the runner it is one more [`Spawner`]: what it spawns is a [`Bridge`](bridge::Bridge), which asks the engine's
//! Runtime API for work as a function would, and hands it to the Invoke API of `cargo lambda watch`. The function's own
//! process, which that starts and builds anew, takes its variables from the engine, by a [`Lease`] of the bridge's: so it
//! has the access key that its invocations are known by, and ends when the bridge does.

mod bridge;
mod http;
mod seat;

use self::bridge::Bridge;
use self::seat::Seats;
use super::lease::{Lease, RUNTIME_API};
use super::spawner::{Limits, Process, Spawner, Start};
use crate::clock;
use crate::platform;
use async_trait::async_trait;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::process::{Child, Command};

/// How long `cargo lambda watch` may take until it listens.
const START: Duration = Duration::from_secs(20);

/// How long it may take to end what it runs, once asked.
const GRACE: Duration = Duration::from_secs(3);

/// How long an environment may wait for a function that is being built anew.
const BUILD: Duration = Duration::from_secs(900);

/// `cargo lambda watch` for the functions of one workspace.
pub struct CargoLambda {
    command: Mutex<Option<std::process::Command>>,
    address: SocketAddr,
    seats: Seats,
    child: Mutex<Option<Child>>,
}

impl CargoLambda {
    /// Will run `command`, a `cargo lambda watch` without its address, when the runner begins. `runner` is the program,
    /// with its arguments, that Cargo is to run a function's binary with: one that takes a [`Lease`] for it.
    ///
    /// # Errors
    /// cargo-lambda is not installed, or there is no free port.
    pub fn new(mut command: std::process::Command, runner: &[String]) -> io::Result<CargoLambda> {
        let asked = std::process::Command::new(command.get_program()).arg("--version").output();
        if asked.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Err(io::Error::new(io::ErrorKind::NotFound, MISSING));
        }
        // Where `cargo lambda invoke` looks for it, or else anywhere. Between here and its start somebody else may take
        // the port; then it says so and ends.
        let free = TcpListener::bind((Ipv6Addr::LOCALHOST, 9000))
            .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = free.local_addr()?;
        command.args(["--invoke-address", &address.ip().to_string()]);
        command.args(["--invoke-port", &address.port().to_string()]);
        let runner: Vec<String> = runner.iter().map(|word| format!("{word:?}")).collect();
        command.args(["--config", &format!("target.'cfg(all())'.runner=[{}]", runner.join(","))]);
        Ok(CargoLambda {
            command: Mutex::new(Some(command)),
            address,
            seats: Seats::default(),
            child: Mutex::default(),
        })
    }

    /// Where its Invoke API listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

#[async_trait]
impl Spawner for CargoLambda {
    fn spawn(&self, start: Start) -> io::Result<Box<dyn Process>> {
        let binary = start.program.file_name().and_then(|name| name.to_str());
        let binary = binary.ok_or_else(|| io::Error::other("its binary has no name"))?.to_owned();
        let api = start.environment.iter().find(|(name, _)| name == RUNTIME_API);
        let api = api.map(|(_, url)| url.clone()).unwrap_or_default();
        let (seat, is_first) = self.seats.offer(&binary, start.environment);
        Ok(Box::new(Bridge::begin(seat, is_first, api, self.address, binary)))
    }

    /// One of each function, for that is what `cargo lambda watch` runs. It stays as long as the engine, since the
    /// process behind it does.
    fn limits(&self) -> Limits {
        Limits { environments: 1, idle: Duration::from_secs(u64::from(u32::MAX)), init: BUILD }
    }

    async fn begin(&self, endpoint: &str) -> io::Result<Option<u32>> {
        let command = self.command.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut command) = command else { return Ok(None) };
        command.env("AWS_ENDPOINT_URL", endpoint).stdin(Stdio::null());
        let mut command = Command::from(command);
        let mut child = command.process_group(0).spawn().map_err(|error| {
            io::Error::other(format!("cargo-lambda could not be started: {error}"))
        })?;
        let pid = child.id();
        let too_late = clock::sleep(START);
        tokio::pin!(too_late);
        loop {
            if tokio::net::TcpStream::connect(self.address).await.is_ok() {
                break;
            }
            tokio::select! {
                ended = child.wait() => {
                    let how = ended.map_or_else(|error| error.to_string(), |s| s.to_string());
                    return Err(io::Error::other(format!("cargo lambda watch ended: {how}")));
                }
                () = &mut too_late => {
                    pid.inspect(|pid| platform::kill_group(*pid));
                    let text = format!("cargo lambda watch does not listen at {}", self.address);
                    return Err(io::Error::new(io::ErrorKind::TimedOut, text));
                }
                () = clock::sleep(Duration::from_millis(20)) => {}
            }
        }
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        Ok(pid)
    }

    async fn end(&self) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((mut child, pid)) = child.and_then(|child| child.id().map(|pid| (child, pid)))
        else {
            return;
        };
        platform::terminate_group(pid);
        tokio::select! {
            _ = child.wait() => {}
            () = clock::sleep(GRACE) => {}
        }
        // What it has not ended by itself.
        platform::kill_group(pid);
        let _ = child.wait().await;
    }

    fn lend(&self, binary: &str) -> Option<Pin<Box<dyn Future<Output = Lease> + Send>>> {
        Some(self.seats.take(binary))
    }
}

const MISSING: &str = "cargo-lambda is not installed: pip install cargo-lambda, brew install cargo-lambda, or see \
                       https://www.cargo-lambda.info/guide/installation.html";
