//! How far a log is durable: a small file beside it, written after each sync and never synced itself.
//!
//! It is what tells the loss of power of a process that was killed: the kernel keeps its pages, and only this file knows
//! which of them a machine without power would have kept. It is written after the sync and before anything that depends
//! on the sync may leave the process. Between the two it tells less than is durable, and nobody has yet heard of the
//! difference. It never tells more, so that a log that ends before it is damaged.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::DiskError;
use super::faults::Gate;

const MAGIC: [u8; 8] = *b"rptrmark";
const SIZE: usize = 36;

/// A place in a log. The log is durable up to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) generation: u64,
    pub(super) segment: u64,
    /// In the segment.
    pub(super) offset: u64,
}

impl Mark {
    fn bytes(self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..8].copy_from_slice(&MAGIC);
        for (word, place) in [self.generation, self.segment, self.offset]
            .iter()
            .zip(bytes[8..32].chunks_exact_mut(8))
        {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let checksum = crc32fast::hash(&bytes[..32]);
        bytes[32..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u64::from_le_bytes(*bytes.get(8 + 8 * at..)?.first_chunk()?));
        let mark = Self {
            generation: word(0)?,
            segment: word(1)?,
            offset: word(2)?,
        };
        (mark.bytes() == bytes).then_some(mark)
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct MarkFile {
    path: PathBuf,
    file: File,
}

impl MarkFile {
    /// Where it is in the folder of a node.
    pub(super) fn path(folder: &Path) -> PathBuf {
        folder.join("durable")
    }

    /// Opens it, and makes it when it does not exist.
    pub(super) fn open(folder: &Path, gate: &mut Gate) -> Result<Self, DiskError> {
        let path = Self::path(folder);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = gate.change("open", &path, || options.open(&path))?;
        Ok(Self { path, file })
    }

    /// What it tells: none when it does not exist, or was torn.
    pub(super) fn read(folder: &Path) -> Result<Option<Mark>, DiskError> {
        let path = Self::path(folder);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Mark::read(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DiskError::machine("read", &path)(error)),
        }
    }

    /// Writes it, in one write.
    pub(super) fn write(&self, mark: Mark, gate: &mut Gate) -> Result<(), DiskError> {
        let write = || self.file.write_all_at(&mark.bytes(), 0);
        gate.change("write to", &self.path, write)
    }
}
