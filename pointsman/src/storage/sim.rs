//! A simulated folder: deterministic by its seed, forgetful at a power cut, faulty on request.
//!
//! What was synced stays. Of what was written since, a cut keeps any subset, sector by sector of 512 bytes; the same
//! for files made, renamed and removed since `sync_dir`. A failed sync behaves as Linux does: what it should have
//! written is still *read* as written, but later syncs say `Ok` without ever writing it.

mod file;
mod inode;
pub(crate) mod random;

use super::disk::{Disk, DiskFile, DiskLock, LockError};
use file::SimFile;
use inode::Inode;
use random::Random;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The folder; clones are the same folder, so that a test keeps one while the store has another.
#[derive(Clone, Debug)]
pub struct SimDisk {
    inner: Arc<Mutex<Inner>>,
}

/// What a call is made to do instead of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An input/output error.
    Io,
    /// No space left on the device; an input/output error where a call takes no space.
    Full,
    /// The power goes: this call and all after it fail until [`SimDisk::power_cut`].
    Power,
}

#[derive(Debug)]
struct Inner {
    random: Random,
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    /// What is seen.
    names: BTreeMap<String, u64>,
    /// What is on the medium.
    durable_names: BTreeMap<String, u64>,
    pending: Vec<NameOp>,
    calls: u64,
    fault: Option<(u64, Fault)>,
    chance: f64,
    off: bool,
    /// Handles of before the last cut are dead.
    boot: u64,
    locked: bool,
    lying: bool,
}

#[derive(Clone, Debug)]
enum NameOp {
    Create(String, u64),
    Rename(String, String, u64),
    Remove(String, u64),
}

/// What a call may need, which decides what a fault does to it.
#[derive(Clone, Copy, PartialEq)]
enum Need {
    Nothing,
    Space,
}

impl SimDisk {
    /// An empty folder. All choices follow from `seed`.
    pub fn new(seed: u64) -> SimDisk {
        let inner = Inner {
            random: Random::new(seed),
            inodes: BTreeMap::new(),
            next_inode: 1,
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending: Vec::new(),
            calls: 0,
            fault: None,
            chance: 0.0,
            off: false,
            boot: 0,
            locked: false,
            lying: false,
        };
        SimDisk { inner: Arc::new(Mutex::new(inner)) }
    }

    /// From here on a sync says `Ok` and does nothing: for the test that the tests notice.
    pub fn lie_about_syncs(&self) {
        self.inner().lying = true;
    }

    /// Calls so far, reads included.
    pub fn calls(&self) -> u64 {
        self.inner().calls
    }

    /// Makes the `nth` call from now (0 is the next one) do `fault`, once.
    pub fn fail_at(&self, nth: u64, fault: Fault) {
        let mut inner = self.inner();
        inner.fault = Some((inner.calls + nth, fault));
    }

    /// Makes each call fail with this probability, by EIO or, where it takes space, ENOSPC. 0 ends it.
    pub fn fail_randomly(&self, chance: f64) {
        self.inner().chance = chance;
    }

    /// No fault from here on, unless asked for again.
    pub fn calm(&self) {
        let mut inner = self.inner();
        (inner.fault, inner.chance) = (None, 0.0);
    }

    /// Whether a [`Fault::Power`] has struck and the power is still off.
    pub fn is_off(&self) -> bool {
        self.inner().off
    }

    /// The power goes and comes back: unsynced changes survive or not, all open handles are dead, the lock is free.
    pub fn power_cut(&self) {
        let mut inner = self.inner();
        let Inner { random, inodes, durable_names, pending, .. } = &mut *inner;
        for inode in inodes.values_mut() {
            let keep = random.keep_share();
            inode.lose_power(random, keep);
        }
        let keep = random.keep_share();
        for op in pending.drain(..) {
            if random.chance(keep) {
                op.apply(durable_names);
            }
        }
        inner.names = inner.durable_names.clone();
        inner.drop_unlinked(true);
        inner.off = false;
        inner.fault = None;
        inner.locked = false;
        inner.boot += 1;
    }

    /// Changes a byte on the medium, as a rotten sector does.
    ///
    /// # Panics
    /// If there is no such file or byte.
    pub fn flip(&self, name: &str, offset: u64) {
        let mut inner = self.inner();
        let inode = inner.names[name];
        inner.inodes.get_mut(&inode).expect("a named inode exists").flip(offset);
    }

    /// The bytes of a file as they are read now, if it exists.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let inner = self.inner();
        inner.names.get(name).map(|inode| inner.inodes[inode].seen().to_vec())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, inner: &Inner, inode: u64) -> Arc<dyn DiskFile> {
        Arc::new(SimFile { disk: self.clone(), inode, boot: inner.boot })
    }
}

impl Inner {
    /// Counts the call and says what goes wrong with it.
    fn call(&mut self, need: Need) -> io::Result<()> {
        let call = self.calls;
        self.calls += 1;
        if self.off {
            return Err(io::Error::other("the power is off"));
        }
        let fault = match self.fault {
            Some((at, fault)) if at == call => {
                self.fault = None;
                Some(fault)
            }
            _ if self.chance > 0.0 && self.random.chance(self.chance) => {
                Some(if self.random.chance(0.5) { Fault::Io } else { Fault::Full })
            }
            _ => None,
        };
        match fault {
            None => Ok(()),
            Some(Fault::Power) => {
                self.off = true;
                Err(io::Error::other("the power went"))
            }
            Some(Fault::Full) if need == Need::Space => Err(io::Error::new(
                io::ErrorKind::StorageFull,
                "no space left on the simulated device",
            )),
            Some(Fault::Io | Fault::Full) => Err(io::Error::other("simulated input/output error")),
        }
    }

    fn lookup(&self, name: &str) -> io::Result<u64> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{name}: no such file"));
        self.names.get(name).copied().ok_or_else(missing)
    }

    /// Frees files without a name; those with open handles only when the handles are dead.
    fn drop_unlinked(&mut self, handles_dead: bool) {
        let (names, durable) = (&self.names, &self.durable_names);
        let pending = &self.pending;
        self.inodes.retain(|inode, file| {
            !(handles_dead || file.unlinked)
                || names.values().any(|i| i == inode)
                || durable.values().any(|i| i == inode)
                || pending.iter().any(|op| op.inode() == *inode)
        });
    }
}

impl NameOp {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            NameOp::Create(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            NameOp::Rename(from, to, inode) => {
                if names.get(from) == Some(inode) {
                    names.remove(from);
                }
                names.insert(to.clone(), *inode);
            }
            NameOp::Remove(name, inode) => {
                if names.get(name) == Some(inode) {
                    names.remove(name);
                }
            }
        }
    }

    fn inode(&self) -> u64 {
        match self {
            NameOp::Create(_, inode) | NameOp::Rename(_, _, inode) | NameOp::Remove(_, inode) => {
                *inode
            }
        }
    }
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut inner = self.inner();
        inner.call(Need::Nothing)?;
        Ok(inner.names.keys().cloned().collect())
    }

    fn create(&self, name: &str, len: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut inner = self.inner();
        inner.call(Need::Space)?;
        if inner.names.contains_key(name) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{name} exists")));
        }
        let inode = inner.next_inode;
        inner.next_inode += 1;
        inner.inodes.insert(inode, Inode::allocated(len));
        let op = NameOp::Create(name.to_owned(), inode);
        op.apply(&mut inner.names);
        inner.pending.push(op);
        Ok(self.file(&inner, inode))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut inner = self.inner();
        inner.call(Need::Nothing)?;
        let inode = inner.lookup(name)?;
        Ok(self.file(&inner, inode))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.call(Need::Nothing)?;
        let inode = inner.lookup(from)?;
        let op = NameOp::Rename(from.to_owned(), to.to_owned(), inode);
        op.apply(&mut inner.names);
        inner.pending.push(op);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.call(Need::Nothing)?;
        let inode = inner.lookup(name)?;
        if let Some(file) = inner.inodes.get_mut(&inode) {
            file.unlinked = true;
        }
        let op = NameOp::Remove(name.to_owned(), inode);
        op.apply(&mut inner.names);
        inner.pending.push(op);
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut inner = self.inner();
        inner.call(Need::Nothing)?;
        if !inner.lying {
            let Inner { durable_names, pending, .. } = &mut *inner;
            for op in pending.drain(..) {
                op.apply(durable_names);
            }
        }
        Ok(())
    }

    fn lock(&self) -> Result<Box<dyn DiskLock>, LockError> {
        let mut inner = self.inner();
        inner.call(Need::Nothing).map_err(LockError::Io)?;
        if inner.locked {
            return Err(LockError::Held("another store".into()));
        }
        inner.locked = true;
        Ok(Box::new(SimLock { disk: self.clone(), boot: inner.boot }))
    }

    fn name(&self) -> String {
        "a simulated disk".into()
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    boot: u64,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut inner = self.disk.inner();
        if inner.boot == self.boot {
            inner.locked = false;
        }
    }
}
