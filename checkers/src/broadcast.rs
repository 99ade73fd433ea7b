//! Broadcast: which messages processes deliver, and in which order.
//!
//! Processes *broadcast* messages to all, themselves included, and *deliver* them. What that promises was written
//! down by Hadzilacos & Toueg 1994, *A Modular Approach to Fault-Tolerant Broadcasts and Related Problems*, section
//! 3, and again by Cachin, Guerraoui & Rodrigues 2011, *Introduction to Reliable and Secure Distributed
//! Programming*, chapters 3 and 6, whose names for the properties are used here.
//!
//! | `f` | value invoked | value when `ok` |
//! |---|---|---|
//! | `broadcast` | m, never broadcast before | m or nil |
//! | `deliver` | nil | m, in the order of delivery at that process; nil: there was nothing left |
//!
//! | kind of anomaly | what was promised | at which [`Order`] |
//! |---|---|---|
//! | `no-creation` | What is delivered was broadcast, and not later than it was delivered. | all |
//! | `no-duplication` | No process delivers a message twice. | all |
//! | `validity` | A process that broadcasts a message delivers it. | all |
//! | `agreement` | What one process delivers, all deliver. | all |
//! | `fifo-order` | If a process broadcast m before m', nobody delivers m' who has not delivered m. | `fifo`, `causal` |
//! | `causal-order` | If the broadcast of m happened before that of m', nobody delivers m' who has not delivered m. | `causal` |
//! | `total-order` | There is one order of all messages, and what a process has delivered is a prefix of it. | `total-order` |
//!
//! *Happened before* is Lamport's: by way of what the sender of m' had broadcast and delivered before, and what the
//! senders of those had, and so on. It is enough to look at one step, so `causal-order` names only messages that
//! the sender of m' had itself delivered. `causal-total-order` asks for all of them.
//!
//! Three of these leave no gaps: who delivers m' without m has broken the order whether or not m comes later.
//! For total order that is what is called gap-free or strong uniform total order (Défago, Schiper & Urbán 2004,
//! *Total Order Broadcast and Multicast Algorithms*, section 2): it follows from agreement among those that go
//! on for ever, since who has left m out could only deliver it in another place than the others.
//!
//! # Who is judged, and until when
//! All processes are there from the beginning. One that invoked `deliver` is a *member*, and owes its deliveries;
//! one that only broadcasts owes none. A process with an operation that is `info`, or with a broadcast that never
//! completed, may have crashed: it owes nothing more, and [`uniform`](Broadcast::uniform) decides whether what it
//! had delivered binds the others. A `deliver` that is `info` may have delivered anything; what its process delivers
//! after that is held to no order. A broadcast that is `info` may have happened at any later time: it comes after
//! what its process did before, and before what it broadcasts later only if it had delivered it meanwhile.
//!
//! # Messages on their way
//! *Every message is delivered in the end* cannot be broken in a history that ends. So validity and agreement are
//! judged where a member says that there was nothing left: by a last operation that is a `deliver` which is `ok`
//! with nil, for what had been delivered elsewhere (or broadcast by itself) before that was invoked. A recorder
//! should let every process ask so when all has been quiet for a while; `fail` only says that nothing came in time.
//! [`complete`](Broadcast::complete) says so of a whole history. Where neither does, what somebody has yet to
//! deliver makes the verdict `unknown`, and a history in which nobody has anything to deliver can be `valid`.
//!
//! A process that only broadcasts delivers nothing that anybody could see. What it broadcast and had acknowledged is
//! therefore owed by all members, from then on, or, where somebody did deliver it, from that delivery on.
//!
//! # Cost
//! With n operations and p processes O(n · p) for causal order, O(n) for everything else; memory O(n). All levels are
//! judged whichever is asked for, so that [`not`](field@rupture_history::Verdict::not) names those that do not hold.

mod arrival;
mod causal;
mod check;
mod fifo;
mod findings;
mod integrity;
#[cfg(test)]
mod tests;
mod total;
mod transcript;
mod words;

use rupture_history::{History, Verdict};

use crate::{Budget, CheckError, Checker};

const MODEL: &str = "broadcast";

/// What is promised of the order of messages, beside that all are delivered once.
///
/// ```
/// use rupture_checkers::broadcast::Order;
///
/// assert_eq!(Order::from_name("fifo"), Some(Order::Fifo));
/// assert_eq!(Order::ALL.map(Order::name)[0], "reliable");
/// assert!(Order::Causal.implies(Order::Fifo));
/// assert!(!Order::Total.implies(Order::Fifo));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// Nothing.
    Reliable,
    /// Messages of one sender come in the order in which it broadcast them.
    Fifo,
    /// No message comes before one that its sender could have known.
    Causal,
    /// All processes deliver in the same order.
    Total,
    /// Both.
    CausalTotal,
}

impl Order {
    /// All of them. Each implies `reliable`; `causal` implies `fifo`; the last implies all.
    pub const ALL: [Self; 5] = [
        Self::Reliable,
        Self::Fifo,
        Self::Causal,
        Self::Total,
        Self::CausalTotal,
    ];

    /// Its name as a level of consistency.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reliable => "reliable",
            Self::Fifo => "fifo",
            Self::Causal => "causal",
            Self::Total => "total-order",
            Self::CausalTotal => "causal-total-order",
        }
    }

    /// The order of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.name() == name)
    }

    /// Whether every history that keeps this order keeps the other.
    pub fn implies(self, other: Self) -> bool {
        let and_fifo = self == Self::Causal && other == Self::Fifo;
        self == other || other == Self::Reliable || self == Self::CausalTotal || and_fifo
    }
}

/// Judges broadcasts. See the [module](self).
///
/// ```
/// use rupture_checkers::broadcast::{Broadcast, Order};
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::{Budget, Checker};
///
/// // Process 1 delivers the messages of process 0 the wrong way round.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :broadcast :value 1}
///       {:process 0 :type :ok :f :broadcast :value 1}
///       {:process 0 :type :invoke :f :broadcast :value 2}
///       {:process 0 :type :ok :f :broadcast :value 2}
///       {:process 1 :type :invoke :f :deliver :value nil}
///       {:process 1 :type :ok :f :deliver :value 2}
///       {:process 1 :type :invoke :f :deliver :value nil}
///       {:process 1 :type :ok :f :deliver :value 1}",
/// )?;
/// let reliable = Broadcast::new(Order::Reliable).check(&history, &Budget::unlimited())?;
/// assert_eq!(reliable.validity, Validity::Valid);
/// let fifo = Broadcast::new(Order::Fifo).check(&history, &Budget::unlimited())?;
/// assert_eq!(fifo.validity, Validity::Invalid);
/// assert_eq!(fifo.anomalies[0].kind, "fifo-order");
/// assert_eq!(fifo.not, ["fifo", "causal", "causal-total-order"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Broadcast {
    order: Order,
    uniform: bool,
    complete: bool,
}

impl Broadcast {
    /// A judge of this order.
    pub fn new(order: Order) -> Self {
        Self {
            order,
            uniform: false,
            complete: false,
        }
    }

    /// Whether processes that may have crashed bind the others by what they had delivered: *uniform* agreement
    /// and total order. Otherwise only those that go on must agree with each other. Creation, duplication, FIFO
    /// and causal order are judged at all processes either way.
    ///
    /// ```
    /// use rupture_checkers::broadcast::{Broadcast, Order};
    /// use rupture_checkers::history::{Validity, codec};
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// // Process 0 delivers its own message and crashes; process 1 never hears of it.
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :broadcast :value 1}
    ///       {:process 0 :type :ok :f :broadcast :value 1}
    ///       {:process 0 :type :invoke :f :deliver :value nil}
    ///       {:process 0 :type :ok :f :deliver :value 1}
    ///       {:process 0 :type :invoke :f :deliver :value nil}
    ///       {:process 0 :type :info :f :deliver :value nil}
    ///       {:process 1 :type :invoke :f :deliver :value nil}
    ///       {:process 1 :type :ok :f :deliver :value nil}",
    /// )?;
    /// let judge = Broadcast::new(Order::Reliable);
    /// let verdict = judge.check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.validity, Validity::Valid);
    /// let verdict = judge.uniform(true).check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.anomalies[0].kind, "agreement");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn uniform(mut self, uniform: bool) -> Self {
        self.uniform = uniform;
        self
    }

    /// Whether the history was recorded until everything had arrived, so that what a process has not delivered
    /// it never will.
    ///
    /// ```
    /// use rupture_checkers::broadcast::{Broadcast, Order};
    /// use rupture_checkers::history::{Validity, codec};
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :broadcast :value 1}
    ///       {:process 0 :type :ok :f :broadcast :value 1}
    ///       {:process 0 :type :invoke :f :deliver :value nil}
    ///       {:process 0 :type :ok :f :deliver :value 1}
    ///       {:process 1 :type :invoke :f :deliver :value nil}",
    /// )?;
    /// let judge = Broadcast::new(Order::Reliable);
    /// let verdict = judge.check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.validity, Validity::Unknown, "1 may still be on its way to process 1");
    /// let verdict = judge.complete(true).check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.anomalies[0].kind, "agreement");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn complete(mut self, complete: bool) -> Self {
        self.complete = complete;
        self
    }
}

impl Checker for Broadcast {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check::check(*self, history, budget)
    }
}
