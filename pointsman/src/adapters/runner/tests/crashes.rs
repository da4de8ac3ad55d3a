//! Table → record → cursor over crashes of both stores: each forgets what it had not made durable.

use super::fake::{Fake, FakeSpawner, script};
use super::streams::stream_to_echo;
use super::*;
use crate::engine::{Choices, Log, MemoryLog};
use crate::storage::Fold;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc::UnboundedSender;

/// A journal that outlives its engine, up to the moment at which the power goes.
#[derive(Clone, Default)]
struct Journal {
    records: Arc<Mutex<Vec<Vec<u8>>>>,
    dark: Arc<AtomicBool>,
}

impl Log for Journal {
    fn commit(&mut self, records: Vec<Vec<u8>>, _: Vec<(u64, Bytes)>) -> io::Result<()> {
        if self.dark.load(Ordering::SeqCst) {
            return Err(io::Error::other("no power"));
        }
        self.records.lock().unwrap().extend(records);
        Ok(())
    }

    fn reader(&self) -> Arc<dyn Fn(u64) -> io::Result<Bytes> + Send + Sync> {
        Arc::new(|_| Err(io::ErrorKind::NotFound.into()))
    }

    fn history(&self) -> Arc<dyn crate::engine::History> {
        MemoryLog::default().history()
    }

    fn release(&mut self, _: &[u64]) {}
}

struct Life {
    engine: Engine,
    runner: Runner,
    journal: Journal,
}

impl Life {
    async fn begin(
        records: &Arc<Mutex<Vec<Vec<u8>>>>,
        tables: &Arc<MemoryTables>,
        folder: &std::path::Path,
        seen: &UnboundedSender<u64>,
    ) -> Life {
        let mut state = State::default();
        for record in records.lock().unwrap().iter() {
            Fold::apply(&mut state, record).unwrap();
        }
        let journal = Journal { records: records.clone(), dark: Arc::default() };
        let facts = records.lock().unwrap().len() as u64;
        let (sender, effects) = unbounded_channel();
        let engine = start(Setup {
            state,
            facts,
            region: Region::default(),
            clock: Arc::new(SystemClock),
            random: Box::new(SeededRandom::new(facts + 1)),
            log: Box::new(journal.clone()),
            effects: sender,
            fatal: Box::new(|_| {}),
            faults: Arc::new(crate::faults::NoFaults),
        })
        .unwrap();
        let executables = |_: &FunctionSpec| Ok::<_, String>(PathBuf::from("/functions/echo"));
        let mut config = Config::new(folder.to_owned(), executables, "http://127.0.0.1:4566");
        config.spawner = Arc::new(FakeSpawner::new(noting(seen.clone())));
        let runner = Runner::start(engine.clone(), effects, tables.clone(), config).await.unwrap();
        Life { engine, runner, journal }
    }

    fn crash(self) {
        self.journal.dark.store(true, Ordering::SeqCst);
        drop(self.runner);
        self.engine.stop();
    }
}

/// Notes every id before it answers.
fn noting(seen: UnboundedSender<u64>) -> Script {
    script(move |mut fake: Fake| {
        let seen = seen.clone();
        async move {
            loop {
                let Ok(given) = fake.next().await else { return 0 };
                let event: Value = serde_json::from_str(&given.payload).unwrap();
                for record in event["Records"].as_array().unwrap() {
                    let id = record["dynamodb"]["NewImage"]["id"]["S"].as_str().unwrap();
                    seen.send(id.parse().unwrap()).unwrap();
                }
                fake.respond(&given.request, "{}").await;
            }
        }
    })
}

async fn lives(seed: u64) {
    let mut choices = Choices::from_seed(seed);
    let tables = Arc::new(MemoryTables::new(Region::default(), Arc::new(|| 1_700_000_000_000)));
    tables.create("store", &["id"]);
    let folder = tempfile::tempdir().unwrap();
    let (records, (tell, mut told)) = (Arc::default(), unbounded_channel());
    let (mut durable, mut seen, mut next) = (BTreeSet::new(), BTreeSet::new(), 0);
    let put = |id: u64| {
        tables.put("store", json!({ "id": { "S": id.to_string() } }), false, None).unwrap();
    };
    for life in 0..8 {
        let alive = Life::begin(&records, &tables, folder.path(), &tell).await;
        if life == 0 {
            let resources = resources(stream_to_echo(|mapping| mapping.batch_size = 3));
            let template = ApplyTemplate { stack: "shop".into(), resources, ..Default::default() };
            alive.engine.submit(template, asked()).await.unwrap();
        }
        for _ in 0..choices.below(12) {
            put(next);
            durable.insert(next);
            next += 1;
        }
        tables.sync();
        // Sometimes at once, sometimes in the middle of the batches.
        for _ in 0..choices.below(9) {
            match tokio::time::timeout(Duration::from_millis(5), told.recv()).await {
                Ok(id) => drop(seen.insert(id.unwrap())),
                Err(_) => break,
            }
        }
        for _ in 0..choices.below(4) {
            put(next);
            next += 1;
        }
        alive.crash();
        tables.crash();
    }
    let alive = Life::begin(&records, &tables, folder.path(), &tell).await;
    while !durable.is_subset(&seen) {
        seen.insert(soon(told.recv()).await.unwrap());
    }
    alive.crash();
    assert_eq!(seen, durable, "seed {seed}: nothing is given that the table does not hold");
}

#[tokio::test]
async fn no_durable_record_is_skipped_and_none_is_invented_over_crashes() {
    for seed in 0..8 {
        println!("seed {seed}");
        lives(seed).await;
    }
}
