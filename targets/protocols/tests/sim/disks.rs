//! Disks that are slow, and disks that fail under a process.

use crate::puppet::{Act, MS, Puppet, Seen, pass, puppets, said};
use rupture_protocols::sim::{CrashReport, DiskFault, Outside, Sim, Status};

/// A node that saves and syncs one record, and is told to save and sync two more.
fn writing(fault: DiskFault) -> (Sim<Puppet>, Seen) {
    let mut sim = puppets(1);
    sim.call(0, 0, 1, vec![Act::Save(1), Act::Sync]);
    pass(&mut sim, 20 * MS);
    *sim.disk(0) = fault;
    let script = vec![
        Act::Save(2),
        Act::Sync,
        Act::Say(2),
        Act::Save(3),
        Act::Sync,
        Act::Say(3),
    ];
    sim.call(0, 0, 2, script);
    let seen = pass(&mut sim, 100 * MS);
    (sim, seen)
}

fn crash(seen: &Seen) -> Option<(u64, CrashReport)> {
    seen.iter().find_map(|(at_ns, outside)| match outside {
        Outside::Crashed { report, .. } => Some((*at_ns, *report)),
        _ => None,
    })
}

#[test]
fn a_slow_disk_takes_longer_for_each_sync_and_forgets_nothing() {
    let (_, whole) = writing(DiskFault::default());
    let (sim, slow) = writing(DiskFault {
        slow_sync_ns: 15 * MS,
        ..DiskFault::default()
    });
    let when = |seen: &Seen| -> Vec<u64> {
        let told = |(at_ns, outside): &(u64, Outside<Puppet>)| {
            matches!(outside, Outside::Event { .. }).then_some(*at_ns)
        };
        seen.iter().filter_map(told).collect()
    };
    let (whole, slow) = (when(&whole), when(&slow));
    assert_eq!(slow[1] - whole[1], 15 * MS);
    assert_eq!(slow[2] - whole[2], 30 * MS);
    assert_eq!((sim.records(0).len(), sim.unsynced(0)), (3, 0));
}

#[test]
fn a_process_ends_at_the_write_that_fails_and_keeps_what_it_had() {
    for fault in [
        DiskFault {
            is_full: true,
            ..DiskFault::default()
        },
        DiskFault {
            write_fails: true,
            ..DiskFault::default()
        },
    ] {
        let (mut sim, seen) = writing(fault);
        let (_, report) = crash(&seen).expect("it ended");
        assert_eq!(
            (report.was_up, report.undone_effects, report.lost_records),
            (true, 6, 0)
        );
        assert_eq!(sim.status(0), Status::Down);
        assert!(said(&seen, 0).is_empty());
        assert_eq!(sim.records(0), [1]);
        // It ends again as long as the disk is no better, and writes again once it is.
        sim.start(0);
        sim.call(0, 0, 3, vec![Act::Save(4), Act::Sync]);
        pass(&mut sim, 20 * MS);
        assert_eq!(sim.status(0), Status::Down);
        *sim.disk(0) = DiskFault::default();
        sim.start(0);
        sim.call(0, 0, 4, vec![Act::Save(5), Act::Sync]);
        pass(&mut sim, 20 * MS);
        assert_eq!(
            (sim.status(0), sim.records(0)),
            (Status::Running, &[1, 5][..])
        );
    }
}

#[test]
fn a_failed_sync_ends_the_process_and_loses_what_it_was_to_keep() {
    let (sim, seen) = writing(DiskFault {
        sync_fails: true,
        ..DiskFault::default()
    });
    let (_, report) = crash(&seen).expect("it ended");
    assert_eq!((report.was_up, report.lost_records), (true, 1));
    assert_eq!(sim.records(0), [1]);
    assert!(said(&seen, 0).is_empty());
}

#[test]
fn whoever_cannot_read_the_log_does_not_start() {
    let (mut sim, seen) = writing(DiskFault {
        read_fails: true,
        ..DiskFault::default()
    });
    assert_eq!(said(&seen, 0), [2, 3], "only a start reads");
    sim.crash(0, rupture_protocols::sim::Keep::Written);
    sim.start(0);
    let seen = pass(&mut sim, MS);
    assert!(crash(&seen).is_some_and(|(_, report)| !report.was_up));
    assert_eq!(sim.status(0), Status::Down);
    *sim.disk(0) = DiskFault::default();
    sim.start(0);
    assert_eq!(
        (sim.status(0), sim.records(0)),
        (Status::Running, &[1, 2, 3][..])
    );
}
