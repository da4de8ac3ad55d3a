use super::Sku;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// So many of one sku, as they are taken from a shelf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pick {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: NonZeroU32,
}
