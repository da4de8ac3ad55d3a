//! From a document to the resources that are run: the order of steps, and which module reads which type.

use super::document::{Document, Raw};
use super::iam::Roles;
use super::node::{Node, Pos, Result};
use super::props::Props;
use super::scope::Scope;
use super::{
    Loaded, Note, Options, ParameterValue, check, globals, inert, parameters, place, yaml,
};
use super::{connector, event_source, function, http, links, outputs, policy, queue, rule};
use super::{schedule, table};
use crate::topology::{MappingSource, Place, Resource, Spec};
use std::collections::BTreeMap;

/// A template's sections, with what is said once for all put where it belongs.
pub(crate) fn prepared(text: &str) -> Result<Document> {
    globals::merge(Document::read(yaml::parse(text)?)?)
}

pub(crate) fn load(file: &str, text: &str, options: &Options) -> Result<Loaded> {
    let document = prepared(text)?;
    let parameters = parameters::read(&document, options)?;
    let scope = Scope::new(&document, options, &parameters);
    parameters::patterns(&scope)?;
    check::names(scope.document)?;
    check::references(&scope)?;
    if let Some(node) = document.sections.get("Rules") {
        scope.remark(
            node.pos,
            "Rules",
            "Rules",
            "assertions about parameters are not checked here",
        );
    }
    let mut build = Build {
        scope: &scope,
        file,
        resources: Vec::new(),
        roles: Roles::default(),
        left_out: Vec::new(),
        routes: Vec::new(),
        doors: BTreeMap::new(),
    };
    build.roles = Roles::read(&build)?;
    for raw in &document.resources {
        if scope.exists(raw)? {
            build.resource(raw)?;
        }
    }
    http::implicit(&mut build)?;
    connector::read(&mut build)?;
    function::invoke_configs(&mut build)?;
    build.drop_orphans();
    event_source::timeouts(&build.resources)?;
    let resources = build.resources;
    let (outputs, exports) = outputs::read(&scope, file)?;
    let imports = links::imports(&scope, file)?;
    let remarks = scope.into_remarks();
    let unsupported = remarks
        .into_iter()
        .map(|remark| Note {
            place: place(file, remark.pos),
            id: remark.id,
            what: remark.what,
            consequence: remark.consequence,
        })
        .collect();
    let parameters = parameters
        .into_iter()
        .map(|(name, parameter)| ParameterValue {
            name,
            value: parameter.text,
            origin: parameter.origin,
        })
        .collect();
    let tries = tries(&document)?;
    Ok(Loaded {
        resources,
        outputs,
        exports,
        imports,
        parameters,
        unsupported,
        tries,
        files: Vec::new(),
    })
}

/// `Metadata.Pointsman.Try`: lines that `up` shows.
fn tries(document: &Document) -> Result<Vec<String>> {
    let ours = document.sections.get("Metadata").and_then(|m| m.get("Pointsman"));
    let Some(lines) = ours.and_then(|ours| ours.get("Try")) else { return Ok(vec![]) };
    let Some(items) = lines.as_list() else {
        return super::node::fault(lines.pos, "Metadata.Pointsman.Try is a list of lines");
    };
    items
        .iter()
        .map(|item| match item.as_str() {
            Some(line) => Ok(line.to_owned()),
            None => super::node::fault(item.pos, "a line of Metadata.Pointsman.Try is text"),
        })
        .collect()
}

/// Work in progress.
pub(crate) struct Build<'a> {
    pub(crate) scope: &'a Scope<'a>,
    file: &'a str,
    pub(crate) resources: Vec<Resource>,
    pub(crate) roles: Roles,
    /// Names of queues that are not run.
    pub(crate) left_out: Vec<String>,
    /// Routes of functions' events, until all APIs are known.
    pub(crate) routes: Vec<http::Draft>,
    pub(crate) doors: BTreeMap<String, http::Door>,
}

impl Build<'_> {
    pub(crate) fn place(&self, pos: Pos) -> Place {
        place(self.file, pos)
    }

    pub(crate) fn push(&mut self, id: impl Into<String>, pos: Pos, spec: Spec) {
        self.resources.push(Resource { id: id.into(), place: self.place(pos), spec });
    }

    /// A resource's properties, resolved.
    pub(crate) fn props(&self, raw: &Raw) -> Result<Props> {
        let node = self.scope.resolve(&raw.properties)?;
        Props::of(&raw.id, "", node.unwrap_or(Node::map(raw.pos, Vec::new())))
    }

    fn resource(&mut self, raw: &Raw) -> Result<()> {
        match raw.kind.as_str() {
            "AWS::SQS::Queue" => queue::read(self, raw),
            "AWS::SNS::Topic" => queue::topic(self, raw),
            "AWS::SQS::QueuePolicy" | "AWS::SNS::TopicPolicy" => policy::of_resource(self, raw),
            "AWS::Lambda::Permission" => policy::permission(self, raw),
            "AWS::Events::EventBus" => rule::bus(self, raw),
            "AWS::Events::EventBusPolicy" => policy::of_bus(self, raw),
            "AWS::Events::Rule" => rule::read(self, raw),
            "AWS::Scheduler::Schedule" => schedule::read(self, raw),
            "AWS::Scheduler::ScheduleGroup" => schedule::group(self, raw),
            "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" => table::read(self, raw),
            "AWS::Serverless::SimpleTable" => table::simple(self, raw),
            "AWS::Lambda::Function" => function::lambda(self, raw),
            "AWS::Serverless::Function" => function::serverless(self, raw),
            "AWS::Lambda::EventSourceMapping" => event_source::read(self, raw),
            "AWS::Serverless::HttpApi" => http::read(self, raw),
            // Read before all others, or after them.
            "AWS::IAM::Role"
            | "AWS::IAM::Policy"
            | "AWS::IAM::RolePolicy"
            | "AWS::IAM::ManagedPolicy"
            | "AWS::Serverless::Connector"
            | "AWS::Lambda::EventInvokeConfig" => Ok(()),
            kind => {
                inert::remark(self.scope, raw, kind);
                Ok(())
            }
        }
    }

    /// A mapping of a queue that is not run could never start.
    fn drop_orphans(&mut self) {
        let (scope, left_out) = (self.scope, &self.left_out);
        self.resources.retain(|resource| match &resource.spec {
            Spec::Mapping(mapping) => match &mapping.source {
                MappingSource::Queue { queue, .. } if left_out.contains(queue) => {
                    let pos = Pos { line: resource.place.line, column: resource.place.column };
                    let what = format!("mapping of queue {queue}");
                    scope.remark(
                        pos,
                        &resource.id,
                        what,
                        "the queue is not run here, so its function is never invoked by it",
                    );
                    false
                }
                _ => true,
            },
            _ => true,
        });
    }
}
