//! All that changes something on the disk passes here: what is ordered to fail fails here, and nothing passes any more
//! once something has failed.
//!
//! After a failed sync nobody knows what is on the disk: Linux drops the pages that it could not write and marks them
//! clean, so that a second sync succeeds and has written nothing. Only a process that reads the log again may go on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

use super::error::DiskError;
use crate::DiskFault;

/// Lets changes pass to the machine, or fails them.
#[derive(Debug, Default)]
pub(super) struct Gate {
    fault: DiskFault,
    /// The first failure.
    broken: Option<String>,
    /// After so many changes the process is dead.
    #[cfg(test)]
    pub(super) changes_left: Option<u32>,
    /// What was changed so far: how, and where.
    #[cfg(test)]
    pub(super) done: Vec<(&'static str, std::path::PathBuf)>,
}

impl Gate {
    /// What the disk does wrong now.
    pub(super) fn fault(&self) -> DiskFault {
        self.fault
    }

    pub(super) fn new(fault: DiskFault) -> Self {
        Self {
            fault,
            ..Self::default()
        }
    }

    /// From now on this goes wrong.
    pub(super) fn set(&mut self, fault: DiskFault) {
        self.fault = fault;
    }

    /// Fails when something failed before.
    pub(super) fn check(&self) -> Result<(), DiskError> {
        match &self.broken {
            Some(first) => Err(DiskError::Broken {
                first: first.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Nothing passes from now on.
    pub(super) fn close(&mut self, error: DiskError) -> DiskError {
        self.broken.get_or_insert_with(|| error.to_string());
        error
    }

    /// Changes something.
    pub(super) fn change<T>(
        &mut self,
        action: &'static str,
        path: &Path,
        change: impl FnOnce() -> io::Result<T>,
    ) -> Result<T, DiskError> {
        self.check()?;
        #[cfg(test)]
        if let Some(left) = &mut self.changes_left {
            if *left == 0 {
                let killed = DiskError::machine(action, path)(io::Error::other("killed"));
                return Err(self.close(killed));
            }
            *left -= 1;
        }
        let result = change().map_err(DiskError::machine(action, path));
        #[cfg(test)]
        if result.is_ok() {
            self.done.push((action, path.to_owned()));
        }
        result.map_err(|error| self.close(error))
    }

    /// Writes bytes of the log that were not there before.
    pub(super) fn write(
        &mut self,
        file: &File,
        path: &Path,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DiskError> {
        let is_full = self.fault.is_full;
        let fails = self.fault.write_fails;
        self.change("write to", path, || {
            refuse(is_full, Errno::NOSPC)?;
            refuse(fails, Errno::IO)?;
            file.write_all_at(bytes, offset)
        })
    }

    /// Waits until all that was written to a file is on the disk.
    pub(super) fn sync(&mut self, file: &File, path: &Path) -> Result<(), DiskError> {
        let fails = self.fault.sync_fails;
        let slow = Duration::from_nanos(self.fault.slow_sync_ns);
        self.change("sync", path, || {
            if !slow.is_zero() {
                std::thread::sleep(slow);
            }
            refuse(fails, Errno::IO)?;
            Ok(rustix::fs::fdatasync(file)?)
        })
    }

    /// How many files were synced so far.
    #[cfg(test)]
    pub(super) fn syncs(&self) -> u32 {
        let syncs = self.done.iter().filter(|(action, _)| *action == "sync");
        syncs.count() as u32
    }

    /// Makes the names in a folder durable.
    pub(super) fn sync_folder(&mut self, folder: &Path) -> Result<(), DiskError> {
        let fails = self.fault.sync_fails;
        self.change("sync the folder", folder, || {
            refuse(fails, Errno::IO)?;
            Ok(rustix::fs::fsync(File::open(folder)?)?)
        })
    }

    /// Reads a file whole.
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, DiskError> {
        refuse(self.fault.read_fails, Errno::IO)
            .and_then(|()| std::fs::read(path))
            .map_err(DiskError::machine("read", path))
    }
}

fn refuse(is_ordered: bool, error: Errno) -> io::Result<()> {
    if is_ordered {
        Err(error.into())
    } else {
        Ok(())
    }
}
