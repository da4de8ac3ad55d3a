//! What the template promises about data and about what runs it. Each promise is a lint, and each lint is shown to find
//! its fault: the template, with a line of it made wrong, must not pass. (Rights have a file of their own.)

use crate::template::{Shop, root};
use pointsman::template::{self, Options, TemplateError};
use pointsman::topology::{FunctionSpec, MappingSource, Spec, StartingPosition, Statement};
use std::fs;

#[test]
fn every_function_writes_to_a_log_of_its_own_that_forgets() {
    fn lint(template: &Template) -> Vec<String> {
        let mut faults = vec![];
        for function in template.shop.functions() {
            let id = template.id_of(&function.name);
            let logs = template.block(&format!("{id}Logs"));
            let name = format!("LogGroupName: !Sub /aws/lambda/${{NamePrefix}}{}\n", function.name);
            let config = format!("LoggingConfig: {{LogFormat: JSON, LogGroup: !Ref {id}Logs}}");
            let kept = logs.contains("RetentionInDays: !Ref LogRetentionDays");
            let may = template
                .block(&format!("{id}Role"))
                .contains(&format!("Resource: !GetAtt {id}Logs.Arn"));
            if !(logs.contains("Type: AWS::Logs::LogGroup")
                && format!("{logs}\n").contains(&name)
                && kept
                && may
                && template.block(&id).contains(&config))
            {
                faults.push(id);
            }
        }
        faults
    }
    finds(
        lint,
        &[
            (
                "LoggingConfig: {LogFormat: JSON, LogGroup: !Ref PaymentLogs}",
                "LoggingConfig: {LogFormat: JSON, LogGroup: !Ref ShippingLogs}",
            ),
            (
                "LogGroupName: !Sub /aws/lambda/${NamePrefix}shipping\n      RetentionInDays: !Ref LogRetentionDays",
                "LogGroupName: !Sub /aws/lambda/${NamePrefix}shipping",
            ),
            ("Resource: !GetAtt InventoryLogs.Arn", "Resource: !GetAtt PaymentLogs.Arn"),
        ],
    );
}

#[test]
fn the_stream_is_read_from_its_beginning_and_one_bad_row_holds_it_up_for_a_time_only() {
    fn lint(template: &Template) -> Vec<String> {
        let mut faults = vec![];
        for mapping in template.shop.mappings() {
            let MappingSource::Stream {
                starting,
                max_attempts,
                max_age_seconds,
                bisect,
                on_failure,
                ..
            } = &mapping.source
            else {
                continue;
            };
            // A stream keeps a row for a day; what is given up must be told before it is gone. Age alone gives up:
            // any number of attempts but the greatest would be used up long before.
            let bounded = *max_attempts == Some(10_000)
                && max_age_seconds.is_some_and(|age| (3600..86_400).contains(&age));
            if *starting != StartingPosition::TrimHorizon
                || !bounded
                || !bisect
                || on_failure.is_none()
                || !mapping.report_failures
            {
                faults.push(mapping.function.clone());
            }
        }
        faults
    }
    finds(
        lint,
        &[
            ("StartingPosition: TRIM_HORIZON", "StartingPosition: LATEST"),
            ("\n            MaximumRetryAttempts: 10000", ""),
            ("MaximumRetryAttempts: 10000", "MaximumRetryAttempts: 100"),
            ("\n            MaximumRecordAgeInSeconds: 43200", ""),
            ("BisectBatchOnFunctionError: true", "BisectBatchOnFunctionError: false"),
            (
                "\n            DestinationConfig: {OnFailure: {Destination: !GetAtt OutboxRelayDlq.Arn}}",
                "",
            ),
        ],
    );
}

#[test]
fn what_cannot_be_made_again_outlives_its_stack_and_a_mistake() {
    fn lint(template: &Template) -> Vec<String> {
        let needed = [
            "\n    DeletionPolicy: Retain\n",
            "\n    UpdateReplacePolicy: Retain\n",
            "\n      DeletionProtectionEnabled: true\n",
            "\n      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}\n",
            "\n      SSESpecification: {SSEEnabled: true}\n",
        ];
        let lacks = |table: &'static str| {
            let block = template.block(table);
            let missing = needed.into_iter().filter(move |line| !block.contains(line));
            missing.map(move |line| format!("{table}: {}", line.trim()))
        };
        let pool = template.block("UserPool");
        let of_pool = [needed[0], needed[1], "\n      DeletionProtection: ACTIVE\n"];
        let of_pool = of_pool.into_iter().filter(|line| !pool.contains(line));
        let of_pool = of_pool.map(|line| format!("UserPool: {}", line.trim()));
        ["EventStore", "Services"].into_iter().flat_map(lacks).chain(of_pool).collect()
    }
    finds(
        lint,
        &[
            ("    DeletionPolicy: Retain\n", ""),
            ("    UpdateReplacePolicy: Retain\n", "    UpdateReplacePolicy: Delete\n"),
            ("      DeletionProtectionEnabled: true\n", ""),
            ("      DeletionProtection: ACTIVE\n", ""),
            ("{PointInTimeRecoveryEnabled: true}", "{PointInTimeRecoveryEnabled: false}"),
        ],
    );
}

#[test]
fn tokens_are_judged_by_the_parameters_and_every_route_names_its_scope() {
    fn lint(template: &Template) -> Vec<String> {
        // A parameter that is not used leaves the authorizer as it is.
        let text = template.text.replace(
            "Default: \"\"\n    AllowedPattern: ^(h",
            "Default: https://issuer.other\n    AllowedPattern: ^(h",
        );
        let text = text
            .replace("    Default: shop\n    MinLength: 1", "    Default: other\n    MinLength: 1");
        let mut faults = vec![];
        for resource in &Template::of(&text).expect("only parameters differ").shop.loaded.resources
        {
            let Spec::HttpApi(api) = &resource.spec else { continue };
            for (name, authorizer) in &api.authorizers {
                if (authorizer.issuer.as_str(), &authorizer.audience[..])
                    != ("https://issuer.other", &["other".to_owned()])
                {
                    faults.push(format!("{name}: {authorizer:?}"));
                }
            }
            let open = api.routes.iter().filter(|route| {
                match (route.method.as_str(), route.path.as_str()) {
                    // Its signature is judged by its function: a payment provider has no token.
                    ("POST", "/webhooks/payments") => route.authorizer.is_some(),
                    _ => route.authorizer.is_none() || route.scopes.is_empty(),
                }
            });
            faults.extend(open.map(|route| format!("{route:?}")));
        }
        faults
    }
    finds(
        lint,
        &[
            ("- !Ref JwtIssuer", "- https://issuer.invalid"),
            ("!Ref UserPoolClient, !Ref JwtAudience]", "!Ref UserPoolClient, shop]"),
            (
                "\n            Auth: {AuthorizationScopes: [orders:write, \"shop/orders:write\"]}",
                "",
            ),
            (
                "Auth: {AuthorizationScopes: [readings:write, \"shop/readings:write\"]}",
                "Auth: {Authorizer: NONE}",
            ),
            ("Auth: {Authorizer: NONE}", "Auth: {AuthorizationScopes: [orders:write]}"),
            ("\n        DefaultAuthorizer: Caller", ""),
        ],
    );
}

#[test]
fn a_secret_is_referred_to_and_stands_in_no_file_that_is_deployed() {
    fn lint(template: &Template) -> Vec<String> {
        let given = template::read_secrets(&root().join("infra/local.env")).expect("secrets");
        let open = given.values().filter(|secret| template.text.contains(*secret));
        let mut faults: Vec<String> = open.map(|_| "a secret stands there".to_owned()).collect();
        for function in template.shop.functions() {
            for (name, value) in &function.environment {
                let is_secret = name.contains("SECRET");
                if is_secret != given.values().any(|secret| secret == value) {
                    faults.push(format!("{}: {name}", function.name));
                }
            }
        }
        faults
    }
    let reference = "!Sub \"{{resolve:secretsmanager:${PaymentWebhookSecret}}}\"";
    finds(
        lint,
        &[
            (reference, "local-only-webhook-secret"),
            (reference, "in-the-open-for-everyone"),
            (reference, "!Ref PaymentWebhookSecret"),
        ],
    );
}

#[test]
fn a_message_is_tried_five_times_and_its_dead_letter_outlives_it() {
    fn lint(template: &Template) -> Vec<String> {
        let mut faults = vec![];
        for resource in &template.shop.loaded.resources {
            let Spec::Queue(queue) = &resource.spec else { continue };
            let read = template.shop.mappings().any(|mapping| matches!(&mapping.source, MappingSource::Queue { queue: source, .. } if *source == queue.name));
            let kept = match &queue.redrive {
                Some(redrive) => {
                    redrive.max_receives >= 5
                        && template.shop.queue(&redrive.target).retention > queue.retention
                }
                None => !read && queue.retention == 1_209_600,
            };
            if !kept {
                faults.push(queue.name.clone());
            }
        }
        faults
    }
    finds(
        lint,
        &[
            ("maxReceiveCount: 5", "maxReceiveCount: 3"),
            ("MessageRetentionPeriod: 345600", "MessageRetentionPeriod: 1209600"),
            (
                "      RedrivePolicy:\n        deadLetterTargetArn: !GetAtt PaymentDlq.Arn\n        maxReceiveCount: 5\n",
                "",
            ),
        ],
    );
}

#[test]
fn a_whole_batch_of_payments_may_wait_for_the_provider_before_its_invocation_ends() {
    fn lint(template: &Template) -> Vec<String> {
        let source = root().join("functions/src/provider.rs");
        let source = fs::read_to_string(source).expect("a source file");
        let timeout = source
            .split_once("TIMEOUT: Duration = Duration::from_secs(")
            .and_then(|(_, rest)| rest.split_once(')')?.0.parse::<u32>().ok())
            .expect("how long a question may take");
        let payment = template.shop.functions().find(|function| function.name == "payment");
        let payment = payment.expect("the function");
        let mappings = template.shop.mappings().filter(|mapping| mapping.function == "payment");
        // Of one message, the provider may be asked two questions.
        let late = mappings.filter(|mapping| 2 * timeout * mapping.batch_size >= payment.timeout);
        late.map(|mapping| format!("a batch of {}", mapping.batch_size)).collect()
    }
    let batch = "is nearly all that an invocation has.\n            BatchSize: ";
    finds(lint, &[(&format!("{batch}1\n"), &format!("{batch}2\n"))]);
}

/// The template's text and what the engine makes of it.
pub(crate) struct Template {
    text: String,
    pub(crate) shop: Shop,
}

impl Template {
    fn of(text: &str) -> Result<Template, TemplateError> {
        let path = root().join("infra/template.yaml");
        let secrets = template::read_secrets(&root().join("infra/local.env"))?;
        let options = Options { secrets, ..Options::default() };
        let loaded = template::load_str(&path.display().to_string(), text, &options)?;
        Ok(Template { text: text.to_owned(), shop: Shop::of(loaded) })
    }

    /// Every statement that allows a function something.
    pub(crate) fn allowed(&self) -> impl Iterator<Item = (&FunctionSpec, &Statement)> {
        self.shop.functions().flat_map(|function| {
            let statements = function.statements.iter().flatten();
            statements
                .filter(|statement| statement.allow)
                .map(move |statement| (function, statement))
        })
    }

    /// The lines of a resource, for what the engine has no use for.
    fn block(&self, id: &str) -> &str {
        let Some((_, rest)) = self.text.split_once(&format!("\n  {id}:\n")) else { return "" };
        rest.split("\n\n").next().unwrap_or_default()
    }

    /// `order-view` is `OrderView` in the template.
    fn id_of(&self, function: &str) -> String {
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        function.split('-').map(capital).collect()
    }
}

/// The template is without fault, and with any one of `mutations` made in it is not, or is refused as a whole.
#[track_caller]
pub(crate) fn finds(lint: fn(&Template) -> Vec<String>, mutations: &[(&str, &str)]) {
    let text = fs::read_to_string(root().join("infra/template.yaml")).expect("the template");
    let faults = lint(&Template::of(&text).expect("the template is good"));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for (line, wrong) in mutations {
        assert!(text.contains(line), "the template has no line to make wrong: {line}");
        let Ok(template) = Template::of(&text.replacen(line, wrong, 1)) else { continue };
        assert!(!lint(&template).is_empty(), "unseen: {line} → {wrong}");
    }
}
