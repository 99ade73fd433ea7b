//! Names that EDN cannot write.
//!
//! A program may make a keyword `a b` or a tag `1`, for which EDN has no text. They are written as a tagged
//! value, `#rupture/keyword "a b"`, which this reader turns back, so that whatever is written reads back
//! equal. Other readers see a tag that they do not know.

use crate::tape::{PAYLOAD, Tag, Tape, tag_of, word};

pub(super) const KEYWORD: &str = "rupture/keyword";
pub(super) const SYMBOL: &str = "rupture/symbol";
pub(super) const OTHER: &str = "rupture/other";
/// A pair of the tag, as a string, and the value.
pub(super) const TAGGED: &str = "rupture/tagged";

/// Whether a tag is one of the four.
pub(super) fn is_ours(tag: &str) -> bool {
    [KEYWORD, SYMBOL, OTHER, TAGGED].contains(&tag)
}

/// Turns the tagged value at this position, the last on the tape, into what it stands for, if it is one of
/// ours and has the form that the writer gives it.
pub(super) fn unwrap(tape: &mut Tape, at: usize) {
    let tag = tape.names.get((tape.words[at + 1] & PAYLOAD) as u32);
    let atom = match tag {
        KEYWORD => Tag::Keyword,
        SYMBOL => Tag::Symbol,
        OTHER => Tag::Other,
        TAGGED => return unwrap_tagged(tape, at),
        _ => return,
    };
    let inner = tape.words[at + 2];
    if tag_of(inner) == Tag::Str {
        tape.words.truncate(at);
        tape.words.push(word(atom, inner & PAYLOAD));
    }
}

/// `[header, tag, vector, name, value...]` becomes `[header, name, value...]`.
fn unwrap_tagged(tape: &mut Tape, at: usize) {
    let vector = tape.words[at + 2];
    let is_pair = tag_of(vector) == Tag::Vector && crate::tape::count_of(vector) == 2;
    if !is_pair || tag_of(tape.words[at + 3]) != Tag::Str {
        return;
    }
    let name = tape.words[at + 3] & PAYLOAD;
    tape.words.drain(at + 2..at + 4);
    tape.words[at + 1] = word(Tag::Symbol, name);
    tape.set_span(at);
}
