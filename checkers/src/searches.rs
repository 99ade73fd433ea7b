//! How wide the random searches of the tests are.

/// How many of so many cases a test looks at: all of them where the compiler optimizes, as `.ci/nightly` does with
/// `cargo test --release`, and one of sixteen where it does not, so that the tests of a fresh clone take minutes.
pub(crate) const fn share(all: usize) -> usize {
    if cfg!(debug_assertions) {
        all.div_ceil(16)
    } else {
        all
    }
}

/// As [`share`], of searches that need few cases to see every kind: a quarter of that.
pub(crate) const fn small_share(all: usize) -> usize {
    if cfg!(debug_assertions) {
        all.div_ceil(64)
    } else {
        all
    }
}

/// How many of the cases must at least be of a kind, where more than so many of all of them are. Half a share of it, as
/// few vary more.
pub(crate) const fn at_least(more_than: usize) -> usize {
    if cfg!(debug_assertions) {
        more_than / 32
    } else {
        more_than + 1
    }
}
