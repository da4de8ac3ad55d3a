//! The parts on their own threads, on a real disk.

use super::model::{self, Record, State, batch, body, compare};
use crate::storage::{Batch, BodyId, RealDisk, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

/// Bodies alive at a time.
const WINDOW: u64 = 20;
const ROUNDS: u64 = 400;

#[test]
fn readers_and_compaction_work_beside_the_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = || Arc::new(RealDisk::new(folder.path()).expect("a folder"));
    let options = model::small(1 << 20, 0);
    let (store, _) = Store::open(disk(), options, &mut State::default()).expect("the store opens");
    let Store { mut writer, bodies, history, mut compactor } = store;
    // Bodies `floor..=durable` are alive and durable.
    let (floor, durable, done) = (AtomicU64::new(1), AtomicU64::new(0), AtomicBool::new(false));
    let (moves, moved) = mpsc::channel::<(BodyId, bytes::Bytes)>();
    let mut records = Vec::new();
    let mut relocated = 0;

    let removed = thread::scope(|scope| {
        let compaction = scope.spawn(|| {
            let mut removed = 0;
            while !done.load(Ordering::Acquire) {
                compactor.prepare().expect("room");
                let compacted = compactor.compact_once(State::default()).expect("no faults");
                removed += compacted.map_or(0, |c| c.removed);
                for one in compactor.next_moves(1 << 20).expect("good bodies") {
                    let _ = moves.send(one);
                }
                thread::yield_now();
            }
            removed
        });
        let reader = scope.spawn(|| {
            let mut read = 0;
            while !done.load(Ordering::Acquire) {
                let (from, to) = (floor.load(Ordering::Acquire), durable.load(Ordering::Acquire));
                for id in from..=to {
                    match bodies.read(BodyId(id)) {
                        Ok(bytes) => read += usize::from(bytes == body(id)),
                        // Released since we looked.
                        Err(_) => {
                            assert!(floor.load(Ordering::Acquire) > id, "body {id} is missing")
                        }
                    }
                }
            }
            read
        });
        let feed = scope.spawn(|| {
            let mut feed = history.records_from(1);
            let mut seen = 0;
            while !done.load(Ordering::Acquire) {
                for found in feed.as_mut().expect("nothing was dropped yet") {
                    // A reader slower than history is told, and starts again.
                    let Ok((seq, _)) = found else { break };
                    assert!(seq > seen, "{seq} after {seen}");
                    seen = seq;
                }
                feed = history
                    .records_from(seen + 1)
                    .or_else(|_| history.records_from(history.oldest_seq()));
            }
            seen
        });

        for id in 1..=ROUNDS {
            let mut next = vec![Record::Add(id)];
            // One body in fifty stays for long, so that segments grow sparse.
            let gone = id.checked_sub(WINDOW).filter(|gone| *gone > 0 && gone % 50 != 0);
            next.extend(gone.map(Record::Remove));
            let mut batch: Batch = batch(&next);
            for (id, bytes) in moved.try_iter() {
                relocated += 1;
                batch.moved_body(id, bytes);
            }
            writer.append(&batch).expect("room");
            records.extend(next);
            if id > WINDOW {
                floor.store(id - WINDOW + 1, Ordering::Release);
            }
            bodies.release(gone.map(BodyId));
            writer.sync().expect("no faults");
            durable.store(id, Ordering::Release);
        }
        done.store(true, Ordering::Release);
        assert!(reader.join().expect("the reader lives") > 0);
        feed.join().expect("the feed lives");
        compaction.join().expect("compaction lives")
    });
    assert!(removed > 0 && relocated > 0, "{removed} segments removed, {relocated} bodies moved");
    drop((writer, bodies, history, compactor));

    let mut state = State::default();
    let (store, _) = Store::open(disk(), options, &mut state).expect("the store opens");
    compare(&records, &state, &store.bodies).expect("all is there");
}
