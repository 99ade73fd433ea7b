//! Independent keys: the same small test over many keys, several at a time.
//!
//! Deciding linearizability is exponential in what runs at once and in the length of a history, and a
//! history of independent keys is valid exactly when each key's is (Herlihy & Wing 1990, locality). A test
//! that moves on to a new key every few hundred operations runs as long as one likes and is still judged.
//! The values of operations are `[key value]`, as Jepsen's `independent` writes them.

use crate::history::{Event, Process, Value};

use super::view::Confined;
use super::{Context, Generator, GeneratorExt, Limit, Next, Threads, around, ask_in_turn};

/// The value of an operation on a key: `[key value]`.
pub fn keyed(key: Value, value: Value) -> Value {
    Value::Vector(vec![key, value])
}

/// The key and the value of `[key value]`.
pub fn unkeyed(value: &Value) -> Option<(&Value, &Value)> {
    match value {
        Value::Vector(items) => match items.as_slice() {
            [key, value] => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

/// How [`per_key()`] spends its threads and its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyOptions {
    /// How many threads work on a key together. Where the number of threads is no multiple of it, some keys
    /// get more, none fewer; where there are fewer threads, one key has them all.
    pub threads_per_key: usize,
    /// How many operations a key gets at most; `None` leaves it to the key's generator.
    pub ops_per_key: Option<u64>,
    /// How many keys there are; `None` goes on for ever.
    pub keys: Option<u64>,
}

impl KeyOptions {
    /// How many groups `threads` threads make.
    fn groups(&self, threads: usize) -> usize {
        (threads / self.threads_per_key.max(1)).max(1)
    }

    /// How many threads the largest group has.
    pub fn largest_group(&self, threads: usize) -> usize {
        threads.div_ceil(self.groups(threads))
    }
}

/// A group of threads and the key that it works on.
#[derive(Default)]
struct Group {
    key: i64,
    inner: Option<Confined<Limit<Box<dyn Generator>>>>,
    /// Whether the key's generator has ever answered anything but done.
    fruitful: bool,
    done: bool,
}

/// See [`per_key()`].
pub struct PerKey<F> {
    make: F,
    options: KeyOptions,
    next_key: u64,
    groups: Vec<Group>,
    /// By thread: its group. Empty until the first ask shows what threads there are.
    group_of: Vec<usize>,
}

/// Splits the threads into groups; each group works on one key, with the generator that `make` makes for
/// it, and takes the next unused key (0, 1, 2, ...) when that is done or has had its operations. Operations
/// on the last key may still run then.
///
/// The key's generator sees its group's threads only, and hears of the events of its own key, with the key
/// taken off their values. A generator that is done at once when it is new ends its group.
pub fn per_key<F>(options: KeyOptions, make: F) -> PerKey<F>
where
    F: FnMut(i64) -> Box<dyn Generator> + Send,
{
    PerKey {
        make,
        options,
        next_key: 0,
        groups: Vec::new(),
        group_of: Vec::new(),
    }
}

impl<F: FnMut(i64) -> Box<dyn Generator> + Send> PerKey<F> {
    fn assign(&mut self, threads: &Threads) {
        let count = self.options.groups(threads.count());
        self.groups.resize_with(count, Group::default);
        for (rank, thread) in threads.iter().enumerate() {
            self.group_of.resize(thread, usize::MAX);
            self.group_of.push(rank * count / threads.count());
        }
    }

    /// Gives the group a key if it has none; whether it has one now.
    fn has_key(&mut self, group: usize) -> bool {
        let group = &mut self.groups[group];
        if group.inner.is_some() {
            return true;
        }
        if group.done || self.options.keys.is_some_and(|keys| self.next_key >= keys) {
            group.done = true;
            return false;
        }
        group.key = self.next_key as i64;
        self.next_key += 1;
        let limit = self.options.ops_per_key.unwrap_or(u64::MAX);
        group.inner = Some(Confined::new((self.make)(group.key).limit(limit)));
        group.fruitful = false;
        true
    }

    fn ask(&mut self, number: usize, context: &mut Context<'_>) -> Next {
        while self.has_key(number) {
            let group = &mut self.groups[number];
            let Some(inner) = &mut group.inner else {
                break;
            };
            let mut next = inner.next(context, |thread| self.group_of[thread] == number);
            if next == Next::Done {
                group.inner = None;
                group.done = !group.fruitful;
                continue;
            }
            group.fruitful = true;
            if let Next::Invoke(invocation) = &mut next {
                let value = std::mem::take(&mut invocation.value);
                invocation.value = keyed(Value::Int(group.key), value);
            }
            return next;
        }
        Next::Done
    }

    fn tell(&mut self, number: usize, context: &mut Context<'_>, event: &Event) {
        if let Some(inner) = &mut self.groups[number].inner {
            inner.update(context, event, |thread| self.group_of[thread] == number);
        }
    }
}

impl<F: FnMut(i64) -> Box<dyn Generator> + Send> Generator for PerKey<F> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        if self.groups.is_empty() {
            self.assign(context.threads);
        }
        // The group of a random free thread comes first, so that all get their share of one pace.
        let start = context
            .any_free_thread()
            .map_or(0, |thread| self.group_of[thread]);
        ask_in_turn(around(start, self.groups.len()), |group| {
            self.ask(group, context)
        })
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        if matches!(event.process, Process::Named(_)) {
            (0..self.groups.len()).for_each(|group| self.tell(group, context, event));
            return;
        }
        let thread = context.threads.thread_of_event(event);
        let Some(&group) = thread.and_then(|thread| self.group_of.get(thread)) else {
            return;
        };
        let current = Value::Int(self.groups[group].key);
        if let Some((_, value)) = unkeyed(&event.value).filter(|(key, _)| **key == current) {
            let mut event = event.clone();
            event.value = value.clone();
            self.tell(group, context, &event);
        }
    }
}

impl<F> std::fmt::Debug for PerKey<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PerKey")
            .field("options", &self.options)
            .field("next_key", &self.next_key)
            .finish_non_exhaustive()
    }
}
