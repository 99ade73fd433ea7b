//! Exit codes, which are Jepsen's, and the errors that lead to them.

use std::fmt;
use std::process::ExitCode;

use rupture_workloads::checkers::history::Validity;

/// How the program ends. Over several runs the worst counts: see [`Exit::worst`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Every promise was kept.
    Valid = 0,
    /// An anomaly was found.
    Invalid = 1,
    /// Nobody can say, or a fault was never injected.
    Unknown = 2,
    /// The arguments, or a file that they name, cannot be used as they are.
    BadArguments = 254,
    /// The tool itself failed.
    Failure = 255,
}

impl Exit {
    /// The worse of two, in the order 255, 254, 1, 2, 0.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        if self.badness() >= other.badness() {
            self
        } else {
            other
        }
    }

    /// How bad it is, ascending.
    pub fn badness(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Unknown => 1,
            Self::Invalid => 2,
            Self::BadArguments => 3,
            Self::Failure => 4,
        }
    }
}

impl From<Validity> for Exit {
    fn from(validity: Validity) -> Self {
        match validity {
            Validity::Valid => Self::Valid,
            Validity::Unknown => Self::Unknown,
            Validity::Invalid => Self::Invalid,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A mistake of the user: it ends with [`Exit::BadArguments`] and says what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadInput(pub String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// A [`BadInput`] as an error.
pub fn bad_input(message: impl Into<String>) -> anyhow::Error {
    BadInput(message.into()).into()
}

/// The code that an error ends with.
pub fn of_error(error: &anyhow::Error) -> Exit {
    if error.downcast_ref::<BadInput>().is_some() {
        Exit::BadArguments
    } else {
        Exit::Failure
    }
}

/// What to say of a name that nobody knows: the nearest ones, or all of them.
pub fn unknown_name(what: &str, name: &str, known: &[&str]) -> anyhow::Error {
    bad_input(format!("unknown {what} `{name}`; {}", nearest(name, known)))
}

/// What may have been meant by a name that nobody knows: the nearest ones, or all of them.
pub fn nearest(name: &str, known: &[&str]) -> String {
    let mut near: Vec<(f64, &str)> = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.72)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let near: Vec<String> = near.iter().take(3).map(|(_, c)| format!("`{c}`")).collect();
    if near.is_empty() {
        format!("known: {}", known.join(", "))
    } else {
        format!("did you mean {}?", near.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_code_counts() {
        let order = [
            Exit::Valid,
            Exit::Unknown,
            Exit::Invalid,
            Exit::BadArguments,
            Exit::Failure,
        ];
        for (i, a) in order.iter().enumerate() {
            for (j, b) in order.iter().enumerate() {
                assert_eq!(a.worst(*b), order[i.max(j)]);
            }
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let error = unknown_name("mutant", "stale-raed", &["stale-read", "double-vote"]);
        assert_eq!(
            error.to_string(),
            "unknown mutant `stale-raed`; did you mean `stale-read`?"
        );
        let error = unknown_name("target", "zzz", &["raft"]);
        assert_eq!(error.to_string(), "unknown target `zzz`; known: raft");
        assert_eq!(of_error(&error), Exit::BadArguments);
    }
}
