//! Makes one operation at nine tenths of a history wrong, so that certainly no order explains it.
//!
//! Every violation is planted where real time alone proves it: what stands in the comments as *before* means
//! that the one operation was seen to complete before the other was invoked.

use std::collections::{BTreeMap, HashMap};

use rupture_checkers::history::Kind;

use super::clients::{Datum, Draft};
use super::traffic::Object;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A read or a question is answered with what was true earlier, and cannot be true any more.
    Contradicted,
    /// A whole read lacks an element that was added before it.
    Missing,
    /// The results of two takes are exchanged, one of which came before the other.
    Swapped,
    /// A take gives what another gave.
    Twice,
    /// A take finds nothing, although something was there all the time.
    Empty,
    /// A take is left out, so that its value stays for ever; what was behind comes out all the same.
    Lost,
    /// A value is read or taken that nobody wrote or put in.
    Nowhere,
}

/// How many operations to look at for a place, and how many after each for a partner.
const PLACES: usize = 200;
const PARTNERS: usize = 400;

/// Plants the violation; says whether there was a place for it.
pub(super) fn plant(
    object: Object,
    violation: Violation,
    drafts: &mut Vec<Draft>,
    elements: &[i64],
) -> bool {
    match (object, violation) {
        (
            Object::FifoQueue(_) | Object::Stack(_) | Object::PriorityQueue(_),
            Violation::Swapped | Violation::Twice | Violation::Empty | Violation::Lost,
        ) => plant_pair(object, violation, drafts),
        (_, Violation::Nowhere) => unwritten(drafts),
        (_, Violation::Contradicted) => contradict(drafts),
        (Object::GrowingSet { .. }, Violation::Missing) => forget(drafts, elements),
        _ => false,
    }
}

fn observes(draft: &Draft) -> bool {
    draft.kind == Kind::Ok
        && ["read", "contains", "dequeue", "pop", "extract-max"].contains(&draft.f)
}

/// Lets a read or a take return what nobody wrote, which nothing can explain.
pub(super) fn unwritten(drafts: &mut [Draft]) -> bool {
    let from = drafts.len() * 9 / 10;
    let draft = drafts[from..].iter_mut().find(|draft| observes(draft));
    draft.is_some_and(|draft| {
        draft.result = Datum::Int(-1);
        true
    })
}

/// What an operation says of one register, or of whether one element is in a set (1) or not (0).
struct Statement {
    /// The register, or the element.
    about: i64,
    /// The value after it.
    shown: i64,
    /// Whether it made it so.
    made: bool,
}

impl Statement {
    fn of(draft: &Draft) -> Option<Self> {
        let register = draft.key.map_or(0, i64::from);
        let (about, shown) = match (draft.f, draft.argument, draft.result) {
            _ if draft.kind == Kind::Fail => return None,
            ("add", element, _) => (element.int(), 1),
            ("remove", element, _) => (element.int(), 0),
            ("contains", _, Datum::Answer(element, answer)) => (element, i64::from(answer)),
            ("read", _, result) => (register, result.int()),
            ("write", value, _) => (register, value.int()),
            ("cas", Datum::Pair(_, new), _) => (register, new),
            _ => return None,
        };
        let made = !["read", "contains"].contains(&draft.f);
        Some(Self { about, shown, made })
    }
}

/// Lets an operation see a value v although another that showed a different one came before it, and
/// although nothing that makes the value v ran between the invocation of that other and the completion of
/// this: the value would have had to become v in between.
fn contradict(drafts: &mut [Draft]) -> bool {
    let from = drafts.len() * 9 / 10;
    let place = (from..drafts.len())
        .filter(|&at| observes(&drafts[at]))
        .take(PLACES)
        .find_map(|at| Some((at, impossible(drafts, at)?)));
    let Some((at, value)) = place else {
        return false;
    };
    let draft = &mut drafts[at];
    draft.result = match draft.result {
        Datum::Answer(element, _) => Datum::Answer(element, value == 1),
        _ => Datum::Int(value),
    };
    true
}

/// The value that was the latest to be possible and is impossible for the operation at this place.
fn impossible(drafts: &[Draft], at: usize) -> Option<i64> {
    let reader = &drafts[at];
    let about = Statement::of(reader)?.about;
    // Until when each value could still be made, and the latest invocations of what shows two values.
    let mut until: BTreeMap<i64, i64> = BTreeMap::new();
    if reader.f == "contains" {
        until.insert(0, -1);
    }
    let mut shown: [Option<(i64, i64)>; 2] = [None; 2];
    for draft in drafts {
        let Some(statement) = Statement::of(draft).filter(|it| it.about == about) else {
            continue;
        };
        if statement.made && draft.invoked <= reader.completed {
            let end = match draft.kind {
                Kind::Ok => draft.completed,
                _ => i64::MAX,
            };
            let latest = until.entry(statement.shown).or_insert(end);
            *latest = end.max(*latest);
        }
        if draft.precedes(reader) {
            show(&mut shown, draft.invoked, statement.shown);
        }
    }
    let since = |value: i64| {
        let other = shown.into_iter().flatten().find(|&(_, it)| it != value);
        other.map_or(-1, |(invoked, _)| invoked)
    };
    until
        .into_iter()
        .filter(|&(value, end)| end < since(value))
        .max_by_key(|&(_, end)| end)
        .map(|(value, _)| value)
}

/// Keeps the latest invocation of what showed a value, and the latest of what showed any other.
fn show(shown: &mut [Option<(i64, i64)>; 2], invoked: i64, value: i64) {
    let new = Some((invoked, value));
    match shown[0] {
        Some((_, first)) if first == value => shown[0] = shown[0].max(new),
        first if first < new => {
            *shown = [new, first];
        }
        _ => {
            let second = shown[1].filter(|&(time, _)| time >= invoked);
            shown[1] = second.or(new);
        }
    }
}

/// Lets a whole read lack the element whose addition was the last to complete before it.
fn forget(drafts: &mut [Draft], elements: &[i64]) -> bool {
    let whole = |draft: &Draft| draft.kind == Kind::Ok && draft.f == "read";
    let from = drafts.len() * 9 / 10;
    let later = (from..drafts.len()).find(|&at| whole(&drafts[at]));
    let Some(at) = later.or_else(|| drafts.iter().rposition(whole)) else {
        return false;
    };
    let read = drafts[at];
    let added = drafts
        .iter()
        .filter(|draft| draft.f == "add" && draft.precedes(&read))
        .max_by_key(|draft| draft.completed);
    let place = added.and_then(|add| elements.iter().position(|&e| e == add.argument.int()));
    match (read.result, place) {
        (Datum::Elements { count, .. }, Some(but)) => {
            drafts[at].result = Datum::Elements {
                count,
                but: Some(but),
            };
            true
        }
        _ => false,
    }
}

/// Two takes, the first of which is to be made wrong, with the operations that put their values in.
struct Pair<'a> {
    first: &'a Draft,
    second: &'a Draft,
    put_first: &'a Draft,
    put_second: &'a Draft,
}

impl Pair<'_> {
    fn proves(&self, object: Object, violation: Violation) -> bool {
        let in_turn = self.first.precedes(self.second);
        match violation {
            Violation::Swapped => in_turn && self.swapped(object),
            Violation::Lost => self.lost(object),
            // The second value was there while the first take ran.
            Violation::Empty => in_turn && self.put_second.precedes(self.first),
            _ => true,
        }
    }

    /// Whether the values in the other order are wrong, given that the first take came before the second.
    fn swapped(&self, object: Object) -> bool {
        match object {
            // What was put in first must come out first.
            Object::FifoQueue(_) => self.put_first.precedes(self.put_second),
            // The first take gave what lay above and would now give what lies below.
            Object::Stack(_) => {
                self.put_second.precedes(self.put_first) && self.put_first.precedes(self.first)
            }
            // The greater was there and would now come out after the lesser.
            _ => self.greater() && self.put_first.precedes(self.first),
        }
    }

    /// Whether the second value cannot have been reached while the first is still there.
    fn lost(&self, object: Object) -> bool {
        match object {
            Object::FifoQueue(_) => self.put_first.precedes(self.put_second),
            Object::Stack(_) => {
                self.put_second.precedes(self.put_first) && self.put_first.precedes(self.second)
            }
            _ => self.greater() && self.put_first.precedes(self.second),
        }
    }

    fn greater(&self) -> bool {
        self.put_first.argument.int() > self.put_second.argument.int()
    }
}

fn plant_pair(object: Object, violation: Violation, drafts: &mut Vec<Draft>) -> bool {
    let takes = |draft: &Draft| draft.argument == Datum::Nil;
    let unseen = |draft: &Draft| takes(draft) && draft.kind != Kind::Ok;
    // A take that nobody saw complete could have had the value that was lost.
    if violation == Violation::Lost && drafts.iter().any(unseen) {
        return false;
    }
    let Some((first, second)) = find_pair(object, violation, drafts) else {
        return false;
    };
    let results = (drafts[first].result, drafts[second].result);
    match violation {
        Violation::Swapped => {
            (drafts[first].result, drafts[second].result) = (results.1, results.0);
        }
        Violation::Twice => drafts[second].result = results.0,
        Violation::Empty => drafts[first].result = Datum::Nil,
        _ => drop(drafts.remove(first)),
    }
    true
}

fn find_pair(object: Object, violation: Violation, drafts: &[Draft]) -> Option<(usize, usize)> {
    let mut puts: HashMap<i64, usize> = HashMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        if let Datum::Int(value) = draft.argument {
            puts.insert(value, at);
        }
    }
    let gives_one = |&at: &usize| observes(&drafts[at]) && drafts[at].result != Datum::Nil;
    let takes: Vec<usize> = (drafts.len() * 9 / 10..drafts.len())
        .filter(gives_one)
        .collect();
    let put = |at: usize| Some(&drafts[*puts.get(&drafts[at].result.int())?]);
    for (number, &first) in takes.iter().enumerate().take(PLACES) {
        for &second in takes[number + 1..].iter().take(PARTNERS) {
            let pair = Pair {
                first: &drafts[first],
                second: &drafts[second],
                put_first: put(first)?,
                put_second: put(second)?,
            };
            if pair.proves(object, violation) {
                return Some((first, second));
            }
        }
    }
    None
}
