//! Reading JSON: values straight onto the tape, with a stack of our own instead of recursion.

use std::borrow::Cow;

use crate::codec::error::{Problem, Read};
use crate::codec::number::{self, Number};
use crate::codec::recorder::{Field, Recorder, too_large};
use crate::codec::scan::{MOST_LEVELS, Scanner};
use crate::codec::unique;
use crate::tape::{Open, Tag, TooLarge};
use crate::{History, Kind};

const CUT_SHORT: &str =
    "if its writer was stopped, remove the incomplete event at the end of the file";

/// Reads a whole history: objects one after another, or one array of them.
pub(crate) fn history(text: &str) -> Read<History> {
    let mut reader = Reader {
        scan: Scanner::new(text),
        recorder: Recorder::new(),
        stack: Vec::new(),
    };
    reader.skip_blank();
    if reader.scan.take(b'[') {
        reader.array_of_events()?;
    }
    loop {
        reader.skip_blank();
        if reader.scan.peek().is_none() {
            return reader.recorder.close();
        }
        reader.event()?;
        // Lines that were cut out of an array keep their commas.
        reader.skip_blank();
        reader.scan.take(b',');
    }
}

/// Reads a file that is one value, which becomes that of the only event.
pub(crate) fn one_value(text: &str) -> Read<History> {
    let mut reader = Reader {
        scan: Scanner::new(text),
        recorder: Recorder::new(),
        stack: Vec::new(),
    };
    reader.recorder.begin(0);
    reader.recorder.set_kind(Kind::Info);
    reader.value()?;
    reader.recorder.value_written(0);
    reader.recorder.finish()?;
    reader.skip_blank();
    if reader.scan.peek().is_some() {
        return Err(reader.scan.problem("the end of the file"));
    }
    reader.recorder.close()
}

/// An array or an object whose end is still to come.
#[derive(Clone, Copy, Debug)]
struct Frame {
    at: usize,
    open: Open,
    count: usize,
}

struct Reader<'a> {
    scan: Scanner<'a>,
    recorder: Recorder,
    stack: Vec<Frame>,
}

/// Events.
impl Reader<'_> {
    /// The rest of the array that holds all events, and the end of the file behind it.
    fn array_of_events(&mut self) -> Read<()> {
        self.skip_blank();
        if !self.scan.take(b']') {
            loop {
                self.skip_blank();
                self.event()?;
                self.skip_blank();
                if self.scan.take(b']') {
                    break;
                }
                self.expect(b',', "`,` or `]`")?;
                // Programs that print one event after the other leave a comma behind the last.
                self.skip_blank();
                if self.scan.take(b']') {
                    break;
                }
            }
        }
        self.skip_blank();
        if self.scan.peek().is_some() {
            return Err(self
                .scan
                .problem("the end of the file")
                .remedy("put all events into one array, or one event on each line"));
        }
        Ok(())
    }

    fn event(&mut self) -> Read<()> {
        let at = self.scan.position;
        self.expect(
            b'{',
            "an event, an object such as {\"process\":0,\"type\":\"invoke\"}",
        )?;
        self.recorder.begin(at);
        self.skip_blank();
        if self.scan.take(b'}') {
            return self.recorder.finish();
        }
        loop {
            self.entry()?;
            self.skip_blank();
            if self.scan.take(b'}') {
                return self.recorder.finish();
            }
            self.expect(b',', "`,` or `}`")?;
            self.skip_blank();
        }
    }

    /// One key of an event and its value.
    #[inline]
    fn entry(&mut self) -> Read<()> {
        let at = self.scan.position;
        let name = self.string("a key of an event, such as \"type\"")?;
        self.skip_blank();
        self.expect(b':', "`:`")?;
        self.skip_blank();
        let Some(field) = Field::from_name(name.as_bytes()) else {
            self.recorder.extra(&name);
            return self.value();
        };
        self.recorder.see(field, at)?;
        match field {
            Field::Value => {
                let from = self.recorder.history.tape.end();
                self.value()?;
                self.recorder.value_written(from);
                Ok(())
            }
            Field::Type => self.kind_field(),
            Field::F => self.f_field(),
            Field::Process => self.process_field(),
            Field::Index => {
                let at = self.scan.position;
                match self.integer_or_null("an index, which is an integer")? {
                    Some(index) => self.recorder.set_index(index, at),
                    None => Ok(()),
                }
            }
            Field::Time => {
                if let Some(time) = self.integer_or_null("a time in nanoseconds, an integer")? {
                    self.recorder.set_time(time);
                }
                Ok(())
            }
        }
    }

    #[inline]
    fn kind_field(&mut self) -> Read<()> {
        const KINDS: &str = "\"invoke\", \"ok\", \"fail\" or \"info\"";
        let at = self.scan.position;
        let name = self.string(KINDS)?;
        let kind = Kind::from_name(&name).ok_or_else(|| Problem::new(at, KINDS))?;
        self.recorder.set_kind(kind);
        Ok(())
    }

    /// The function: a name as a rule. Anything else is known by its text.
    #[inline]
    fn f_field(&mut self) -> Read<()> {
        if self.scan.peek() == Some(b'"') {
            let name = self.string("a string")?;
            self.recorder.set_f(&name);
        } else if let Some(text) = self.text_or_null()? {
            self.recorder.set_f(&text);
        }
        Ok(())
    }

    /// The process, which may be any value. JSON has no keywords, so the nemesis of Jepsen's is a string here.
    #[inline]
    fn process_field(&mut self) -> Read<()> {
        if let Some(n) = self.plain_integer() {
            self.recorder.set_process(n);
        } else if self.scan.peek() == Some(b'"') {
            let name = self.string("a string")?;
            let tag = if name == "nemesis" {
                Tag::Keyword
            } else {
                Tag::Str
            };
            self.recorder.name_process(tag, &name);
        } else {
            let from = self.recorder.history.tape.end();
            self.value()?;
            self.recorder.process_written(from);
        }
        Ok(())
    }

    /// The text of any value but null, which is not kept.
    fn text_or_null(&mut self) -> Read<Option<String>> {
        let end = self.recorder.history.tape.end();
        self.value()?;
        let tape = &mut self.recorder.history.tape;
        let value = crate::ValueRef::new(tape, end as u32);
        let text = (!value.is_nil()).then(|| value.to_string());
        tape.words.truncate(end);
        Ok(text)
    }

    #[inline]
    fn integer_or_null(&mut self, expected: &'static str) -> Read<Option<i64>> {
        if let Some(n) = self.plain_integer() {
            return Ok(Some(n));
        }
        if self.word(b"null") {
            return Ok(None);
        }
        Err(self.scan.problem(expected))
    }

    /// An integer that is all of a number; otherwise nothing is stepped over.
    #[inline]
    fn plain_integer(&mut self) -> Option<i64> {
        let start = self.scan.position;
        if self.scan.peek() != Some(b'+')
            && let Some(n) = self.scan.integer()
            && !matches!(self.scan.peek(), Some(b'.' | b'e' | b'E'))
        {
            return Some(n);
        }
        self.scan.position = start;
        None
    }
}

/// Values.
impl Reader<'_> {
    /// Reads one value onto the tape.
    fn value(&mut self) -> Read<()> {
        loop {
            self.skip_blank();
            let pending = match self.scan.peek() {
                Some(b'[') => self.open(Tag::Vector, b']')?,
                Some(b'{') => self.open(Tag::Map, b'}')?,
                _ => {
                    self.atom()?;
                    false
                }
            };
            if !pending && self.completed()? {
                return Ok(());
            }
        }
    }

    /// Opens a collection, and says whether values of it are to follow.
    fn open(&mut self, tag: Tag, bracket: u8) -> Read<bool> {
        let at = self.scan.position;
        if self.stack.len() == MOST_LEVELS {
            return Err(Problem::new(at, "a value of at most 256 levels").found("a deeper one"));
        }
        self.scan.position += 1;
        let open = self.recorder.history.tape.open(tag);
        self.skip_blank();
        if self.scan.take(bracket) {
            let closed = self.recorder.history.tape.close(open, 0);
            closed.map_err(|TooLarge| too_large(at))?;
            return Ok(false);
        }
        let count = 0;
        self.stack.push(Frame { at, open, count });
        if tag == Tag::Map {
            self.key()?;
        }
        Ok(true)
    }

    /// A value is complete: steps to the next one, or says that it was the last.
    fn completed(&mut self) -> Read<bool> {
        loop {
            let Some(frame) = self.stack.last_mut() else {
                return Ok(true);
            };
            frame.count += 1;
            let frame = *frame;
            self.skip_blank();
            let is_map = frame.open.tag == Tag::Map;
            match self.scan.peek() {
                Some(b',') => {
                    self.scan.position += 1;
                    if is_map {
                        self.skip_blank();
                        self.key()?;
                    }
                    return Ok(false);
                }
                Some(b']') if !is_map => {}
                Some(b'}') if is_map => {}
                _ if is_map => return Err(self.missing("`,` or `}`")),
                _ => return Err(self.missing("`,` or `]`")),
            }
            self.scan.position += 1;
            self.stack.pop();
            let closed = self.recorder.history.tape.close(frame.open, frame.count);
            closed.map_err(|TooLarge| too_large(frame.at))?;
            if is_map && frame.count > 1 {
                unique::check(&self.recorder.history.tape, frame.open.at, frame.at)?;
            }
        }
    }

    /// The key of an object: an integer where it looks like one.
    fn key(&mut self) -> Read<()> {
        let name = self.string("a key, which is a string")?;
        let tape = &mut self.recorder.history.tape;
        match canonical_integer(&name) {
            Some(n) => tape.int(n),
            None => tape.named(Tag::Str, &name),
        }
        self.skip_blank();
        self.expect(b':', "`:`")
    }

    #[inline]
    fn atom(&mut self) -> Read<()> {
        match self.scan.peek() {
            Some(b'"') => {
                let text = self.string("a string")?;
                self.recorder.history.tape.named(Tag::Str, &text);
            }
            Some(b'0'..=b'9' | b'-') => return self.number(),
            Some(b'n') if self.word(b"null") => self.recorder.history.tape.nil(),
            Some(b't') if self.word(b"true") => self.recorder.history.tape.bool(true),
            Some(b'f') if self.word(b"false") => self.recorder.history.tape.bool(false),
            Some(b'N') if self.word(b"NaN") => self.recorder.history.tape.float(f64::NAN),
            Some(b'I') if self.word(b"Infinity") => {
                self.recorder.history.tape.float(f64::INFINITY);
            }
            _ => return Err(self.missing("a JSON value")),
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Read<()> {
        if let Some(n) = self.plain_integer() {
            self.recorder.history.tape.int(n);
            return Ok(());
        }
        self.odd_number()
    }

    /// A float, or an integer beyond 64 bits.
    #[cold]
    fn odd_number(&mut self) -> Read<()> {
        if self.word(b"-Infinity") {
            self.recorder.history.tape.float(f64::NEG_INFINITY);
            return Ok(());
        }
        let start = self.scan.position;
        self.scan
            .skip_while(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        let text = self.scan.since(start);
        let tape = &mut self.recorder.history.tape;
        let number = if is_integer(text) {
            Some(number::integer(text))
        } else {
            is_float(text).then(|| number::float(text)).flatten()
        };
        match number {
            Some(Number::Int(n)) => tape.int(n),
            Some(Number::Float(x)) => tape.float(x),
            Some(Number::Other(text)) => tape.named(Tag::Other, &text),
            None => return Err(Problem::new(start, "a number")),
        }
        Ok(())
    }
}

/// Tokens.
impl<'a> Reader<'a> {
    #[inline]
    fn skip_blank(&mut self) {
        while matches!(self.scan.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.scan.position += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8, expected: &'static str) -> Read<()> {
        if self.scan.take(byte) {
            return Ok(());
        }
        Err(self.missing(expected))
    }

    fn missing(&self, expected: &'static str) -> Problem {
        let problem = self.scan.problem(expected);
        match self.scan.peek() {
            None => problem.remedy(CUT_SHORT),
            Some(_) => problem,
        }
    }

    /// Steps over this word if it comes next, as a whole.
    fn word(&mut self, word: &[u8]) -> bool {
        let rest = self.scan.rest();
        let whole = rest.starts_with(word)
            && !rest
                .get(word.len())
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        self.scan.position += if whole { word.len() } else { 0 };
        whole
    }

    /// Steps over a string and returns what it says.
    #[inline]
    fn string(&mut self, expected: &'static str) -> Read<Cow<'a, str>> {
        let opened = self.scan.position;
        if !self.scan.take(b'"') {
            return Err(self.missing(expected));
        }
        let start = self.scan.position;
        self.scan.skip_while(in_string);
        let text = self.scan.since(start);
        if self.scan.take(b'"') {
            return Ok(Cow::Borrowed(text));
        }
        self.escaped_string(opened, text)
    }

    #[cold]
    fn escaped_string(&mut self, opened: usize, beginning: &str) -> Read<Cow<'a, str>> {
        let mut text = beginning.to_owned();
        loop {
            match self.scan.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut text)?,
                Some(_) => return Err(self.scan.problem("an escape such as \\n within a string")),
                None => {
                    return Err(Problem::new(opened, "a string that ends")
                        .found("one without a closing quote")
                        .remedy(CUT_SHORT));
                }
            }
            let start = self.scan.position;
            self.scan.skip_while(in_string);
            text.push_str(self.scan.since(start));
        }
        self.scan.position += 1;
        Ok(Cow::Owned(text))
    }

    fn escape(&mut self, text: &mut String) -> Read<()> {
        let plain = match self.scan.peek_after(1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                self.scan.position += 2;
                text.push(self.scan.unicode_escape()?);
                return Ok(());
            }
            _ => return Err(self.scan.problem("an escape that JSON knows, such as \\n")),
        };
        self.scan.position += 2;
        text.push(plain);
        Ok(())
    }
}

/// Whether a byte stands for itself within a string.
#[inline]
fn in_string(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// Whether this is an integer as JSON writes it: no plus, and no needless zero in front.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let needless_zero = digits.len() > 1 && digits.starts_with('0');
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && !needless_zero
}

/// Whether this is an integer that 64 bits do not hold.
pub(super) fn is_wide(text: &str) -> bool {
    is_integer(text) && text.parse::<i64>().is_err()
}

/// Whether this is a number with a point or an exponent, as far as what stands before the exponent tells.
fn is_float(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let whole = mantissa.split('.').next().unwrap_or_default();
    is_integer(whole) && !mantissa.ends_with('.') && text.len() > whole.len()
}

/// The integer that is written exactly so.
fn canonical_integer(text: &str) -> Option<i64> {
    let canonical = is_integer(text) && text != "-0";
    canonical.then(|| text.parse().ok()).flatten()
}
