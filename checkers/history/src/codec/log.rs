//! The text log that Jepsen wrote before it wrote EDN, and Porcupine's corpus keeps.
//!
//! An operation is `PROCESS\t:TYPE\t:F\tVALUE`, and perhaps `\tERROR`: alone on its line, as in Jepsen's
//! `history.txt`, or behind a logger's name, as in `INFO  jepsen.util - 0\t:invoke\t:read\tnil`. Lines of other
//! loggers say nothing of the history. All other lines are errors: a line that was cut off must not
//! pass for one that says nothing.

use super::edn::Reader;
use super::error::{Problem, Read};
use super::scan::Scanner;
use crate::tape::Tag;
use crate::{History, Kind};

const FORM: &str = "an operation, PROCESS, :TYPE, :F and VALUE with tabs between";

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
    Ok(reader.recorder.history)
}

/// Where in a line an operation begins: before the process, which is before the first tab that a type
/// follows.
pub(super) fn operation(line: &str) -> Option<usize> {
    let tabs = line.bytes().enumerate().filter(|(_, byte)| *byte == b'\t');
    let (tab, _) = tabs.into_iter().find(|(tab, _)| {
        let next = line[tab + 1..].split('\t').next();
        next.and_then(|word| word.strip_prefix(':'))
            .and_then(Kind::from_name)
            .is_some()
    })?;
    let before = line[..tab].rfind(char::is_whitespace);
    Some(before.map_or(0, |blank| {
        blank + line[blank..].chars().next().map_or(0, char::len_utf8)
    }))
}

const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// Whether a line is `LEVEL  logger - message` of a logger that does not log operations.
fn is_of_another_logger(line: &str) -> bool {
    logger(line).is_some_and(|name| name != "jepsen.util")
}

/// The logger of a line that has one.
pub(super) fn logger(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    words.next().filter(|level| LEVELS.contains(level))?;
    let name = words.next()?;
    words.next().filter(|dash| *dash == "-")?;
    Some(name)
}

fn event(reader: &mut Reader<'_>) -> Read<()> {
    reader.recorder.begin(reader.scan.position);
    reader.process_field()?;
    tab(reader)?;
    reader.kind_field()?;
    tab(reader)?;
    reader.f_field()?;
    tab(reader)?;
    reader.value_field()?;
    if reader.scan.peek().is_some() {
        tab(reader)?;
        reader.recorder.extra("error");
        error(reader);
    }
    reader.recorder.finish()
}

fn tab(reader: &mut Reader<'_>) -> Read<()> {
    if reader.scan.take(b'\t') {
        return Ok(());
    }
    let problem = reader.scan.problem("a tab and the rest of an operation");
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
