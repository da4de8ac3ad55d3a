use super::super::ask::Ask;
use super::super::reply::Body;
use super::get_event_source_mapping::look;
use super::mapping::{DestinationConfig, FilterCriteria, ScalingConfig};
use super::name::function;
use super::{invalid, json};
use crate::engine::Fault;
use crate::services::mapping::UpdateMapping;
use crate::topology::{MappingSource, MappingSpec};
use hyper::{Response, StatusCode};
use pointsman_router::Pattern;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is to change; what is not named stays.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    function_name: Option<String>,
    enabled: Option<bool>,
    batch_size: Option<i64>,
    maximum_batching_window_in_seconds: Option<i64>,
    function_response_types: Option<Vec<String>>,
    filter_criteria: Option<FilterCriteria>,
    scaling_config: Option<ScalingConfig>,
    maximum_retry_attempts: Option<i64>,
    maximum_record_age_in_seconds: Option<i64>,
    bisect_batch_on_function_error: Option<bool>,
    parallelization_factor: Option<i64>,
    destination_config: Option<DestinationConfig>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

pub(super) async fn answer(
    ask: &Ask<'_>,
    uuid: &str,
    body: &[u8],
) -> Result<Response<Body>, Fault> {
    let mut request: Request = serde_json::from_slice(body).map_err(|error| {
        Fault::new(
            "InvalidRequestContentException",
            format!("Could not parse request body into json: {error}"),
        )
    })?;
    let others = request.others.iter();
    if let Some((name, _)) = others.into_iter().find(|(n, v)| *n != "UUID" && !v.is_null()) {
        return Err(invalid(format!("{name} of an event source mapping is not supported here.")));
    }
    if let Some(given) = request.function_name.take() {
        request.function_name = Some(existing_function(ask, &given).await?);
    }
    let change = move |spec: &mut MappingSpec| request.change(spec);
    ask.submit(UpdateMapping { mapping: uuid.into(), change: Box::new(change) }).await?;
    json(ask, StatusCode::ACCEPTED, &look(ask, uuid).await?)
}

async fn existing_function(ask: &Ask<'_>, given: &str) -> Result<String, Fault> {
    let name = function(ask.region(), given, None)?;
    let arn = ask.region().function(&name);
    let wanted = name.clone();
    match ask.read(move |state, _| state.functions.contains_key(&wanted)).await? {
        true => Ok(name.to_string()),
        false => Err(Fault::new("ResourceNotFoundException", format!("Function not found: {arn}"))),
    }
}

impl Request {
    fn change(&self, spec: &mut MappingSpec) -> Result<(), Fault> {
        if let Some(function) = &self.function_name {
            spec.function.clone_from(function);
        }
        spec.enabled = self.enabled.unwrap_or(spec.enabled);
        number("BatchSize", self.batch_size, 1, 10_000, &mut spec.batch_size)?;
        let window = self.maximum_batching_window_in_seconds;
        number("MaximumBatchingWindowInSeconds", window, 0, 300, &mut spec.window)?;
        if let Some(types) = &self.function_response_types {
            if let Some(other) = types.iter().find(|t| *t != "ReportBatchItemFailures") {
                return Err(invalid(format!("FunctionResponseTypes knows no {other:?}.")));
            }
            spec.report_failures = !types.is_empty();
        }
        if let Some(criteria) = &self.filter_criteria {
            spec.filters = filters(criteria)?;
        }
        self.change_source(&mut spec.source)?;
        let is_queue = matches!(spec.source, MappingSource::Queue { .. });
        if is_queue && spec.batch_size > 10 && spec.window == 0 {
            return Err(invalid(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
                    .into(),
            ));
        }
        Ok(())
    }

    fn change_source(&self, source: &mut MappingSource) -> Result<(), Fault> {
        match source {
            MappingSource::Queue { max_concurrency, .. } => {
                self.refuse_of_streams()?;
                if let Some(scaling) = &self.scaling_config {
                    match scaling.maximum_concurrency {
                        Some(most) if !(2..=1_000).contains(&most) => {
                            return Err(invalid(format!(
                                "MaximumConcurrency is from 2 to 1000, not {most}."
                            )));
                        }
                        most => *max_concurrency = most,
                    }
                }
            }
            MappingSource::Stream {
                max_attempts,
                max_age_seconds,
                bisect,
                parallelization,
                on_failure,
                ..
            } => {
                if self.scaling_config.is_some() {
                    return Err(invalid("ScalingConfig is of queues, not of streams.".into()));
                }
                let attempts = self.maximum_retry_attempts;
                or_endless("MaximumRetryAttempts", attempts, 10_000, max_attempts)?;
                let age = self.maximum_record_age_in_seconds;
                or_endless("MaximumRecordAgeInSeconds", age, 604_800, max_age_seconds)?;
                *bisect = self.bisect_batch_on_function_error.unwrap_or(*bisect);
                let factor = self.parallelization_factor;
                number("ParallelizationFactor", factor, 1, 10, parallelization)?;
                if let Some(config) = &self.destination_config {
                    on_failure.clone_from(&config.on_failure.destination);
                }
            }
        }
        Ok(())
    }

    fn refuse_of_streams(&self) -> Result<(), Fault> {
        let given = [
            ("MaximumRetryAttempts", self.maximum_retry_attempts.is_some()),
            ("MaximumRecordAgeInSeconds", self.maximum_record_age_in_seconds.is_some()),
            ("BisectBatchOnFunctionError", self.bisect_batch_on_function_error.is_some()),
            ("ParallelizationFactor", self.parallelization_factor.is_some()),
            ("DestinationConfig", self.destination_config.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(invalid(format!("{name} is of streams, not of queues."))),
            None => Ok(()),
        }
    }
}

fn number(
    what: &str,
    value: Option<i64>,
    least: u32,
    most: u32,
    to: &mut u32,
) -> Result<(), Fault> {
    let Some(value) = value else { return Ok(()) };
    let fits = u32::try_from(value).ok().filter(|n| (least..=most).contains(n));
    *to = fits.ok_or_else(|| invalid(format!("{what} is from {least} to {most}, not {value}.")))?;
    Ok(())
}

/// -1 is without end.
fn or_endless(
    what: &str,
    value: Option<i64>,
    most: u32,
    to: &mut Option<u32>,
) -> Result<(), Fault> {
    if value == Some(-1) {
        *to = None;
        return Ok(());
    }
    let mut limit = 0;
    number(what, value, 0, most, &mut limit)?;
    if value.is_some() {
        *to = Some(limit);
    }
    Ok(())
}

fn filters(criteria: &FilterCriteria) -> Result<Vec<String>, Fault> {
    if criteria.filters.len() > 5 {
        return Err(invalid(format!(
            "FilterCriteria has at most 5 filters, not {}.",
            criteria.filters.len()
        )));
    }
    let patterns = criteria.filters.iter().map(|filter| {
        Pattern::parse(&filter.pattern)
            .map(|_| filter.pattern.clone())
            .map_err(|error| invalid(format!("Invalid filter pattern definition. {error}")))
    });
    patterns.collect()
}
