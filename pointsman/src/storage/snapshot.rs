//! A snapshot: the folded state up to the end of a segment, and where its live bodies lie.
//!
//! ```text
//! header   magic, format, checksum; then sequence number, first segment behind it, lengths, checksums; own checksum
//! state    what the fold saved
//! index    id u64, segment u32, offset u32, length u32, checksum u32 of each live body
//! ```
//!
//! Written beside, synced, renamed, the folder synced: a snapshot with its name is whole, or the medium has rotted.

use super::batch::BodyId;
use super::disk::{Disk, read_exact_at};
use super::frame::{Place, Position, format_of, u32_at, u64_at, versioned};
use super::shared::Shared;
use std::io;

const MAGIC: [u8; 8] = *b"PMANSNAP";
const HEADER: usize = 56;
const ENTRY: usize = 24;
const TEMPORARY: &str = "snapshot.tmp";

/// A snapshot in memory.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The last record in it.
    pub(crate) seq: u64,
    /// The segment with the record after it.
    pub(crate) next_segment: u32,
    pub(crate) state: Vec<u8>,
    pub(crate) index: Vec<(BodyId, Place)>,
}

impl Snapshot {
    /// The bytes it takes on the disk.
    pub(crate) fn size(&self) -> u64 {
        (HEADER + self.state.len() + self.index.len() * ENTRY) as u64
    }
}

/// What a snapshot file turned out to be.
#[derive(Debug)]
pub(crate) enum Loaded {
    Good(Snapshot),
    /// Written by a version after this one.
    Newer(u32),
    Damaged,
}

/// The file name of a snapshot.
pub(crate) fn name(seq: u64) -> String {
    format!("{seq:020}.snapshot")
}

/// The sequence number in a snapshot's file name.
pub(crate) fn seq(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".snapshot")?;
    (digits.len() == 20).then(|| digits.parse().ok())?
}

/// Whether the file is half a snapshot, left by a process that ended.
pub(crate) fn is_temporary(name: &str) -> bool {
    name == TEMPORARY
}

/// Reads and checks a snapshot.
pub(crate) fn load(disk: &dyn Disk, seq: u64, newest: u32) -> io::Result<Loaded> {
    let file = disk.open(&name(seq))?;
    let mut bytes = vec![0; usize::try_from(file.size()?).map_err(io::Error::other)?];
    if !read_exact_at(&*file, &mut bytes, 0)? {
        return Ok(Loaded::Damaged);
    }
    match format_of(MAGIC, &bytes) {
        Some(format) if format > newest => Ok(Loaded::Newer(format)),
        Some(_) => Ok(decode(bytes).filter(|s| s.seq == seq).map_or(Loaded::Damaged, Loaded::Good)),
        None => Ok(Loaded::Damaged),
    }
}

/// Writes a snapshot; durable under its name when this returns. Returns its size in bytes.
pub(crate) fn store(shared: &Shared, snapshot: &Snapshot) -> io::Result<u64> {
    let disk = &*shared.disk;
    if disk.list()?.iter().any(|name| is_temporary(name)) {
        disk.remove(TEMPORARY)?;
    }
    let bytes = encode(snapshot, shared.options.format);
    let file = disk.create(TEMPORARY, bytes.len() as u64)?;
    for (n, chunk) in bytes.chunks(1 << 20).enumerate() {
        file.write_at(chunk, (n as u64) << 20)?;
    }
    shared.sync(&*file)?;
    disk.rename(TEMPORARY, &name(snapshot.seq))?;
    shared.sync_dir()?;
    Ok(bytes.len() as u64)
}

fn encode(snapshot: &Snapshot, format: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(snapshot.size() as usize);
    out.resize(HEADER, 0);
    out.extend_from_slice(&snapshot.state);
    for (id, place) in &snapshot.index {
        out.extend_from_slice(&id.0.to_le_bytes());
        for word in [place.at.segment, place.at.offset, place.len, place.crc] {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }
    let (state, index) = out[HEADER..].split_at(snapshot.state.len());
    let (state, index) = (crc32c::crc32c(state), crc32c::crc32c(index));
    out[..16].copy_from_slice(&versioned(MAGIC, format));
    out[16..24].copy_from_slice(&snapshot.seq.to_le_bytes());
    out[24..28].copy_from_slice(&snapshot.next_segment.to_le_bytes());
    out[28..36].copy_from_slice(&(snapshot.state.len() as u64).to_le_bytes());
    out[36..44].copy_from_slice(&(snapshot.index.len() as u64).to_le_bytes());
    out[44..48].copy_from_slice(&state.to_le_bytes());
    out[48..52].copy_from_slice(&index.to_le_bytes());
    let crc = crc32c::crc32c(&out[..52]);
    out[52..56].copy_from_slice(&crc.to_le_bytes());
    out
}

fn decode(mut bytes: Vec<u8>) -> Option<Snapshot> {
    if bytes.len() < HEADER || crc32c::crc32c(&bytes[..52]) != u32_at(&bytes, 52) {
        return None;
    }
    let (seq, next_segment) = (u64_at(&bytes, 16), u32_at(&bytes, 24));
    let (state_crc, index_crc) = (u32_at(&bytes, 44), u32_at(&bytes, 48));
    let state_len = usize::try_from(u64_at(&bytes, 28)).ok()?;
    let entries = usize::try_from(u64_at(&bytes, 36)).ok()?;
    let index_start = HEADER.checked_add(state_len)?;
    if bytes.len() != index_start.checked_add(entries.checked_mul(ENTRY)?)? {
        return None;
    }
    let index = &bytes[index_start..];
    if crc32c::crc32c(&bytes[HEADER..index_start]) != state_crc
        || crc32c::crc32c(index) != index_crc
    {
        return None;
    }
    let entry = |e: &[u8]| {
        let at = Position { segment: u32_at(e, 8), offset: u32_at(e, 12) };
        (BodyId(u64_at(e, 0)), Place { at, len: u32_at(e, 16), crc: u32_at(e, 20) })
    };
    let index = index.chunks_exact(ENTRY).map(entry).collect();
    bytes.truncate(index_start);
    bytes.drain(..HEADER);
    Some(Snapshot { seq, next_segment, state: bytes, index })
}
