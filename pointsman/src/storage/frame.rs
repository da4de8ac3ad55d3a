//! The bytes of the log: how a batch lies in a segment.
//!
//! A batch is one *frame*, and every frame starts on a sector of 4,096 bytes, so that a commit never rewrites a
//! sector with acknowledged bytes in it and a scan can go on behind a bad frame. A frame is
//!
//! ```text
//! header   64 bytes, own checksum; repeats its own place, and how far the log was durable when it was written
//! facts    the table of bodies (id u64, length u32, checksum u32), then the records (length u32, bytes); one checksum
//! bodies   one after the other; a checksum each, in the table, so that they need not be read to start
//! ```
//!
//! The first sector of a segment is its own header: magic, format version, checksum of these two (the same in every
//! version there will be), then number, first sequence number, and where the segment before it ended. All integers
//! are little-endian.

use super::batch::{Batch, BodyId};
use bytes::Bytes;

/// Where frames may start, in bytes.
pub(crate) const SECTOR: usize = 4096;
/// The format written by this version.
pub(crate) const FORMAT: u32 = 1;
/// The length of a frame's header.
pub(crate) const HEADER: usize = 64;
/// A batch with more bytes than this is refused; offsets in a segment fit 32 bits.
pub(crate) const MAX_BATCH: usize = 1 << 30;

const SEGMENT_MAGIC: [u8; 8] = *b"POINTSMN";
const FRAME_MAGIC: u32 = u32::from_le_bytes(*b"PMFR");
const TABLE_ENTRY: usize = 16;

/// A place in the log: first by segment, then by offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) segment: u32,
    pub(crate) offset: u32,
}

/// Where a body lies, and what it must add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: Position,
    pub(crate) len: u32,
    pub(crate) crc: u32,
}

/// The first sector of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) format: u32,
    pub(crate) number: u32,
    pub(crate) first_seq: u64,
    /// The end of the segment before, which was durable when this one was begun.
    pub(crate) synced_to: Position,
}

/// What the first sector of a file says.
#[derive(Debug)]
pub(crate) enum SegmentStart {
    Good(SegmentHeader),
    /// Written by a version after this one.
    Newer(u32),
    Bad,
}

impl SegmentHeader {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&versioned(SEGMENT_MAGIC, self.format));
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.first_seq.to_le_bytes());
        out.extend_from_slice(&self.synced_to.segment.to_le_bytes());
        out.extend_from_slice(&self.synced_to.offset.to_le_bytes());
        let crc = crc32c::crc32c(&out[start..]);
        out.extend_from_slice(&crc.to_le_bytes());
        out.resize(start + SECTOR, 0);
    }

    /// `newest` is the newest format that can be read.
    pub(crate) fn decode(sector: &[u8], number: u32, newest: u32) -> SegmentStart {
        let Some(format) = format_of(SEGMENT_MAGIC, sector) else { return SegmentStart::Bad };
        if format > newest {
            return SegmentStart::Newer(format);
        }
        if sector.len() < 40 || crc32c::crc32c(&sector[..36]) != u32_at(sector, 36) {
            return SegmentStart::Bad;
        }
        let header = SegmentHeader {
            format,
            number: u32_at(sector, 16),
            first_seq: u64_at(sector, 20),
            synced_to: Position { segment: u32_at(sector, 28), offset: u32_at(sector, 32) },
        };
        if header.number == number { SegmentStart::Good(header) } else { SegmentStart::Bad }
    }
}

/// Sixteen bytes that stay the same in every format: magic, version, checksum of both.
pub(crate) fn versioned(magic: [u8; 8], format: u32) -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&magic);
    out[8..12].copy_from_slice(&format.to_le_bytes());
    let crc = crc32c::crc32c(&out[..12]);
    out[12..].copy_from_slice(&crc.to_le_bytes());
    out
}

/// The version in a file that starts with [`versioned`] bytes.
pub(crate) fn format_of(magic: [u8; 8], bytes: &[u8]) -> Option<u32> {
    let good = bytes.len() >= 16
        && bytes[..8] == magic
        && crc32c::crc32c(&bytes[..12]) == u32_at(bytes, 12);
    good.then(|| u32_at(bytes, 8))
}

/// The first 64 bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) at: Position,
    pub(crate) first_seq: u64,
    pub(crate) records: u32,
    pub(crate) bodies: u32,
    pub(crate) facts_len: u32,
    pub(crate) bodies_len: u32,
    pub(crate) synced_to: Position,
    facts_crc: u32,
}

impl FrameHeader {
    /// The header in `bytes`, if they hold a good one that was written for this very place.
    pub(crate) fn decode(bytes: &[u8], at: Position) -> Option<FrameHeader> {
        if bytes.len() < HEADER
            || u32_at(bytes, 0) != FRAME_MAGIC
            || crc32c::crc32c(&bytes[8..HEADER]) != u32_at(bytes, 4)
        {
            return None;
        }
        let header = FrameHeader {
            at: Position { segment: u32_at(bytes, 8), offset: u32_at(bytes, 12) },
            first_seq: u64_at(bytes, 16),
            records: u32_at(bytes, 24),
            bodies: u32_at(bytes, 28),
            facts_len: u32_at(bytes, 32),
            facts_crc: u32_at(bytes, 36),
            bodies_len: u32_at(bytes, 40),
            synced_to: Position { segment: u32_at(bytes, 44), offset: u32_at(bytes, 48) },
        };
        let fits = header.facts_len as usize + header.bodies_len as usize <= MAX_BATCH;
        (header.at == at && fits).then_some(header)
    }

    /// The sequence number after the last record.
    pub(crate) fn next_seq(&self) -> u64 {
        self.first_seq + u64::from(self.records)
    }

    /// Where the frame's bytes end, before padding.
    pub(crate) fn content_end(&self) -> u64 {
        u64::from(self.at.offset)
            + HEADER as u64
            + u64::from(self.facts_len)
            + u64::from(self.bodies_len)
    }

    /// Where the next frame starts.
    pub(crate) fn end(&self) -> Position {
        let end = self.content_end().next_multiple_of(SECTOR as u64);
        Position { segment: self.at.segment, offset: u32::try_from(end).unwrap_or(u32::MAX) }
    }

    /// The facts behind this header, if they add up.
    pub(crate) fn facts(&self, bytes: Bytes) -> Option<Facts> {
        let table = self.bodies as usize * TABLE_ENTRY;
        if bytes.len() != self.facts_len as usize
            || bytes.len() < table
            || crc32c::crc32c(&bytes) != self.facts_crc
        {
            return None;
        }
        let facts = Facts { header: *self, bytes, table };
        (facts.records().count() == self.records as usize).then_some(facts)
    }
}

/// The checked facts of a frame.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) header: FrameHeader,
    bytes: Bytes,
    table: usize,
}

impl Facts {
    /// Each record with its sequence number.
    pub(crate) fn records(&self) -> impl Iterator<Item = (u64, Bytes)> + '_ {
        let mut rest = self.bytes.slice(self.table..);
        let mut seq = self.header.first_seq;
        std::iter::from_fn(move || {
            if rest.len() < 4 {
                return None;
            }
            let len = u32_at(&rest, 0) as usize;
            if rest.len() - 4 < len {
                return None;
            }
            let record = rest.slice(4..4 + len);
            rest = rest.slice(4 + len..);
            seq += 1;
            Some((seq - 1, record))
        })
    }

    /// Each body with its place.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = (BodyId, Place)> + '_ {
        let mut offset = self.header.at.offset + HEADER as u32 + self.header.facts_len;
        self.bytes[..self.table].chunks_exact(TABLE_ENTRY).map(move |entry| {
            let at = Position { segment: self.header.at.segment, offset };
            let len = u32_at(entry, 8);
            offset = offset.saturating_add(len);
            (BodyId(u64_at(entry, 0)), Place { at, len, crc: u32_at(entry, 12) })
        })
    }
}

/// The bytes a batch takes in a segment, padding included.
pub(crate) fn frame_len(batch: &Batch) -> usize {
    let facts = batch.bodies.len() * TABLE_ENTRY + batch.records.len();
    (HEADER + facts + batch.bodies_len).next_multiple_of(SECTOR)
}

/// Appends the frame of `batch` to `out` and tells `placed` where each body came to lie.
pub(crate) fn encode(
    batch: &Batch,
    at: Position,
    first_seq: u64,
    synced_to: Position,
    out: &mut Vec<u8>,
    mut placed: impl FnMut(BodyId, Place, bool),
) {
    let start = out.len();
    let frame = frame_len(batch);
    out.reserve(frame);
    out.resize(start + HEADER, 0);
    let facts_len = batch.bodies.len() * TABLE_ENTRY + batch.records.len();
    let mut offset = at.offset + (HEADER + facts_len) as u32;
    for body in &batch.bodies {
        let (len, crc) = (body.bytes.len() as u32, crc32c::crc32c(&body.bytes));
        out.extend_from_slice(&body.id.0.to_le_bytes());
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&crc.to_le_bytes());
        let place = Place { at: Position { segment: at.segment, offset }, len, crc };
        placed(body.id, place, body.moved);
        offset += len;
    }
    out.extend_from_slice(&batch.records);
    let facts_crc = crc32c::crc32c(&out[start + HEADER..]);
    for body in &batch.bodies {
        out.extend_from_slice(&body.bytes);
    }
    out.resize(start + frame, 0);

    let header = &mut out[start..start + HEADER];
    put_u32(header, 0, FRAME_MAGIC);
    put_u32(header, 8, at.segment);
    put_u32(header, 12, at.offset);
    header[16..24].copy_from_slice(&first_seq.to_le_bytes());
    put_u32(header, 24, batch.count);
    put_u32(header, 28, batch.bodies.len() as u32);
    put_u32(header, 32, facts_len as u32);
    put_u32(header, 36, facts_crc);
    put_u32(header, 40, batch.bodies_len as u32);
    put_u32(header, 44, synced_to.segment);
    put_u32(header, 48, synced_to.offset);
    let crc = crc32c::crc32c(&header[8..]);
    put_u32(header, 4, crc);
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// The number at `at`; the caller has checked the length.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// The number at `at`; the caller has checked the length.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
