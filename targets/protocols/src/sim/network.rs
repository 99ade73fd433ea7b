//! The links between nodes: how long a message takes, and what a faulty link does to it.
//!
//! Every link draws from streams of its own, one for its latency and one for its faults, so that neither
//! traffic nor a fault on one link shifts what another draws. A link without faults draws one word a
//! message; a link with any fault draws a fixed number more, whichever of its rates are set, so that
//! setting one rate does not shift what another decides.

use rand::Rng;

use super::options::{MILLION, SimOptions};
use crate::NodeId;
use crate::random::{Stream, stream};

/// What is wrong with one link, in one direction. The default is nothing.
///
/// Rates add to those of [`SimOptions`], and count as a million when they are more. All of it is applied
/// when a message is sent. When delay and jitter together become less, what is sent then overtakes what
/// they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkFault {
    /// Every message takes this much longer.
    pub delay_ns: u64,
    /// Every message takes up to this much longer again, evenly spread. The order is kept all the same.
    pub jitter_ns: u64,
    /// How many of a million messages are lost.
    pub loss_ppm: u32,
    /// How many of a million messages arrive a second time, later.
    pub duplicate_ppm: u32,
    /// How many of a million messages are held back, so that later ones overtake them.
    pub reorder_ppm: u32,
}

/// When a message arrives, and when a second copy of it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passage {
    /// `None`: it is lost.
    pub(super) arrives_ns: Option<u64>,
    pub(super) again_ns: Option<u64>,
    /// Whether it waits for later ones to overtake it.
    pub(super) held_back: bool,
    /// Whether it overtakes a message that was sent before it.
    pub(super) overtakes: bool,
}

#[derive(Debug)]
struct Link {
    latency: Stream,
    /// What is sent later does not arrive before this, so that the order is kept.
    floor_ns: u64,
    cut: bool,
    /// Made when it is first needed: most links are never faulty.
    trouble: Option<Box<Trouble>>,
}

#[derive(Debug)]
struct Trouble {
    fault: LinkFault,
    random: Stream,
    /// The longest that the fault made a message late when one was last sent.
    latest_ns: u64,
    /// As the link's floor, for messages that are made late.
    floor_ns: u64,
    /// What arrives before this overtakes a message.
    held_ns: u64,
}

/// All links, made when they are first used.
#[derive(Debug)]
pub(super) struct Network {
    seed: u64,
    /// Whether [`SimOptions`] makes every link faulty.
    faulty: bool,
    rows: Vec<Vec<Link>>,
}

impl Network {
    pub(super) fn new(seed: u64, options: &SimOptions) -> Self {
        Self {
            seed,
            faulty: options.loss_ppm > 0 || options.duplicate_ppm > 0 || options.reorder_ppm > 0,
            rows: Vec::new(),
        }
    }

    /// Whether a message that arrives now over this link passes.
    pub(super) fn carries(&self, from: NodeId, to: NodeId) -> bool {
        let row = self.rows.get(from as usize);
        row.and_then(|row| row.get(to as usize))
            .is_none_or(|link| !link.cut)
    }

    /// Cuts or mends a link; whether that changed anything.
    pub(super) fn set_cut(&mut self, from: NodeId, to: NodeId, cut: bool) -> bool {
        if self.carries(from, to) != cut {
            return false;
        }
        self.at(from, to).cut = cut;
        true
    }

    pub(super) fn fault(&mut self, from: NodeId, to: NodeId) -> &mut LinkFault {
        let seed = self.seed;
        &mut self.at(from, to).trouble(seed, from, to).fault
    }

    /// Mends every cut and takes every fault away.
    pub(super) fn mend_all(&mut self) {
        for link in self.rows.iter_mut().flatten() {
            link.cut = false;
            if let Some(trouble) = &mut link.trouble {
                trouble.fault = LinkFault::default();
            }
        }
    }

    /// Decides what becomes of a message that is sent now.
    pub(super) fn pass(
        &mut self,
        from: NodeId,
        to: NodeId,
        now_ns: u64,
        options: &SimOptions,
    ) -> Passage {
        let (seed, faulty) = (self.seed, self.faulty);
        let link = self.at(from, to);
        let plain_ns = now_ns.saturating_add(options.latency.draw(&mut link.latency));
        if faulty || link.trouble.is_some() {
            link.trouble(seed, from, to);
            return link.pass_faulty(plain_ns, options);
        }
        link.floor_ns = link.floor_ns.max(plain_ns);
        Passage {
            arrives_ns: Some(link.floor_ns),
            ..Passage::default()
        }
    }

    fn at(&mut self, from: NodeId, to: NodeId) -> &mut Link {
        let (row, column) = (from as usize, to as usize);
        if self.rows.get(row).is_none_or(|row| row.len() <= column) {
            self.make(from, to);
        }
        &mut self.rows[row][column]
    }

    #[cold]
    fn make(&mut self, from: NodeId, to: NodeId) {
        if self.rows.len() <= from as usize {
            self.rows.resize_with(from as usize + 1, Vec::new);
        }
        let row = &mut self.rows[from as usize];
        for to in row.len() as NodeId..=to {
            row.push(Link {
                latency: stream(self.seed, &format!("network {from} {to}")),
                floor_ns: 0,
                cut: false,
                trouble: None,
            });
        }
    }
}

impl Link {
    fn trouble(&mut self, seed: u64, from: NodeId, to: NodeId) -> &mut Trouble {
        self.trouble.get_or_insert_with(|| {
            Box::new(Trouble {
                fault: LinkFault::default(),
                random: stream(seed, &format!("link faults {from} {to}")),
                latest_ns: 0,
                floor_ns: 0,
                held_ns: 0,
            })
        })
    }

    #[cold]
    fn pass_faulty(&mut self, plain_ns: u64, options: &SimOptions) -> Passage {
        let Some(trouble) = &mut self.trouble else {
            return Passage::default();
        };
        let fault = trouble.fault;
        trouble.notice_relief();
        self.floor_ns = self.floor_ns.max(plain_ns);
        let [loss, duplicate, reorder, jitter, hold, copy] =
            std::array::from_fn(|_| trouble.random.next_u64());
        if happens(loss, options.loss_ppm, fault.loss_ppm) {
            return Passage::default();
        }
        let late_ns = fault.delay_ns.saturating_add(upto(jitter, fault.jitter_ns));
        let mut at_ns = plain_ns.saturating_add(late_ns);
        at_ns = at_ns.max(self.floor_ns).max(trouble.floor_ns);
        let held_back = happens(reorder, options.reorder_ppm, fault.reorder_ppm);
        if held_back {
            at_ns = at_ns.saturating_add(later(hold, options));
            trouble.held_ns = trouble.held_ns.max(at_ns);
        } else {
            trouble.floor_ns = at_ns;
        }
        let twice = happens(duplicate, options.duplicate_ppm, fault.duplicate_ppm);
        Passage {
            arrives_ns: Some(at_ns),
            again_ns: twice.then(|| at_ns.saturating_add(later(copy, options))),
            held_back,
            overtakes: at_ns < trouble.held_ns,
        }
    }
}

impl Trouble {
    /// Once the fault makes messages less late, new ones do not wait for those that are under way: a fault
    /// of an hour that is undone must not stop the link for an hour.
    fn notice_relief(&mut self) {
        let latest_ns = self.fault.delay_ns.saturating_add(self.fault.jitter_ns);
        if latest_ns < self.latest_ns {
            self.held_ns = self.held_ns.max(self.floor_ns);
            self.floor_ns = 0;
        }
        self.latest_ns = latest_ns;
    }
}

/// How much later a message that is held back arrives, and the second copy of one: evenly spread over the
/// latencies that the link has.
fn later(word: u64, options: &SimOptions) -> u64 {
    let latency = options.latency;
    latency.min_ns + upto(word, latency.max_ns - latency.min_ns)
}

/// Whether something of this rate happens, given a random word.
fn happens(word: u64, everywhere_ppm: u32, here_ppm: u32) -> bool {
    below(word, u64::from(MILLION)) < u64::from(everywhere_ppm.saturating_add(here_ppm))
}

/// A number from 0 to `most`, given a random word.
fn upto(word: u64, most: u64) -> u64 {
    ((u128::from(word) * (u128::from(most) + 1)) >> 64) as u64
}

/// A number from 0 to `bound`, less than it unless it is 0, given a random word. Uneven by less than one
/// part in 2^64 / `bound`.
pub(super) fn below(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}
