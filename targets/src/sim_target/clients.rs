//! The client threads in the simulator.

use rupture_protocols::client::Input;
use rupture_protocols::{NodeId, Reply, call_id, count_of};

use super::{Alarm, SimTarget};
use crate::client_thread::{ClientThread, Language};
use crate::protocol::Protocol;
use crate::{Happening, Invocation, OperationError, TargetError, TargetOptions};

/// All client threads.
pub(super) struct Clients {
    threads: Vec<ClientThread>,
    language: Language,
}

impl Clients {
    pub(super) fn new(target: &'static str, options: &TargetOptions) -> Result<Self, TargetError> {
        let thread = |number| ClientThread::new(options, number);
        Ok(Self {
            threads: (0..options.threads).map(thread).collect(),
            language: Language::new(target, options)?,
        })
    }
}

impl<P: Protocol> SimTarget<P> {
    pub(super) fn begin(&mut self, invocation: &Invocation<'_>) -> Result<(), OperationError> {
        let thread = invocation.thread;
        let Clients { threads, language } = &mut self.clients;
        let is_free = threads.get(thread).map(ClientThread::is_free);
        let begun = language.begin(invocation, &self.present, is_free)?;
        if let Some(free) = threads.get_mut(thread) {
            let input = free.begin(begun);
            self.client(thread, input);
        }
        Ok(())
    }

    /// Has a client take a step, and does what it wants.
    fn client(&mut self, thread: usize, input: Input) {
        let Some(this) = self.clients.threads.get_mut(thread) else {
            return;
        };
        let sim = &mut self.sim;
        let now_ns = sim.now_ns();
        let wanted = this.step(input, now_ns, &self.present, |attempt| {
            let client = thread as u32;
            let id = call_id(client, attempt.number);
            sim.call(client, attempt.to, id, P::request(attempt.request));
        });
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
        let wake_ns = threads.get(thread).and_then(ClientThread::wake_ns);
        if wake_ns.is_some_and(|at_ns| at_ns <= now_ns) {
            self.client(thread, Input::Wake);
        }
    }

    pub(super) fn reply(&mut self, client: u32, id: u64, from: NodeId, reply: Reply) {
        let attempt = count_of(id);
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
        let attempt = count_of(id);
        let input = if is_refused {
            Input::Refused { attempt, from }
        } else {
            Input::Broken { attempt, from }
        };
        self.client(client as usize, input);
    }
}
