//! Reading and writing histories.
//!
//! [`read`] accepts every dialect that other tools write, chosen by content and not by file name. Writers
//! write one dialect each: [`jsonl`], which is ours, and [`edn`], which is Jepsen's; both can write event
//! by event, as a run does while its history grows. Two formats have sessions and no real time: see
//! [`History::has_real_time`](crate::History::has_real_time).
//!
//! Where a file leaves something out: the first event without an index gets 0, and every other the index
//! after that of the event before; a missing time is -1; a missing function is empty; a missing value is nil. A
//! history in which no event has a process is that of one client, 0; one in which only some have none is
//! refused. A process may be called anything: see [`Process`](crate::Process).
//!
//! What was pasted is read as well: a block of Markdown, lines quoted with `>`, or a piece of Clojure with one history in
//! it. Where several histories could be meant the answer is an error, and never a choice.
//!
//! Whatever the input, the answer is a history or a [`ParseError`]: values nest at most 256 levels, a value
//! has at most 2^28 atoms, and a file less than 4 GiB.

pub mod edn;
mod error;
pub mod jsonl;
mod log;
mod number;
mod paste;
mod recorder;
mod scan;
mod sessions;
mod unique;
mod view;

use std::borrow::Cow;

use error::{Problem, Read};

pub use error::ParseError;
pub use view::AsEvent;

use crate::History;

/// How a file is written.
///
/// ```
/// use rupture_history::codec::{Format, detect};
///
/// assert_eq!(detect(b"[{:type :invoke}]"), Some(Format::Edn));
/// assert_eq!(detect(b"[{\"type\": \"invoke\"}]"), Some(Format::Json));
/// assert_eq!(detect(b"0\t:invoke\t:read\tnil"), Some(Format::Log));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// EDN: Jepsen, Knossos, elle-cli, Porcupine's key-value logs.
    Edn,
    /// JSON: one array of objects, or an object a line.
    Json,
    /// The text log of older Jepsen, and its `history.txt`.
    Log,
    /// Transactions on registers in sessions, `w(KEY,VALUE,SESSION,TRANSACTION)` a line: Plume, `PolySI`.
    Plume,
    /// Transactions on registers in sessions, as JSON: dbcop.
    Dbcop,
}

impl Format {
    /// The format's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edn => "EDN",
            Self::Json => "JSON",
            Self::Log => "Jepsen's text log",
            Self::Plume => "Plume's text",
            Self::Dbcop => "dbcop's JSON",
        }
    }
}

/// Files are known by offsets of 32 bits; this also bounds how many names and atoms a history has.
const MOST_BYTES: usize = u32::MAX as usize;

/// A byte order mark, which some editors put in front of a file, means nothing.
const MARK: char = '\u{feff}';

/// Reads a history in whatever format it is written. An empty file is an empty history.
///
/// ```
/// use rupture_history::codec;
///
/// let edn = codec::read(b"{:process 0, :type :invoke, :f :write, :value 3}")?;
/// let json = codec::read(br#"{"process": 0, "type": "invoke", "f": "write", "value": 3}"#)?;
/// let log = codec::read(b"0\t:invoke\t:write\t3")?;
/// for history in [edn, json, log] {
///     assert_eq!((history.get(0).f(), history.get(0).value().as_int()), ("write", Some(3)));
/// }
/// # Ok::<(), codec::ParseError>(())
/// ```
///
/// # Errors
/// The file is in no known format, or not well formed in its own.
pub fn read(bytes: &[u8]) -> Result<History, ParseError> {
    if let Some(text) = utf16(bytes) {
        return read(text.as_bytes());
    }
    let read = match detect(bytes) {
        Some(format) => read_problem(format, bytes, MOST_BYTES),
        None => Err(unknown_format(bytes)),
    };
    let read = read.or_else(|problem| paste::read(bytes).unwrap_or(Err(problem)));
    read.map_err(|problem| problem.locate(bytes))
}

/// Reads a history in this format.
///
/// ```
/// use rupture_history::codec::{self, Format};
///
/// // An empty file is like any format, and is nothing but empty in this one.
/// assert!(codec::read_as(Format::Json, b"")?.is_empty());
/// assert!(codec::read_as(Format::Json, b"{:type :invoke}").is_err());
/// # Ok::<(), codec::ParseError>(())
/// ```
///
/// # Errors
/// The file is not well formed.
pub fn read_as(format: Format, bytes: &[u8]) -> Result<History, ParseError> {
    read_problem(format, bytes, MOST_BYTES).map_err(|problem| problem.locate(bytes))
}

/// The text of a file in UTF-16, as some shells of Windows write, if it begins with the mark of that and is well formed.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (rest, unit): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => return None,
    };
    let (pairs, odd) = rest.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok()
        .filter(|_| odd.is_empty() && bytes.len() <= MOST_BYTES)
}

fn read_problem(format: Format, bytes: &[u8], most: usize) -> Read<History> {
    if bytes.len() > most {
        return Err(Problem::new(0, "a file of less than 4 GiB")
            .found("a larger one")
            .remedy("split the history"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(error.valid_up_to(), "UTF-8").remedy("convert the file to UTF-8")
    })?;
    let marked = text.strip_prefix(MARK);
    let read = match format {
        Format::Edn => edn::history(marked.unwrap_or(text)),
        Format::Json => jsonl::history(marked.unwrap_or(text)),
        Format::Log => log::history(marked.unwrap_or(text)),
        Format::Plume => sessions::text(marked.unwrap_or(text)),
        Format::Dbcop => sessions::dbcop(marked.unwrap_or(text)),
    };
    let mark = text.len() - marked.unwrap_or(text).len();
    read.map(finished).map_err(|problem| problem.moved(mark))
}

/// A history that was read to its end.
fn finished(mut history: History) -> History {
    history.set_nemeses_apart();
    history.shrink_to_fit();
    history
}

/// Looks at the beginning of a file and says how it is written; `None` if it is like nothing known.
///
/// ```
/// use rupture_history::codec::{Format, detect};
///
/// assert_eq!(detect(b"; a comment"), Some(Format::Edn));
/// assert_eq!(detect(b"Dear reader"), None);
/// ```
pub fn detect(bytes: &[u8]) -> Option<Format> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = skip_blank(bytes);
    if is_operation(&bytes[start..]) {
        return Some(Format::Log);
    }
    match bytes[start..].first() {
        None | Some(b'(' | b'#' | b'^' | b';') => Some(Format::Edn),
        Some(b'{') => Some(of_map(&bytes[start..])),
        Some(b'[') => {
            let rest = &bytes[start + 1..];
            let inner = skip_blank(rest);
            Some(match rest[inner..].first() {
                Some(b'{') => of_map(&rest[inner..]),
                Some(b'[') => of_lists(&rest[inner..]),
                _ => Format::Edn,
            })
        }
        Some(_) => of_line(&first_line(&bytes[start..])),
    }
}

/// The keys of EDN's events are keywords, those of JSON strings.
fn of_map(map: &[u8]) -> Format {
    let inner = &map[1..];
    let inner = &inner[skip_blank(inner)..];
    match inner.first() {
        Some(b'"') if sessions::is_wrapper(&first_line(inner)) => Format::Dbcop,
        Some(b'"') => Format::Json,
        _ => Format::Edn,
    }
}

/// A list of lists is one of sessions, if the first map in it, should there be one, is of JSON.
fn of_lists(lists: &[u8]) -> Format {
    let opening = |byte: &u8| byte.is_ascii_whitespace() || b",[]".contains(byte);
    let first = lists.iter().position(|byte| !opening(byte));
    match first.map(|at| &lists[at..]) {
        Some(map @ [b'{', ..]) => match of_map(map) {
            Format::Edn => Format::Edn,
            _ => Format::Dbcop,
        },
        None => Format::Dbcop,
        Some(_) => Format::Edn,
    }
}

/// The offset of the first byte that is neither whitespace nor a comma.
fn skip_blank(bytes: &[u8]) -> usize {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
    bytes
        .iter()
        .position(|byte| !blank(byte))
        .unwrap_or(bytes.len())
}

/// A file that begins with a line of neither EDN nor JSON.
fn of_line(line: &str) -> Option<Format> {
    if sessions::is_text(line) {
        return Some(Format::Plume);
    }
    log::logger(line).map(|_| Format::Log)
}

/// Whether the first line of a file is an operation of a text log.
fn is_operation(bytes: &[u8]) -> bool {
    log::operation(&first_line(bytes)).is_some()
}

/// The beginning of the first line: enough to know an operation by.
fn first_line(bytes: &[u8]) -> Cow<'_, str> {
    const ENOUGH: usize = 4096;
    let bytes = &bytes[..bytes.len().min(ENOUGH)];
    let line = bytes.split(|&byte| byte == b'\n').next();
    String::from_utf8_lossy(line.unwrap_or_default())
}

fn unknown_format(bytes: &[u8]) -> Problem {
    let start = skip_blank(bytes);
    let problem = Problem::new(start, "a history in EDN or JSON, or Jepsen's text log");
    if matches!(bytes.get(start), Some(b'"' | b'\'')) {
        return problem.remedy("leave out the quotes around the history");
    }
    let archive = match bytes {
        [0x1f, 0x8b, ..] => "a gzip archive",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a zstd archive",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "an xz archive",
        [b'B', b'Z', b'h', ..] => "a bzip2 archive",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            return problem
                .found("broken UTF-16")
                .remedy("convert the file to UTF-8");
        }
        _ => return problem,
    };
    problem.found(archive).remedy("unpack it first")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let error = read_problem(Format::Edn, b"[     ]", 6).expect_err("seven bytes");
        assert_eq!(error.locate(b"").expected, "a file of less than 4 GiB");
        assert!(read_problem(Format::Edn, b"[     ]", 7).is_ok());
    }
}
