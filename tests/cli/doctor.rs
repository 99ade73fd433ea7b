//! What is told of a machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{expect, rupture, scratch};

fn doctor(json: &str) -> Value {
    serde_json::from_str(json).expect("JSON")
}

#[test]
fn a_machine_is_looked_at_and_left_as_it_was() {
    let folder = scratch();
    let (printed, _) = expect(0, folder.path(), &["doctor"]);
    for part in [
        "this machine",
        "worlds",
        "faults",
        "ready for",
        "sim",
        "p99",
    ] {
        assert!(printed.contains(part), "no {part} in\n{printed}");
    }
    assert!(!printed.contains('\u{1b}'), "{printed}");
    let (json, _) = expect(0, folder.path(), &["doctor", "--json"]);
    let told = doctor(&json);
    // The page and the data name the same.
    for section in ["checks", "worlds", "faults", "mechanisms"] {
        let rows = told[section].as_array().expect(section);
        assert!(!rows.is_empty());
        for row in rows {
            let name = row["name"].as_str().expect("a name");
            assert!(printed.contains(name), "no {name} in\n{printed}");
        }
    }
    for check in told["checks"].as_array().unwrap() {
        let is_yes = check["answer"] == "yes";
        assert!(
            ["yes", "no", "unknown"].contains(&check["answer"].as_str().unwrap()),
            "{check}"
        );
        assert!(!check["looked_at"].as_str().unwrap().is_empty(), "{check}");
        assert_eq!(check["remedy"].is_null(), is_yes, "{check}");
    }
    for kind in rupture_nemesis::FaultKind::ALL {
        let faults = told["faults"].as_array().unwrap();
        let row = faults
            .iter()
            .find(|row| row["name"] == kind.name())
            .unwrap_or_else(|| panic!("{kind}"));
        for world in rupture::plan::WORLDS {
            assert!(row["worlds"][world]["possible"].is_boolean(), "{row}");
        }
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn programs_that_are_not_there_or_hang_are_told_within_bounds() {
    let folder = scratch();
    let programs = folder.path().join("bin");
    fs::create_dir(&programs).unwrap();
    for name in ["ssh", "unshare"] {
        let path = programs.join(name);
        fs::write(&path, "#!/bin/sh\nexec /bin/sleep 60\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let start = Instant::now();
    let output = rupture(folder.path())
        .args(["doctor", "--json"])
        .env("PATH", &programs)
        .output()
        .unwrap();
    assert!(start.elapsed() < Duration::from_secs(25));
    assert_eq!(output.status.code(), Some(0));
    let told = doctor(&String::from_utf8_lossy(&output.stdout));
    let checks = told["checks"].as_array().unwrap();
    let check = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    assert_eq!(check("ssh")["answer"], "unknown");
    assert!(
        check("ssh")["found"].as_str().unwrap().contains("in time"),
        "{}",
        check("ssh")
    );
    assert_eq!(check("networks")["answer"], "unknown");
    assert_eq!(
        check("ssh")["remedy"]["debian"],
        "apt install openssh-client"
    );
    assert_eq!(check("ssh")["remedy"]["alpine"], "apk add openssh-client");
}

#[test]
fn a_disk_that_takes_nothing_leaves_the_simulator() {
    let folder = scratch();
    // Nobody can make a folder there, root included.
    let (json, _) = expect(
        0,
        folder.path(),
        &["doctor", "--json", "--results", "/proc/results"],
    );
    let told = doctor(&json);
    let worlds = told["worlds"].as_array().unwrap();
    let world = |name: &str| worlds.iter().find(|world| world["name"] == name).unwrap();
    assert_eq!(world("sim")["possible"], true);
    assert_eq!(world("local")["possible"], false);
    assert!(
        world("local")["missing"]
            .as_array()
            .unwrap()
            .contains(&"sync".into())
    );
    let (printed, _) = expect(0, folder.path(), &["doctor", "--results", "/proc/results"]);
    assert!(
        printed.contains("lacks sync") && printed.contains("--results DIR"),
        "{printed}"
    );
}
