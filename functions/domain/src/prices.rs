//! What things cost: parsed once from JSON, given to decisions as an argument.

use contract::values::{Amount, Currency, Sku};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use std::{collections::BTreeMap, fmt};

/// The shop's own list, `{"<sku>": {"amount": <minor units>, "currency": "<ISO 4217>"}, …}`.
pub const JSON: &str = include_str!("../prices.json");

/// The greatest price of one piece, in minor units: 50 lines of 999 at this price still fit an
/// [`Amount`].
pub const MAX_PRICE: u64 = 100_000_000_000;

/// The price of each sku that the shop sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices(BTreeMap<Sku, Price>);

/// The price of one piece.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Minor units, 1 to [`MAX_PRICE`].
    pub amount: Amount,
    /// The currency it is sold in.
    pub currency: Currency,
}

impl Prices {
    /// Reads a list.
    ///
    /// # Errors
    /// If it is no JSON of that form, is empty, names a sku twice, or has a price out of bounds;
    /// the message says where.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The price of `sku`; `None` if it is not sold.
    pub fn of(&self, sku: &Sku) -> Option<&Price> {
        self.0.get(sku)
    }
}

impl<'de> Deserialize<'de> for Prices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(List)
    }
}

/// Reads by hand, as a map would silently keep the last of two prices of a sku.
struct List;

impl<'de> Visitor<'de> for List {
    type Value = Prices;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from sku to price")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Prices, A::Error> {
        let mut prices = BTreeMap::new();
        while let Some((sku, price)) = map.next_entry::<Sku, Price>()? {
            if !(1..=MAX_PRICE).contains(&price.amount.get()) {
                return Err(A::Error::custom(format_args!(
                    "the price of {sku} must be 1 to {MAX_PRICE} minor units"
                )));
            }
            if prices.contains_key(&sku) {
                return Err(A::Error::custom(format_args!("{sku} has two prices")));
            }
            prices.insert(sku, price);
        }
        if prices.is_empty() {
            return Err(A::Error::custom("no prices"));
        }
        Ok(Prices(prices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shops_own_list_is_good() {
        let prices = Prices::parse(JSON).unwrap();
        let tea = prices.of(&"TEA-ASSAM-100".parse().unwrap()).unwrap();
        assert_eq!((tea.amount.get(), tea.currency.as_str()), (790, "EUR"));
        assert_eq!(prices.of(&"NOTHING".parse().unwrap()), None);
    }

    #[test]
    fn a_bad_list_is_refused_with_the_fault_named() {
        for (json, fault) in [
            ("{}", "no prices"),
            ("[]", "an object from sku to price"),
            (r#"{"a": {"amount": 1, "currency": "EUR"}}"#, "sku must be"),
            (r#"{"A": {"amount": 0, "currency": "EUR"}}"#, "the price of A must be 1 to"),
            (r#"{"A": {"amount": 100000000001, "currency": "EUR"}}"#, "the price of A must be"),
            (r#"{"A": {"amount": 1.5, "currency": "EUR"}}"#, "1.5"),
            (r#"{"A": {"amount": 1, "currency": "Euro"}}"#, "currency must be"),
            (r#"{"A": {"amount": 1, "currency": "EUR", "x": 1}}"#, "unknown field `x`"),
            (
                r#"{"A": {"amount": 1, "currency": "EUR"}, "A": {"amount": 2, "currency": "EUR"}}"#,
                "A has two prices",
            ),
        ] {
            let error = Prices::parse(json).unwrap_err().to_string();
            assert!(error.contains(fault), "{json}: {error}");
        }
    }
}
