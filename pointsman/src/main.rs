//! The `pointsman` command: see [`pointsman::cli`].

fn main() -> std::process::ExitCode {
    pointsman::cli::main()
}
