//! The names of the levels: `k-atomic`, `k-atomic=2`, `stale`, `stale=100ms`.

use std::fmt;

const K_ATOMIC: &str = "k-atomic";
const STALE: &str = "stale";

/// The units of time that a bound may have, the largest first, and how many nanoseconds each is.
const UNITS: [(&str, u64); 4] = [
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A level of bounded staleness. It is written as its name (`Display`), which [`level`] reads.
///
/// ```
/// use rupture_checkers::history::{Validity, Value, codec};
/// use rupture_checkers::staleness::Level;
/// use rupture_checkers::Budget;
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :write :value 1 :time 0}
///       {:process 0 :type :ok :f :write :value 1 :time 5000}
///       {:process 1 :type :invoke :f :read :time 9000}
///       {:process 1 :type :ok :f :read :value nil :time 9500}",
/// )?;
/// let judge = Level::Stale(Some(2_000)).checker(false, Value::Nil);
/// assert_eq!(judge.check(&history, &Budget::unlimited())?.validity, Validity::Invalid);
/// let judge = Level::Stale(Some(4_000)).checker(false, Value::Nil);
/// assert_eq!(judge.check(&history, &Budget::unlimited())?.validity, Validity::Valid);
/// assert_eq!(Level::Stale(Some(4_000)).to_string(), "stale=4us");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Every read returns one of so many latest writes; without a number, the least one is looked for.
    KAtomic(Option<u32>),
    /// Every read returns a value that was overwritten at most so many nanoseconds before; without a number,
    /// the least one is looked for.
    Stale(Option<u64>),
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KAtomic(None) => f.write_str(K_ATOMIC),
            Self::KAtomic(Some(k)) => write!(f, "{K_ATOMIC}={k}"),
            Self::Stale(None) => f.write_str(STALE),
            Self::Stale(Some(ns)) => write!(f, "{STALE}={}", span(*ns)),
        }
    }
}

/// A span of time in the largest unit in which it is a whole number.
fn span(ns: u64) -> String {
    let whole = |(_, size): &&(&str, u64)| ns != 0 && ns.is_multiple_of(*size);
    let (unit, size) = UNITS.iter().find(whole).unwrap_or(&UNITS[3]);
    format!("{}{unit}", ns / size)
}

/// Reads the name of a level of bounded staleness; `None` if it is not one of them.
///
/// ```
/// use rupture_checkers::staleness::{Level, level};
///
/// assert_eq!(level("k-atomic=2"), Some(Ok(Level::KAtomic(Some(2)))));
/// assert_eq!(level("stale=100ms"), Some(Ok(Level::Stale(Some(100_000_000)))));
/// assert_eq!(level("stale"), Some(Ok(Level::Stale(None))));
/// assert_eq!(level("linearizable"), None);
/// assert!(level("stale=100").unwrap().is_err());
/// ```
///
/// # Errors
/// The bound is missing, zero, too large, or not a whole number with its unit; the message says what to write.
pub fn level(text: &str) -> Option<Result<Level, String>> {
    match text.split_once('=') {
        None if text == K_ATOMIC => Some(Ok(Level::KAtomic(None))),
        None if text == STALE => Some(Ok(Level::Stale(None))),
        Some((K_ATOMIC, bound)) => Some(versions(bound).map(|k| Level::KAtomic(Some(k)))),
        Some((STALE, bound)) => Some(nanoseconds(bound).map(|ns| Level::Stale(Some(ns)))),
        _ => None,
    }
}

fn versions(bound: &str) -> Result<u32, String> {
    match digits(bound).and_then(|number| u32::try_from(number).ok()) {
        Some(k) if k > 0 => Ok(k),
        _ => Err(format!(
            "`{K_ATOMIC}={bound}`: the bound counts versions from 1 (linearizable) to {}; write `{K_ATOMIC}=2`, \
             or `{K_ATOMIC}` to find the smallest",
            u32::MAX
        )),
    }
}

fn nanoseconds(bound: &str) -> Result<u64, String> {
    let wrong = |what: &str| {
        format!(
            "`{STALE}={bound}`: {what}; write `{STALE}=100ms` (units: ns, us, ms, s), \
             or `{STALE}` to find the smallest bound"
        )
    };
    let end = bound.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = bound.split_at(end.unwrap_or(bound.len()));
    let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(wrong("the bound is a whole number and its unit"));
    };
    if number.is_empty() {
        return Err(wrong("the bound is a whole number and its unit"));
    }
    let ns = digits(number).and_then(|number| number.checked_mul(*size));
    match ns.filter(|ns| i64::try_from(*ns).is_ok()) {
        Some(0) => Err(wrong(
            "a bound of zero is the level `linearizable`, so ask for that",
        )),
        Some(ns) => Ok(ns),
        None => Err(wrong("the bound is longer than 292 years")),
    }
}

/// A number written in digits alone: no sign, no point.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
