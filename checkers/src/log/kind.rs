//! The anomalies of a log by name.

/// What can be wrong with a log, worst first.
///
/// ```
/// use rupture_checkers::log::LogAnomaly;
///
/// let names = LogAnomaly::ALL.map(LogAnomaly::name);
/// assert_eq!(names[0], "lost-write");
/// assert!(names.contains(&"int-poll-skip"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LogAnomaly {
    /// A message took effect and was passed over: later ones were polled, and it never was.
    LostWrite,
    /// Two messages lie at one offset.
    InconsistentOffsets,
    /// G1a, an aborted read: a poll returned a message whose send failed.
    AbortedRead,
    /// A poll returned a message that nobody sent to that key.
    GarbageRead,
    /// A message lies at two offsets.
    Duplicate,
    /// An operation polled what it sent itself, before it had committed.
    PrecommittedRead,
    /// Operations wrote to logs in a circle: of two keys, each was first in one. Looked for only where it is
    /// [asked for](super::Log::ww_deps), as are the next two.
    G0,
    /// The same, where one of the steps is the order of a process.
    G0Process,
    /// The same, where one of the steps is that an operation was over before another began.
    G0Realtime,
    /// Operations polled each other's messages in a circle.
    G1c,
    /// The same, where one of the steps is the order of a process.
    G1cProcess,
    /// The same, where one of the steps is that an operation was over before another began.
    G1cRealtime,
    /// Within one operation, a message was polled at the place of the one before or earlier.
    IntNonmonotonicPoll,
    /// Within one operation, polls passed over a message that is known to be there.
    IntPollSkip,
    /// An operation polled a message at or before the place where the last one of its process had stopped.
    NonmonotonicPoll,
    /// An operation passed over messages that follow what the last one of its process polled.
    PollSkip,
    /// Within one operation, a message that was sent later lies before one sent earlier.
    IntNonmonotonicSend,
    /// A message lies before one that an earlier operation of the same process had sent.
    NonmonotonicSend,
    /// Messages of others lie between those that one operation sent to a key.
    IntSendSkip,
    /// Messages of others lie between those that two operations of a process sent to a key.
    SendSkip,
    /// A message was acknowledged and no poll returned it; nothing that is known should have.
    Unseen,
}

/// Whether anomalies of a kind make a history invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Counted,
    /// They do, except for a process that had subscribed.
    UnlessSubscribed,
    Noted,
}

impl LogAnomaly {
    /// All of them, worst first.
    pub const ALL: [Self; 21] = [
        Self::LostWrite,
        Self::InconsistentOffsets,
        Self::AbortedRead,
        Self::GarbageRead,
        Self::Duplicate,
        Self::PrecommittedRead,
        Self::G0,
        Self::G0Process,
        Self::G0Realtime,
        Self::G1c,
        Self::G1cProcess,
        Self::G1cRealtime,
        Self::IntNonmonotonicPoll,
        Self::IntPollSkip,
        Self::NonmonotonicPoll,
        Self::PollSkip,
        Self::IntNonmonotonicSend,
        Self::NonmonotonicSend,
        Self::IntSendSkip,
        Self::SendSkip,
        Self::Unseen,
    ];

    /// Its name, as Jepsen has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LostWrite => "lost-write",
            Self::InconsistentOffsets => "inconsistent-offsets",
            Self::AbortedRead => "G1a",
            Self::GarbageRead => "garbage-read",
            Self::Duplicate => "duplicate",
            Self::PrecommittedRead => "precommitted-read",
            Self::G0 => "G0",
            Self::G0Process => "G0-process",
            Self::G0Realtime => "G0-realtime",
            Self::G1c => "G1c",
            Self::G1cProcess => "G1c-process",
            Self::G1cRealtime => "G1c-realtime",
            Self::IntNonmonotonicPoll => "int-nonmonotonic-poll",
            Self::IntPollSkip => "int-poll-skip",
            Self::NonmonotonicPoll => "nonmonotonic-poll",
            Self::PollSkip => "poll-skip",
            Self::IntNonmonotonicSend => "int-nonmonotonic-send",
            Self::NonmonotonicSend => "nonmonotonic-send",
            Self::IntSendSkip => "int-send-skip",
            Self::SendSkip => "send-skip",
            Self::Unseen => "unseen",
        }
    }

    /// The kind of that name.
    ///
    /// ```
    /// use rupture_checkers::log::LogAnomaly;
    ///
    /// assert_eq!(LogAnomaly::from_name("poll-skip"), Some(LogAnomaly::PollSkip));
    /// assert_eq!(LogAnomaly::from_name("poll-hop"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is a circle of what was sent alone, which is looked for only where it is
    /// [asked for](super::Log::ww_deps).
    ///
    /// ```
    /// use rupture_checkers::log::LogAnomaly;
    ///
    /// assert!(LogAnomaly::G0.needs_ww_deps() && !LogAnomaly::G1c.needs_ww_deps());
    /// ```
    pub fn needs_ww_deps(self) -> bool {
        matches!(self, Self::G0 | Self::G0Process | Self::G0Realtime)
    }

    pub(super) fn severity(self) -> Severity {
        match self {
            Self::NonmonotonicPoll | Self::PollSkip => Severity::UnlessSubscribed,
            Self::IntSendSkip | Self::SendSkip | Self::Unseen => Severity::Noted,
            _ => Severity::Counted,
        }
    }
}
