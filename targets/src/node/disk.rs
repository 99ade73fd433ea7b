//! The disk of a node: a write-ahead log of records in checksummed segments, in the folder of one node.
//!
//! The folder holds
//! - `lock`, so that one process at a time has it;
//! - `log-GENERATION/NUMBER.segment`, the log ([`segment`], [`record`]). [`Disk::replace`] writes the next generation
//!   `aside`, syncs it, renames it into its place, syncs the folder, and only then removes the one before;
//! - `durable`, which tells how far the log was synced ([`mark`]), for a loss of power that is only played
//!   ([`lose_power`]), and so that a log that has become shorter than that is noticed.
//!
//! What was saved is in the process until [`Disk::flush`], in the kernel until [`Disk::sync`], and then on the disk. When
//! the log is opened, a record at its end that is not whole is cut away, as nobody has relied on it. Anything else
//! that is not as it was written is an error ([`recovery`]): a node that forgets what it has promised breaks its cluster.
//!
//! All is blocking, and called by the one thread that takes the node's steps.

mod bits;
mod error;
mod faults;
mod mark;
mod power;
mod record;
mod recovery;
mod segment;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use crate::DiskFault;
pub(crate) use bits::{digest, flip_bit};
pub(crate) use error::DiskError;
pub(crate) use power::lose_power;

use faults::Gate;
use mark::{Mark, MarkFile};
use record::{LARGEST, Seal};
use segment::{Sizes, Writer, generation_path};

/// A node's log on disk.
#[derive(Debug)]
pub(crate) struct Disk<R> {
    folder: PathBuf,
    sizes: Sizes,
    gate: Gate,
    writer: Writer,
    mark: MarkFile,
    /// Whether something is not durable yet.
    is_dirty: bool,
    /// A record on its way.
    bytes: Vec<u8>,
    /// Held as long as the folder is in use.
    _lock: File,
    records: PhantomData<fn(&R)>,
}

impl<R: Serialize + DeserializeOwned> Disk<R> {
    /// Opens the log in a folder, which is made when it does not exist, and reads what it kept, oldest first.
    /// The disk does wrong from the beginning what `fault` says.
    ///
    /// # Errors
    /// A folder that another process uses, that cannot be read or written, or whose log is damaged.
    pub(crate) fn open(folder: &Path, fault: DiskFault) -> Result<(Self, Vec<R>), DiskError> {
        Self::open_as(folder, Gate::new(fault), Sizes::USUAL)
    }

    fn open_as(folder: &Path, mut gate: Gate, sizes: Sizes) -> Result<(Self, Vec<R>), DiskError> {
        make_folder(folder, &mut gate)?;
        let lock = lock(folder)?;
        remove(&aside(folder), &mut gate)?;
        let known = MarkFile::read(folder)?;
        let generations = segment::generations(folder)?;
        let newest = generations.last().copied();
        if let Some(mark) = known
            && newest.is_none_or(|newest| newest < mark.generation)
        {
            let path = generation_path(folder, mark.generation);
            return Err(DiskError::damaged(&path, 0, "it is gone, and was synced"));
        }
        let mark = MarkFile::open(folder, &mut gate)?;
        let mut records = Vec::new();
        let (writer, durable) = match newest {
            None => {
                let writer = write_aside::<R>(folder, 1, &[], sizes, &mut gate)?;
                (writer, None)
            }
            Some(newest) => {
                // A mark of an older generation tells nothing of this one, which was renamed right before a kill.
                let known = known.filter(|mark| mark.generation == newest);
                let take = |bytes: &[u8]| {
                    records.push(rmp_serde::from_slice(bytes)?);
                    Ok(())
                };
                let last = recovery::recover(folder, newest, known, &gate, take)?;
                let writer = last.reopen(folder, known, sizes, &mut gate)?;
                (writer, known)
            }
        };
        for older in generations.iter().rev().skip(1) {
            remove(&generation_path(folder, *older), &mut gate)?;
        }
        let mut disk = Self {
            folder: folder.to_owned(),
            sizes,
            gate,
            writer,
            mark,
            is_dirty: true,
            bytes: Vec::new(),
            _lock: lock,
            records: PhantomData,
        };
        if let Some(mark) = durable {
            disk.is_dirty = mark != disk.end();
        } else {
            // Nobody knows what is durable: all is, from here on.
            disk.gate.sync_folder(folder)?;
            disk.sync()?;
        }
        Ok((disk, records))
    }

    /// From now on the disk does this wrong, and nothing else.
    pub(crate) fn misbehave(&mut self, fault: DiskFault) {
        self.gate.set(fault);
    }

    /// What the disk does wrong now.
    pub(crate) fn fault(&self) -> DiskFault {
        self.gate.fault()
    }

    /// Appends a record. It may be lost until [`Disk::sync`].
    ///
    /// # Errors
    /// When it cannot be written, or something failed before.
    pub(crate) fn save(&mut self, record: &R) -> Result<(), DiskError> {
        self.gate.check()?;
        encode(record, &mut self.bytes, &mut self.gate)?;
        self.is_dirty = true;
        self.writer.append(&self.bytes, &mut self.gate)
    }

    /// Hands the kernel all that was saved, so that it survives the death of the process. Nothing that depends on what was
    /// saved may leave the process before. Costs nothing when all that was saved was handed over.
    ///
    /// # Errors
    /// When it cannot be written, or something failed before.
    pub(crate) fn flush(&mut self) -> Result<(), DiskError> {
        self.writer.flush(&mut self.gate)
    }

    /// Replaces the whole log by these records, atomically and durably.
    ///
    /// # Errors
    /// When they cannot be written, or something failed before; then the log is either the old or the new one.
    pub(crate) fn replace(&mut self, records: &[R]) -> Result<(), DiskError> {
        self.gate.check()?;
        let old = self.writer.seal().generation;
        self.writer = write_aside(&self.folder, old + 1, records, self.sizes, &mut self.gate)?;
        self.note()?;
        remove(&generation_path(&self.folder, old), &mut self.gate)
    }

    /// Makes all that was saved durable, with one sync, or none where nothing was saved since the last.
    ///
    /// # Errors
    /// When it cannot be written, or something failed before. A sync that failed is never tried again.
    pub(crate) fn sync(&mut self) -> Result<(), DiskError> {
        self.gate.check()?;
        if !self.is_dirty {
            return Ok(());
        }
        self.writer.sync(&mut self.gate)?;
        self.note()
    }

    /// Notes that all is durable.
    fn note(&mut self) -> Result<(), DiskError> {
        self.mark.write(self.end(), &mut self.gate)?;
        self.is_dirty = false;
        Ok(())
    }

    fn end(&self) -> Mark {
        let seal = self.writer.seal();
        Mark {
            generation: seal.generation,
            segment: seal.segment,
            offset: self.writer.end(),
        }
    }
}

/// Where the next generation is written.
fn aside(folder: &Path) -> PathBuf {
    folder.join("aside")
}

/// Makes a generation of these records, and puts it into its place when all of it is durable.
fn write_aside<R: Serialize>(
    folder: &Path,
    generation: u64,
    records: &[R],
    sizes: Sizes,
    gate: &mut Gate,
) -> Result<Writer, DiskError> {
    let aside = aside(folder);
    remove(&aside, gate)?;
    let from = generation_path(&aside, generation);
    gate.change("make", &from, || fs::create_dir_all(&from))?;
    let first = Seal {
        generation,
        segment: 1,
    };
    let mut writer = Writer::first(&aside, first, sizes, gate)?;
    let mut bytes = Vec::new();
    for record in records {
        encode(record, &mut bytes, gate)?;
        writer.append(&bytes, gate)?;
    }
    writer.sync(gate)?;
    gate.sync_folder(&from)?;
    let to = generation_path(folder, generation);
    gate.change("rename", &from, || fs::rename(&from, &to))?;
    gate.sync_folder(folder)?;
    writer.moved(folder);
    Ok(writer)
}

fn encode<R: Serialize>(record: &R, into: &mut Vec<u8>, gate: &mut Gate) -> Result<(), DiskError> {
    into.clear();
    let written = rmp_serde::encode::write_named(into, record).map_err(|error| error.to_string());
    let size = into.len();
    let result = match written {
        Ok(()) if size <= LARGEST => Ok(()),
        Ok(()) => Err(format!(
            "it has {size} bytes, and {LARGEST} are allowed; take snapshots of less"
        )),
        Err(reason) => Err(reason),
    };
    // A log without this record is no log any more.
    result.map_err(|reason| gate.close(DiskError::Record { reason }))
}

/// Removes a folder, if it exists, with all that is in it.
fn remove(folder: &Path, gate: &mut Gate) -> Result<(), DiskError> {
    if !folder.exists() {
        return Ok(());
    }
    gate.change("remove", folder, || fs::remove_dir_all(folder))
}

/// Makes the folder of a node, durably, if it does not exist.
fn make_folder(folder: &Path, gate: &mut Gate) -> Result<(), DiskError> {
    if folder.is_dir() {
        return Ok(());
    }
    gate.change("make", folder, || fs::create_dir_all(folder))?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => gate.sync_folder(parent),
        _ => gate.sync_folder(Path::new(".")),
    }
}

/// Takes a folder for this process, until the file is dropped or the process dies.
fn lock(folder: &Path) -> Result<File, DiskError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options
        .open(&path)
        .map_err(DiskError::machine("open", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(DiskError::Locked {
            folder: folder.to_owned(),
        }),
        Err(error) => Err(DiskError::machine("lock", &path)(io::Error::from(error))),
    }
}
