//! Which sums are possible where some numbers may or may not count.
//!
//! That is subset sum, which is NP-complete (Karp 1972), and easy where the sums lie close together: they are
//! kept as ranges of integers without gaps, and the sums of n small numbers are soon one range. Where the ranges
//! become too many, only the least and the greatest sum are kept, and whatever lies between is no longer decided.

/// More ranges than these are not kept.
const MOST: usize = 1 << 14;

/// The sums of all subsets of some integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sums {
    /// From and to, both included, in order, and with a gap between any two.
    ranges: Vec<(i128, i128)>,
    exact: bool,
}

impl Sums {
    /// The sum of nothing but this.
    pub(super) fn of(base: i128) -> Self {
        Self {
            ranges: vec![(base, base)],
            exact: true,
        }
    }

    /// One more number that may count.
    pub(super) fn may_add(&mut self, number: i128) {
        if number == 0 {
            return;
        }
        let moved = self
            .ranges
            .iter()
            .map(|&(from, to)| (from + number, to + number));
        let merged = merge(self.ranges.iter().copied(), moved);
        self.ranges = merged;
        if self.ranges.len() > MOST {
            let (from, to) = (self.least(), self.greatest());
            self.ranges = vec![(from, to)];
            self.exact = false;
        }
    }

    /// Whether this is one of the sums; `None` where nobody knows.
    pub(super) fn has(&self, sum: i128) -> Option<bool> {
        let at = self.ranges.partition_point(|&(_, to)| to < sum);
        let inside = self.ranges.get(at).is_some_and(|&(from, _)| from <= sum);
        (self.exact || !inside).then_some(inside)
    }

    pub(super) fn least(&self) -> i128 {
        self.ranges.first().map_or(0, |&(from, _)| from)
    }

    pub(super) fn greatest(&self) -> i128 {
        self.ranges.last().map_or(0, |&(_, to)| to)
    }

    pub(super) fn bytes(&self) -> usize {
        self.ranges.capacity() * size_of::<(i128, i128)>() * 2
    }

    /// The ranges around a number, for people.
    pub(super) fn around(&self, sum: i128) -> String {
        const SHOWN: usize = 3;
        let at = self.ranges.partition_point(|&(_, to)| to < sum);
        let start = at.saturating_sub(SHOWN);
        let end = self.ranges.len().min(at + SHOWN);
        let texts = self.ranges[start..end].iter().map(|&(from, to)| {
            if from == to {
                from.to_string()
            } else {
                format!("{from} to {to}")
            }
        });
        let mut texts: Vec<String> = texts.collect();
        if start > 0 {
            texts.insert(0, "...".to_owned());
        }
        if end < self.ranges.len() {
            texts.push("...".to_owned());
        }
        texts.join(", ")
    }
}

/// The union of two lists of ranges in order.
fn merge(
    one: impl Iterator<Item = (i128, i128)>,
    other: impl Iterator<Item = (i128, i128)>,
) -> Vec<(i128, i128)> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    let mut merged: Vec<(i128, i128)> = Vec::new();
    loop {
        let next = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) if a <= b => one.next(),
            (_, Some(_)) => other.next(),
            (_, None) => one.next(),
        };
        let Some((from, to)) = next else {
            return merged;
        };
        match merged.last_mut() {
            Some((_, end)) if from <= *end + 1 => *end = to.max(*end),
            _ => merged.push((from, to)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_subset_has_its_sum_and_nothing_else_is_one() {
        for numbers in [
            vec![],
            vec![0, 0],
            vec![5, -5, 3],
            vec![1, 1, 1, 1],
            vec![-7, 2, 100, 4, -1],
            vec![10, 20, 40, 80, 160, -310],
        ] {
            let mut sums = Sums::of(2);
            for &number in &numbers {
                sums.may_add(number);
            }
            let subsets = 0..1_u32 << numbers.len();
            let sum = |subset: u32| -> i128 {
                let chosen = numbers.iter().enumerate();
                let chosen = chosen.filter(|(at, _)| subset >> at & 1 == 1);
                2 + chosen.map(|(_, number)| number).sum::<i128>()
            };
            let expected: BTreeSet<i128> = subsets.map(sum).collect();
            for number in -400..400 {
                assert_eq!(
                    sums.has(number),
                    Some(expected.contains(&number)),
                    "{numbers:?} {number}"
                );
            }
        }
    }

    #[test]
    fn past_the_bound_only_what_lies_outside_is_decided() {
        let mut sums = Sums::of(0);
        for power in 0..20 {
            sums.may_add(3 * (1 << power) * 5);
        }
        assert_eq!(sums.has(-1), Some(false));
        assert_eq!(sums.has(1), None);
        assert_eq!(sums.has(15 * (1 << 20)), Some(false));
    }

    #[test]
    fn the_ranges_around_a_number_are_told() {
        let mut sums = Sums::of(0);
        for number in [1, 10, 100] {
            sums.may_add(number);
        }
        assert_eq!(sums.around(5), "0 to 1, 10 to 11, 100 to 101, 110 to 111");
        sums.may_add(1_000);
        assert_eq!(
            sums.around(500),
            "..., 10 to 11, 100 to 101, 110 to 111, 1000 to 1001, 1010 to 1011, 1100 to 1101, ..."
        );
        assert_eq!(Sums::of(3).around(7), "3");
    }
}
