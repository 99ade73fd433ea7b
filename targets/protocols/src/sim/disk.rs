//! One node's log on disk, and what a crash leaves of it.

use rand::Rng;

use super::CrashReport;
use super::network::below;
use crate::random::Stream;

/// What a crash leaves on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keep {
    /// The process dies and its host lives on: all that was saved survives in the page cache. It is no
    /// more durable for that: a later loss of power takes it unless the node syncs after it starts.
    Written,
    /// The host loses power: only what was synced survives.
    Synced,
    /// The host loses power while the disk is writing: what was synced survives, and of the rest the
    /// records up to a random one, which is torn. Its checksum fails when the log is read, so that it and
    /// all after it are gone.
    Torn,
}

/// An append-only log of which a prefix is durable.
#[derive(Clone, Debug)]
pub(super) struct Disk<R> {
    records: Vec<R>,
    synced: usize,
}

impl<R: Clone> Disk<R> {
    pub(super) fn new() -> Self {
        Self {
            records: Vec::new(),
            synced: 0,
        }
    }

    pub(super) fn save(&mut self, record: R) {
        self.records.push(record);
    }

    pub(super) fn sync(&mut self) {
        self.synced = self.records.len();
    }

    pub(super) fn replace(&mut self, records: Vec<R>) {
        self.records = records;
        self.sync();
    }

    pub(super) fn records(&self) -> &[R] {
        &self.records
    }

    pub(super) fn unsynced(&self) -> usize {
        self.records.len() - self.synced
    }

    /// Loses what a crash of this kind loses, and notes it in the report. What a loss of power leaves was
    /// on the disk itself and is durable.
    pub(super) fn crash(&mut self, keep: Keep, random: &mut Stream, report: &mut CrashReport) {
        let unsynced = self.unsynced();
        let kept = match keep {
            Keep::Written => return,
            Keep::Synced => 0,
            Keep::Torn => below(random.next_u64(), unsynced as u64) as usize,
        };
        self.records.truncate(self.synced + kept);
        self.sync();
        report.lost_records = unsynced - kept;
        report.torn = keep == Keep::Torn && unsynced > 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Act {
        Save,
        Sync,
        Replace(usize),
        Crash(Keep),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            6 => Just(Act::Save),
            2 => Just(Act::Sync),
            1 => (0..5_usize).prop_map(Act::Replace),
            2 => prop::sample::select(vec![Keep::Written, Keep::Synced, Keep::Torn])
                .prop_map(Act::Crash),
        ]
    }

    proptest! {
        /// What survives is all that was synced and, of the rest, everything, nothing, or a prefix.
        #[test]
        fn what_survives_is_what_the_rules_say(
            seed in any::<u64>(),
            acts in prop::collection::vec(act(), 0..60),
        ) {
            let mut random = stream(seed, "test");
            let mut disk = Disk::new();
            let (mut durable, mut volatile) = (Vec::new(), Vec::new());
            for (number, act) in acts.into_iter().enumerate() {
                match act {
                    Act::Save => {
                        disk.save(number);
                        volatile.push(number);
                    }
                    Act::Sync => {
                        disk.sync();
                        durable.append(&mut volatile);
                    }
                    Act::Replace(length) => {
                        disk.replace(vec![number; length]);
                        volatile.clear();
                        durable = vec![number; length];
                    }
                    Act::Crash(keep) => {
                        let mut report = CrashReport::default();
                        disk.crash(keep, &mut random, &mut report);
                        let kept = disk.records().len() - durable.len();
                        match keep {
                            Keep::Written => prop_assert_eq!(kept, volatile.len()),
                            Keep::Synced => prop_assert_eq!(kept, 0),
                            Keep::Torn => prop_assert!(kept < volatile.len().max(1)),
                        }
                        prop_assert_eq!(report.lost_records, volatile.len() - kept);
                        prop_assert_eq!(report.torn, keep == Keep::Torn && !volatile.is_empty());
                        volatile.truncate(kept);
                        if keep != Keep::Written {
                            durable.append(&mut volatile);
                        }
                    }
                }
                let expected: Vec<usize> = durable.iter().chain(&volatile).copied().collect();
                prop_assert_eq!(disk.records(), &expected[..]);
                prop_assert_eq!(disk.unsynced(), volatile.len());
            }
        }
    }

    #[test]
    fn a_torn_log_may_end_anywhere_before_its_last_record() {
        let mut kept = [0_u32; 4];
        for seed in 0..400 {
            let mut disk = Disk::new();
            (0..4).for_each(|record| disk.save(record));
            let mut report = CrashReport::default();
            disk.crash(Keep::Torn, &mut stream(seed, "test"), &mut report);
            kept[disk.records().len()] += 1;
        }
        assert!(kept.iter().all(|&count| count > 60), "{kept:?}");
    }
}
