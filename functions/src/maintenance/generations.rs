//! The read model's generations: opened to be built, made live, removed.

use super::sweep::{Places, Swept, segments, sweep};
use crate::read_model::{Generations, ReadModel, identity};
use pointsman_kit::{
    clock::Deadline,
    consumer::Failure,
    table::{Item, Tables},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most characters of a generation's name.
const MAX_NAME: usize = 32;

/// Which generation is to be the live one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Switch {
    /// One that is being built.
    pub generation: String,
}

/// What a switch did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Switched {
    /// The generation that is read now.
    pub live: String,
    /// The one that was read before, if this call changed that. It gets no event any more.
    pub was: Option<String>,
}

/// Which generation is removed, and how far that has gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drop {
    /// One that is not the live one.
    pub generation: String,
    /// How many parts of the read model are read at once.
    #[serde(default = "segments")]
    pub segments: u32,
    /// How far it has gone.
    #[serde(default)]
    pub places: Places,
    /// How many rows were removed so far.
    #[serde(default)]
    pub removed: u64,
}

/// Lets a generation get every live event from now on, if it does not yet.
///
/// # Errors
/// If it is the live one; the table's; if another changed the generations at the same moment.
pub(super) async fn open(read_model: &ReadModel, generation: &str) -> Result<(), Failure> {
    let (found, mut generations) = read(read_model).await?;
    not_live(&generations.live, generation)?;
    if generations.building.iter().any(|building| building == generation) {
        return Ok(());
    }
    generations.building.push(generation.to_owned());
    change(read_model, found.as_ref(), &generations).await
}

/// Makes a generation that is being built the live one; the one before gets no event any more.
///
/// # Errors
/// If it is not being built; the table's; if another changed the generations at the same moment.
pub async fn switch(read_model: &ReadModel, switch: &Switch) -> Result<Switched, Failure> {
    let (found, Generations { live, mut building }) = read(read_model).await?;
    if live == switch.generation {
        return Ok(Switched { live, was: None });
    }
    let before = building.len();
    building.retain(|generation| *generation != switch.generation);
    if building.len() == before {
        let text = format!("generation {} is not being built", switch.generation);
        return Err(Failure::reject(text));
    }
    let after = Generations { live: switch.generation.clone(), building };
    change(read_model, found.as_ref(), &after).await?;
    Ok(Switched { live: after.live, was: Some(live) })
}

/// Removes a generation that is not the live one: it gets no event any more, and its rows go.
///
/// # Errors
/// If it is the live one; what can't pass.
pub async fn remove(
    tables: &Arc<dyn Tables>,
    read_model: &ReadModel,
    drop: &mut Drop,
    deadline: Deadline,
) -> Result<Swept, Failure> {
    check_name(&drop.generation)?;
    let (found, mut generations) = read(read_model).await?;
    not_live(&generations.live, &drop.generation)?;
    let before = generations.building.len();
    generations.building.retain(|generation| *generation != drop.generation);
    if generations.building.len() < before {
        change(read_model, found.as_ref(), &generations).await?;
    }
    let scan = read_model.everything();
    let Drop { generation, segments, places, removed } = drop;
    let visit = async |items: Vec<Item>| {
        let mut count = 0;
        for (of, order_id) in items.iter().filter_map(identity) {
            if of == *generation {
                read_model.remove(generation, order_id).await.map_err(super::of_table)?;
                count += 1;
            }
        }
        *removed += count;
        Ok(())
    };
    sweep(tables, &scan, *segments, places, deadline, visit).await
}

/// A generation's name is part of keys (before `#`) and of a replay's name (before `.`).
///
/// # Errors
/// If it can't be one.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    let text = format!("generation: 1 to {MAX_NAME} of a-z, 0-9 and -, not {name:?}");
    Err(Failure::reject(text))
}

/// What is done to the others is not done to the generation that is read.
///
/// # Errors
/// If it is that one.
pub(super) fn not_live(live: &str, generation: &str) -> Result<(), Failure> {
    if live == generation {
        return Err(Failure::reject(format!("generation {generation} is the live one")));
    }
    Ok(())
}

/// The pointer's row as it is, and what it means: without one, the first generation is live.
async fn read(read_model: &ReadModel) -> Result<(Option<Generations>, Generations), Failure> {
    let found = read_model.pointed().await.map_err(super::of_table)?;
    let meant = found.clone().unwrap_or_default();
    Ok((found, meant))
}

async fn change(
    read_model: &ReadModel,
    from: Option<&Generations>,
    to: &Generations,
) -> Result<(), Failure> {
    if read_model.point(from, to).await.map_err(super::of_table)? {
        return Ok(());
    }
    Err(Failure::retry("another call changed the generations at the same moment: call again"))
}
