//! Intrinsic functions, one line a case.

use super::*;

/// The value of an output given as `expression`.
#[track_caller]
fn gives(expression: &str, value: &str) {
    let text = format!(
        "Transform: AWS::Serverless-2016-10-31\nParameters: {{P: {{Type: String, Default: pp}}, L: {{Type: CommaDelimitedList, Default: 'x,y'}}}}\nMappings: {{M: {{a: {{b: mapped}}}}}}\nConditions: {{Yes: !Equals [1, 1], No: !Equals [1, 2]}}\nResources:\n  Q: {{Type: AWS::SQS::Queue}}\n  T: {{Type: AWS::SNS::Topic}}\n  F: {{Type: AWS::Serverless::Function, Properties: {{Runtime: provided.al2023, Handler: b, CodeUri: ., AutoPublishAlias: live}}}}\n  D: {{Type: AWS::DynamoDB::Table, Properties: {{AttributeDefinitions: [{{AttributeName: k, AttributeType: S}}], KeySchema: [{{AttributeName: k, KeyType: HASH}}], StreamSpecification: {{StreamViewType: KEYS_ONLY}}}}}}\nOutputs:\n  O: {{Value: {expression}}}\n"
    );
    let loaded = good(&text);
    assert_eq!(loaded.outputs[0].value, value, "{expression}");
}

#[test]
fn references_give_what_aws_gives() {
    gives("!Ref P", "pp");
    gives("!Ref Q", "http://127.0.0.1:4566/000000000000/local-Q");
    gives("!GetAtt Q.Arn", "arn:aws:sqs:us-east-1:000000000000:local-Q");
    gives("{Fn::GetAtt: [Q, QueueName]}", "local-Q");
    gives("!Ref T", "arn:aws:sns:us-east-1:000000000000:local-T");
    gives("!Ref F", "local-F");
    gives("!GetAtt F.Arn", "arn:aws:lambda:us-east-1:000000000000:function:local-F");
    gives("!Ref F.Alias", "arn:aws:lambda:us-east-1:000000000000:function:local-F:live");
    gives("!GetAtt FRole.Arn", "arn:aws:iam::000000000000:role/local-FRole");
    gives(
        "!GetAtt D.StreamArn",
        "arn:aws:dynamodb:us-east-1:000000000000:table/local-D/stream/1970-01-01T00:00:00.000",
    );
    gives("!Ref AWS::AccountId", "000000000000");
    gives("!Ref \"AWS::StackName\"", "local");
}

#[test]
fn text_is_put_together_as_on_aws() {
    gives("!Sub plain", "plain");
    gives("!Sub \"${P}-${Q.QueueName}-${!P}-$P-${ P }\"", "pp-local-Q-${P}-$P-pp");
    gives("!Sub [\"${A}${P}\", {A: !Ref P}]", "pppp");
    gives("{Fn::Sub: \"unclosed ${P\"}", "unclosed ${P");
    gives("!Join [\"/\", [a, !Ref P, c]]", "a/pp/c");
    gives("!Join [\"\", !Ref L]", "xy");
    gives("!Select [1, !Ref L]", "y");
    gives("!Select [\"1\", !Split [\",\", \"a,b,c\"]]", "b");
    gives("!FindInMap [M, a, b]", "mapped");
    gives("!FindInMap [M, a, z, {DefaultValue: other}]", "other");
    gives("!If [Yes, yes, no]", "yes");
    gives("!If [No, a, !If [Yes, b, c]]", "b");
    gives("!Base64 abcd", "YWJjZA==");
    gives("!Select [0, !GetAZs \"\"]", "us-east-1a");
    gives("{Fn::Length: !Ref L}", "2");
    gives("{Fn::ToJsonString: {a: [1, true, \"1\", x\"y]}}", r#"{"a":[1,true,"1","x\"y"]}"#);
}

#[test]
fn names_that_are_too_long_are_cut_and_stay_apart() {
    use super::super::names::{physical, uuid};
    let (a, b) = (format!("{}a", "x".repeat(90)), format!("{}b", "x".repeat(90)));
    assert_eq!(physical("stack", &a, 80).len(), 80);
    assert_ne!(physical("stack", &a, 80), physical("stack", &b, 80));
    assert_eq!(physical("stack", "Queue", 80), "stack-Queue");
    assert_eq!(uuid("local", "A"), uuid("local", "A"));
    assert_ne!(uuid("local", "A"), uuid("local", "B"));
    assert_eq!(uuid("local", "A").len(), 36);
}

#[test]
fn parameters_say_who_gave_their_value() {
    use super::super::Origin;
    let mut options = Options::default();
    options.parameters.insert("A".into(), "given".into());
    let text = "Parameters: {A: {Type: String}, B: {Type: String, Default: b}}\nResources: {}\n";
    let loaded = load_str("t.yaml", text, &options).unwrap();
    let seen: Vec<_> = loaded
        .parameters
        .iter()
        .map(|one| (one.name.as_str(), one.value.as_str(), one.origin))
        .collect();
    assert_eq!(seen, [("A", "given", Origin::Given), ("B", "b", Origin::Default)]);
}

#[test]
fn a_dynamic_reference_becomes_what_was_given_wherever_it_is_put_together() {
    let template = |secret: &str| {
        format!(
            "Transform: AWS::Serverless-2016-10-31\nParameters: {{Id: {{Type: String, Default: /hook}}}}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      Handler: b\n      CodeUri: .\n      Environment:\n        Variables:\n          SECRET: {secret}\n"
        )
    };
    let mut options = Options::default();
    let text = template("'{{resolve:ssm:/hook}}'");
    let fault = load_str("t.yaml", &text, &options).unwrap_err().to_string();
    assert!(
        fault.starts_with("t.yaml:12:19: no value is given for the secret «/hook»: give --secret"),
        "{fault}"
    );

    options.secrets.insert("/hook".into(), "s3cret".into());
    for secret in [
        "'{{resolve:ssm:/hook}}'",
        "!Sub '{{resolve:ssm:${Id}}}'",
        "!Join ['', ['{{resolve:ssm:', !Ref Id, '}}']]",
    ] {
        let loaded = load_str("t.yaml", &template(secret), &options).unwrap();
        let function = loaded.resources.iter().find_map(|resource| match &resource.spec {
            crate::topology::Spec::Function(function) => Some(function),
            _ => None,
        });
        assert_eq!(function.unwrap().environment["SECRET"], "s3cret", "{secret}");
        assert!(loaded.unsupported.is_empty(), "{:?}", loaded.unsupported);
    }
    let loaded = load_str("t.yaml", &template("'{{resolve:s3:x}}'"), &options).unwrap();
    assert_eq!(
        report(&loaded.unsupported),
        [
            "t.yaml:12:19: dynamic reference {{resolve:…}} (F): is of no service that is known here: the text stays as it stands"
        ]
    );
}
