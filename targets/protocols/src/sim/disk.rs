//! One node's log on disk, and what a crash leaves of it.

use rand::Rng;

use serde::{Deserialize, Serialize};

use super::network::below;
use super::{CrashReport, Sim};
use crate::random::Stream;
use crate::{Effect, Node, NodeId};

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

/// What a disk does wrong while its node lives. The default does nothing wrong. A node whose disk fails ends at the effect
/// that fails, and is down until it is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // Each is a fault of its own.
pub struct DiskFault {
    /// How much longer a sync or a replacement takes, in nanoseconds.
    pub slow_sync_ns: u64,
    /// Whether there is no room for another write.
    pub is_full: bool,
    /// Whether the next sync fails. What was not synced until then is gone: after a failed sync nobody knows what of it
    /// is on the disk (Rebello et al., *Can Applications Recover from fsync Failures?*, 2020).
    pub sync_fails: bool,
    /// Whether the next write fails.
    pub write_fails: bool,
    /// Whether the log cannot be read when the process starts the next time.
    pub read_fails: bool,
}

impl DiskFault {
    /// Whether the disk does nothing wrong.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it ends the process that meets it.
    pub fn fails(&self) -> bool {
        let slow = Self {
            slow_sync_ns: self.slow_sync_ns,
            ..Self::default()
        };
        *self != slow
    }
}

impl<N: Node> Sim<N> {
    /// What is wrong with a node's disk, to be read and changed; set it to the default to undo it.
    ///
    /// # Panics
    ///
    /// If the node does not exist.
    pub fn disk(&mut self, node: NodeId) -> &mut DiskFault {
        &mut self.hosts[node as usize].disk.fault
    }

    /// Whether the node's disk has no room for what an effect writes, or fails to write it.
    pub(super) fn cannot_write(&self, node: NodeId, effect: &Effect<N>) -> bool {
        let fault = &self.hosts[node as usize].disk.fault;
        let is_write = matches!(effect, Effect::Save(_) | Effect::Replace(_));
        is_write && (fault.is_full || fault.write_fails)
    }
}

/// An append-only log of which a prefix is durable.
#[derive(Clone, Debug)]
pub(super) struct Disk<R> {
    records: Vec<R>,
    synced: usize,
    pub(super) fault: DiskFault,
}

impl<R: Clone> Disk<R> {
    /// How long a sync takes that usually takes so long.
    pub(super) fn sync_takes_ns(&self, usual_ns: u64) -> u64 {
        usual_ns.saturating_add(self.fault.slow_sync_ns)
    }

    pub(super) fn new() -> Self {
        Self {
            records: Vec::new(),
            synced: 0,
            fault: DiskFault::default(),
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
