//! The Python tools that some steps need, in a virtual environment under `target/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

/// The tools, or their installation while it runs.
pub(crate) struct Tools {
    folder: PathBuf,
    installing: Mutex<Installation>,
}

enum Installation {
    Runs(JoinHandle<Result<(), String>>),
    Over(Result<(), String>),
}

impl Tools {
    /// Begins to install what `tests/requirements.txt` names, unless just that is installed, and beside it the AWS CLI,
    /// version 2.
    pub(crate) fn install(root: &Path) -> Tools {
        let tools = ["tests/requirements.txt", "tests/aws_cli_v2.py"];
        Tools::begin(root, "target/tools", move |root, folder| {
            let [names, script] = tools;
            install(root, names, folder)?;
            let mut python = Command::new(folder.join("bin/python"));
            python.arg(root.join(script)).arg(folder.join("aws-cli-v2"));
            Log::open(folder, true)?.run(&mut python, &format!("{script} could not install it"))
        })
    }

    /// What another file names, in a folder of its own.
    pub(crate) fn of(root: &Path, names: &'static str, folder: &str) -> Tools {
        Tools::begin(root, folder, move |root, folder| install(root, names, folder))
    }

    fn begin(
        root: &Path,
        folder: &str,
        install: impl FnOnce(&Path, &Path) -> Result<(), String> + Send + 'static,
    ) -> Tools {
        let folder = root.join(folder);
        let (root, into) = (root.to_owned(), folder.clone());
        let installing = thread::spawn(move || install(&root, &into));
        Tools { folder, installing: Mutex::new(Installation::Runs(installing)) }
    }

    /// Waits for the installation; then the folder of the tools' commands.
    pub(crate) fn bin(&self) -> Result<PathBuf, String> {
        let mut installing = self.installing.lock().map_err(|_| "an earlier step panicked")?;
        if let Installation::Runs(_) = *installing {
            let over = Installation::Over(Err("the installation of the tools panicked".into()));
            if let Installation::Runs(thread) = std::mem::replace(&mut *installing, over)
                && let Ok(result) = thread.join()
            {
                *installing = Installation::Over(result);
            }
        }
        match &*installing {
            Installation::Over(result) => result.clone().map(|()| self.folder.join("bin")),
            Installation::Runs(_) => Err("the tools are still being installed".into()),
        }
    }
}

fn install(root: &Path, names: &str, folder: &Path) -> Result<(), String> {
    let wanted = fs::read_to_string(root.join(names))
        .map_err(|error| format!("{names} cannot be read: {error}"))?;
    // Written last: tools without it are half an installation.
    let installed = folder.join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    let log = Log::open(folder, false)?;
    log.run(
        Command::new("python3").arg("--version"),
        "Python 3 is needed, and the command python3 does not run: install it",
    )?;
    log.run(
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder),
        "python3 cannot make a virtual environment: install its module venv (on Debian and Ubuntu the package \
         python3-venv)",
    )?;
    let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r"];
    log.run(
        Command::new(folder.join("bin/python")).args(pip).arg(root.join(names)),
        &format!("pip could not install what {names} names"),
    )?;
    fs::write(&installed, wanted)
        .map_err(|error| format!("{} cannot be written: {error}", installed.display()))
}

/// What an installation says, in a file beside its folder.
struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Begins it anew, or goes on.
    fn open(folder: &Path, goes_on: bool) -> Result<Log, String> {
        let path = folder.with_extension("log");
        let made = fs::create_dir_all(path.parent().unwrap_or(folder));
        let mut options = File::options();
        options.create(true).write(true).append(goes_on).truncate(!goes_on);
        let file = made.and_then(|()| options.open(&path));
        let file =
            file.map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        Ok(Log { file, path })
    }

    /// Runs a part of the installation.
    fn run(&self, command: &mut Command, otherwise: &str) -> Result<(), String> {
        let copy = || self.file.try_clone().map_or_else(|_| Stdio::null(), Stdio::from);
        let status = command.stdin(Stdio::null()).stdout(copy()).stderr(copy()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            _ => Err(format!("{otherwise}; {} says more", self.path.display())),
        }
    }
}
