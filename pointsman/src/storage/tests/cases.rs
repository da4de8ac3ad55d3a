//! One case each: locks, full disks, failed syncs, bodies, history, compaction.

use super::model::{self, Record, State, batch, body, compare, compare_history};
use crate::storage::{
    AppendError, Batch, BodyId, Disk, Fault, OpenError, Options, RealDisk, SimDisk, Store, segment,
};
use bytes::Bytes;
use std::io::ErrorKind;
use std::sync::Arc;

fn open(disk: impl Disk, options: Options) -> (Store, State) {
    let mut state = State::default();
    let (store, _) = Store::open(Arc::new(disk), options, &mut state).expect("the store opens");
    (store, state)
}

fn commit(store: &mut Store, records: &[Record]) {
    store.writer.append(&batch(records)).expect("room");
    store.writer.sync().expect("no faults");
}

fn note(len: usize) -> Record {
    Record::Note(vec![1; len])
}

#[test]
fn a_folder_in_use_is_refused_and_says_by_whom() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = || RealDisk::new(folder.path().join("state")).expect("a folder");
    let (first, _) = open(disk(), Options::default());
    let error = Store::open(Arc::new(disk()), Options::default(), &mut State::default());
    let error = error.expect_err("it is in use");
    assert!(matches!(error, OpenError::Locked { .. }));
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    let reader = first.bodies.clone();
    drop(first);
    assert!(Store::open(Arc::new(disk()), Options::default(), &mut State::default()).is_err());
    drop(reader);
    open(disk(), Options::default());
}

#[test]
fn a_real_folder_gives_back_what_was_put_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = model::small(64 << 10, 0);
    let mut records = Vec::new();
    for start in 0..5 {
        let (mut store, state) = open(RealDisk::new(folder.path()).expect("a folder"), options);
        compare(&records, &state, &store.bodies).expect("all is there");
        compare_history(&records, &store).expect("history is whole");
        for id in start * 10..start * 10 + 10 {
            let mut next = vec![Record::Add(id), note(3_000)];
            next.extend((id > 6).then(|| Record::Remove(id - 7)));
            commit(&mut store, &next);
            store.bodies.release((id > 6).then(|| BodyId(id - 7)));
            records.extend(next);
            store.compactor.prepare().expect("room");
            store.compactor.compact_once(State::default()).expect("no faults");
        }
    }
}

#[test]
fn a_full_disk_shows_at_allocation_and_breaks_nothing() {
    let disk = SimDisk::new(1);
    let (mut store, _) = open(disk.clone(), model::small(16 << 10, 0));
    commit(&mut store, &[note(10)]);
    disk.fail_at(0, Fault::Full);
    let error = store.compactor.prepare().expect_err("the disk is full");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    // There is room in this segment for what still comes.
    commit(&mut store, &[note(10)]);

    disk.fail_at(0, Fault::Full);
    match store.writer.append(&batch(&[note(20_000)])) {
        Err(AppendError::Full(error)) => {
            assert!(error.to_string().contains(&segment::name(2)), "{error}")
        }
        other => panic!("{other:?}"),
    }
    commit(&mut store, &[note(20_000)]);
    drop(store);
    let (_, state) = open(disk, Options::default());
    assert_eq!(state.count, 3);
}

#[test]
fn a_failed_sync_breaks_the_store_for_good_and_the_next_process_trusts_no_cache() {
    let disk = SimDisk::new(1);
    let (mut store, _) = open(disk.clone(), Options::default());
    commit(&mut store, &[note(1)]);
    store.writer.append(&batch(&[note(2)])).expect("room");
    disk.fail_at(0, Fault::Io);
    assert!(store.writer.sync().is_err());
    assert!(store.writer.sync().is_err(), "a second sync would say that all is well");
    assert!(matches!(store.writer.append(&batch(&[note(3)])), Err(AppendError::Broken(_))));
    assert!(store.compactor.compact_once(State::default()).is_err());
    assert!(store.compactor.prepare().is_err());
    drop(store);

    // No power cut: what is read now may be in the cache alone, marked as written.
    let (mut store, state) = open(disk.clone(), Options::default());
    let found = state.count;
    commit(&mut store, &[note(4)]);
    drop(store);
    disk.power_cut();
    let (_, state) = open(disk, Options::default());
    assert_eq!(state.count, found + 1);
}

#[test]
fn a_failed_write_breaks_the_store_too() {
    let disk = SimDisk::new(1);
    let (mut store, _) = open(disk.clone(), Options::default());
    disk.fail_at(0, Fault::Full);
    assert!(matches!(store.writer.append(&batch(&[note(1)])), Err(AppendError::Broken(_))));
    assert!(store.writer.sync().is_err());
}

#[test]
fn a_released_body_is_gone_and_a_rotten_one_is_named() {
    let disk = SimDisk::new(1);
    let (mut store, _) = open(disk.clone(), Options::default());
    let mut both = Batch::new();
    both.body(BodyId(1), Bytes::from_static(b"one"));
    both.body(BodyId(2), Bytes::from_static(b"another"));
    store.writer.append(&both).expect("room");
    assert_eq!(store.bodies.read(BodyId(2)).expect("it is there"), &b"another"[..]);
    store.bodies.release([BodyId(1)]);
    assert_eq!(store.bodies.read(BodyId(1)).expect_err("released").kind(), ErrorKind::NotFound);

    // Behind the segment's header, the frame's header, two entries and the first body.
    let place = 4096 + 64 + 32 + 3;
    disk.flip("0000000001.log", place + 1);
    let error = store.bodies.read(BodyId(2)).expect_err("rotten");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(
        error.to_string().contains(&format!("0000000001.log is damaged at byte {place}")),
        "{error}"
    );
}

#[test]
fn a_batch_beyond_a_gibibyte_is_refused_before_anything_is_written() {
    let (mut store, _) = open(SimDisk::new(1), Options::default());
    let mut huge = Batch::new();
    let body = Bytes::from(vec![0; 64 << 20]);
    for id in 0..16 {
        huge.body(BodyId(id), body.clone());
    }
    assert!(matches!(store.writer.append(&huge), Err(AppendError::TooLarge(_))));
    commit(&mut store, &[note(1)]);
}

#[test]
fn readers_see_durable_records_only_and_go_on_when_more_become_durable() {
    let (mut store, _) = open(SimDisk::new(1), model::small(16 << 10, 1 << 20));
    let mut feed = store.history.records_from(1).expect("nothing was dropped");
    assert!(feed.next().is_none());
    let mut expected = 0;
    for size in [10, 2_000, 6_000, 9_000, 20_000, 5, 5, 5] {
        store.writer.append(&batch(&[note(size), note(size)])).expect("room");
        assert!(feed.next().is_none(), "a record was seen before it was durable");
        store.writer.sync().expect("no faults");
        for found in feed.by_ref() {
            let (seq, bytes) = found.expect("a good record");
            expected += 1;
            assert_eq!((seq, bytes.len()), (expected, size + 1));
        }
    }
    assert_eq!(expected, store.history.last_seq());
    let mut later = store.history.records_from(9).expect("still there");
    assert_eq!(later.next().expect("a record").expect("a good one").0, 9);
}

#[test]
fn history_drops_its_oldest_segments_and_names_where_it_begins() {
    let disk = SimDisk::new(1);
    let (mut store, _) = open(disk.clone(), model::small(64 << 10, 200 << 10));
    for _ in 0..60 {
        commit(&mut store, &[note(10_000)]);
        store.compactor.compact_once(State::default()).expect("no faults");
    }
    let oldest = store.history.oldest_seq();
    assert!((30..50).contains(&oldest), "{oldest}");
    let error = store.history.records_from(oldest - 1).expect_err("dropped");
    assert!(error.to_string().contains(&format!("begins at {oldest}")), "{error}");
    compare_history(&vec![note(10_000); 60], &store).expect("the rest is whole");
    drop(store);
    let (store, _) = open(disk, model::small(64 << 10, 200 << 10));
    assert_eq!(store.history.oldest_seq(), oldest);
}

#[test]
fn batches_are_read_from_either_end_with_bodies_that_were_released() {
    let disk = SimDisk::new(3);
    let (mut store, _) = open(disk, model::small(64 << 10, 1 << 30));
    for id in 0..40 {
        commit(&mut store, &[Record::Add(id), note(3_000)]);
        commit(&mut store, &[Record::Remove(id)]);
        store.bodies.release([BodyId(id)]);
        store.compactor.prepare().expect("room");
    }
    assert!(store.bodies.read(BodyId(7)).is_err(), "nothing needs it any more");
    let numbers = |written: &crate::storage::Written| {
        written.records().map(|(seq, _)| seq).collect::<Vec<u64>>()
    };
    let onward: Vec<_> = store.history.batches_from(1).expect("it is kept").collect();
    let onward: Vec<_> = onward.into_iter().map(|batch| batch.expect("no faults")).collect();
    assert_eq!(onward.len(), 80);
    let mut back: Vec<_> = store.history.batches_back().map(|b| b.expect("no faults")).collect();
    back.reverse();
    let all = |batches: &[crate::storage::Written]| batches.iter().map(numbers).collect::<Vec<_>>();
    assert_eq!(all(&onward), all(&back));
    assert_eq!(all(&onward)[..2], [vec![1, 2], vec![3]]);
    for (id, batch) in (0..).zip(onward.iter().chain(&back).step_by(2)) {
        let id = id % 40;
        let read = batch.body(BodyId(id)).expect("no faults");
        assert_eq!(read, Some(body(id)), "body {id}");
        assert_eq!(batch.body(BodyId(id + 1)).expect("no faults"), None, "it is another's");
    }
    let some: Vec<_> = store.history.batches_from(30).expect("it is kept").collect();
    let first = some.into_iter().next().expect("there is one").expect("no faults");
    assert_eq!(numbers(&first), [30], "from the batch on that holds it");
}

#[test]
fn a_snapshot_is_durable_when_its_round_is_over() {
    for seed in 0..20 {
        let disk = SimDisk::new(seed);
        let (mut store, _) = open(disk.clone(), model::small(16 << 10, 0));
        commit(&mut store, &[note(10_000)]);
        commit(&mut store, &[note(10_000)]);
        let done = store.compactor.compact_once(State::default()).expect("no faults");
        assert_eq!(done.map(|d| d.snapshot_seq), Some(1));
        drop(store);
        disk.power_cut();
        let opened = Store::open(Arc::new(disk), Options::default(), &mut State::default());
        assert_eq!(opened.expect("the store opens").1.snapshot_seq, 1, "seed {seed}");
    }
}

#[test]
fn a_sparse_segment_gives_its_last_bodies_away_and_goes() {
    let disk = SimDisk::new(1);
    let (mut store, _) = open(disk.clone(), model::small(64 << 10, 0));
    let mut batch = batch(&[Record::Add(1), note(50_000)]);
    // The model's bodies vary in size; these are small, whatever it says.
    batch.clear();
    batch.record(&Record::Add(1).bytes());
    batch.body(BodyId(1), Bytes::from_static(b"the one that stays"));
    batch.record(&note(50_000).bytes());
    store.writer.append(&batch).expect("room");
    let first = segment::name(1);
    let mut moved = Vec::new();
    for _ in 0..6 {
        commit(&mut store, &[note(50_000)]);
        store.compactor.compact_once(State::default()).expect("no faults");
        for (id, bytes) in store.compactor.next_moves(1_000).expect("good bodies") {
            moved.push(id);
            let mut again = Batch::new();
            again.moved_body(id, bytes);
            store.writer.append(&again).expect("room");
        }
    }
    assert!(moved.contains(&BodyId(1)));
    assert_eq!(disk.bytes(&first), None, "{first} should be gone");
    assert_eq!(store.bodies.read(BodyId(1)).expect("moved"), &b"the one that stays"[..]);
    drop(store);
    disk.power_cut();
    let (store, state) = open(disk, Options::default());
    assert_eq!(state.live.len(), 1);
    assert_eq!(store.bodies.read(BodyId(1)).expect("moved"), &b"the one that stays"[..]);
}

#[test]
fn a_body_released_while_it_was_being_moved_stays_released() {
    let (mut store, _) = open(SimDisk::new(1), Options::default());
    commit(&mut store, &[Record::Add(1)]);
    store.bodies.release([BodyId(1)]);
    let mut again = Batch::new();
    again.moved_body(BodyId(1), body(1));
    store.writer.append(&again).expect("room");
    assert!(store.bodies.is_empty());
}

#[test]
fn a_state_that_names_a_body_never_written_does_not_open() {
    let disk = SimDisk::new(1);
    let (mut store, _) = open(disk.clone(), Options::default());
    let mut lone = Batch::new();
    lone.record(&Record::Add(9).bytes());
    store.writer.append(&lone).expect("room");
    store.writer.sync().expect("no faults");
    drop(store);
    let error = Store::open(Arc::new(disk), Options::default(), &mut State::default());
    let error = error.expect_err("the body is nowhere").to_string();
    assert!(error.contains("body 9"), "{error}");
}
