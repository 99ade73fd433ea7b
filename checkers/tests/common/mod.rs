//! Histories as clients in a closed loop would see them, for tests and benches.
//!
//! [`Traffic`] generates them for every object; [`Plan`] is the older and shorter way to ask for a register.
//! Every operation takes 2 ms on average and has its effect at a moment of it that is drawn uniformly, on an
//! object that is atomic: without a violation the history is linearizable by construction.
//!
//! `random` is the stream of numbers, `clients` the loop of the clients and the way from drafts to events,
//! `registers`, `sets` and `containers` are the objects, `texts` is a store of strings by itself, and `violations` makes one operation wrong.

// Every user of this module needs another part of it, and says `allow(dead_code, unreachable_pub)`.
mod clients;
mod containers;
mod random;
mod registers;
mod sets;
mod texts;
mod traffic;
mod violations;

use rupture_checkers::history::{History, Kind};

use clients::{Datum, Draft};

#[allow(unused_imports)]
pub use random::Random;
#[allow(unused_imports)]
pub use texts::Store;
#[allow(unused_imports)]
pub use traffic::{Fate, Length, Object, Traffic};
#[allow(unused_imports)]
pub use violations::Violation;

/// What to generate of a register.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub operations: usize,
    pub clients: usize,
    /// Compare-and-set and five values; otherwise writes of values of their own.
    pub cas: bool,
    /// Nanoseconds between two operations of a client: 100,000 is contended, 4,000,000 moderate.
    pub pause_ns: f64,
    /// Of a thousand operations, how many are never seen to complete.
    pub lost_per_mille: u64,
    /// What one read at nine tenths of the history returns.
    pub lie: Lie,
    pub seed: u64,
}

/// How a read lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It does not.
    None,
    /// It returns what nobody wrote.
    Unwritten,
    /// It returns what an earlier read returned. A violation unless something wrote that again.
    Stale,
}

/// Generates a history.
pub fn generate(plan: &Plan) -> History {
    let traffic = Traffic {
        object: if plan.cas {
            Object::CasRegister
        } else {
            Object::Register
        },
        operations: plan.operations,
        clients: plan.clients,
        pause_ns: plan.pause_ns,
        lost_per_mille: plan.lost_per_mille,
        seed: plan.seed,
        ..Traffic::CONTENDED
    };
    let (mut drafts, _) = traffic.drafts();
    match plan.lie {
        Lie::None => {}
        Lie::Unwritten => {
            violations::unwritten(&mut drafts);
        }
        Lie::Stale => lie_stale(&mut drafts),
    }
    clients::events(&drafts, &[])
}

/// Lets a read at nine tenths return what an earlier one returned, which is wrong unless something wrote
/// it again.
fn lie_stale(drafts: &mut [Draft]) {
    let from = drafts.len() * 9 / 10;
    let old: Option<Datum> = drafts[from / 2..from]
        .iter()
        .find(|draft| draft.f == "read")
        .map(|draft| draft.result);
    let read = drafts[from..]
        .iter_mut()
        .find(|draft| draft.f == "read" && draft.kind == Kind::Ok && Some(draft.result) != old);
    if let (Some(read), Some(old)) = (read, old) {
        read.result = old;
    }
}
