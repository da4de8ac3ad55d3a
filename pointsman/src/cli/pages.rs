//! What tells a shell and a reader about the command line.

use super::{Cli, Failure};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::Write;
use std::process::ExitCode;

/// Print a script with which a shell completes verbs and options
#[derive(Args)]
#[command(after_help = COMPLETIONS)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

const COMPLETIONS: &str = "\
Examples:
  pointsman completions bash > ~/.local/share/bash-completion/completions/pointsman
  pointsman completions zsh > ~/.zfunc/_pointsman       with ~/.zfunc in fpath
  pointsman completions fish > ~/.config/fish/completions/pointsman.fish";

/// Print the manual page, of all or of one verb
#[derive(Args)]
#[command(after_help = MAN)]
pub(super) struct Man {
    /// A verb; without it, the page that names them all
    #[arg(value_name = "VERB")]
    verb: Option<String>,
}

const MAN: &str = "\
Examples:
  pointsman man | man -l -                              read it
  pointsman man up > ~/.local/share/man/man1/pointsman-up.1";

impl Completions {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let mut script = vec![];
        clap_complete::generate(self.shell, &mut Cli::command(), "pointsman", &mut script);
        print(&script)
    }
}

impl Man {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let mut all = Cli::command();
        // What all verbs inherit is put where it belongs.
        all.build();
        let command = match &self.verb {
            None => all,
            Some(verb) => {
                let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
                let unknown =
                    || format!("there is no verb {verb}, but there are {}", names.join(", "));
                let found = all.find_subcommand(verb).ok_or_else(unknown)?;
                found.clone()
            }
        };
        let mut page = vec![];
        clap_mangen::Man::new(command).render(&mut page).map_err(|error| error.to_string())?;
        print(&page)
    }
}

fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    // Whoever reads may have enough.
    let _ = std::io::stdout().write_all(text);
    Ok(ExitCode::SUCCESS)
}
