//! Client threads: the sans-IO client of the reference store over HTTP.
//!
//! Each thread is a task. Its client decides on attempts, hints and retries; the task carries an attempt to a node and
//! tells the client what became of it. Nothing below it tries again: reqwest is told not to, and what lies under reqwest
//! does so only with a request of which it had not begun to write anything.
//!
//! A connection that could not be made has delivered nothing, and is told as [`Input::Refused`]. Whatever goes wrong later
//! is [`Input::Broken`], be it that a connection that was kept alive died, or that what came back is no reply: the node
//! may have taken the request.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use rupture_protocols::Reply;
use rupture_protocols::client::Input;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::addresses::Addresses;
use crate::client_thread::{Attempt, Begun, ClientThread, Language};
use crate::node::clock::monotonic_ns;
use crate::node::{CLIENT_HEADER, REQUESTS};
use crate::real::Tell;
use crate::{Happening, Invocation, OperationError, TargetError, TargetOptions};

/// How long attempts that an operation left behind stay open after it: their requests may yet arrive.
const LINGER: Duration = Duration::from_secs(1);
/// How long a connection is kept that nobody uses: less than a node keeps it, so that none is closed while a request is
/// on its way.
const IDLE: Duration = Duration::from_secs(3);
/// How long to wait at most until everything open has ended.
const END: Duration = Duration::from_secs(1);

/// What speaks HTTP to nodes: it asks no proxy, follows nothing, and never tries again.
///
/// # Errors
/// What the machine refuses.
pub(super) fn http() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_idle_timeout(IDLE)
        .build()
}

/// All client threads.
pub(super) struct Clients {
    language: Language,
    addresses: Arc<Addresses>,
    threads: Vec<Link>,
}

/// The way to a thread's task.
struct Link {
    /// Whether it has no operation open.
    is_free: Arc<AtomicBool>,
    orders: UnboundedSender<Order>,
}

/// What a task is told.
enum Order {
    Begin(Begun),
    /// End what is open. The channel closes when that is done.
    Stop(std::sync::mpsc::Sender<()>),
}

impl Clients {
    /// Starts the threads that the options ask for. Times are on this machine's monotonic clock, from `origin_ns` on.
    ///
    /// # Errors
    /// A model that the store does not serve.
    #[allow(clippy::needless_pass_by_value)] // Every thread keeps it.
    pub(super) fn new(
        runtime: &Handle,
        options: &TargetOptions,
        name: &'static str,
        addresses: Arc<Addresses>,
        tell: Tell,
        origin_ns: u64,
        http: &reqwest::Client,
    ) -> Result<Self, TargetError> {
        let thread = |number| {
            let (orders, ordered) = unbounded_channel();
            let is_free = Arc::new(AtomicBool::new(true));
            let task = Task {
                number,
                thread: ClientThread::new(options, number),
                is_free: Arc::clone(&is_free),
                attempts: JoinSet::new(),
                http: http.clone(),
                addresses: Arc::clone(&addresses),
                tell: Arc::clone(&tell),
                origin_ns,
            };
            runtime.spawn(task.run(ordered));
            Link { is_free, orders }
        };
        Ok(Self {
            language: Language::new(name, options)?,
            threads: (0..options.threads).map(thread).collect(),
            addresses,
        })
    }

    /// Hands an operation to its thread. Exactly one [`Happening::Completed`] answers it, at the latest at its deadline.
    ///
    /// # Errors
    /// An operation that the store does not know, or a thread that is not free; nothing was sent.
    pub(super) fn begin(&mut self, invocation: &Invocation<'_>) -> Result<(), OperationError> {
        let link = self.threads.get(invocation.thread);
        let is_free = link.map(|link| link.is_free.load(Ordering::Acquire));
        let present = self.addresses.present();
        let begun = self.language.begin(invocation, &present, is_free)?;
        if let Some(link) = link {
            link.is_free.store(false, Ordering::Release);
            if link.orders.send(Order::Begin(begun)).is_err() {
                let ended = "the runtime of the clients has ended".to_owned();
                return Err(self.language.refuse(invocation, ended));
            }
        }
        Ok(())
    }

    /// Ends every open operation as its deadline would, and waits for that.
    pub(super) fn stop(&self) {
        let (ended, wait) = std::sync::mpsc::channel();
        for link in &self.threads {
            // A task that is gone has nothing open.
            let _ = link.orders.send(Order::Stop(ended.clone()));
        }
        drop(ended);
        let _ = wait.recv_timeout(END);
    }
}

/// A client thread at work.
struct Task {
    number: usize,
    thread: ClientThread,
    is_free: Arc<AtomicBool>,
    /// The attempts of the open operation that nothing came back for.
    attempts: JoinSet<Input>,
    http: reqwest::Client,
    addresses: Arc<Addresses>,
    tell: Tell,
    origin_ns: u64,
}

impl Task {
    async fn run(mut self, mut orders: UnboundedReceiver<Order>) {
        let alarm = sleep(Duration::ZERO);
        tokio::pin!(alarm);
        let mut set_ns = None;
        loop {
            let wake_ns = self.thread.wake_ns();
            if let Some(at_ns) = wake_ns.filter(|_| wake_ns != set_ns) {
                let wait_ns = at_ns.saturating_sub(self.now_ns());
                alarm
                    .as_mut()
                    .reset(Instant::now() + Duration::from_nanos(wait_ns));
            }
            set_ns = wake_ns;
            let input = tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Begin(begun)) => self.thread.begin(begun),
                    // The end of time is later than every deadline.
                    Some(Order::Stop(_ended)) => {
                        self.step(Input::Wake, u64::MAX);
                        continue;
                    }
                    None => return self.step(Input::Wake, u64::MAX),
                },
                Some(Ok(input)) = self.attempts.join_next() => input,
                () = &mut alarm, if wake_ns.is_some() => {
                    set_ns = None;
                    Input::Wake
                }
            };
            self.step(input, self.now_ns());
        }
    }

    fn now_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.origin_ns)
    }

    fn step(&mut self, input: Input, now_ns: u64) {
        let present = self.addresses.present();
        let (http, addresses, attempts) = (&self.http, &self.addresses, &mut self.attempts);
        let number = self.number;
        let wanted = self.thread.step(input, now_ns, &present, |attempt| {
            attempts.spawn(deliver(
                http.clone(),
                Arc::clone(addresses),
                number,
                attempt,
            ));
        });
        let Some(completion) = wanted.done else {
            return;
        };
        if !self.attempts.is_empty() {
            let left = std::mem::take(&mut self.attempts);
            tokio::spawn(async move {
                sleep(LINGER).await;
                drop(left);
            });
        }
        self.is_free.store(true, Ordering::Release);
        let thread = self.number;
        (self.tell)(Happening::Completed { thread, completion });
    }
}

/// Carries an attempt to its node, at most once, and says what became of it.
async fn deliver(
    http: reqwest::Client,
    addresses: Arc<Addresses>,
    client: usize,
    attempt: Attempt,
) -> Input {
    let Attempt {
        number: attempt,
        to: from,
        request,
    } = attempt;
    let refused = Input::Refused { attempt, from };
    let broken = Input::Broken { attempt, from };
    let Some(address) = addresses.get(from) else {
        return refused;
    };
    let Ok(body) = serde_json::to_vec(&request) else {
        return refused;
    };
    let call = http
        .post(format!("http://{address}{REQUESTS}"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(CLIENT_HEADER, HeaderValue::from(client))
        .body(body);
    let answer = match call.send().await {
        Ok(response) => response.bytes().await,
        Err(error) if error.is_connect() => return refused,
        Err(_) => return broken,
    };
    let reply = answer
        .ok()
        .and_then(|body| serde_json::from_slice::<Reply>(&body).ok());
    match reply {
        Some(reply) => Input::Reply {
            attempt,
            from,
            reply,
        },
        None => broken,
    }
}
