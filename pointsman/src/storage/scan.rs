//! Looking through segments for frames, also behind bad ones.

use super::disk::DiskFile;
use super::frame::{Position, SECTOR, SegmentHeader};
use super::segment::{self, FrameReader};
use std::io;
use std::sync::Arc;

/// What is read at a time where there are no frames to go by.
const CHUNK: usize = 1 << 20;

/// A segment about to be read; without a header if that is bad.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) number: u32,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) header: Option<SegmentHeader>,
}

/// What a look through a segment found.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    good: bool,
    synced_to: Position,
    /// The first byte behind the last one that is not zero.
    pub(crate) written_to: u64,
}

/// The highest mark of durability in the log (it rises, so the last segment with a good frame has it), and how far
/// each segment looked at has been written.
pub(crate) fn survey(segments: &[Opening]) -> io::Result<(Position, Vec<u64>)> {
    let mut written = vec![0; segments.len()];
    let mut synced_to = Position::default();
    for (i, opening) in segments.iter().enumerate().rev() {
        let scanned = scan(opening, SECTOR as u64)?;
        written[i] = scanned.written_to;
        synced_to = scanned.synced_to;
        if let Some(header) = opening.header {
            synced_to = synced_to.max(header.synced_to);
        }
        if scanned.good || opening.header.is_some() {
            break;
        }
    }
    Ok((synced_to, written))
}

/// Goes from frame to frame, and behind a bad one from sector to sector.
pub(crate) fn scan(opening: &Opening, from: u64) -> io::Result<Scanned> {
    const ZERO: [u8; SECTOR] = [0; SECTOR];
    let mut found = Scanned::default();
    // Bodies of good frames are passed over, not read.
    let (mut hops, mut steps) = (FrameReader::new(SECTOR), FrameReader::new(CHUNK));
    let mut hopping = true;
    let len = opening.file.size()?;
    let mut offset = from;
    while offset < len {
        let at =
            Position { segment: opening.number, offset: u32::try_from(offset).unwrap_or(u32::MAX) };
        let reader = if hopping { &mut hops } else { &mut steps };
        if let Some(header) = reader.header(&*opening.file, at)? {
            (hopping, found.good) = (true, true);
            found.synced_to = found.synced_to.max(header.synced_to);
            found.written_to = header.content_end();
            offset = u64::from(header.end().offset);
            continue;
        }
        if hopping {
            // What was allocated and never written is passed over as well.
            hopping = false;
            match opening.file.next_data(offset)? {
                Some(data) if data / SECTOR as u64 > offset / SECTOR as u64 => {
                    offset = data / SECTOR as u64 * SECTOR as u64;
                    continue;
                }
                Some(_) => {}
                None => break,
            }
        }
        let sector = steps.bytes(&*opening.file, offset, SECTOR)?;
        if sector[..] != ZERO[..sector.len()] {
            let last = sector.iter().rposition(|b| *b != 0).unwrap_or(0);
            found.written_to = offset + last as u64 + 1;
        }
        offset += SECTOR as u64;
    }
    Ok(found)
}

/// Where the frames of an old segment end when no header says so.
pub(crate) fn end_of(file: &dyn DiskFile, number: u32) -> io::Result<u32> {
    let mut reader = FrameReader::new(segment::AHEAD);
    let mut at = Position { segment: number, offset: SECTOR as u32 };
    while let Some(header) = reader.header(file, at)? {
        at = header.end();
    }
    Ok(at.offset)
}
