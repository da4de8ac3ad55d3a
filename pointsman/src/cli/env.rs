use super::Failure;
use super::client::At;
use crate::platform;
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long to wait before an engine is asked again, or a function that ended is started again.
const PAUSE: Duration = Duration::from_millis(250);

/// The process that began it all, told on from one start to the next: when it is gone, nobody is left to end this one.
const PARENT: &str = "POINTSMAN_ENV_PARENT";

/// Print the environment variables of a function, or run a program with them
///
/// With them, a function that was started by hand, in a debugger say, calls the running engine as itself.
///
/// It is also what Cargo runs functions with under `cargo lambda watch` (--config target.'cfg(all())'.runner): then the
/// function is started again when it ends, or when the engine wants another one.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Env {
    /// The function, by its own name or its binary's; without it, the file name of the program
    name: Option<String>,
    /// How variables are printed
    #[arg(long, value_enum, default_value_t = Format::Dotenv)]
    format: Format,
    #[command(flatten)]
    at: At,
    /// A program and its arguments
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  pointsman env order-view > .env
  pointsman env order-view --format shell
  pointsman env order-view -- lldb target/debug/order-view";

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// NAME=VALUE, as files for IDEs, Docker and --env-file have it
    Dotenv,
    /// export NAME='VALUE'
    Shell,
}

type Variables = BTreeMap<String, String>;

impl Env {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Some((program, arguments)) = self.program.split_first() else {
            let name = self.name.as_deref().ok_or("name a function, or a program after --")?;
            let variables: Variables = self.at.get(&path(name))?;
            let lines = variables.iter().map(|(name, value)| self.format.line(name, value));
            // Whoever reads it may have read enough.
            let _ = std::io::stdout().write_all(lines.collect::<String>().as_bytes());
            return Ok(ExitCode::SUCCESS);
        };
        let file = Path::new(program).file_name().and_then(|name| name.to_str());
        let name = self.name.as_deref().or(file).ok_or("name the function")?;
        let mut command = Command::new(program);
        command.args(arguments);
        if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
            return self.serve(name, command);
        }
        let variables: Variables = self.at.get(&path(name))?;
        Err(format!("{program}: {}", command.envs(variables).exec()))
    }

    /// Runs a function for as long as the engine lends its variables, then everything once more.
    fn serve(&self, name: &str, mut command: Command) -> Result<ExitCode, Failure> {
        if is_alone() {
            return Ok(ExitCode::FAILURE);
        }
        let path = format!("{}?hold", path(name));
        let mut told = false;
        let mut lines = loop {
            match self.at.lines(&path) {
                Ok(lines) => break lines,
                Err(why) if !told => eprintln!("{name}: waits for the engine: {why}"),
                Err(_) => {}
            }
            told = true;
            if is_alone() {
                return Ok(ExitCode::FAILURE);
            }
            std::thread::sleep(PAUSE);
        };
        if let Some(Ok(line)) = lines.next() {
            let variables: Variables = serde_json::from_str(&line)
                .map_err(|error| format!("{}: no variables: {error}", self.at.endpoint()))?;
            if let (Some(why), 1) = (variables.get("message"), variables.len()) {
                return Err(why.clone());
            }
            let child = command.envs(variables).env_remove(PARENT).spawn();
            let mut child = child.map_err(|error| format!("{name}: {error}"))?;
            let pid = child.id();
            let ended = name.to_owned();
            let is_over = Arc::new(AtomicBool::new(false));
            let asked = is_over.clone();
            std::thread::spawn(move || {
                if let Ok(status) = child.wait()
                    && !asked.load(Ordering::SeqCst)
                {
                    eprintln!("{ended}: {status}; it is started again");
                }
                std::thread::sleep(PAUSE);
                // The connection ends with this program, and so the engine knows.
                again();
            });
            // Nothing comes but the end.
            lines.for_each(drop);
            is_over.store(true, Ordering::SeqCst);
            platform::kill(pid);
            // The thread above goes on.
            loop {
                std::thread::park();
            }
        }
        std::thread::sleep(PAUSE);
        again()
    }
}

/// Whether the process that began this one has ended.
fn is_alone() -> bool {
    let first = std::env::var(PARENT).ok().and_then(|parent| parent.parse().ok());
    first.is_some_and(|parent: u32| parent != std::os::unix::process::parent_id())
}

/// Begins anew, as the same process.
fn again() -> ! {
    let mut arguments = std::env::args_os();
    let mut command = Command::new(arguments.next().unwrap_or_default());
    if let Ok(me) = std::env::current_exe() {
        command = Command::new(me);
    }
    if std::env::var_os(PARENT).is_none() {
        command.env(PARENT, std::os::unix::process::parent_id().to_string());
    }
    let error = command.args(arguments).exec();
    eprintln!("pointsman: {error}");
    std::process::exit(1)
}

fn path(name: &str) -> String {
    format!("/_pointsman/environments/{name}")
}

impl Format {
    fn line(self, name: &str, value: &str) -> String {
        match self {
            Format::Dotenv if is_plain(value) => format!("{name}={value}\n"),
            Format::Dotenv => format!("{name}={value:?}\n"),
            Format::Shell => format!("export {name}='{}'\n", value.replace('\'', r"'\''")),
        }
    }
}

/// Whether every reader of such files takes it as it is.
fn is_plain(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:,+@%=[]".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_printed_as_their_reader_takes_them() {
        let cases = [
            ("local-ReadModel", "N=local-ReadModel\n", "export N='local-ReadModel'\n"),
            (
                "http://127.0.0.1:4566/q",
                "N=http://127.0.0.1:4566/q\n",
                "export N='http://127.0.0.1:4566/q'\n",
            ),
            ("$LATEST", "N=\"$LATEST\"\n", "export N='$LATEST'\n"),
            ("two words", "N=\"two words\"\n", "export N='two words'\n"),
            ("it's", "N=\"it's\"\n", "export N='it'\\''s'\n"),
        ];
        for (value, dotenv, shell) in cases {
            assert_eq!(Format::Dotenv.line("N", value), dotenv);
            assert_eq!(Format::Shell.line("N", value), shell);
        }
    }
}
