//! Several registers that a transaction reads and writes in one step.

use rupture_history::ValueRef;

use crate::model::{Id, Mismatch, Model, Seen, Values};

/// A transaction: what it saw of the state before it, and what it left.
///
/// ```
/// use rupture_checkers::models::{MultiRegister, op::TxnOp};
/// use rupture_checkers::{Id, Model};
///
/// let (key, old, new) = (Id(1), Id(2), Id(3));
/// let increment = TxnOp { reads: vec![(key, old)], writes: vec![(key, new)], torn: false };
/// assert_eq!(MultiRegister.step(&vec![(key, old)], &increment), Some(vec![(key, new)]));
/// assert_eq!(MultiRegister.step(&vec![(key, new)], &increment), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TxnOp {
    /// Keys and the values that it found there.
    pub reads: Vec<(Id, Id)>,
    /// Keys and the last values that it wrote there, in the order of the keys.
    pub writes: Vec<(Id, Id)>,
    /// Whether one of its reads contradicts its own writes or another of its reads, so that no state
    /// allows it.
    pub torn: bool,
}

/// Registers by key, each of which starts as `nil`; the operation is `txn`.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::MultiRegister;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // The second transaction saw one write of the first and not the other.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :txn :value [[:write :x 1] [:write :y 1]]}
///       {:process 1 :type :invoke :f :txn :value [[:read :x nil] [:read :y nil]]}
///       {:process 0 :type :ok :f :txn :value [[:write :x 1] [:write :y 1]]}
///       {:process 1 :type :ok :f :txn :value [[:read :x 1] [:read :y nil]]}",
/// )?;
/// let verdict = Linearizable::new(MultiRegister).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MultiRegister;

const EXPECTED: &str = "a vector of [read key value] and [write key value]";
const ANSWERED: &str = "the transaction that was invoked, its reads filled in";

impl TxnOp {
    fn read(&mut self, key: Id, value: Id) {
        let known = self
            .writes
            .iter()
            .chain(&self.reads)
            .find(|(k, _)| *k == key);
        match known {
            Some(&(_, known)) => self.torn |= known != value,
            None => self.reads.push((key, value)),
        }
    }

    fn write(&mut self, key: Id, value: Id) {
        match self.writes.binary_search_by_key(&key, |(k, _)| *k) {
            Ok(at) => self.writes[at].1 = value,
            Err(at) => self.writes.insert(at, (key, value)),
        }
    }
}

/// Whether a result is the transaction that was invoked, with nothing changed but what its reads saw. Anything else
/// would be another transaction: taking it for this one would make writes appear and vanish.
fn answers(argument: ValueRef<'_>, result: ValueRef<'_>) -> bool {
    let (Some(asked), Some(told)) = (argument.items(), result.items()) else {
        return false;
    };
    argument.count() == result.count()
        && asked.zip(told).all(|(asked, told)| {
            let is_read = matches!(asked.get(0).and_then(ValueRef::as_name), Some("read" | "r"));
            let same = |place| asked.get(place) == told.get(place);
            let same_name =
                asked.get(0).and_then(ValueRef::as_name) == told.get(0).and_then(ValueRef::as_name);
            asked.count() == told.count() && same_name && same(1) && (is_read || same(2))
        })
}

impl Model for MultiRegister {
    /// The registers that are not as they were at first, in the order of the keys.
    type State = Vec<(Id, Id)>;
    type Op = TxnOp;

    fn name(&self) -> &'static str {
        "multi-register"
    }

    fn functions(&self) -> &[&str] {
        &["txn"]
    }

    fn initial(&self) -> Self::State {
        Vec::new()
    }

    fn decode(&self, seen: &Seen<'_>, values: &mut Values) -> Result<Option<TxnOp>, Mismatch> {
        if seen.f != "txn" {
            return Err(Mismatch::Function);
        }
        let source = seen.result.unwrap_or(seen.argument);
        let wrong = || match seen.result {
            Some(_) => Mismatch::result(EXPECTED),
            None => Mismatch::argument(EXPECTED),
        };
        let mut txn = TxnOp {
            reads: Vec::new(),
            writes: Vec::new(),
            torn: false,
        };
        for part in source.items().ok_or_else(wrong)? {
            let mut fields = part.items().ok_or_else(wrong)?;
            let (Some(f), Some(key), Some(value), None) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                return Err(wrong());
            };
            let (key, value) = (values.id(key), values.id(value));
            match f.as_name() {
                Some("read" | "r") if seen.result.is_some() => txn.read(key, value),
                Some("read" | "r") => {}
                Some("write" | "w") => txn.write(key, value),
                _ => return Err(wrong()),
            }
        }
        if seen
            .result
            .is_some_and(|result| !answers(seen.argument, result))
        {
            return Err(Mismatch::result(ANSWERED));
        }
        let empty = txn.reads.is_empty() && txn.writes.is_empty() && !txn.torn;
        Ok((!empty).then_some(txn))
    }

    fn step(&self, state: &Self::State, op: &TxnOp) -> Option<Self::State> {
        let agrees = op.reads.iter().all(|&(key, value)| {
            let found = state.binary_search_by_key(&key, |(k, _)| *k);
            found.map_or(Id::NIL, |at| state[at].1) == value
        });
        if op.torn || !agrees {
            return None;
        }
        let mut next = state.clone();
        for &(key, value) in &op.writes {
            match next.binary_search_by_key(&key, |(k, _)| *k) {
                Ok(at) if value == Id::NIL => {
                    next.remove(at);
                }
                Ok(at) => next[at].1 = value,
                Err(_) if value == Id::NIL => {}
                Err(at) => next.insert(at, (key, value)),
            }
        }
        Some(next)
    }

    fn is_read(&self, op: &TxnOp) -> bool {
        op.writes.is_empty()
    }

    fn concerns(&self, op: &TxnOp) -> Option<Vec<u64>> {
        let keys: Vec<Id> = op
            .reads
            .iter()
            .chain(&op.writes)
            .map(|(key, _)| *key)
            .collect();
        Some(super::numbers(&keys))
    }

    fn describe(&self, op: &TxnOp, values: &Values) -> String {
        let part = |f: &str, &(key, value): &(Id, Id)| {
            format!("{f} {} {}", values.text(key), values.text(value))
        };
        let reads = op.reads.iter().map(|read| part("read", read));
        let writes = op.writes.iter().map(|write| part("write", write));
        format!(
            "txn ({})",
            reads.chain(writes).collect::<Vec<_>>().join(", ")
        )
    }

    fn describe_state(&self, state: &Self::State, values: &Values) -> String {
        if state.is_empty() {
            return format!("every register is {}", values.text(Id::NIL));
        }
        let parts: Vec<String> = state
            .iter()
            .map(|&(key, value)| format!("{} = {}", values.text(key), values.text(value)))
            .collect();
        parts.join(", ")
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.capacity() * 8
    }
}
