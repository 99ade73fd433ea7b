//! Snapshots: the state in place of the log that built it.
//!
//! Follows section 7 of the Raft paper and chapter 5 of the thesis. A snapshot travels in one piece. Some
//! entries before it are kept (`snapshot_trailing`), so that a follower that is a few messages behind need not
//! be sent a whole state. Taking one replaces the disk's log in one atomic step, which also makes durable what
//! was saved before.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::EventKind;
use super::log::{Log, Point};
use super::membership::{Membership, Memberships};
use super::message::{Beat, Outcome, Record};
use super::{Ctx, Raft, Role};
use crate::node::NodeId;
use crate::store::Store;

/// The state at a point of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Up to where the log is in it.
    pub point: Point,
    /// The members there.
    pub members: Arc<Membership>,
    /// The state there.
    pub store: Store,
}

impl Raft {
    /// Takes a snapshot if enough was applied since the last one.
    pub(super) fn snapshot_if_due(&mut self, cx: &mut Ctx<'_>) {
        if self.applied - self.snapshot_point().index < self.config.snapshot_threshold {
            return;
        }
        let Some(point) = self.log.point(self.applied) else {
            return;
        };
        let snapshot = Snapshot {
            point,
            members: self.memberships.at(point.index),
            store: self.store.clone(),
        };
        self.snapshot = Some(Arc::new(snapshot));
        let trailing = self.config.snapshot_trailing;
        self.log.compact_to(
            point
                .index
                .saturating_sub(trailing)
                .max(self.log.base().index),
        );
        self.memberships.compact_to(point.index);
        self.replace_records(cx);
        self.emit(EventKind::SnapshotTaken { point }, cx);
        self.tell_state(cx);
    }

    /// Where the last snapshot was taken; the beginning if there is none.
    pub(super) fn snapshot_point(&self) -> Point {
        self.snapshot
            .as_ref()
            .map_or_else(Point::default, |it| it.point)
    }

    /// Writes anew all that the disk must know. Nothing is left to sync after it.
    fn replace_records(&mut self, cx: &mut Ctx<'_>) {
        let mut records = vec![self.state_record()];
        let base = self.log.base();
        if let Some(snapshot) = self.snapshot.clone() {
            records.push(Record::Snapshot { snapshot, base });
        }
        let entries = self.log.slice(base.index + 1, usize::MAX);
        if !entries.is_empty() {
            records.push(Record::Append(entries));
        }
        cx.replace(records);
        self.all_is_durable();
    }

    /// A leader sends its snapshot.
    pub(super) fn on_snapshot(
        &mut self,
        from: NodeId,
        beat: Beat,
        snapshot: &Arc<Snapshot>,
        cx: &mut Ctx<'_>,
    ) {
        if self.role == Role::Leader {
            return;
        }
        self.follow(from, cx);
        let point = snapshot.point;
        if point.index > self.commit && self.log.term_at(point.index) != Some(point.term) {
            self.install(snapshot, cx);
        }
        self.ack(from, beat, Outcome::Matched(point.index), cx);
        self.commit_to(point.index, cx);
    }

    /// Puts a snapshot in the place of a log that does not contain its last entry, nor therefore any that
    /// belongs behind it.
    fn install(&mut self, snapshot: &Arc<Snapshot>, cx: &mut Ctx<'_>) {
        let point = snapshot.point;
        self.log = Log::at(point);
        self.memberships = Memberships::new(point.index, snapshot.members.clone());
        self.store = snapshot.store.clone();
        self.snapshot = Some(snapshot.clone());
        self.commit = point.index;
        self.applied = point.index;
        self.replace_records(cx);
        self.emit(EventKind::SnapshotInstalled { point }, cx);
        self.tell_state(cx);
    }
}
