//! The connections that clients have with a node: how many, and how slow they may be.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::turned_away;

/// How many connections there may be, and how slow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many are served at a time.
    pub(super) connections: usize,
    /// How long the header of a request may take, counted from the end of the one before: an idle connection ends too.
    pub(super) header: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            header: Duration::from_secs(5),
        }
    }
}

/// How many more are told at a time that there are too many.
const TURNED_AWAY: usize = 64;
/// How much of a header is taken, in bytes.
const MOST_HEADER_BYTES: usize = 64 << 10;
/// How long one who is turned away may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long to wait when the machine gives no connection: its files have run out, and some will be closed.
const BREATH: Duration = Duration::from_millis(50);

/// Takes connections, for ever.
pub(super) async fn serve(listener: TcpListener, router: Router, limits: Limits) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let hall = Arc::new(Semaphore::new(TURNED_AWAY));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(MOST_HEADER_BYTES);
    let service = TowerToHyperService::new(router);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(BREATH).await;
            continue;
        };
        // An answer is one packet: nothing is to wait for more.
        let _ = stream.set_nodelay(true);
        if let Ok(place) = Arc::clone(&room).try_acquire_owned() {
            let connection = http.serve_connection(TokioIo::new(stream), service.clone());
            tokio::spawn(async move {
                // Whatever ends a connection is known to the one at its other end.
                let _ = connection.await;
                drop(place);
            });
        } else if let Ok(place) = Arc::clone(&hall).try_acquire_owned() {
            tokio::spawn(async move {
                let _ = timeout(GOODBYE, turn_away(stream)).await;
                drop(place);
            });
        }
    }
}

/// Answers whatever is asked that it was not taken.
async fn turn_away(mut stream: TcpStream) -> std::io::Result<()> {
    let mut ignored = [0; 4096];
    if stream.read(&mut ignored).await? == 0 {
        return Ok(());
    }
    let body = serde_json::to_string(&turned_away())?;
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // A close with something unread would take the answer back.
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
