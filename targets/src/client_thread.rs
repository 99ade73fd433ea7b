//! What a client thread is in every world: a sans-IO client, its stream of random numbers and its open operation.
//!
//! A world carries the calls to nodes, brings back what became of them, and wakes the thread when it asks for that.

use rupture_protocols::NodeId;
use rupture_protocols::client::{Client, Context, Effect, Input, Settings};
use rupture_protocols::random::{Stream, stream};
use rupture_protocols::store::{Command, Request};

use crate::operations::{Model, Sent, command, completion};
use crate::{Completion, Invocation, OperationError, TargetError, TargetOptions};

/// How long a client waits for one node before it asks another: the greatest election timeout. By then a cluster that
/// can elect a leader at all is about to, and a node that has said nothing is likely to be cut off.
const ATTEMPT_TIMEOUT_MS: u64 = 300;

/// What the operations of a run mean, to all its threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Language {
    /// The target, for whoever reads of an operation that it does not know.
    target: &'static str,
    model: Model,
    independent: bool,
}

/// An operation that a thread is to begin.
#[derive(Debug)]
pub(crate) struct Begun {
    sent: Sent,
    request_id: String,
    command: Command,
    deadline_ns: u64,
    prefer: NodeId,
    stays: bool,
}

/// A client thread.
#[derive(Debug)]
pub(crate) struct ClientThread {
    client: Client,
    random: Stream,
    sent: Option<Sent>,
    /// When the client wants to be woken; earlier alarms are void.
    wake_ns: Option<u64>,
    effects: Vec<Effect>,
}

/// A call that a client wants delivered, at most once.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Comes back in what becomes of it.
    pub(crate) number: u64,
    pub(crate) to: NodeId,
    pub(crate) request: Request,
}

/// What a client wants of the world besides calls.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// To be woken then, and no longer when it asked before.
    pub(crate) wake_ns: Option<u64>,
    /// To tell how its operation ended.
    pub(crate) done: Option<Completion>,
}

impl Language {
    /// What the options say that operations mean.
    ///
    /// # Errors
    /// A model that the store does not serve.
    pub(crate) fn new(target: &'static str, options: &TargetOptions) -> Result<Self, TargetError> {
        let model = Model::of(&options.model).ok_or_else(|| TargetError::Settings {
            target: target.to_owned(),
            reason: format!("the store does not serve the model {}", options.model),
        })?;
        Ok(Self {
            target,
            model,
            independent: options.independent,
        })
    }

    /// Why an invocation cannot be begun.
    pub(crate) fn refuse(&self, invocation: &Invocation<'_>, expected: String) -> OperationError {
        OperationError {
            target: self.target,
            f: invocation.f.to_owned(),
            value: invocation.value.to_string(),
            expected,
        }
    }

    /// What an invocation means, where these nodes are there to be asked. `is_free` says whether its thread has no
    /// operation open, and is `None` when there is no such thread.
    ///
    /// # Errors
    /// An operation that the store does not know, or that nobody can begin.
    pub(crate) fn begin(
        &self,
        invocation: &Invocation<'_>,
        present: &[NodeId],
        is_free: Option<bool>,
    ) -> Result<Begun, OperationError> {
        let refuse = |expected| self.refuse(invocation, expected);
        let thread = invocation.thread;
        match is_free {
            Some(true) => {}
            Some(false) => return Err(refuse(format!("thread {thread} has an operation open"))),
            None => return Err(refuse(format!("there is no thread {thread}"))),
        }
        let position = invocation.node.checked_rem(present.len());
        let Some(prefer) = position.and_then(|position| present.get(position)) else {
            return Err(refuse("there is no node to send it to".to_owned()));
        };
        let (model, independent) = (self.model, self.independent);
        let (f, value) = (invocation.f, invocation.value);
        let (command, sent) = command(model, independent, thread, f, value).map_err(refuse)?;
        Ok(Begun {
            sent,
            request_id: invocation.request_id.to_string(),
            command,
            deadline_ns: invocation.deadline_ns,
            prefer: *prefer,
            stays: invocation.stays,
        })
    }
}

impl ClientThread {
    /// The thread of this number, from 0.
    pub(crate) fn new(options: &TargetOptions, number: usize) -> Self {
        let settings = Settings {
            attempt_timeout_ms: ATTEMPT_TIMEOUT_MS,
            follow_leader: options.follow,
            ..Settings::default()
        };
        Self {
            client: Client::new(settings),
            random: stream(options.seed, &format!("client {number}")),
            sent: None,
            wake_ns: None,
            effects: Vec::new(),
        }
    }

    /// Whether it has no operation open.
    pub(crate) fn is_free(&self) -> bool {
        self.sent.is_none()
    }

    /// When the client wants to be woken by [`Input::Wake`].
    pub(crate) fn wake_ns(&self) -> Option<u64> {
        self.wake_ns
    }

    /// The input that begins an operation.
    pub(crate) fn begin(&mut self, begun: Begun) -> Input {
        self.sent = Some(begun.sent);
        self.client.stay_with(begun.stays.then_some(begun.prefer));
        Input::Begin {
            request_id: begun.request_id,
            command: begun.command,
            deadline_ns: begun.deadline_ns,
            prefer: begun.prefer,
        }
    }

    /// Takes a step, and hands out what is to be delivered.
    pub(crate) fn step(
        &mut self,
        input: Input,
        now_ns: u64,
        nodes: &[NodeId],
        mut deliver: impl FnMut(Attempt),
    ) -> Wanted {
        let mut context = Context {
            now_ns,
            nodes,
            random: &mut self.random,
            effects: &mut self.effects,
        };
        self.client.step(input, &mut context);
        let mut wanted = Wanted::default();
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Call {
                    attempt: number,
                    to,
                    request,
                } => deliver(Attempt {
                    number,
                    to,
                    request,
                }),
                Effect::WakeAt(at_ns) => {
                    self.wake_ns = Some(at_ns);
                    wanted.wake_ns = Some(at_ns);
                }
                Effect::Done(outcome) => {
                    self.wake_ns = None;
                    wanted.wake_ns = None;
                    wanted.done = self.sent.take().map(|sent| completion(sent, outcome));
                }
            }
        }
        wanted
    }
}
