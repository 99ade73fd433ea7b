//! What is wrong with a file, and where.

use std::borrow::Cow;
use std::fmt;

/// A history that cannot be read.
///
/// Its message is `FILE:LINE:COLUMN: expected EXPECTED, found FOUND; REMEDY`, with `line LINE, column
/// COLUMN` where no file was named and without a remedy where there is none.
///
/// ```
/// let error = rupture_history::codec::read(b"{:type :invoke\n :process }").unwrap_err();
/// assert_eq!((error.line, error.column), (2, 11));
/// let error = error.with_file("history.edn");
/// assert!(error.to_string().starts_with("history.edn:2:11: expected "), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The file's name, as [`ParseError::with_file`] was told: readers see bytes and no files.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What should stand there.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// What to do about it, where that is known.
    pub remedy: Option<String>,
}

impl ParseError {
    /// The same error, naming the file.
    #[must_use]
    pub fn with_file(self, name: impl Into<String>) -> Self {
        Self {
            file: Some(name.into()),
            ..self
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{file}:{}:{}: ", self.line, self.column)?,
            None => write!(f, "line {}, column {}: ", self.line, self.column)?,
        }
        write!(f, "expected {}, found {}", self.expected, self.found)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ParseError {}

/// The result of every step of a reader.
pub(crate) type Read<T> = Result<T, Problem>;

/// A problem at an offset, before its line and column are known. It is boxed, so that success costs a step
/// no more than a word.
#[derive(Debug)]
pub(crate) struct Problem(Box<Details>);

#[derive(Debug)]
struct Details {
    at: usize,
    expected: Cow<'static, str>,
    /// What was found, where it is not merely the text at the offset.
    found: Option<Cow<'static, str>>,
    remedy: Option<Cow<'static, str>>,
}

impl Problem {
    #[cold]
    pub(crate) fn new(at: usize, expected: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Details {
            at,
            expected: expected.into(),
            found: None,
            remedy: None,
        }))
    }

    pub(crate) fn found(mut self, found: impl Into<Cow<'static, str>>) -> Self {
        self.0.found = Some(found.into());
        self
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// The same problem, in a text that begins this much later.
    pub(crate) fn moved(mut self, by: usize) -> Self {
        self.0.at += by;
        self
    }

    #[cfg(test)]
    pub(crate) fn at(&self) -> usize {
        self.0.at
    }

    /// Looks up the line and the column. Bytes that are no UTF-8 count as one character each.
    pub(crate) fn locate(self, input: &[u8]) -> ParseError {
        let details = *self.0;
        let before = &input[..details.at.min(input.len())];
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let line = before.split(|&byte| byte == b'\n').count();
        let column = String::from_utf8_lossy(&before[line_start..])
            .chars()
            .count()
            + 1;
        let found = details.found;
        ParseError {
            file: None,
            line,
            column,
            expected: details.expected.into_owned(),
            found: found.map_or_else(|| found_at(input, details.at), Cow::into_owned),
            remedy: details.remedy.map(Cow::into_owned),
        }
    }
}

const SHOWN: usize = 24;

/// The word that stands at an offset.
fn found_at(input: &[u8], at: usize) -> String {
    let rest = &input[at.min(input.len())..];
    match rest.first() {
        None => return "the end of the file".to_owned(),
        Some(b'\n' | b'\r') => return "the end of the line".to_owned(),
        Some(_) => {}
    }
    let stop = |byte: &u8| byte.is_ascii_whitespace() || b",;()[]{}\"".contains(byte);
    let length = rest[1..]
        .iter()
        .position(stop)
        .map_or(rest.len(), |end| end + 1);
    let shown = length.min(SHOWN * 4);
    let text = String::from_utf8_lossy(&rest[..shown]);
    let mut word: String = text
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    // A quote needs no escape between the backquotes of a message.
    word = word.replace("\\\"", "\"").replace("\\'", "'");
    let dots = if text.chars().count() > SHOWN || shown < length {
        "..."
    } else {
        ""
    };
    format!("`{word}{dots}`")
}
