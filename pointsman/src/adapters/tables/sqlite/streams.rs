//! Stream records, read straight from the library's table of them.

use super::arns;
use super::store::{Store, failed};
use crate::adapters::tables::{Bounds, STREAM_RETENTION_MS, StreamRecord, TablesError};
use dynoxide::DynoxideError;
use dynoxide::storage::{Storage, TableMetadata};
use rusqlite::{OptionalExtension, Row};

type Result<T> = std::result::Result<T, TablesError>;

/// Sequence numbers are shown from here on, so that all have 21 digits, as DynamoDB's have.
const OFFSET: i128 = 100_000_000_000_000_000_000;

/// Records deleted in one transaction at most.
const TRIM: usize = 512;

/// In the order of `id`, records have the order of their writes; a table's numbers only ever rise.
const READ: &str = "
    SELECT event_id, event_name, keys_json, new_image, old_image, created_at, user_identity,
           CAST(sequence_number AS INTEGER)
    FROM _stream_records
    WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2 AND created_at >= ?3
    ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?4";

impl Store {
    pub(super) fn read_stream(
        &mut self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamRecord>> {
        let meta = self.stream_of(table)?;
        let after = after.map_or(Ok(0), stored)?;
        let kept = kept_from(self.now());
        let arn = arns::stream(&self.region, table, meta.stream_label.as_deref().unwrap_or(""));
        let view = meta.stream_view_type.as_deref().unwrap_or("NEW_AND_OLD_IMAGES");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut query = self.storage.conn().prepare_cached(READ).map_err(library)?;
        let records = query
            .query_map((table, after, kept, limit), |row| {
                record(row, view, &self.region.name, &arn)
            })
            .map_err(library)?;
        records.collect::<std::result::Result<_, _>>().map_err(library)
    }

    pub(super) fn bounds(&mut self, table: &str) -> Result<Bounds> {
        let meta = self.stream_of(table)?;
        let connection = self.storage.conn();
        let horizon = connection
            .query_row(
                "SELECT CAST(sequence_number AS INTEGER) FROM _stream_records
                 WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > 0 AND created_at >= ?2
                 ORDER BY CAST(sequence_number AS INTEGER) LIMIT 1",
                (table, kept_from(self.now())),
                |row| row.get::<_, i64>(0),
            )
            .optional()
            .map_err(library)?;
        let latest: Option<i64> = connection
            .query_row(
                "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1",
                [table],
                |row| row.get(0),
            )
            .map_err(library)?;
        Ok(Bounds {
            arn: arns::stream(&self.region, table, meta.stream_label.as_deref().unwrap_or("")),
            shard: dynoxide::streams::shard_id(table),
            horizon: horizon.map(shown),
            latest: latest.map(shown),
        })
    }

    fn stream_of(&self, table: &str) -> Result<TableMetadata> {
        let meta = self.storage.get_table_metadata(table).map_err(|error| failed(&error))?;
        meta.filter(|meta| meta.stream_enabled)
            .ok_or_else(|| TablesError::NoStream(table.to_owned()))
    }
}

/// The oldest second of which records are kept at `now`.
pub(super) fn kept_from(now: i64) -> i64 {
    (now - STREAM_RETENTION_MS).div_euclid(1000)
}

/// Deletes records past their retention, but for the newest of each table: the next number is counted from it, and
/// a number must not come twice.
pub(super) fn trim(storage: &Storage, now: i64) -> std::result::Result<usize, DynoxideError> {
    let connection = storage.conn();
    let mut oldest = connection.prepare_cached(
        "SELECT r.id, r.created_at, EXISTS (
             SELECT 1 FROM _stream_records n WHERE n.table_name = r.table_name
             AND CAST(n.sequence_number AS INTEGER) > CAST(r.sequence_number AS INTEGER))
         FROM _stream_records r WHERE r.id > ?1 ORDER BY r.id LIMIT ?2",
    )?;
    let mut delete = connection.prepare_cached("DELETE FROM _stream_records WHERE id = ?1")?;
    let (mut after, mut trimmed) = (0, 0);
    loop {
        let page: Vec<(i64, i64, bool)> = oldest
            .query_map((after, TRIM as i64), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let old: Vec<_> = page.iter().take_while(|(_, at, _)| *at < kept_from(now)).collect();
        if let Some((last, ..)) = old.last() {
            after = *last;
            let transaction = connection.unchecked_transaction()?;
            for (id, _, superseded) in &old {
                if *superseded {
                    trimmed += delete.execute([id])?;
                }
            }
            transaction.commit()?;
        }
        if old.len() < TRIM {
            return Ok(trimmed);
        }
    }
}

/// Deletes the records of tables that are gone, so that a table made anew under the name begins with none.
pub(super) fn forget_deleted(storage: &Storage) -> std::result::Result<(), DynoxideError> {
    storage.conn().execute(
        "DELETE FROM _stream_records WHERE table_name NOT IN (SELECT table_name FROM _tables)",
        [],
    )?;
    Ok(())
}

/// Row of the newest record.
pub(super) fn newest_row(storage: &Storage) -> std::result::Result<i64, DynoxideError> {
    Ok(storage
        .conn()
        .query_row("SELECT COALESCE(MAX(id), 0) FROM _stream_records", [], |row| row.get(0))?)
}

/// Tells table and sequence number of each record after a row; gives the newest row and how many there were.
pub(super) fn written_since(
    storage: &Storage,
    row: i64,
    mut tell: impl FnMut(&str, &str),
) -> std::result::Result<(i64, u64), DynoxideError> {
    let mut query = storage.conn().prepare_cached(
        "SELECT id, table_name, CAST(sequence_number AS INTEGER) FROM _stream_records
         WHERE id > ?1 ORDER BY id",
    )?;
    let (mut newest, mut count) = (row, 0);
    let mut rows = query.query([row])?;
    while let Some(row) = rows.next()? {
        newest = row.get(0)?;
        count += 1;
        tell(&row.get::<_, String>(1)?, &shown(row.get(2)?));
    }
    Ok((newest, count))
}

/// The images are JSON already and go in as they are.
fn record(row: &Row<'_>, view: &str, region: &str, arn: &str) -> rusqlite::Result<StreamRecord> {
    let (event_id, event_name): (Option<String>, String) = (row.get(0)?, row.get(1)?);
    let (keys, new, old): (String, Option<String>, Option<String>) =
        (row.get(2)?, row.get(3)?, row.get(4)?);
    let (created_at, user, number): (i64, Option<String>, i64) =
        (row.get(5)?, row.get(6)?, row.get(7)?);
    let sequence = shown(number);
    let size =
        keys.len() + new.as_ref().map_or(0, String::len) + old.as_ref().map_or(0, String::len);
    let image = |name: &str, image: Option<String>| {
        image.map_or(String::new(), |image| format!(r#","{name}":{image}"#))
    };
    let event_id = event_id.unwrap_or_else(|| sequence.clone());
    let json = format!(
        concat!(
            r#"{{"eventID":"{}","eventName":"{}","eventVersion":"1.1","eventSource":"aws:dynamodb","#,
            r#""awsRegion":"{}","dynamodb":{{"ApproximateCreationDateTime":{},"Keys":{}{}{},"#,
            r#""SequenceNumber":"{}","SizeBytes":{},"StreamViewType":"{}"}}{},"eventSourceARN":"{}"}}"#,
        ),
        event_id,
        event_name,
        region,
        created_at,
        keys,
        image("NewImage", new),
        image("OldImage", old),
        sequence,
        size,
        view,
        user.map_or(String::new(), |user| format!(r#","userIdentity":{user}"#)),
        arn,
    );
    Ok(StreamRecord { sequence, created_at: created_at * 1000, event_name, json: json.into() })
}

fn shown(stored: i64) -> String {
    (OFFSET + i128::from(stored)).to_string()
}

fn stored(shown: &str) -> Result<i64> {
    shown
        .parse::<i128>()
        .ok()
        .and_then(|number| i64::try_from(number - OFFSET).ok())
        .filter(|number| *number > 0)
        .ok_or_else(|| TablesError::Sequence(shown.to_owned()))
}

fn library(error: rusqlite::Error) -> TablesError {
    failed(&error.into())
}
