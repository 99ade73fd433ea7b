//! Files that a user names, read within bounds of bytes and time.
//!
//! A path may be a pipe that nobody writes to, a device without an end or a file larger than the memory. So nothing
//! is read with a call that waits for ever or takes all there is: pipes are opened without waiting, and every read
//! has a bound.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::exit::bad_input;

/// How much of a file that is no history may be read: scripts, lists of nodes, `run.json`.
pub const SMALL_BYTES: u64 = 64 << 20;
/// How long a pipe without a writer is waited for, and how long one that is no history may take.
const SILENCE: Duration = Duration::from_secs(2);
const SMALL_TIME: Duration = Duration::from_secs(30);
/// How long to sleep while a pipe has nothing to say.
const NAP: Duration = Duration::from_millis(5);

/// Why a file was not read to its end.
#[derive(Debug)]
pub enum InputError {
    /// The system refuses.
    Io(io::Error),
    /// It is a folder, a disk or a socket.
    Kind(&'static str),
    /// A pipe that nobody writes to.
    Silent,
    /// A device that goes on and on and is no text, such as `/dev/zero`: no need to fill the memory with it.
    NoText,
    /// It has more bytes than the bound.
    Large(u64),
    /// Time was over before its end came.
    Late,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Kind(kind) => write!(f, "it is {kind}, not a file"),
            Self::Silent => f.write_str("it is a pipe, and nobody writes to it"),
            Self::NoText => f.write_str("it is a device whose bytes are no text"),
            Self::Large(bytes) => write!(f, "it is larger than {bytes} bytes"),
            Self::Late => f.write_str("its end did not come in time"),
        }
    }
}

impl std::error::Error for InputError {}

impl From<io::Error> for InputError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The bytes of a file, a pipe or a device, `limit` of them at the most. `over` says when time is over; it is asked
/// now and then.
///
/// # Errors
/// See [`InputError`].
pub fn read(path: &Path, limit: u64, over: &dyn Fn() -> bool) -> Result<Vec<u8>, InputError> {
    let (file, is_regular) = open(path)?;
    let mut reader = Bounded {
        file,
        is_regular,
        limit,
        bytes: Vec::new(),
    };
    reader.read_to_end(over)?;
    Ok(reader.bytes)
}

/// The bytes of the standard input, as [`read`] gives those of a file. A writer that says nothing is left waiting by a
/// thread of its own.
///
/// # Errors
/// See [`InputError`].
pub fn read_stdin(limit: u64, over: &dyn Fn() -> bool) -> Result<Vec<u8>, InputError> {
    let (sender, chunks) = mpsc::sync_channel::<io::Result<Vec<u8>>>(1);
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut chunk = Vec::new();
            let read = (&mut stdin).take(1 << 16).read_to_end(&mut chunk);
            let is_end = chunk.is_empty() || read.is_err();
            if sender.send(read.map(|_| chunk)).is_err() || is_end {
                return;
            }
        }
    });
    let mut bytes = Vec::new();
    loop {
        if over() {
            return Err(InputError::Late);
        }
        match chunks.recv_timeout(NAP) {
            Ok(chunk) => bytes.extend(chunk?),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(bytes),
        }
        if bytes.len() as u64 > limit {
            return Err(InputError::Large(limit));
        }
    }
}

/// The text of a small file, such as a script.
///
/// # Errors
/// What [`read`] says, and bytes that are no UTF-8: as bad input that names the file.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    let wrong =
        |why: &dyn fmt::Display| bad_input(format!("cannot read `{}`: {why}", path.display()));
    let start = Instant::now();
    let bytes =
        read(path, SMALL_BYTES, &|| start.elapsed() > SMALL_TIME).map_err(|error| wrong(&error))?;
    String::from_utf8(bytes).map_err(|_| wrong(&"it is not UTF-8"))
}

/// Opens without waiting for whoever should be at the other end.
fn open(path: &Path) -> Result<(File, bool), InputError> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(InputError::Kind("a folder"));
    }
    if kind.is_block_device() {
        return Err(InputError::Kind("a disk"));
    }
    if kind.is_socket() {
        return Err(InputError::Kind("a socket"));
    }
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)?;
    Ok((file, kind.is_file()))
}

struct Bounded {
    file: File,
    is_regular: bool,
    limit: u64,
    bytes: Vec<u8>,
}

impl Bounded {
    /// How much is read between two looks at the time.
    const CHUNK: u64 = 1 << 20;

    fn read_to_end(&mut self, over: &dyn Fn() -> bool) -> Result<(), InputError> {
        let start = Instant::now();
        loop {
            if over() {
                return Err(InputError::Late);
            }
            let read = (&self.file).take(Self::CHUNK).read_to_end(&mut self.bytes);
            if self.bytes.len() as u64 > self.limit {
                return Err(InputError::Large(self.limit));
            }
            if !self.is_regular
                && self.bytes.len() as u64 > SMALL_BYTES
                && looks_binary(&self.bytes[..1 << 16])
            {
                return Err(InputError::NoText);
            }
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
                Ok(0) if self.bytes.is_empty() && self.is_pipe() => {
                    if start.elapsed() > SILENCE {
                        return Err(InputError::Silent);
                    }
                }
                Ok(0) => return Ok(()),
                Ok(_) => continue,
            }
            std::thread::sleep(NAP);
        }
    }

    fn is_pipe(&self) -> bool {
        let meta = self.file.metadata();
        meta.is_ok_and(|meta| meta.file_type().is_fifo())
    }
}

/// Whether bytes are neither text nor something compressed.
fn looks_binary(bytes: &[u8]) -> bool {
    const GZIP: &[u8] = &[0x1f, 0x8b];
    const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
    let is_skippable = matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
    bytes.contains(&0) && !is_skippable && !bytes.starts_with(GZIP) && !bytes.starts_with(ZSTD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> bool {
        false
    }

    #[test]
    fn files_are_read_up_to_the_bound() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let whole = read(&manifest, 1 << 20, &never).unwrap();
        assert_eq!(whole, fs::read(&manifest).unwrap());
        let length = whole.len() as u64;
        assert!(read(&manifest, length, &never).is_ok());
        assert!(matches!(
            read(&manifest, length - 1, &never),
            Err(InputError::Large(_))
        ));
        assert!(matches!(
            read(&manifest, length, &|| true),
            Err(InputError::Late)
        ));
    }

    #[test]
    fn devices_end_at_once() {
        let read = |path: &str| read(Path::new(path), 1 << 30, &never);
        assert!(matches!(read("/dev/zero"), Err(InputError::NoText)));
        assert!(matches!(read("/"), Err(InputError::Kind("a folder"))));
        assert_eq!(read("/dev/null").unwrap(), b"");
    }
}
