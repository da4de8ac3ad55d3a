//! What can go wrong, by what a person or the caller can do about it.

use std::fmt;
use std::io;

/// Why a store did not open. Nothing was changed, except that a torn end may already have been cut off.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has the folder.
    Locked {
        /// The folder.
        folder: String,
        /// Who, as far as the lock file tells.
        holder: String,
    },
    /// Written by a version after this one.
    Newer {
        /// The file that says so.
        file: String,
        /// Its format.
        format: u32,
        /// The newest format this version reads.
        newest: u32,
    },
    /// Bytes that were durable are gone or changed.
    Damaged {
        /// The folder.
        folder: String,
        /// The file.
        file: String,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// The log is sound, but its reader could not take a snapshot or record, or names a body that was never written.
    Fold(String),
    /// The disk failed.
    Io(io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Locked { folder, holder } => {
                write!(f, "{folder} is in use by {holder}; stop it or choose another folder")
            }
            OpenError::Newer { file, format, newest } => write!(
                f,
                "{file} has format {format}, this version reads up to {newest}; run the newer version"
            ),
            OpenError::Damaged { folder, file, offset, what } => write!(
                f,
                "{folder}: {file} is damaged at byte {offset}: {what}. Nothing was changed. Restore the folder from a \
                 backup, or move it away to start empty"
            ),
            OpenError::Fold(what) => write!(f, "the journal cannot be read: {what}"),
            OpenError::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> OpenError {
        OpenError::Io(error)
    }
}

/// Why a batch was not appended.
#[derive(Debug)]
#[non_exhaustive]
pub enum AppendError {
    /// The next segment could not be allocated for want of space. Nothing was written and nothing is broken: the same
    /// batch may be appended again once there is room.
    Full(io::Error),
    /// More than 1 GiB (the bytes given). Nothing was written.
    TooLarge(usize),
    /// A write or sync has failed, now or before: what is on the disk is unknown, and the process must end.
    Broken(io::Error),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::Full(error) => write!(f, "the disk is full: {error}"),
            AppendError::TooLarge(bytes) => {
                write!(f, "a batch of {bytes} bytes is more than 1 GiB")
            }
            AppendError::Broken(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for AppendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AppendError::Full(error) | AppendError::Broken(error) => Some(error),
            AppendError::TooLarge(_) => None,
        }
    }
}

/// An error that names the file and place, as damage met while running does.
pub(crate) fn damaged(file: &str, offset: u64, what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{file} is damaged at byte {offset}: {what}"),
    )
}
