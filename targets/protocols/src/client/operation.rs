//! One operation of a client: its attempts, what is known of each, and what follows from that.

use super::{Failure, Outcome};
use crate::error::ErrorCode;
use crate::node::NodeId;
use crate::reply::Reply;
use crate::store::{Command, Request, Response};

/// An operation that is running.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    request: Request,
    changes_nothing: bool,
    /// When it ends at the latest.
    pub(super) deadline_ns: u64,
    attempts: Vec<Attempt>,
    /// Attempts so far, those not counted that followed a hint at once.
    pub(super) rounds: u32,
    /// Hints that were followed at once since the last back-off.
    pub(super) redirects: u32,
    /// To whom the last attempt went.
    pub(super) last_to: NodeId,
    /// What the last attempt that ended, ended with.
    pub(super) code: ErrorCode,
    /// What it is doing.
    pub(super) phase: Phase,
}

/// What an operation is doing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// It waits for a reply to this attempt, until then.
    Calling { attempt: u64, until_ns: u64 },
    /// It waits to make the next attempt there, then.
    Waiting { until_ns: u64, to: NodeId },
    /// It makes no further attempts; one that is silent may still be answered.
    Exhausted,
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    id: u64,
    fate: Fate,
}

/// What is known of an attempt that was not answered definitively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing came back yet: it may be executed, and may be answered.
    Silent,
    /// It may be executed, and nothing more will be learned of it.
    Unknown,
    /// It was not executed and never will be.
    Never,
}

/// What came back for an attempt.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// What settles the operation.
    Definitive(Outcome),
    /// What does not.
    Error {
        code: ErrorCode,
        hint: Option<NodeId>,
        maybe_executed: bool,
    },
}

impl Answer {
    /// Nobody listens: as good as a node that is not the leader.
    pub(super) const REFUSED: Self = Self::Error {
        code: ErrorCode::LeaderNotFound,
        hint: None,
        maybe_executed: false,
    };
    /// The connection died: as good as a reply that did not come in time.
    pub(super) const BROKEN: Self = Self::Error {
        code: ErrorCode::Timeout,
        hint: None,
        maybe_executed: true,
    };
    /// The key is in use, and that proves nothing.
    const DUPLICATE: Self = Self::Error {
        code: ErrorCode::DuplicateRequest,
        hint: None,
        maybe_executed: true,
    };
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Ok(Response::Duplicate)
            | Reply::Error {
                code: ErrorCode::DuplicateRequest,
                ..
            } => Self::DUPLICATE,
            Reply::Ok(Response::Refused(reason)) => {
                Self::Definitive(Outcome::Fail(Failure::Refused(reason)))
            }
            Reply::Ok(response) => Self::Definitive(Outcome::Ok(response)),
            Reply::Error {
                code,
                leader,
                maybe_executed,
            } => Self::Error {
                code,
                hint: leader,
                maybe_executed,
            },
        }
    }
}

impl Operation {
    /// An operation without attempts.
    pub(super) fn new(
        request_id: &str,
        command: Command,
        deadline_ns: u64,
        prefer: NodeId,
    ) -> Self {
        let idempotency_key = format!("{request_id}:{}", command.operation_type());
        Self {
            changes_nothing: command.is_read_only(),
            request: Request {
                idempotency_key,
                command,
            },
            deadline_ns,
            attempts: Vec::new(),
            rounds: 1,
            redirects: 0,
            last_to: prefer,
            code: ErrorCode::Timeout,
            phase: Phase::Exhausted,
        }
    }

    /// What every attempt asks.
    pub(super) fn request(&self) -> Request {
        self.request.clone()
    }

    /// An attempt goes to a node.
    pub(super) fn attempt(&mut self, id: u64, to: NodeId, until_ns: u64) {
        let fate = Fate::Silent;
        self.attempts.push(Attempt { id, fate });
        self.last_to = to;
        self.phase = Phase::Calling {
            attempt: id,
            until_ns,
        };
    }

    /// The next attempt is to go to this node at this time, if that is before the deadline.
    pub(super) fn back_off(&mut self, until_ns: u64, to: NodeId) {
        if until_ns < self.deadline_ns {
            self.phase = Phase::Waiting { until_ns, to };
        }
    }

    /// A back-off is over.
    pub(super) fn begin_round(&mut self) {
        self.rounds += 1;
        self.redirects = 0;
    }

    /// Takes in what came back for an attempt, and says whether the operation waits for that one; `None` when it is
    /// no attempt of this operation.
    ///
    /// What is known never changes: a node replies once, and nothing is learned from what comes after that or after
    /// the connection died, but for a definitive answer.
    pub(super) fn learn(&mut self, id: u64, answer: &Answer) -> Option<bool> {
        let attempt = self.attempts.iter_mut().find(|it| it.id == id)?;
        if let Answer::Error { maybe_executed, .. } = answer
            && attempt.fate == Fate::Silent
        {
            attempt.fate = if *maybe_executed {
                Fate::Unknown
            } else {
                Fate::Never
            };
        }
        Some(matches!(self.phase, Phase::Calling { attempt, .. } if attempt == id))
    }

    /// Whether a definitive answer can still come.
    pub(super) fn may_be_answered(&self) -> bool {
        self.attempts.iter().any(|it| it.fate == Fate::Silent)
    }

    /// How it ends if it ends now.
    pub(super) fn verdict(&self) -> Outcome {
        let code = match self.phase {
            Phase::Calling { .. } => ErrorCode::Timeout,
            Phase::Waiting { .. } | Phase::Exhausted => self.code,
        };
        if self.changes_nothing || self.attempts.iter().all(|it| it.fate == Fate::Never) {
            Outcome::Fail(Failure::Code(code))
        } else {
            Outcome::Info(code)
        }
    }

    /// When something is to be done without anything having come.
    pub(super) fn due_ns(&self) -> u64 {
        match self.phase {
            Phase::Calling { until_ns, .. } | Phase::Waiting { until_ns, .. } => {
                until_ns.min(self.deadline_ns)
            }
            Phase::Exhausted => self.deadline_ns,
        }
    }
}
