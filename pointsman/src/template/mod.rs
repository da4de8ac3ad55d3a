//! Reads a SAM or CloudFormation template: text → plain [`topology`](crate::topology) values.
//!
//! - [`load`], [`load_str`]: a template with all its intrinsic functions resolved, Globals merged and SAM's resources
//!   expanded
//! - [`Loaded::unsupported`]: everything in it that is not run as on AWS, by place; nothing is dropped silently
//! - [`report`]: the same as lines for a person, alike ones together
//! - [`links`]: what a template exports and imports, known before anything can be imported
//! - [`TemplateError`]: one place, one sentence
//!
//! Steps, each a module: `yaml` (text → tree with places) → `document` (sections) → `parameters` → `check` (names
//! exist, no circles) → `scope`/`resolve` (intrinsic functions) → `globals`, `build` and a module a kind of resource.
//!
//! Physical names: the template's, else `STACK-LogicalId`, without CloudFormation's random suffix, so that a queue has
//! the same name at every start.

mod build;
mod check;
mod connector;
mod document;
mod event_source;
mod events;
mod function;
mod globals;
mod http;
mod iam;
mod identity;
mod implicit;
mod inert;
mod links;
mod names;
mod node;
mod outputs;
mod parameters;
mod policies;
mod policy;
mod props;
mod queue;
mod resolve;
mod rule;
mod schedule;
mod scope;
mod secrets;
mod table;
#[cfg(test)]
mod tests;
mod yaml;

pub use secrets::{BESIDE as SECRETS_BESIDE, read_secrets};

use crate::topology::{Place, Region, Resource};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a template is read with.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Name of the stack: `AWS::StackName`, and the first part of names the template leaves open.
    pub stack: String,
    /// Values of parameters; one that the template does not have is refused.
    pub parameters: BTreeMap<String, String>,
    /// Account and region of all ARNs.
    pub region: Region,
    /// URL under which the AWS APIs are served; queue URLs begin with it.
    pub endpoint: String,
    /// URL of an HTTP API of which `apis` knows nothing; stands for `https://ID.execute-api.…` and `ApiEndpoint`.
    pub http_base: String,
    /// URLs of HTTP APIs by their names.
    pub apis: BTreeMap<String, String>,
    /// Exports of other stacks, for `Fn::ImportValue`.
    pub exports: BTreeMap<String, String>,
    /// Values of secrets and stored parameters by their names, for `{{resolve:…}}`; [`load`] adds those of a file
    /// `local.env` beside the template.
    pub secrets: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            stack: "local".into(),
            parameters: BTreeMap::new(),
            region: Region::default(),
            endpoint: "http://127.0.0.1:4566".into(),
            http_base: "http://127.0.0.1:3000".into(),
            apis: BTreeMap::new(),
            exports: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }
}

impl Options {
    /// URL of an HTTP API, without a slash at its end.
    pub(crate) fn api_url(&self, name: &str) -> &str {
        self.apis.get(name).unwrap_or(&self.http_base).trim_end_matches('/')
    }
}

/// A template, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What is run, in the template's order; what SAM makes of a resource follows it.
    pub resources: Vec<Resource>,
    /// `Outputs` whose condition holds.
    pub outputs: Vec<Output>,
    /// Outputs with `Export`, by export name.
    pub exports: BTreeMap<String, Export>,
    /// What `Fn::ImportValue` asks for, in the order of the file.
    pub imports: Vec<Link>,
    /// Every parameter with the value used.
    pub parameters: Vec<ParameterValue>,
    /// What is not run as on AWS, in the order of the file.
    pub unsupported: Vec<Note>,
    /// Lines to try, from `Metadata.Pointsman.Try`: `{http}`, `{endpoint}`, `{pointsman}` and `{at}` stand for what
    /// runs.
    pub tries: Vec<String>,
    /// Files that were read, for watching.
    pub files: Vec<PathBuf>,
}

/// An output of the stack.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Logical name.
    pub name: String,
    /// Its value, resolved.
    pub value: String,
    /// Where it stands.
    pub place: Place,
}

/// What an output exports.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// Its value, resolved.
    pub value: String,
    /// Where its name stands.
    pub place: Place,
}

/// A name that stacks know each other by, exported or imported.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The export's name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
}

/// What of a template concerns others, known before anything can be imported.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Links {
    /// Names it exports.
    pub exports: Vec<Link>,
    /// Names it imports.
    pub imports: Vec<Link>,
    /// Names of its parameters.
    pub parameters: BTreeSet<String>,
}

/// A parameter with the value used.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterValue {
    /// Name in the template.
    pub name: String,
    /// The value; of `NoEcho` parameters too, so take care where it is shown.
    pub value: String,
    /// Who gave it.
    pub origin: Origin,
}

/// Who gave a parameter its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// [`Options::parameters`].
    Given,
    /// `Default` in the template.
    Default,
}

/// Something in the template that is not run as on AWS.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Where it stands.
    pub place: Place,
    /// Logical id of the resource it belongs to.
    pub id: String,
    /// What it is: a resource type, a property, an event.
    pub what: String,
    /// What that means for whoever runs the template here.
    pub consequence: String,
}

/// Why a template cannot be read: a place and one sentence, such as
/// `infra/template.yaml:12:7: RedrivePolicy.maxReceiveCount of OrderViewQueue is «abc»: …`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct TemplateError {
    /// Where the fault is.
    pub place: Place,
    /// What it is.
    pub message: String,
}

/// Reads the template at `path`, with the secrets of a file `local.env` beside it.
///
/// # Errors
/// The file cannot be read, is no template, or asks for what cannot be: each with its place.
pub fn load(path: &Path, options: &Options) -> Result<Loaded, TemplateError> {
    let (file, text) = text(path)?;
    let beside = secrets::beside(path);
    let mut options = options.clone();
    for (name, secret) in beside.as_deref().map(read_secrets).transpose()?.unwrap_or_default() {
        options.secrets.entry(name).or_insert(secret);
    }
    let mut loaded = load_str(&file, &text, &options)?;
    loaded.files.push(path.to_owned());
    loaded.files.extend(beside);
    Ok(loaded)
}

/// What the template at `path` exports and imports; values of parameters that it does not have are passed over.
///
/// # Errors
/// The file cannot be read or is no template, with the place.
pub fn links(path: &Path, options: &Options) -> Result<Links, TemplateError> {
    let (file, text) = text(path)?;
    links::read(&file, &text, options)
        .map_err(|fault| TemplateError { place: place(&file, fault.pos), message: fault.message })
}

/// A file's name for messages, and what it holds.
fn text(path: &Path) -> Result<(String, String), TemplateError> {
    let file = path.display().to_string();
    let at = |line, message| TemplateError {
        place: Place { file: file.clone(), line, column: 1 },
        message,
    };
    let bytes = std::fs::read(path).map_err(|error| at(1, format!("cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        at(u32::try_from(line).unwrap_or(u32::MAX), "is not UTF-8 text".into())
    })?;
    Ok((file, text))
}

/// Reads a template from `text`; `name` stands for its file in places.
///
/// # Errors
/// As [`load`].
pub fn load_str(name: &str, text: &str, options: &Options) -> Result<Loaded, TemplateError> {
    build::load(name, text, options)
        .map_err(|fault| TemplateError { place: place(name, fault.pos), message: fault.message })
}

/// `notes` as lines, those of one kind together: `template.yaml:9:5: AWS::CloudWatch::Alarm (A, B): not run here`.
pub fn report(notes: &[Note]) -> Vec<String> {
    let mut groups: Vec<(&Note, Vec<&str>)> = Vec::new();
    for note in notes {
        let same = |(first, _): &&mut (&Note, Vec<&str>)| {
            first.what == note.what && first.consequence == note.consequence
        };
        match groups.iter_mut().find(same) {
            Some((_, ids)) if ids.contains(&note.id.as_str()) => {}
            Some((_, ids)) => ids.push(&note.id),
            None => groups.push((note, vec![&note.id])),
        }
    }
    let line = |(first, ids): (&Note, Vec<&str>)| {
        format!("{}: {} ({}): {}", first.place, first.what, ids.join(", "), first.consequence)
    };
    groups.into_iter().map(line).collect()
}

fn place(file: &str, pos: node::Pos) -> Place {
    Place { file: file.to_owned(), line: pos.line, column: pos.column }
}
