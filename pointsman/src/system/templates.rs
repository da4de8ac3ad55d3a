//! Several templates beside each other: each is read when what it imports is known.

use super::given::api_names;
use super::start::Stack;
use crate::template::{self, Link, Links, Options, TemplateError};
use crate::topology::Place;
use std::path::PathBuf;

/// The templates that run beside each other, and how they are read.
#[derive(Clone, Debug)]
pub struct Templates {
    /// Each under its name.
    pub given: Vec<Given>,
    /// What all are read with. Each gets those of the parameters that it has, and the exports of the others beside
    /// those named here.
    pub options: Options,
    /// See [`Stack::adopt`].
    pub adopt: bool,
    /// See [`Stack::reset`].
    pub reset: bool,
    /// See [`Stack::drop`].
    pub drop: bool,
}

/// A template's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Name of its stack.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
}

impl Templates {
    /// Reads all of them, each after those whose exports it imports. `running` is what they were when they were
    /// applied last: as in CloudFormation, an export that another stack imports does not go, and does not change.
    ///
    /// # Errors
    /// A template that cannot be read, an import that nobody exports, a circle of imports, an export that two have:
    /// each with its place.
    pub fn read(&self, running: &[Stack]) -> Result<Vec<Stack>, TemplateError> {
        let links =
            self.given.iter().map(|given| template::links(&given.path, &self.options_of(given)));
        let links = links.collect::<Result<Vec<_>, _>>()?;
        self.know_all_parameters(&links)?;
        self.each_export_is_ones(&links)?;
        self.nothing_imported_has_gone(&links, running)?;
        let mut exports = self.options.exports.clone();
        let mut stacks: Vec<Stack> = vec![];
        for at in self.order(&links)? {
            let given = &self.given[at];
            let mut options = Options { exports: exports.clone(), ..self.options_of(given) };
            let own = &links[at].parameters;
            options.parameters.retain(|name, _| own.contains(name) || self.given.len() == 1);
            let loaded = template::load(&given.path, &options)?;
            exports.extend(loaded.exports.iter().map(|(name, e)| (name.clone(), e.value.clone())));
            let Templates { adopt, reset, drop, .. } = *self;
            stacks.push(Stack { name: given.name.clone(), loaded, adopt, reset, drop });
        }
        nothing_imported_changes(&stacks, running)?;
        Ok(stacks)
    }

    /// Names of the HTTP APIs in the order in which the templates were given: the first gets the first port.
    pub fn apis(&self, stacks: &[Stack]) -> Vec<String> {
        let in_order = self.given.iter().filter_map(|g| stacks.iter().find(|s| s.name == g.name));
        in_order.flat_map(|stack| api_names(std::slice::from_ref(stack))).collect()
    }

    fn options_of(&self, given: &Given) -> Options {
        Options { stack: given.name.clone(), ..self.options.clone() }
    }

    /// A value for a parameter that none has is a mistake; a lone template tells so itself, with its place.
    fn know_all_parameters(&self, links: &[Links]) -> Result<(), TemplateError> {
        let unknown = self.options.parameters.keys();
        let mut unknown =
            unknown.filter(|name| !links.iter().any(|l| l.parameters.contains(*name)));
        match (unknown.next(), self.given.first()) {
            (Some(name), Some(first)) if self.given.len() > 1 => Err(TemplateError {
                place: start_of(first),
                message: format!(
                    "a value is given for {name}, which no template has for a parameter"
                ),
            }),
            _ => Ok(()),
        }
    }

    fn each_export_is_ones(&self, links: &[Links]) -> Result<(), TemplateError> {
        for (at, own) in links.iter().enumerate() {
            for link in &own.exports {
                let first = links[..at].iter().zip(&self.given).find_map(|(links, given)| {
                    Some((given, links.exports.iter().find(|other| other.name == link.name)?))
                });
                if let Some((given, first)) = first {
                    let (name, stack, place) = (&link.name, &given.name, &first.place);
                    return fault(
                        link,
                        format!("«{name}» is exported by the stack {stack} already ({place})"),
                    );
                }
            }
        }
        Ok(())
    }

    fn nothing_imported_has_gone(
        &self,
        links: &[Links],
        running: &[Stack],
    ) -> Result<(), TemplateError> {
        for import in links.iter().flat_map(|links| &links.imports) {
            let is_there = self.options.exports.contains_key(&import.name)
                || links.iter().any(|l| l.exports.iter().any(|e| e.name == import.name));
            let had = running.iter().find(|stack| stack.loaded.exports.contains_key(&import.name));
            if let (false, Some(stack)) = (is_there, had) {
                return fault(
                    import,
                    format!(
                        "«{}» is imported here, so the stack {} cannot give up exporting it: CloudFormation refuses that, too. Import it no longer, then remove the export",
                        import.name, stack.name
                    ),
                );
            }
        }
        Ok(())
    }

    /// Each after those whose exports it imports, and else as they were given.
    fn order(&self, links: &[Links]) -> Result<Vec<usize>, TemplateError> {
        let exporter = |name: &str| {
            links.iter().position(|links| links.exports.iter().any(|e| e.name == name))
        };
        let waits = |at: usize, order: &[usize]| {
            links[at].imports.iter().find_map(|import| {
                let from = exporter(&import.name)?;
                (!order.contains(&from)).then_some((import, from))
            })
        };
        let knows_all =
            |at: usize| links[at].imports.iter().all(|import| exporter(&import.name).is_some());
        let mut order = vec![];
        while order.len() < links.len() {
            let mut left = (0..links.len()).filter(|at| !order.contains(at));
            let mut ready = left.clone().filter(|at| waits(*at, &order).is_none());
            // One that asks for what nobody has comes late, so that it can be told what it may have meant.
            match ready.clone().find(|at| knows_all(*at)).or_else(|| ready.next()) {
                Some(next) => order.push(next),
                None => {
                    let first = left.next().unwrap_or_default();
                    return Err(self.circle(first, |at| waits(at, &order)));
                }
            }
        }
        Ok(order)
    }

    /// Whoever waits for another that waits ends in a circle, which is told from its first import on.
    fn circle<'l>(
        &self,
        mut at: usize,
        waits: impl Fn(usize) -> Option<(&'l Link, usize)>,
    ) -> TemplateError {
        let mut way: Vec<(usize, &Link)> = vec![];
        while let Some((import, from)) = waits(at) {
            if let Some(begins) = way.iter().position(|(seen, _)| *seen == at) {
                way.drain(..begins);
                break;
            }
            way.push((at, import));
            at = from;
        }
        let name = |at: usize| &self.given[at].name;
        let [(first, import), rest @ ..] = way.as_slice() else {
            return TemplateError { place: start_of(&self.given[at]), message: String::new() };
        };
        let told = match rest {
            [] => {
                format!("«{}» is exported by this stack itself: use Ref or GetAtt", import.name)
            }
            _ => {
                let mut told = format!("{} imports «{}»", name(*first), import.name);
                for (at, import) in rest {
                    told.push_str(&format!(
                        " of {}, which imports «{}» ({})",
                        name(*at),
                        import.name,
                        import.place
                    ));
                }
                format!("{told} of {}: none of them can be the first", name(*first))
            }
        };
        TemplateError { place: import.place.clone(), message: told }
    }
}

/// As in CloudFormation, an export that another stack imports keeps its value.
fn nothing_imported_changes(stacks: &[Stack], running: &[Stack]) -> Result<(), TemplateError> {
    for stack in stacks {
        let Some(last) = running.iter().find(|last| last.name == stack.name) else { continue };
        for (name, export) in &stack.loaded.exports {
            let stays = last.loaded.exports.get(name).is_none_or(|e| e.value == export.value);
            let imports = stacks.iter().flat_map(|other| &other.loaded.imports);
            let import = imports.into_iter().find(|import| import.name == *name);
            if let (false, Some(import)) = (stays, import) {
                let message = format!(
                    "the export «{name}» is imported ({}), so its value cannot change: CloudFormation refuses that, too. Export the new value under another name, import that, then remove this one",
                    import.place
                );
                return Err(TemplateError { place: export.place.clone(), message });
            }
        }
    }
    Ok(())
}

fn fault<T>(link: &Link, message: String) -> Result<T, TemplateError> {
    Err(TemplateError { place: link.place.clone(), message })
}

fn start_of(given: &Given) -> Place {
    Place { file: given.path.display().to_string(), line: 1, column: 1 }
}
