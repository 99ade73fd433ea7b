//! Bits that flip on the disk of a dead node.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};

use rand::RngExt;
use rupture_protocols::random::Stream;

use super::error::DiskError;
use super::lock;
use super::record::{FRAME, Seal, frames};
use super::segment::{HEADER, generations, segment_path, segments};

/// A bit that was flipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flip {
    /// Which, counted from the beginning of the log: over all its segments, with their headers.
    pub(crate) bit: u64,
    /// Where that is, for people.
    pub(crate) place: String,
}

/// A segment of a dead node.
struct Segment {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Its records with their frames.
    frames: Vec<Range<usize>>,
}

/// Flips one bit of the log of a dead node: this one, or a random one of a random record. None when there is no such bit.
/// Twice the same bit is as never.
///
/// # Errors
/// A node that lives, or a log that cannot be read or written.
pub(crate) fn flip_bit(
    folder: &Path,
    bit: Option<u64>,
    random: &mut Stream,
) -> Result<Option<Flip>, DiskError> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let _lock = lock(folder)?;
    let mut log = read(folder)?;
    let Some(bit) = bit.or_else(|| draw(&log, random)) else {
        return Ok(None);
    };
    let mut before = 0;
    for segment in &mut log {
        let place = bit / 8 - before;
        if place < segment.bytes.len() as u64 {
            segment.bytes[place as usize] ^= 1 << (bit % 8);
            fs::write(&segment.path, &segment.bytes)
                .map_err(DiskError::machine("write to", &segment.path))?;
            let path = segment.path.display();
            let place = format!("bit {} of byte {place} of `{path}`", bit % 8);
            return Ok(Some(Flip { bit, place }));
        }
        before += segment.bytes.len() as u64;
    }
    Ok(None)
}

/// A digest of the log of a dead node: it differs when a bit does.
///
/// # Errors
/// A node that lives, or a log that cannot be read.
pub(crate) fn digest(folder: &Path) -> Result<u64, DiskError> {
    let mut hasher = DefaultHasher::new();
    if folder.is_dir() {
        let _lock = lock(folder)?;
        for segment in read(folder)? {
            hasher.write_usize(segment.bytes.len());
            hasher.write(&segment.bytes);
        }
    }
    Ok(hasher.finish())
}

/// A random bit of all records.
fn draw(log: &[Segment], random: &mut Stream) -> Option<u64> {
    let all = log.iter().flat_map(|segment| &segment.frames);
    let bytes: usize = all.map(Range::len).sum();
    if bytes == 0 {
        return None;
    }
    let bit = random.random_range(0..bytes as u64 * 8);
    let (mut left, mut before) = ((bit / 8) as usize, 0);
    for segment in log {
        for frame in &segment.frames {
            if left < frame.len() {
                return Some((before + frame.start + left) as u64 * 8 + bit % 8);
            }
            left -= frame.len();
        }
        before += segment.bytes.len();
    }
    None
}

fn read(folder: &Path) -> Result<Vec<Segment>, DiskError> {
    let Some(generation) = generations(folder)?.last().copied() else {
        return Ok(Vec::new());
    };
    let read = |segment| {
        let seal = Seal {
            generation,
            segment,
        };
        let path = segment_path(folder, seal);
        let bytes = fs::read(&path).map_err(DiskError::machine("read", &path))?;
        let records = frames(seal, &bytes, HEADER).records.into_iter();
        let frames = records.map(|it| it.start - FRAME..it.end).collect();
        Ok(Segment {
            path,
            bytes,
            frames,
        })
    };
    segments(folder, generation)?
        .into_iter()
        .map(read)
        .collect()
}
