//! What a log has kept, and whether it is all that it was given.
//!
//! A process or a machine may die while it appends, and leaves a frame that is not whole at the end of the last
//! segment. Everything else is damage. That it is no damage is told by three signs: no whole frame follows, it is
//! not in an earlier segment, and it is not before the mark, up to which all was durable once.

use std::path::Path;

use super::error::DiskError;
use super::faults::Gate;
use super::mark::Mark;
use super::record::{Rest, Seal, frames};
use super::segment::{HEADER, Sizes, Writer, read_header, segment_path, segments};

/// The last segment of a log.
#[derive(Debug)]
pub(super) struct Last {
    seal: Seal,
    bytes: Vec<u8>,
    /// Where its whole frames end.
    end: u64,
    is_torn: bool,
}

/// Reads a generation: hands every record on, oldest first, and returns the last segment.
///
/// # Errors
/// A log that cannot be read, or is damaged.
pub(super) fn recover(
    folder: &Path,
    generation: u64,
    mark: Option<Mark>,
    gate: &Gate,
    mut take: impl FnMut(&[u8]) -> Result<(), rmp_serde::decode::Error>,
) -> Result<Last, DiskError> {
    let mut last: Option<Last> = None;
    for (segment, found) in (1..).zip(segments(folder, generation)?) {
        let seal = Seal {
            generation,
            segment,
        };
        let path = segment_path(folder, seal);
        if found != segment {
            let what = format!("it is gone, and segment {found} is there");
            return Err(DiskError::damaged(&path, 0, what));
        }
        let bytes = gate.read(&path)?;
        let before = read_header(&path, seal, &bytes)?;
        check_before(folder, last.as_ref(), &path, before)?;
        let frames = frames(seal, &bytes, HEADER);
        for record in frames.records {
            let place = record.start as u64;
            take(&bytes[record]).map_err(|error| {
                let what = format!(
                    "a record is whole, and this version of the node cannot read it ({error})"
                );
                DiskError::damaged(&path, place, what)
            })?;
        }
        if let Rest::Frame(next) = frames.rest {
            let what = format!("there is no whole record, and yet there is one at byte {next}");
            return Err(DiskError::damaged(&path, frames.end as u64, what));
        }
        last = Some(Last {
            seal,
            bytes,
            end: frames.end as u64,
            is_torn: frames.rest == Rest::Torn,
        });
    }
    let Some(last) = last else {
        let path = segment_path(
            folder,
            Seal {
                generation,
                segment: 1,
            },
        );
        return Err(DiskError::damaged(&path, 0, "it is gone"));
    };
    if let Some(mark) = mark
        && (mark.segment, mark.offset) > (last.seal.segment, last.end)
    {
        let what = format!(
            "its whole records end here, and the log was synced up to byte {} of segment {}",
            mark.offset, mark.segment
        );
        let path = segment_path(folder, last.seal);
        return Err(DiskError::damaged(&path, last.end, what));
    }
    Ok(last)
}

/// Whether the segment before one is as long as it was when this one was begun.
fn check_before(
    folder: &Path,
    last: Option<&Last>,
    path: &Path,
    before: u64,
) -> Result<(), DiskError> {
    let Some(last) = last else {
        let what = "a segment before it is gone";
        return if before == 0 {
            Ok(())
        } else {
            Err(DiskError::damaged(path, 0, what))
        };
    };
    if last.end == before && last.bytes.len() as u64 == before {
        return Ok(());
    }
    let what = format!(
        "its whole records end here, and they reached byte {before} when the next segment was begun"
    );
    let path = segment_path(folder, last.seal);
    Err(DiskError::damaged(&path, last.end.min(before), what))
}

impl Last {
    /// Goes on with the segment. What is not durable for sure is written once more.
    pub(super) fn reopen(
        self,
        folder: &Path,
        mark: Option<Mark>,
        sizes: Sizes,
        gate: &mut Gate,
    ) -> Result<Writer, DiskError> {
        let mut writer = Writer::reopen(folder, self.seal, &self.bytes, self.end, sizes, gate)?;
        let from = match mark {
            Some(mark) if mark.segment == self.seal.segment => mark.offset,
            _ => HEADER as u64,
        };
        if from < self.end {
            writer.rewrite(&self.bytes, from, gate)?;
        }
        if self.is_torn {
            // What was cut away must not come back behind what is written next.
            writer.sync(gate)?;
        }
        Ok(writer)
    }
}
