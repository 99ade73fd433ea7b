//! The one place where text meets the screen.
//!
//! A history, a file's name or an argument may hold characters that steer a terminal: they clear it, hide text, turn
//! its direction around or fake a line. Everything that is printed passes through here, and such characters are shown
//! instead of obeyed, in a pipe as well as on a terminal: nothing is cut out of the data. Colours are marks that only
//! this process can write (see [`tag`]), so that no data can colour itself.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::hash::BuildHasher;
use std::io::{self, IsTerminal, Write as _};
use std::os::fd::AsFd;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use anstyle::Style;
use indicatif::{ProgressBar, ProgressDrawTarget, TermLike};

/// Prints a line. A terminal that is gone changes no verdict and no exit code; a full device ends with 255.
macro_rules! say {
    () => { $crate::screen::say(format_args!("")) };
    ($($text:tt)*) => { $crate::screen::say(format_args!($($text)*)) };
}

/// Prints a line for whoever watches for trouble.
macro_rules! complain {
    ($($text:tt)*) => { $crate::screen::complain(format_args!($($text)*)) };
}

/// Prints a line.
pub fn say(text: fmt::Arguments<'_>) {
    out(&shown(&text.to_string(), *OUT_COLOURS));
}

/// Prints a line for whoever watches for trouble; on a terminal it is broken where it is too long.
pub fn complain(text: fmt::Arguments<'_>) {
    let text = text.to_string();
    let lines = match columns_of(&io::stderr()) {
        Some(width) => wrap(&text.replace('\n', "\\n"), width, ""),
        None => vec![text],
    };
    for line in lines {
        err(&shown(&line, *ERR_COLOURS));
    }
}

/// Prints a value as one line of JSON. What would steer a terminal stands there as JSON's own escapes, which mean the
/// same data.
pub fn say_json(value: &serde_json::Value) {
    let text = value.to_string();
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unprintable(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    out(&line);
}

/// Prints what the reader of arguments made: help, or what is wrong. `plain` says that it repeats arguments whose
/// characters must not reach the screen as they are; then it is made without colours.
pub fn say_usage(error: &clap::Error, plain: bool) {
    let text = error.render();
    let is_error = error.use_stderr();
    let colours = if is_error { *ERR_COLOURS } else { *OUT_COLOURS };
    let print = if is_error { err } else { out };
    if plain {
        let text = text.ansi().to_string();
        text.trim_end()
            .split('\n')
            .for_each(|line| print(&shown(line, false)));
    } else if colours {
        print(text.ansi().to_string().trim_end());
    } else {
        print(text.to_string().trim_end());
    }
}

/// Why what was printed did not all arrive, if it did not; a reader that went away is no reason.
pub fn failure() -> Option<String> {
    lock(&OUT).as_ref().err().and_then(|error| {
        let is_gone = error.kind() == io::ErrorKind::BrokenPipe;
        (!is_gone).then(|| format!("cannot write to the standard output: {error}"))
    })
}

/// How wide the terminal is, within reason; 100 columns where there is none.
pub fn width() -> usize {
    terminal_width().unwrap_or(100)
}

/// How wide the terminal is, if there is one: what a program reads is better not broken.
pub fn terminal_width() -> Option<usize> {
    let asked = std::env::var("COLUMNS").ok();
    let asked = asked.and_then(|columns| columns.trim().parse().ok());
    let asked = asked.filter(|columns| *columns > 0);
    let width = asked.or_else(|| columns_of(&io::stdout()));
    width.map(|width: usize| width.clamp(20, 160))
}

fn columns_of(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    bare_columns_of(stream).map(|columns| usize::from(columns).max(20))
}

/// The columns alone: there are terminals that report no rows.
fn bare_columns_of(stream: &(impl IsTerminal + AsFd)) -> Option<u16> {
    if !stream.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}

/// A bar of this length, hidden where there is no terminal whose width is known: a line that is broken in two cannot
/// be drawn over.
pub fn bar(length: u64) -> ProgressBar {
    const TIMES_A_SECOND: u8 = 20;
    let target = match bare_columns_of(&io::stderr()) {
        Some(columns) => {
            let terminal = Terminal {
                columns,
                from: Instant::now() + PATIENCE,
            };
            ProgressDrawTarget::term_like_with_hz(Box::new(terminal), TIMES_A_SECOND)
        }
        None => ProgressDrawTarget::hidden(),
    };
    ProgressBar::with_draw_target(Some(length), target)
}

/// What is over by then shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where bars are drawn.
#[derive(Debug)]
struct Terminal {
    columns: u16,
    from: Instant,
}

impl Terminal {
    fn write(&self, text: fmt::Arguments<'_>) -> io::Result<()> {
        if Instant::now() < self.from {
            return Ok(());
        }
        io::stderr().lock().write_fmt(text)
    }

    /// Steps of the cursor; a terminal takes none for one.
    fn step(&self, n: usize, direction: char) -> io::Result<()> {
        match n {
            0 => Ok(()),
            n => self.write(format_args!("\x1b[{n}{direction}")),
        }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        bare_columns_of(&io::stderr()).unwrap_or(self.columns)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.step(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.step(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.step(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.step(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write(format_args!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(format_args!("{text}"))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write(format_args!("\r\x1b[2K"))
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// Shows how far something long is, on a terminal only; goes away with what is returned.
pub fn show(bar: ProgressBar) -> Shown {
    *lock(&BAR) = Some(bar.clone());
    Shown(bar)
}

/// A progress bar on the screen.
pub struct Shown(ProgressBar);

impl std::ops::Deref for Shown {
    type Target = ProgressBar;

    fn deref(&self) -> &ProgressBar {
        &self.0
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        *lock(&BAR) = None;
        self.0.finish_and_clear();
    }
}

/// The bar that stands on the screen now; lines are printed above it.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);
/// The first error that standard output met. After it nothing more is written there.
static OUT: Mutex<io::Result<()>> = Mutex::new(Ok(()));
static OUT_COLOURS: LazyLock<bool> =
    LazyLock::new(|| AutoStream::choice(&io::stdout()) != ColorChoice::Never);
static ERR_COLOURS: LazyLock<bool> =
    LazyLock::new(|| AutoStream::choice(&io::stderr()) != ColorChoice::Never);

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn out(line: &str) {
    above_the_bar(|| {
        let mut state = lock(&OUT);
        if state.is_ok() {
            let mut stream = io::stdout().lock();
            *state = writeln!(stream, "{line}").and_then(|()| stream.flush());
        }
    });
}

fn err(line: &str) {
    above_the_bar(|| {
        let _ = writeln!(io::stderr().lock(), "{line}");
    });
}

fn above_the_bar(write: impl FnOnce()) {
    let bar = lock(&BAR).clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// The mark that begins a colour; [`tag`] of the plain style ends it. It starts with a character that Unicode keeps
/// for use inside programs, and goes on with one that differs from process to process: no data can guess it.
pub fn tag(style: Style) -> String {
    let place = STYLES.iter().position(|known| *known == style);
    let letter = char::from(b'a' + place.unwrap_or(0) as u8);
    [MARK, *NONCE, letter].iter().collect()
}

const MARK: char = '\u{fdd0}';
static NONCE: LazyLock<char> = LazyLock::new(|| {
    let random = std::hash::RandomState::new().hash_one(0u8);
    char::from_u32(0x10_0000 + (random % 0xfffd) as u32).unwrap_or('\u{10_0000}')
});
/// What there are marks for; the first one ends the others.
const STYLES: [Style; 6] = [
    Style::new(),
    Style::new().bold(),
    Style::new().dimmed(),
    colour(anstyle::AnsiColor::Red),
    colour(anstyle::AnsiColor::Yellow),
    colour(anstyle::AnsiColor::Green),
];

/// A bold colour.
pub const fn colour(colour: anstyle::AnsiColor) -> Style {
    colour.on_default().bold()
}

/// A piece of text: a style that begins, or a character.
enum Piece {
    Style(Style),
    Char(char),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece> {
    let mut chars = text.chars();
    std::iter::from_fn(move || {
        let c = chars.next()?;
        let mut ahead = chars.clone();
        if c == MARK && ahead.next() == Some(*NONCE) {
            let letter = ahead.next().and_then(|letter| u8::try_from(letter).ok());
            let style =
                letter.and_then(|letter| STYLES.get(usize::from(letter.wrapping_sub(b'a'))));
            if let Some(style) = style {
                chars = ahead;
                return Some(Piece::Style(*style));
            }
        }
        Some(Piece::Char(c))
    })
}

/// The text as the screen gets it: marks turned into colours or dropped, unprintable characters shown.
fn shown(text: &str, colours: bool) -> String {
    let mut line = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Style(_) if !colours => {}
            // Writing to a string cannot fail.
            Piece::Style(style) if style == Style::new() => {
                let _ = write!(line, "{}", anstyle::Reset);
            }
            Piece::Style(style) => {
                let _ = write!(line, "{style}");
            }
            Piece::Char(c) => push_visibly(&mut line, c),
        }
    }
    line
}

/// How many columns a text takes on the screen.
pub fn columns(text: &str) -> usize {
    let width = |piece| match piece {
        Piece::Style(_) => 0,
        Piece::Char(c) if is_unprintable(c) => escape(c.encode_utf8(&mut [0; 4])).len(),
        Piece::Char(_) => 1,
    };
    pieces(text).map(width).sum()
}

/// A text in which unprintable characters are written as Rust writes them, such as `\n` and `\u{1b}`. Only what must
/// know its width before it is printed needs this; all that is printed comes out like that.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| push_visibly(&mut escaped, c));
    Cow::Owned(escaped)
}

fn push_visibly(text: &mut String, c: char) {
    // Writing to a string cannot fail.
    let _ = match c {
        '\n' => text.write_str("\\n"),
        '\r' => text.write_str("\\r"),
        '\t' => text.write_str("\\t"),
        c if is_unprintable(c) => write!(text, "{}", c.escape_unicode()),
        c => text.write_char(c),
    };
}

/// Whether a character steers a terminal or cannot be seen: controls, marks of direction, separators of lines and
/// whatever Unicode says shall by default be ignored or never be interchanged.
pub fn is_unprintable(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}'
        | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Breaks text at spaces into lines of at most `width` columns; lines after the first are indented two more. A word
/// that is longer than a line stays whole.
pub fn wrap(text: &str, width: usize, indent: &str) -> Vec<String> {
    let own: String = text.chars().take_while(|c| *c == ' ').collect();
    let mut lines = Vec::new();
    let mut line = format!("{indent}{own}");
    let mut used = columns(&line);
    let mut empty = true;
    // Blanks before the next word: one as a rule, more inside data.
    let mut gap = 0;
    for word in text[own.len()..].split(' ') {
        if word.is_empty() {
            gap += 1;
            continue;
        }
        let length = columns(word);
        if !empty && used + gap + length > width {
            lines.push(std::mem::replace(&mut line, format!("{indent}{own}  ")));
            used = columns(&line);
            empty = true;
        }
        if !empty {
            line.push_str(&" ".repeat(gap));
            used += gap;
        }
        line.push_str(word);
        used += length;
        empty = false;
        gap = 1;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style;

    #[test]
    fn data_steers_nothing_and_loses_nothing() {
        for (data, wanted) in [
            ("a\x1b[31mb", "a\\u{1b}[31mb"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("\u{202e}txt\u{2066}", "\\u{202e}txt\\u{2066}"),
            (
                "a\u{200b}b\u{feff}\u{e0041}",
                "a\\u{200b}b\\u{feff}\\u{e0041}",
            ),
            ("\u{fdd0}\u{10fffd}b", "\\u{fdd0}\u{10fffd}b"),
            ("grün 日本 → ✓ é", "grün 日本 → ✓ é"),
        ] {
            for colours in [false, true] {
                assert_eq!(shown(data, colours), wanted);
            }
            assert_eq!(escape(data), wanted);
            assert_eq!(columns(data), wanted.chars().count());
        }
    }

    #[test]
    fn our_own_colours_come_through_where_there_are_some() {
        let text = format!("{} x", style::bold("a\x1b[0m"));
        assert_eq!(shown(&text, false), "a\\u{1b}[0m x");
        assert_eq!(shown(&text, true), "\x1b[1ma\\u{1b}[0m\x1b[0m x");
        assert_eq!(columns(&style::error("four")), 4);
    }
}
