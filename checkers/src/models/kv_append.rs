//! Porcupine's key-value store: strings by key, read, replaced and appended to.

use std::sync::Arc;

use rupture_history::ValueRef;

use crate::model::{Mismatch, Model, Seen, Values};
use crate::theory::{Theory, View};

/// An operation on one key.
///
/// ```
/// use rupture_checkers::Model;
/// use rupture_checkers::models::{KvAppend, op::KvOp};
///
/// let state = KvAppend.step(&"x".into(), &KvOp::Append("y".into())).unwrap();
/// assert_eq!(&*state, "xy");
/// assert!(KvAppend.step(&state, &KvOp::Get("xy".into())).is_some());
/// assert!(KvAppend.step(&state, &KvOp::Get("yx".into())).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KvOp {
    /// It saw this string.
    Get(Arc<str>),
    /// It set this string.
    Put(Arc<str>),
    /// It appended this string.
    Append(Arc<str>),
}

/// A string that starts empty; the field `key` says which, and keys are judged apart.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::KvAppend;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // What is appended to one key does not show under another.
/// let history = codec::read(
///     br#"{:process 0 :type :invoke :f :append :key "a" :value "x"}
///         {:process 0 :type :ok :f :append :key "a" :value "x"}
///         {:process 0 :type :invoke :f :get :key "b" :value nil}
///         {:process 0 :type :ok :f :get :key "b" :value "x"}"#,
/// )?;
/// let verdict = Linearizable::new(KvAppend).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].key.as_deref(), Some("\"b\""));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct KvAppend;

fn text(value: ValueRef<'_>) -> Option<Arc<str>> {
    value.as_str().map(Arc::from)
}

/// How many gets are held against how many optional operations, at the most.
const MOST_COMPARISONS: usize = 1 << 20;

impl Model for KvAppend {
    type State = Arc<str>;
    type Op = KvOp;

    fn name(&self) -> &'static str {
        "kv-append"
    }

    fn functions(&self) -> &[&str] {
        &["get", "put", "append"]
    }

    fn initial(&self) -> Arc<str> {
        Arc::from("")
    }

    fn key<'h>(&self, seen: &Seen<'h>) -> Result<Option<ValueRef<'h>>, Mismatch> {
        if !self.functions().contains(&seen.f) {
            return Err(Mismatch::Function);
        }
        match seen.field("key") {
            Some(key) => Ok(Some(key)),
            // The key is the first of `[key value]`.
            None if seen.keyed => Ok(None),
            None => Err(Mismatch::argument("a field `key` beside it")),
        }
    }

    fn decode(&self, seen: &Seen<'_>, _: &mut Values) -> Result<Option<KvOp>, Mismatch> {
        let argument = || text(seen.argument).ok_or_else(|| Mismatch::argument("a string"));
        match seen.f {
            "get" => match seen.result {
                None => Ok(None),
                Some(value) => text(value)
                    .map(|value| Some(KvOp::Get(value)))
                    .ok_or_else(|| Mismatch::result("a string")),
            },
            "put" => Ok(Some(KvOp::Put(argument()?))),
            "append" => Ok(Some(KvOp::Append(argument()?))),
            _ => Err(Mismatch::Function),
        }
    }

    fn step(&self, state: &Arc<str>, op: &KvOp) -> Option<Arc<str>> {
        match op {
            KvOp::Get(value) => (state == value).then(|| state.clone()),
            KvOp::Put(value) => Some(value.clone()),
            KvOp::Append(value) => Some([&**state, value].concat().into()),
        }
    }

    fn is_read(&self, op: &KvOp) -> bool {
        match op {
            KvOp::Get(_) => true,
            KvOp::Append(value) => value.is_empty(),
            KvOp::Put(_) => false,
        }
    }

    /// Whatever is put or appended shows in every get until the next put, so what shows in no get can be
    /// left out.
    fn idle(&self, ops: &[&KvOp], must: &[bool]) -> Vec<bool> {
        let gets: Vec<&str> = ops
            .iter()
            .filter_map(|op| match op {
                KvOp::Get(value) => Some(&**value),
                _ => None,
            })
            .collect();
        // Leaving nothing out is always right, and here cheaper than to look.
        let optional = must.iter().filter(|must| !**must).count();
        if gets.len().saturating_mul(optional) > MOST_COMPARISONS {
            return vec![false; ops.len()];
        }
        let shows = |op: &KvOp| match op {
            KvOp::Get(_) => true,
            KvOp::Put(value) => gets.iter().any(|get| get.starts_with(&**value)),
            KvOp::Append(value) => gets.iter().any(|get| get.contains(&**value)),
        };
        ops.iter()
            .zip(must)
            .map(|(op, must)| !must && !shows(op))
            .collect()
    }

    fn theory(&self) -> Option<Theory> {
        Some(Theory::Text)
    }

    fn view<'o>(&self, op: &'o KvOp) -> View<'o> {
        match op {
            KvOp::Get(text) => View::Text(text),
            KvOp::Put(text) => View::Replace(text),
            KvOp::Append(text) => View::Append(text),
        }
    }

    fn with_text(&self, op: &KvOp, text: &str) -> Option<KvOp> {
        Some(match op {
            KvOp::Get(_) => KvOp::Get(text.into()),
            KvOp::Put(_) => KvOp::Put(text.into()),
            KvOp::Append(_) => KvOp::Append(text.into()),
        })
    }

    fn describe(&self, op: &KvOp, _: &Values) -> String {
        match op {
            KvOp::Get(value) => format!("get of {value:?}"),
            KvOp::Put(value) => format!("put of {value:?}"),
            KvOp::Append(value) => format!("append of {value:?}"),
        }
    }

    fn describe_state(&self, state: &Arc<str>, _: &Values) -> String {
        format!("the value is {state:?}")
    }

    fn heap_bytes(&self, state: &Arc<str>) -> usize {
        state.len() + 16
    }
}
