//! Machines that do not give what a run needs: a clear error, the exit code for that, and nothing left.

use std::net::TcpListener;
use std::process::Command;

use rupture::plan::Plan;
use rupture::record::Nowhere;
use rupture::run::{Place, run_at};

use crate::{expect, left, runs, scratch, texts};

#[test]
fn a_port_that_is_taken_is_named_with_its_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = scratch();
    let base = port.to_string();
    let (_, stderr) = expect(255, folder.path(), &["--nodes", "3", "--base-port", &base]);
    assert!(stderr.contains(&format!("127.0.0.1:{port}")), "{stderr}");
    assert!(stderr.contains("n1 did not start"), "{stderr}");
    assert!(stderr.contains("choose another port"), "{stderr}");
    assert_eq!(left(&runs(folder.path())[0]), Vec::<String>::new());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let folder = scratch();
    let plan = Plan {
        world: "local".to_owned(),
        ..Plan::default()
    };
    let place = Place {
        folder: folder.path().to_owned(),
        program: "/nowhere/rupture".into(),
    };
    let result = run_at(&plan, &mut Nowhere, Some(&place), &|| false);
    let error = format!("{:#}", result.unwrap_err());
    assert!(error.contains("/nowhere/rupture"), "{error}");
    assert!(!folder.path().join("data").exists());
}

/// In a namespace of its own, with a file system that has room for next to nothing.
#[test]
fn a_disk_that_is_full_ends_nodes_with_a_reason_and_not_the_run() {
    let folder = scratch();
    let script = "mkdir -p results && mount -t tmpfs -o size=512k none results \
                  && $RUPTURE run --world local --target single --nodes 1 --nemesis none --time-limit 3; \
                  code=$?; find results -name data; exit $code";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .current_dir(folder.path())
        .env("RUPTURE", env!("CARGO_BIN_EXE_rupture"))
        .env("NO_COLOR", "1")
        .output();
    let Ok(output) = output else { return };
    let (stdout, stderr) = texts(&output);
    if stderr.contains("unshare") || stderr.contains("mount:") {
        // The machine allows no namespaces.
        return;
    }
    assert_eq!(output.status.code(), Some(255), "{stdout}{stderr}");
    assert!(stderr.contains("is not complete"), "{stdout}{stderr}");
    assert!(
        stdout.contains("n1 ended by itself") || stderr.contains("n1 did not start"),
        "{stdout}{stderr}"
    );
    assert!(!stdout.ends_with("data\n"), "{stdout}");
}

#[test]
fn a_cluster_that_takes_more_files_than_there_may_be_is_refused() {
    let folder = scratch();
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 100; exec $RUPTURE run --world local"])
        .current_dir(folder.path())
        .env("RUPTURE", env!("CARGO_BIN_EXE_rupture"))
        .output()
        .unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(255), "{stdout}{stderr}");
    assert!(stderr.contains("ulimit -n"), "{stderr}");
    assert_eq!(left(&runs(folder.path())[0]), Vec::<String>::new());
}

#[test]
fn ports_that_there_are_not_are_refused_before_anything_starts() {
    let folder = scratch();
    for port in ["0", "80", "65530"] {
        let (_, stderr) = expect(254, folder.path(), &["--base-port", port]);
        assert!(stderr.contains("--base-port"), "{stderr}");
    }
    assert!(!folder.path().join("results").exists());
}
