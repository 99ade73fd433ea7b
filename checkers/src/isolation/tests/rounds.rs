//! Cycles in edges that were told, and the shortest that there is, for whoever re-derives them.

use rupture_history::verdict::Dependency;

/// The length of a shortest cycle of a relation between so many transactions.
pub(crate) fn shortest(count: usize, edge: impl Fn(usize, usize) -> bool) -> Option<usize> {
    let from = |start: usize| {
        let mut reached = vec![false; count];
        let mut here = vec![start];
        for length in 1..=count {
            let next = (0..count).filter(|&to| here.iter().any(|&one| edge(one, to)));
            let next: Vec<usize> = next.filter(|&to| !reached[to]).collect();
            for &to in &next {
                reached[to] = true;
            }
            if reached[start] {
                return Some(length);
            }
            here = next;
        }
        None
    };
    (0..count).filter_map(from).min()
}

/// How many of the first edges are a cycle; 0 if none are.
pub(crate) fn cycle(edges: &[Dependency]) -> usize {
    for (at, edge) in edges.iter().enumerate() {
        if at > 0 && edges[at - 1].to != edge.from {
            return 0;
        }
        if edge.to == edges[0].from {
            return at + 1;
        }
    }
    0
}

/// Whether a sentence names a transaction.
pub(crate) fn names(sentence: &str, index: u64) -> bool {
    let name = format!("T{index}");
    let mut words = sentence.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| word == name)
}
