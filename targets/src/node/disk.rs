//! The disk of a node: a write-ahead log of records in segments.

use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use rupture_protocols::random::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use crate::DiskFault;
use crate::{Keep, Loss};

/// Why a disk did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The machine refused.
    #[error("cannot {action} `{}`: {reason}", .path.display())]
    Machine {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        reason: io::Error,
    },
}

/// A node's log on disk.
pub(crate) struct Disk<R> {
    records: PhantomData<R>,
}

impl<R: Serialize + DeserializeOwned> Disk<R> {
    /// Opens the log in a folder, which is made when it does not exist, and reads what it kept, oldest first.
    /// The disk does wrong from the beginning what `fault` says.
    pub(crate) fn open(_folder: &Path, _fault: DiskFault) -> Result<(Self, Vec<R>), DiskError> {
        Ok((
            Self {
                records: PhantomData,
            },
            Vec::new(),
        ))
    }

    /// From now on the disk does this.
    pub(crate) fn misbehave(&mut self, _fault: DiskFault) {}

    /// Appends a record. It may be lost until [`Disk::sync`].
    pub(crate) fn save(&mut self, _record: &R) -> Result<(), DiskError> {
        Ok(())
    }

    /// Hands the kernel all that was saved, so that it survives the death of the process. Nothing that depends on what was
    /// saved may leave the process before.
    pub(crate) fn flush(&mut self) -> Result<(), DiskError> {
        Ok(())
    }

    /// Replaces the whole log by these records, atomically and durably.
    pub(crate) fn replace(&mut self, _records: &[R]) -> Result<(), DiskError> {
        Ok(())
    }

    /// Makes all that was saved durable.
    pub(crate) fn sync(&mut self) -> Result<(), DiskError> {
        Ok(())
    }
}

/// Leaves on the disk of a dead node what a loss of power leaves.
pub(crate) fn lose_power(
    _folder: &Path,
    _keep: Keep,
    _random: &mut Stream,
) -> Result<Loss, DiskError> {
    Ok(Loss::default())
}

/// A bit that was flipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flip {
    /// Which, counted from the beginning of the log.
    pub(crate) bit: u64,
    /// Where that is, for people.
    pub(crate) place: String,
}

/// Flips one bit of the log of a dead node: this one, or a random one of a random record. None when there is no such bit.
/// Twice the same bit is as never.
pub(crate) fn flip_bit(
    _folder: &Path,
    _bit: Option<u64>,
    _random: &mut Stream,
) -> Result<Option<Flip>, DiskError> {
    Ok(None)
}

/// A digest of the log of a dead node: it differs when a bit does.
pub(crate) fn digest(_folder: &Path) -> Result<u64, DiskError> {
    Ok(0)
}
