//! The client threads: one sans-IO client of the protocol each.

use rupture_protocols::client::{Client, Context, Effect, Input, Settings};
use rupture_protocols::random::{Stream, stream};
use rupture_protocols::sim::Sim;
use rupture_protocols::{NodeId, Reply};

use super::{Alarm, SimTarget};
use crate::operations::{Model, Sent, command, completion};
use crate::protocol::Protocol;
use crate::{Happening, Invocation, OperationError, TargetOptions};

/// How long a client waits for one node before it asks another: the greatest election timeout. By then a cluster that
/// can elect a leader at all is about to, and a node that has said nothing is likely to be cut off.
const ATTEMPT_TIMEOUT_MS: u64 = 300;

/// A call is named by its thread and, in the lower bits, the attempt of its client.
const ATTEMPT_BITS: u32 = 40;

/// All client threads.
pub(super) struct Clients {
    threads: Vec<Thread>,
    model: Model,
    independent: bool,
    effects: Vec<Effect>,
}

struct Thread {
    client: Client,
    random: Stream,
    sent: Option<Sent>,
    /// When the client wants to be woken; earlier alarms are void.
    wake_ns: Option<u64>,
}

impl Clients {
    pub(super) fn new(options: &TargetOptions, model: Model) -> Self {
        let thread = |number: usize| Thread {
            client: Client::new(Settings {
                attempt_timeout_ms: ATTEMPT_TIMEOUT_MS,
                ..Settings::default()
            }),
            random: stream(options.seed, &format!("client {number}")),
            sent: None,
            wake_ns: None,
        };
        Self {
            threads: (0..options.threads).map(thread).collect(),
            model,
            independent: options.independent,
            effects: Vec::new(),
        }
    }

    /// Has a client take a step, and carries its calls out. What it wants besides is returned.
    fn step<P: Protocol>(
        &mut self,
        thread: usize,
        input: Input,
        sim: &mut Sim<P::Node>,
        nodes: &[NodeId],
    ) -> Wanted {
        let mut wanted = Wanted::default();
        let Some(this) = self.threads.get_mut(thread) else {
            return wanted;
        };
        let mut context = Context {
            now_ns: sim.now_ns(),
            nodes,
            random: &mut this.random,
            effects: &mut self.effects,
        };
        this.client.step(input, &mut context);
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Call {
                    attempt,
                    to,
                    request,
                } => {
                    let id = ((thread as u64) << ATTEMPT_BITS) | attempt;
                    sim.call(thread as u32, to, id, P::request(request));
                }
                Effect::WakeAt(at_ns) => {
                    this.wake_ns = Some(at_ns);
                    wanted.wake_ns = Some(at_ns);
                }
                Effect::Done(outcome) => {
                    this.wake_ns = None;
                    wanted.wake_ns = None;
                    wanted.done = this.sent.take().map(|sent| completion(sent, outcome));
                }
            }
        }
        wanted
    }
}

/// What a client wants of the world besides calls.
#[derive(Default)]
struct Wanted {
    wake_ns: Option<u64>,
    done: Option<crate::Completion>,
}

impl<P: Protocol> SimTarget<P> {
    pub(super) fn begin(&mut self, invocation: &Invocation<'_>) -> Result<(), OperationError> {
        let refuse = |expected: String| OperationError {
            target: P::NAME,
            f: invocation.f.to_owned(),
            value: invocation.value.to_string(),
            expected,
        };
        let thread = invocation.thread;
        let Clients {
            model, independent, ..
        } = self.clients;
        let Some(free) = self.clients.threads.get_mut(thread) else {
            return Err(refuse(format!("there is no thread {thread}")));
        };
        if free.sent.is_some() {
            return Err(refuse(format!("thread {thread} has an operation open")));
        }
        let (f, value) = (invocation.f, invocation.value);
        let (command, sent) = command(model, independent, thread, f, value).map_err(refuse)?;
        free.sent = Some(sent);
        let prefer = self.present[invocation.node % self.present.len()];
        let input = Input::Begin {
            request_id: invocation.request_id.to_string(),
            command,
            deadline_ns: invocation.deadline_ns,
            prefer,
        };
        let stays_with = invocation.stays.then_some(prefer);
        self.clients.threads[thread].client.stay_with(stays_with);
        self.client(thread, input);
        Ok(())
    }

    fn client(&mut self, thread: usize, input: Input) {
        let wanted = self
            .clients
            .step::<P>(thread, input, &mut self.sim, &self.present);
        if let Some(at_ns) = wanted.wake_ns {
            self.set_alarm(Alarm::Client(thread), at_ns);
        }
        if let Some(completion) = wanted.done {
            let completed = Happening::Completed { thread, completion };
            self.happened.push_back(completed);
        }
    }

    pub(super) fn wake(&mut self, thread: usize) {
        let now_ns = self.sim.now_ns();
        let threads = &self.clients.threads;
        let wake_ns = threads.get(thread).and_then(|thread| thread.wake_ns);
        if wake_ns.is_some_and(|at_ns| at_ns <= now_ns) {
            self.client(thread, Input::Wake);
        }
    }

    pub(super) fn reply(&mut self, client: u32, id: u64, from: NodeId, reply: Reply) {
        let attempt = attempt_of(id);
        let input = Input::Reply {
            attempt,
            from,
            reply,
        };
        self.client(client as usize, input);
    }

    /// A call that ended without a reply: nobody listened, or the node crashed with it.
    pub(super) fn no_reply(&mut self, client: u32, id: u64, from: NodeId, is_refused: bool) {
        if client == self.admin.client() {
            return self.ask_later();
        }
        let attempt = attempt_of(id);
        let input = if is_refused {
            Input::Refused { attempt, from }
        } else {
            Input::Broken { attempt, from }
        };
        self.client(client as usize, input);
    }
}

fn attempt_of(id: u64) -> u64 {
    id & ((1 << ATTEMPT_BITS) - 1)
}
