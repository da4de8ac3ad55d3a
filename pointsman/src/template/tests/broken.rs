//! Broken templates: one message each, exact, with its place.

use super::*;

/// `text` is refused with `message`, place included.
#[track_caller]
fn refused(text: &str, message: &str) {
    match load_str("t.yaml", text, &Options::default()) {
        Ok(loaded) => panic!("read as {:?}", loaded.resources),
        Err(error) => assert_eq!(error.to_string(), format!("t.yaml:{message}")),
    }
}

/// A template with one queue of these properties.
#[track_caller]
fn queue(properties: &str, message: &str) {
    refused(
        &format!("Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {properties}\n"),
        message,
    );
}

/// A template with one SAM function of these properties, beside what every function needs.
#[track_caller]
fn function(properties: &str, message: &str) {
    let head = "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n";
    let needed = "    Properties:\n      Runtime: provided.al2023\n      Handler: bootstrap\n      CodeUri: .\n";
    refused(&format!("{head}{needed}      {properties}\n"), message);
}

#[test]
fn a_file_that_is_no_template_is_refused() {
    refused("", "1:1: is empty: a template with Resources is wanted");
    refused("# nothing\n", "1:1: is empty: a template with Resources is wanted");
    refused("just words", "1:1: is not a template: a map with Resources is wanted");
    refused("- a\n- b\n", "1:1: is not a template: a map with Resources is wanted");
    refused("Description: x\n", "1:1: is not a template: it has no Resources");
    refused("Resources: [a]\n", "1:12: Resources is not a map of logical ids");
    refused(
        "Resource: {}\n",
        "1:1: «Resource» is no section of a template (did you mean Resources?)",
    );
    refused(
        "Resources: {}\n---\nResources: {}\n",
        "2:1: a second document begins here: a template is one document",
    );
}

#[test]
fn text_that_is_not_yaml_is_refused_at_its_place() {
    let error =
        load_str("t.yaml", "Resources:\n  A: [1, 2\n  B: }\n", &Options::default()).unwrap_err();
    assert!(error.message.starts_with("is not YAML: "), "{error}");
    assert_eq!(error.place.line, 3, "{error}");
    let error = load_str("t.yaml", "{\"Resources\": {\"A\": }", &Options::default()).unwrap_err();
    assert_eq!(error.place.line, 1, "{error}");
}

#[test]
fn what_stands_where_it_should_not_is_refused() {
    refused(
        "Resources:\n  A: {Type: AWS::SQS::Queue}\n  A: {Type: AWS::SQS::Queue}\n",
        "3:3: key «A» stands twice: first on line 2",
    );
    refused("Resources:\n  ? [a]\n  : b\n", "2:5: a key must be text");
    refused("Resources: {A: 1}\n", "1:16: resource A is not a map with Type and Properties");
    refused("Resources: {A: {Properties: {}}}\n", "1:13: resource A has no Type");
    refused(
        "Resources: {my-queue: {Type: AWS::SQS::Queue}}\n",
        "1:13: logical id «my-queue» may hold letters and digits only",
    );
    refused(
        "Resources: {A: {Type: AWS::SQS::Queue, Propertys: {}}}\n",
        "1:40: «Propertys» is no attribute of a resource (A) (did you mean Properties?)",
    );
    refused(
        "Resources: {A: {Type: AWS::Serverless::Function}}\n",
        "1:23: AWS::Serverless::Function of A needs the line «Transform: AWS::Serverless-2016-10-31»",
    );
    refused(
        "Globals: {Funktion: {}}\nResources: {}\n",
        "1:11: «Funktion» is no section of Globals (did you mean Function?)",
    );
    refused(
        "Globals: {Function: {Role: x}}\nResources: {}\n",
        "1:22: Role may not stand in Globals.Function",
    );
}

#[test]
fn a_reference_to_nothing_names_the_nearest() {
    queue("{QueueName: !Ref Qq}", "4:29: «Qq» does not exist (did you mean Q?)");
    queue("{QueueName: !Sub \"${Absent}\"}", "4:29: «Absent» does not exist");
    refused(
        "Resources:\n  Orders: {Type: AWS::SQS::Queue}\n  B: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt Order.Arn, maxReceiveCount: 1}}}\n",
        "3:80: «Order» does not exist (did you mean Orders?)",
    );
    refused(
        "Resources:\n  Orders: {Type: AWS::SQS::Queue}\nOutputs: {A: {Value: !GetAtt Orders.Arm}}\n",
        "3:22: Orders has no attribute «Arm» (did you mean Arn?)",
    );
    refused(
        "Resources: {A: {Type: AWS::SQS::Queue, DependsOn: B}}\n",
        "1:51: DependsOn of A names «B», which does not exist (did you mean A?)",
    );
    refused(
        "Resources: {A: {Type: AWS::SQS::Queue, Condition: Prod}}\n",
        "1:51: condition «Prod» does not exist",
    );
    queue(
        "{QueueName: !Ref AWS::Stackname}",
        "4:29: «AWS::Stackname» is no pseudo parameter (did you mean AWS::StackName?)",
    );
    queue(
        "{QueueName: !Reff Q}",
        "4:29: !Reff is no function of CloudFormation's (did you mean !Ref?)",
    );
    queue("{QueueName: !FindInMap [M, a, b]}", "4:41: mapping «M» does not exist");
    queue(
        "{QueueName: !ImportValue shared}",
        "4:29: no other stack that runs here exports «shared»: give its template, too, or the value by --export",
    );
    queue(
        "{QueueName: !Select [3, [a, b]]}",
        "4:38: Select asks for «3» of a list of 2, counted from 0",
    );
}

#[test]
fn circles_are_named() {
    refused(
        "Resources:\n  A: {Type: AWS::SQS::Queue, DependsOn: B}\n  B: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub \"${C}\"}}\n  C: {Type: AWS::SQS::Queue, DependsOn: [A]}\n",
        "4:42: circular reference: A → B → C → A",
    );
    refused(
        "Conditions: {A: !Condition B, B: !Condition A}\nResources: {Q: {Type: AWS::SQS::Queue, Condition: A}}\n",
        "1:34: condition A refers to itself",
    );
}

#[test]
fn a_value_of_the_wrong_kind_or_range_is_refused() {
    queue(
        "{VisibilityTimeout: 43201}",
        "4:37: VisibilityTimeout of Q is «43201»: a whole number from 0 to 43200 is wanted",
    );
    queue(
        "{DelaySeconds: [1]}",
        "4:32: DelaySeconds of Q is a list: a whole number from 0 to 900 is wanted",
    );
    queue(
        "{QueueName: a b}",
        "4:29: QueueName of Q is «a b»: 1 to 80 letters, digits, hyphens and underscores are wanted (a FIFO queue's name ends in .fifo)",
    );
    queue("{FifoQueue: maybe}", "4:29: FifoQueue of Q is «maybe»: true or false is wanted");
    queue(
        "{RedrivePolicy: {deadLetterTargetArn: x, maxReceiveCount: abc}}",
        "4:75: RedrivePolicy.maxReceiveCount of Q is «abc»: a whole number from 1 to 1000 is wanted",
    );
    queue(
        "{RedrivePolicy: {maxReceiveCount: 3}}",
        "4:33: RedrivePolicy.deadLetterTargetArn of Q is missing",
    );
    queue("[1]", "4:17: Properties of Q is not a map");
    function("Timeout: 901", "9:16: Timeout of F is «901»: a whole number from 1 to 900 is wanted");
    function(
        "Architectures: [riscv]",
        "6:7: Architectures of F is «riscv»: x86_64 or arm64 is wanted",
    );
    function(
        "Environment: {Variables: {A: [1]}}",
        "9:36: Environment.Variables.A of F is a list: text is wanted",
    );
    function(
        "Policies: [{Statement: [{Effect: Perhaps, Action: x}]}]",
        "9:40: Policies.Statement[0].Effect of F is «Perhaps»: one of Allow, Deny is wanted",
    );
    function(
        "Policies: [{SQSSendMessagePolicy: {}}]",
        "9:41: Policies.SQSSendMessagePolicy.QueueName of F is missing",
    );
}

#[test]
fn a_wrong_event_is_refused() {
    function(
        "Events: {E: {Type: Sqs}}",
        "9:26: Events.E.Type of F is «Sqs», which is no event of SAM's (did you mean SQS?)",
    );
    function(
        "Events: {E: {Type: HttpApi, Properties: {Method: FETCH, Path: /a}}}",
        "9:56: Events.E.Method of F is «FETCH»: one of GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS, ANY is wanted",
    );
    function(
        "Events: {E: {Type: HttpApi, Properties: {Method: GET, Path: orders}}}",
        "9:67: Events.E.Path of F is «orders»: a path such as /orders/{id} is wanted",
    );
    function(
        "Events: {E: {Type: HttpApi, Properties: {Method: GET, Path: /a, Auth: {Authorizer: Me}}}}",
        "9:90: Authorizer of F is «Me»: the API has none of that name",
    );
    function(
        "Events: {E: {Type: SQS, Properties: {Queue: \"arn:aws:sqs:us-east-1:000000000000:q\", BatchSize: 11}}}",
        "9:43: BatchSize of FE is «11»: above 10 it needs a MaximumBatchingWindowInSeconds of at least 1",
    );
    function(
        "Events: {E: {Type: EventBridgeRule, Properties: {Pattern: abc}}}",
        "9:65: Events.E.Pattern of F is «abc»: a map of fields to lists of values is wanted",
    );
    function(
        "Events: {E: {Type: DynamoDB, Properties: {Stream: \"arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/x\"}}}",
        "9:48: Events.E.StartingPosition of F is missing",
    );
    function(
        "Events: {A: {Type: HttpApi, Properties: {Method: GET, Path: /a}}, B: {Type: HttpApi, Properties: {Method: get, Path: /a}}}",
        "9:76: route GET /a stands twice: first on line 9",
    );
}

#[test]
fn parameters_are_checked() {
    refused(
        "Parameters: {A: {Type: String}, B: {Type: String}}\nResources: {}\n",
        "1:14: parameters A, B need a value (no default stands in the template): --parameter A=…",
    );
    refused(
        "Parameters: {A: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /x}}\nResources: {}\n",
        "1:14: parameter A needs a value (parameters stored in Systems Manager are not read here): --parameter A=…",
    );
    refused(
        "Parameters: {A: {Type: String, Default: c, AllowedValues: [a, b]}}\nResources: {}\n",
        "1:59: Default of parameter A is «c»: one of a, b is wanted",
    );
    refused(
        "Parameters: {A: {Type: Number, Default: c}}\nResources: {}\n",
        "1:41: Default of parameter A is «c»: a number is wanted",
    );
    refused(
        "Parameters: {A: {Type: Number, Default: 10, MaxValue: 9}}\nResources: {}\n",
        "1:55: Default of parameter A is «10»: at most 9",
    );
    refused(
        "Parameters: {A: {Type: String, Default: ab, AllowedPattern: '[a-z]'}}\nResources: {}\n",
        "1:61: the value of parameter A is «ab»: AllowedPattern [a-z] does not match",
    );
    refused(
        "Parameters: {A: {Typ: String}}\nResources: {}\n",
        "1:18: «Typ» is no field of a parameter (A) (did you mean Type?)",
    );
    let mut options = Options::default();
    options.parameters.insert("Stagge".into(), "x".into());
    let text = "Parameters: {Stage: {Type: String, Default: a}}\nResources: {}\n";
    let error = load_str("t.yaml", text, &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.yaml:1:13: a value is given for Stagge, which is no parameter (did you mean Stage?)"
    );
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let error =
        super::super::load(std::path::Path::new("/absent/template.yaml"), &Options::default())
            .unwrap_err();
    assert!(
        error.to_string().starts_with("/absent/template.yaml:1:1: cannot be read: "),
        "{error}"
    );
}

#[test]
fn an_event_whose_resource_has_anothers_name_is_refused() {
    let text = "Transform: AWS::Serverless-2016-10-31\nResources:\n  PayQueue: {Type: AWS::SQS::Queue}\n  Pay:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      Handler: bootstrap\n      CodeUri: .\n      Events:\n        Queue: {Type: SQS, Properties: {Queue: !GetAtt PayQueue.Arn}}\n";
    refused(
        text,
        "11:9: event Queue of Pay makes a resource PayQueue, and there is one already: name the event otherwise",
    );
    good(&text.replace("        Queue:", "        Messages:"));
}

/// A template with one schedule of these properties, beside its target.
#[track_caller]
fn schedule(properties: &str, message: &str) {
    let target = "Target: {Arn: \"arn:aws:sqs:us-east-1:000000000000:q\", RoleArn: r}";
    let head = "Resources:\n  S:\n    Type: AWS::Scheduler::Schedule\n    Properties:\n";
    refused(&format!("{head}      {target}\n{properties}"), message);
}

#[test]
fn a_schedule_that_never_could_fire_is_refused_at_its_expression() {
    let window = "      FlexibleTimeWindow: {Mode: \"OFF\"}\n";
    let with = |line: &str| format!("{window}      {line}\n");
    schedule(
        &with("ScheduleExpression: cron(0 12 * * MON *)"),
        "7:27: ScheduleExpression of S is «cron(0 12 * * MON *)»: one of day-of-month and day-of-week must be ?",
    );
    schedule(
        &with("ScheduleExpression: rate(5 seconds)"),
        "7:27: ScheduleExpression of S is «rate(5 seconds)»: the unit of a rate is minutes, hours or days, not «seconds»",
    );
    schedule(
        &with("ScheduleExpression: rate(5 minutes)\n      ScheduleExpressionTimezone: Berlin"),
        "8:35: ScheduleExpressionTimezone of S is «Berlin»: the name of an IANA time zone is wanted, such as Europe/Berlin",
    );
    schedule(
        &with("ScheduleExpression: rate(5 minutes)\n      StartDate: tomorrow"),
        "8:18: StartDate of S is «tomorrow»: a date and time is wanted, such as 2026-11-21T20:00:00Z",
    );
    schedule(&with("State: ENABLED"), "5:7: ScheduleExpression of S is missing");
    schedule(
        "      ScheduleExpression: rate(5 minutes)\n",
        "5:7: FlexibleTimeWindow of S is missing",
    );
    function(
        "Events: {Tick: {Type: Schedule, Properties: {Schedule: rate(1 minutes)}}}",
        "9:62: Events.Tick.Schedule of F is «rate(1 minutes)»: the unit is singular for 1 and plural for more",
    );
    function(
        "Events: {Tick: {Type: ScheduleV2, Properties: {ScheduleExpression: at(2030-01-01)}}}",
        "9:74: Events.Tick.ScheduleExpression of F is «at(2030-01-01)»: at(yyyy-mm-ddThh:mm:ss) is wanted, not «2030-01-01»",
    );
    refused(
        "Resources:\n  B: {Type: AWS::Events::EventBus, Properties: {Name: b}}\n  R: {Type: AWS::Events::Rule, Properties: {EventBusName: !Ref B, ScheduleExpression: rate(1 day)}}\n",
        "3:87: ScheduleExpression of R stands on the bus b: only rules of the default bus can have one",
    );
}
