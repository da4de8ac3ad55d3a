//! Whether a generation of the read model says the same as the live one.

use super::{
    Examples,
    generations::{check_name, not_live},
    sweep::{Places, Swept, segments, sweep},
};
use crate::read_model::{Found, ReadModel, identity};
use contract::values::OrderId;
use pointsman_kit::{
    clock::Deadline,
    consumer::Failure,
    table::{Item, Tables},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which generation is compared, and how far that has gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compare {
    /// The generation.
    pub generation: String,
    /// How many parts of the read model are read at once.
    #[serde(default = "segments")]
    pub segments: u32,
    /// How far it has gone.
    #[serde(default)]
    pub places: Places,
    /// What was found so far.
    #[serde(default)]
    pub compared: Compared,
}

/// What a comparison found: orders, each counted once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Compared {
    /// Both say the same.
    pub equal: u64,
    /// They say different things. While events arrive, one may just be ahead of the other.
    pub different: u64,
    /// Only one of them has the order.
    pub missing: u64,
    /// Some of these, with what differs.
    pub examples: Examples,
}

/// Compares each order's rows of the two generations.
///
/// # Errors
/// If the generation is the live one; what can't pass, such as a malformed row, which is named.
pub async fn run(
    tables: &Arc<dyn Tables>,
    read_model: &ReadModel,
    compare: &mut Compare,
    deadline: Deadline,
) -> Result<Swept, Failure> {
    check_name(&compare.generation)?;
    let live = read_model.generations().await.map_err(super::of_table)?.live;
    not_live(&live, &compare.generation)?;
    let scan = read_model.everything();
    let Compare { generation, segments, places, compared } = compare;
    let visit = async |items: Vec<Item>| {
        let mut found = Compared::default();
        for (of, order_id) in items.iter().filter_map(identity) {
            // An order that both have is counted with its live row.
            if of == live || of == *generation {
                found.one(read_model, &live, generation, order_id, of == live).await?;
            }
        }
        compared.equal += found.equal;
        compared.different += found.different;
        compared.missing += found.missing;
        compared.examples.extend(found.examples);
        Ok(())
    };
    sweep(tables, &scan, *segments, places, deadline, visit).await
}

impl Compared {
    async fn one(
        &mut self,
        read_model: &ReadModel,
        live: &str,
        generation: &str,
        order_id: OrderId,
        by_live: bool,
    ) -> Result<(), Failure> {
        let read = async || {
            let live = read_model.find(live, order_id).await.map_err(super::of_table)?;
            let other = read_model.find(generation, order_id).await.map_err(super::of_table)?;
            Ok::<_, Failure>((live, other))
        };
        let (mut one, mut other) = read().await?;
        if one.view != other.view {
            // An event may just have reached the one and not the other.
            (one, other) = read().await?;
        }
        let has = |found: &Found| found.rev.is_some();
        match (has(&one), has(&other)) {
            (true, true) if !by_live => {}
            (true, true) if one.view == other.view => self.equal += 1,
            (true, true) => {
                self.different += 1;
                self.examples.add(format!("{order_id}: {}", differing(&one, &other)));
            }
            (false, false) => {}
            (here, _) => {
                self.missing += 1;
                let missing = if here { generation } else { live };
                self.examples.add(format!("{order_id}: not in generation {missing}"));
            }
        }
        Ok(())
    }
}

/// The names of what two views say differently.
fn differing(one: &Found, other: &Found) -> String {
    let fields = |found: &Found| match serde_json::to_value(&found.view) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (one, other) = (fields(one), fields(other));
    let names = one.keys().filter(|name| one.get(*name) != other.get(*name));
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}
