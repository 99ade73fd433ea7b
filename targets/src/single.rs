//! A store on one node, the smallest system there is: `n1` keeps everything on its disk and answers, and the others know
//! only where it is. It is the example of how a target is made, and a baseline to compare replicated ones with.

use std::sync::Arc;

use rupture_protocols::store::{Request, Store};
use rupture_protocols::{Context, ErrorCode, Input, Node, NodeId, Reply};

use crate::entry::{TargetInfo, Worlds};
use crate::observe::Told;
use crate::operations::MODELS;
use crate::options::MutantInfo;
use crate::protocol::{Change, Members, Protocol};
use crate::{RecoveryClaim, TargetError, TargetOptions};

const NAME: &str = "single";
/// The one that answers.
const SERVER: NodeId = 0;
const NO_SYNC: &str = "no-sync";

/// This target, for people.
pub(crate) fn info() -> TargetInfo {
    TargetInfo {
        name: NAME,
        about: "a store on one node, which the others only point to",
        mutants: vec![MutantInfo {
            name: NO_SYNC,
            about: "answers before what was written is on the disk",
            models: MODELS,
        }],
        models: MODELS,
        reads: vec!["local"],
        settings: Vec::new(),
        invariants: None,
        worlds: Worlds::of::<OnOne>(),
    }
}

struct OnOne {
    syncs: bool,
}

/// A node of it.
#[derive(Debug)]
struct Single {
    serves: bool,
    syncs: bool,
    store: Store,
}

impl Node for Single {
    type Message = ();
    type Call = Request;
    type Reply = Reply;
    /// What was asked and when: the store is made of it again after a crash.
    type Record = (u64, Request);
    type Event = ();

    fn step(&mut self, input: Input<Self>, context: &mut Context<'_, Self>) {
        match input {
            Input::Start { records } => {
                for (at_ns, request) in records {
                    self.store.apply(at_ns, &request, true);
                }
            }
            Input::Call { id, .. } if !self.serves => {
                let reply = Reply::Error {
                    code: ErrorCode::LeaderNotFound,
                    leader: Some(SERVER),
                    maybe_executed: false,
                };
                context.reply(id, reply);
            }
            Input::Call { id, call } if call.command.is_read_only() => {
                context.reply(id, Reply::Ok(self.store.read(&call.command)));
            }
            Input::Call { id, call } => {
                let response = self.store.apply(context.now_ns, &call, true);
                context.save((context.now_ns, call));
                if self.syncs {
                    context.sync();
                }
                context.reply(id, Reply::Ok(response));
            }
            Input::Message { .. } | Input::Wake => {}
        }
    }
}

impl Protocol for OnOne {
    type Node = Single;

    const NAME: &'static str = NAME;

    fn told_by(options: &TargetOptions) -> Result<Self, TargetError> {
        let syncs = options.mutant.as_deref() != Some(NO_SYNC);
        Ok(Self { syncs })
    }

    fn node(&self, id: NodeId) -> Single {
        Single {
            serves: id == SERVER,
            syncs: self.syncs,
            store: Store::default(),
        }
    }

    fn request(request: Request) -> Request {
        request
    }

    fn change(_: Change) -> Option<Request> {
        None
    }

    fn leads(node: &Single) -> bool {
        node.serves
    }

    fn members((): &()) -> Option<Members> {
        None
    }

    fn told((): ()) -> Option<Arc<dyn Told>> {
        None
    }

    fn metrics(_: &Single, _: &str) -> String {
        String::new()
    }

    fn recovery(&self) -> Option<RecoveryClaim> {
        Some(RecoveryClaim {
            within_ns: 10_000_000_000,
            answers_ns: 5_000_000_000,
            holds: "its disk keeps what it synced, and links lose nothing",
        })
    }
}
