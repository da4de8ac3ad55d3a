//! Options for values of secrets, where AWS would look them up.

use super::Failure;
use crate::template;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What templates refer to by `{{resolve:…}}`.
#[derive(Args, Debug, Default)]
pub(super) struct Secrets {
    /// A secret or stored parameter that templates refer to by {{resolve:…}}; may be given several times
    #[arg(long = "secret", value_name = "NAME=VALUE")]
    secrets: Vec<String>,
    /// A file of them, a NAME=VALUE a line. A file local.env beside a template is read by itself
    #[arg(long = "secrets", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Secrets {
    /// All of them by name; what is given on the command line counts more than what is in a file.
    pub(super) fn read(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut all = BTreeMap::new();
        for file in &self.files {
            all.extend(template::read_secrets(file).map_err(|error| error.to_string())?);
        }
        for given in &self.secrets {
            // Without the value: what is on a screen is read by others.
            let pair = given.split_once('=').filter(|(name, _)| !name.is_empty());
            let (name, value) = pair.ok_or("--secret: NAME=VALUE is wanted")?;
            all.insert(name.to_owned(), value.to_owned());
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_counts_more_than_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("my.env");
        std::fs::write(&file, "a=1\nb=2\n").expect("it is written");
        let secrets = |given: &[&str]| {
            let secrets = given.iter().map(|&given| given.to_owned()).collect();
            Secrets { secrets, files: vec![file.clone()] }.read()
        };
        let read = secrets(&["b=x=y", "c="]).expect("secrets");
        let expected = [("a", "1"), ("b", "x=y"), ("c", "")];
        assert!(read.iter().map(|(n, v)| (n.as_str(), v.as_str())).eq(expected));
        for wrong in ["s3cret", "=s3cret"] {
            let why = secrets(&[wrong]).unwrap_err();
            assert!(why.contains("NAME=VALUE is wanted") && !why.contains("s3cret"), "{why}");
        }
    }
}
