//! Reading events from EDN: which map is one, and what its keys mean.

use std::borrow::Cow;

use super::code::{self, Call};
use super::read::Reader;
use super::syntax::{self, Class};
use crate::codec::error::{Problem, Read};
use crate::codec::recorder::Field;
use crate::tape::Tag;
use crate::{History, Kind, ValueRef};

const CALL: &str =
    "an operation such as (invoke-op PROCESS :F VALUE), (op PROCESS :TYPE :F VALUE) or (op {...})";

/// Reads a whole history: events one after another, or one vector or list of them.
pub(crate) fn history(text: &str) -> Read<History> {
    events(Reader::new(text))
}

/// Reads the only history in a piece of Clojure.
pub(crate) fn history_in_code(text: &str) -> Read<History> {
    let blanked = code::only_history(text)?;
    let mut reader = Reader::new(&blanked);
    reader.code = true;
    events(reader)
}

fn events(mut reader: Reader<'_>) -> Read<History> {
    let closer = reader.container()?;
    loop {
        reader.skip_blank_and_discards()?;
        match reader.scan.peek() {
            None => break,
            Some(byte) if Some(byte) == closer => {
                reader.scan.position += 1;
                return reader.trailer();
            }
            Some(_) => reader.event()?,
        }
    }
    match closer {
        Some(b']') => Err(reader
            .scan
            .problem("an event or `]`")
            .remedy(syntax::CUT_SHORT)),
        Some(_) => Err(reader
            .scan
            .problem("an event or `)`")
            .remedy(syntax::CUT_SHORT)),
        None => reader.recorder.close(),
    }
}

impl<'a> Reader<'a> {
    /// Steps into the vector or list that holds all events, if there is one, and returns what closes it.
    fn container(&mut self) -> Read<Option<u8>> {
        self.skip_blank_and_discards()?;
        let start = self.scan.position;
        self.skip_tags()?;
        let closer = match self.scan.peek() {
            Some(b'[') => b']',
            // In code a list may be a call that makes the first of several operations.
            Some(b'(') if !(self.code && self.is_call()) => b')',
            _ => {
                self.scan.position = start;
                return Ok(None);
            }
        };
        self.scan.position += 1;
        Ok(Some(closer))
    }

    fn trailer(mut self) -> Read<History> {
        self.skip_blank_and_discards()?;
        match self.scan.peek() {
            None => self.recorder.close(),
            Some(_) => Err(self
                .scan
                .problem("the end of the file")
                .remedy("put all events into one vector, or one event on each line")),
        }
    }

    /// Steps over tags such as `#jepsen.history.Op`: an event is known by its keys.
    fn skip_tags(&mut self) -> Read<()> {
        while self.scan.peek() == Some(b'#')
            && self.scan.peek_after(1).map(syntax::class) == Some(Class::Token)
        {
            self.tag();
            self.skip_blank_and_discards()?;
        }
        Ok(())
    }

    fn event(&mut self) -> Read<()> {
        self.skip_tags()?;
        let at = self.scan.position;
        if !self.scan.take(b'{') {
            return self.no_map();
        }
        self.recorder.begin(at);
        loop {
            self.skip_blank_and_discards()?;
            if self.scan.take(b'}') {
                return self.recorder.finish();
            }
            self.entry()?;
        }
    }

    /// What stands where an event should may be a call that makes one, in code.
    #[cold]
    fn no_map(&mut self) -> Read<()> {
        if self.code && self.is_call() {
            return self.call();
        }
        Err(self
            .scan
            .problem("an event, a map such as {:process 0, :type :invoke, :f :read}"))
    }

    /// Whether a list comes next that is a call which makes an operation.
    fn is_call(&self) -> bool {
        let inner = self.scan.rest().strip_prefix(b"(");
        let inner = inner.map(<[u8]>::trim_ascii_start).unwrap_or_default();
        let symbol = inner.split(|&byte| !syntax::in_token(byte)).next();
        let symbol = std::str::from_utf8(symbol.unwrap_or_default());
        symbol.is_ok_and(|symbol| code::operation(symbol).is_some())
    }

    /// An operation as the tests of Knossos and Jepsen make them.
    fn call(&mut self) -> Read<()> {
        let at = self.scan.position;
        self.scan.position += 1;
        self.skip_blank();
        let start = self.scan.position;
        self.scan.skip_while(syntax::in_token);
        let call = code::operation(self.scan.since(start)).unwrap_or(Call::Any);
        self.skip_blank_and_discards()?;
        if call == Call::Any && self.scan.peek() == Some(b'{') {
            self.event()?;
        } else {
            self.recorder.begin(at);
            self.process_field()?;
            self.skip_blank_and_discards()?;
            match call {
                Call::Of(kind) => self.recorder.set_kind(kind),
                Call::Any => {
                    self.kind_field()?;
                    self.skip_blank_and_discards()?;
                }
            }
            match self.name()? {
                Some(name) => self.recorder.set_f(&name),
                None => return Err(self.scan.problem(CALL)),
            }
            self.skip_blank_and_discards()?;
            if self.scan.peek() == Some(b')') {
                return Err(self.scan.problem(CALL));
            }
            self.value_field()?;
            self.recorder.finish()?;
        }
        self.skip_blank_and_discards()?;
        if self.scan.take(b')') {
            return Ok(());
        }
        Err(self.scan.problem(CALL))
    }

    /// One key of an event and its value.
    #[inline]
    fn entry(&mut self) -> Read<()> {
        let at = self.scan.position;
        let name = match self.scan.peek() {
            Some(b':') => Cow::Borrowed(self.keyword_name()?),
            Some(b'"') => self.string_text()?,
            Some(_) => {
                return Err(self
                    .scan
                    .problem("a key of an event, such as :type, or `}`"));
            }
            None => {
                let problem = self
                    .scan
                    .problem("a key of an event, such as :type, or `}`");
                return Err(problem.remedy(syntax::CUT_SHORT));
            }
        };
        let field = Field::from_name(name.as_bytes());
        if let Some(field) = field {
            self.recorder.see(field, at)?;
        } else {
            self.recorder.extra(&name);
        }
        self.skip_blank_and_discards()?;
        match field {
            None => self.value(),
            Some(Field::Value) => self.value_field(),
            Some(Field::Type) => self.kind_field(),
            Some(Field::F) => self.f_field(),
            Some(Field::Process) => self.process_field(),
            Some(Field::Index) => {
                let at = self.scan.position;
                match self.integer_or_nil("an index, which is an integer")? {
                    Some(index) => self.recorder.set_index(index, at),
                    None => Ok(()),
                }
            }
            Some(Field::Time) => {
                if let Some(time) = self.integer_or_nil("a time in nanoseconds, an integer")? {
                    self.recorder.set_time(time);
                }
                Ok(())
            }
        }
    }

    pub(crate) fn value_field(&mut self) -> Read<()> {
        let from = self.recorder.history.tape.end();
        self.value()?;
        self.recorder.value_written(from);
        Ok(())
    }

    /// An integer that ends where its digits end; otherwise nothing is stepped over.
    #[inline]
    fn plain_integer(&mut self) -> Option<i64> {
        let start = self.scan.position;
        match self.scan.integer() {
            Some(n) if !self.scan.peek().is_some_and(syntax::in_token) => Some(n),
            _ => {
                self.scan.position = start;
                None
            }
        }
    }

    /// The keyword or string that comes next; otherwise nothing is stepped over.
    #[inline]
    fn name(&mut self) -> Read<Option<Cow<'a, str>>> {
        Ok(match self.scan.peek() {
            Some(b':') => Some(Cow::Borrowed(self.keyword_name()?)),
            Some(b'"') => Some(self.string_text()?),
            _ => None,
        })
    }

    /// Reads a value that is kept only in part: `keep` sees it, and then it is taken off the tape.
    fn passing<T>(&mut self, keep: impl FnOnce(ValueRef<'_>) -> T) -> Read<T> {
        let end = self.recorder.history.tape.end();
        self.value()?;
        let kept = keep(ValueRef::new(&self.recorder.history.tape, end as u32));
        self.recorder.history.tape.words.truncate(end);
        Ok(kept)
    }

    fn integer_or_nil(&mut self, expected: &'static str) -> Read<Option<i64>> {
        if let Some(n) = self.plain_integer() {
            return Ok(Some(n));
        }
        let at = self.scan.position;
        let read =
            self.passing(|value| value.is_nil().then_some(None).or(value.as_int().map(Some)))?;
        read.ok_or_else(|| Problem::new(at, expected))
    }

    #[inline]
    pub(crate) fn kind_field(&mut self) -> Read<()> {
        let at = self.scan.position;
        let name = match self.name()? {
            Some(name) => name,
            None => self.passing(|value| Cow::Owned(value.to_string()))?,
        };
        let kind = Kind::from_name(&name)
            .ok_or_else(|| Problem::new(at, ":invoke, :ok, :fail or :info"))?;
        self.recorder.set_kind(kind);
        Ok(())
    }

    /// The function: a name as a rule. Anything else is known by its text.
    #[inline]
    pub(crate) fn f_field(&mut self) -> Read<()> {
        let name = match self.name()? {
            Some(name) => Some(name),
            None => self.passing(named)?.map(Cow::Owned),
        };
        if let Some(name) = name {
            self.recorder.set_f(&name);
        }
        Ok(())
    }

    /// The process, which may be any value.
    #[inline]
    pub(crate) fn process_field(&mut self) -> Read<()> {
        if let Some(n) = self.plain_integer() {
            self.recorder.set_process(n);
            return Ok(());
        }
        if self.scan.peek() == Some(b':') {
            let name = self.keyword_name()?;
            self.recorder.name_process(Tag::Keyword, name);
            return Ok(());
        }
        if self.scan.peek() == Some(b'"') {
            let name = self.string_text()?;
            self.recorder.name_process(Tag::Str, &name);
            return Ok(());
        }
        let from = self.recorder.history.tape.end();
        self.value()?;
        self.recorder.process_written(from);
        Ok(())
    }
}

/// The text of a value that names something; `None` for nil.
fn named(value: ValueRef<'_>) -> Option<String> {
    match value.tag() {
        Tag::Nil => None,
        Tag::Str | Tag::Keyword | Tag::Symbol => Some(value.text().to_owned()),
        _ => Some(value.to_string()),
    }
}
