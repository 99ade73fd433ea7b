//! A node that does what it is told, effect by effect, and tells of every input that it gets.

use rupture_protocols::sim::{Latency, Outside, Sim, SimOptions};
use rupture_protocols::{Context, Input, Node, NodeId};
use serde::{Deserialize, Serialize};

/// A millisecond.
pub(crate) const MS: u64 = 1_000_000;

/// One effect that a puppet is told to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    Save(u32),
    Sync,
    Replace(Vec<u32>),
    Send(NodeId, u32),
    /// Has another puppet do this.
    Order(NodeId, Vec<Act>),
    /// Answers the call that brought the script.
    Reply,
    /// Answers a call of this number.
    ReplyTo(u64),
    WakeAfter(u64),
    WakeAt(u64),
    Say(u32),
}

/// What a puppet tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Started(Vec<u32>),
    Got(NodeId, u32),
    Called(u64),
    /// The monotonic clock then.
    Woke(u64),
    Said(u32),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    Number(u32),
    Script(Vec<Act>),
}

/// See the module. With `on_wake` it does that at each wake-up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Puppet {
    pub(crate) on_wake: Vec<Act>,
    pub(crate) steps: u64,
}

impl Puppet {
    fn act(context: &mut Context<'_, Self>, acts: Vec<Act>, call: Option<u64>) {
        for act in acts {
            match act {
                Act::Save(number) => context.save(number),
                Act::Sync => context.sync(),
                Act::Replace(numbers) => context.replace(numbers),
                Act::Send(to, number) => context.send(to, Message::Number(number)),
                Act::Order(to, acts) => context.send(to, Message::Script(acts)),
                Act::Reply => context.reply(call.expect("a call brought the script"), ()),
                Act::ReplyTo(id) => context.reply(id, ()),
                Act::WakeAfter(ns) => context.wake_at(context.now_ns + ns),
                Act::WakeAt(ns) => context.wake_at(ns),
                Act::Say(number) => context.emit(Told::Said(number)),
            }
        }
    }
}

impl Node for Puppet {
    type Message = Message;
    type Call = Vec<Act>;
    type Reply = ();
    type Record = u32;
    type Event = Told;

    fn step(&mut self, input: Input<Self>, context: &mut Context<'_, Self>) {
        self.steps += 1;
        match input {
            Input::Start { records } => context.emit(Told::Started(records)),
            Input::Message { from, message } => match message {
                Message::Number(number) => context.emit(Told::Got(from, number)),
                Message::Script(acts) => Self::act(context, acts, None),
            },
            Input::Call { id, call } => {
                context.emit(Told::Called(id));
                Self::act(context, call, Some(id));
            }
            Input::Wake => {
                context.emit(Told::Woke(context.now_ns));
                Self::act(context, self.on_wake.clone(), None);
            }
        }
    }
}

/// What reached the outside, and when in true time.
pub(crate) type Seen = Vec<(u64, Outside<Puppet>)>;

/// A world in which every duration is known: links and clients take 1 ms, syncs 10 ms.
pub(crate) fn exact() -> SimOptions {
    SimOptions {
        latency: Latency::fixed(MS),
        client_latency: Latency::fixed(MS),
        sync: Latency::fixed(10 * MS),
        uptime_ns: 0,
        ..SimOptions::default()
    }
}

/// Puppets in the exact world, after they told of their start.
pub(crate) fn puppets(nodes: u32) -> Sim<Puppet> {
    puppets_in(exact(), nodes)
}

/// Puppets, after they told of their start.
pub(crate) fn puppets_in(options: SimOptions, nodes: u32) -> Sim<Puppet> {
    let mut sim = Sim::new(options, 1, nodes, |_| Puppet::default());
    assert_eq!(told(&until(&mut sim, 0)).len(), nodes as usize);
    sim
}

/// Runs to this true time and returns all that reached the outside.
pub(crate) fn until(sim: &mut Sim<Puppet>, limit_ns: u64) -> Seen {
    let mut seen = Vec::new();
    while let Some(outside) = sim.advance(limit_ns) {
        seen.push((sim.now_ns(), outside));
    }
    assert_eq!(sim.now_ns(), limit_ns);
    seen
}

/// Runs for so long and returns all that reached the outside.
pub(crate) fn pass(sim: &mut Sim<Puppet>, ns: u64) -> Seen {
    until(sim, sim.now_ns() + ns)
}

/// What the nodes told among what was seen: when, who and what.
pub(crate) fn told(seen: &Seen) -> Vec<(u64, NodeId, Told)> {
    let told = |(at, outside): &(u64, Outside<Puppet>)| match outside {
        Outside::Event { node, event, .. } => Some((*at, *node, event.clone())),
        _ => None,
    };
    seen.iter().filter_map(told).collect()
}

/// The numbers that this node got from others, in order.
pub(crate) fn got(seen: &Seen, node: NodeId) -> Vec<u32> {
    let number = |(_, who, what): &(u64, NodeId, Told)| match what {
        Told::Got(_, number) if *who == node => Some(*number),
        _ => None,
    };
    told(seen).iter().filter_map(number).collect()
}

/// The numbers that this node said, in order.
pub(crate) fn said(seen: &Seen, node: NodeId) -> Vec<u32> {
    let number = |(_, who, what): &(u64, NodeId, Told)| match what {
        Told::Said(number) if *who == node => Some(*number),
        _ => None,
    };
    told(seen).iter().filter_map(number).collect()
}
