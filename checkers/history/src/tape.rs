//! Values stored flat, one 64-bit word an atom, so that a million operations stay small and are read
//! without an allocation each. The layout is private to this module and to [`crate::value_ref`].
//!
//! An atom is one word (two for wide integers and floats). A collection is a header word with its number
//! of elements and its span in words, then its elements one after another; a map's elements are key,
//! value, key, value. A tagged value is a header, a symbol word and the value. Strings are interned: a word
//! holds the number of the name. Spans are relative, so words may be moved as a block.

use crate::Value;
use crate::names::Names;

const TAG_SHIFT: u32 = 56;
pub(crate) const PAYLOAD: u64 = (1 << TAG_SHIFT) - 1;
const HALF: u32 = 28;
const HALF_MASK: u64 = (1 << HALF) - 1;
/// A header has this many bits for a span, so a value has at most this many words.
const MOST_WORDS: usize = HALF_MASK as usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    Nil,
    False,
    True,
    Int,
    WideInt,
    Float,
    Str,
    Keyword,
    Symbol,
    Other,
    Vector,
    Map,
    Set,
    Tagged,
}

const TAGS: [Tag; 16] = [
    Tag::Nil,
    Tag::False,
    Tag::True,
    Tag::Int,
    Tag::WideInt,
    Tag::Float,
    Tag::Str,
    Tag::Keyword,
    Tag::Symbol,
    Tag::Other,
    Tag::Vector,
    Tag::Map,
    Tag::Set,
    Tag::Tagged,
    // Never written; they make the table's size a power of two, so that no look-up can miss.
    Tag::Nil,
    Tag::Nil,
];

/// An append-only store of values.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    pub(crate) words: Vec<u64>,
    pub(crate) names: Names,
    /// The most words of one value: always the same, but for tests of what lies beyond.
    most_words: usize,
}

impl Default for Tape {
    fn default() -> Self {
        Self {
            words: Vec::new(),
            names: Names::default(),
            most_words: MOST_WORDS,
        }
    }
}

/// A value that is larger than the tape can hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLarge;

pub(crate) fn word(tag: Tag, payload: u64) -> u64 {
    ((tag as u64) << TAG_SHIFT) | payload
}

pub(crate) fn tag_of(word: u64) -> Tag {
    TAGS[(word >> TAG_SHIFT) as usize & 15]
}

/// How many elements the collection of this header has.
pub(crate) fn count_of(header: u64) -> u32 {
    (header & HALF_MASK) as u32
}

/// An open collection that is being written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) at: usize,
    pub(crate) tag: Tag,
}

/// Writing atoms.
impl Tape {
    pub(crate) fn nil(&mut self) {
        self.words.push(word(Tag::Nil, 0));
    }

    pub(crate) fn bool(&mut self, b: bool) {
        let tag = if b { Tag::True } else { Tag::False };
        self.words.push(word(tag, 0));
    }

    pub(crate) fn int(&mut self, n: i64) {
        let narrow = (n << 8) >> 8;
        if narrow == n {
            self.words.push(word(Tag::Int, n as u64 & PAYLOAD));
        } else {
            self.words.extend([word(Tag::WideInt, 0), n as u64]);
        }
    }

    pub(crate) fn float(&mut self, x: f64) {
        // Adding zero turns -0.0 into 0.0, to which it is equal, and nothing else into another.
        self.words
            .extend([word(Tag::Float, 0), (x + 0.0).to_bits()]);
    }

    /// A string, keyword, symbol or other atom.
    pub(crate) fn named(&mut self, tag: Tag, text: &str) {
        let number = self.names.intern(text);
        self.words.push(word(tag, u64::from(number)));
    }
}

/// Writing collections, and the tape as a whole.
impl Tape {
    /// Where the next value will begin.
    pub(crate) fn end(&self) -> usize {
        self.words.len()
    }

    pub(crate) fn open(&mut self, tag: Tag) -> Open {
        let at = self.words.len();
        self.words.push(0);
        Open { at, tag }
    }

    pub(crate) fn open_tagged(&mut self, tag: &str) -> Open {
        let open = self.open(Tag::Tagged);
        self.named(Tag::Symbol, tag);
        open
    }

    /// Closes a collection of `count` elements (a map counts its entries; a tagged value counts one).
    pub(crate) fn close(&mut self, open: Open, count: usize) -> Result<(), TooLarge> {
        let span = self.words.len() - open.at;
        if span > self.most_words {
            return Err(TooLarge);
        }
        self.words[open.at] = word(open.tag, ((span as u64) << HALF) | count as u64);
        Ok(())
    }

    /// Corrects the span of a tagged value, the last on the tape, that has become shorter.
    pub(crate) fn set_span(&mut self, at: usize) {
        let span = (self.words.len() - at) as u64;
        self.words[at] = word(Tag::Tagged, (span << HALF) | 1);
    }

    /// Appends an owned value.
    pub(crate) fn push(&mut self, value: &Value) -> Result<(), TooLarge> {
        match value {
            Value::Nil => self.nil(),
            Value::Bool(b) => self.bool(*b),
            Value::Int(n) => self.int(*n),
            Value::Float(x) => self.float(x.0),
            Value::Str(s) => self.named(Tag::Str, s),
            Value::Keyword(s) => self.named(Tag::Keyword, s),
            Value::Symbol(s) => self.named(Tag::Symbol, s),
            Value::Other(s) => self.named(Tag::Other, s),
            Value::Vector(items) => return self.push_items(Tag::Vector, items),
            Value::Set(items) => return self.push_items(Tag::Set, items),
            Value::Map(entries) => {
                let open = self.open(Tag::Map);
                for (key, value) in entries {
                    self.push(key)?;
                    self.push(value)?;
                }
                return self.close(open, entries.len());
            }
            Value::Tagged(tag, value) => {
                let open = self.open_tagged(tag);
                self.push(value)?;
                return self.close(open, 1);
            }
        }
        Ok(())
    }

    fn push_items(&mut self, tag: Tag, items: &[Value]) -> Result<(), TooLarge> {
        let open = self.open(tag);
        for item in items {
            self.push(item)?;
        }
        self.close(open, items.len())
    }

    /// How many words the value at this position takes.
    pub(crate) fn span(&self, at: usize) -> usize {
        let header = self.words[at];
        match tag_of(header) {
            Tag::WideInt | Tag::Float => 2,
            Tag::Vector | Tag::Map | Tag::Set | Tag::Tagged => {
                ((header >> HALF) & HALF_MASK) as usize
            }
            _ => 1,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>() + self.names.bytes()
    }

    /// Gives back what was reserved and not used.
    pub(crate) fn shrink(&mut self) {
        self.words.shrink_to_fit();
        self.names.shrink();
    }

    #[cfg(test)]
    pub(crate) fn set_most_words(&mut self, most_words: usize) {
        self.most_words = most_words;
    }
}
