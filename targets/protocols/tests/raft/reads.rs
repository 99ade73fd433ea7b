//! Reads by read index when messages of an earlier term arrive late.

use rupture_protocols::Input;
use rupture_protocols::Reply;
use rupture_protocols::raft::{Config, Message};

use crate::puppets::Puppets;

/// Rounds of contact are counted anew in every term. A heartbeat of an earlier term, late by two elections, must not
/// be answered with its round: the leader of both terms would take it for an answer to a later round of this one,
/// and serve a read that it should not.
#[test]
fn a_heartbeat_of_an_earlier_term_confirms_no_read() {
    let mut puppets = Puppets::new(3, Config::for_nodes(3));
    puppets.play("elect 0 by 1");
    for _ in 0..20 {
        puppets.play("beat 0 to 1 2");
    }
    let late = puppets.hold_heartbeat(0, 1);
    assert!(
        matches!(late, Message::Heartbeat { term: 1, .. }),
        "{late:?}"
    );
    puppets.play("elect 2 by 1; beat 2 to 0 1; elect 0 by 1; beat 0 to 1 2; leads 0");
    let (from, message) = (0, late);
    puppets.step(1, Input::Message { from, message });
    let (from, message) = (1, puppets.take(1, 0));
    puppets.step(0, Input::Message { from, message });

    // Node 0 is cut off, node 2 is elected and acknowledges a write: what node 0 knows is stale.
    puppets.play("wait 200; elect 2 by 1; write 2 x; beat 2 to 1; reply 1 ok; leads 0");
    puppets.play("read 0; wake 0");
    let answered = puppets.replies.get(&2).into_iter().flatten();
    let stale = answered.filter(|reply| matches!(reply, Reply::Ok(_)));
    assert_eq!(stale.count(), 0);
}
