//! Texts by theory against the search, with pieces that are easy to tell apart and pieces that are not.

use crate::linearizability::calls::{Call, NEVER};
use crate::linearizability::decide::{Ruling, SEARCH, decide};
use crate::linearizability::search::{Answer, Limits, Search};
use crate::linearizability::tests::Random;
use crate::models::KvAppend;
use crate::models::op::KvOp;
use crate::searches::share;
use crate::{Budget, Model};

/// How pieces look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pieces {
    /// Each ends with a sign of its own.
    Marked,
    /// They count upwards, so that one is a part of another.
    Numbers,
    /// The same few again and again, and nothing.
    Few,
}

impl Pieces {
    fn next(self, number: usize, random: &mut Random) -> String {
        match self {
            Self::Marked => format!("{number};"),
            Self::Numbers => (number + 1).to_string(),
            Self::Few => ["", "1", "11", "111", "2", "12", "21"][random.below(7)].to_owned(),
        }
    }
}

struct Draft {
    op: KvOp,
    from: usize,
    to: usize,
    must: bool,
}

fn history(pieces: Pieces, count: usize, random: &mut Random) -> Vec<Draft> {
    let mut text = String::new();
    let mut texts = vec![text.clone()];
    let width = 1 + random.below(60);
    let unknown = random.below(3) == 0;
    let mut drafts: Vec<Draft> = (0..count)
        .map(|number| {
            let must = !(unknown && random.below(5) == 0);
            let piece = pieces.next(number, random);
            let happens = must || random.below(2) == 0;
            let op = match random.below(8) {
                0 => KvOp::Put(piece.as_str().into()),
                1..4 => KvOp::Append(piece.as_str().into()),
                _ => KvOp::Get(text.as_str().into()),
            };
            if let (true, Some(after)) = (happens, KvAppend.step(&text.as_str().into(), &op)) {
                text = after.to_string();
                texts.push(text.clone());
            }
            let moment = 1000 + number * 10;
            Draft {
                op,
                from: moment - random.below(width),
                to: moment + 1 + random.below(width),
                must,
            }
        })
        .collect();
    for _ in 0..[0, 0, 1, 2, 3][random.below(5)] {
        lie(&mut drafts, &texts, random);
    }
    drafts
}

fn lie(drafts: &mut [Draft], texts: &[String], random: &mut Random) {
    let at = random.below(drafts.len());
    match random.below(4) {
        0 => drafts[at].to = drafts[at].from + 1,
        1 => drafts[at].from = drafts[at].from.saturating_sub(50),
        _ => {
            let KvOp::Get(seen) = &drafts[at].op else {
                return;
            };
            let text = match random.below(4) {
                // As it was, with a piece left out, with a piece twice, or with one from nowhere.
                0 => texts[random.below(texts.len())].clone(),
                1 => seen.replacen(['1', '3', '5'], "", 1),
                2 => format!("{seen}{}", &seen[seen.len() / 2..]),
                _ => format!("{seen}x;"),
            };
            drafts[at].op = KvOp::Get(text.into());
        }
    }
}

fn calls(drafts: &[Draft]) -> Vec<Call<KvOp>> {
    let mut events: Vec<(usize, usize, bool)> = Vec::new();
    for (at, draft) in drafts.iter().enumerate() {
        events.push((draft.from, at, false));
        events.push((draft.to, at, true));
    }
    events.sort_unstable();
    let row = |at: usize, completes: bool| {
        let event = |event: &(usize, usize, bool)| (event.1, event.2) == (at, completes);
        events.iter().position(event).expect("every event") as u32
    };
    let mut calls: Vec<Call<KvOp>> = (0..)
        .zip(drafts)
        .filter(|(_, draft)| draft.must || !matches!(draft.op, KvOp::Get(_)))
        .map(|(at, draft)| Call {
            op: draft.op.clone(),
            invoked: row(at, false),
            completed: if draft.must { row(at, true) } else { NEVER },
            must: draft.must,
            operation: at as u32,
        })
        .collect();
    calls.sort_unstable_by_key(|call| call.invoked);
    calls
}

/// What was known after a row. What a get saw is not known before it completes.
fn until(calls: &[Call<KvOp>], row: u32) -> Vec<Call<KvOp>> {
    let known = |call: &Call<KvOp>| {
        let mut call = call.clone();
        if call.completed > row {
            (call.must, call.completed) = (false, NEVER);
        }
        let gone = !call.must && matches!(call.op, KvOp::Get(_));
        (call.invoked <= row && !gone).then_some(call)
    };
    calls.iter().filter_map(known).collect()
}

/// The first completion after which there is no order.
fn first_death(calls: &[Call<KvOp>], limits: &Limits<'_>) -> u32 {
    let mut rows: Vec<u32> = calls
        .iter()
        .filter(|c| c.must)
        .map(|c| c.completed)
        .collect();
    rows.sort_unstable();
    let dead = |row: &u32| {
        let answer = Search::exists(&KvAppend, &until(calls, *row), limits).0;
        matches!(answer, Answer::Impossible(_))
    };
    rows.into_iter().find(dead).expect("it has no order")
}

/// How many of the histories were invalid, and how many the theory left to the search.
fn compare(pieces: Pieces, histories: usize, most: usize) -> (usize, usize) {
    let mut random = Random::new(most as u64 * 77 + histories as u64);
    let budget = Budget::unlimited();
    let limits = Limits::of(&budget);
    let (mut invalid, mut left) = (0, 0);
    for _ in 0..histories {
        let count = 1 + random.below(most);
        let calls = calls(&history(pieces, count, &mut random));
        let decision = decide(&KvAppend, &calls, &limits);
        let (answer, _) = Search::exists(&KvAppend, &calls, &limits);
        left += usize::from(decision.algorithm == SEARCH);
        match (decision.ruling, answer) {
            (Ruling::Order(_), Answer::Order(_)) => {}
            (Ruling::Impossible(impossible), Answer::Impossible(_)) => {
                invalid += 1;
                let deadly = calls[impossible.deadly as usize].completed;
                assert_eq!(deadly, first_death(&calls, &limits), "{calls:#?}");
                if decision.algorithm != SEARCH {
                    let (core, _) = impossible.core.expect("the theory's own proof");
                    assert!(core.len() <= 24, "{core:#?}");
                }
            }
            (ruling, answer) => panic!("{ruling:?}, but {answer:?}: {calls:#?}"),
        }
    }
    println!("{pieces:?}: {invalid} of {histories} invalid, {left} left to the search");
    (invalid, left)
}

#[test]
fn pieces_that_can_be_told_apart_are_never_left_to_the_search() {
    for (histories, most) in [(3_000, 8), (1_000, 14), (200, 30)] {
        let histories = share(8 * histories);
        let (invalid, left) = compare(Pieces::Marked, histories, most);
        assert!(
            (histories / 8..histories * 3 / 4).contains(&invalid),
            "{invalid}"
        );
        assert_eq!(left, 0);
    }
}

#[test]
fn numbers_that_contain_one_another_are_mostly_told_apart_by_their_times() {
    for (histories, most) in [(1_500, 14), (100, 40)] {
        let histories = share(8 * histories);
        let (invalid, left) = compare(Pieces::Numbers, histories, most);
        assert!(
            invalid > histories / 8 && left < histories / 3,
            "{invalid}, {left}"
        );
    }
}

#[test]
fn pieces_that_repeat_are_never_judged_wrongly() {
    for (histories, most) in [(3_000, 8), (800, 12)] {
        let histories = share(8 * histories);
        let (invalid, _) = compare(Pieces::Few, histories, most);
        assert!(invalid > histories / 10, "{invalid}");
    }
}

/// Two writes of one value make the theory of registers useless. The search still finds what dies first.
#[test]
fn the_first_read_that_is_impossible_is_named_before_one_of_a_value_from_nowhere() {
    use crate::models::op::RegisterOp::{Read, Write};
    use crate::{Id, models::Register};
    let call = |op, invoked, completed| Call {
        op,
        invoked,
        completed,
        must: true,
        operation: invoked,
    };
    let calls = [
        call(Write(Id(1)), 0, 1),
        call(Write(Id(3)), 2, 3),
        call(Write(Id(1)), 4, 5),
        call(Read(Id(3)), 6, 8),
        call(Read(Id(4)), 7, 9),
    ];
    let budget = Budget::unlimited();
    let decision = decide(&Register, &calls, &Limits::of(&budget));
    let Ruling::Impossible(impossible) = decision.ruling else {
        panic!("{decision:?}");
    };
    assert_eq!((impossible.deadly, impossible.alive), (3, true));
}
