//! An open file of the simulated folder.

use super::inode::Inode;
use super::random::Random;
use super::{Inner, Need, SimDisk};
use crate::storage::disk::DiskFile;
use std::io;

#[derive(Debug)]
pub(super) struct SimFile {
    pub(super) disk: SimDisk,
    pub(super) inode: u64,
    pub(super) boot: u64,
}

impl SimFile {
    /// Counts the call, then does `work` on the file; when the call fails, `spoil` may still happen.
    fn on<R>(
        &self,
        need: Need,
        spoil: impl FnOnce(&mut Inode, &mut Random),
        work: impl FnOnce(&mut Inode, bool) -> R,
    ) -> io::Result<R> {
        let mut inner = self.disk.inner();
        if inner.boot != self.boot {
            return Err(io::Error::other("a handle from before the power cut"));
        }
        let outcome = inner.call(need);
        let lying = inner.lying;
        let Inner { inodes, random, .. } = &mut *inner;
        let Some(inode) = inodes.get_mut(&self.inode) else {
            return Err(io::Error::other("the simulated file is gone"));
        };
        match outcome {
            Ok(()) => Ok(work(inode, lying)),
            Err(error) => {
                spoil(inode, random);
                Err(error)
            }
        }
    }
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        self.on(Need::Nothing, |_, _| (), |inode, _| inode.seen().len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.on(
            Need::Nothing,
            |_, _| (),
            |inode, _| {
                let seen = inode.seen();
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(seen.len());
                let n = buf.len().min(seen.len() - start);
                buf[..n].copy_from_slice(&seen[start..start + n]);
                n
            },
        )
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let offset = offset as usize;
        self.on(
            Need::Space,
            // A failed write may have begun.
            |inode, random| {
                inode.write(&buf[..random.below(buf.len() as u64 + 1) as usize], offset)
            },
            |inode, _| inode.write(buf, offset),
        )
    }

    fn clear_from(&self, offset: u64, len: u64) -> io::Result<()> {
        let (offset, len) = (offset as usize, len as usize);
        self.on(
            Need::Space,
            // Cut off, perhaps, but not allocated again.
            |inode, random| {
                if random.chance(0.5) {
                    inode.clear_from(offset, offset);
                }
            },
            |inode, _| inode.clear_from(offset, len),
        )
    }

    fn sync_data(&self) -> io::Result<()> {
        self.on(Need::Nothing, Inode::fail_sync, |inode, lying| {
            if !lying {
                inode.sync();
            }
        })
    }
}
