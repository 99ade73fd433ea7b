//! Brings the bytes of a history into memory: a file, a pipe or the standard input, plain or packed.
//!
//! Whether something is packed is told by its content and not by its name. Reading stops at the bound of memory,
//! however large a device is or however much an archive unpacks to.

use std::io::{self, Read};
use std::path::Path;

use anyhow::Context;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

use rupture_workloads::checkers::history::{History, codec};

use crate::exit::bad_input;
use crate::input::{self, InputError};

/// How many times its size a text may take while it is read: as text, and as a history beside it.
const TIMES_ITS_SIZE: u64 = 2;

/// A history, or why it was not read to its end: it found no room, or no time.
pub(super) enum Input {
    History(Box<History>),
    Unread(String),
}

/// Whether a path stands for the standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads the history in a file, within this many bytes of memory and until time is over.
pub(super) fn read(path: &Path, memory: u64, over: &dyn Fn() -> bool) -> anyhow::Result<Input> {
    let most = memory / TIMES_ITS_SIZE;
    let raw = if is_stdin(path) {
        input::read_stdin(most, over)
    } else {
        input::read(path, most, over)
    };
    let cannot = || format!("cannot read `{}`", path.display());
    let raw = match raw {
        Ok(raw) => raw,
        Err(InputError::Large(_)) => {
            return Ok(Input::Unread(format!(
                "out of memory: the file has more than {most} bytes, and reading takes up to {TIMES_ITS_SIZE} times \
                 its size, of which --memory allows {memory}"
            )));
        }
        Err(InputError::Late) => {
            return Ok(Input::Unread(
                "out of time before the file was read".to_owned(),
            ));
        }
        Err(error @ InputError::NoText) => {
            return Ok(Input::Unread(format!("{}: {error}", cannot())));
        }
        Err(InputError::Io(error)) => return Err(error).with_context(cannot),
        Err(error) => return Err(bad_input(format!("{}: {error}", cannot()))),
    };
    let text = match Packing::of(&raw) {
        None => raw,
        Some(packing) => {
            let left = memory.saturating_sub(raw.len() as u64) / TIMES_ITS_SIZE;
            let unpacked = packing.unpack(&raw, left).map_err(|error| {
                let (path, name) = (path.display(), packing.name());
                bad_input(format!(
                    "{path}: a {name} archive that cannot be unpacked: {error}"
                ))
            })?;
            match unpacked {
                Some(text) => text,
                None => {
                    return Ok(Input::Unread(format!(
                        "out of memory: the {} archive of {} bytes unpacks to more than {left}, which is all that \
                         --memory {memory} has room for",
                        packing.name(),
                        raw.len()
                    )));
                }
            }
        }
    };
    let history = codec::read(&text)
        .map_err(|error| bad_input(error.with_file(path.display().to_string()).to_string()))?;
    Ok(Input::History(Box::new(history)))
}

/// All that there is to read; `None` if that is more than `most` bytes.
fn bounded(from: impl Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The bytes that were packed; `None` if there are more than `most`.
    fn unpack(self, packed: &[u8], most: u64) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Gzip => bounded(MultiGzDecoder::new(packed), most),
            Self::Zstd => frames(packed, most),
        }
    }
}

/// All frames of a zstd archive, one after another, those left out that say of themselves that they hold no data.
fn frames(mut packed: &[u8], most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    while !packed.is_empty() {
        if let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] = packed {
            let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            packed = rest.get(length..).ok_or(io::ErrorKind::UnexpectedEof)?;
            continue;
        }
        let frame = StreamingDecoder::new(&mut packed).map_err(io::Error::other)?;
        let left = most - bytes.len() as u64;
        match bounded(frame, left)? {
            Some(more) if bytes.is_empty() => bytes = more,
            Some(more) => bytes.extend(more),
            None => return Ok(None),
        }
    }
    Ok(Some(bytes))
}
