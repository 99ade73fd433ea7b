//! Independent keys: the same small test over many keys, several at a time.
//!
//! Deciding linearizability is exponential in what runs at once and in the length of a history, and a
//! history of independent keys is valid exactly when each key's is (Herlihy & Wing 1990, locality). A test
//! that moves on to a new key every few hundred operations runs as long as one likes and is still judged.
//! The values of operations are `[key value]`, as Jepsen's `independent` writes them.

use crate::history::{Event, Value};

use super::view::{Heard, Split, answer_of, ask_part, random_start, tell_part};
use super::{Context, Generator, GeneratorExt, Limit, Next, Threads, ask_in_turn};

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
    inner: Option<Limit<Box<dyn Generator>>>,
    /// Whether the key's generator has never answered anything but done.
    barren: bool,
    done: bool,
}

/// See [`per_key()`].
pub struct PerKey<F> {
    make: F,
    options: KeyOptions,
    next_key: u64,
    /// Empty until the first ask shows what threads there are.
    groups: Vec<Group>,
    /// How many groups are not known to be done.
    live: usize,
}

/// Splits the threads into groups; each group works on one key, with the generator that `make` makes for
/// it, and takes the next unused key (0, 1, 2, ...) when that is done or has had its operations. Operations
/// on the last key may still run then.
///
/// The key's generator sees its group's threads only, and hears of the events of its own key, with the key
/// taken off their values. A generator that is done at once when it is new ends its group. A group whose
/// threads are all busy is not asked: it takes its next key, or turns out to be done, once one of them is free.
/// An ask therefore costs at most a step for every group that has a free thread.
pub fn per_key<F>(options: KeyOptions, make: F) -> PerKey<F>
where
    F: FnMut(i64) -> Box<dyn Generator> + Send,
{
    PerKey {
        make,
        options,
        next_key: 0,
        groups: Vec::new(),
        live: 0,
    }
}

impl<F: FnMut(i64) -> Box<dyn Generator> + Send> PerKey<F> {
    fn split(&self, threads: &Threads) -> Split {
        Split {
            parts: self.groups.len(),
            threads: threads.count(),
        }
    }

    /// Gives the group a key if it has none; whether it has one now.
    fn has_key(&mut self, group: usize) -> bool {
        let group = &mut self.groups[group];
        if group.inner.is_some() {
            return true;
        }
        if group.done {
            return false;
        }
        if group.barren || self.options.keys.is_some_and(|keys| self.next_key >= keys) {
            group.done = true;
            self.live -= 1;
            return false;
        }
        group.key = self.next_key as i64;
        self.next_key += 1;
        let limit = self.options.ops_per_key.unwrap_or(u64::MAX);
        group.inner = Some((self.make)(group.key).limit(limit));
        group.barren = true;
        true
    }

    fn ask(&mut self, number: usize, context: &mut Context<'_>) -> Next {
        let ranks = self.split(context.threads).ranks_of(number);
        while self.has_key(number) {
            let group = &mut self.groups[number];
            let Some(inner) = &mut group.inner else {
                break;
            };
            let mut next = ask_part(inner, context, ranks.clone());
            if next == Next::Done {
                group.inner = None;
                continue;
            }
            group.barren = false;
            if let Next::Invoke(invocation) = &mut next {
                let value = std::mem::take(&mut invocation.value);
                invocation.value = keyed(Value::Int(group.key), value);
            }
            return next;
        }
        Next::Done
    }

    fn tell(&mut self, number: usize, context: &mut Context<'_>, event: &Event) {
        let ranks = self.split(context.threads).ranks_of(number);
        if let Some(inner) = &mut self.groups[number].inner {
            tell_part(inner, context, event, ranks);
        }
    }

    /// Tells a group of what one of its threads does, if that is about its key.
    fn tell_of_key(&mut self, number: usize, context: &mut Context<'_>, event: &Event) {
        let current = Value::Int(self.groups[number].key);
        if let Some((_, value)) = unkeyed(&event.value).filter(|(key, _)| **key == current) {
            let mut event = event.clone();
            event.value = value.clone();
            self.tell(number, context, &event);
        }
    }
}

impl<F: FnMut(i64) -> Box<dyn Generator> + Send> Generator for PerKey<F> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        let threads = context.threads;
        if self.groups.is_empty() {
            self.live = self.options.groups(threads.count());
            self.groups.resize_with(self.live, Group::default);
        }
        if threads.count() == 0 {
            return self.ask(0, context);
        }
        let start = random_start(context);
        let groups = self.split(threads).with_free_thread(threads, start);
        let asked = ask_in_turn(groups, |group| self.ask(group, context));
        answer_of(asked, self.live)
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        match Heard::of(context.threads, event) {
            _ if self.groups.is_empty() => {}
            Heard::Rank(rank) => {
                let group = self.split(context.threads).part_of(rank);
                self.tell_of_key(group, context, event);
            }
            Heard::All => {
                (0..self.groups.len()).for_each(|group| self.tell(group, context, event));
            }
            Heard::Nobody => {}
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
