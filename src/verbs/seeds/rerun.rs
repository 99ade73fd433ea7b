//! Commands that a search prints: run one seed again, go on with the search.

use std::path::Path;

use crate::report::shell;

/// Options of a search that take a value, and those that take none. One seed has no use for them.
const WITH_VALUE: [&str; 5] = ["--seeds", "--test-count", "--seed", "--keep", "--resume"];
const ALONE: [&str; 1] = ["--fail-fast"];

/// The command line with one seed in place of the search.
pub(super) fn one(words: &[String], seed: u64) -> Vec<String> {
    let mut kept = without_search(words);
    kept.push("--seed".to_owned());
    kept.push(seed.to_string());
    kept
}

/// The command that goes on with a search.
pub(super) fn resume(folder: &Path) -> String {
    format!("rupture run --resume {}", shell::quote_path(folder))
}

fn without_search(words: &[String]) -> Vec<String> {
    let mut rest = words.iter();
    let mut kept = Vec::new();
    while let Some(word) = rest.next() {
        let name = word.split('=').next().unwrap_or_default();
        match word.as_str() {
            word if WITH_VALUE.contains(&word) => {
                rest.next();
            }
            word if ALONE.contains(&word) || WITH_VALUE.contains(&name) => {}
            word => kept.push(word.to_owned()),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rerun_names_one_seed_and_keeps_the_rest() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (search, seed) in [
            ("run --seeds 0..9 --mutant x", "run --mutant x --seed 4"),
            ("run --test-count=3 --seed 7", "run --seed 4"),
            (
                "run --fail-fast --keep all --name a",
                "run --name a --seed 4",
            ),
        ] {
            assert_eq!(one(&words(search), 4), words(seed));
        }
    }
}
