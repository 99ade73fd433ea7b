//! Colours, in one place. The screen takes them away where the output is no terminal or `NO_COLOR` is set.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use rupture_workloads::checkers::history::Validity;

use crate::screen::{colour, tag};

fn paint(style: Style, text: impl Display) -> String {
    format!("{}{text}{}", tag(style), tag(Style::new()))
}

/// A heading.
pub fn bold(text: impl Display) -> String {
    paint(Style::new().bold(), text)
}

/// What matters less.
pub fn dim(text: impl Display) -> String {
    paint(Style::new().dimmed(), text)
}

/// The word before an error message.
pub fn error(text: impl Display) -> String {
    paint(colour(AnsiColor::Red), text)
}

/// The word before a warning.
pub fn warning(text: impl Display) -> String {
    paint(colour(AnsiColor::Yellow), text)
}

/// What went well.
pub fn good(text: impl Display) -> String {
    paint(colour(AnsiColor::Green), text)
}

/// One sign for an answer.
pub fn mark(validity: Validity) -> String {
    match validity {
        Validity::Valid => good("✓"),
        Validity::Unknown => warning("?"),
        Validity::Invalid => error("✗"),
    }
}

/// The word of a verdict.
pub fn verdict(validity: Validity) -> String {
    match validity {
        Validity::Valid => good("valid"),
        Validity::Unknown => warning("unknown"),
        Validity::Invalid => error("INVALID"),
    }
}
