//! Segment files and reading frames from them.

use super::disk::{DiskFile, read_exact_at};
use super::frame::{
    Facts, FrameHeader, HEADER, Place, Position, SECTOR, SegmentHeader, SegmentStart,
};
use bytes::Bytes;
use std::io;

/// What is read at a time going through frames: several small ones, and not much of a large one's bodies.
pub(crate) const AHEAD: usize = 32 << 10;

/// The file name of a segment. Numbers rise by one and are never used twice.
pub(crate) fn name(number: u32) -> String {
    format!("{number:010}.log")
}

/// The number in a segment's file name.
pub(crate) fn number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".log")?;
    (digits.len() == 10).then(|| digits.parse().ok())?
}

/// Reads the first sector.
pub(crate) fn read_start(
    file: &dyn DiskFile,
    number: u32,
    newest: u32,
) -> io::Result<SegmentStart> {
    let mut sector = [0; SECTOR];
    if !read_exact_at(file, &mut sector, 0)? {
        return Ok(SegmentStart::Bad);
    }
    Ok(SegmentHeader::decode(&sector, number, newest))
}

/// Whether a body's bytes are there and add up.
pub(crate) fn body_is_good(
    file: &dyn DiskFile,
    place: &Place,
    buf: &mut Vec<u8>,
) -> io::Result<bool> {
    buf.resize(place.len as usize, 0);
    Ok(read_exact_at(file, buf, u64::from(place.at.offset))? && crc32c::crc32c(buf) == place.crc)
}

/// Reads frames of one segment, several small ones by one call to the disk.
#[derive(Debug)]
pub(crate) struct FrameReader {
    window: Bytes,
    start: u64,
    ahead: usize,
}

impl FrameReader {
    /// Reads at least `ahead` bytes at a time.
    pub(crate) fn new(ahead: usize) -> FrameReader {
        FrameReader { window: Bytes::new(), start: 0, ahead }
    }

    /// Forgets what was read: for another file, or one that has grown.
    pub(crate) fn reset(&mut self) {
        self.window = Bytes::new();
    }

    /// The good header at `at`, if there is one.
    pub(crate) fn header(
        &mut self,
        file: &dyn DiskFile,
        at: Position,
    ) -> io::Result<Option<FrameHeader>> {
        let bytes = self.bytes(file, u64::from(at.offset), HEADER)?;
        Ok(FrameHeader::decode(&bytes, at))
    }

    /// The frame at `at`, if its header and facts are good; its bodies are not looked at.
    pub(crate) fn frame(&mut self, file: &dyn DiskFile, at: Position) -> io::Result<Option<Facts>> {
        let Some(header) = self.header(file, at)? else { return Ok(None) };
        let offset = u64::from(at.offset) + HEADER as u64;
        let bytes = self.bytes(file, offset, header.facts_len as usize)?;
        Ok(header.facts(bytes))
    }

    /// `len` bytes at `offset`; fewer at the end of the file.
    pub(crate) fn bytes(
        &mut self,
        file: &dyn DiskFile,
        offset: u64,
        len: usize,
    ) -> io::Result<Bytes> {
        let held = self.start..self.start + self.window.len() as u64;
        if !(held.contains(&offset) && offset + len as u64 <= held.end) {
            // A length out of a bad file must not be believed before the file has it.
            let len = len
                .max(self.ahead)
                .min(usize::try_from(file.size()?.saturating_sub(offset)).unwrap_or(usize::MAX));
            let mut buf = vec![0; len];
            let n = file.read_at(&mut buf, offset)?;
            buf.truncate(n);
            (self.window, self.start) = (buf.into(), offset);
        }
        let from = (offset - self.start) as usize;
        Ok(self.window.slice(from..(from + len).min(self.window.len())))
    }
}
