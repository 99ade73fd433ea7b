//! The interface alone; [`served`] holds it on real connections.

mod schema;
mod served;

use std::sync::mpsc::{Receiver, channel};

use axum::http::header::ALLOW;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use proptest::prelude::*;
use rand::RngExt;
use rupture_protocols::random::{Stream, stream};
use rupture_protocols::store::{Command, Response as Stored};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::*;
use crate::node::inbox::inbox;

/// An interface before a node that answers everything at once, and tells what reached it.
struct Fixture {
    runtime: Runtime,
    service: TowerToHyperService<Router>,
    reached: Receiver<Call>,
}

fn api(token: &str, inbox: Inbox) -> Api {
    Api {
        name: "single",
        token: token.to_owned(),
        inbox,
        patience: Duration::from_millis(100),
    }
}

fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap()
}

/// A node that gives every call the same answer, and ends with its inbox.
fn node(answer: impl Fn(&Call) -> Option<Reply> + Send + 'static) -> (Inbox, Receiver<Call>) {
    let (inbox, outbox) = inbox();
    let (tell, reached) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok(input) = outbox.wait(Duration::from_secs(1)) {
            match input {
                Some(Input::Call {
                    call, answer: to, ..
                }) => {
                    let reply = answer(&call);
                    let _ = tell.send(call);
                    match reply {
                        Some(reply) => drop(to.send(reply)),
                        None => kept.push(to),
                    }
                }
                Some(Input::Metrics { answer }) => drop(answer.send("up 1\n".to_owned())),
                _ => {}
            }
        }
    });
    (inbox, reached)
}

#[allow(clippy::unnecessary_wraps)] // As the others that may be silent.
fn done(_: &Call) -> Option<Reply> {
    Some(Reply::Ok(Stored::Done))
}

impl Fixture {
    fn new(token: &str, answer: impl Fn(&Call) -> Option<Reply> + Send + 'static) -> Self {
        let (inbox, reached) = node(answer);
        Self {
            runtime: runtime(),
            service: TowerToHyperService::new(router(api(token, inbox))),
            reached,
        }
    }

    fn send(&self, request: http::Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        self.runtime.block_on(async {
            let Ok(response) = self.service.call(request).await;
            let (head, body) = response.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            (head.status, head.headers, body.to_vec())
        })
    }

    fn post(&self, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = http::Request::post(path).header(CONTENT_TYPE, JSON);
        let (status, _, body) = self.send(request.body(body.into()).unwrap());
        (status, serde_json::from_slice(&body).unwrap())
    }
}

fn read_request() -> Value {
    json!({ "idempotency_key": "1:read", "command": { "Read": { "Int": 3 } } })
}

#[test]
fn a_request_reaches_the_node_and_its_answer_the_client() {
    let fixture = Fixture::new("", done);
    let (status, body) = fixture.post(REQUESTS, read_request().to_string());
    assert_eq!((status, body), (StatusCode::OK, json!({ "Ok": "Done" })));
    let Ok(Call::Request(request)) = fixture.reached.try_recv() else {
        panic!("it did not reach the node");
    };
    assert_eq!(serde_json::to_value(request).unwrap(), read_request());
}

#[test]
fn every_code_has_a_status_of_an_error_and_its_reply_as_the_body() {
    for code in ErrorCode::ALL {
        let error = Reply::Error {
            code,
            leader: Some(2),
            maybe_executed: false,
        };
        let answer = error.clone();
        let fixture = Fixture::new("", move |_| Some(answer.clone()));
        let (status, body) = fixture.post(REQUESTS, read_request().to_string());
        assert!(
            status.is_client_error() || status.is_server_error(),
            "{code}"
        );
        assert_eq!(serde_json::from_value::<Reply>(body).unwrap(), error);
    }
}

#[test]
fn what_is_wrong_is_said_and_where() {
    let fixture = Fixture::new("", done);
    let long = format!("\"{}\"", "a".repeat(MOST_BYTES));
    for (path, body, status, said) in [
        (REQUESTS, "{\n \"command\": }", 400, "line 2 column 13"),
        (REQUESTS, "", 400, "EOF"),
        (
            REQUESTS,
            r#"{"idempotency_key":"a","command":{"Reed":"Nil"}}"#,
            400,
            "`Read`",
        ),
        (
            REQUESTS,
            r#"{"idempotency_key":"a","command":{"Add":["Nil",1.5]}}"#,
            400,
            "i64",
        ),
        (
            REQUESTS,
            r#"{"idempotency_key":"a","command":"Balances","deadline":1}"#,
            400,
            "deadline",
        ),
        (
            REQUESTS,
            r#"{"idempotency_key":"a","command":{"Release":{"key":"Nil","token":1,"x":1}}}"#,
            400,
            "`x`",
        ),
        (
            REQUESTS,
            r#"{"idempotency_key":"","command":"Balances"}"#,
            400,
            "key is empty",
        ),
        (REQUESTS, &long, 413, "1048576 bytes"),
        (CHANGES, r#"{"grow":1}"#, 400, "hand-over"),
        (CHANGES, r#"{"add":-1}"#, 400, "u32"),
        ("/v1/request", "{}", 404, "POST /v1/requests"),
        ("/metrics", "{}", 405, "GET"),
    ] {
        let (was, problem) = fixture.post(path, body.to_owned());
        assert_eq!(was.as_u16(), status, "{problem}");
        let error = problem["error"].as_str().unwrap();
        assert!(error.contains(said), "{error}");
        if status == 400 && !error.contains("key is empty") {
            assert!(problem["line"].is_u64() && problem["column"].is_u64());
        }
    }
    let request = http::Request::post(REQUESTS).body(Body::from(read_request().to_string()));
    let (status, _, body) = fixture.send(request.unwrap());
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("application/json")
    );
    let (status, headers, _) =
        fixture.send(http::Request::get(REQUESTS).body(Body::empty()).unwrap());
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(headers[ALLOW], "POST");
    assert!(
        fixture.reached.try_recv().is_err(),
        "nothing may reach the node"
    );
}

#[test]
fn whoever_changes_the_cluster_must_know_its_token() {
    let change = || Body::from(r#"{"add":3}"#);
    let fixture = Fixture::new("secret", done);
    for (given, status) in [
        (None, 403),
        (Some(""), 403),
        (Some("secrex"), 403),
        (Some("secret2"), 403),
        (Some("secre"), 403),
        (Some("secret"), 200),
    ] {
        let mut request = http::Request::post(CHANGES).header(CONTENT_TYPE, JSON);
        if let Some(given) = given {
            request = request.header(TOKEN_HEADER, given);
        }
        let (was, ..) = fixture.send(request.body(change()).unwrap());
        assert_eq!(was.as_u16(), status, "{given:?}");
        let reached = fixture.reached.try_recv();
        assert_eq!(reached.is_ok(), status == 200, "{given:?}");
    }
    let open = Fixture::new("", done);
    assert_eq!(open.post(CHANGES, change()).0, StatusCode::OK);
    assert!(matches!(
        open.reached.try_recv(),
        Ok(Call::Change(Change::Add(3)))
    ));
}

#[test]
fn a_node_that_is_full_has_executed_nothing_and_a_silent_one_may_have() {
    let error = |maybe_executed| {
        let code = "TIMEOUT";
        json!({ "Error": { "code": code, "leader": null, "maybe_executed": maybe_executed } })
    };
    let silent = Fixture::new("", |_| None);
    let answer = silent.post(REQUESTS, read_request().to_string());
    assert_eq!(answer, (StatusCode::GATEWAY_TIMEOUT, error(true)));

    let (inbox, outbox) = inbox();
    while inbox.offer(Input::Stop).is_ok() {}
    let mut full = Fixture::new("", done);
    full.service = TowerToHyperService::new(router(api("", inbox)));
    let answer = full.post(REQUESTS, read_request().to_string());
    assert_eq!(answer, (StatusCode::SERVICE_UNAVAILABLE, error(false)));
    let health = http::Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(full.send(health).0, StatusCode::SERVICE_UNAVAILABLE);
    drop(outbox);
    let answer = full.post(REQUESTS, read_request().to_string());
    assert_eq!(answer, (StatusCode::SERVICE_UNAVAILABLE, error(false)));
}

#[test]
fn the_document_names_the_routes_and_every_one_is_served() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut described: Vec<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let mut served = ROUTES
        .map(|(method, path)| (method.to_string(), path.to_owned()))
        .to_vec();
    described.sort();
    served.sort();
    assert_eq!(described, served);
    let fixture = Fixture::new("", done);
    for (method, path) in ROUTES {
        let request = http::Request::builder().method(method.clone()).uri(path);
        let (status, headers, body) = fixture.send(request.body(Body::empty()).unwrap());
        let expected = if method == Method::GET { 200 } else { 415 };
        assert_eq!(status.as_u16(), expected, "{path}");
        assert!(
            !body.is_empty() && headers.contains_key(CONTENT_TYPE),
            "{path}"
        );
        let method = method.as_str().to_lowercase();
        let answers = &document["paths"][path][method]["responses"];
        assert!(answers[status.as_str()].is_object(), "{path}: {status}");
    }
    let (_, _, body) = fixture.send(
        http::Request::get("/openapi.json")
            .body(Body::empty())
            .unwrap(),
    );
    assert_eq!(body, OPENAPI.as_bytes());
}

/// What serde knows as the variants of a type: it lists them when it is given another.
fn variants<T: DeserializeOwned>() -> Vec<String> {
    let Err(error) = serde_json::from_str::<T>("\"?\"") else {
        panic!("there is a variant `?`");
    };
    let error = error.to_string();
    let names = error.split('`').skip(3).step_by(2);
    names.map(str::to_owned).collect()
}

/// Holds a schema against a type: the same variants, and whatever the schema generates is one value of the type, which
/// is written as it was read.
fn agree<T: Serialize + DeserializeOwned>(document: &Value, name: &str, has_variants: bool) {
    let schema = &document["components"]["schemas"][name];
    let described = schema::variants(schema);
    if has_variants {
        let mut known = variants::<T>();
        let mut described = described.clone();
        known.sort();
        described.sort();
        assert_eq!(known, described, "{name}");
    }
    let mut random = stream(7, name);
    let branches = schema["oneOf"].as_array();
    let branches = branches.map_or(vec![schema], |branches| branches.iter().collect());
    for branch in branches {
        for _ in 0..200 {
            let value = schema::generate(document, branch, &mut random, 4);
            assert!(schema::accepts(document, schema, &value), "{value}");
            let text = value.to_string();
            let read: T = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{name} does not read {text}: {error}"));
            assert_eq!(serde_json::to_value(&read).unwrap(), value);
        }
    }
}

#[test]
fn the_document_describes_what_is_read_and_written() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    agree::<Command>(&document, "Command", true);
    agree::<store::Micro>(&document, "Micro", true);
    agree::<store::Datum>(&document, "Datum", true);
    agree::<Stored>(&document, "Response", true);
    agree::<ErrorCode>(&document, "ErrorCode", true);
    agree::<Reply>(&document, "Reply", true);
    agree::<Change>(&document, "Change", true);
    agree::<store::Request>(&document, "Request", false);
    let examples = document["components"]["schemas"]["Request"]["examples"].as_array();
    for example in examples.unwrap() {
        serde_json::from_value::<store::Request>(example.clone()).unwrap();
    }
    let problem = serde_json::to_value(Problem::new("bad")).unwrap();
    let schema = &document["components"]["schemas"]["Problem"];
    assert!(schema::accepts(&document, schema, &problem));
}

/// A valid body, and then a few bytes of it changed, dropped, doubled or cut off.
fn mutated(path: &str, random: &mut Stream) -> Vec<u8> {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let name = if path == REQUESTS {
        "Request"
    } else {
        "Change"
    };
    let schema = &document["components"]["schemas"][name];
    let valid = schema::generate(&document, schema, random, 4);
    let mut body = valid.to_string().into_bytes();
    for _ in 0..random.random_range(0..3) {
        let at = random.random_range(0..body.len().max(1));
        let other = body.get(random.random_range(0..body.len().max(1)));
        let other = other.copied().unwrap_or(b'{');
        match random.random_range(0..5) {
            0 if at < body.len() => body[at] = random.random(),
            1 if at < body.len() => body[at] = other,
            2 if at < body.len() => drop(body.remove(at)),
            3 => body.insert(at.min(body.len()), other),
            _ => body.truncate(at),
        }
    }
    body
}

/// Sends a body: the node is reached exactly when it is valid, and with what it says.
fn hold(fixture: &Fixture, path: &str, body: Vec<u8>) {
    let expected = if path == REQUESTS {
        let request = serde_json::from_slice::<store::Request>(&body).ok();
        let request = request.filter(|request| !request.idempotency_key.is_empty());
        request.map(|request| format!("{:?}", Call::Request(request)))
    } else {
        let change = serde_json::from_slice(&body).ok();
        change.map(|change| format!("{:?}", Call::Change(change)))
    };
    let (status, answer) = fixture.post(path, body);
    let reached = fixture.reached.try_recv().ok();
    assert_eq!(reached.map(|call| format!("{call:?}")), expected);
    if expected.is_some() {
        assert_eq!(status, StatusCode::OK);
    } else {
        assert!(status.is_client_error(), "{status} {answer}");
        assert!(answer["error"].is_string());
    }
}

#[test]
fn whatever_a_body_is_only_a_valid_one_reaches_the_node() {
    let fixture = Fixture::new("", done);
    let mut random = stream(11, "bodies");
    for number in 0..4_000 {
        let path = if number % 4 == 0 { CHANGES } else { REQUESTS };
        let body = mutated(path, &mut random);
        hold(&fixture, path, body);
    }
    let deep = format!("{}{}", r#"{"List":["#.repeat(50_000), "]}".repeat(50_000));
    hold(&fixture, REQUESTS, deep.into_bytes());
}

proptest! {
    #[test]
    fn random_bytes_reach_nobody(body in prop::collection::vec(any::<u8>(), 0..200)) {
        thread_local! {
            static FIXTURE: Fixture = Fixture::new("", done);
        }
        FIXTURE.with(|fixture| hold(fixture, REQUESTS, body));
    }
}
