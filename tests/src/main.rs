//! The one test command: `cargo verify`.

fn main() {}
