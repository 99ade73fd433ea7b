//! Scenarios in which every message is in hand: see [`Puppets`] for the language.

use rupture_protocols::raft::{Config, EventKind, Mutant, ReadMode, StepDown};

use crate::puppets::Puppets;

fn cluster(nodes: u32) -> Puppets {
    Puppets::new(nodes, Config::for_nodes(nodes))
}

/// Plays a script on an intact cluster of this size, and finds no invariant broken.
fn play(nodes: u32, script: &str) -> Puppets {
    let mut puppets = cluster(nodes);
    puppets.play(script);
    assert_eq!(puppets.invariants.violations, [""; 0]);
    puppets
}

#[test]
fn a_write_is_answered_when_a_majority_has_it() {
    play(
        3,
        "elect 0 by 1; logs 1 - -
         write 0 x; reply 1 none
         beat 0 to 1; reply 1 ok; commit 0 2; logs 11 11 -
         beat 0 to 1 2; commit 1 2; commit 2 2; logs 11 11 11",
    );
}

#[test]
fn one_node_is_a_cluster() {
    play(
        1,
        "elect 0 by; leads 0; commit 0 1
         write 0 x; wake 0; reply 1 ok
         read 0; wake 0; reply 2 ok
         crash 0; elect 0 by; commit 0 3",
    );
}

#[test]
fn followers_name_the_leader_and_do_nothing() {
    let puppets = play(
        3,
        "elect 0 by 1; beat 0 to 1 2
         write 1 x; reply 1 LEADER_NOT_FOUND no; read 2; reply 2 LEADER_NOT_FOUND no
         add 1 3; reply 3 LEADER_NOT_FOUND no",
    );
    let reply = format!("{:?}", puppets.replies[&1]);
    assert!(reply.contains("leader: Some(0)"), "{reply}");
}

/// Figure 7 of the paper: logs that miss entries, have too many, or both, become the leader's.
#[test]
fn logs_that_went_apart_come_together() {
    let puppets = play(
        3,
        "elect 0 by 1 2; beat 0 to 1 2; logs 1 1 1
         write 0 a; write 0 b; wake 0; logs 111 1 1
         elect 1 by 2; write 1 c; write 1 d; write 1 e; wake 1; logs 111 12222 1
         crash 0; elect 0 by 2; beat 0 to 1 2; logs 1113 1113 1113
         commit 0 4; reply 3 LEADER_NOT_FOUND maybe",
    );
    let resolved = |kind: &EventKind| matches!(kind, EventKind::ConflictResolved { from: 2 });
    assert_eq!(
        (puppets.count(1, resolved), puppets.count(2, resolved)),
        (1, 0)
    );
}

/// A term that is all wrong costs one message, however many entries it has.
#[test]
fn back_off_skips_whole_terms() {
    let mut puppets = cluster(3);
    puppets.play("elect 0 by 1 2; beat 0 to 1 2");
    puppets.play(&"write 0 x\n".repeat(50));
    puppets.play("wake 0; elect 1 by 2");
    puppets.play(&"write 1 y\n".repeat(50));
    puppets.play("wake 1; crash 0; elect 0 by 2; beat 0 to 2; beat 0 to 1");
    assert!(puppets.nodes.iter().all(|node| node.last_index() == 52));
    assert_eq!(puppets.invariants.violations, [""; 0]);
}

/// Figure 8 of the paper: an entry of an earlier term that a majority has may still be overwritten.
const FIGURE_8: &str = "
    elect 0 by 1 2 3 4; write 0 a; beat 0 to 1 2 3 4; commit 0 1; logs 1 1 1 1 1
    crash 0; elect 0 by 1 2; write 0 b; beat 0 to 1; logs 12 12 1 1 1
    crash 0; elect 4 by 2 3; write 4 c; wake 4; logs 12 12 1 1 13
    crash 4; elect 0 by 1 2; beat 0 to 1 2; logs 12 12 12 1 13";

#[test]
fn figure_8_breaks_the_mutant_that_commits_old_terms() {
    let config = Config {
        mutant: Some(Mutant::CommitOldTerm),
        ..Config::for_nodes(5)
    };
    let mut puppets = Puppets::new(5, config);
    puppets.play(FIGURE_8);
    puppets.play("commit 0 2; crash 0; elect 4 by 1 2 3; beat 4 to 1 2 3");
    let broken = puppets.invariants.violations.join("\n");
    assert!(broken.contains("leader completeness"), "{broken}");
}

/// The same without the mutant, where a term begins with an entry of its own: three of five, and so a majority,
/// have the entry of term 2, and the leader of term 4 knows it, but only two have its own.
#[test]
fn figure_8_does_not_commit_what_may_be_overwritten() {
    let config = Config {
        batch_entries: 1,
        ..Config::for_nodes(5)
    };
    let mut puppets = Puppets::new(5, config);
    puppets.play(
        "elect 0 by 1 2 3 4; beat 0 to 1 2 3 4; crash 0; elect 0 by 1 2; beat 0 to 1
         crash 0; elect 4 by 2 3; wake 4; crash 4; elect 0 by 1 2; logs 124 12 1 1 13",
    );
    puppets.replicate_one(0, 1);
    puppets.replicate_one(0, 2);
    puppets.play(
        "leads 0; logs 124 124 12 1 13; commit 0 0
         crash 0; elect 4 by 2 3; beat 4 to 0 1 2 3; logs 135 135 135 135 135; commit 4 3",
    );
    assert_eq!(puppets.invariants.violations, [""; 0]);
}

#[test]
fn a_vote_binds_even_through_a_crash() {
    let mut puppets = cluster(3);
    puppets.play("elect 0 by 2; crash 2");
    // Node 1 stands in the same term and asks node 2, whose vote is given.
    puppets.play("wait 1000");
    assert!(!puppets.votes(2, 1, 1));
    assert!(puppets.votes(2, 0, 1));
    assert!(puppets.votes(2, 1, 2));
}

#[test]
fn a_voter_that_hears_a_leader_turns_others_down() {
    let mut puppets = cluster(3);
    puppets.play("elect 0 by 1 2; beat 0 to 1 2");
    assert!(!puppets.votes(2, 1, 2));
    // It may have forgotten that it did.
    puppets.play("crash 2");
    assert!(!puppets.votes(2, 1, 2));
    puppets.play("wait 200");
    assert!(puppets.votes(2, 1, 2));
}

/// A restarted process reads what it saved, and a loss of power may still take that.
#[test]
fn what_a_restarted_process_relies_on_is_durable() {
    play(
        3,
        "elect 0 by 1 2; write 0 x; jam 1; beat 0 to 1; reply 1 none; logs 11 11 -
         reboot 1; durable 1; crash 1; logs 11 11 -; beat 0 to 1; reply 1 ok",
    );
}

#[test]
fn members_come_and_go_with_the_entries_that_name_them() {
    play(
        4,
        "elect 0 by 1 2; beat 0 to 1 2 3; remove 0 3; wake 0; members 0 0,1,2
         elect 1 by 2 3; beat 1 to 0 2 3; members 0 0,1,2,3; logs 12 12 12 12",
    );
}

#[test]
fn a_snapshot_brings_its_members() {
    let config = Config {
        snapshot_threshold: 5,
        snapshot_trailing: 0,
        ..Config::for_nodes(4)
    };
    let mut puppets = Puppets::new(4, config);
    puppets.play("elect 0 by 1 2; beat 0 to 1 2; remove 0 3; beat 0 to 1; members 2 0,1,2,3");
    puppets.play(&"write 0 x; beat 0 to 1;".repeat(9));
    puppets.play("beat 0 to 2; members 2 0,1,2; crash 2; members 2 0,1,2");
    let installed = |kind: &EventKind| matches!(kind, EventKind::SnapshotInstalled { .. });
    assert_eq!(puppets.count(2, installed), 1);
}

#[test]
fn a_node_that_was_cut_off_does_not_depose_the_leader() {
    let mut puppets = cluster(3);
    puppets.play("elect 0 by 1 2; beat 0 to 1 2");
    for _ in 0..20 {
        puppets.play(&"beat 0 to 1;".repeat(7));
        puppets.play("wake 2");
    }
    let started = |kind: &EventKind| matches!(kind, EventKind::ElectionStarted { .. });
    assert_eq!(puppets.count(2, started), 0);
    puppets.play("beat 0 to 1 2; leads 0; logs 1 1 1");
    let healed = |kind: &EventKind| matches!(kind, EventKind::PartitionHealed { .. });
    assert_eq!((puppets.count(0, healed), puppets.count(2, healed)), (1, 1));
}

#[test]
fn a_leader_without_a_majority_steps_down_and_says_so() {
    let puppets = play(
        3,
        "elect 0 by 1 2; beat 0 to 1 2; write 0 x; wake 0; read 0; wait 400; wake 0; follows 0
         reply 1 QUORUM_UNREACHABLE maybe; reply 2 QUORUM_UNREACHABLE no",
    );
    let lost = |kind: &EventKind| {
        let why = StepDown::QuorumLost;
        *kind == EventKind::SteppedDown { why }
    };
    assert_eq!(puppets.count(0, lost), 1);
}

#[test]
fn a_read_waits_for_a_round_that_began_after_it() {
    play(
        3,
        "elect 0 by 1 2; beat 0 to 1 2; read 0; reply 1 none; wake 0; reply 1 none
         beat 0 to 1; reply 1 ok
         read 0; wake 0; wait 100
         elect 1 by 2; write 1 x; beat 1 to 2; reply 3 ok; reply 2 none
         beat 0 to 1; reply 2 QUORUM_UNREACHABLE no",
    );
}

/// A new leader's commit index may be behind until an entry of its own term is committed.
#[test]
fn a_read_waits_for_the_term_to_be_opened() {
    play(
        3,
        "elect 0 by 1 2; beat 0 to 1 2; write 0 x; beat 0 to 1; reply 1 ok; commit 0 2; commit 1 1
         elect 1 by 2; read 1; wake 1; reply 2 none; beat 1 to 2; reply 2 ok; commit 1 3",
    );
}

#[test]
fn a_call_that_waits_too_long_is_told() {
    let config = Config {
        call_timeout_ms: 100,
        ..Config::for_nodes(3)
    };
    let mut puppets = Puppets::new(3, config);
    puppets.play(
        "elect 0 by 1 2; read 0; wait 150; wake 0; reply 1 NETWORK_PARTITION_HEALING no
         beat 0 to 1 2; write 0 x; wake 0; read 0; wait 150; wake 0
         reply 2 TIMEOUT maybe; reply 3 TIMEOUT no; beat 0 to 1 2; commit 0 2; reply 2 TIMEOUT maybe",
    );
}

#[test]
fn a_lease_serves_reads_without_a_round_while_it_lasts() {
    let config = Config {
        reads: ReadMode::Lease,
        lease_drift_ppm: 100_000,
        ..Config::for_nodes(3)
    };
    let mut puppets = Puppets::new(3, config);
    puppets.play(
        "elect 0 by 1 2; beat 0 to 1 2; read 0; reply 1 ok
         wait 100; read 0; reply 2 ok
         wait 30; read 0; reply 3 none; beat 0 to 1; reply 3 ok
         transfer 0 1; wait 1; read 0; reply 5 none",
    );
}

#[test]
fn leadership_is_handed_over_on_request() {
    play(
        3,
        "elect 0 by 1 2; beat 0 to 1 2; transfer 0 2; write 0 x; reply 2 LEADER_NOT_FOUND no
         beat 0 to 1 2; reply 1 ok; follows 0; beat 2 to 0 1; leads 2; logs 12 12 12",
    );
    play(
        3,
        "elect 0 by 1 2; beat 0 to 1; transfer 0 2; transfer 0 9; reply 2 PERMANENT_FAILURE no
         transfer 0 0; reply 3 ok; wait 200; beat 0 to 1; wait 100; beat 0 to 1; reply 1 TIMEOUT no; leads 0
         write 0 x; beat 0 to 1; reply 4 ok",
    );
}

#[test]
fn a_node_joins_when_it_has_caught_up() {
    let mut puppets = cluster(3);
    puppets.play("elect 0 by 1 2; beat 0 to 1 2; write 0 x; beat 0 to 1 2");
    puppets.join();
    puppets.play(
        "add 0 3; members 0 0,1,2; beat 0 to 1 2; members 0 0,1,2
         beat 0 to 3; members 0 0,1,2,3; reply 2 none; beat 0 to 1; reply 2 ok; beat 0 to 1 2 3; logs 111 111 111 111; members 2 0,1,2,3
         add 0 3; reply 3 ok",
    );
    assert_eq!(puppets.invariants.violations, [""; 0]);
}

#[test]
fn a_leader_changes_nothing_before_it_has_opened_its_term() {
    play(
        3,
        "elect 0 by 1 2; remove 0 2; wake 0; members 0 0,1,2; wait 60; reply 1 none
         beat 0 to 1; members 0 0,1; reply 1 ok; remove 0 1; reply 2 ok; members 0 0
         remove 0 0; reply 3 PERMANENT_FAILURE no; add 0 2; reply 4 PERMANENT_FAILURE no",
    );
}

#[test]
fn a_removed_leader_goes_when_that_is_committed() {
    let puppets = play(
        4,
        "elect 0 by 1 2 3; beat 0 to 1 2 3; remove 0 0; members 0 1,2,3; leads 0
         beat 0 to 1; leads 0; reply 1 none; beat 0 to 1 2; reply 1 ok; follows 0",
    );
    let handed = |kind: &EventKind| matches!(kind, EventKind::LeadershipTransferred { .. });
    assert_eq!(puppets.count(0, handed), 1);
}

/// Thesis, figure 4.6: the removed leader of two may be the only one who can be elected.
#[test]
fn a_removed_node_stands_until_its_removal_is_committed() {
    play(
        2,
        "elect 0 by 1; beat 0 to 1; remove 0 0; wake 0; crash 0; crash 1
         logs 11 1; wait 1000; elect 0 by 1; beat 0 to 1; follows 0; leads 1; logs 112 1123",
    );
}

#[test]
fn a_follower_that_lags_far_behind_gets_a_snapshot() {
    let config = Config {
        snapshot_threshold: 10,
        snapshot_trailing: 3,
        batch_entries: 4,
        ..Config::for_nodes(3)
    };
    let mut puppets = Puppets::new(3, config);
    puppets.play("elect 0 by 1 2; beat 0 to 1");
    for _ in 0..25 {
        puppets.play("write 0 x; beat 0 to 1");
    }
    puppets.play("crash 1; crash 0; elect 1 by 0; beat 1 to 0; beat 1 to 0 2; beat 1 to 0 2");
    let installed = |kind: &EventKind| matches!(kind, EventKind::SnapshotInstalled { .. });
    assert_eq!(puppets.count(2, installed), 1);
    let committed = puppets.nodes[1].committed();
    assert_eq!(committed, 27);
    assert_eq!(puppets.nodes[2].committed(), committed);
    assert!(
        puppets.nodes[2]
            .store()
            .same_objects(puppets.nodes[1].store())
    );
    puppets.play("crash 2; beat 1 to 2; beat 1 to 2");
    assert_eq!(puppets.nodes[2].committed(), committed);
    assert_eq!(puppets.nodes[2].store(), puppets.nodes[1].store());
    assert_eq!(puppets.invariants.violations, [""; 0]);
}
