//! Deciding histories of unique values without a search, in O(n log n).
//!
//! Each algorithm below states the theorem that it rests on, and answers with more than yes or no: an order
//! of all operations, which is then replayed against real time and the object (`certify`), or a few
//! operations that are impossible by themselves, which are then handed to the search. If an order is none or
//! the operations have one, the search decides the whole. Only where they are so many that the search cannot
//! say within its steps does the theorem alone count.

mod certify;
mod cover;
mod facts;
mod fifo;
mod points;
mod priority;
mod register;
mod set;
mod stack;
mod stays;
#[cfg(test)]
mod tests;
mod text;
mod trees;
mod unordered;
mod whole;

use super::calls::Call;
use crate::Model;
use crate::theory::Theory;
pub(crate) use certify::is_order;
pub(crate) use facts::Fact;
use facts::{Act, Facts};
pub(crate) use set::Elements;
use stays::Way;
use text::Texts;

/// How often the completion past which no order goes on is looked for step by step.
const STEPS_BACK: u32 = 8;

/// What an algorithm found.
#[derive(Debug)]
pub(crate) enum Found {
    /// All operations that happened, and of the others those that had to, in the order in which they did.
    Order(Vec<u32>),
    /// Operations that are impossible by themselves.
    Violation(Core),
    /// The theory does not say.
    Open,
}

/// Operations that are impossible by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Core {
    /// Their places among the calls, ascending.
    pub(crate) calls: Vec<u32>,
    /// If only some of the values matter, which.
    pub(crate) only: Option<Vec<u64>>,
    /// If only some pieces of the texts matter, the text of each call made of these.
    pub(crate) texts: Vec<String>,
}

impl Core {
    /// These calls, ascending, as they are.
    pub(crate) fn whole(calls: Vec<u32>) -> Self {
        Self {
            calls,
            only: None,
            texts: Vec::new(),
        }
    }

    fn of(facts: &Facts<'_>, places: impl IntoIterator<Item = u32>) -> Self {
        let mut places: Vec<u32> = places.into_iter().collect();
        places.sort_unstable();
        places.dedup();
        let known = || places.iter().filter_map(|&at| facts.list.get(at as usize));
        // Operations of unknown result may have taken these values. As many of them as there are values are
        // enough, and the earliest can do what any other can.
        let values = known().filter(|fact| fact.act == Act::Put).count();
        let unknown = facts.list.iter().filter(|fact| fact.act == Act::TakeAny);
        let mut calls: Vec<u32> = known()
            .chain(unknown.take(values))
            .map(|fact| fact.call)
            .collect();
        calls.sort_unstable();
        calls.dedup();
        Self::whole(calls)
    }
}

impl Found {
    /// These facts are impossible. Places that nobody has are left out.
    fn violation(facts: &Facts<'_>, places: impl IntoIterator<Item = u32>) -> Self {
        Self::Violation(Core::of(facts, places))
    }
}

/// The calls of one object, read by its theory.
pub(crate) struct Distinct<'a> {
    theory: Theory,
    read: Read<'a>,
}

/// The calls as the algorithms see them.
enum Read<'a> {
    Values(Facts<'a>),
    Texts(Texts<'a>),
}

/// What is known of the calls of one object.
pub(crate) enum Outcome {
    /// The whole of it.
    Found(Found),
    /// A set of which some elements are open.
    Elements(Elements),
}

impl<'a> Distinct<'a> {
    /// None if the model has no theory, or some call is beyond it, or reading them takes more than so many bytes.
    pub(crate) fn new<M: Model>(model: &M, calls: &'a [Call<M::Op>], bytes: usize) -> Option<Self> {
        let theory = model.theory()?;
        let read = match theory {
            Theory::Text => Read::Texts(Texts::new(model, calls, bytes)?),
            _ => Read::Values(Facts::new(model, theory, calls)?),
        };
        Some(Self { theory, read })
    }

    /// The algorithm's name, for people.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self.theory {
            Theory::Register { .. } => "zones (Gibbons & Korach 1997)",
            Theory::Set if self.is_read_whole() => "nested reads",
            Theory::Set => "elements",
            Theory::FifoQueue => "queue patterns (Henzinger, Sezgin & Vafeiadis 2013)",
            Theory::UnorderedQueue => "stays",
            Theory::Stack => "stack nesting (Lee & Mathur 2025)",
            Theory::PriorityQueue => "priority gaps (Lee & Mathur 2025)",
            Theory::Text => "texts by zones (after Gibbons & Korach 1997)",
        }
    }

    fn is_read_whole(&self) -> bool {
        match &self.read {
            Read::Values(facts) => facts.list.iter().any(|fact| fact.act == Act::All),
            Read::Texts(_) => false,
        }
    }

    /// Decides all calls.
    pub(crate) fn decide(&self) -> Outcome {
        match &self.read {
            Read::Values(facts) => decide(self.theory, facts),
            Read::Texts(texts) => Outcome::Found(texts.decide(texts.events())),
        }
    }

    /// A call past whose completion no order goes on, and whether what was known before it has an order, as far
    /// as the theory finds both. `core` is impossible.
    ///
    /// Most often that is the last completion of the core, or of the core which the theory finds in what was
    /// known before it; only after a few such steps are the events between halved.
    pub(crate) fn dies_with(&self, core: &Core, over: impl Fn() -> bool) -> Option<(u32, bool)> {
        let mut low = (0, true);
        let mut high = self.earlier(self.last_completion(core)?, u32::MAX, &mut low, &over);
        let mut steps = 0;
        while low.0 + 1 < high.0 && !over() {
            let middle = if steps < STEPS_BACK {
                high.0 - 1
            } else {
                u32::midpoint(low.0, high.0)
            };
            steps += 1;
            match self.until(middle) {
                (Some(last), _) if last.0 > low.0 => {
                    high = self.earlier(last, middle, &mut low, &over);
                }
                (_, alive) => low = (middle, alive),
            }
        }
        Some((high.1, low.1 && low.0 + 1 == high.0 && self.is_plain()))
    }

    /// A completion at which no order is left, of what is impossible at an event, and completed last at `last`.
    /// What ran at `last` and was not known then may have taken what was there; then an order is left there, and it
    /// is gone when the last of that has completed.
    fn earlier(
        &self,
        mut last: (u32, u32),
        mut event: u32,
        low: &mut (u32, bool),
        over: &impl Fn() -> bool,
    ) -> (u32, u32) {
        while let Some(late) = self.late(last.0, event) {
            if over() {
                return late;
            }
            match self.until(last.0) {
                (Some(earlier), _) => (event, last) = (last.0, earlier),
                (None, alive) => {
                    *low = (last.0, alive).max(*low);
                    return late;
                }
            }
        }
        last
    }

    /// Whether it decides what was known after an event by that alone.
    fn is_plain(&self) -> bool {
        match &self.read {
            Read::Values(_) => true,
            Read::Texts(texts) => texts.is_plain(),
        }
    }

    /// The last completion, until a later event, of what ran at an event and was then not known to take what it took.
    fn late(&self, event: u32, until: u32) -> Option<(u32, u32)> {
        match &self.read {
            Read::Values(facts) => facts.late(event, until),
            Read::Texts(_) => None,
        }
    }

    fn last_completion(&self, core: &Core) -> Option<(u32, u32)> {
        match &self.read {
            Read::Values(facts) => last_completion(facts, core),
            Read::Texts(texts) => texts.last_completion(core, texts.events()),
        }
    }

    /// What was known after this event: the last completion of something impossible, or whether it has an order.
    fn until(&self, event: u32) -> (Option<(u32, u32)>, bool) {
        match &self.read {
            Read::Values(facts) => {
                let facts = facts.until(event);
                let last = |core: &Core| last_completion(&facts, core);
                told(decide(self.theory, &facts), last)
            }
            Read::Texts(texts) => {
                let last = |core: &Core| texts.last_completion(core, event);
                told(Outcome::Found(texts.decide(event)), last)
            }
        }
    }
}

fn told(
    outcome: Outcome,
    last: impl Fn(&Core) -> Option<(u32, u32)>,
) -> (Option<(u32, u32)>, bool) {
    match outcome {
        Outcome::Found(Found::Violation(core)) => (last(&core), false),
        Outcome::Found(Found::Order(_)) => (None, true),
        Outcome::Found(Found::Open) => (None, false),
        Outcome::Elements(elements) => (elements.violation.as_ref().and_then(last), false),
    }
}

/// The last completion among these calls, of those that happened, and the call.
fn last_completion(facts: &Facts<'_>, core: &Core) -> Option<(u32, u32)> {
    let of_core = |fact: &&Fact| fact.must && core.calls.binary_search(&fact.call).is_ok();
    let completions = facts.list.iter().filter(of_core);
    completions.map(|fact| (fact.to, fact.call)).max()
}

fn decide(theory: Theory, facts: &Facts<'_>) -> Outcome {
    let never = (0..)
        .zip(&facts.list)
        .find(|(_, fact)| fact.act == Act::Never);
    if let Some((at, _)) = never {
        return Outcome::Found(Found::violation(facts, [at]));
    }
    Outcome::Found(match theory {
        Theory::Register { initial } => register::decide(facts, facts.dense(initial)),
        Theory::Set if facts.list.iter().any(|fact| fact.act == Act::All) => whole::decide(facts),
        Theory::Set => {
            let elements = set::decide(facts);
            match elements.violation {
                _ if !elements.open.is_empty() => return Outcome::Elements(elements),
                Some(core) => Found::Violation(core),
                None => Found::Order(elements.points.order()),
            }
        }
        Theory::FifoQueue => fifo::decide(facts),
        Theory::UnorderedQueue => unordered::decide(facts),
        Theory::Stack => stays::decide(facts, Way::Later, stack::decide),
        Theory::PriorityQueue => stays::decide(facts, Way::Higher, priority::decide),
        Theory::Text => Found::Open,
    })
}
