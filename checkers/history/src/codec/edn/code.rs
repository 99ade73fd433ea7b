//! The one history in a piece of Clojure, such as a test of Knossos or Jepsen.
//!
//! Nothing is evaluated. A vector or list whose elements are all operations, maps with a `:type` or calls such as
//! `(invoke-op 0 :read nil)`, is a history. If there is exactly one, all else becomes blanks, so that places in the text
//! stay what they are, and the reader of EDN reads the rest. If there are several, or one in which something is no
//! operation, nobody can know which was meant, and that is an error. So is what would change the verdict on the history if
//! it were evaluated: see [`verdict`](super::verdict).

use super::read::Reader;
use super::syntax::{self, Class};
use super::verdict;
use crate::Kind;
use crate::codec::error::{Problem, Read};
use crate::codec::scan::Scanner;

/// Whether a text begins as code does and as no history: with a quote, a call, or a vector that begins with one.
pub(crate) fn is_code(text: &str) -> bool {
    let mut reader = Reader::new(text);
    reader.skip_blank();
    let is_call = |rest: &[u8]| {
        let inner = rest.strip_prefix(b"(").map(<[u8]>::trim_ascii_start);
        inner.is_some_and(|inner| {
            let first = inner.first().copied().map(syntax::class);
            matches!(first, Some(Class::Token))
        })
    };
    let rest = reader.scan.rest();
    match rest.first() {
        Some(b'\'' | b'`') => true,
        Some(b'(') if is_call(rest) => true,
        Some(b'(' | b'[') => {
            reader.scan.position += 1;
            reader.skip_blank();
            is_call(reader.scan.rest())
        }
        _ => false,
    }
}

/// Something that was opened and not closed yet.
struct Frame {
    at: usize,
    closer: u8,
    /// Whether it is a map, a set, a function: what is in it is no history.
    closed_world: bool,
    /// The symbol that a list begins with, and where that ends.
    head: Option<(usize, usize)>,
    /// Whether a map has a `:type` that is one of an operation's, and whether its next element is that.
    typed: bool,
    type_next: bool,
    elements: usize,
    first_event: Option<usize>,
    first_other: Option<usize>,
    /// How many of the next elements count for nothing: `#_`, `^`.
    discard: usize,
    /// The first element that is not nil, the symbol apart that a list begins with.
    first_argument: Option<usize>,
    /// What changes the verdict on a history if it is given to what judges one: where it begins and ends.
    option: Option<(usize, usize)>,
    /// What would change it if it were evaluated.
    change: Option<Change>,
}

/// What would change the verdict, and where it begins and ends.
#[derive(Clone, Copy)]
enum Change {
    /// A model that begins as its arguments say, which begin here.
    Model(usize, usize, usize),
    Option(usize, usize),
}

impl Frame {
    fn new(at: usize, closer: u8, closed_world: bool) -> Self {
        Self {
            at,
            closer,
            closed_world,
            head: None,
            typed: false,
            type_next: false,
            elements: 0,
            first_event: None,
            first_other: None,
            discard: 0,
            first_argument: None,
            option: None,
            change: None,
        }
    }
}

/// The text with everything blanked that is not its only history.
///
/// # Errors
/// There is no history in it, or more than one, or one with something else in it.
pub(super) fn only_history(text: &str) -> Read<String> {
    let mut walk = Walk {
        scan: Scanner::new(text),
        stack: vec![Frame::new(0, 0, false)],
        quotes: Vec::new(),
        found: None,
        change: None,
    };
    walk.run()?;
    let Some((start, end)) = walk.found else {
        return Err(Problem::new(0, NO_HISTORY)
            .found("code without any")
            .remedy("paste the vector of operations alone"));
    };
    match walk.change {
        None => {}
        Some(Change::Model(at, arguments, end)) => {
            return Err(verdict::of_model(text, at, arguments, end));
        }
        Some(Change::Option(at, end)) => return Err(verdict::of_option(text, at, end)),
    }
    let keep = |at: usize| (start..end).contains(&at) && walk.quotes.binary_search(&at).is_err();
    let bytes = text.bytes().enumerate();
    let blanked = bytes.map(|(at, byte)| {
        if keep(at) || byte == b'\n' {
            byte
        } else {
            b' '
        }
    });
    // Whole characters are kept or blanked, so this is UTF-8 still.
    Ok(String::from_utf8(blanked.collect()).unwrap_or_default())
}

const NO_HISTORY: &str =
    "a history: a vector of maps with a :type, or of calls such as (invoke-op 0 :read nil)";

struct Walk<'a> {
    scan: Scanner<'a>,
    stack: Vec<Frame>,
    /// Where quotes stand, which say nothing here.
    quotes: Vec<usize>,
    found: Option<(usize, usize)>,
    change: Option<Change>,
}

impl Walk<'_> {
    fn run(&mut self) -> Read<()> {
        while let Some(byte) = self.scan.peek() {
            let at = self.scan.position;
            match byte {
                b'\'' | b'`' => {
                    self.quotes.push(at);
                    self.scan.position += 1;
                }
                b'@' | b'~' => self.scan.position += 1,
                b'"' => {
                    self.string()?;
                    self.element(at, false);
                }
                b'\\' => {
                    self.scan.position += 1;
                    self.scan.skip_char();
                    self.scan.skip_while(syntax::in_token);
                    self.element(at, false);
                }
                b'#' => self.dispatch(at)?,
                b'^' => {
                    self.scan.position += 1;
                    self.top().discard += 1;
                }
                b';' => self.scan.skip_while(|byte| byte != b'\n'),
                _ => match syntax::class(byte) {
                    Class::Blank => self.scan.position += 1,
                    Class::Open => self.open(at, byte, byte == b'{'),
                    Class::Close => self.close(byte)?,
                    Class::Illegal => return Err(self.scan.problem("Clojure")),
                    _ => self.token(at),
                },
            }
        }
        match self.stack.last() {
            Some(open) if open.closer != 0 => Err(self
                .scan
                .problem(closing(open.closer))
                .remedy("paste all of it, to the last bracket")),
            _ => self.end(),
        }
    }

    /// What is in no bracket at all may be the history as well.
    fn end(&mut self) -> Read<()> {
        let Some(bottom) = self.stack.pop() else {
            return Ok(());
        };
        self.change = bottom.change;
        self.candidate(&bottom, self.scan.position)
    }

    fn top(&mut self) -> &mut Frame {
        self.stack.last_mut().expect("the bottom is never closed")
    }

    fn open(&mut self, at: usize, byte: u8, closed_world: bool) {
        self.scan.position += 1;
        let closer = match byte {
            b'(' => b')',
            b'[' => b']',
            _ => b'}',
        };
        self.stack.push(Frame::new(at, closer, closed_world));
    }

    fn close(&mut self, byte: u8) -> Read<()> {
        if self.top().closer != byte {
            let expected = match self.top().closer {
                0 => "the end of the text",
                closer => closing(closer),
            };
            return Err(self.scan.problem(expected));
        }
        self.scan.position += 1;
        let end = self.scan.position;
        let frame = self.stack.pop().expect("its closer was compared");
        let is_event = self.is_event(&frame);
        if !is_event && self.top().discard == 0 {
            self.candidate(&frame, end)?;
        }
        if !is_event && self.top().discard == 0 {
            self.judged(&frame, end);
        }
        self.element(frame.at, is_event);
        Ok(())
    }

    /// Tells the collection around one that is over what in it may change the verdict.
    fn judged(&mut self, frame: &Frame, end: usize) {
        let head = frame.head.map(|(start, end)| self.scan.slice(start, end));
        let model = frame
            .first_argument
            .filter(|_| head.is_some_and(verdict::is_model))
            .map(|arguments| Change::Model(frame.at, arguments, end));
        let given = frame
            .option
            .filter(|_| head.is_some_and(verdict::judges))
            .map(|(at, end)| Change::Option(at, end));
        let around = self.top();
        around.change = around.change.or(frame.change).or(model).or(given);
        around.option = around.option.or(frame.option);
    }

    /// Whether a list is a call that makes an operation, or a map is one.
    fn is_event(&self, frame: &Frame) -> bool {
        match frame.head {
            Some((start, end)) => operation(self.scan.slice(start, end)).is_some(),
            None => frame.typed,
        }
    }

    /// A collection is over: if all in it are operations it is a history.
    fn candidate(&mut self, frame: &Frame, end: usize) -> Read<()> {
        let (Some(first), false) = (frame.first_event, frame.closed_world) else {
            return Ok(());
        };
        let outer = self.stack.iter().chain([frame]);
        let mut calls = outer.filter_map(|frame| frame.head);
        if let Some((start, _)) = calls.find(|(start, end)| !keeps(self.scan.slice(*start, *end))) {
            return Err(Problem::new(
                start,
                "a call that leaves a history as it is, such as `history`",
            )
            .remedy("nothing is evaluated here: paste the vector of operations alone"));
        }
        if let Some(other) = frame.first_other {
            return Err(
                Problem::new(other, "nothing but operations beside operations")
                    .remedy("paste the vector of operations alone"),
            );
        }
        // A list that begins with a symbol is a call, such as `(history ...)`: its operations are between the two.
        let (start, end) = match frame.head {
            Some(_) => (first, end - 1),
            None => (frame.at, end),
        };
        if self.found.replace((start, end)).is_some() {
            return Err(Problem::new(start, "one history")
                .found("another one")
                .remedy("paste the one that is meant"));
        }
        Ok(())
    }

    /// An element of the collection in hand is over.
    fn element(&mut self, at: usize, is_event: bool) {
        let end = self.scan.position;
        let text = self.scan.slice(at, end);
        let frame = self.top();
        if frame.discard > 0 {
            frame.discard -= 1;
            return;
        }
        if text != "nil" {
            frame.first_argument.get_or_insert(at);
        }
        if frame.closed_world {
            let name = text.trim_matches('"').trim_start_matches(':');
            frame.typed |= frame.type_next && Kind::from_name(name).is_some();
            let is_key = frame.elements.is_multiple_of(2);
            frame.type_next = is_key && matches!(text, ":type" | "\"type\"");
            if is_key && frame.closer == b'}' && !verdict::is_harmless(name) {
                frame.option.get_or_insert((at, end));
                if verdict::is_option(name) {
                    frame.change.get_or_insert(Change::Option(at, end));
                }
            }
            frame.elements += 1;
            return;
        }
        frame.elements += 1;
        if verdict::is_literal(text) {
            frame.option.get_or_insert((at, end));
        }
        let first = if is_event {
            &mut frame.first_event
        } else {
            &mut frame.first_other
        };
        first.get_or_insert(at);
    }

    fn token(&mut self, at: usize) {
        self.scan.skip_while(syntax::in_token);
        let end = self.scan.position;
        let mut bytes = self.scan.slice(at, end).bytes();
        let symbol = match bytes.next().map(syntax::class) {
            Some(Class::Token) => true,
            // `->Register` and `-` itself.
            Some(Class::Sign) => bytes.next().map(syntax::class) != Some(Class::Digit),
            _ => false,
        };
        let frame = self.top();
        let begins = frame.closer == b')' && frame.elements == 0 && frame.discard == 0;
        if symbol && begins && frame.head.is_none() {
            frame.head = Some((at, end));
            return;
        }
        self.element(at, false);
    }

    fn dispatch(&mut self, at: usize) -> Read<()> {
        match self.scan.peek_after(1) {
            Some(b'_' | b'^') => {
                self.scan.position += 2;
                self.top().discard += 1;
            }
            Some(b'{' | b'(') => {
                self.scan.position += 1;
                let byte = self.scan.peek().unwrap_or_default();
                self.open(at, byte, true);
            }
            Some(b'"') => {
                self.scan.position += 1;
                self.string()?;
                self.element(at, false);
            }
            Some(b'\'') => {
                self.scan.position += 2;
            }
            // A tag belongs to what follows it; `##Inf` and the like stand alone.
            Some(byte) => {
                self.scan.position += 1;
                self.scan.skip_while(syntax::in_token);
                if byte == b'#' {
                    self.element(at, false);
                }
            }
            None => self.scan.position += 1,
        }
        Ok(())
    }

    fn string(&mut self) -> Read<()> {
        let opened = self.scan.position;
        self.scan.position += 1;
        loop {
            self.scan.skip_while(|byte| byte != b'"' && byte != b'\\');
            if self.scan.take(b'"') {
                return Ok(());
            }
            self.scan.position += usize::from(self.scan.peek().is_some());
            if !self.scan.skip_char() {
                return Err(
                    Problem::new(opened, "a string that ends").found("one without a closing quote")
                );
            }
        }
    }
}

/// Whether a call by this name takes a history as it is, or only names it. One such as `reverse` does not.
fn keeps(symbol: &str) -> bool {
    const KEEP: [&str; 25] = [
        "=",
        "analysis",
        "binding",
        "check",
        "check-safe",
        "comment",
        "def",
        "defonce",
        "deftest",
        "do",
        "doall",
        "history",
        "is",
        "let",
        "list",
        "not",
        "print",
        "println",
        "pprint",
        "prn",
        "quote",
        "seq",
        "testing",
        "vec",
        "vector",
    ];
    let name = symbol.rsplit('/').next().filter(|name| !name.is_empty());
    KEEP.contains(&name.unwrap_or(symbol))
}

fn closing(closer: u8) -> &'static str {
    match closer {
        b')' => "`)`",
        b']' => "`]`",
        _ => "`}`",
    }
}

/// What a call makes of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// `(invoke-op PROCESS F VALUE)`, and so for `ok`, `fail` and `info`, with or without `-op`.
    Of(Kind),
    /// `(op PROCESS :TYPE F VALUE)` or `(op {...})`.
    Any,
}

/// The call that a symbol names, whatever its namespace.
pub(super) fn operation(symbol: &str) -> Option<Call> {
    let name = symbol.rsplit('/').next().unwrap_or(symbol);
    match name.strip_suffix("-op").unwrap_or(name) {
        "op" => Some(Call::Any),
        name => Kind::from_name(name).map(Call::Of),
    }
}
