//! Histories that were pasted from a page, a message or a test.
//!
//! Only what no reader takes as it is comes here. Around a history there may be: `>` in front of every line; Markdown, of
//! which exactly one block has to be a history; and Clojure, with exactly one history in it.

use super::error::{Problem, Read};
use super::{MARK, MOST_BYTES, detect, edn, finished, read_problem};
use crate::History;

/// Reads a history out of what surrounds it; `None` where nothing does that is known.
pub(super) fn read(bytes: &[u8]) -> Option<Read<History>> {
    if bytes.len() > MOST_BYTES {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let (text, mark) = unmarked(text);
    let read = match unquoted(text) {
        Some(text) => Some(plain(&text).or_else(|problem| inside(&text).unwrap_or(Err(problem)))),
        None => inside(text),
    };
    read.map(|read| read.map_err(|problem| problem.moved(mark)))
}

/// The text behind a byte order mark, and how long that is.
fn unmarked(text: &str) -> (&str, usize) {
    let rest = text.strip_prefix(MARK).unwrap_or(text);
    (rest, text.len() - rest.len())
}

fn inside(text: &str) -> Option<Read<History>> {
    match blocks(text) {
        Err(problem) => Some(Err(problem)),
        Ok(blocks) if !blocks.is_empty() => Some(of_blocks(text, &blocks)),
        Ok(_) => code(text),
    }
}

/// The history in a piece of code, if the text is one.
fn code(text: &str) -> Option<Read<History>> {
    let (text, mark) = unmarked(text);
    edn::is_code(text).then(|| {
        let read = edn::history_in_code(text).map(finished);
        read.map_err(|problem| problem.moved(mark))
    })
}

/// The text by itself: a history, or a piece of code.
fn plain(text: &str) -> Read<History> {
    match detect(text.as_bytes()) {
        Some(format) => read_problem(format, text.as_bytes(), MOST_BYTES),
        None => Err(super::unknown_format(text.as_bytes())),
    }
}

/// The text without the `>` in front of each of its lines, in the same places; `None` if some line has none.
fn unquoted(text: &str) -> Option<String> {
    if !text.trim_start().starts_with('>') {
        return None;
    }
    let mut bare = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let quotes = line.len() - line.trim_start_matches(['>', ' ', '\t']).len();
        let rest = &line[quotes..];
        if !line[..quotes].contains('>') && !rest.trim().is_empty() {
            return None;
        }
        bare.extend(std::iter::repeat_n(' ', quotes));
        bare.push_str(rest);
    }
    Some(bare)
}

/// A block of Markdown: where its content begins and ends.
#[derive(Clone, Copy, Debug)]
struct Block {
    start: usize,
    end: usize,
}

/// The blocks between fences, ` ``` ` or `~~~`.
fn blocks(text: &str) -> Read<Vec<Block>> {
    let mut blocks = Vec::new();
    // Where the block in hand begins, and its fence.
    let mut open: Option<(usize, usize, &str)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        match (open, fence(line)) {
            (None, Some((fence, _))) => open = Some((at, next, fence)),
            (Some((_, start, opened)), Some((fence, true))) if fence.starts_with(opened) => {
                blocks.push(Block { start, end: at });
                open = None;
            }
            _ => {}
        }
        at = next;
    }
    match open {
        None => Ok(blocks),
        Some((at, ..)) => Err(Problem::new(at, "a block that ends")
            .found("one without a closing fence")
            .remedy("paste all of it")),
    }
}

/// The fence that a line is, and whether it is one that can close a block.
fn fence(line: &str) -> Option<(&str, bool)> {
    let line = line.trim();
    let mark = line
        .chars()
        .next()
        .filter(|mark| matches!(mark, '`' | '~'))?;
    let length = line.len() - line.trim_start_matches(mark).len();
    (length >= 3).then(|| (&line[..length], length == line.len()))
}

/// The one block that is a history.
fn of_blocks(text: &str, blocks: &[Block]) -> Read<History> {
    let mut found: Option<History> = None;
    let mut problem = None;
    for block in blocks {
        let content = &text[block.start..block.end];
        let read = plain(content).or_else(|problem| code(content).unwrap_or(Err(problem)));
        match read {
            Ok(history) if history.is_empty() => {}
            Ok(history) if found.is_none() => found = Some(history),
            Ok(_) => {
                return Err(Problem::new(block.start, "one block that is a history")
                    .found("another one")
                    .remedy("paste the one that is meant"));
            }
            Err(wrong) => {
                problem.get_or_insert(wrong.moved(block.start));
            }
        }
    }
    let Some(mut history) = found else {
        let nothing = || Problem::new(0, "a block that is a history").found("empty ones");
        return Err(problem.unwrap_or_else(nothing));
    };
    match blocks.len() - 1 {
        0 => {}
        1 => {
            history.note("another block of Markdown, which is no history, was left out".to_owned());
        }
        n => history.note(format!(
            "{n} other blocks of Markdown, which are no histories, were left out"
        )),
    }
    Ok(history)
}
