//! What a disk is ordered to do wrong, and who may use it.

use std::time::{Duration, Instant};

use rupture_protocols::random::stream;

use super::*;

fn fault(set: impl FnOnce(&mut DiskFault)) -> DiskFault {
    let mut fault = DiskFault::default();
    set(&mut fault);
    fault
}

/// After a failure nothing works any more, whatever the disk would do by now.
fn is_broken(disk: &mut Disk<Record>) {
    disk.misbehave(DiskFault::default());
    let syncs = disk.gate.syncs();
    let results = [
        disk.save(&record(90)),
        disk.flush(),
        disk.sync(),
        disk.replace(&records(90..92)),
        disk.sync(),
    ];
    for result in results {
        assert!(
            matches!(result, Err(DiskError::Broken { .. })),
            "{result:?}"
        );
    }
    assert_eq!(disk.gate.syncs(), syncs, "a sync was tried again");
}

/// Asserts what a failure says, and that it ends the use of the disk.
fn fails(result: Result<(), DiskError>, says: &str, disk: &mut Disk<Record>) {
    let told = result.expect_err("a failure").to_string();
    assert!(told.contains(says), "{told}");
    is_broken(disk);
}

#[test]
fn a_full_disk_refuses_what_is_written() {
    let folder = folder();
    written(folder.path(), SMALL, 2, 0);
    // It is read as ever.
    let full = fault(|it| it.is_full = true);
    let (mut disk, found) = open_with(folder.path(), full, SMALL).expect("a log");
    assert_eq!(found, records(0..2));
    let saved = disk.save(&record(2)).and_then(|()| disk.flush());
    fails(saved, "No space left", &mut disk);
    drop(disk);
    let (mut disk, found) = open(folder.path()).expect("a log");
    assert_eq!(found, records(0..2));
    disk.misbehave(full);
    let replaced = disk.replace(&[]);
    fails(replaced, "No space left", &mut disk);
    drop(disk);
    assert_eq!(kept(folder.path()), records(0..2));
}

#[test]
fn a_full_disk_is_no_place_for_a_new_log() {
    let folder = folder();
    let full = fault(|it| it.is_full = true);
    let refused = open_with(folder.path(), full, SMALL).expect_err("no room");
    assert!(refused.to_string().contains("No space left"), "{refused}");
    assert_eq!(kept(folder.path()), []);
}

#[test]
fn a_sync_that_fails_ends_the_use_of_the_disk() {
    let folder = folder();
    let (mut disk, _) = open(folder.path()).expect("a log");
    disk.save(&record(0)).expect("a save");
    disk.sync().expect("a sync");
    disk.save(&record(1)).expect("a save");
    disk.misbehave(fault(|it| it.sync_fails = true));
    let synced = disk.sync();
    fails(synced, "Input/output error", &mut disk);
    drop(disk);
    let loss = lose_power(folder.path(), Keep::Synced, &mut stream(1, "test")).expect("a loss");
    assert_eq!(loss.records_lost, 1);
    assert_eq!(kept(folder.path()), records(0..1));
}

#[test]
fn a_sync_that_fails_ends_a_replacement() {
    let folder = folder();
    let (mut disk, _) = open(folder.path()).expect("a log");
    disk.save(&record(0)).expect("a save");
    disk.sync().expect("a sync");
    disk.misbehave(fault(|it| it.sync_fails = true));
    let replaced = disk.replace(&records(5..9));
    fails(replaced, "Input/output error", &mut disk);
    drop(disk);
    assert_eq!(kept(folder.path()), records(0..1));
}

#[test]
fn a_write_that_fails_ends_the_use_of_the_disk() {
    let folder = folder();
    let (mut disk, _) = open(folder.path()).expect("a log");
    disk.misbehave(fault(|it| it.write_fails = true));
    let saved = disk.save(&record(0)).and_then(|()| disk.sync());
    fails(saved, "Input/output error", &mut disk);
}

#[test]
fn a_read_that_fails_stops_the_start_and_harms_nothing() {
    let folder = folder();
    written(folder.path(), SMALL, 9, 1);
    let before = digest(folder.path()).expect("a digest");
    let unreadable = fault(|it| it.read_fails = true);
    let refused = open_with(folder.path(), unreadable, SMALL).expect_err("it cannot be read");
    let told = refused.to_string();
    assert!(
        told.contains("cannot read") && told.contains("Input/output error"),
        "{told}"
    );
    assert_eq!(digest(folder.path()).expect("a digest"), before);
    assert_eq!(kept(folder.path()), records(0..10));
}

#[test]
fn a_slow_sync_takes_as_long_as_it_is_told() {
    let folder = folder();
    let (mut disk, _) = open(folder.path()).expect("a log");
    let slow = Duration::from_millis(40);
    disk.misbehave(fault(|it| it.slow_sync_ns = slow.as_nanos() as u64));
    disk.save(&record(0)).expect("a save");
    let begun = Instant::now();
    disk.sync().expect("a sync");
    assert!(begun.elapsed() >= slow);
    // There is nothing to wait for.
    let (begun, syncs) = (Instant::now(), disk.gate.syncs());
    disk.sync().expect("a sync");
    assert!(begun.elapsed() < slow);
    assert_eq!(disk.gate.syncs(), syncs);
}

#[test]
fn a_sync_is_one_sync_for_all_that_waits_and_none_for_nothing() {
    let folder = folder();
    let (mut disk, _) = open_with(folder.path(), DiskFault::default(), ONE).expect("a log");
    let begun = disk.gate.syncs();
    for round in 1..=5 {
        for number in 0..round {
            disk.save(&record(number)).expect("a save");
        }
        disk.sync().expect("a sync");
        disk.sync().expect("a sync");
        assert_eq!(disk.gate.syncs() - begun, round);
    }
}

/// What a process that was killed has only written is synced by the next when it is asked to, though it saved nothing.
#[test]
fn a_sync_after_the_start_covers_what_was_found() {
    let folder = folder();
    written(folder.path(), SMALL, 2, 2);
    let mut random = stream(1, "test");
    let (mut disk, found) = open(folder.path()).expect("a log");
    assert_eq!(found, records(0..4));
    disk.sync().expect("a sync");
    drop(disk);
    let loss = lose_power(folder.path(), Keep::Synced, &mut random).expect("a loss");
    assert_eq!(
        (loss, kept(folder.path())),
        (Loss::default(), records(0..4))
    );
}

#[test]
fn a_folder_has_one_user_at_a_time() {
    let folder = folder();
    let (mut disk, _) = open(folder.path()).expect("a log");
    disk.save(&record(0)).expect("a save");
    disk.flush().expect("a flush");
    let mut random = stream(1, "test");
    let refused = [
        open(folder.path()).map(drop),
        lose_power(folder.path(), Keep::Synced, &mut random).map(drop),
        flip_bit(folder.path(), None, &mut random).map(drop),
        digest(folder.path()).map(drop),
    ];
    for result in refused {
        let told = result.expect_err("it is in use").to_string();
        assert!(told.contains("another process has"), "{told}");
    }
    disk.save(&record(1)).expect("a save");
    disk.sync().expect("a sync");
    drop(disk);
    assert_eq!(kept(folder.path()), records(0..2));
}

#[test]
fn a_folder_that_cannot_be_made_or_written_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    let told = open(&file.join("n1")).expect_err("no folder").to_string();
    assert!(
        told.contains("cannot make") && told.contains("file/n1"),
        "{told}"
    );
    let told = open(&file).expect_err("no folder").to_string();
    assert!(
        told.contains("cannot make") && told.contains("file"),
        "{told}"
    );
    // A folder stands where a file is to be written.
    let other = folder.path().join("n2");
    fs::create_dir_all(other.join("lock")).expect("a folder");
    let told = open(&other).expect_err("no lock").to_string();
    assert!(
        told.contains("cannot open") && told.contains("n2/lock"),
        "{told}"
    );
}

#[test]
fn a_record_larger_than_a_segment_has_one_of_its_own() {
    let folder = folder();
    let (mut disk, _) = open(folder.path()).expect("a log");
    let large = (1, "x".repeat(5000));
    let all = [record(0), large, record(2)];
    for record in &all {
        disk.save(record).expect("a save");
    }
    disk.sync().expect("a sync");
    assert_eq!(disk.writer.seal().segment, 3);
    drop(disk);
    assert_eq!(kept(folder.path()), all);
}
