//! Logs that are not as they were written.

use rupture_protocols::random::stream;

use super::*;
use crate::node::disk::record::{FRAME, frames};

/// Asserts that the log is damaged, and returns what is said of it.
fn damage(folder: &Path) -> String {
    match open(folder) {
        Err(error @ DiskError::Damaged { .. }) => error.to_string(),
        other => panic!("no damage: {other:?}"),
    }
}

#[test]
fn what_was_saved_is_read_again_in_order() {
    let folder = folder();
    written(folder.path(), SMALL, 20, 3);
    assert_eq!(kept(folder.path()), records(0..23));
    let (mut disk, _) = open(folder.path()).expect("a log");
    disk.save(&record(23)).expect("a save");
    disk.sync().expect("a sync");
    drop(disk);
    assert_eq!(kept(folder.path()), records(0..24));
}

#[test]
fn a_tail_torn_at_any_byte_costs_the_torn_record_and_no_other() {
    let whole = folder();
    let ends = written(whole.path(), ONE, 2, 4);
    let (synced, end) = (ends[2], ends[6]);
    for zeros in [0, 1, 40] {
        for cut in ends[0]..=end {
            let folder = copy(whole.path());
            let path = segment(folder.path(), 1);
            let mut bytes = fs::read(&path).expect("a segment");
            bytes.truncate(cut as usize);
            bytes.resize(cut as usize + zeros, 0);
            fs::write(&path, &bytes).expect("a shorter segment");
            if cut < synced {
                // All of it was on the disk once.
                assert!(damage(folder.path()).contains("was synced"), "{cut}");
                continue;
            }
            let whole = ends.iter().filter(|end| **end <= cut).count() as u32 - 1;
            let (mut disk, found) = open(folder.path()).expect("a torn log");
            assert_eq!(found, records(0..whole), "cut at {cut}");
            let length = fs::metadata(&path).expect("a segment").len();
            assert_eq!(length, ends[whole as usize], "what was torn is gone");
            // What is written next is not mixed with what was torn.
            disk.save(&record(9)).expect("a save");
            disk.sync().expect("a sync");
            drop(disk);
            let mut expected = records(0..whole);
            expected.push(record(9));
            assert_eq!(kept(folder.path()), expected, "cut at {cut}");
        }
    }
}

/// All single flips over all files: each is an error, or leaves all that was synced and of the rest a prefix.
#[test]
fn a_bit_flipped_anywhere_is_detected_or_harmless() {
    for (synced, all) in [(7, 10), (10, 10)] {
        let whole = folder();
        written(whole.path(), SMALL, synced, all - synced);
        let mut files = vec![whole.path().join("durable")];
        files.extend([1, 2].map(|number| segment(whole.path(), number)));
        assert!(!segment(whole.path(), 3).exists());
        let (mut errors, mut harmless) = (0, 0);
        for file in files {
            let name = file.strip_prefix(whole.path()).expect("a name");
            let good = fs::read(&file).expect("a file");
            for bit in 0..good.len() * 8 {
                let folder = copy(whole.path());
                let mut bytes = good.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                fs::write(folder.path().join(name), &bytes).expect("a write");
                match open(folder.path()) {
                    Ok((_, found)) => {
                        harmless += 1;
                        let prefix = records(0..found.len() as u32);
                        assert_eq!(found, prefix, "{name:?} bit {bit}");
                        assert!(found.len() >= synced as usize, "{name:?} bit {bit}");
                    }
                    Err(DiskError::Damaged { .. }) => errors += 1,
                    Err(error) => panic!("{name:?} bit {bit}: {error}"),
                }
            }
        }
        assert!(errors > 1000 && harmless > 100, "{errors} {harmless}");
    }
}

#[test]
fn a_frame_in_another_place_is_no_record() {
    let folder = folder();
    let ends = written(folder.path(), ONE, 1, 2);
    let path = segment(folder.path(), 1);
    let mut bytes = fs::read(&path).expect("a segment");
    // All have the same size, so that each fits where the log ends.
    bytes.truncate(ends[3] as usize);
    bytes.extend_from_within(ends[0] as usize..ends[1] as usize);
    fs::write(&path, &bytes).expect("a write");
    assert_eq!(kept(folder.path()), records(0..3));
}

#[test]
fn a_record_that_was_synced_is_never_taken_for_torn() {
    let folder = folder();
    let ends = written(folder.path(), ONE, 3, 0);
    let path = segment(folder.path(), 1);
    let mut bytes = fs::read(&path).expect("a segment");
    bytes[ends[3] as usize - 1] ^= 1;
    fs::write(&path, &bytes).expect("a write");
    let told = damage(folder.path());
    let place = format!("at byte {}", ends[2]);
    for part in [
        &place,
        path.to_str().expect("a path"),
        "restore its folder",
        "join again",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn a_hole_before_whole_records_is_damage_though_nothing_was_synced() {
    let folder = folder();
    let ends = written(folder.path(), ONE, 0, 4);
    let path = segment(folder.path(), 1);
    let good = fs::read(&path).expect("a segment");
    // The length, the checksums and the record, of which each is the only sign.
    for at in [0, 4, 8, FRAME as u64] {
        let mut bytes = good.clone();
        bytes[(ends[1] + at) as usize] ^= 0x10;
        fs::write(&path, &bytes).expect("a write");
        let told = damage(folder.path());
        assert!(
            told.contains(&format!("there is one at byte {}", ends[2])),
            "{told}"
        );
    }
}

#[test]
fn a_segment_that_is_gone_or_shorter_is_damage() {
    let whole = folder();
    written(whole.path(), SMALL, 22, 0);
    let last = fs::read_dir(generation_path(whole.path(), 1))
        .expect("a log")
        .count() as u64;
    assert!(last >= 4, "{last}");
    for number in 1..=last {
        let folder = copy(whole.path());
        fs::remove_file(segment(folder.path(), number)).expect("one segment less");
        damage(folder.path());
    }
    for number in 1..last {
        // At the end of a record, where each segment is whole for itself.
        let folder = copy(whole.path());
        let path = segment(folder.path(), number);
        let bytes = fs::read(&path).expect("a segment");
        let seal = Seal {
            generation: 1,
            segment: number,
        };
        let found = frames(seal, &bytes, segment::HEADER).records;
        let shorter = found[found.len() - 2].end;
        fs::write(&path, &bytes[..shorter]).expect("a write");
        assert!(damage(folder.path()).contains("when the next segment was begun"));
    }
    // Segments in each other's place.
    let folder = copy(whole.path());
    let (one, two) = (segment(folder.path(), 1), segment(folder.path(), 2));
    let bytes = fs::read(&one).expect("a segment");
    fs::copy(&two, &one).expect("a copy");
    fs::write(&two, bytes).expect("a write");
    assert!(damage(folder.path()).contains("another segment"));
}

#[test]
fn a_log_that_is_gone_is_damage() {
    let folder = folder();
    written(folder.path(), SMALL, 2, 0);
    fs::remove_dir_all(generation_path(folder.path(), 1)).expect("no log");
    assert!(damage(folder.path()).contains("is gone"));
}

#[test]
fn a_record_of_another_version_of_the_node_is_an_error() {
    let folder = folder();
    let (mut disk, _) = Disk::<u8>::open(folder.path(), DiskFault::default()).expect("a new log");
    disk.save(&7).expect("a save");
    disk.sync().expect("a sync");
    drop(disk);
    assert!(damage(folder.path()).contains("this version of the node cannot read it"));
}

#[test]
fn a_mark_that_is_lost_makes_all_that_is_there_durable() {
    let folder = folder();
    written(folder.path(), SMALL, 2, 3);
    fs::remove_file(folder.path().join("durable")).expect("no mark");
    let mut random = stream(1, "test");
    let refused = lose_power(folder.path(), Keep::Synced, &mut random);
    assert!(
        matches!(refused, Err(DiskError::Unmarked { .. })),
        "{refused:?}"
    );
    assert_eq!(kept(folder.path()), records(0..5));
    let loss = lose_power(folder.path(), Keep::Synced, &mut random).expect("a loss");
    assert_eq!(loss, Loss::default());
    assert_eq!(kept(folder.path()), records(0..5));
}

#[test]
fn a_flipped_bit_is_one_of_a_record_and_flipped_back_the_same_way() {
    let whole = folder();
    written(whole.path(), SMALL, 12, 0);
    let before = digest(whole.path()).expect("a digest");
    let mut random = stream(7, "test");
    let mut bits = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let folder = copy(whole.path());
        let flip = flip_bit(folder.path(), None, &mut random)
            .expect("a flip")
            .expect("a bit");
        bits.insert(flip.bit);
        assert_ne!(digest(folder.path()).expect("a digest"), before);
        // Every record was synced.
        damage(folder.path());
        let again = flip_bit(folder.path(), Some(flip.bit), &mut random).expect("a flip");
        assert_eq!(again.as_ref(), Some(&flip));
        assert_eq!(digest(folder.path()).expect("a digest"), before);
        assert_eq!(kept(folder.path()), records(0..12));
    }
    assert!(bits.len() > 50, "{bits:?}");
    let none = flip_bit(whole.path(), Some(1 << 40), &mut random).expect("no such bit");
    assert_eq!(none, None);
    let empty = folder();
    assert_eq!(
        flip_bit(empty.path(), None, &mut random).expect("no log"),
        None
    );
}
