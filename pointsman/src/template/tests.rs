//! Tests of the template reader. Real-looking templates are in `testdata/`, what they resolve to beside them.

mod broken;
mod hostile;
mod intrinsics;
mod templates;

use super::{Loaded, Options, load_str, report};

/// Reads `text`, which must be a good template.
#[track_caller]
fn good(text: &str) -> Loaded {
    match load_str("t.yaml", text, &Options::default()) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    }
}
