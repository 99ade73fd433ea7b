//! Random faults: the intact protocol withstands them all, and each mutant falls to some.

use rupture_protocols::raft::{Config, Mutant};

use crate::world::{Plan, World};

#[test]
fn faults_break_neither_invariants_nor_promises() {
    let (mut leaders, mut acknowledged, mut reads) = (0, 0, 0);
    for seed in 0..300 {
        let mut world = World::new(seed, Plan::of(seed));
        world.run();
        assert_eq!(world.wrong, [""; 0], "seed {seed}");
        leaders += world.invariants.leaders_seen;
        acknowledged += world.acknowledged;
        reads += world.reads;
    }
    // So that it cannot pass by doing nothing.
    assert!(leaders > 900, "{leaders}");
    assert!(
        acknowledged > 20_000 && reads > 20_000,
        "{acknowledged} {reads}"
    );
}

/// The first seed below a limit at which a mutant does something wrong, and what.
fn falls(mutant: Mutant, limit: u64) -> Option<(u64, String)> {
    (0..limit).find_map(|seed| {
        let mut plan = Plan::of(seed);
        plan.config = Config {
            mutant: Some(mutant),
            ..plan.config
        };
        let mut world = World::new(seed, plan);
        world.run();
        world.wrong.into_iter().next().map(|wrong| (seed, wrong))
    })
}

/// But for `commit-old-term`, which has a script of its own: chance hardly ever plays Figure 8. And but for those of
/// isolation, which leave Raft as it is: only transactions show them.
#[test]
fn every_mutant_falls() {
    for mutant in Mutant::ALL {
        if mutant.weakness().is_some() {
            assert_eq!(falls(mutant, 10), None, "{}", mutant.name());
        } else if mutant != Mutant::CommitOldTerm {
            assert!(falls(mutant, 100).is_some(), "{} withstood", mutant.name());
        }
    }
}

/// For a longer search: `SEEDS=1000..2000 cargo test --release -p rupture-protocols --test raft more_seeds -- --ignored`,
/// and with `TRACE=1` for one seed all that happens.
#[test]
#[ignore = "as long as one likes"]
fn more_seeds() {
    let seeds = std::env::var("SEEDS").expect("SEEDS=from..to");
    let (from, to) = seeds.split_once("..").expect("SEEDS=from..to");
    let seed = |text: &str| text.parse::<u64>().expect("a number");
    for seed in seed(from)..seed(to) {
        let mut world = World::new(seed, Plan::of(seed));
        world.trace = std::env::var("TRACE").is_ok();
        world.run();
        assert_eq!(world.wrong, [""; 0], "seed {seed}");
    }
}
