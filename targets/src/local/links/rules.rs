//! What is in force on a link, and what becomes of a frame by it.

use std::net::SocketAddr;

use rand::RngExt;
use rupture_protocols::random::{Stream, stream};

use crate::LinkShape;

const MILLION: u32 = 1_000_000;
const SECOND_NS: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// A frame that is held back waits for so many others at most,
const MOST_OVERTAKING: u32 = 4;
/// and a second copy comes so much later at most.
const COPY_NS: u64 = 10 * MS;

/// A link with a limit writes what it may carry in this time at once,
const STRIDE_NS: u64 = 2 * MS;
/// pauses only for more than this,
const NAP_NS: u64 = MS;
/// and makes up for this much sleep beyond what it meant to.
const CREDIT_NS: u64 = 5 * MS;
/// However fast the link.
const MOST_STRIDE_BYTES: u64 = 64 << 10;

/// What is in force on a link.
pub(super) struct Rules {
    /// Nothing passes.
    pub(super) cut: bool,
    /// Where the receiver listens; nowhere while it is dead.
    pub(super) aim: Option<SocketAddr>,
    shape: LinkShape,
    /// Counts the shapes that there were.
    version: u64,
    random: Stream,
    /// Until then its limit is used up.
    free_ns: u64,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Lost,
    /// The connection is reset, and this frame lost with it.
    Reset,
    Goes(Manner),
}

/// How a frame goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Manner {
    /// How much later than it would.
    pub(super) late_ns: u64,
    /// By how many frames it is to be overtaken.
    pub(super) held_for: Option<u32>,
    /// How much later a copy of it comes.
    pub(super) copy_ns: Option<u64>,
    /// Whether it is the last that the receiver gets on this connection.
    pub(super) is_last: bool,
}

impl Rules {
    /// Nothing is wrong with the link.
    pub(super) fn new(seed: u64, from: u32, to: u32, aim: Option<SocketAddr>) -> Self {
        Self {
            cut: false,
            aim,
            shape: LinkShape::default(),
            version: 0,
            random: stream(seed, &format!("link {from} {to}")),
            free_ns: 0,
        }
    }

    pub(super) fn shape(&self) -> LinkShape {
        self.shape
    }

    pub(super) fn set_shape(&mut self, shape: LinkShape) {
        self.shape = shape;
        self.version += 1;
        self.free_ns = 0;
    }

    /// Another number after every shape.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Decides about a frame that arrives now. The same number of words is drawn for every frame of a link that is not
    /// clean, so that one rate does not shift what another decides.
    pub(super) fn judge(&mut self) -> Passage {
        let shape = self.shape;
        if shape.is_clean() {
            return Passage::Goes(Manner::default());
        }
        let mut happens = |ppm| self.random.random_range(0..MILLION) < ppm;
        let reset = happens(shape.reset_ppm);
        let lost = happens(shape.loss_ppm);
        let twice = happens(shape.duplicate_ppm);
        let held = happens(shape.reorder_ppm);
        let is_last = happens(shape.half_close_ppm);
        let late_ns = self.late_ns();
        let overtaking = self.random.random_range(1..=MOST_OVERTAKING);
        let copy_ns = self.random.random_range(0..=COPY_NS);
        if reset {
            Passage::Reset
        } else if lost {
            Passage::Lost
        } else {
            Passage::Goes(Manner {
                late_ns,
                held_for: held.then_some(overtaking),
                copy_ns: twice.then_some(copy_ns),
                is_last,
            })
        }
    }

    /// How much later a frame comes that cannot be lost.
    pub(super) fn late_ns(&mut self) -> u64 {
        let jitter_ns = self.random.random_range(0..=self.shape.jitter_ns);
        self.shape.delay_ns.saturating_add(jitter_ns)
    }

    /// How many of these bytes may be written now, at least one; or how long to wait before the next.
    pub(super) fn pace(&self, now_ns: u64, bytes: usize) -> Result<usize, u64> {
        let mut most = bytes as u64;
        if self.shape.slice_bytes > 0 {
            most = most.min(self.shape.slice_bytes.into());
        }
        let rate = self.shape.rate_bytes_s;
        if rate > 0 {
            let wait_ns = self.free_ns.saturating_sub(now_ns);
            if wait_ns > NAP_NS {
                return Err(wait_ns);
            }
            let stride = u128::from(rate) * u128::from(STRIDE_NS) / u128::from(SECOND_NS);
            most = most.min((stride as u64).clamp(1, MOST_STRIDE_BYTES));
        }
        Ok(most as usize)
    }

    /// So many bytes were written.
    pub(super) fn spend(&mut self, now_ns: u64, bytes: usize) {
        let Some(ns) = (bytes as u64 * SECOND_NS).checked_div(self.shape.rate_bytes_s) else {
            return;
        };
        self.free_ns = self.free_ns.max(now_ns.saturating_sub(CREDIT_NS)) + ns;
    }
}
