//! The connections of nodes through links.

use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::super::Links;
use super::ends::{LONG, SHORT, runtime};
use crate::LinkShape;
use crate::node::inbox::{Input, Outbox, inbox};
use crate::node::peers::Peers;

fn node(runtime: &Runtime, links: &Links, me: u32) -> (Peers, Outbox) {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("it listens");
    links.aim(me, Some(listener.local_addr().expect("an address")));
    let (inbox, outbox) = inbox();
    let peers = Peers::new(runtime.handle(), me, "secret", listener, inbox);
    let peer = 1 - me;
    peers.find(peer, links.open(me, peer).expect("it opens"));
    (peers, outbox)
}

/// Whether a probe with this number arrives, sent again and again.
fn reaches(sender: &Peers, receiver: &Outbox, nonce: u64, most: Duration) -> bool {
    let began = Instant::now();
    while began.elapsed() < most {
        sender.probe(1, nonce);
        let wait = Duration::from_millis(20);
        while let Ok(Some(input)) = receiver.wait(wait) {
            if matches!(input, Input::Probed { from: 0, nonce: got } if got == nonce) {
                return true;
            }
        }
    }
    false
}

#[test]
fn nodes_find_each_other_again_after_whatever_happened_to_their_link() {
    let (runtime, other) = (runtime(), runtime());
    let links = Links::new(runtime.handle().clone(), 1);
    let (sender, _) = node(&runtime, &links, 0);
    let (first, outbox) = node(&other, &links, 1);
    assert!(reaches(&sender, &outbox, 0, LONG));
    links.cut(0, 1);
    assert!(!reaches(&sender, &outbox, 1, 2 * SHORT));
    links.mend(0, 1);
    assert!(reaches(&sender, &outbox, 2, LONG));
    for shape in [
        LinkShape {
            reset_ppm: 1_000_000,
            ..LinkShape::default()
        },
        LinkShape {
            half_close_ppm: 1_000_000,
            slice_bytes: 3,
            ..LinkShape::default()
        },
        LinkShape {
            rate_bytes_s: 300,
            loss_ppm: 300_000,
            reorder_ppm: 300_000,
            duplicate_ppm: 300_000,
            ..LinkShape::default()
        },
    ] {
        links.shape(0, 1, shape);
        let arrives = reaches(&sender, &outbox, 3, 4 * SHORT);
        assert!(!arrives || shape.reset_ppm == 0);
        links.shape(0, 1, LinkShape::default());
        assert!(reaches(&sender, &outbox, 4, LONG), "{shape:?}");
    }
    assert!(links.traffic().resets > 0 && links.traffic().half_closes > 0);
    // A node that dies while it is cut off, and comes back elsewhere.
    links.cut(0, 1);
    links.aim(1, None);
    drop((first, outbox));
    let (_second, outbox) = node(&other, &links, 1);
    assert!(!reaches(&sender, &outbox, 5, 2 * SHORT));
    links.mend(0, 1);
    assert!(reaches(&sender, &outbox, 6, LONG));
}
