//! The text log that Jepsen wrote before it wrote EDN, and that Porcupine's corpus and Knossos' tests keep.
//!
//! An operation is `PROCESS :TYPE :F VALUE`, and perhaps an error behind it, with tabs or blanks between: alone on
//! its line, as in Jepsen's `history.txt`; behind the number of the line, as `cat -n` and `grep -n` print it; behind the
//! time; or behind a logger's name, as in `INFO  jepsen.util - 0\t:invoke\t:read\tnil`. Lines of other loggers say nothing
//! of the history, unless tabs set an operation apart. All other lines are errors: a line that was cut off must not
//! pass for one that says nothing.

use super::edn::Reader;
use super::error::{Problem, Read};
use super::scan::Scanner;
use crate::tape::Tag;
use crate::{History, Kind};

const FORM: &str = "an operation, PROCESS :TYPE :F VALUE with tabs or blanks between";

/// Reads a whole log.
pub(crate) fn history(text: &str) -> Read<History> {
    let mut reader = Reader::new(text);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if let Some(offset) = operation(content) {
            reader.scan = Scanner::cut(text, start + offset, start + content.len());
            event(&mut reader)?;
        } else if !content.is_empty() && !is_of_another_logger(content) {
            return Err(Problem::new(start, FORM).remedy("remove lines that are no operations"));
        }
        start += line.len();
    }
    reader.recorder.close()
}

/// Where in a line an operation begins: at its process, behind which the first type stands.
pub(super) fn operation(line: &str) -> Option<usize> {
    let by_tabs = kind(line, |byte| byte == b'\t');
    let colon = by_tabs.or_else(|| {
        let other = is_of_another_logger(line);
        kind(line, is_blank).filter(|_| !other)
    })?;
    let before = line[..colon].trim_end();
    let start = beginning(before);
    if start < before.len() && is_form(&before[start..]) {
        return Some(start);
    }
    // Whatever a logger prints first, the word before the type is the process, unless an EDN value is still open.
    let last = before.rfind([' ', '\t']).map_or(0, |at| at + 1);
    let open = before[start..].starts_with(['{', '[', '(', '#', '^', ';', '"']);
    (by_tabs.is_some() && !open && is_form(&before[last..])).then_some(last)
}

/// The colon of the first type that has such separators around it.
fn kind(line: &str, separates: impl Fn(u8) -> bool) -> Option<usize> {
    let bytes = line.as_bytes();
    let colons = bytes.iter().enumerate().filter(|(_, byte)| **byte == b':');
    colons.map(|(at, _)| at).find(|&at| {
        let before = at > 0 && separates(bytes[at - 1]);
        before && {
            let rest = &bytes[at + 1..];
            let end = rest.iter().position(|&byte| separates(byte));
            let word = end.and_then(|end| std::str::from_utf8(&rest[..end]).ok());
            word.and_then(Kind::from_name).is_some()
        }
    })
}

/// Where the text in front of a type really begins: behind blanks, a logger's name, the time, and the number of the line.
fn beginning(before: &str) -> usize {
    let skip = |from: usize| from + before[from..].len() - before[from..].trim_start().len();
    let mut start = skip(logger_and_message(before).map_or(0, |(_, message)| message));
    let mut numbered = false;
    while let Some(length) = before[start..].find([' ', '\t']) {
        let word = &before[start..start + length];
        let number = !numbered && is_number(word);
        if !number && !is_stamp(word) {
            break;
        }
        numbered |= number;
        start = skip(start + length);
    }
    start
}

/// Whether a word is the number of a line, `7`, `7:` or `7)`, or a time in seconds.
fn is_number(word: &str) -> bool {
    let number = word.trim_end_matches([':', ')', '.', '|']);
    let mut bytes = number.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_digit())
        && bytes.all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b','))
}

/// Whether a word is a date, a time of day, or both: `2016-01-01`, `[00:00:00,123]`, `12:00:00,000{GMT}`.
fn is_stamp(word: &str) -> bool {
    let word = word.split_once('{').map_or(word, |(time, _zone)| time);
    let stamp = word.trim_start_matches('[').trim_end_matches([']', ':']);
    let separators = stamp
        .bytes()
        .filter(|byte| matches!(byte, b'-' | b':' | b'/'));
    separators.count() >= 2
        && stamp.starts_with(|first: char| first.is_ascii_digit())
        && stamp.bytes().all(|byte| {
            matches!(
                byte,
                b'0'..=b'9' | b'-' | b':' | b'/' | b'.' | b',' | b'+' | b'T' | b'Z'
            )
        })
}

/// Whether this is one value and nothing else, as a process is.
fn is_form(text: &str) -> bool {
    let mut reader = Reader::new(text);
    reader.value().is_ok() && reader.scan.peek().is_none()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// Whether a line is one of a logger that does not log operations.
fn is_of_another_logger(line: &str) -> bool {
    logger(line).is_some_and(|name| name != "jepsen.util")
}

/// The logger of a line that has one.
pub(super) fn logger(line: &str) -> Option<&str> {
    logger_and_message(line).map(|(name, _)| name)
}

/// The logger of a line, and where its message begins: `LEVEL  logger - message` or `LEVEL [thread] logger: message`,
/// perhaps behind a number and the time.
fn logger_and_message(line: &str) -> Option<(&str, usize)> {
    let end = |word: &str| word.as_ptr() as usize - line.as_ptr() as usize + word.len();
    let mut words = line.split_whitespace();
    let mut before = words
        .by_ref()
        .skip_while(|word| is_number(word) || is_stamp(word));
    before.next().filter(|level| LEVELS.contains(level))?;
    let mut name = words.next()?;
    if name.starts_with('[') {
        if !name.ends_with(']') {
            words.by_ref().find(|word| word.ends_with(']'))?;
        }
        name = words.next()?;
    }
    if let Some(bare) = name.strip_suffix(':') {
        return Some((bare, end(name)));
    }
    let dash = words.next().filter(|dash| *dash == "-")?;
    Some((name, end(dash)))
}

fn event(reader: &mut Reader<'_>) -> Read<()> {
    reader.recorder.begin(reader.scan.position);
    reader.process_field()?;
    separator(reader)?;
    reader.kind_field()?;
    separator(reader)?;
    reader.f_field()?;
    separator(reader)?;
    reader.value_field()?;
    if reader.scan.peek().is_some() {
        let from = reader.scan.position;
        separator(reader)?;
        let tabbed = reader.scan.since(from).contains('\t');
        if !may_have_error(reader, tabbed) {
            return Err(reader.scan.problem("the end of the operation").remedy(
                "put a value of several words into [ ] or quotes: behind it is only the error of an operation that did not \
                 succeed",
            ));
        }
        reader.recorder.extra("error");
        error(reader);
    }
    reader.recorder.finish()
}

/// Whether what is left of a line may be an error. Numbers are none: they are part of a value without brackets. Nor has an
/// operation one that begins or succeeds, unless a tab says so.
fn may_have_error(reader: &Reader<'_>, tabbed: bool) -> bool {
    let rest = String::from_utf8_lossy(reader.scan.rest());
    let plain = |word: &str| word == "nil" || word.parse::<f64>().is_ok_and(f64::is_finite);
    match reader.recorder.kind() {
        Some(Kind::Fail | Kind::Info) => !rest.split_whitespace().all(plain),
        Some(Kind::Ok) => tabbed && !rest.split_whitespace().all(plain),
        _ => false,
    }
}

fn separator(reader: &mut Reader<'_>) -> Read<()> {
    let start = reader.scan.position;
    reader.scan.skip_while(is_blank);
    if reader.scan.position > start && reader.scan.peek().is_some() {
        return Ok(());
    }
    let problem = reader
        .scan
        .problem("a tab or a blank, and the rest of an operation");
    Err(match reader.scan.peek() {
        None => problem.found("the end of the line"),
        Some(_) => problem,
    })
}

/// The error is printed without quotes, so it is taken as a string unless it is plainly a keyword or a
/// collection.
fn error(reader: &mut Reader<'_>) {
    let start = reader.scan.position;
    let tape_end = reader.recorder.history.tape.end();
    let plain = matches!(reader.scan.peek(), Some(b':' | b'[' | b'{'));
    if plain && reader.value().is_ok() && reader.scan.peek().is_none() {
        return;
    }
    reader.scan.position = start;
    reader.forget_unfinished(tape_end);
    reader.scan.skip_while(|_| true);
    let text = reader.scan.since(start);
    reader.recorder.history.tape.named(Tag::Str, text);
}
