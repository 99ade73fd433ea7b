//! Frames between peers: a length, a checksum, a kind, and bytes.
//!
//! The header has nine bytes: how many bytes follow it (4, little-endian), a CRC-32 (IEEE 802.3) of these four, the
//! kind and the bytes (4), and the kind (1). A frame says nothing about its sender: a connection begins with a
//! [`Hello`], and all that follows is from the node that it names.

/// The bytes of a header.
const HEADER: usize = 9;
/// The most bytes that a frame may carry behind its header.
pub(crate) const MOST_BYTES: usize = 64 << 20;
/// How much is read at once.
const READ_BYTES: usize = 64 << 10;
/// A buffer that has grown beyond this is given back when it is empty.
const SPARE_BYTES: usize = 1 << 20;
/// What a hello begins with: the version of all that follows.
const VERSION: u16 = 1;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first of a connection, which says who sends.
    Hello = 1,
    /// A message of the protocol.
    Message = 2,
    /// Eight bytes, a number that the receiver tells its controller.
    Probe = 3,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Hello, Self::Message, Self::Probe]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// A frame that arrived whole, as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// All of it, with the header.
    pub(crate) whole: &'a [u8],
}

impl<'a> Frame<'a> {
    /// What it carries.
    pub(crate) fn payload(self) -> &'a [u8] {
        &self.whole[HEADER..]
    }
}

/// Why bytes are no frames. Nothing that comes after them on the connection can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    /// A length beyond the limit.
    #[error("a frame of {bytes} bytes; at most {most} are taken here")]
    TooLong {
        /// The length that it claims.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// Bytes that are not those that were sent.
    #[error("a frame whose checksum is {found:08x} and not {claimed:08x}, as it claims")]
    Checksum {
        /// What stands in its header.
        claimed: u32,
        /// What its bytes have.
        found: u32,
    },
    /// A kind that nobody knows.
    #[error("a frame of the unknown kind {byte}")]
    Kind {
        /// Its number.
        byte: u8,
    },
}

/// Appends a frame. The payload has at most [`MOST_BYTES`]; a longer one is refused by whoever reads it.
pub(crate) fn append(out: &mut Vec<u8>, kind: Kind, payload: &[u8]) {
    let length = (payload.len() as u32).to_le_bytes();
    out.reserve(HEADER + payload.len());
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(length, kind as u8, payload).to_le_bytes());
    out.push(kind as u8);
    out.extend_from_slice(payload);
}

fn checksum(length: [u8; 4], kind: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(&[kind]);
    hasher.update(payload);
    hasher.finalize()
}

/// Takes frames out of bytes that come in any slices.
#[derive(Debug)]
pub(crate) struct Reader {
    buffer: Vec<u8>,
    /// How many bytes of the buffer are done with.
    done: usize,
    most: usize,
}

impl Reader {
    /// Takes frames of at most so many bytes behind the header.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            buffer: Vec::new(),
            done: 0,
            most,
        }
    }

    /// Takes frames of at most so many bytes from the next one on.
    pub(crate) fn limit(&mut self, most: usize) {
        self.most = most;
    }

    /// Where the next bytes are appended; it has room for some. A frame's claim about its length alone makes it no
    /// larger.
    pub(crate) fn space(&mut self) -> &mut Vec<u8> {
        if self.done == self.buffer.len() {
            self.buffer.clear();
            self.done = 0;
            if self.buffer.capacity() > SPARE_BYTES {
                self.buffer = Vec::new();
            }
        } else if self.done > self.buffer.len() / 2 {
            self.buffer.drain(..self.done);
            self.done = 0;
        }
        self.buffer.reserve(READ_BYTES);
        &mut self.buffer
    }

    /// The next frame, if all of it is there.
    ///
    /// # Errors
    /// Bytes that are no frame. Asked again it says the same.
    pub(crate) fn next(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let bytes = &self.buffer[self.done..];
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let [length @ .., _, _, _, _, _] = *header;
        let [_, _, _, _, claimed @ .., byte] = *header;
        let claimed = u32::from_le_bytes(claimed);
        let size = u32::from_le_bytes(length) as usize;
        if size > self.most {
            return Err(FrameError::TooLong {
                bytes: size,
                most: self.most,
            });
        }
        // Before the rest of it is waited for.
        let kind = Kind::of(byte).ok_or(FrameError::Kind { byte })?;
        let Some(payload) = rest.get(..size) else {
            return Ok(None);
        };
        let found = checksum(length, byte, payload);
        if found != claimed {
            return Err(FrameError::Checksum { claimed, found });
        }
        let whole = &bytes[..HEADER + size];
        self.done += whole.len();
        Ok(Some(Frame { kind, whole }))
    }
}

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello<'a> {
    /// Who sends on it.
    pub(crate) from: u32,
    /// For whom it is: an address may have passed to somebody else.
    pub(crate) to: u32,
    /// What the nodes of a cluster know, as it is.
    pub(crate) token: &'a [u8],
}

impl<'a> Hello<'a> {
    /// The payload of its frame.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.from.to_le_bytes());
        bytes.extend_from_slice(&self.to.to_le_bytes());
        bytes.extend_from_slice(self.token);
        bytes
    }

    /// Reads the payload of a frame.
    ///
    /// # Errors
    /// Another version, or too few bytes; a fragment for people.
    pub(crate) fn decode(payload: &'a [u8]) -> Result<Self, String> {
        let Some((version, rest)) = payload.split_first_chunk::<2>() else {
            return Err("a hello without a version".to_owned());
        };
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(format!(
                "a hello in version {version} of the protocol between peers; this node speaks {VERSION}"
            ));
        }
        let numbers = rest.split_first_chunk::<4>();
        let numbers = numbers.and_then(|(from, rest)| Some((from, rest.split_first_chunk::<4>()?)));
        let Some((from, (to, token))) = numbers else {
            return Err("a hello that ends too early".to_owned());
        };
        Ok(Self {
            from: u32::from_le_bytes(*from),
            to: u32::from_le_bytes(*to),
            token,
        })
    }
}

#[cfg(test)]
mod tests;
