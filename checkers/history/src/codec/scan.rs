//! A cursor over the text of a file: what the readers of all formats share.

use super::error::{Problem, Read};

/// How deeply values may nest.
pub(crate) const MOST_LEVELS: usize = 256;

/// The text, and how far it has been read. `position` is always at the boundary of a character.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    pub(crate) position: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    /// The same cursor in a text that ends earlier: nothing beyond `end` is seen.
    pub(crate) fn cut(text: &'a str, position: usize, end: usize) -> Self {
        Self {
            text: &text[..end],
            position,
        }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    pub(crate) fn peek_after(&self, offset: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + offset).copied()
    }

    /// Everything that is left.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.text
            .as_bytes()
            .get(self.position..)
            .unwrap_or_default()
    }

    /// Steps over this byte if it comes next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.position += usize::from(taken);
        taken
    }

    /// The text between two positions that lie at boundaries of characters.
    #[inline]
    pub(crate) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The text from `start` to here.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.slice(start, self.position)
    }

    /// Steps over every byte that satisfies the condition, which holds for all or no bytes above 127.
    #[inline]
    pub(crate) fn skip_while(&mut self, condition: impl Fn(u8) -> bool) {
        let rest = self.rest();
        let count = rest.iter().position(|&byte| !condition(byte));
        self.position += count.unwrap_or(rest.len());
    }

    /// Steps over one character, whatever it is.
    pub(crate) fn skip_char(&mut self) -> bool {
        let next = self
            .text
            .get(self.position..)
            .and_then(|t| t.chars().next());
        self.position += next.map_or(0, char::len_utf8);
        next.is_some()
    }

    /// A sign and digits without a needless zero in front, if that is what comes next and 64 bits hold it.
    /// `None` leaves the position where it was.
    #[inline]
    pub(crate) fn integer(&mut self) -> Option<i64> {
        let rest = self.rest();
        let negative = rest.first() == Some(&b'-');
        let signed = usize::from(negative || rest.first() == Some(&b'+'));
        let digits = &rest[signed..];
        let (magnitude, count) = leading_digits(digits);
        let needless_zero = count > 1 && digits[0] == b'0';
        if count == 0 || needless_zero {
            return None;
        }
        let length = signed + count;
        let n = if count > 18 {
            let text = self.slice(self.position, self.position + length);
            text.parse().ok()?
        } else if negative {
            -(magnitude as i64)
        } else {
            magnitude as i64
        };
        self.position += length;
        Some(n)
    }

    /// Four hexadecimal digits of a `\u` escape, and the half that must follow a high surrogate.
    pub(crate) fn unicode_escape(&mut self) -> Read<char> {
        let at = self.position;
        let first = self.four_hex()?;
        let mut code = first;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with(b"\\u") {
            self.position += 2;
            let second = self.four_hex()?;
            if (0xdc00..0xe000).contains(&second) {
                code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            }
        }
        char::from_u32(code)
            .ok_or_else(|| Problem::new(at, "the code of a character, or both halves of a pair"))
    }

    fn four_hex(&mut self) -> Read<u32> {
        let digits = self.text.get(self.position..self.position + 4);
        let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.position += 4 * usize::from(code.is_some());
        code.ok_or_else(|| Problem::new(self.position, "four hexadecimal digits"))
    }

    pub(crate) fn problem(&self, expected: &'static str) -> Problem {
        Problem::new(self.position, expected)
    }
}

/// The value of the decimal digits at the beginning, and how many there are; the value is only right for up
/// to 19 of them.
#[inline]
fn leading_digits(bytes: &[u8]) -> (u64, usize) {
    let mut value: u64 = 0;
    for (count, &byte) in bytes.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (value, count);
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    (value, bytes.len())
}
