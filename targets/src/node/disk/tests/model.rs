//! The disk beside a model of it, which follows the simulator's.

use proptest::prelude::*;
use rupture_protocols::random::stream;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Save(usize),
    Flush,
    Sync,
    Replace(usize),
    Crash(Keep),
}

fn act() -> impl Strategy<Value = Act> {
    let keep = prop::sample::select(vec![Keep::Written, Keep::Synced, Keep::Torn]);
    prop_oneof![
        8 => (0..120_usize).prop_map(Act::Save),
        1 => Just(Act::Flush),
        3 => Just(Act::Sync),
        1 => (0..9_usize).prop_map(Act::Replace),
        3 => keep.prop_map(Act::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What survives is all that was synced and, of the rest, everything, nothing, or a prefix.
    #[test]
    fn what_survives_is_what_the_rules_say(
        seed in any::<u64>(),
        acts in prop::collection::vec(act(), 0..60),
    ) {
        let folder = folder();
        let mut random = stream(seed, "test");
        let (mut disk, found) = open(folder.path()).unwrap();
        prop_assert_eq!(found, vec![]);
        let (mut durable, mut volatile) = (Vec::new(), Vec::new());
        for (number, act) in (0..).zip(acts) {
            match act {
                Act::Save(length) => {
                    let record = (number, "x".repeat(length));
                    disk.save(&record).unwrap();
                    volatile.push(record);
                }
                Act::Flush => disk.flush().unwrap(),
                Act::Sync => {
                    disk.sync().unwrap();
                    durable.append(&mut volatile);
                }
                Act::Replace(length) => {
                    durable = vec![record(number); length];
                    volatile.clear();
                    disk.replace(&durable).unwrap();
                }
                Act::Crash(keep) => {
                    disk.flush().unwrap();
                    drop(disk);
                    let loss = lose_power(folder.path(), keep, &mut random).unwrap();
                    let (next, found) = open(folder.path()).unwrap();
                    disk = next;
                    prop_assert!(found.len() >= durable.len());
                    let kept = found.len() - durable.len();
                    match keep {
                        Keep::Written => {
                            prop_assert_eq!(kept, volatile.len());
                            prop_assert_eq!(loss, Loss::default());
                        }
                        Keep::Synced => prop_assert_eq!(kept, 0),
                        Keep::Torn => prop_assert!(kept < volatile.len().max(1)),
                    }
                    prop_assert_eq!(loss.records_lost, (volatile.len() - kept) as u64);
                    prop_assert_eq!(loss.torn, keep == Keep::Torn && !volatile.is_empty());
                    volatile.truncate(kept);
                    let expected: Vec<Record> = durable.iter().chain(&volatile).cloned().collect();
                    prop_assert_eq!(found, expected);
                    if keep != Keep::Written {
                        durable.append(&mut volatile);
                    }
                }
            }
        }
    }
}
