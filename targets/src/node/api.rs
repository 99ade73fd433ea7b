//! What a node serves to clients, over HTTP and JSON.
//!
//! - `POST /v1/requests` takes a [`store::Request`] and answers a [`Reply`]: with 200 what was done, with another status
//!   what was not. The status repeats what the reply says, for people and proxies; a client needs the reply alone.
//! - `POST /v1/changes` takes a [`Change`] of the cluster from whoever knows its token, and answers likewise.
//! - `GET /metrics`, `GET /healthz` and `GET /openapi.json`, which describes all of it and is held against it by a test.
//!
//! What cannot be understood is answered by a [`Problem`], and has not reached the node.

mod connections;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, http};
use rupture_protocols::{ErrorCode, Reply, store};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::inbox::{Call, Inbox, Input};
use crate::protocol::Change;
use connections::Limits;

/// Where clients put what they ask of the store.
pub(crate) const REQUESTS: &str = "/v1/requests";
/// The header in which a client may say which of all it is: a number that no other one gives.
pub(crate) const CLIENT_HEADER: &str = "x-rupture-client";
/// Where administrators put what they ask of the cluster, with its token in the header [`TOKEN_HEADER`].
pub(crate) const CHANGES: &str = "/v1/changes";

/// The header in which an administrator shows the token of the cluster.
pub(crate) const TOKEN_HEADER: &str = "x-rupture-token";

/// Everything that is served.
const ROUTES: [(Method, &str); 5] = [
    (Method::POST, REQUESTS),
    (Method::POST, CHANGES),
    (Method::GET, "/metrics"),
    (Method::GET, "/healthz"),
    (Method::GET, "/openapi.json"),
];
const OPENAPI: &str = include_str!("api/openapi.json");
const JSON: &str = "application/json";

/// How long a body may be, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// How long a body may take.
const BODY: Duration = Duration::from_secs(5);
/// How long a call waits for the node. Deadlines are the clients' own, and shorter.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one who asks how the node is waits for it.
const GLANCE: Duration = Duration::from_secs(2);

/// Serves clients until the runtime ends. An empty token lets everybody change the cluster.
pub(crate) fn serve(
    runtime: &Handle,
    name: &'static str,
    token: &str,
    listener: TcpListener,
    inbox: Inbox,
) {
    let api = Api {
        name,
        token: token.to_owned(),
        inbox,
        patience: PATIENCE,
    };
    runtime.spawn(connections::serve(listener, router(api), Limits::default()));
}

/// A node as its clients see it.
struct Api {
    /// The system that it runs.
    name: &'static str,
    token: String,
    inbox: Inbox,
    patience: Duration,
}

fn router(api: Api) -> Router {
    Router::new()
        .route(REQUESTS, post(take_request))
        .route(CHANGES, post(take_change))
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .route("/openapi.json", get(openapi))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(Arc::new(api))
}

async fn take_request(State(api): State<Arc<Api>>, request: Request) -> Response {
    let client = match client(request.headers()) {
        Ok(client) => client,
        Err(problem) => return problem.with(StatusCode::BAD_REQUEST),
    };
    match read::<store::Request>(request, "a request").await {
        Ok(request) if request.idempotency_key.is_empty() => Problem::new(
            "the idempotency key is empty: all attempts of one operation carry the same, and no other operation does",
        )
        .with(StatusCode::BAD_REQUEST),
        Ok(request) => api.call(client, Call::Request(request)).await,
        Err(problem) => problem,
    }
}

/// Which client asks; 0 where it does not say.
fn client(headers: &HeaderMap) -> Result<u32, Problem> {
    let Some(given) = headers.get(CLIENT_HEADER) else {
        return Ok(0);
    };
    let number = given.to_str().ok().and_then(|it| it.parse::<u32>().ok());
    let number = number.filter(|it| *it < 1 << 24);
    number.ok_or_else(|| {
        Problem::new(format!(
            "the header `{CLIENT_HEADER}` is a number below 16777216"
        ))
    })
}

async fn take_change(State(api): State<Arc<Api>>, request: Request) -> Response {
    if !api.lets_in(request.headers()) {
        let problem = Problem::new(format!(
            "changes of the cluster need its token, in the header `{TOKEN_HEADER}`"
        ));
        return problem.with(StatusCode::FORBIDDEN);
    }
    match read::<Change>(request, "a change").await {
        Ok(change) => api.call(0, Call::Change(change)).await,
        Err(problem) => problem,
    }
}

async fn metrics(State(api): State<Arc<Api>>) -> Response {
    match api.glance().await {
        Some(metrics) => {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            ([(CONTENT_TYPE, kind)], metrics).into_response()
        }
        None => silent(),
    }
}

async fn health(State(api): State<Arc<Api>>) -> Response {
    match api.glance().await {
        Some(_) => {
            let health = serde_json::json!({ "status": "ok", "system": api.name });
            json(StatusCode::OK, health.to_string())
        }
        None => silent(),
    }
}

async fn openapi() -> Response {
    json(StatusCode::OK, OPENAPI)
}

/// Whoever asks for something that is not served is told what is.
async fn unknown(method: Method, uri: Uri) -> Response {
    let path = uri.path();
    if let Some((right, _)) = ROUTES.iter().find(|(_, served)| *served == path) {
        let problem = Problem::new(format!("{path} takes {right}, not {method}"));
        return problem.with(StatusCode::METHOD_NOT_ALLOWED);
    }
    let routes = ROUTES.map(|(method, path)| format!("{method} {path}"));
    let routes = routes.join(", ");
    let problem = Problem::new(format!("nothing is served at {path}; there are {routes}"));
    problem.with(StatusCode::NOT_FOUND)
}

fn silent() -> Response {
    let problem = Problem::new("the node does not answer: it hangs, is busy, or is about to end");
    problem.with(StatusCode::SERVICE_UNAVAILABLE)
}

impl Api {
    /// Has the node take a call, and waits for its answer.
    async fn call(&self, client: u32, call: Call) -> Response {
        let (answer, answered) = oneshot::channel();
        let input = Input::Call {
            client,
            call,
            answer,
        };
        if self.inbox.offer(input).is_err() {
            return encoded(StatusCode::SERVICE_UNAVAILABLE, &turned_away());
        }
        let reply = match timeout(self.patience, answered).await {
            Ok(Ok(reply)) => reply,
            // The node says nothing, or has ended with the call in its hands.
            Ok(Err(_)) | Err(_) => Reply::Error {
                code: ErrorCode::Timeout,
                leader: None,
                maybe_executed: true,
            },
        };
        encoded(status(&reply), &reply)
    }

    /// The node's metrics, if it answers at all.
    async fn glance(&self) -> Option<String> {
        let (answer, answered) = oneshot::channel();
        self.inbox.offer(Input::Metrics { answer }).ok()?;
        timeout(GLANCE, answered).await.ok()?.ok()
    }

    /// Whether these are the headers of somebody who may change the cluster.
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(TOKEN_HEADER).map(HeaderValue::as_bytes);
        self.token.is_empty() || given.is_some_and(|given| is_same(given, self.token.as_bytes()))
    }
}

/// Whether a secret was given, in a time that does not tell how much of it was right.
fn is_same(given: &[u8], secret: &[u8]) -> bool {
    let differences = given.iter().zip(secret).fold(0, |so_far, (given, secret)| {
        std::hint::black_box(so_far | (given ^ secret))
    });
    given.len() == secret.len() && differences == 0
}

/// What is answered when nothing more can be taken: the call has not reached the node.
fn turned_away() -> Reply {
    Reply::Error {
        code: ErrorCode::Timeout,
        leader: None,
        maybe_executed: false,
    }
}

/// The status that goes with a reply.
fn status(reply: &Reply) -> StatusCode {
    let Reply::Error { code, .. } = reply else {
        return StatusCode::OK;
    };
    match code {
        ErrorCode::LeaderNotFound => StatusCode::MISDIRECTED_REQUEST,
        ErrorCode::QuorumUnreachable | ErrorCode::NetworkPartitionHealing => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorCode::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorCode::InvalidTerm | ErrorCode::DuplicateRequest => StatusCode::CONFLICT,
        ErrorCode::PermanentFailure => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn encoded(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => json(status, body),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = http::Response::new(body.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(JSON);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// What was wrong with what somebody sent.
#[derive(Debug, Serialize)]
struct Problem {
    /// What, and what would be right.
    error: String,
    /// Where in the body, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

impl Problem {
    fn new(error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            line: None,
            column: None,
        }
    }

    fn with(&self, status: StatusCode) -> Response {
        encoded(status, self)
    }
}

/// Reads a body, which is to be this (`a request`).
async fn read<T: DeserializeOwned>(request: Request, what: &str) -> Result<T, Response> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.map(HeaderValue::as_bytes).unwrap_or_default();
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    if !kind.trim_ascii().eq_ignore_ascii_case(JSON.as_bytes()) {
        let problem = Problem::new(format!(
            "the body must be {what} in JSON: send the header `content-type: {JSON}`"
        ));
        return Err(problem.with(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let body = match timeout(BODY, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let problem = Problem::new(format!("the body is longer than {MOST_BYTES} bytes"));
            return Err(problem.with(StatusCode::PAYLOAD_TOO_LARGE));
        }
        Ok(Err(rejection)) => {
            let problem = Problem::new(rejection.body_text());
            return Err(problem.with(StatusCode::BAD_REQUEST));
        }
        Err(_) => {
            let seconds = BODY.as_secs();
            let problem = Problem::new(format!("the body did not arrive within {seconds} s"));
            return Err(problem.with(StatusCode::REQUEST_TIMEOUT));
        }
    };
    serde_json::from_slice(&body).map_err(|error| {
        let problem = Problem {
            error: format!("the body is not {what}: {error}; see /openapi.json"),
            line: Some(error.line()),
            column: Some(error.column()),
        };
        problem.with(StatusCode::BAD_REQUEST)
    })
}
