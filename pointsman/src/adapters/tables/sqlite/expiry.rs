//! Time to live. The library's sweep reads every row of a table, so it is asked only when an index of our own says
//! that something has expired.

use super::actions::ready;
use dynoxide::DynoxideError;
use dynoxide::storage::{Storage, TableMetadata};

type Result<T> = std::result::Result<T, DynoxideError>;

/// Deletes items whose time has passed at `now`, in milliseconds of engine time, and says how many.
pub(super) fn sweep(storage: &Storage, now: i64) -> Result<usize> {
    for table in storage.list_ttl_enabled_tables()? {
        if any_expired(storage, &table, now.div_euclid(1000))? {
            return ready(dynoxide::ttl::sweep_expired_items(storage));
        }
    }
    Ok(0)
}

fn any_expired(storage: &Storage, table: &TableMetadata, now: i64) -> Result<bool> {
    let Some(attribute) = &table.ttl_attribute else { return Ok(false) };
    if attribute.contains(['"', '\'', '\\']) {
        // No JSON path can be written for it without escapes: let the sweep look.
        return Ok(true);
    }
    let name = table.table_name.replace('"', "\"\"");
    let time = format!("CAST(json_extract(item_json, '$.\"{attribute}\".N') AS INTEGER)");
    let connection = storage.conn();
    connection.execute_batch(&format!(
        "CREATE INDEX IF NOT EXISTS \"pointsman_expiry {name} {attribute}\" ON \"{name}\" ({time})"
    ))?;
    let query = format!("SELECT EXISTS (SELECT 1 FROM \"{name}\" WHERE {time} BETWEEN 0 AND ?1)");
    Ok(connection.prepare_cached(&query)?.query_row([now - 1], |row| row.get(0))?)
}
