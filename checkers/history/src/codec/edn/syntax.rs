//! Which bytes and words mean what in EDN: shared by the reader and the writer, so that what is written
//! plainly is what reads back as the same.

use crate::codec::number::{self, Number, is_integer};

/// What a byte begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Whitespace, which includes the comma.
    Blank,
    Digit,
    Sign,
    Colon,
    Quote,
    Open,
    Close,
    Hash,
    Backslash,
    Caret,
    Semicolon,
    /// A symbol.
    Token,
    Illegal,
}

const fn class_of(byte: u8) -> Class {
    match byte {
        b'\t'..=b'\r' | 0x1c..=b' ' | b',' => Class::Blank,
        b'0'..=b'9' => Class::Digit,
        b'+' | b'-' => Class::Sign,
        b':' => Class::Colon,
        b'"' => Class::Quote,
        b'(' | b'[' | b'{' => Class::Open,
        b')' | b']' | b'}' => Class::Close,
        b'#' => Class::Hash,
        b'\\' => Class::Backslash,
        b'^' => Class::Caret,
        b';' => Class::Semicolon,
        b'\'' | b'@' | b'`' | b'~' | 0..=8 | 0x0e..=0x1b | 0x7f => Class::Illegal,
        _ => Class::Token,
    }
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Illegal; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = class_of(byte as u8);
        byte += 1;
    }
    classes
};

/// Whether a byte may stand within a token.
const IN_TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let class = class_of(byte as u8);
        table[byte] = matches!(
            class,
            Class::Token | Class::Digit | Class::Sign | Class::Colon | Class::Hash
        ) || byte == b'\'' as usize;
        byte += 1;
    }
    table
};

#[inline]
pub(super) fn class(byte: u8) -> Class {
    CLASSES[byte as usize]
}

#[inline]
pub(super) fn in_token(byte: u8) -> bool {
    IN_TOKEN[byte as usize]
}

/// What to do about a file that ends within an event.
pub(super) const CUT_SHORT: &str =
    "if its writer was stopped, remove the incomplete event at the end of the file";

/// The longest namespace of a map. It is put before every key, so without a limit a small file could ask
/// for much memory.
pub(super) const MOST_NAMESPACE: usize = 256;

/// Reads a number of any kind; `None` where the word is none.
pub(super) fn number(word: &str) -> Option<Number> {
    if is_integer(word) {
        return Some(number::integer(word));
    }
    if let Some(whole) = word.strip_suffix('N').filter(|whole| is_integer(whole)) {
        return Some(number::integer(whole));
    }
    if let Some((above, below)) = word.split_once('/') {
        return number::ratio(above, below);
    }
    match word.strip_suffix('M') {
        Some(decimal) => number::exact(decimal),
        None => number::float(word),
    }
    .or_else(|| number::other_base(word))
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(in_token)
}

/// Whether `:name` reads back as this keyword.
pub(super) fn is_keyword(name: &str) -> bool {
    is_token(name)
}

/// Whether the bare name reads back as this symbol.
pub(super) fn is_symbol(name: &str) -> bool {
    let first = name.bytes().next().map(class);
    let starts = match first {
        Some(Class::Token) => true,
        Some(Class::Sign) => !name.as_bytes().get(1).is_some_and(u8::is_ascii_digit),
        _ => false,
    };
    starts && is_token(name) && !matches!(name, "nil" | "true" | "false")
}

/// Whether `#name value` reads back as a value with this tag.
pub(super) fn is_tag(name: &str) -> bool {
    let starts = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
    name.bytes().next().is_some_and(starts) && is_token(name) && !super::escape::is_ours(name)
}
