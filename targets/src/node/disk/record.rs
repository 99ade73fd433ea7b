//! A record in its frame: `length u32, checksum of the record u32, checksum of the frame u32, record`, little endian.
//!
//! The checksum of the frame covers the two words before it and where the frame stands, so that no frame is taken for one
//! in another place. It also lets a search for the next whole frame reject a place without reading a record. A length
//! is never 0: zeros, which are written ahead of the log, are the end of it.

use std::ops::Range;

use crc32fast::Hasher;

/// How many bytes stand before a record.
pub(super) const FRAME: usize = 12;
/// How many bytes a record may have.
pub(super) const LARGEST: usize = 1 << 30;

/// The segment that a frame stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    /// The generation of the log.
    pub(super) generation: u64,
    /// The number of the segment within it.
    pub(super) segment: u64,
}

impl Seal {
    fn check(self, offset: u64, words: [u32; 2]) -> u32 {
        let mut hasher = Hasher::new();
        for word in [self.generation, self.segment, offset] {
            hasher.update(&word.to_le_bytes());
        }
        for word in words {
            hasher.update(&word.to_le_bytes());
        }
        hasher.finalize()
    }
}

/// Puts a record of at most [`LARGEST`] bytes, and not of none, into a frame that begins at this offset of its segment.
pub(super) fn frame(seal: Seal, offset: u64, record: &[u8], into: &mut Vec<u8>) {
    let words = [record.len() as u32, crc32fast::hash(record)];
    for word in [words[0], words[1], seal.check(offset, words)] {
        into.extend(word.to_le_bytes());
    }
    into.extend(record);
}

/// Where in a segment the record is whose frame begins at this offset, if it is whole.
fn whole(seal: Seal, bytes: &[u8], offset: usize) -> Option<Range<usize>> {
    let word = |at: usize| {
        Some(u32::from_le_bytes(
            *bytes.get(offset + at..)?.first_chunk()?,
        ))
    };
    let words = [word(0)?, word(4)?];
    let begin = offset + FRAME;
    let end = begin.checked_add(words[0] as usize)?;
    if words[0] == 0 || end > bytes.len() || word(8)? != seal.check(offset as u64, words) {
        return None;
    }
    (crc32fast::hash(&bytes[begin..end]) == words[1]).then_some(begin..end)
}

/// What follows the whole frames of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing, or zeros.
    Nothing,
    /// The beginning of a frame, or bytes of none.
    Torn,
    /// Bytes of no frame, and behind them a whole frame at this offset.
    Frame(usize),
}

/// The whole frames of a segment from an offset on.
#[derive(Debug)]
pub(super) struct Frames {
    /// Where the records are; each has its frame around it.
    pub(super) records: Vec<Range<usize>>,
    /// Where the last whole frame ends.
    pub(super) end: usize,
    /// What follows.
    pub(super) rest: Rest,
}

/// Reads the frames of a segment from this offset on. Linear, also where what follows is no frame.
pub(super) fn frames(seal: Seal, bytes: &[u8], from: usize) -> Frames {
    let mut records = Vec::new();
    let mut end = from;
    while let Some(record) = whole(seal, bytes, end) {
        end = record.end;
        records.push(record);
    }
    let rest = bytes.get(end..).unwrap_or_default();
    let rest = if rest.iter().all(|byte| *byte == 0) {
        Rest::Nothing
    } else {
        let mut others = end + 1..bytes.len();
        let next = others.find(|offset| whole(seal, bytes, *offset).is_some());
        next.map_or(Rest::Torn, Rest::Frame)
    };
    Frames { records, end, rest }
}
