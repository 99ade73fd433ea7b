//! A random choice among generators.

use crate::history::Event;

use super::{Context, Generator, Next, around, ask_in_turn, weighted};

struct Branch {
    weight: u64,
    inner: Box<dyn Generator>,
}

/// See [`mix`].
pub struct Mix {
    branches: Vec<Branch>,
}

/// At each operation a random one of the generators, as likely as its weight. One that cannot invoke anything
/// now, or is done, leaves its turn to the next in the list, so that none holds up the others. One of weight
/// 0 is never asked.
pub fn mix(branches: Vec<(u32, Box<dyn Generator>)>) -> Mix {
    let branch = |(weight, inner)| Branch {
        weight: u64::from(weight),
        inner,
    };
    Mix {
        branches: branches.into_iter().map(branch).collect(),
    }
}

impl Generator for Mix {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        let weights = self.branches.iter().map(|branch| branch.weight);
        let Some(start) = weighted(weights, context) else {
            return Next::Done;
        };
        ask_in_turn(around(start, self.branches.len()), |index| {
            let branch = &mut self.branches[index];
            if branch.weight == 0 {
                return Next::Done;
            }
            let next = branch.inner.next(context);
            if next == Next::Done {
                branch.weight = 0;
            }
            next
        })
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        for branch in self.branches.iter_mut().filter(|branch| branch.weight > 0) {
            branch.inner.update(context, event);
        }
    }
}

impl std::fmt::Debug for Mix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let weights = self.branches.iter().map(|branch| branch.weight);
        f.debug_tuple("Mix")
            .field(&weights.collect::<Vec<_>>())
            .finish()
    }
}
