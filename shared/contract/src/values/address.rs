use super::{City, Country, Name, PostalCode, Region, Street};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where something is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// Who receives it.
    pub recipient: Name,
    /// Street and number.
    pub street: Street,
    /// Floor, care of, and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplement: Option<Street>,
    /// The postal code, as the country writes it.
    pub postal_code: PostalCode,
    /// The city.
    pub city: City,
    /// State or province, where a country's post wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The country.
    pub country: Country,
}

/// The form of an [`Address`] in a request, where an unknown field is refused: in an event it is
/// tolerated, as a later version may have added it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Address", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Address")]
pub struct StrictAddress {
    recipient: Name,
    street: Street,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    supplement: Option<Street>,
    postal_code: PostalCode,
    city: City,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    country: Country,
}
