//! Reading EDN: values straight onto the tape, with a stack of our own instead of recursion.

use std::borrow::Cow;

use super::syntax::{self, Class};
use crate::codec::error::{Problem, Read};
use crate::codec::number::Number;
use crate::codec::recorder::{Recorder, too_large};
use crate::codec::scan::{MOST_LEVELS, Scanner};
use crate::codec::unique;
use crate::tape::{Open, Tag, TooLarge};

/// A collection, or another form that waits for what it is made of.
#[derive(Clone, Copy, Debug)]
struct Frame<'a> {
    /// Where it begins in the file.
    at: usize,
    open: Open,
    kind: FrameKind,
    count: usize,
    /// The namespace that a map puts in front of its keys, as in `#:bank{:from 1}`.
    namespace: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FrameKind {
    /// Ends at this bracket.
    Collection(u8),
    /// `#tag`, which takes one value.
    Tagged,
    /// `#_` or `^`, which take one value that nobody keeps.
    Discard,
}

/// Whether a form is a value by itself or only the beginning of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Complete,
    Pending,
}

pub(crate) struct Reader<'a> {
    pub(crate) scan: Scanner<'a>,
    pub(crate) recorder: Recorder,
    stack: Vec<Frame<'a>>,
    namespaces: usize,
    /// Whether the text is code, in which a symbol stands for something that we do not know.
    pub(super) code: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            scan: Scanner::new(text),
            recorder: Recorder::new(),
            stack: Vec::new(),
            namespaces: 0,
            code: false,
        }
    }

    /// Reads one value onto the tape.
    pub(crate) fn value(&mut self) -> Read<()> {
        loop {
            self.skip_blank();
            let Some(byte) = self.scan.peek() else {
                return Err(self.unfinished());
            };
            let step = match syntax::class(byte) {
                Class::Digit => self.number()?,
                Class::Sign => self.signed()?,
                Class::Colon => self.keyword()?,
                Class::Quote => self.string()?,
                Class::Open => self.open(byte)?,
                Class::Close => self.close(byte)?,
                Class::Token => self.symbol()?,
                Class::Backslash => self.character()?,
                Class::Hash => self.dispatch()?,
                Class::Caret => self.discard(1)?,
                Class::Blank | Class::Semicolon | Class::Illegal => {
                    return Err(self.scan.problem("an EDN value"));
                }
            };
            if step == Step::Complete && self.completed()? {
                return Ok(());
            }
        }
    }

    /// Steps over whitespace, commas and comments.
    #[inline]
    pub(crate) fn skip_blank(&mut self) {
        while let Some(byte) = self.scan.peek() {
            match syntax::class(byte) {
                Class::Blank => self.scan.position += 1,
                Class::Semicolon => self.scan.skip_while(|byte| byte != b'\n'),
                _ => return,
            }
        }
    }

    /// Steps over everything between two forms that is no form: also `#_ form` and `^ metadata`.
    pub(crate) fn skip_blank_and_discards(&mut self) -> Read<()> {
        loop {
            self.skip_blank();
            let length = match self.scan.peek() {
                Some(b'^') => 1,
                Some(b'#') if matches!(self.scan.peek_after(1), Some(b'_' | b'^')) => 2,
                _ => return Ok(()),
            };
            self.scan.position += length;
            self.leave_out()?;
        }
    }

    /// Reads a value that nobody keeps; it may be any code.
    #[cold]
    fn leave_out(&mut self) -> Read<()> {
        let end = self.recorder.history.tape.end();
        let code = std::mem::take(&mut self.code);
        let left_out = self.value();
        self.code = code;
        left_out?;
        self.recorder.history.tape.words.truncate(end);
        Ok(())
    }

    /// Gives up a value that was begun, and takes what there is of it off the tape.
    pub(crate) fn forget_unfinished(&mut self, tape_end: usize) {
        self.stack.clear();
        self.namespaces = 0;
        self.recorder.history.tape.words.truncate(tape_end);
    }

    fn unfinished(&self) -> Problem {
        let problem = match self.stack.last().map(|frame| frame.kind) {
            Some(FrameKind::Collection(b')')) => self.scan.problem("a value or `)`"),
            Some(FrameKind::Collection(b']')) => self.scan.problem("a value or `]`"),
            Some(FrameKind::Collection(_)) => self.scan.problem("a value or `}`"),
            _ => self.scan.problem("an EDN value"),
        };
        problem.remedy(syntax::CUT_SHORT)
    }
}

/// Collections.
impl<'a> Reader<'a> {
    fn push(&mut self, at: usize, open: Open, kind: FrameKind) -> Read<Step> {
        if self.stack.len() == MOST_LEVELS {
            return Err(Problem::new(at, "a value of at most 256 levels").found("a deeper one"));
        }
        self.stack.push(Frame {
            at,
            open,
            kind,
            count: 0,
            namespace: None,
        });
        Ok(Step::Pending)
    }

    fn collection(&mut self, length: usize, tag: Tag, closer: u8) -> Read<Step> {
        let at = self.scan.position;
        self.scan.position += length;
        let open = self.recorder.history.tape.open(tag);
        self.push(at, open, FrameKind::Collection(closer))
    }

    #[inline]
    fn open(&mut self, byte: u8) -> Read<Step> {
        match byte {
            b'[' => self.collection(1, Tag::Vector, b']'),
            b'(' => self.collection(1, Tag::Vector, b')'),
            _ => self.collection(1, Tag::Map, b'}'),
        }
    }

    #[inline]
    fn close(&mut self, byte: u8) -> Read<Step> {
        let Some(frame) = self.stack.last().copied() else {
            return Err(self.scan.problem("an EDN value"));
        };
        if frame.kind != FrameKind::Collection(byte) {
            return Err(self.unbalanced(frame));
        }
        let mut count = frame.count;
        if frame.open.tag == Tag::Map {
            if !count.is_multiple_of(2) {
                return Err(self.scan.problem("a value for the last key of the map"));
            }
            count /= 2;
            self.namespaces -= usize::from(frame.namespace.is_some());
        }
        self.scan.position += 1;
        self.stack.pop();
        let closed = self.recorder.history.tape.close(frame.open, count);
        closed.map_err(|TooLarge| too_large(frame.at))?;
        if frame.open.tag != Tag::Vector && count > 1 {
            unique::check(&self.recorder.history.tape, frame.open.at, frame.at)?;
        }
        Ok(Step::Complete)
    }

    fn unbalanced(&self, frame: Frame<'a>) -> Problem {
        match frame.kind {
            FrameKind::Collection(b')') => self.scan.problem("a value or `)`"),
            FrameKind::Collection(b']') => self.scan.problem("a value or `]`"),
            FrameKind::Collection(_) => self.scan.problem("a value or `}`"),
            FrameKind::Tagged => self.scan.problem("the value of a tag"),
            FrameKind::Discard => self.scan.problem("a value to leave out"),
        }
    }

    /// A value is complete: counts it where it belongs. Says whether it is the one that was asked for.
    #[inline]
    fn completed(&mut self) -> Read<bool> {
        loop {
            let Some(frame) = self.stack.last_mut() else {
                return Ok(true);
            };
            match frame.kind {
                FrameKind::Collection(_) => {
                    frame.count += 1;
                    return Ok(false);
                }
                FrameKind::Discard => {
                    let end = frame.open.at;
                    self.recorder.history.tape.words.truncate(end);
                    self.stack.pop();
                    return Ok(false);
                }
                FrameKind::Tagged => {
                    let (open, at) = (frame.open, frame.at);
                    self.stack.pop();
                    let tape = &mut self.recorder.history.tape;
                    tape.close(open, 1).map_err(|TooLarge| too_large(at))?;
                    super::escape::unwrap(tape, open.at);
                }
            }
        }
    }

    fn discard(&mut self, length: usize) -> Read<Step> {
        let at = self.scan.position;
        self.scan.position += length;
        // Nothing is opened on the tape: its end is where the discarded value will begin.
        let open = Open {
            at: self.recorder.history.tape.end(),
            tag: Tag::Nil,
        };
        self.push(at, open, FrameKind::Discard)
    }
}

/// What begins with `#`.
impl Reader<'_> {
    fn dispatch(&mut self) -> Read<Step> {
        match self.scan.peek_after(1) {
            Some(b'{') => self.collection(2, Tag::Set, b'}'),
            Some(b'_' | b'^') => self.discard(2),
            Some(b'#') => self.special_number(),
            Some(b':') => self.namespaced_map(),
            Some(b'"') => self.regex(),
            Some(b'<') => self.unreadable(),
            Some(b'\'') => {
                let start = self.scan.position;
                self.scan.skip_while(syntax::in_token);
                Ok(self.other(start))
            }
            Some(byte) if syntax::class(byte) == Class::Token => {
                let at = self.scan.position;
                let tag = self.tag();
                let open = self.recorder.history.tape.open_tagged(tag);
                self.push(at, open, FrameKind::Tagged)
            }
            _ => Err(self.scan.problem("an EDN value")),
        }
    }

    /// Keeps the text since `start` as it is.
    fn other(&mut self, start: usize) -> Step {
        let text = self.scan.since(start);
        self.recorder.history.tape.named(Tag::Other, text);
        Step::Complete
    }

    fn special_number(&mut self) -> Read<Step> {
        let start = self.scan.position;
        self.scan.skip_while(syntax::in_token);
        let number = match self.scan.since(start) {
            "##NaN" => f64::NAN,
            "##Inf" => f64::INFINITY,
            "##-Inf" => f64::NEG_INFINITY,
            _ => return Err(Problem::new(start, "##NaN, ##Inf or ##-Inf")),
        };
        self.recorder.history.tape.float(number);
        Ok(Step::Complete)
    }

    fn namespaced_map(&mut self) -> Read<Step> {
        let at = self.scan.position;
        self.scan.position += 1;
        self.scan.skip_while(syntax::in_token);
        let namespace = self.scan.since(at).trim_start_matches(['#', ':']);
        self.skip_blank();
        if self.scan.peek() != Some(b'{') {
            return Err(self.scan.problem("the map of a namespace"));
        }
        if namespace.len() > syntax::MOST_NAMESPACE {
            return Err(Problem::new(at, "a namespace of at most 256 bytes").found("a longer one"));
        }
        let step = self.open(b'{')?;
        if let Some(frame) = self.stack.last_mut().filter(|_| !namespace.is_empty()) {
            frame.namespace = Some(namespace);
            self.namespaces += 1;
        }
        Ok(step)
    }

    /// `#"regex"`, whose backslashes are its own.
    fn regex(&mut self) -> Read<Step> {
        let start = self.scan.position;
        self.scan.position += 2;
        loop {
            self.scan.skip_while(|byte| byte != b'"' && byte != b'\\');
            if self.scan.take(b'"') {
                return Ok(self.other(start));
            }
            self.scan.position += usize::from(self.scan.peek().is_some());
            if !self.scan.skip_char() {
                return Err(self
                    .scan
                    .problem("the end of a string")
                    .remedy(syntax::CUT_SHORT));
            }
        }
    }

    /// `#<...>`, what Clojure before 1.7 printed for an object that it could not print.
    fn unreadable(&mut self) -> Read<Step> {
        let start = self.scan.position;
        self.scan.position += 1;
        let mut levels = 0_usize;
        loop {
            self.scan.skip_while(|byte| byte != b'<' && byte != b'>');
            match self.scan.peek() {
                Some(b'<') => levels += 1,
                Some(_) => levels -= 1,
                None => return Err(Problem::new(start, "the `>` of an object, `#<...>`")),
            }
            self.scan.position += 1;
            if levels == 0 {
                return Ok(self.other(start));
            }
        }
    }
}

/// Atoms.
impl<'a> Reader<'a> {
    /// Steps over `#tag` and returns the tag.
    pub(crate) fn tag(&mut self) -> &'a str {
        self.scan.position += 1;
        let start = self.scan.position;
        self.scan.skip_while(syntax::in_token);
        self.scan.since(start)
    }

    #[inline]
    fn number(&mut self) -> Read<Step> {
        let start = self.scan.position;
        if let Some(n) = self.scan.integer()
            && !self.scan.peek().is_some_and(syntax::in_token)
        {
            self.recorder.history.tape.int(n);
            return Ok(Step::Complete);
        }
        self.odd_number(start)
    }

    /// A number that is not merely a small integer.
    #[cold]
    fn odd_number(&mut self, start: usize) -> Read<Step> {
        self.scan.position = start;
        self.scan.skip_while(syntax::in_token);
        let text = self.scan.since(start);
        let tape = &mut self.recorder.history.tape;
        match syntax::number(text) {
            Some(Number::Int(n)) => tape.int(n),
            Some(Number::Float(x)) => tape.float(x),
            Some(Number::Other(text)) => tape.named(Tag::Other, &text),
            None => return Err(no_number(start, text)),
        }
        Ok(Step::Complete)
    }

    fn signed(&mut self) -> Read<Step> {
        match self.scan.peek_after(1) {
            Some(b'0'..=b'9') => self.number(),
            _ => self.symbol(),
        }
    }

    /// Steps over a keyword and returns its name.
    #[inline]
    pub(crate) fn keyword_name(&mut self) -> Read<&'a str> {
        let start = self.scan.position + 1;
        self.scan.position = start;
        self.scan.skip_while(syntax::in_token);
        if self.scan.position == start {
            return Err(self.scan.problem("the name of a keyword"));
        }
        Ok(self.scan.since(start))
    }

    #[inline]
    fn keyword(&mut self) -> Read<Step> {
        let name = self.keyword_name()?;
        if self.namespaces > 0
            && let Some(full) = self.with_namespace(name)
        {
            self.recorder.history.tape.named(Tag::Keyword, &full);
            return Ok(Step::Complete);
        }
        self.recorder.history.tape.named(Tag::Keyword, name);
        Ok(Step::Complete)
    }

    /// The name of a key in a map that has a namespace; `_` stands for none.
    fn with_namespace(&self, name: &str) -> Option<String> {
        let frame = self.stack.last()?;
        let namespace = frame.namespace.filter(|_| frame.count.is_multiple_of(2))?;
        match name.split_once('/') {
            None => Some(format!("{namespace}/{name}")),
            Some(("_", bare)) if !bare.is_empty() => Some(bare.to_owned()),
            Some(_) => None,
        }
    }

    #[inline]
    fn symbol(&mut self) -> Read<Step> {
        let start = self.scan.position;
        self.scan.skip_while(syntax::in_token);
        let tape = &mut self.recorder.history.tape;
        match self.scan.since(start) {
            "nil" => tape.nil(),
            "true" => tape.bool(true),
            "false" => tape.bool(false),
            _ if self.code => {
                return Err(Problem::new(start, "a value that is written out")
                    .remedy("nothing is evaluated here: put the value itself in its place"));
            }
            name => tape.named(Tag::Symbol, name),
        }
        Ok(Step::Complete)
    }

    /// `\a`, `\newline`, `\u0041`: a backslash, any character, and what belongs to the same token.
    fn character(&mut self) -> Read<Step> {
        let start = self.scan.position;
        self.scan.position += 1;
        if !self.scan.skip_char() {
            return Err(self.scan.problem("a character"));
        }
        self.scan.skip_while(syntax::in_token);
        Ok(self.other(start))
    }

    fn string(&mut self) -> Read<Step> {
        let text = self.string_text()?;
        self.recorder.history.tape.named(Tag::Str, &text);
        Ok(Step::Complete)
    }

    /// Steps over a string and returns what it says.
    pub(crate) fn string_text(&mut self) -> Read<Cow<'a, str>> {
        let opened = self.scan.position;
        self.scan.position += 1;
        let start = self.scan.position;
        self.scan.skip_while(|byte| byte != b'"' && byte != b'\\');
        if self.scan.peek() == Some(b'"') {
            let text = self.scan.since(start);
            self.scan.position += 1;
            return Ok(Cow::Borrowed(text));
        }
        let mut text = self.scan.since(start).to_owned();
        while !self.scan.take(b'"') {
            if self.scan.peek().is_none() {
                return Err(Problem::new(opened, "a string that ends")
                    .found("one without a closing quote")
                    .remedy(syntax::CUT_SHORT));
            }
            self.escape(&mut text)?;
            let start = self.scan.position;
            self.scan.skip_while(|byte| byte != b'"' && byte != b'\\');
            text.push_str(self.scan.since(start));
        }
        Ok(Cow::Owned(text))
    }

    /// Steps over the escape that begins here.
    fn escape(&mut self, text: &mut String) -> Read<()> {
        let plain = match self.scan.peek_after(1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'\'' | b'/')) => char::from(byte),
            Some(b'u') => {
                self.scan.position += 2;
                text.push(self.scan.unicode_escape()?);
                return Ok(());
            }
            Some(b'0'..=b'7') => return self.octal_escape(text),
            _ => return Err(self.scan.problem("an escape that EDN knows, such as \\n")),
        };
        self.scan.position += 2;
        text.push(plain);
        Ok(())
    }

    fn octal_escape(&mut self, text: &mut String) -> Read<()> {
        let at = self.scan.position;
        self.scan.position += 1;
        let mut code = 0_u32;
        for _ in 0..3 {
            let Some(digit @ b'0'..=b'7') = self.scan.peek() else {
                break;
            };
            code = code * 8 + u32::from(digit - b'0');
            self.scan.position += 1;
        }
        let char = char::from_u32(code).filter(|_| code < 256);
        text.push(char.ok_or_else(|| Problem::new(at, "an octal escape of at most \\377"))?);
        Ok(())
    }
}

fn no_number(at: usize, text: &str) -> Problem {
    let problem = Problem::new(at, "a number");
    let digits = text.trim_start_matches(['+', '-']);
    if digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return problem
            .remedy("leave out the zeros in front, with which other readers take it for octal");
    }
    problem
}

/// Whether this text, written as it is, reads back as the same [`crate::Value::Other`].
pub(super) fn is_other(text: &str) -> bool {
    let mut reader = Reader::new(text);
    let begins = |byte| !matches!(syntax::class(byte), Class::Blank | Class::Semicolon);
    let whole = reader.scan.peek().is_some_and(begins)
        && reader.value().is_ok()
        && reader.scan.peek().is_none();
    let tape = &reader.recorder.history.tape;
    let value = crate::ValueRef::new(tape, 0);
    whole && tape.end() == 1 && value.tag() == Tag::Other && value.text() == text
}
