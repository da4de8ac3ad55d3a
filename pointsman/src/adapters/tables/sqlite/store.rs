use super::tokens::{Seen, Tokens};
use super::{actions, arns, errors, expiry, streams, tokens, unchanged};
use crate::adapters::tables::causes::Causes;
use crate::adapters::tables::{Answer, Api, Call, Now, Swept, TablesError};
use crate::topology::Region;
use bytes::Bytes;
use dynoxide::DynoxideError;
use dynoxide::actions::vector_lifecycle::VectorIndexLifecycle;
use dynoxide::storage::Storage;
use dynoxide::storage_backend::Clock;
use std::fs::{self, File, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The log is folded into the file when so many pages' worth of requests, or so many jobs, have written to it.
const CHECKPOINT_BYTES: usize = 4 * 1024 * 1024;
const CHECKPOINT_JOBS: usize = 512;

/// The file, and what is known about it in memory. Everything here happens on one thread.
pub(super) struct Store {
    pub(super) storage: Storage,
    pub(super) vectors: VectorIndexLifecycle,
    pub(super) region: Region,
    now: Now,
    tokens: Tokens,
    causes: Arc<Mutex<Causes>>,
    log: File,
    log_path: PathBuf,
    /// Row of the newest stream record that was noted.
    last_record: i64,
    /// Rows changed over this connection when it was last looked.
    changes: u64,
    dirty: bool,
    appended: u64,
    jobs_since_checkpoint: usize,
    bytes_since_checkpoint: usize,
}

impl Store {
    pub(super) fn open(
        folder: &Path,
        region: Region,
        now: Now,
        causes: Arc<Mutex<Causes>>,
    ) -> Result<Self, TablesError> {
        let file = folder.join("tables.sqlite");
        let failed = |error: &dyn std::fmt::Display| {
            TablesError::Open(format!("cannot open {}: {error}", file.display()))
        };
        fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        let path = file.to_str().ok_or_else(|| failed(&"its path is not UTF-8"))?;
        let storage = Storage::new(path)
            .map_err(|error| failed(&error))?
            .with_clock(Arc::new(EngineClock(now.clone())));
        prepare(&storage).map_err(|error| failed(&error))?;
        let log_path = folder.join("tables.sqlite-wal");
        let log = OpenOptions::new().write(true).open(&log_path).map_err(|error| failed(&error))?;
        // SQLite leaves the names of new files to chance in this mode.
        log.sync_all()
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(|error| failed(&error))?;
        let last_record = streams::newest_row(&storage).map_err(|error| failed(&error))?;
        let changes = storage.conn().total_changes();
        Ok(Store {
            storage,
            vectors: VectorIndexLifecycle::new(),
            region,
            now,
            tokens: Tokens::default(),
            causes,
            log,
            log_path,
            last_record,
            changes,
            dirty: false,
            appended: 0,
            jobs_since_checkpoint: 0,
            bytes_since_checkpoint: 0,
        })
    }

    /// Answers a request. What it wrote is in the log, but not yet synced.
    pub(super) fn call(&mut self, call: &Call) -> Answer {
        if !actions::serves(call.api, &call.operation) {
            return errors::unknown_operation(&call.operation);
        }
        let result = self.answer(call).map_err(|error| arns::error_outward(&self.region, error));
        self.note_writes(call.body.len(), call.cause.as_deref());
        errors::answer(&call.operation, result)
    }

    /// Deletes what engine time has outlived.
    pub(super) fn sweep(&mut self) -> Result<Swept, TablesError> {
        let now = self.now();
        let items = self
            .guarded(|store| expiry::sweep(&store.storage, now))
            .map_err(|error| failed(&error))?;
        let records = streams::trim(&self.storage, now).map_err(|error| failed(&error))?;
        self.note_writes(0, None);
        Ok(Swept { items, records })
    }

    /// Engine time in milliseconds.
    pub(super) fn now(&self) -> i64 {
        (self.now)()
    }

    /// Whether anything was written since this was last asked.
    pub(super) fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// How many stream records were written since this was last asked.
    pub(super) fn take_appended(&mut self) -> u64 {
        std::mem::take(&mut self.appended)
    }

    pub(super) fn log(&self) -> &File {
        &self.log
    }

    pub(super) fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// Sees to it that what a job wrote is synced, and who wrote which records.
    pub(super) fn note_writes(&mut self, bytes: usize, cause: Option<&str>) {
        let changes = self.storage.conn().total_changes();
        if std::mem::replace(&mut self.changes, changes) == changes {
            return;
        }
        self.dirty = true;
        self.jobs_since_checkpoint += 1;
        self.bytes_since_checkpoint += bytes;
        let causes = &self.causes;
        let noted = streams::written_since(&self.storage, self.last_record, |table, sequence| {
            if let Some(cause) = cause {
                causes.lock().unwrap_or_else(PoisonError::into_inner).note(table, sequence, cause);
            }
        });
        // A record that could not be noted has an unknown writer; readers find it all the same.
        if let Ok((newest, count)) = noted {
            self.last_record = self.last_record.max(newest);
            self.appended += count;
        }
    }

    /// Folds the log into the file once it has grown. Done here and not by SQLite, which would not tell of a sync
    /// that failed on the way.
    pub(super) fn checkpoint_if_due(&mut self) -> Result<(), TablesError> {
        if self.jobs_since_checkpoint < CHECKPOINT_JOBS
            && self.bytes_since_checkpoint < CHECKPOINT_BYTES
        {
            return Ok(());
        }
        self.jobs_since_checkpoint = 0;
        self.bytes_since_checkpoint = 0;
        self.storage.conn().query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(
            |error| {
                TablesError::Lost(format!(
                    "{} cannot be folded into its file: {error}",
                    self.log_path.display()
                ))
            },
        )
    }

    fn answer(&mut self, call: &Call) -> Result<Bytes, DynoxideError> {
        let inward = arns::inward(&self.region, &call.body)?;
        let body = inward.as_deref().unwrap_or(&call.body);
        if call.api == Api::Streams {
            streams::trim(&self.storage, self.now())?;
        }
        let Some((operation, token, what)) = tokens::token_of(&call.operation, body) else {
            return self.guarded(|store| actions::run(store, &call.operation, body));
        };
        let now = self.now();
        match self.tokens.look(operation, &token, what, now) {
            Seen::Same(answer) => Ok(answer),
            Seen::Other => Err(DynoxideError::IdempotentParameterMismatchException(
                "An error occurred (IdempotentParameterMismatchException)".into(),
            )),
            Seen::New => {
                let answer = self.guarded(|store| actions::run(store, operation, body))?;
                self.tokens.hold(operation, &token, what, &answer, now);
                Ok(answer)
            }
        }
    }

    /// A fault of the library costs the one request that met it, and leaves no transaction open behind it.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Store) -> Result<T, DynoxideError>,
    ) -> Result<T, DynoxideError> {
        let result = catch_unwind(AssertUnwindSafe(|| work(self)));
        if !self.storage.conn().is_autocommit() {
            self.storage.rollback()?;
        }
        result.unwrap_or_else(|_| {
            Err(DynoxideError::InternalServerError("the tables failed on this request".into()))
        })
    }
}

/// Settings of the connection, and what the library's own schema lacks.
fn prepare(storage: &Storage) -> Result<(), DynoxideError> {
    let connection = storage.conn();
    connection.execute_batch(
        "PRAGMA synchronous = NORMAL;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16384;
         CREATE INDEX IF NOT EXISTS pointsman_stream_order
             ON _stream_records (table_name, CAST(sequence_number AS INTEGER));",
    )?;
    connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(64);
    unchanged::install(storage)
}

pub(super) fn failed(error: &DynoxideError) -> TablesError {
    TablesError::Failed(format!("tables: {error}"))
}

/// Engine time as the library asks for it.
struct EngineClock(Now);

impl Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from((self.0)() / 1000).unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        (self.0)() as f64 / 1000.0
    }
}
