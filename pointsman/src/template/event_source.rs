//! Event-source mappings: `AWS::Lambda::EventSourceMapping` and SAM's SQS and DynamoDB events.

use super::build::Build;
use super::document::Raw;
use super::function::function_name;
use super::names::uuid;
use super::node::{Pos, Result, fault};
use super::props::Props;
use super::rule::pattern;
use crate::topology::{MappingSource, MappingSpec, Resource, Spec, StartingPosition};

pub(crate) fn read(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let mut props = build.props(raw)?;
    let function = function_name(&props.required("FunctionName")?);
    let Some(source) = props.text("EventSourceArn")? else {
        let what = "mapping of a source outside AWS";
        build.scope.remark(raw.kind_pos, &raw.id, what, "is not run here: it invokes nothing");
        return Ok(());
    };
    mapping(build, &raw.id, raw.pos, function, source, props)
}

/// A mapping from `source`; one of a service that is not run here is listed instead.
pub(crate) fn mapping(
    build: &mut Build<'_>,
    id: &str,
    pos: Pos,
    function: String,
    source_arn: String,
    mut props: Props,
) -> Result<()> {
    let region = build.scope.options.region.clone();
    let table = region.local("dynamodb", &source_arn).and_then(|rest| rest.strip_prefix("table/"));
    let queue = region.local("sqs", &source_arn);
    let most = if queue.is_some() || table.is_some() { 10_000 } else { u32::MAX };
    let default = if queue.is_some() { 10 } else { 100 };
    let batch_size = props.whole("BatchSize", 1..=most)?.unwrap_or(default);
    let window = props.whole("MaximumBatchingWindowInSeconds", 0..=300)?.unwrap_or(0);
    let enabled = props.flag("Enabled")?.unwrap_or(true);
    let mut report_failures = false;
    for kind in props.texts("FunctionResponseTypes")? {
        if kind != "ReportBatchItemFailures" {
            let message = format!(
                "FunctionResponseTypes of {id} holds «{kind}»: ReportBatchItemFailures is the only one"
            );
            return fault(props.pos, message);
        }
        report_failures = true;
    }
    let mut filters = Vec::new();
    if let Some(mut criteria) = props.map("FilterCriteria")? {
        for mut filter in criteria.maps("Filters")? {
            match pattern(&mut filter, "Pattern")? {
                Some(text) => filters.push(text),
                None => return filter.missing("Pattern"),
            }
        }
    }
    let source = if let Some(queue) = queue {
        if batch_size > 10 && window == 0 {
            let message = format!(
                "BatchSize of {id} is «{batch_size}»: above 10 it needs a MaximumBatchingWindowInSeconds of at least 1"
            );
            return fault(props.pos, message);
        }
        let max_concurrency = match props.map("ScalingConfig")? {
            Some(mut scaling) => scaling.whole("MaximumConcurrency", 2..=1_000)?,
            None => None,
        };
        MappingSource::Queue { queue: queue.to_owned(), max_concurrency }
    } else if let Some(table) = table {
        stream(build, &mut props, table.split('/').next().unwrap_or(table))?
    } else {
        let service = source_arn.split(':').nth(2).unwrap_or("unknown").to_owned();
        let what = format!("mapping of a source of {service}");
        build.scope.remark(pos, id, what, "is not run here: it invokes nothing");
        return Ok(());
    };
    props.finish(build.scope, &["KmsKeyArn", "MetricsConfig", "Tags", "LoggingConfig"]);
    let spec = MappingSpec {
        uuid: uuid(&build.scope.options.stack, id),
        function,
        source,
        enabled,
        batch_size,
        window,
        report_failures,
        filters,
    };
    build.push(id, pos, Spec::Mapping(spec));
    Ok(())
}

/// Refuses a mapping of a queue whose messages may come back before its function is done, as Lambda does.
pub(crate) fn timeouts(resources: &[Resource]) -> Result<()> {
    for resource in resources {
        let Spec::Mapping(mapping) = &resource.spec else { continue };
        let MappingSource::Queue { queue: wanted, .. } = &mapping.source else { continue };
        let visibility = resources.iter().find_map(|other| match &other.spec {
            Spec::Queue(queue) if queue.name == *wanted => Some(queue.visibility),
            _ => None,
        });
        let timeout = resources.iter().find_map(|other| match &other.spec {
            Spec::Function(function) if function.name == mapping.function => Some(function.timeout),
            _ => None,
        });
        if let (Some(visibility), Some(timeout)) = (visibility, timeout)
            && visibility < timeout
        {
            let pos = Pos { line: resource.place.line, column: resource.place.column };
            let message = format!(
                "Lambda refuses the mapping {}: Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds",
                resource.id
            );
            return fault(pos, message);
        }
    }
    Ok(())
}

fn stream(build: &Build<'_>, props: &mut Props, table: &str) -> Result<MappingSource> {
    let starting = match props.word("StartingPosition", &["TRIM_HORIZON", "LATEST"])? {
        Some("LATEST") => StartingPosition::Latest,
        Some(_) => StartingPosition::TrimHorizon,
        None => return props.missing("StartingPosition"),
    };
    let on_failure = match props.map("DestinationConfig")? {
        Some(mut config) => {
            let arn = match config.map("OnFailure")? {
                Some(mut side) => {
                    let arn = side.text("Destination")?;
                    side.finish(build.scope, &["Type"]);
                    arn
                }
                None => None,
            };
            config.finish(build.scope, &[]);
            arn
        }
        None => None,
    };
    Ok(MappingSource::Stream {
        table: table.to_owned(),
        starting,
        max_attempts: props.whole_or_endless("MaximumRetryAttempts", 0..=10_000)?,
        max_age_seconds: props.whole_or_endless("MaximumRecordAgeInSeconds", 60..=604_800)?,
        bisect: props.flag("BisectBatchOnFunctionError")?.unwrap_or(false),
        parallelization: props.whole("ParallelizationFactor", 1..=10)?.unwrap_or(1),
        on_failure,
    })
}
