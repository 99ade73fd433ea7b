//! Processes that are killed before any one of all changes that they make to the disk.

use rupture_protocols::random::stream;

use super::*;

/// What a process has done when it was killed.
#[derive(Debug, Default)]
struct Life {
    /// What the log may hold. There are two where it died while it replaced one by the other.
    logs: Vec<Vec<Record>>,
    /// How much of the first was synced, as far as anybody was told.
    synced: usize,
    /// How much of the first the kernel has for certain.
    flushed: usize,
    survived: bool,
}

/// Saves, rolls, syncs and replaces, until that many changes are made.
fn live(folder: &Path, changes: u32) -> Life {
    let mut life = Life {
        logs: vec![Vec::new()],
        ..Life::default()
    };
    let mut gate = Gate::default();
    gate.changes_left = Some(changes);
    life.survived = lived(folder, gate, &mut life).is_ok();
    life
}

fn lived(folder: &Path, gate: Gate, life: &mut Life) -> Result<(), DiskError> {
    let (mut disk, found) = Disk::<Record>::open_as(folder, gate, SMALL)?;
    assert_eq!(found, []);
    for round in 0..3 {
        for number in 0..7 {
            life.logs[0].push(record(number));
            disk.save(&record(number))?;
            if number % 3 == 2 {
                disk.sync()?;
                life.synced = life.logs[0].len();
                life.flushed = life.synced;
            }
        }
        disk.flush()?;
        life.flushed = life.logs[0].len();
        let new = records(100..100 + 6 * round);
        life.logs.push(new.clone());
        disk.replace(&new)?;
        life.logs.remove(0);
        life.synced = new.len();
        life.flushed = new.len();
    }
    life.logs[0].push(record(50));
    disk.save(&record(50))?;
    disk.flush()?;
    life.flushed += 1;
    Ok(())
}

/// Whether a log is what a life may have left, with at least so many records of what it had before it replaced all.
fn is_left(found: &[Record], life: &Life, least: usize) -> bool {
    let is_old = life.logs[0].starts_with(found) && found.len() >= least;
    is_old || life.logs.get(1).is_some_and(|new| new == found)
}

/// Every kill: the next process finds all that the kernel had, and a loss of power leaves all that was synced.
#[test]
fn a_kill_before_any_change_loses_nothing_that_was_promised() {
    let mut changes = 0;
    let mut halfway = 0;
    loop {
        for keep in [Keep::Written, Keep::Synced, Keep::Torn] {
            let folder = folder();
            let life = live(folder.path(), changes);
            let mut random = stream(u64::from(changes), "test");
            lose_power(folder.path(), keep, &mut random)
                .unwrap_or_else(|error| panic!("{changes} {keep:?}: {error}"));
            let least = if keep == Keep::Written {
                life.flushed
            } else {
                life.synced
            };
            let (mut disk, found) =
                open(folder.path()).unwrap_or_else(|error| panic!("{changes} {keep:?}: {error}"));
            assert!(
                is_left(&found, &life, least),
                "{changes} {keep:?}: {found:?} of {life:?}"
            );
            halfway += u32::from(life.logs.len() == 2);
            // The log goes on, and nothing unfinished is left.
            disk.save(&record(77)).expect("a save");
            disk.sync().expect("a sync");
            drop(disk);
            let again = kept(folder.path());
            assert_eq!(
                (&again[..again.len() - 1], &again[again.len() - 1]),
                (&found[..], &record(77))
            );
            let names = fs::read_dir(folder.path()).expect("a folder").count();
            assert_eq!(names, 3, "a lock, a mark and one generation");
            if life.survived {
                assert_eq!(life.logs.len(), 1);
                assert!(changes > 60 && halfway > 60, "{changes} {halfway}");
                if keep == Keep::Torn {
                    return;
                }
            }
        }
        changes += 1;
    }
}

/// A process that dies in a sync has told nobody: what it synced before is kept, and nothing else, though its last sync had
/// come to its end and only the note of that is not there.
#[test]
fn a_kill_in_a_sync_costs_nothing_that_was_told() {
    let mut ended = Vec::new();
    for changes in 0.. {
        let folder = folder();
        let (mut disk, _) = open(folder.path()).expect("a log");
        disk.save(&record(0)).expect("a save");
        disk.sync().expect("a sync");
        disk.save(&record(1)).expect("a save");
        disk.flush().expect("a flush");
        let syncs = disk.gate.syncs();
        disk.gate.changes_left = Some(changes);
        let survived = disk.sync().is_ok();
        ended.push(disk.gate.syncs() - syncs);
        drop(disk);
        let mut random = stream(1, "test");
        let loss = lose_power(folder.path(), Keep::Synced, &mut random).expect("a loss");
        let lost = u32::from(!survived);
        assert_eq!((loss.records_lost, loss.torn), (u64::from(lost), false));
        assert_eq!(kept(folder.path()), records(0..2 - lost));
        if survived {
            break;
        }
    }
    // Before the sync, between the sync and the note, and not at all.
    assert_eq!(ended, [0, 1, 1]);
}

/// What these actions change on the disk, in order.
fn changes(
    folder: &Path,
    disk: &mut Disk<Record>,
    act: impl FnOnce(&mut Disk<Record>),
) -> Vec<String> {
    disk.gate.done.clear();
    act(disk);
    let tell = |(action, path): &(&str, PathBuf)| {
        let path = path.strip_prefix(folder).expect("a path within the folder");
        let path = path.to_string_lossy().replace("0000000000000", "");
        format!("{action} {path}").trim_end().to_owned()
    };
    disk.gate.done.iter().map(tell).collect()
}

/// A machine that dies keeps what was synced, so that the order is what a test in one process can hold on to.
#[test]
fn nothing_has_its_name_or_is_told_before_it_is_durable() {
    let folder = folder();
    let (mut disk, _) = open(folder.path()).expect("a log");
    let synced = changes(folder.path(), &mut disk, |disk| {
        disk.save(&record(0)).expect("a save");
        disk.sync().expect("a sync");
    });
    let one = "log-001/001.segment";
    let expected = [
        format!("write to {one}"),
        format!("write to {one}"),
        format!("sync {one}"),
        "write to durable".to_owned(),
    ];
    assert_eq!(synced, expected, "a record, zeros, a sync and its note");
    let rolled = changes(folder.path(), &mut disk, |disk| {
        disk.save(&(1, "x".repeat(200))).expect("a save");
    });
    let expected = [
        "truncate log-001/001.segment",
        "sync log-001/001.segment",
        "make log-001/002.new",
        "write to log-001/002.new",
        "sync log-001/002.new",
        "rename log-001/002.new",
        "sync the folder log-001",
    ];
    assert_eq!(rolled, expected);
    let replaced = changes(folder.path(), &mut disk, |disk| {
        disk.replace(&[]).expect("a replacement");
    });
    let expected = [
        "remove aside",
        "make aside/log-002",
        "make aside/log-002/001.segment",
        "write to aside/log-002/001.segment",
        "sync aside/log-002/001.segment",
        "sync the folder aside/log-002",
        "rename aside/log-002",
        "sync the folder",
        "write to durable",
        "remove log-001",
    ];
    assert_eq!(replaced, expected);
}

#[test]
fn a_torn_write_may_keep_any_number_of_records_but_all() {
    let whole = folder();
    written(whole.path(), SMALL, 3, 9);
    let mut times = [0; 13];
    for seed in 0..300 {
        let folder = copy(whole.path());
        let mut random = stream(seed, "test");
        let loss = lose_power(folder.path(), Keep::Torn, &mut random).expect("a loss");
        let found = kept(folder.path());
        assert_eq!(found, records(0..found.len() as u32));
        assert_eq!(
            (loss.records_lost, loss.torn),
            (12 - found.len() as u64, true)
        );
        times[found.len()] += 1;
        // What is left is durable.
        let again = lose_power(folder.path(), Keep::Torn, &mut random).expect("a loss");
        assert_eq!((again, kept(folder.path())), (Loss::default(), found));
    }
    assert_eq!((times[..3].iter().sum::<u32>(), times[12]), (0, 0));
    assert!(times[3..12].iter().all(|count| *count > 10), "{times:?}");
}

#[test]
fn a_folder_without_a_log_loses_nothing() {
    let folder = folder();
    let mut random = stream(1, "test");
    for place in [folder.path().to_owned(), folder.path().join("n1")] {
        let loss = lose_power(&place, Keep::Torn, &mut random).expect("a loss");
        assert_eq!(loss, Loss::default());
    }
}
