//! How long elements took, by the times of the events: from when they were known until every read saw them, or
//! until they were last seen.
//!
//! These are the latencies of Jepsen's `set-full`, at its quantiles, in nanoseconds where Jepsen rounds to
//! milliseconds. An event without a time takes no part, and no verdict depends on any of this.

use rupture_history::Measure;

/// The quantiles that are told, in hundredths, with their names.
const QUANTILES: [(usize, &str); 5] = [
    (0, "0"),
    (50, "0.5"),
    (95, "0.95"),
    (99, "0.99"),
    (100, "1"),
];

/// Some latencies, in order.
pub(super) struct Latencies {
    sorted_ns: Vec<u64>,
}

impl Latencies {
    /// `None` where there are none.
    pub(super) fn of(mut all_ns: Vec<u64>) -> Option<Self> {
        all_ns.sort_unstable();
        let sorted_ns = all_ns;
        (!sorted_ns.is_empty()).then_some(Self { sorted_ns })
    }

    /// The latency that so many hundredths of all do not exceed, by Jepsen's count.
    fn quantile_ns(&self, hundredths: usize) -> u64 {
        let count = self.sorted_ns.len();
        self.sorted_ns[(count * hundredths / 100).min(count - 1)]
    }

    /// The quantiles as measures of this name: `stable-latency-0.5` is the median.
    pub(super) fn measures(&self, name: &str) -> impl Iterator<Item = Measure> {
        QUANTILES.iter().map(move |&(hundredths, quantile)| {
            let ns = self.quantile_ns(hundredths);
            Measure {
                name: format!("{name}-{quantile}"),
                unit: "ns".to_owned(),
                at_least: ns,
                at_most: Some(ns),
                key: None,
            }
        })
    }

    /// The same for people.
    pub(super) fn note(&self, what: &str) -> String {
        let at = |hundredths| self.quantile_ns(hundredths) / 1_000_000;
        format!(
            "{what} so long after it was known: median {} ms, 95 % {} ms, 99 % {} ms, at most {} ms",
            at(50),
            at(95),
            at(99),
            at(100)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_counted_as_jepsen_does() {
        let all = Latencies::of((0..200).rev().collect()).expect("some");
        let values: Vec<u64> = all.measures("x").map(|measure| measure.at_least).collect();
        assert_eq!(values, [0, 100, 190, 198, 199]);
        let names: Vec<String> = all.measures("x").map(|measure| measure.name).collect();
        assert_eq!(names, ["x-0", "x-0.5", "x-0.95", "x-0.99", "x-1"]);
        let one = Latencies::of(vec![7]).expect("one");
        assert!(one.measures("x").all(|measure| measure.exact() == Some(7)));
        assert!(Latencies::of(Vec::new()).is_none());
    }
}
