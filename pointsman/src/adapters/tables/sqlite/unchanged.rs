//! A write that changes nothing leaves no record in DynamoDB's stream; the library writes one.
//!
//! A trigger on each table with a stream compares what a write replaces with what it brings, and a trigger on the
//! records drops the `MODIFY` that follows such a write. Both are temporary: they live in this connection, so the
//! file stays as the library made it.

use dynoxide::storage::Storage;
use rusqlite::functions::FunctionFlags;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Makes the functions and the trigger on records.
pub(super) fn install(storage: &Storage) -> Result<(), dynoxide::DynoxideError> {
    let connection = storage.conn();
    let unchanged = Arc::new(AtomicBool::new(false));
    let compared = unchanged.clone();
    connection.create_scalar_function(
        "pointsman_compare",
        2,
        FunctionFlags::SQLITE_UTF8,
        move |arguments| {
            let old = arguments.get_raw(0).as_str_or_null()?;
            let new = arguments.get_raw(1).as_str_or_null()?;
            let same = matches!((old, new), (Some(old), Some(new)) if same_item(old, new));
            compared.store(same, Relaxed);
            Ok(same)
        },
    )?;
    connection.create_scalar_function(
        "pointsman_unchanged",
        0,
        FunctionFlags::SQLITE_UTF8,
        move |_| Ok(unchanged.load(Relaxed)),
    )?;
    connection.execute_batch(
        "CREATE TEMP TRIGGER pointsman_skip BEFORE INSERT ON main._stream_records
         WHEN NEW.event_name = 'MODIFY' AND pointsman_unchanged()
         BEGIN SELECT RAISE(IGNORE); END;",
    )?;
    watch_all(storage)
}

/// Watches every table that has a stream; to be called again when a table was made or got a stream.
pub(super) fn watch_all(storage: &Storage) -> Result<(), dynoxide::DynoxideError> {
    for table in storage.list_stream_enabled_tables()? {
        let name = table.table_name.replace('"', "\"\"");
        storage.conn().execute_batch(&format!(
            "CREATE TEMP TRIGGER IF NOT EXISTS \"pointsman_compare {name}\"
             BEFORE INSERT ON main.\"{name}\"
             BEGIN SELECT pointsman_compare(
                 (SELECT item_json FROM main.\"{name}\" WHERE pk = NEW.pk AND sk = NEW.sk), NEW.item_json);
             END;"
        ))?;
    }
    Ok(())
}

/// Whether two items, written by the same hand, are the same: attributes and members of sets may come in any order.
fn same_item(old: &str, new: &str) -> bool {
    if old == new {
        return true;
    }
    // The same parts in another order take the same room.
    if old.len() != new.len() {
        return false;
    }
    let read = |text| serde_json::from_str::<Value>(text).ok().map(ordered);
    matches!((read(old), read(new)), (Some(old), Some(new)) if old == new)
}

fn ordered(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, member)| match member {
                    Value::Array(mut set) if matches!(name.as_str(), "SS" | "NS" | "BS") => {
                        set.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                        (name, Value::Array(set))
                    }
                    member => (name, ordered(member)),
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(ordered).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::same_item;

    #[track_caller]
    fn check(old: &str, new: &str, same: bool) {
        assert_eq!(same_item(old, new), same, "{old} and {new}");
    }

    #[test]
    fn items_are_compared_by_their_parts_not_by_their_text() {
        check(r#"{"a":{"S":"1"},"b":{"N":"2"}}"#, r#"{"b":{"N":"2"},"a":{"S":"1"}}"#, true);
        check(r#"{"a":{"SS":["x","y"]}}"#, r#"{"a":{"SS":["y","x"]}}"#, true);
        check(
            r#"{"a":{"L":[{"S":"x"},{"S":"y"}]}}"#,
            r#"{"a":{"L":[{"S":"y"},{"S":"x"}]}}"#,
            false,
        );
        check(r#"{"a":{"S":"1"}}"#, r#"{"a":{"S":"2"}}"#, false);
        check(r#"{"a":{"S":"1"}}"#, r#"{"a":{"N":"1"}}"#, false);
    }
}
