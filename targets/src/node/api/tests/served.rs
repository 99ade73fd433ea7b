//! The interface on real connections.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use rand::RngExt;
use rupture_protocols::random::stream;
use tokio::runtime::Runtime;

use super::*;

/// A node's interface on loopback.
fn listen(runtime: &Runtime, inbox: Inbox, limits: Limits) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(connections::serve(listener, router(api("", inbox)), limits));
    address
}

/// Sends bytes over a connection of their own, says that there is no more, and takes what comes back.
fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // The other side may hang up in the middle.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn message(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {REQUESTS} HTTP/1.1\r\nhost: n1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[test]
fn no_bytes_on_a_connection_break_the_server() {
    let (inbox, _reached) = node(done);
    let runtime = runtime();
    let address = listen(&runtime, inbox, Limits::default());
    let mut random = stream(13, "connections");
    for number in 0..600 {
        let mut bytes = if number % 3 == 0 {
            (0..random.random_range(1..300))
                .map(|_| random.random())
                .collect()
        } else {
            message(read_request().to_string().as_bytes())
        };
        for _ in 0..random.random_range(0..4) {
            let at = random.random_range(0..bytes.len());
            bytes[at] = random.random();
        }
        let answer = exchange(address, &bytes);
        assert!(
            !answer.starts_with(b"HTTP/1.1 5"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    // It serves on, and keeps a connection for more than one request.
    let mut stream = TcpStream::connect(address).unwrap();
    for _ in 0..3 {
        stream
            .write_all(&message(read_request().to_string().as_bytes()))
            .unwrap();
        let mut answer = [0; 1024];
        let length = stream.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with(r#"{"Ok":"Done"}"#), "{answer}");
    }
}

#[test]
fn who_is_one_too_many_is_told_so_and_who_is_too_slow_is_cut_off() {
    let (inbox, reached) = node(done);
    let runtime = runtime();
    let limits = Limits {
        connections: 5,
        header: Duration::from_secs(3),
    };
    let address = listen(&runtime, inbox, limits);
    let mut slow: Vec<TcpStream> = (0..5)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    for stream in &mut slow {
        stream
            .write_all(b"POST /v1/requests HTTP/1.1\r\nho")
            .unwrap();
    }
    let request = message(read_request().to_string().as_bytes());
    let answer = exchange(address, &request);
    let text = String::from_utf8_lossy(&answer);
    assert!(
        text.starts_with("HTTP/1.1 503") && text.ends_with("false}}"),
        "{text}"
    );
    assert!(reached.try_recv().is_err());
    for stream in &mut slow {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        assert!(
            !matches!(stream.read(&mut [0; 1]), Ok(1..)),
            "it is cut off"
        );
    }
    let begun = Instant::now();
    while !exchange_whole(address, &request).starts_with(b"HTTP/1.1 200") {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "there is room again"
        );
    }
}

/// Sends a message, and takes the first of what comes back.
fn exchange_whole(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = vec![0; 1024];
    let length = stream.read(&mut answer).unwrap_or(0);
    answer.truncate(length);
    answer
}
