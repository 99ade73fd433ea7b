//! A client of the reference store: it runs one operation at a time, tries again where that is safe, and says in
//! the end whether the operation took effect. Like a node it is a pure state machine; a driver carries its
//! calls to nodes, and brings back replies and what became of connections.
//!
//! # Retries
//! All attempts of an operation carry one idempotency key, so that the store applies only one of them
//! (Ongaro 2014, section 6.3) and a retry is safe even when an earlier attempt may have been executed. A code that
//! is retried ([`is_retried`]) is followed by another attempt after a back-off ([`Policy`]), at the node
//! that was named as leader, or else at the next one in the ring from [`Input::Begin::prefer`]. A leader hint is
//! followed at once, but only a few times before the next back-off, because two nodes of different minds would
//! send a client to and fro for ever. An attempt that is not answered in time is left alone and counts as a `TIMEOUT`.
//!
//! # What may have taken effect is never a failure
//! An attempt is *silent* until something comes back for it. It is *proven not executed*, now and for ever, when
//! nobody listened, or when the node replied with `maybe_executed: false`; all other attempts may have been
//! executed or may still be. When an operation that writes ends without a definitive answer, it ends as
//! [`Outcome::Fail`] only if every one of its attempts is proven not executed, and as [`Outcome::Info`] otherwise.
//!
//! These answers are definitive for the operation, to whichever of its attempts they come, however late, and
//! whatever the other attempts are doing:
//!
//! - *A response that is not a refusal.* The command took effect once, and this is what its first application was
//!   answered. Attempts that are executed later find the key in the table of sessions and change nothing.
//! - *A refusal by the store* ([`Response::Refused`]). The first application of the key was refused and had no
//!   effect. The table keeps the refusal, so that every other attempt is refused as well, even if the
//!   command could succeed by now.
//! - *Any response to a command that changes nothing.* Each attempt of it is executed while the operation runs.
//!
//! These are not:
//!
//! - *An error of whichever code.* It speaks of its own attempt alone: a `LEADER_NOT_FOUND` after a `TIMEOUT`
//!   proves nothing about the attempt that timed out. To an attempt that the client has left alone it changes
//!   nothing but what is known of that attempt.
//! - *`DUPLICATE_REQUEST`, and [`Response::Duplicate`] likewise.* Trying again is pointless, but nothing is proven.
//!   The key may be in use by this very operation; and if it is another one's, the table holds that only
//!   for a time, after which an attempt that lingers would be applied. A write that ends so is `Info`, whatever
//!   the reply says of its execution.
//!
//! # What this rests on
//! A call is delivered to a node at most once. `maybe_executed: false` is a promise about the future as well. No attempt
//! lingers for longer than the store keeps answers ([`RETENTION_NS`]). So that an operation cannot outlive its
//! own answer, none runs for longer than half of that, whatever its deadline.
//!
//! It knows of no protocol: any system answers it that takes requests of the store and replies with [`Reply`].
//! Deliberately absent: terms and logs, and several operations at once; a driver that wants those has
//! several clients.

mod operation;
mod settings;

pub use settings::{Settings, SettingsError};

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::node::NodeId;
use crate::random::Stream;
use crate::reply::Reply;
#[cfg(doc)]
use crate::retry::Policy;
use crate::retry::is_retried;
use crate::store::{Command, RETENTION_NS, Request, Response};
use operation::{Answer, Operation, Phase};

/// What happens to a client.
#[derive(Clone, Debug)]
pub enum Input {
    /// Run this operation. One that is still running is ended first, as its deadline would end it.
    Begin {
        /// Names the operation; no other operation of whichever client has the same.
        request_id: String,
        /// What to do.
        command: Command,
        /// When to give up, on the clock of [`Context::now_ns`].
        deadline_ns: u64,
        /// The node to try first.
        prefer: NodeId,
    },
    /// A node replied to an attempt.
    Reply {
        /// Which attempt.
        attempt: u64,
        /// Which node.
        from: NodeId,
        /// What it said.
        reply: Reply,
    },
    /// Nobody listens there: the attempt was not delivered and never will be.
    Refused {
        /// Which attempt.
        attempt: u64,
        /// Which node.
        from: NodeId,
    },
    /// The connection died before a reply: the attempt may have been delivered.
    Broken {
        /// Which attempt.
        attempt: u64,
        /// Which node.
        from: NodeId,
    },
    /// The time of the last [`Effect::WakeAt`] has come. Waking a client too early or for nothing does no harm.
    Wake,
}

/// What a client wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Deliver this call, at most once.
    Call {
        /// Names the attempt in what comes back; no two attempts of a client have the same.
        attempt: u64,
        /// To whom.
        to: NodeId,
        /// What.
        request: Request,
    },
    /// Wake me at this time. Only the last one counts.
    WakeAt(u64),
    /// The operation is over.
    Done(Outcome),
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It took effect exactly once, and was answered thus.
    Ok(Response),
    /// It had no effect and never will have one.
    Fail(Failure),
    /// It may have taken effect, or may take effect later. The code says why no more was found out.
    Info(ErrorCode),
}

/// Why an operation had no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The store refused it, for this reason.
    Refused(String),
    /// No attempt was executed; this is what the last one ended with.
    Code(ErrorCode),
}

/// When a client is, and what it may use, while it takes a step.
#[derive(Debug)]
pub struct Context<'a> {
    /// This client's monotonic clock in nanoseconds.
    pub now_ns: u64,
    /// The nodes to try, in any order.
    pub nodes: &'a [NodeId],
    /// This client's own stream of random numbers.
    pub random: &'a mut Stream,
    /// What the client wants done, in order.
    pub effects: &'a mut Vec<Effect>,
}

/// One client.
#[derive(Clone, Debug)]
pub struct Client {
    settings: Settings,
    operation: Option<Operation>,
    /// How many attempts there were, of all operations.
    attempts: u64,
    /// The last [`Effect::WakeAt`] that has not come.
    armed_ns: Option<u64>,
    answered_last: Option<NodeId>,
    /// To whom every retry without a hint goes; `None` goes through all nodes.
    stays_with: Option<NodeId>,
}

impl Client {
    /// A client that has nothing to do. Settings that do not validate make it give up early, nothing worse.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            operation: None,
            attempts: 0,
            armed_ns: None,
            answered_last: None,
            stays_with: None,
        }
    }

    /// Whether an operation is running.
    pub fn is_busy(&self) -> bool {
        self.operation.is_some()
    }

    /// The node that answered the last operation which was answered: a good one to prefer next.
    pub fn answered_last(&self) -> Option<NodeId> {
        self.answered_last
    }

    /// Whether retries that follow no hint go to this node again, from now on, and never to another one of the
    /// client's own choice. What is answered then shows that this node serves, or knows who does.
    pub fn stay_with(&mut self, node: Option<NodeId>) {
        self.stays_with = node;
    }

    /// Takes one input, changes state, and pushes effects.
    pub fn step(&mut self, input: Input, context: &mut Context<'_>) {
        match input {
            Input::Begin {
                request_id,
                command,
                deadline_ns,
                prefer,
            } => {
                self.give_up(context);
                let deadline_ns = deadline_ns.min(context.now_ns.saturating_add(RETENTION_NS / 2));
                let operation = Operation::new(&request_id, command, deadline_ns, prefer);
                self.operation = Some(operation);
                if context.now_ns < deadline_ns {
                    self.call(prefer, context);
                }
            }
            Input::Reply {
                attempt,
                from,
                reply,
            } => self.answered(attempt, from, Answer::from(reply), context),
            Input::Refused { attempt, from } => {
                self.answered(attempt, from, Answer::REFUSED, context);
            }
            Input::Broken { attempt, from } => {
                self.answered(attempt, from, Answer::BROKEN, context);
            }
            Input::Wake => self.armed_ns = None,
        }
        self.look_at_the_clock(context);
        self.arm(context);
    }

    /// Sends the next attempt to this node.
    fn call(&mut self, to: NodeId, context: &mut Context<'_>) {
        let Some(operation) = &mut self.operation else {
            return;
        };
        let attempt = self.attempts;
        self.attempts += 1;
        let timeout_ns = self.settings.attempt_timeout_ns();
        operation.attempt(attempt, to, context.now_ns.saturating_add(timeout_ns));
        let request = operation.request();
        context.effects.push(Effect::Call {
            attempt,
            to,
            request,
        });
    }

    /// Takes what came back for an attempt, be it the last one or an earlier one of this operation.
    fn answered(&mut self, attempt: u64, from: NodeId, answer: Answer, context: &mut Context<'_>) {
        let Some(operation) = &mut self.operation else {
            return;
        };
        let Some(is_current) = operation.learn(attempt, &answer) else {
            return;
        };
        match answer {
            Answer::Definitive(outcome) => {
                self.answered_last = Some(from);
                self.finish(outcome, context);
            }
            Answer::Error { code, hint, .. } if is_current => {
                let hint = hint.filter(|it| *it != from && context.nodes.contains(it));
                self.failed(code, hint, context);
            }
            Answer::Error { .. } => {}
        }
    }

    /// The last attempt has failed: give up, follow the hint, or wait and try again.
    fn failed(&mut self, code: ErrorCode, hint: Option<NodeId>, context: &mut Context<'_>) {
        let Some(operation) = &mut self.operation else {
            return;
        };
        operation.code = code;
        operation.phase = Phase::Exhausted;
        if !is_retried(code) {
            return self.give_up(context);
        }
        let hint = hint.filter(|_| self.settings.follow_leader);
        if let Some(leader) = hint.filter(|_| operation.redirects < self.settings.redirects) {
            operation.redirects += 1;
            return self.call(leader, context);
        }
        if operation.rounds < self.settings.policy.attempts {
            let delay_ns = self
                .settings
                .policy
                .delay_ns(operation.rounds, context.random);
            let at_ns = context.now_ns.saturating_add(delay_ns);
            let to = match hint {
                Some(leader) => leader,
                None if self.stays_with.is_some() => self.stays_with.unwrap_or(operation.last_to),
                None if self.settings.follow_leader => next_node(context.nodes, operation.last_to),
                None => operation.last_to,
            };
            operation.back_off(at_ns, to);
        }
    }

    /// Does what is due: ends a silent attempt, tries again, ends the operation.
    fn look_at_the_clock(&mut self, context: &mut Context<'_>) {
        let now_ns = context.now_ns;
        let Some(operation) = &self.operation else {
            return;
        };
        if now_ns >= operation.deadline_ns {
            return self.give_up(context);
        }
        if matches!(operation.phase, Phase::Calling { until_ns, .. } if now_ns >= until_ns) {
            self.failed(ErrorCode::Timeout, None, context);
        }
        let Some(operation) = &mut self.operation else {
            return;
        };
        match operation.phase {
            Phase::Waiting { until_ns, to } if now_ns >= until_ns => {
                operation.begin_round();
                self.call(to, context);
            }
            Phase::Exhausted if !operation.may_be_answered() => self.give_up(context),
            Phase::Calling { .. } | Phase::Waiting { .. } | Phase::Exhausted => {}
        }
    }

    /// Ends the operation without a definitive answer, if there is one.
    fn give_up(&mut self, context: &mut Context<'_>) {
        if let Some(operation) = &self.operation {
            self.finish(operation.verdict(), context);
        }
    }

    fn finish(&mut self, outcome: Outcome, context: &mut Context<'_>) {
        self.operation = None;
        context.effects.push(Effect::Done(outcome));
    }

    /// Asks to be woken when something is due, unless that was asked already.
    fn arm(&mut self, context: &mut Context<'_>) {
        let due_ns = self.operation.as_ref().map(Operation::due_ns);
        if due_ns != self.armed_ns
            && let Some(due_ns) = due_ns
        {
            context.effects.push(Effect::WakeAt(due_ns));
        }
        self.armed_ns = due_ns;
    }
}

/// The node that comes after this one in the ring of all nodes, ascending; this one itself if there is no other.
pub fn next_node(nodes: &[NodeId], after: NodeId) -> NodeId {
    let greater = nodes.iter().filter(|it| **it > after).min();
    greater.or(nodes.iter().min()).copied().unwrap_or(after)
}
