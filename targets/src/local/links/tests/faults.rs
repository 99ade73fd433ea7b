//! What a link does when it is told to.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::ends::*;
use crate::LinkShape;
use crate::node::frame::Kind;

const MS: u64 = 1_000_000;
const HOUR_NS: u64 = 3_600_000_000_000;

fn all(numbers: u32) -> Vec<u32> {
    (0..numbers).collect()
}

#[test]
fn an_untouched_link_carries_everything_as_it_is() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    sender.send_all(0..1000);
    assert_eq!(receiver.numbers(1000), all(1000));
    sender.frame(Kind::Probe, &[7; 8]);
    assert_eq!(receiver.next(LONG), Got::Frame(Kind::Probe, vec![7; 8]));
    let large = vec![3; 20 << 20];
    let payload = large.clone();
    let writes = std::thread::spawn(move || {
        sender.frame(Kind::Message, &payload);
        sender
    });
    assert_eq!(receiver.next(LONG), Got::Frame(Kind::Message, large));
    // What is not whole when the sender goes is not handed on.
    let mut sender = writes.join().expect("it writes");
    sender.0.write_all(&[4, 0, 0]).expect("it writes");
    drop(sender);
    assert_eq!(receiver.next(LONG), Got::Closed);
    let traffic = world.traffic();
    assert_eq!(traffic.sent, 1002);
    let only_sent = crate::Traffic {
        sent: 1002,
        ..crate::Traffic::default()
    };
    assert_eq!(traffic, only_sent);
    assert_eq!(world.door(), world.door());
}

#[test]
fn a_cut_link_is_a_black_hole_one_way_until_it_is_mended() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    // The other direction and another pair are not touched.
    world.links.cut(1, 0);
    world.links.cut(0, 2);
    assert!(world.links.carries(0, 1) && !world.links.carries(1, 0));
    sender.send(0);
    assert_eq!(receiver.number(LONG), Some(0));
    world.links.cut(0, 1);
    assert!(!world.links.carries(0, 1));
    sender.send_all(1..6);
    assert_eq!(receiver.next(SHORT), Got::Nothing);
    assert!(!sender.is_closed(SHORT), "it looks alive");
    assert_eq!((world.traffic().sent, world.traffic().blocked), (6, 5));
    world.links.mend(0, 1);
    sender.send(6);
    assert_eq!(receiver.number(LONG), Some(6));
    assert_eq!((world.traffic().sent, world.traffic().blocked), (7, 5));
}

#[test]
fn a_new_connection_gets_through_a_cut_link_when_it_is_mended_and_no_sooner() {
    let world = World::new();
    world.links.cut(0, 1);
    let mut sender = world.sender();
    sender.send(0);
    assert!(accept_within(&world.listener, SHORT).is_none());
    assert!(!sender.is_closed(SHORT));
    world.links.mend(0, 1);
    sender.send(1);
    let mut receiver = world.receiver();
    let hello = Got::Frame(Kind::Hello, b"hello".to_vec());
    assert_eq!(receiver.next(LONG), hello);
    assert_eq!(receiver.number(LONG), Some(1));
    // One that was up learns nothing of the death of the receiver, and finds the next one.
    world.links.cut(0, 1);
    drop(receiver);
    let other = listener();
    world.links.aim(1, None);
    assert!(!sender.is_closed(SHORT));
    world
        .links
        .aim(1, Some(other.local_addr().expect("an address")));
    sender.send(2);
    assert!(!sender.is_closed(SHORT));
    world.links.mend(0, 1);
    sender.send(3);
    let mut receiver = accept(&other).expect("a connection comes");
    assert_eq!(receiver.next(LONG), hello);
    assert_eq!(receiver.number(LONG), Some(3));
}

#[test]
fn a_cut_swallows_what_is_under_way() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    for (cuts, arrives) in [(false, Some(0)), (true, None)] {
        world.shape(|shape| shape.delay_ns = 300 * MS);
        sender.send(0);
        std::thread::sleep(Duration::from_millis(50));
        if cuts {
            world.links.cut(0, 1);
        }
        assert_eq!(receiver.number(6 * SHORT), arrives);
    }
    assert_eq!(world.traffic().blocked, 1);
}

#[test]
fn messages_are_lost_as_often_as_they_are_to_be() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    for (ppm, kept) in [(0, 1000..=1000), (500_000, 400..=600), (1_000_000, 0..=0)] {
        let before = world.traffic();
        world.shape(|shape| shape.loss_ppm = ppm);
        sender.send_all(0..1000);
        let got = receiver.numbers(*kept.end());
        assert!(kept.contains(&got.len()), "{ppm}: {} came", got.len());
        assert!(got.is_sorted());
        // The last may be lost.
        std::thread::sleep(SHORT);
        let traffic = world.traffic().since(&before);
        assert_eq!(traffic.sent, 1000);
        assert_eq!(traffic.lost, 1000 - got.len() as u64);
    }
}

#[test]
fn doubled_messages_come_twice() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    world.shape(|shape| shape.duplicate_ppm = 1_000_000);
    sender.send_all(0..100);
    let mut got = receiver.numbers(200);
    // The first of each keep their order.
    let mut seen = std::collections::BTreeSet::new();
    let first: Vec<u32> = got.iter().copied().filter(|it| seen.insert(*it)).collect();
    assert_eq!(first, all(100));
    got.sort_unstable();
    assert!(got.chunks(2).all(|pair| pair[0] == pair[1]) && got.len() == 200);
    assert_eq!(world.traffic().duplicated, 100);
    world.links.shape(0, 1, LinkShape::default());
    sender.send_all(0..100);
    assert_eq!(receiver.numbers(101), all(100));
    assert_eq!(world.traffic().duplicated, 100);
}

#[test]
fn late_messages_are_late_and_keep_their_order() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    let (delay_ns, jitter_ns) = (60 * MS, 80 * MS);
    world.shape(|shape| (shape.delay_ns, shape.jitter_ns) = (delay_ns, jitter_ns));
    let began = Instant::now();
    for number in 0..50 {
        sender.send(number);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(receiver.number(LONG), Some(0));
    assert!(began.elapsed() >= Duration::from_nanos(delay_ns));
    let rest = receiver.numbers(49);
    assert_eq!(rest, (1..50).collect::<Vec<_>>());
    assert!(began.elapsed() < Duration::from_secs(1));
    // Not so on a clean link.
    world.links.shape(0, 1, LinkShape::default());
    let began = Instant::now();
    sender.send(0);
    assert_eq!(receiver.number(LONG), Some(0));
    assert!(began.elapsed() < Duration::from_nanos(delay_ns));
}

#[test]
fn messages_that_are_held_back_are_overtaken_and_still_come() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    world.shape(|shape| shape.reorder_ppm = 300_000);
    sender.send_all(0..500);
    let mut got = receiver.numbers(500);
    assert!(!got.is_sorted());
    got.sort_unstable();
    assert_eq!(got, all(500));
    let traffic = world.traffic();
    assert!((80..=220).contains(&traffic.held_back), "{traffic:?}");
    assert!(traffic.reordered > 80, "{traffic:?}");
    // A single one comes too, though nobody overtakes it.
    world.shape(|shape| shape.reorder_ppm = 1_000_000);
    sender.send(0);
    assert_eq!(receiver.number(LONG), Some(0));
    world.links.shape(0, 1, LinkShape::default());
    sender.send_all(0..500);
    assert_eq!(receiver.numbers(500), all(500));
    assert_eq!(world.traffic().since(&traffic).reordered, 0);
}

#[test]
fn a_link_that_is_clean_again_hurries_what_is_under_way_and_keeps_the_order() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    world.shape(|shape| {
        (shape.delay_ns, shape.jitter_ns) = (HOUR_NS, HOUR_NS);
        (shape.reorder_ppm, shape.duplicate_ppm) = (500_000, 0);
    });
    sender.send_all(0..100);
    assert_eq!(receiver.next(SHORT), Got::Nothing);
    world.links.cut(0, 1);
    world.links.mend(0, 1);
    assert_eq!(receiver.next(SHORT), Got::Nothing);
    world.links.shape(0, 1, LinkShape::default());
    sender.send_all(100..200);
    assert_eq!(receiver.numbers(200), all(200));
}

#[test]
fn a_limit_makes_bytes_take_their_time() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    let payload = vec![0; 20_000];
    let mut takes = |world: &World, rate_bytes_s| {
        world.shape(|shape| shape.rate_bytes_s = rate_bytes_s);
        let began = Instant::now();
        for _ in 0..10 {
            sender.frame(Kind::Message, &payload);
        }
        for _ in 0..10 {
            assert!(matches!(receiver.next(LONG), Got::Frame(..)));
        }
        began.elapsed()
    };
    let slow = takes(&world, 400_000);
    let expected = Duration::from_millis(450)..Duration::from_millis(900);
    assert!(expected.contains(&slow), "{slow:?}");
    let free = takes(&world, 0);
    assert!(free < Duration::from_millis(200), "{free:?}");
    // Who waits for a slow link goes on at once when it is fast again.
    world.shape(|shape| shape.rate_bytes_s = 1);
    sender.send_all(0..10);
    assert_eq!(receiver.next(SHORT), Got::Nothing);
    world.links.shape(0, 1, LinkShape::default());
    assert_eq!(receiver.numbers(10), all(10));
}

#[test]
fn slices_come_one_by_one() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    let mut reads = |world: &World, slice_bytes| {
        world.shape(|shape| shape.slice_bytes = slice_bytes);
        receiver.reads = 0;
        sender.frame(Kind::Message, &[0; 10_000]);
        assert!(matches!(receiver.next(LONG), Got::Frame(..)));
        receiver.reads
    };
    let whole = reads(&world, 0);
    assert!(whole <= 3, "{whole} reads");
    let sliced = reads(&world, 2);
    assert!(sliced > 10, "{sliced} reads");
}

#[test]
fn a_reset_takes_the_connection_and_what_is_on_it() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    assert!(!sender.is_closed(SHORT));
    world.shape(|shape| shape.delay_ns = HOUR_NS);
    sender.send_all(0..5);
    std::thread::sleep(SHORT);
    world.shape(|shape| (shape.delay_ns, shape.reset_ppm) = (HOUR_NS, 1_000_000));
    sender.send(5);
    assert_eq!(receiver.next(LONG), Got::Reset);
    assert!(sender.is_closed(LONG));
    assert_eq!((world.traffic().resets, world.traffic().lost), (1, 6));
    // The next connection is as good as ever.
    world.links.shape(0, 1, LinkShape::default());
    let (mut sender, mut receiver) = world.pair();
    sender.send(6);
    assert_eq!(receiver.number(LONG), Some(6));
}

#[test]
fn a_connection_that_is_half_closed_ends_for_the_receiver_and_lives_for_the_sender() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    sender.send(0);
    assert_eq!(receiver.number(LONG), Some(0));
    assert_eq!(receiver.next(SHORT), Got::Nothing);
    world.shape(|shape| shape.half_close_ppm = 1_000_000);
    sender.send(1);
    assert_eq!(receiver.number(LONG), Some(1));
    assert_eq!(receiver.next(LONG), Got::Closed);
    sender.send_all(2..5);
    assert!(!sender.is_closed(SHORT));
    let traffic = world.traffic();
    assert_eq!((traffic.half_closes, traffic.lost, traffic.sent), (1, 3, 5));
    // When the receiver closes too, there is nothing left.
    drop(receiver);
    assert!(sender.is_closed(LONG));
    // One whose receiver never closes ends with the fault.
    let (mut sender, mut receiver) = world.pair();
    sender.send(0);
    assert_eq!(receiver.number(LONG), Some(0));
    assert_eq!(receiver.next(LONG), Got::Closed);
    assert!(!sender.is_closed(SHORT));
    world.links.shape(0, 1, LinkShape::default());
    assert!(sender.is_closed(LONG));
}

#[test]
fn a_dead_node_refuses_and_one_that_is_back_is_found() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    world.links.aim(1, None);
    assert!(sender.is_closed(LONG));
    assert_eq!(receiver.next(LONG), Got::Closed);
    assert!(world.sender().is_closed(LONG));
    let other = listener();
    world
        .links
        .aim(1, Some(other.local_addr().expect("an address")));
    let mut sender = world.sender();
    sender.send(1);
    let mut receiver = accept(&other).expect("a connection comes");
    assert!(matches!(receiver.next(LONG), Got::Frame(Kind::Hello, _)));
    assert_eq!(receiver.number(LONG), Some(1));
    // It dies by itself, and nobody has noticed yet.
    drop((receiver, other));
    assert!(sender.is_closed(LONG));
    assert!(world.sender().is_closed(LONG));
    // A link that is made later knows it too.
    world.links.aim(1, None);
    let door = world.links.open(2, 1).expect("it opens");
    let stream = TcpStream::connect(door).expect("it connects");
    assert!(Sender(stream).is_closed(LONG));
}

#[test]
fn what_is_under_way_comes_though_the_sender_has_gone() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    world.shape(|shape| shape.delay_ns = 100 * MS);
    sender.send_all(0..10);
    drop(sender);
    assert_eq!(receiver.numbers(10), all(10));
    assert_eq!(receiver.next(LONG), Got::Closed);
}

#[test]
fn bytes_that_are_no_frames_end_the_connection_and_nothing_else() {
    let world = World::new();
    let (mut sender, mut receiver) = world.pair();
    sender.send(0);
    sender
        .0
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .expect("it writes");
    assert_eq!(receiver.number(LONG), Some(0));
    assert_eq!(receiver.next(LONG), Got::Closed);
    assert!(sender.is_closed(LONG));
    let (mut sender, mut receiver) = world.pair();
    sender.send(1);
    assert_eq!(receiver.number(LONG), Some(1));
}

#[test]
fn a_receiver_that_does_not_read_is_waited_for_and_a_cut_link_never() {
    let world = World::new();
    let (mut sender, _receiver) = world.pair();
    sender
        .0
        .set_write_timeout(Some(4 * SHORT))
        .expect("a timeout");
    let payload = vec![0; 1 << 20];
    let mut fill = |most: u32| {
        let written = (0..most).take_while(|_| {
            let mut bytes = Vec::new();
            crate::node::frame::append(&mut bytes, Kind::Message, &payload);
            sender.0.write_all(&bytes).is_ok()
        });
        written.count()
    };
    let written = fill(200);
    assert!((16..60).contains(&written), "{written} MiB were taken");
    let (mut sender, _receiver) = world.pair();
    world.links.cut(0, 1);
    for _ in 0..100 {
        sender.frame(Kind::Message, &payload);
    }
    std::thread::sleep(SHORT);
    assert!(world.traffic().blocked >= 100);
}

#[test]
fn closed_links_give_everything_back() {
    let world = World::new();
    let door = world.door();
    let (mut sender, mut receiver) = world.pair();
    sender.send(0);
    assert_eq!(receiver.number(LONG), Some(0));
    world.links.close();
    assert!(sender.is_closed(LONG));
    assert_eq!(receiver.next(LONG), Got::Closed);
    assert!(TcpStream::connect(door).is_err());
    assert!(world.links.open(0, 1).is_err());
    drop(TcpListener::bind(door));
}

#[test]
fn the_same_seed_loses_the_same_and_each_link_draws_for_itself() {
    let lost = |from: u32| {
        let world = World::new();
        world.links.shape(
            from,
            1,
            LinkShape {
                loss_ppm: 500_000,
                ..LinkShape::default()
            },
        );
        let door = world.links.open(from, 1).expect("it opens");
        let mut sender = Sender(TcpStream::connect(door).expect("it connects"));
        sender.frame(Kind::Hello, b"hello");
        sender.send_all(0..200);
        let mut receiver = world.receiver();
        receiver.next(LONG);
        receiver.numbers(200)
    };
    let first = lost(0);
    assert_eq!(first, lost(0));
    assert_ne!(first, lost(2));
}
