//! What the tests of the disk have in common.

mod damage;
mod faults;
mod kills;
mod model;
mod speed;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::faults::Gate;
use super::segment::{Sizes, generation_path};
use super::*;
use crate::{Keep, Loss};

/// Small enough that every place of a log can be tried.
const SMALL: Sizes = Sizes {
    segment: 200,
    ahead: 32,
};

type Record = (u32, String);

/// A record whose frame has about 30 bytes.
fn record(number: u32) -> Record {
    (number, format!("record {number}"))
}

fn records(numbers: std::ops::Range<u32>) -> Vec<Record> {
    numbers.map(record).collect()
}

/// An empty folder: in memory where there is such a place, as most tests are about what is read again.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a temporary folder")
}

fn open_with(
    folder: &Path,
    fault: DiskFault,
    sizes: Sizes,
) -> Result<(Disk<Record>, Vec<Record>), DiskError> {
    Disk::open_as(folder, Gate::new(fault), sizes)
}

fn open(folder: &Path) -> Result<(Disk<Record>, Vec<Record>), DiskError> {
    open_with(folder, DiskFault::default(), SMALL)
}

/// What a process finds that starts now.
fn kept(folder: &Path) -> Vec<Record> {
    open(folder).expect("a log that is whole").1
}

/// A log in one segment with records that were synced and records that were only written. Where each frame ends.
fn written(folder: &Path, sizes: Sizes, synced: u32, unsynced: u32) -> Vec<u64> {
    let (mut disk, _) = open_with(folder, DiskFault::default(), sizes).expect("a new log");
    let mut ends = vec![disk.writer.end()];
    for number in 0..synced + unsynced {
        if number == synced {
            disk.sync().expect("a sync");
        }
        disk.save(&record(number)).expect("a save");
        ends.push(disk.writer.end());
    }
    if unsynced == 0 {
        disk.sync().expect("a sync");
    }
    disk.flush().expect("a flush");
    ends
}

const ONE: Sizes = Sizes {
    segment: 1 << 20,
    ahead: 64,
};

/// A segment of the first generation.
fn segment(folder: &Path, number: u64) -> PathBuf {
    generation_path(folder, 1).join(format!("{number:016}.segment"))
}

/// A copy of a node's folder.
fn copy(from: &Path) -> TempDir {
    let to = folder();
    let mut open = vec![(from.to_owned(), to.path().to_owned())];
    while let Some((from, to)) = open.pop() {
        for entry in fs::read_dir(&from).expect("a folder") {
            let entry = entry.expect("an entry");
            let target = to.join(entry.file_name());
            if entry.file_type().expect("a type").is_dir() {
                fs::create_dir(&target).expect("a folder");
                open.push((entry.path(), target));
            } else {
                fs::copy(entry.path(), target).expect("a copy");
            }
        }
    }
    to
}
