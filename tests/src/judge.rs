//! The shop deployed by `sam deploy` to ministack, an emulator of AWS that is none of ours.

use crate::process::{Tally, check};
use crate::sam;
use crate::tools::Tools;
use std::path::Path;

/// Has the judge look at what the step `sam` built. `tools` has SAM and boto3; the emulator needs other versions of
/// the same libraries, and so a folder of its own.
pub(crate) fn run(root: &Path, tools: &Path) -> Result<Tally, String> {
    if !cfg!(target_os = "linux") {
        println!("skipped: what sam builds runs on Linux alone");
        return Ok(Tally::skip());
    }
    let built = root.join(sam::BUILT);
    if !built.join("template.yaml").is_file() {
        return Err("nothing is built: run the step sam first".into());
    }
    let judge = Tools::of(root, "tests/judge/requirements.txt", "target/judge").bin()?;
    let mut python = sam::with_tools(root, tools.join("python"), tools)?;
    python.args(["-u", "tests/judge/judge.py"]).arg(root).arg(built).arg(judge.join("ministack"));
    check(&mut python)
}
