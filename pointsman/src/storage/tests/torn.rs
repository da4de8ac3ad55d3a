//! Torn or damaged: what opening makes of bytes that do not add up.

use super::model::{self, Record, State, batch, compare, compare_history};
use crate::storage::frame::{FORMAT, SECTOR};
use crate::storage::{OpenError, Opened, Options, SimDisk, Store, segment, snapshot};
use std::sync::Arc;

const FIRST: &str = "0000000001.log";

/// Batches of one record each in one segment, and where each lies.
struct Written {
    disk: SimDisk,
    records: Vec<Record>,
    offsets: Vec<u64>,
}

fn open(disk: &SimDisk, options: Options) -> (Result<(Store, Opened), OpenError>, State) {
    let mut state = State::default();
    (Store::open(Arc::new(disk.clone()), options, &mut state), state)
}

fn opened(disk: &SimDisk) -> (Store, Opened, State) {
    let (result, state) = open(disk, options());
    let (store, opened) = result.expect("the store opens");
    (store, opened, state)
}

fn options() -> Options {
    model::small(256 << 10, 0)
}

/// `n` commits, the last one with a body.
fn written(n: u8) -> Written {
    let disk = SimDisk::new(1);
    let (mut store, _, _) = opened(&disk);
    let (mut records, mut offsets, mut offset) = (Vec::new(), Vec::new(), SECTOR as u64);
    for i in 0..n {
        let record = if i + 1 == n { Record::Add(3) } else { Record::Note(vec![i; 5_000]) };
        let batch = batch(std::slice::from_ref(&record));
        offsets.push(offset);
        offset += crate::storage::frame::frame_len(&batch) as u64;
        store.writer.append(&batch).expect("room");
        store.writer.sync().expect("no faults");
        records.push(record);
    }
    Written { disk, records, offsets }
}

#[track_caller]
fn refused(disk: &SimDisk, file: &str, at: u64) {
    let before = disk.bytes(file);
    match open(disk, options()).0 {
        Err(OpenError::Damaged { file: named, offset, .. }) => {
            assert_eq!((&*named, offset), (file, at))
        }
        Err(other) => panic!("{other}"),
        Ok((_, opened)) => panic!("opened: {opened:?}"),
    }
    assert_eq!(disk.bytes(file), before, "what was refused is left as it was");
}

#[test]
fn a_log_that_ends_well_drops_nothing() {
    let w = written(4);
    let (store, opened, state) = opened(&w.disk);
    assert_eq!((opened.last_seq, opened.dropped), (4, None));
    compare(&w.records, &state, &store.bodies).expect("all is there");
    compare_history(&w.records, &store).expect("history is whole");
}

#[test]
fn a_torn_end_is_dropped_counted_and_gone_for_good() {
    let w = written(4);
    let (mut store, _, _) = opened(&w.disk);
    // Two batches that no sync made durable; the first is torn, the second whole.
    let second = batch(&[Record::Note(vec![9; 100])]);
    store.writer.append(&batch(&[Record::Note(vec![8; 100])])).expect("room");
    let end = store.writer.append(&second).expect("room");
    assert_eq!(end, 6);
    drop(store);
    let torn_at = w.offsets[3] + crate::storage::frame::frame_len(&batch(&w.records[3..])) as u64;
    w.disk.flip(FIRST, torn_at + 70);

    let (mut store, found, state) = opened(&w.disk);
    let dropped = found.dropped.expect("a torn end");
    assert_eq!((found.last_seq, &*dropped.file, dropped.offset), (4, FIRST, torn_at));
    assert_eq!(dropped.bytes, SECTOR as u64 + 64 + 4 + 101, "up to the end of the second batch");
    compare(&w.records, &state, &store.bodies).expect("all that was durable is there");

    // A batch of the same length in the same place must not bring the second one back.
    store.writer.append(&batch(&[Record::Note(vec![7; 100])])).expect("room");
    store.writer.sync().expect("no faults");
    drop(store);
    w.disk.power_cut();
    let (_, found, _) = opened(&w.disk);
    assert_eq!((found.last_seq, found.dropped), (5, None));
}

#[test]
fn damage_in_the_middle_is_refused_with_file_and_offset() {
    for batch in 0..3 {
        for inside in [0, 20, 64, 70, 5_000] {
            let w = written(5);
            w.disk.flip(FIRST, w.offsets[batch] + inside);
            refused(&w.disk, FIRST, w.offsets[batch]);
        }
    }
}

#[test]
fn a_damaged_last_batch_looks_like_a_torn_end() {
    // In its header, its table and its body.
    for inside in [8, 66, 64 + 16 + 13 + 1] {
        let w = written(4);
        w.disk.flip(FIRST, w.offsets[3] + inside);
        let (_, opened, _) = opened(&w.disk);
        assert_eq!(opened.last_seq, 3);
        assert_eq!(opened.dropped.map(|t| t.offset), Some(w.offsets[3]));
    }
}

#[test]
fn a_damaged_segment_header_is_named() {
    let w = written(3);
    w.disk.flip(FIRST, 20);
    refused(&w.disk, FIRST, 0);

    let (disk, _) = many_segments(2, 0);
    let last = segments(&disk).pop().expect("segments");
    disk.flip(&last, 20);
    refused(&disk, &last, 0);
}

#[test]
fn damage_in_an_earlier_segment_is_refused_and_a_missing_one_too() {
    let (disk, _) = many_segments(3, 0);
    disk.flip("0000000002.log", SECTOR as u64 + 100);
    refused(&disk, "0000000002.log", SECTOR as u64);

    let (disk, _) = many_segments(3, 0);
    crate::storage::Disk::remove(&disk, "0000000002.log").expect("it is there");
    refused(&disk, "0000000002.log", 0);
}

#[test]
fn a_rotten_snapshot_is_passed_over_for_the_one_before() {
    let (disk, records) = many_segments(0, 3);
    let snapshots = names(&disk, |n| snapshot::seq(n).is_some());
    assert_eq!(snapshots.len(), 2);
    disk.flip(&snapshots[1], 70);
    let (store, opened, state) = opened(&disk);
    assert_eq!(opened.skipped_snapshots, [snapshots[1].clone()]);
    assert_eq!(snapshot::name(opened.snapshot_seq), snapshots[0]);
    compare(&records, &state, &store.bodies).expect("nothing is lost");
    drop(store);

    disk.flip(&snapshots[0], 70);
    refused(&disk, &snapshots[1], 0);
}

#[test]
fn a_newer_format_is_refused_by_name_and_an_older_one_read_and_continued() {
    let newer = Options { format: FORMAT + 1, ..options() };
    let w = written(3);
    let (result, state) = open(&w.disk, newer);
    let (mut store, _) = result.expect("an older format opens");
    compare(&w.records, &state, &store.bodies).expect("and reads the same");
    store.writer.append(&batch(&[Record::Note(vec![1])])).expect("room");
    store.writer.sync().expect("no faults");
    assert_eq!(segments(&w.disk).len(), 2, "what is new is written in a segment of the new format");
    assert!(store.compactor.compact_once(State::default()).expect("no faults").is_some());
    drop(store);
    assert!(open(&w.disk, newer).0.is_ok());

    match open(&w.disk, options()).0 {
        Err(error @ OpenError::Newer { format: 2, newest: 1, .. }) => {
            assert!(error.to_string().contains(&snapshot::name(3)), "{error}");
        }
        other => panic!("{other:?}"),
    }
    crate::storage::Disk::remove(&w.disk, &snapshot::name(3)).expect("it is there");
    match open(&w.disk, options()).0 {
        Err(OpenError::Newer { file, .. }) => assert_eq!(file, "0000000002.log"),
        other => panic!("{other:?}"),
    }
}

/// A store of at least `n` segments, compacted in `rounds` on the way.
fn many_segments(n: usize, rounds: usize) -> (SimDisk, Vec<Record>) {
    let disk = SimDisk::new(2);
    let (mut store, _, _) = opened(&disk);
    let mut records = Vec::new();
    let mut compacted = 0;
    while segments(&disk).len() < n || compacted < rounds {
        let record = Record::Note(vec![records.len() as u8; 30_000]);
        store.writer.append(&batch(std::slice::from_ref(&record))).expect("room");
        store.writer.sync().expect("no faults");
        records.push(record);
        if compacted < rounds
            && store.compactor.compact_once(State::default()).expect("no faults").is_some()
        {
            compacted += 1;
        }
    }
    // Not the only batch of the last segment.
    records.push(Record::Note(vec![]));
    store.writer.append(&batch(&records[records.len() - 1..])).expect("room");
    store.writer.sync().expect("no faults");
    (disk, records)
}

fn names(disk: &SimDisk, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names = crate::storage::Disk::list(disk).expect("no faults");
    names.retain(|n| wanted(n));
    names.sort();
    names
}

fn segments(disk: &SimDisk) -> Vec<String> {
    names(disk, |n| segment::number(n).is_some())
}
