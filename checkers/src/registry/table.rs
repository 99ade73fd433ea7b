//! Every model, and how its judge is built.

use super::{ModelInfo, Options, Promise};
use crate::broadcast::{Broadcast, Order};
use crate::isolation::{Level, ListAppend, RwRegister};
use crate::linearizability::opening::proved;
use crate::models::{
    CasRegister, Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, Named, OwnerMutex,
    PriorityQueue, Register, Semaphore, Set, Stack, UnorderedQueue,
};
use crate::rules::{
    Bank, CausalReverse, Convergence, CounterBounds, DirtyReads, GrowOnlyCounter, GrowOnlySet,
    LongFork, PnCounter, SetFinal, TotalQueue, UniqueIds, WriteSkew,
};
use crate::sequential::Sequential;
use crate::set_full::SetFull;
use crate::{Budget, CheckError, Checker, Linearizable, Model};
use rupture_history::{History, Value, Verdict};

fn judge<M: Model + 'static>(model: M, options: &Options, promise: Promise) -> Box<dyn Checker> {
    let Options {
        independent,
        witness,
        anomalies,
        ..
    } = *options;
    let initial = options.initial.clone().unwrap_or(Value::Nil);
    match promise {
        Promise::Staleness(level) => level.checker(independent, initial),
        Promise::Sequential => {
            let judge = Sequential::new(model).independent(independent);
            Box::new(judge.initial(initial))
        }
        _ => {
            let judge = Linearizable::new(model).independent(independent);
            let judge = judge.witness(witness).initial(initial);
            Box::new(match anomalies {
                Some(anomalies) => judge.anomalies(anomalies),
                None => judge,
            })
        }
    }
}

const fn entry(
    name: &'static str,
    about: &'static str,
    build: fn(&Options, Promise) -> Box<dyn Checker>,
) -> ModelInfo {
    ModelInfo {
        name,
        about,
        consistency: &["linearizable", "sequential"],
        settings: &["anomalies", "independent", "witness"],
        build,
    }
}

/// A model with a rule of its own.
const fn rule(
    name: &'static str,
    about: &'static str,
    settings: &'static [&'static str],
    build: fn(&Options, Promise) -> Box<dyn Checker>,
) -> ModelInfo {
    ModelInfo {
        name,
        about,
        consistency: &[],
        settings,
        build,
    }
}

/// The names of levels.
const fn names<const N: usize>(levels: &[Level; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = levels[at].name();
        at += 1;
    }
    names
}

/// The judge of [`Semaphore::ANY`].
struct Permitless(Box<dyn Checker>);

impl Checker for Permitless {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        let verdict = self.0.check(history, budget)?;
        Ok(proved(verdict, Some(Semaphore::UNTOLD)))
    }
}

pub(super) static MODELS: [ModelInfo; 33] = [
    rule(
        "bank",
        "accounts that money is moved between; the total stays",
        &["independent", "total", "negative-balances"],
        |options, _| {
            let judge = Bank::new().total(options.total);
            let judge = judge.negative_balances(options.negative_balances);
            Box::new(judge.independent(options.independent))
        },
    ),
    ModelInfo {
        name: "broadcast",
        about: "messages that are broadcast and delivered",
        consistency: &[
            "causal-total-order",
            "total-order",
            "causal",
            "fifo",
            "reliable",
        ],
        settings: &["uniform", "complete"],
        build: |options, promise| {
            let order = match promise {
                Promise::Order(order) => order,
                _ => Order::CausalTotal,
            };
            let judge = Broadcast::new(order).uniform(options.uniform);
            Box::new(judge.complete(options.complete))
        },
    },
    ModelInfo {
        name: "cas-register",
        about: "a value that is read, written, and compared and set",
        consistency: &["linearizable", "sequential"],
        settings: &[
            "anomalies",
            "independent",
            "initial",
            "observe-failed-cas",
            "witness",
        ],
        build: |options, promise| {
            let model = CasRegister {
                observe_failed: options.observe_failed_cas,
            };
            judge(model, options, promise)
        },
    },
    rule(
        "causal-reverse",
        "writes that are seen without what had completed before them",
        &["independent"],
        |options, _| Box::new(CausalReverse::new().independent(options.independent)),
    ),
    entry(
        "counter",
        "a number that is added to and read",
        |options, promise| judge(Named::from(Counter), options, promise),
    ),
    rule(
        "counter-bounds",
        "a counter whose reads lie between what was and what may have been added",
        &["independent"],
        |options, _| Box::new(CounterBounds::new().independent(options.independent)),
    ),
    rule(
        "dirty-reads",
        "values of failed writes that are read, and strong reads that differ",
        &["independent"],
        |options, _| Box::new(DirtyReads::new().independent(options.independent)),
    ),
    rule(
        "eventual",
        "replicas that agree after quiet on something that was written",
        &["independent"],
        |options, _| Box::new(Convergence::new().independent(options.independent)),
    ),
    entry(
        "fenced-lock",
        "a lock whose holders are given ever greater tokens",
        |options, promise| judge(Named::from(FencedLock), options, promise),
    ),
    entry(
        "fifo-queue",
        "a queue, first in first out",
        |options, promise| judge(Named::from(FifoQueue), options, promise),
    ),
    rule(
        "g-counter",
        "a counter that only grows and converges",
        &["independent"],
        |options, _| Box::new(GrowOnlyCounter::new().independent(options.independent)),
    ),
    rule(
        "g-set",
        "a set that only grows and converges",
        &["independent"],
        |options, _| Box::new(GrowOnlySet::new().independent(options.independent)),
    ),
    rule(
        "g2",
        "pairs of inserts that exclude each other",
        &[],
        |_, _| Box::new(WriteSkew::new()),
    ),
    entry(
        "kv-append",
        "strings by key: get, put and append",
        |options, promise| judge(Named::from(KvAppend), options, promise),
    ),
    ModelInfo {
        name: "list-append",
        about: "lists that transactions append to and read",
        consistency: &names(&ListAppend::LEVELS),
        settings: &[],
        build: |_, promise| match promise {
            Promise::Isolation(level) => Box::new(ListAppend::new(level)),
            _ => Box::new(ListAppend::ladder()),
        },
    },
    rule(
        "log",
        "logs that are sent to and polled, as Kafka's",
        &["allow", "forbid", "ww-deps"],
        |options, _| Box::new(options.log),
    ),
    rule(
        "long-fork",
        "writes that two reads see in opposite orders",
        &["independent"],
        |options, _| Box::new(LongFork::new().independent(options.independent)),
    ),
    ModelInfo {
        settings: &["anomalies", "independent", "initial", "witness"],
        ..entry(
            "multi-register",
            "registers that transactions read and write together",
            |options, promise| judge(Named::from(MultiRegister), options, promise),
        )
    },
    entry(
        "mutex",
        "a lock that anyone may release",
        |options, promise| judge(Named::from(Mutex), options, promise),
    ),
    entry(
        "owner-mutex",
        "a lock that only the process that holds it may release",
        |options, promise| {
            judge(
                Named::from(OwnerMutex { reentrant: false }),
                options,
                promise,
            )
        },
    ),
    rule(
        "pn-counter",
        "a counter that goes up and down and converges",
        &["independent"],
        |options, _| Box::new(PnCounter::new().independent(options.independent)),
    ),
    entry(
        "priority-queue",
        "integers of which the greatest or the least comes out",
        |options, promise| judge(Named::from(PriorityQueue), options, promise),
    ),
    entry(
        "reentrant-mutex",
        "an owner-mutex that its holder may take again",
        |options, promise| {
            judge(
                Named::from(OwnerMutex { reentrant: true }),
                options,
                promise,
            )
        },
    ),
    ModelInfo {
        name: "register",
        about: "a value that is read and written",
        consistency: &["linearizable", "sequential", "k-atomic", "stale"],
        settings: &["anomalies", "independent", "initial", "witness"],
        build: |options, promise| judge(Register, options, promise),
    },
    ModelInfo {
        name: "rw-register",
        about: "registers that transactions write and read",
        consistency: &names(&RwRegister::LEVELS),
        settings: &["wfr-keys", "sequential-keys", "linearizable-keys"],
        build: |options, promise| {
            let judge = match promise {
                Promise::Isolation(level) => RwRegister::new(level),
                _ => RwRegister::ladder(),
            };
            let judge = judge.wfr_keys(options.wfr_keys);
            let judge = judge.sequential_keys(options.sequential_keys);
            Box::new(judge.linearizable_keys(options.linearizable_keys))
        },
    },
    ModelInfo {
        settings: &["anomalies", "independent", "permits", "witness"],
        ..entry(
            "semaphore",
            "a lock that several may hold; --permits says how many",
            |options, promise| match options.permits {
                Some(permits) => judge(Named::from(Semaphore { permits }), options, promise),
                None => Box::new(Permitless(judge(
                    Named::from(Semaphore::ANY),
                    options,
                    promise,
                ))),
            },
        )
    },
    entry(
        "set",
        "elements that are added, removed, asked for and read",
        |options, promise| judge(Named::from(Set), options, promise),
    ),
    rule(
        "set-final",
        "a set by its last read: lost, unexpected, recovered elements",
        &["independent"],
        |options, _| Box::new(SetFinal::new().independent(options.independent)),
    ),
    ModelInfo {
        name: "set-full",
        about: "a set that only grows: lost, stale, duplicated elements",
        consistency: &["linearizable", "eventual"],
        settings: &["independent"],
        build: |options, promise| {
            let judge = SetFull::new().linearizable(!matches!(promise, Promise::Eventual));
            let judge = judge.unless_broadcast(matches!(promise, Promise::Rule));
            Box::new(judge.independent(options.independent))
        },
    },
    entry("stack", "a stack, last in first out", |options, promise| {
        judge(Named::from(Stack), options, promise)
    }),
    rule(
        "total-queue",
        "a queue out of which everything comes: lost, unexpected, duplicated, recovered values",
        &["independent"],
        |options, _| Box::new(TotalQueue::new().independent(options.independent)),
    ),
    rule(
        "unique-ids",
        "ids that are given once each",
        &["independent"],
        |options, _| Box::new(UniqueIds::new().independent(options.independent)),
    ),
    entry(
        "unordered-queue",
        "a queue that gives its values in any order",
        |options, promise| judge(Named::from(UnorderedQueue), options, promise),
    ),
];
