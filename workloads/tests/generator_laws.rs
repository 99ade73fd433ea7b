//! The laws of generators, over random compositions of them and against systems that answer at random.
//!
//! Every run tries the same compositions, so that a change is blamed for what it broke and for nothing else.
//! `PROPTEST_RNG_SEED` (a number) tries others and `PROPTEST_CASES` more of them: what to set where there is
//! time to search, such as at night. A failure prints the smallest case found; nothing is written to disk.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rupture_workloads::generator::testing::{Completion, Run, run};
use rupture_workloads::generator::{
    Context, Generator, GeneratorExt, Invocation, KeyOptions, Next, Op, cycle, each_thread,
    function, mix, nothing, once, per_key, phases, repeat, reserve, sequence, sleep,
};
use rupture_workloads::history::{Event, Kind, Value};

/// A generator, as data.
#[derive(Clone, Debug)]
enum Tree {
    Nothing,
    Once,
    Repeat,
    Count(u64),
    Sleep(u64),
    Limit(Box<Tree>, u64),
    TimeLimit(Box<Tree>, u64),
    Until(Box<Tree>),
    Stagger(Box<Tree>, u64),
    Poisson(Box<Tree>, u64),
    Delay(Box<Tree>, u64),
    OnThreads(Box<Tree>, usize),
    EachThread(Box<Tree>),
    PerKey(Box<Tree>, KeyOptions),
    Cycle(Box<Tree>),
    Mix(Vec<(u32, Tree)>),
    Sequence(Vec<Tree>),
    Phases(Vec<Tree>),
    Reserve(Vec<(usize, Tree)>, Box<Tree>),
}

fn op(f: &str) -> Op {
    Op::new(f, Value::Nil)
}

/// The numbers 0, 1, 2, ... below `end`.
fn count(end: u64) -> impl Generator + 'static {
    let mut numbers = 0..end;
    function(move |_| Some(Op::new("count", Value::Int(numbers.next()? as i64))))
}

fn grow_all(trees: &[Tree]) -> Vec<Box<dyn Generator>> {
    trees.iter().map(grow).collect()
}

fn grow(tree: &Tree) -> Box<dyn Generator> {
    match tree {
        Tree::Nothing => nothing().boxed(),
        Tree::Once => once(op("once")).boxed(),
        Tree::Repeat => repeat(op("repeat")).boxed(),
        Tree::Count(end) => count(*end).boxed(),
        Tree::Sleep(ns) => sleep(*ns).boxed(),
        Tree::Limit(inner, n) => grow(inner).limit(*n).boxed(),
        Tree::TimeLimit(inner, ns) => grow(inner).time_limit(*ns).boxed(),
        Tree::Until(inner) => grow(inner).until(|event| event.time % 3 == 0).boxed(),
        Tree::Stagger(inner, ns) => grow(inner).stagger(*ns).boxed(),
        Tree::Poisson(inner, ns) => grow(inner).poisson(*ns).boxed(),
        Tree::Delay(inner, ns) => grow(inner).delay(*ns).boxed(),
        Tree::OnThreads(inner, modulus) => {
            let modulus = *modulus;
            grow(inner)
                .on_threads(move |thread| thread % modulus == 1)
                .boxed()
        }
        Tree::EachThread(inner) => {
            let inner = inner.clone();
            each_thread(move |_| grow(&inner)).boxed()
        }
        Tree::PerKey(inner, options) => {
            let inner = inner.clone();
            per_key(*options, move |_| grow(&inner)).boxed()
        }
        Tree::Cycle(inner) => {
            let inner = inner.clone();
            cycle(move || grow(&inner)).boxed()
        }
        Tree::Mix(parts) => mix(parts.iter().map(|(w, part)| (*w, grow(part))).collect()).boxed(),
        Tree::Sequence(parts) => sequence(grow_all(parts)).boxed(),
        Tree::Phases(parts) => phases(grow_all(parts)).boxed(),
        Tree::Reserve(parts, rest) => {
            let parts = parts.iter().map(|(n, part)| (*n, grow(part))).collect();
            reserve(parts, grow(rest)).boxed()
        }
    }
}

fn leaf() -> impl Strategy<Value = Tree> {
    prop_oneof![
        Just(Tree::Nothing),
        Just(Tree::Once),
        Just(Tree::Repeat),
        (0..20u64).prop_map(Tree::Count),
        (0..50u64).prop_map(Tree::Sleep),
    ]
}

fn key_options() -> impl Strategy<Value = KeyOptions> {
    let limits = (
        1..5usize,
        prop::option::of(0..8u64),
        prop::option::of(0..9u64),
    );
    limits.prop_map(|(threads_per_key, ops_per_key, keys)| KeyOptions {
        threads_per_key,
        ops_per_key,
        keys,
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let some = || prop::collection::vec(inner.clone(), 0..4);
        let weighted = prop::collection::vec((0..4u32, inner.clone()), 0..4);
        let sized = prop::collection::vec((0..3usize, inner.clone()), 0..3);
        prop_oneof![
            (boxed.clone(), 0..20u64).prop_map(|(g, n)| Tree::Limit(g, n)),
            (boxed.clone(), 0..80u64).prop_map(|(g, n)| Tree::TimeLimit(g, n)),
            boxed.clone().prop_map(Tree::Until),
            (boxed.clone(), 0..20u64).prop_map(|(g, n)| Tree::Stagger(g, n)),
            (boxed.clone(), 0..20u64).prop_map(|(g, n)| Tree::Poisson(g, n)),
            (boxed.clone(), 0..20u64).prop_map(|(g, n)| Tree::Delay(g, n)),
            (boxed.clone(), 1..5usize).prop_map(|(g, n)| Tree::OnThreads(g, n)),
            boxed.clone().prop_map(Tree::EachThread),
            (boxed.clone(), key_options()).prop_map(|(g, o)| Tree::PerKey(g, o)),
            boxed.clone().prop_map(Tree::Cycle),
            weighted.prop_map(Tree::Mix),
            some().prop_map(Tree::Sequence),
            some().prop_map(Tree::Phases),
            (sized, boxed).prop_map(|(parts, rest)| Tree::Reserve(parts, rest)),
        ]
    })
}

/// A system that takes 1 to 16 ns and ends one operation in four `info` or `fail`, decided by a counter.
fn moody() -> impl FnMut(&Invocation) -> Completion {
    let mut state = 1u64;
    move |invocation| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let kind = match state >> 61 {
            0 => Kind::Info,
            1 => Kind::Fail,
            _ => Kind::Ok,
        };
        Completion {
            after_ns: 1 + (state >> 40) % 16,
            kind,
            value: invocation.value.clone(),
        }
    }
}

fn run_of(tree: &Tree, threads: usize, seed: u64) -> Run {
    match run(&mut grow(tree), threads, seed, 300, moody()) {
        Ok(run) => run,
        Err(broken) => panic!("{tree:?}: {broken}"),
    }
}

fn clock(run: &Run) -> i64 {
    run.events.last().map_or(0, |event| event.time)
}

/// The numbers of the generators that invoked something, in order.
type Log = Arc<Mutex<Vec<usize>>>;

/// A generator that writes its number down whenever it invokes.
struct Watched {
    inner: Box<dyn Generator>,
    number: usize,
    log: Log,
}

impl Generator for Watched {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        let next = self.inner.next(context);
        if matches!(next, Next::Invoke(_)) {
            self.log.lock().unwrap().push(self.number);
        }
        next
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        self.inner.update(context, event);
    }
}

fn watch(log: &Log, number: usize, tree: &Tree) -> Box<dyn Generator> {
    Box::new(Watched {
        inner: grow(tree),
        number,
        log: log.clone(),
    })
}

/// So many cases from a fixed seed, unless the environment says otherwise.
fn config(cases: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    let seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    ProptestConfig {
        cases: std::env::var_os("PROPTEST_CASES").map_or(cases, |_| given.cases),
        rng_seed: seed,
        failure_persistence: None,
        ..given
    }
}

proptest! {
    #![proptest_config(config(3_000))]

    /// The interpreter holds every answer to the four laws.
    #[test]
    fn every_composition_keeps_the_laws(tree in tree(), threads in 0..7usize, seed: u64) {
        run_of(&tree, threads, seed);
    }

    #[test]
    fn the_same_seed_gives_the_same_operations(tree in tree(), threads in 0..7usize, seed: u64) {
        prop_assert_eq!(run_of(&tree, threads, seed).events, run_of(&tree, threads, seed).events);
    }

    #[test]
    fn a_limit_is_reached_exactly_or_the_generator_ended(
        tree in tree(), threads in 1..7usize, seed: u64, n in 0..40u64,
    ) {
        let free = run_of(&tree, threads, seed);
        let limited = run_of(&Tree::Limit(Box::new(tree), n), threads, seed);
        prop_assume!(free.done_ns.is_some() || free.threads.len() == 300);
        prop_assert!(limited.done_ns.is_some());
        prop_assert_eq!(limited.threads.len(), free.threads.len().min(n as usize));
        let invoked = |run: &Run| run.invocations().take(n as usize).cloned().collect::<Vec<_>>();
        prop_assert_eq!(invoked(&limited), invoked(&free));
    }

    #[test]
    fn a_time_limit_ends_everything_in_time(tree in tree(), threads in 0..7usize, seed: u64, ns in 0..60u64) {
        let run = run_of(&Tree::TimeLimit(Box::new(tree), ns), threads, seed);
        prop_assert!(run.invocations().all(|event| (event.time as u64) < ns));
        if run.threads.len() < 300 {
            prop_assert!(run.done_ns.is_some_and(|at| at <= ns));
        }
    }

    #[test]
    fn phases_never_overlap(parts in prop::collection::vec(tree(), 1..4), threads in 1..7usize, seed: u64) {
        let log = Log::default();
        let parts = parts.iter().enumerate().map(|(number, part)| watch(&log, number, part));
        let run = run(&mut phases(parts.collect()), threads, seed, 300, moody()).unwrap();
        let (mut open, mut phase) = (0, 0);
        let mut invoked = log.lock().unwrap().clone().into_iter();
        for event in &run.events {
            if event.kind == Kind::Invoke {
                let number = invoked.next().unwrap();
                prop_assert!(number >= phase);
                prop_assert!(number == phase || open == 0, "phase {number} begins while {open} run");
                (phase, open) = (number, open + 1);
            } else {
                open -= 1;
            }
        }
    }

    #[test]
    fn threads_that_are_not_given_are_not_used(
        parts in prop::collection::vec((0..3usize, tree()), 0..3), rest in tree(), threads in 1..9usize, seed: u64,
    ) {
        let log = Log::default();
        let sizes: Vec<usize> = parts.iter().map(|(size, _)| *size).collect();
        let given = parts.iter().enumerate().map(|(n, (size, part))| (*size, watch(&log, n, part))).collect();
        let mut generator = reserve(given, watch(&log, parts.len(), &rest));
        let run = run(&mut generator, threads, seed, 300, moody()).unwrap();
        for (part, thread) in log.lock().unwrap().iter().zip(&run.threads) {
            let first: usize = sizes[..*part].iter().sum();
            let end = sizes.get(*part).map_or(threads, |size| first + size);
            prop_assert!((first..end).contains(thread), "part {part} on thread {thread}");
        }
    }

    #[test]
    fn keys_keep_to_their_limits_and_groups_to_their_key(
        options in key_options(), threads in 1..9usize, seed: u64, inner in tree(),
    ) {
        let run = run_of(&Tree::PerKey(Box::new(inner), options), threads, seed);
        let mut ops = BTreeMap::<i64, u64>::new();
        let groups = (threads / options.threads_per_key).max(1);
        let mut current = vec![-1; groups];
        for (event, thread) in run.invocations().zip(&run.threads) {
            let key = event.value.items().unwrap()[0].as_int().unwrap();
            *ops.entry(key).or_default() += 1;
            let group = thread * groups / threads;
            prop_assert!(key >= current[group], "a group returns to key {key}");
            prop_assert!(
                (0..groups).all(|other| other == group || current[other] != key),
                "two groups on key {key}"
            );
            current[group] = key;
        }
        prop_assert!(ops.values().all(|n| options.ops_per_key.is_none_or(|most| *n <= most)));
        prop_assert!(ops.keys().all(|key| options.keys.is_none_or(|keys| (*key as u64) < keys)));
    }

    #[test]
    fn a_mix_starves_nobody(weights in prop::collection::vec(1..5u32, 1..6), seed: u64, threads in 1..9usize) {
        let part = |(number, weight): (usize, &u32)| (*weight, repeat(op(&number.to_string())).boxed());
        let mut generator = mix(weights.iter().enumerate().map(part).collect());
        let run = run(&mut generator, threads, seed, 2_000, moody()).unwrap();
        let total: u32 = weights.iter().sum();
        for (number, weight) in weights.iter().enumerate() {
            let name = number.to_string();
            let count = run.invocations().filter(|event| *event.f == *name).count() as f64;
            let expected = 2_000.0 * f64::from(*weight) / f64::from(total);
            // Six standard deviations of a binomial count.
            prop_assert!((count - expected).abs() < 6.0 * expected.sqrt() + 1.0, "{count} of {expected}");
        }
    }

    #[test]
    fn paced_operations_keep_their_distance(ns in 1..50u64, threads in 1..5usize, seed: u64) {
        let run = run_of(&Tree::Delay(Box::new(Tree::Repeat), ns), threads, seed);
        let times: Vec<i64> = run.invocations().map(|event| event.time).collect();
        prop_assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= ns as i64));
        if ns > 16 {
            prop_assert_eq!(clock(&run) / ns as i64, (times.len() - 1) as i64);
        }
    }
}

/// A generator that counts how often it is asked.
struct Counted {
    inner: Box<dyn Generator>,
    asks: Arc<AtomicUsize>,
}

impl Generator for Counted {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        self.asks.fetch_add(1, Ordering::Relaxed);
        self.inner.next(context)
    }
}

/// What makes a run with thousands of clients possible: keys whose threads are all busy cost nothing.
#[test]
fn an_operation_does_not_ask_every_key() {
    let asks = Arc::new(AtomicUsize::new(0));
    let options = KeyOptions {
        threads_per_key: 5,
        ops_per_key: Some(20),
        keys: None,
    };
    let count = asks.clone();
    let mut generator = per_key(options, move |_| {
        let inner = repeat(op("repeat")).boxed();
        let asks = count.clone();
        Box::new(Counted { inner, asks })
    });
    let run = run(&mut generator, 10_000, 1, 30_000, moody()).unwrap();
    assert_eq!(run.threads.len(), 30_000);
    assert_eq!(asks.load(Ordering::Relaxed), 30_000);
}

/// The same for threads, each of which is done after its first operation.
#[test]
fn an_operation_does_not_ask_every_thread() {
    let asks = Arc::new(AtomicUsize::new(0));
    let count = asks.clone();
    let mut generator = each_thread(move |_| {
        let inner = once(op("once")).boxed();
        let asks = count.clone();
        Box::new(Counted { inner, asks })
    });
    let run = run(&mut generator, 3_000, 1, 30_000, moody()).unwrap();
    assert_eq!(run.threads.len(), 3_000);
    assert!(run.done_ns.is_some());
    assert_eq!(asks.load(Ordering::Relaxed), 2 * 3_000);
}
