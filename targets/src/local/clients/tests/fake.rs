//! A node that does what it is told to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rupture_protocols::{Reply, store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// What it does with a request that it has read.
#[derive(Clone)]
pub(super) enum Act {
    Reply(Reply),
    /// Replies, keeps the connection for a moment, and closes it.
    ReplyAndClose(Reply),
    Late(Duration, Reply),
    /// Answers with this status and body.
    Body(u16, Vec<u8>),
    /// Writes this.
    Raw(String),
    Silence,
    Reset,
    Close,
    CloseInTheBody,
}

pub(super) struct Fake {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    /// It ends with this.
    _runtime: Runtime,
}

struct Shared {
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    act: Box<dyn Fn(usize) -> Act + Send + Sync>,
}

impl Fake {
    /// One that does this with the request of a number, from 0.
    pub(super) fn new(act: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            act: Box::new(act),
        });
        let serving = shared.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Self {
            address,
            shared,
            _runtime: runtime,
        }
    }

    /// The idempotency keys of the requests that arrived, in order.
    pub(super) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

/// The next request of a connection; `None` when there is none.
async fn next(stream: &mut TcpStream) -> Option<store::Request> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let (_, length) = head.split_once("content-length: ")?;
        let length: usize = length.lines().next()?.parse().ok()?;
        if body.len() >= length {
            return Some(serde_json::from_str(body).unwrap());
        }
    }
}

fn message(status: u16, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} So\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn reply(reply: &Reply) -> Vec<u8> {
    let body = serde_json::to_vec(reply).unwrap();
    message(200, body.len(), &body)
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Some(request) = next(&mut stream).await {
        let number = {
            let mut requests = shared.requests.lock().unwrap();
            requests.push(request.idempotency_key);
            requests.len() - 1
        };
        let mut closes = None;
        let answer = match (shared.act)(number) {
            Act::Reply(it) => reply(&it),
            Act::ReplyAndClose(it) => {
                closes = Some(Duration::from_micros(number as u64 % 7 * 40));
                reply(&it)
            }
            Act::Late(after, it) => {
                sleep(after).await;
                reply(&it)
            }
            Act::Body(status, body) => message(status, body.len(), &body),
            Act::Raw(text) => text.into_bytes(),
            Act::Silence => return sleep(Duration::from_secs(30)).await,
            Act::Reset => {
                let _ = stream.set_zero_linger();
                return;
            }
            Act::Close => return,
            Act::CloseInTheBody => {
                closes = Some(Duration::ZERO);
                message(200, 100, b"{\"Ok\":\"Done\"}")
            }
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
        if let Some(after) = closes {
            return sleep(after).await;
        }
    }
}
