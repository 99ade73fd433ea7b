//! Registers: a value that is read and written, and for [`CasRegister`] compared and set.

use rustc_hash::FxHashMap;

use crate::model::{Id, Mismatch, Model, Seen, Values};
use crate::theory::{Theory, View};

/// An operation of a register.
///
/// ```
/// use rupture_checkers::models::{CasRegister, op::RegisterOp};
/// use rupture_checkers::{Id, Model};
///
/// let (model, one, two) = (CasRegister::default(), Id(1), Id(2));
/// assert_eq!(model.step(&Id::NIL, &RegisterOp::Write(one)), Some(one));
/// assert_eq!(model.step(&one, &RegisterOp::Cas(one, two)), Some(two));
/// assert_eq!(model.step(&two, &RegisterOp::Cas(one, two)), None);
/// assert_eq!(model.step(&two, &RegisterOp::Differs(one)), Some(two));
/// assert!(model.is_read(&RegisterOp::Read(two)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegisterOp {
    /// It saw this value.
    Read(Id),
    /// It set this value.
    Write(Id),
    /// It found the first value and set the second.
    Cas(Id, Id),
    /// A compare-and-set that failed: it saw any value but this one.
    Differs(Id),
}

use RegisterOp::{Cas, Differs, Read, Write};

fn step(state: Id, op: RegisterOp) -> Option<Id> {
    match op {
        Read(value) => (state == value).then_some(state),
        Write(value) => Some(value),
        Cas(old, new) => (state == old).then_some(new),
        Differs(old) => (state != old).then_some(state),
    }
}

fn is_read(op: RegisterOp) -> bool {
    match op {
        Read(_) | Differs(_) => true,
        Cas(old, new) => old == new,
        Write(_) => false,
    }
}

fn read_or_write(seen: &Seen<'_>, values: &mut Values) -> Result<Option<RegisterOp>, Mismatch> {
    match seen.f {
        "read" => Ok(seen.result.map(|value| Read(values.id(value)))),
        "write" => Ok(Some(Write(values.id(seen.argument)))),
        _ => Err(Mismatch::Function),
    }
}

fn pair(seen: &Seen<'_>, values: &mut Values) -> Result<(Id, Id), Mismatch> {
    let (old, new) = seen
        .argument
        .pair()
        .ok_or_else(|| Mismatch::argument("a pair [old new]"))?;
    Ok((values.id(old), values.id(new)))
}

fn describe(op: RegisterOp, values: &Values) -> String {
    match op {
        Read(value) => format!("read of {}", values.text(value)),
        Write(value) => format!("write of {}", values.text(value)),
        Cas(old, new) => format!("cas from {} to {}", values.text(old), values.text(new)),
        Differs(old) => format!("failed cas from {}", values.text(old)),
    }
}

/// Who wants a value: how many operations need to find it, and which values a failed compare-and-set
/// needs not to find.
struct Wants {
    found: FxHashMap<Id, usize>,
    /// The value that every failed compare-and-set avoids, if all avoid the same.
    avoided: Option<Id>,
    /// Whether some failed compare-and-set avoids another.
    any: bool,
}

impl Wants {
    fn of(ops: &[&RegisterOp]) -> Self {
        let mut wants = Self {
            found: FxHashMap::default(),
            avoided: None,
            any: false,
        };
        for op in ops {
            match **op {
                Read(value) | Cas(value, _) => *wants.found.entry(value).or_default() += 1,
                Differs(old) => {
                    wants.any |= wants.avoided.is_some_and(|other| other != old);
                    wants.avoided = Some(old);
                }
                Write(_) => {}
            }
        }
        wants
    }

    fn wanted(&self, value: Id) -> bool {
        self.any
            || self.avoided.is_some_and(|old| old != value)
            || self.found.get(&value).is_some_and(|&count| count > 0)
    }
}

/// An optional write of a value that nobody needs to find can be left out: in any order the next operation
/// that looks at the state comes after another write. Leaving out a compare-and-set may leave others
/// unwanted in turn.
fn idle(ops: &[&RegisterOp], must: &[bool]) -> Vec<bool> {
    let mut wants = Wants::of(ops);
    let mut idle = vec![false; ops.len()];
    let mut givers: FxHashMap<Id, Vec<usize>> = FxHashMap::default();
    let mut unwanted = Vec::new();
    for (number, op) in ops.iter().enumerate() {
        let (Write(given) | Cas(_, given)) = **op else {
            continue;
        };
        if !must[number] {
            givers.entry(given).or_default().push(number);
            if !wants.wanted(given) {
                unwanted.push(given);
            }
        }
    }
    while let Some(value) = unwanted.pop() {
        for number in givers.remove(&value).unwrap_or_default() {
            idle[number] = true;
            let Cas(old, _) = *ops[number] else { continue };
            if let Some(count) = wants.found.get_mut(&old) {
                *count -= 1;
            }
            if !wants.wanted(old) {
                unwanted.push(old);
            }
        }
    }
    idle
}

/// A register that starts as `nil`.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::Register;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // Nobody knows whether 1 was written, but the reads agree that it was, and then not any more.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :write :value 1}
///       {:process 1 :type :invoke :f :read}
///       {:process 1 :type :ok :f :read :value 1}
///       {:process 1 :type :invoke :f :read}
///       {:process 1 :type :ok :f :read :value nil}",
/// )?;
/// let verdict = Linearizable::new(Register).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].evidence.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Register;

/// A register with compare-and-set that starts as `nil`.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::CasRegister;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // The register was nil all the time, so a cas that expects nil had no reason to fail.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :cas :value [nil 1]}
///       {:process 0 :type :fail :f :cas :value [nil 1]}",
/// )?;
/// let check = |observe_failed| {
///     let judge = Linearizable::new(CasRegister { observe_failed });
///     judge.check(&history, &Budget::unlimited())
/// };
/// assert_eq!(check(false)?.validity, Validity::Valid);
/// assert_eq!(check(true)?.validity, Validity::Invalid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CasRegister {
    /// What a failed compare-and-set means. Jepsen's reading, and ours by default: it did not happen.
    /// Porcupine's, when this is set: at some moment of it the state differed from the expected value.
    pub observe_failed: bool,
}

macro_rules! register_model {
    () => {
        type State = Id;
        type Op = RegisterOp;

        fn initial(&self) -> Id {
            Id::NIL
        }

        fn step(&self, state: &Id, op: &RegisterOp) -> Option<Id> {
            step(*state, *op)
        }

        fn is_read(&self, op: &RegisterOp) -> bool {
            is_read(*op)
        }

        fn idle(&self, ops: &[&RegisterOp], must: &[bool]) -> Vec<bool> {
            idle(ops, must)
        }

        fn theory(&self) -> Option<Theory> {
            let initial = u64::from(Id::NIL.0);
            Some(Theory::Register { initial })
        }

        fn view<'o>(&self, op: &'o RegisterOp) -> View<'o> {
            let number = |id: Id| u64::from(id.0);
            match *op {
                Read(value) => View::See(number(value)),
                Write(value) => View::Put(number(value)),
                Cas(old, new) => View::Swap(number(old), number(new)),
                Differs(_) => View::Other,
            }
        }

        fn describe(&self, op: &RegisterOp, values: &Values) -> String {
            describe(*op, values)
        }

        fn describe_state(&self, state: &Id, values: &Values) -> String {
            format!("the value is {}", values.text(*state))
        }
    };
}

impl Model for Register {
    register_model!();

    fn name(&self) -> &'static str {
        "register"
    }

    fn functions(&self) -> &[&str] {
        &["read", "write"]
    }

    fn decode(&self, seen: &Seen<'_>, values: &mut Values) -> Result<Option<RegisterOp>, Mismatch> {
        read_or_write(seen, values)
    }
}

impl Model for CasRegister {
    register_model!();

    fn name(&self) -> &'static str {
        "cas-register"
    }

    fn functions(&self) -> &[&str] {
        &["read", "write", "cas"]
    }

    fn decode(&self, seen: &Seen<'_>, values: &mut Values) -> Result<Option<RegisterOp>, Mismatch> {
        if seen.f == "cas" {
            let (old, new) = pair(seen, values)?;
            return Ok(Some(Cas(old, new)));
        }
        read_or_write(seen, values)
    }

    fn refuses(&self, f: &str) -> bool {
        f == "cas"
    }

    fn decode_failed(
        &self,
        seen: &Seen<'_>,
        values: &mut Values,
    ) -> Result<Option<RegisterOp>, Mismatch> {
        if seen.f != "cas" || !self.observe_failed {
            return Ok(None);
        }
        let (old, _) = pair(seen, values)?;
        Ok(Some(Differs(old)))
    }
}
