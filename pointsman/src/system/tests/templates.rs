//! Templates beside each other: in which order they are read, and what keeps them apart.

use super::*;
use crate::system::{Given, Templates};
use crate::topology::Spec;
use tempfile::TempDir;

/// Templates of one queue each, by their names, with what they import and export.
struct Case {
    folder: TempDir,
    templates: Templates,
}

impl Case {
    fn new(names: &[&str]) -> Case {
        let folder = tempfile::tempdir().unwrap();
        let given = names.iter().map(|name| Given {
            name: (*name).to_owned(),
            path: folder.path().join(name).with_extension("yaml"),
        });
        let given = given.collect();
        let options = template::Options::default();
        let templates = Templates { given, options, adopt: false, reset: false, drop: false };
        Case { folder, templates }
    }

    /// A template that imports these names and exports those.
    fn write(&self, name: &str, imports: &[&str], exports: &[&str]) -> &Self {
        let mut text = format!(
            "Resources:\n  Queue: {{Type: AWS::SQS::Queue, Properties: {{QueueName: {name}}}}}\nOutputs:\n  Own: {{Value: 1}}\n"
        );
        for (n, import) in imports.iter().enumerate() {
            text.push_str(&format!("  In{n}: {{Value: !ImportValue {import}}}\n"));
        }
        for (n, export) in exports.iter().enumerate() {
            text.push_str(&format!(
                "  Out{n}: {{Value: !GetAtt Queue.Arn, Export: {{Name: {export}}}}}\n"
            ));
        }
        std::fs::write(self.folder.path().join(name).with_extension("yaml"), text).unwrap();
        self
    }

    fn read(&self, running: &[Stack]) -> Result<Vec<Stack>, String> {
        let folder = format!("{}/", self.folder.path().display());
        self.templates.read(running).map_err(|error| error.to_string().replace(&folder, ""))
    }

    #[track_caller]
    fn in_order(&self, wanted: &[&str]) -> Vec<Stack> {
        let stacks = self.read(&[]).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(stacks.iter().map(|stack| stack.name.as_str()).collect::<Vec<_>>(), wanted);
        stacks
    }

    #[track_caller]
    fn refuses(&self, running: &[Stack], why: &str) {
        assert_eq!(self.read(running).map(|_| ()), Err(why.to_owned()));
    }
}

#[test]
fn a_template_is_read_after_those_it_imports_from_and_else_in_the_order_given() {
    let case = Case::new(&["c", "b", "z", "a"]);
    case.write("a", &[], &["of-a"]).write("b", &["of-a"], &["of-b"]);
    case.write("c", &["of-b", "of-a"], &[]).write("z", &[], &[]);
    let stacks = case.in_order(&["z", "a", "b", "c"]);
    let imported = &stacks[2].loaded.outputs[1].value;
    assert_eq!(imported, "arn:aws:sqs:us-east-1:000000000000:a");
}

#[test]
fn an_import_that_nobody_exports_and_an_export_that_two_have_are_refused_with_their_places() {
    let case = Case::new(&["b", "a"]);
    case.write("a", &[], &["orders"]).write("b", &["order"], &[]);
    case.refuses(&[], "b.yaml:5:16: no other stack that runs here exports «order» (did you mean orders?): give its template, too, or the value by --export");
    case.write("b", &[], &["orders"]);
    case.refuses(&[], "a.yaml:5:51: «orders» is exported by the stack b already (b.yaml:5:51)");
    let mut outside = case.templates.clone();
    outside.given.truncate(1);
    outside.options.exports.insert("vpc".into(), "vpc-1".into());
    case.write("b", &["vpc"], &[]);
    assert_eq!(outside.read(&[]).unwrap()[0].loaded.outputs[1].value, "vpc-1");
}

#[test]
fn a_circle_of_imports_is_told_from_one_to_the_next() {
    let case = Case::new(&["a", "b", "c"]);
    case.write("a", &["of-b"], &["of-a"]).write("b", &["of-a"], &["of-b"]).write(
        "c",
        &["of-b"],
        &[],
    );
    case.refuses(&[], "a.yaml:5:16: a imports «of-b» of b, which imports «of-a» (b.yaml:5:16) of a: none of them can be the first");
    case.write("a", &["of-a"], &["of-a"]);
    case.refuses(&[], "a.yaml:5:16: «of-a» is exported by this stack itself: use Ref or GetAtt");
}

#[test]
fn as_in_cloudformation_what_another_stack_imports_neither_goes_nor_changes() {
    let case = Case::new(&["a", "b"]);
    case.write("a", &[], &["of-a", "free"]).write("b", &["of-a"], &[]);
    let running = case.in_order(&["a", "b"]);
    case.write("a", &[], &["of-a"]);
    assert!(case.read(&running).is_ok(), "nobody imports the other one");
    case.write("a", &[], &[]);
    case.refuses(&running, "b.yaml:5:16: «of-a» is imported here, so the stack a cannot give up exporting it: CloudFormation refuses that, too. Import it no longer, then remove the export");
    case.write("a", &[], &["of-a"]);
    let path = case.folder.path().join("a.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("QueueName: a", "QueueName: other")).unwrap();
    case.refuses(&running, "a.yaml:5:51: the export «of-a» is imported (b.yaml:5:16), so its value cannot change: CloudFormation refuses that, too. Export the new value under another name, import that, then remove this one");
    case.write("b", &[], &[]);
    assert!(case.read(&running).is_ok(), "nobody imports it any more");
}

#[test]
fn each_template_gets_the_parameters_that_it_has_and_one_that_none_has_is_refused() {
    let mut case = Case::new(&["a", "b"]);
    case.write("a", &[], &[]).write("b", &[], &[]);
    let path = case.folder.path().join("b.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("Parameters: {{Stage: {{Type: String}}}}\n{text}")).unwrap();
    case.templates.options.parameters.insert("Stage".into(), "test".into());
    assert_eq!(case.in_order(&["a", "b"])[1].loaded.parameters[0].value, "test");
    case.templates.options.parameters.insert("Stag".into(), "test".into());
    case.refuses(
        &[],
        "a.yaml:1:1: a value is given for Stag, which no template has for a parameter",
    );
}

#[test]
fn two_templates_may_both_have_the_api_that_sam_makes() {
    let case = Case::new(&["a", "b"]);
    for name in ["a", "b"] {
        let text = format!(
            "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      Handler: bootstrap\n      CodeUri: .\n      Environment: {{Variables: {{URL: !Sub \"https://${{ServerlessHttpApi}}.execute-api.${{AWS::Region}}.amazonaws.com/{name}\"}}}}\n      Events: {{Get: {{Type: HttpApi, Properties: {{Method: GET, Path: /{name}}}}}}}\n"
        );
        std::fs::write(case.folder.path().join(name).with_extension("yaml"), text).unwrap();
    }
    let mut templates = case.templates.clone();
    let urls = [
        ("a-ServerlessHttpApi", "http://127.0.0.1:1"),
        ("b-ServerlessHttpApi", "http://127.0.0.1:2"),
    ];
    templates.options.apis = urls.map(|(name, url)| (name.to_owned(), url.to_owned())).into();
    let stacks = templates.read(&[]).unwrap();
    assert_eq!(templates.apis(&stacks), ["a-ServerlessHttpApi", "b-ServerlessHttpApi"]);
    let all = stacks.iter().flat_map(|stack| &stack.loaded.resources);
    let urls = all.filter_map(|resource| match &resource.spec {
        Spec::Function(function) => Some(function.environment["URL"].clone()),
        _ => None,
    });
    assert_eq!(urls.collect::<Vec<_>>(), ["http://127.0.0.1:1/a", "http://127.0.0.1:2/b"]);
}
