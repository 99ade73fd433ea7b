//! How long and how large a check may grow. Nothing here reads a clock: whoever owns one hands in a way
//! to ask.

use std::fmt;

/// The bounds of one check.
///
/// Past either of them a checker answers `unknown` and says how far it got.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use rupture_checkers::Budget;
///
/// let end = Instant::now() + Duration::from_secs(60);
/// let over = || Instant::now() >= end;
/// let budget = Budget::unlimited().with_time(&over).with_bytes(1 << 30);
/// assert!(!budget.is_over());
/// assert_eq!(budget.bytes(), 1_073_741_824);
/// ```
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    over: Option<&'a (dyn Fn() -> bool + Sync)>,
    bytes: usize,
}

impl<'a> Budget<'a> {
    /// No bound at all.
    pub fn unlimited() -> Self {
        Self {
            over: None,
            bytes: usize::MAX,
        }
    }

    /// Asks `over` now and then whether time is up. Once it has said so it must go on saying so.
    ///
    /// ```
    /// use rupture_checkers::history::{Validity, codec};
    /// use rupture_checkers::{Budget, Options, checker};
    ///
    /// let history = codec::read(b"{:process 0 :type :invoke :f :acquire} {:process 0 :type :ok :f :acquire}")?;
    /// let judge = checker("mutex", None, &Options::default())?;
    /// let verdict = judge.check(&history, &Budget::unlimited().with_time(&|| true))?;
    /// assert_eq!(verdict.validity, Validity::Unknown);
    /// assert_eq!(verdict.reasons, ["out of time after 0 of 1 operations"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_time(mut self, over: &'a (dyn Fn() -> bool + Sync)) -> Self {
        self.over = Some(over);
        self
    }

    /// Keeps what a checker allocates for its search, as it counts it itself, below this many bytes. The
    /// history is not part of it.
    ///
    /// ```
    /// use rupture_checkers::history::{Validity, codec};
    /// use rupture_checkers::{Budget, Options, checker};
    ///
    /// let history = codec::read(b"{:process 0 :type :invoke :f :acquire} {:process 0 :type :ok :f :acquire}")?;
    /// let judge = checker("mutex", None, &Options::default())?;
    /// let verdict = judge.check(&history, &Budget::unlimited().with_bytes(1))?;
    /// assert_eq!(verdict.validity, Validity::Unknown);
    /// assert!(verdict.reasons[0].starts_with("out of memory"), "{:?}", verdict.reasons);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Whether time is up.
    pub fn is_over(&self) -> bool {
        self.over.is_some_and(|over| over())
    }

    /// The bound of memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Default for Budget<'_> {
    fn default() -> Self {
        Self::unlimited()
    }
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("timed", &self.over.is_some())
            .field("bytes", &self.bytes)
            .finish()
    }
}
