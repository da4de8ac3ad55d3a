use crate::engine::Fault;
use crate::services::mapping::Mapping;
use crate::topology::{MappingSource, Region, StartingPosition};
use serde::{Deserialize, Serialize};

/// An event-source mapping as answers have it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Shown {
    #[serde(rename = "UUID")]
    uuid: String,
    event_source_mapping_arn: String,
    event_source_arn: String,
    function_arn: String,
    /// `Enabled` or `Disabled`: changes take effect at once, so that nothing is ever under way.
    state: &'static str,
    state_transition_reason: &'static str,
    batch_size: u32,
    maximum_batching_window_in_seconds: u32,
    function_response_types: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_criteria: Option<FilterCriteria>,
    /// Seconds since the epoch.
    last_modified: f64,
    #[serde(flatten)]
    source: Source,
}

/// `FilterCriteria`, in requests too.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FilterCriteria {
    #[serde(default)]
    pub(super) filters: Vec<Filter>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub(super) pattern: String,
}

/// `ScalingConfig`, in requests too.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScalingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maximum_concurrency: Option<u32>,
}

/// `DestinationConfig`, in requests too.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DestinationConfig {
    #[serde(default)]
    pub(super) on_failure: OnFailure,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OnFailure {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) destination: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Source {
    #[serde(rename_all = "PascalCase")]
    Queue {
        #[serde(skip_serializing_if = "Option::is_none")]
        scaling_config: Option<ScalingConfig>,
    },
    #[serde(rename_all = "PascalCase")]
    Stream {
        starting_position: &'static str,
        maximum_retry_attempts: i64,
        maximum_record_age_in_seconds: i64,
        bisect_batch_on_function_error: bool,
        parallelization_factor: u32,
        tumbling_window_in_seconds: u32,
        destination_config: DestinationConfig,
    },
}

impl Shown {
    pub(super) fn of(mapping: &Mapping, region: &Region) -> Shown {
        let spec = &mapping.spec;
        let (event_source_arn, source) = source(&spec.source, region);
        let filters = spec.filters.iter().map(|pattern| Filter { pattern: pattern.clone() });
        Shown {
            uuid: spec.uuid.clone(),
            event_source_mapping_arn: region.mapping(&spec.uuid),
            event_source_arn,
            function_arn: region.function(&spec.function),
            state: if spec.enabled { "Enabled" } else { "Disabled" },
            state_transition_reason: "USER_INITIATED",
            batch_size: spec.batch_size,
            maximum_batching_window_in_seconds: spec.window,
            function_response_types: match spec.report_failures {
                true => vec!["ReportBatchItemFailures"],
                false => vec![],
            },
            filter_criteria: (!spec.filters.is_empty())
                .then(|| FilterCriteria { filters: filters.collect() }),
            last_modified: mapping.modified.0 as f64 / 1000.0,
            source,
        }
    }
}

fn source(of: &MappingSource, region: &Region) -> (String, Source) {
    match of {
        MappingSource::Queue { queue, max_concurrency } => {
            let scaling_config =
                max_concurrency.map(|most| ScalingConfig { maximum_concurrency: Some(most) });
            (region.queue(queue), Source::Queue { scaling_config })
        }
        MappingSource::Stream {
            table,
            starting,
            max_attempts,
            max_age_seconds,
            bisect,
            parallelization,
            on_failure,
        } => {
            let or_endless = |most: &Option<u32>| most.map_or(-1, i64::from);
            let source = Source::Stream {
                starting_position: match starting {
                    StartingPosition::TrimHorizon => "TRIM_HORIZON",
                    StartingPosition::Latest => "LATEST",
                },
                maximum_retry_attempts: or_endless(max_attempts),
                maximum_record_age_in_seconds: or_endless(max_age_seconds),
                bisect_batch_on_function_error: *bisect,
                parallelization_factor: *parallelization,
                tumbling_window_in_seconds: 0,
                destination_config: DestinationConfig {
                    on_failure: OnFailure { destination: on_failure.clone() },
                },
            };
            (format!("{}/stream", region.table(table)), source)
        }
    }
}

/// There is no mapping of this UUID.
pub(super) fn missing() -> Fault {
    Fault::new("ResourceNotFoundException", "The resource you requested does not exist.")
}
