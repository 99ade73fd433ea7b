//! How fast client threads are where nothing else takes time.

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::*;

async fn answer(
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<hyper::Response<Body>, Infallible> {
    let _ = to_bytes(Body::new(request.into_body()), usize::MAX).await;
    Ok(hyper::Response::new(Body::from(r#"{"Ok":"Done"}"#)))
}

/// A server that answers at once, on a thread of its own.
fn instant() -> (Runtime, SocketAddr) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let io = TokioIo::new(stream);
            tokio::spawn(http1::Builder::new().serve_connection(io, service_fn(answer)));
        }
    });
    (runtime, address)
}

#[test]
#[ignore = "a measurement: run it alone, in release, with --nocapture"]
fn operations_a_second_against_a_server_that_answers_at_once() {
    let (_server, address) = instant();
    for threads in [1, 20, 100] {
        let options = TargetOptions {
            threads,
            ..options()
        };
        let mut fixture = Fixture::new(&options, &[Some(address)]);
        let mut begun_ns = vec![0; threads];
        let mut took_ns = Vec::new();
        let start_ns = fixture.now_ns();
        let mut free: Vec<usize> = (0..threads).collect();
        while fixture.now_ns() - start_ns < 3_000 * MS {
            for thread in free.drain(..) {
                begun_ns[thread] = fixture.now_ns();
                let begun = fixture.begin(thread, "write", &Value::Int(1), 60_000 * MS);
                begun.expect("it is known");
            }
            let first = fixture.completed.recv().unwrap();
            for (thread, completion) in std::iter::once(first).chain(fixture.completed.try_iter()) {
                assert_eq!(completion.kind, Kind::Ok);
                took_ns.push(monotonic_ns() - fixture.origin_ns - begun_ns[thread]);
                free.push(thread);
            }
        }
        took_ns.sort_unstable();
        let at = |permille: usize| took_ns[took_ns.len() * permille / 1000] / 1_000;
        eprintln!(
            "{threads} threads: {} operations a second, p50 {} us, p99 {} us",
            took_ns.len() / 3,
            at(500),
            at(990)
        );
    }
}
