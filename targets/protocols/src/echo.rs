//! The smallest node that keeps a network busy, for benches and for tests of the simulator.
//!
//! It plays ball: when it starts it serves a number of balls to every other node, and it throws each ball
//! that reaches it back to where it came from. It also says back what a client tells it. It keeps nothing
//! on disk and sets no timer; a ball that the network loses is gone.

use crate::{Context, Effect, Input, Node};

/// A node that throws every message back.
#[derive(Clone, Debug)]
pub struct Echo {
    balls: u32,
}

impl Echo {
    /// A node that serves this many balls to each other node when it starts.
    pub fn new(balls: u32) -> Self {
        Self { balls }
    }

    fn serve(&self, context: &mut Context<'_, Self>) {
        for &to in context.nodes {
            if to != context.id {
                for _ in 0..self.balls {
                    context.send(to, 0);
                }
            }
        }
    }
}

impl Node for Echo {
    /// How often the ball has been thrown back.
    type Message = u64;
    type Call = u64;
    type Reply = u64;
    type Record = ();
    type Event = ();

    fn step(&mut self, input: Input<Self>, context: &mut Context<'_, Self>) {
        match input {
            Input::Start { .. } => self.serve(context),
            Input::Message { from, message } => context.send(from, message.wrapping_add(1)),
            Input::Call { id, call } => context.effects.push(Effect::Reply { id, reply: call }),
            Input::Wake => {}
        }
    }
}
