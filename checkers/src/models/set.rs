//! A set of elements: added, removed, asked for one by one or read as a whole.

use rustc_hash::FxHashSet;

use crate::model::{Id, Mismatch, Model, Seen, Values};
use crate::theory::{Theory, View};

/// An operation of a set.
///
/// ```
/// use rupture_checkers::models::{Set, op::SetOp};
/// use rupture_checkers::{Id, Model};
///
/// let (a, b) = (Id(1), Id(2));
/// let state = Set.step(&vec![b], &SetOp::Add(a)).unwrap();
/// assert_eq!(state, [a, b]);
/// assert!(Set.step(&state, &SetOp::Read(Some(vec![a, b]))).is_some());
/// assert!(Set.step(&state, &SetOp::Contains(b, false)).is_none());
/// assert_eq!(Set.step(&state, &SetOp::Remove(a)), Some(vec![b]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetOp {
    /// The element is in it afterwards.
    Add(Id),
    /// The element is not in it afterwards, whether or not it was before.
    Remove(Id),
    /// The element was in it, or was not.
    Contains(Id, bool),
    /// The elements that were in it, in order; `None` for a read that saw an element twice, which no set
    /// allows.
    Read(Option<Vec<Id>>),
}

/// A set that starts empty.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::Set;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // Two reads at one time, each of which saw the addition that the other missed.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :add :value :a}
///       {:process 1 :type :invoke :f :add :value :b}
///       {:process 2 :type :invoke :f :read}
///       {:process 3 :type :invoke :f :read}
///       {:process 2 :type :ok :f :read :value #{:a}}
///       {:process 3 :type :ok :f :read :value #{:b}}",
/// )?;
/// let verdict = Linearizable::new(Set).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Set;

fn contains(seen: &Seen<'_>, values: &mut Values) -> Result<Option<SetOp>, Mismatch> {
    let asked = match seen.argument.pair() {
        // An invocation that was made up from its completion says what was answered.
        Some((asked, _)) if seen.invocation.is_made_up() => asked,
        _ => seen.argument,
    };
    let asked = values.id(asked);
    let Some(result) = seen.result else {
        return Ok(None);
    };
    let answer = result
        .pair()
        .and_then(|(element, answer)| Some((values.id(element), answer.as_bool()?)))
        .filter(|(element, _)| *element == asked);
    match answer {
        Some((element, answer)) => Ok(Some(SetOp::Contains(element, answer))),
        None => Err(Mismatch::result(format!(
            "[{asked} true] or [{asked} false]",
            asked = values.text(asked)
        ))),
    }
}

fn read(seen: &Seen<'_>, values: &mut Values) -> Result<Option<SetOp>, Mismatch> {
    let Some(result) = seen.result else {
        return Ok(None);
    };
    let mut elements = super::all(result, values)?;
    elements.sort_unstable();
    let twice = elements.windows(2).any(|two| two[0] == two[1]);
    Ok(Some(SetOp::Read((!twice).then_some(elements))))
}

impl Model for Set {
    /// Its elements, in order.
    type State = Vec<Id>;
    type Op = SetOp;

    fn name(&self) -> &'static str {
        "set"
    }

    fn functions(&self) -> &[&str] {
        &["add", "remove", "contains", "read"]
    }

    fn initial(&self) -> Vec<Id> {
        Vec::new()
    }

    fn decode(&self, seen: &Seen<'_>, values: &mut Values) -> Result<Option<SetOp>, Mismatch> {
        match seen.f {
            "add" => Ok(Some(SetOp::Add(values.id(seen.argument)))),
            "remove" => Ok(Some(SetOp::Remove(values.id(seen.argument)))),
            "contains" => contains(seen, values),
            "read" => read(seen, values),
            _ => Err(Mismatch::Function),
        }
    }

    fn step(&self, state: &Vec<Id>, op: &SetOp) -> Option<Vec<Id>> {
        match op {
            SetOp::Add(element) => {
                let mut next = state.clone();
                if let Err(at) = next.binary_search(element) {
                    next.insert(at, *element);
                }
                Some(next)
            }
            SetOp::Remove(element) => {
                let mut next = state.clone();
                if let Ok(at) = next.binary_search(element) {
                    next.remove(at);
                }
                Some(next)
            }
            SetOp::Contains(element, answer) => {
                (state.binary_search(element).is_ok() == *answer).then(|| state.clone())
            }
            SetOp::Read(elements) => (elements.as_ref() == Some(state)).then(|| state.clone()),
        }
    }

    fn is_read(&self, op: &SetOp) -> bool {
        matches!(op, SetOp::Contains(..) | SetOp::Read(_))
    }

    /// An addition that nobody needs to have seen can be left out, and so can a removal when nobody needs
    /// the element to be gone.
    fn idle(&self, ops: &[&SetOp], must: &[bool]) -> Vec<bool> {
        let mut present = FxHashSet::default();
        let mut absent = FxHashSet::default();
        let mut whole = false;
        for op in ops {
            match op {
                SetOp::Contains(element, true) => {
                    present.insert(*element);
                }
                SetOp::Contains(element, false) => {
                    absent.insert(*element);
                }
                SetOp::Read(elements) => {
                    whole = true;
                    present.extend(elements.iter().flatten());
                }
                SetOp::Add(_) | SetOp::Remove(_) => {}
            }
        }
        let useless = |op: &SetOp| match op {
            SetOp::Add(element) => !present.contains(element),
            SetOp::Remove(element) => !whole && !absent.contains(element),
            SetOp::Contains(..) | SetOp::Read(_) => false,
        };
        ops.iter()
            .zip(must)
            .map(|(op, must)| !must && useless(op))
            .collect()
    }

    fn concerns(&self, op: &SetOp) -> Option<Vec<u64>> {
        match op {
            SetOp::Add(element) | SetOp::Remove(element) | SetOp::Contains(element, _) => {
                Some(super::numbers(&[*element]))
            }
            SetOp::Read(elements) => elements.as_deref().map(super::numbers),
        }
    }

    fn theory(&self) -> Option<Theory> {
        Some(Theory::Set)
    }

    fn view<'o>(&self, op: &'o SetOp) -> View<'o> {
        let number = |id: &Id| u64::from(id.0);
        match op {
            SetOp::Add(element) => View::Put(number(element)),
            SetOp::Remove(element) => View::Take(number(element)),
            SetOp::Contains(element, true) => View::See(number(element)),
            SetOp::Contains(element, false) => View::Miss(number(element)),
            SetOp::Read(Some(elements)) => View::All(elements),
            SetOp::Read(None) => View::Never,
        }
    }

    fn restrict(&self, op: &SetOp, kept: &dyn Fn(u64) -> bool) -> Option<SetOp> {
        let kept = |id: &Id| kept(u64::from(id.0));
        match op {
            SetOp::Read(Some(elements)) => {
                let seen = elements.iter().copied().filter(kept).collect();
                Some(SetOp::Read(Some(seen)))
            }
            SetOp::Read(None) => Some(SetOp::Read(None)),
            SetOp::Add(element) | SetOp::Remove(element) | SetOp::Contains(element, _) => {
                kept(element).then(|| op.clone())
            }
        }
    }

    fn describe(&self, op: &SetOp, values: &Values) -> String {
        match op {
            SetOp::Add(element) => format!("add of {}", values.text(*element)),
            SetOp::Remove(element) => format!("remove of {}", values.text(*element)),
            SetOp::Contains(element, true) => format!("finding of {}", values.text(*element)),
            SetOp::Contains(element, false) => {
                format!("not finding of {}", values.text(*element))
            }
            SetOp::Read(Some(elements)) => format!("read of {}", super::list(elements, values)),
            SetOp::Read(None) => "read that saw an element twice".to_owned(),
        }
    }

    fn describe_state(&self, state: &Vec<Id>, values: &Values) -> String {
        format!("the elements are {}", super::list(state, values))
    }

    fn heap_bytes(&self, state: &Vec<Id>) -> usize {
        state.capacity() * 4
    }
}
