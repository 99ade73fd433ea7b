//! What a loss of power leaves of the log of a dead node.

use std::fs::{self, OpenOptions};
use std::path::Path;

use rand::RngExt;
use rupture_protocols::random::Stream;

use super::error::DiskError;
use super::faults::Gate;
use super::lock;
use super::mark::{Mark, MarkFile};
use super::record::{FRAME, Rest, Seal, frames};
use super::segment::{HEADER, generations, segment_path, segments};
use crate::{Keep, Loss};

/// A record that was written and not synced.
struct Unsynced {
    /// Where its frame begins.
    at: Mark,
    /// How many bytes its frame has.
    size: u64,
}

/// Leaves on the disk of a dead node what a loss of power leaves: all that was synced and, of the rest, what `keep`
/// says. What is left is durable. Says how many records are gone that the kernel had.
///
/// # Errors
/// A node that lives, a log that cannot be read or cut, or one of which nobody knows how far it was synced.
pub(crate) fn lose_power(
    folder: &Path,
    keep: Keep,
    random: &mut Stream,
) -> Result<Loss, DiskError> {
    if keep == Keep::Written || !folder.is_dir() {
        return Ok(Loss::default());
    }
    let _lock = lock(folder)?;
    let Some(generation) = generations(folder)?.last().copied() else {
        return Ok(Loss::default());
    };
    let mark = match MarkFile::read(folder)? {
        Some(mark) if mark.generation == generation => mark,
        // All of a generation is durable before it has its name, and nothing is appended to it before it is marked.
        Some(mark) if mark.generation < generation => return Ok(Loss::default()),
        _ => return unmarked(folder, generation),
    };
    let unsynced = unsynced(folder, mark)?;
    let lost = unsynced.len() as u64;
    let is_torn = keep == Keep::Torn && lost > 0;
    let kept = if is_torn {
        random.random_range(0..lost)
    } else {
        0
    };
    // Everything from here on is lost, but for the beginning of a record that is torn.
    let (end, torn_bytes) = match unsynced.get(kept as usize) {
        Some(first) if is_torn => (first.at, random.random_range(1..first.size)),
        Some(first) => (first.at, 0),
        None => (mark, 0),
    };
    cut(folder, end, torn_bytes)?;
    let mut gate = Gate::default();
    MarkFile::open(folder, &mut gate)?.write(end, &mut gate)?;
    Ok(Loss {
        records_lost: lost - kept,
        torn: is_torn,
    })
}

/// Without a mark nothing can be lost for certain but of a log that never had anything.
fn unmarked(folder: &Path, generation: u64) -> Result<Loss, DiskError> {
    let start = Mark {
        generation,
        segment: 1,
        offset: HEADER as u64,
    };
    if unsynced(folder, start)?.is_empty() {
        return Ok(Loss::default());
    }
    Err(DiskError::Unmarked {
        path: MarkFile::path(folder),
    })
}

/// The records behind a mark, oldest first, up to the first that is not whole.
fn unsynced(folder: &Path, mark: Mark) -> Result<Vec<Unsynced>, DiskError> {
    let mut found = Vec::new();
    for segment in segments(folder, mark.generation)? {
        if segment < mark.segment {
            continue;
        }
        let seal = Seal {
            generation: mark.generation,
            segment,
        };
        let path = segment_path(folder, seal);
        let bytes = fs::read(&path).map_err(DiskError::machine("read", &path))?;
        let from = if segment == mark.segment {
            mark.offset as usize
        } else {
            HEADER
        };
        let frames = frames(seal, &bytes, from);
        found.extend(frames.records.into_iter().map(|record| Unsynced {
            at: Mark {
                segment,
                offset: (record.start - FRAME) as u64,
                ..mark
            },
            size: (record.len() + FRAME) as u64,
        }));
        if frames.rest != Rest::Nothing {
            break;
        }
    }
    Ok(found)
}

/// Cuts the log so many bytes behind a place, the newest first, so that whoever is interrupted leaves no hole.
fn cut(folder: &Path, end: Mark, torn_bytes: u64) -> Result<(), DiskError> {
    for segment in segments(folder, end.generation)?.into_iter().rev() {
        let seal = Seal {
            generation: end.generation,
            segment,
        };
        let path = segment_path(folder, seal);
        if segment > end.segment {
            fs::remove_file(&path).map_err(DiskError::machine("remove", &path))?;
        } else if segment == end.segment {
            let length = end.offset + torn_bytes;
            let file = OpenOptions::new().write(true).open(&path);
            file.and_then(|file| {
                // A log that ends before it was synced is damaged, and not made longer here.
                let is_longer = file.metadata()?.len() > length;
                if is_longer {
                    file.set_len(length)
                } else {
                    Ok(())
                }
            })
            .map_err(DiskError::machine("truncate", &path))?;
        }
    }
    Ok(())
}
