//! What an untouched link costs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use super::super::Links;
use super::ends::runtime;
use crate::node::frame::{Kind, append};

/// Sends back what comes on a connection, over another way.
fn echo(listener: TcpListener, back: SocketAddr) {
    std::thread::spawn(move || {
        let (mut from, _) = listener.accept().expect("a connection");
        let mut to = TcpStream::connect(back).expect("it connects");
        to.set_nodelay(true).expect("no delay");
        let mut bytes = [0; 16_384];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
    });
}

/// The round trips of a small frame there and back, in nanoseconds, sorted.
fn round_trips(there: SocketAddr, back: &TcpListener, rounds: usize) -> Vec<u128> {
    let mut hello = Vec::new();
    append(&mut hello, Kind::Hello, b"hello");
    let mut to = TcpStream::connect(there).expect("it connects");
    to.set_nodelay(true).expect("no delay");
    to.write_all(&hello).expect("it writes");
    let (mut from, _) = back.accept().expect("a connection");
    let mut bytes = vec![0; hello.len()];
    from.read_exact(&mut bytes).expect("it reads");
    let mut frame = Vec::new();
    append(&mut frame, Kind::Message, &[1; 100]);
    let mut answer = vec![0; frame.len()];
    let mut times = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        to.write_all(&frame).expect("it writes");
        from.read_exact(&mut answer).expect("it reads");
        times.push(began.elapsed().as_nanos());
    }
    times.sort_unstable();
    times
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("it listens");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

#[test]
#[ignore = "measures; run it alone with --release --nocapture"]
fn how_long_a_round_trip_takes_and_how_much_passes() {
    let runtime = runtime();
    for through_links in [false, true] {
        let ((here, at_here), (there, at_there)) = (listener(), listener());
        let links = Links::new(runtime.handle().clone(), 1);
        links.aim(0, Some(at_here));
        links.aim(1, Some(at_there));
        let way = |from, to, direct| {
            if through_links {
                links.open(from, to).expect("it opens")
            } else {
                direct
            }
        };
        echo(there, way(1, 0, at_here));
        let times = round_trips(way(0, 1, at_there), &here, 50_000);
        let at = |percent: usize| times[times.len() * percent / 100] as f64 / 1000.0;
        println!(
            "through links: {through_links}: round trip p50 {:.1} us, p99 {:.1} us",
            at(50),
            at(99)
        );
    }
    for size in [100, 10_000, 1_000_000] {
        let (there, at_there) = listener();
        let links = Links::new(runtime.handle().clone(), 1);
        links.aim(1, Some(at_there));
        let mut batch = Vec::new();
        append(&mut batch, Kind::Hello, b"hello");
        let hello = batch.len();
        let frames = 200_000_000 / size;
        let mut to = TcpStream::connect(links.open(0, 1).expect("it opens")).expect("it connects");
        let writes = std::thread::spawn(move || {
            for _ in 0..frames {
                append(&mut batch, Kind::Message, &vec![1; size]);
                if batch.len() > 65_536 {
                    to.write_all(&batch).expect("it writes");
                    batch.clear();
                }
            }
            to.write_all(&batch).expect("it writes");
        });
        let (mut from, _) = there.accept().expect("a connection");
        let began = Instant::now();
        let mut left = hello + frames * (size + 9);
        let mut bytes = vec![0; 1 << 20];
        while left > 0 {
            left -= from.read(&mut bytes).expect("it reads");
        }
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "frames of {size} bytes: {:.0} MB/s, {:.0} frames/s",
            200.0 / seconds,
            frames as f64 / seconds
        );
        writes.join().expect("it writes");
    }
}
