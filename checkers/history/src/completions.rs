//! Histories of which only the completions were kept.

use crate::{EventRef, History, Kind};

/// Completions alone.
impl History {
    /// Whether clients complete operations and none ever invokes one. Such a history does not pair; see
    /// [`History::with_invocations`]. Linear time.
    ///
    /// ```
    /// use rupture_history::codec;
    ///
    /// let alone = codec::read(b"{:process 0 :type :ok :f :write :value 1}")?;
    /// assert!(alone.has_completions_alone());
    /// assert!(!codec::read(b"{:process 0 :type :invoke :f :write :value 1}")?.has_completions_alone());
    /// assert!(!codec::read(b"")?.has_completions_alone());
    /// # Ok::<(), codec::ParseError>(())
    /// ```
    pub fn has_completions_alone(&self) -> bool {
        let clients = self.iter().filter(|event| event.client().is_some());
        let mut kinds = clients.map(EventRef::kind).peekable();
        kinds.peek().is_some() && kinds.all(|kind| kind != Kind::Invoke)
    }

    /// The same history with an invocation right before each completion of a client, which has its value, its time and
    /// its index; `None` where a client invokes something already. Linear time.
    ///
    /// What really overlapped then seems to have run one after the other, in the order of the completions. An anomaly
    /// that rests on this order may be none of the system: a note of the history says so.
    ///
    /// ```
    /// use rupture_history::codec;
    ///
    /// let alone = codec::read(
    ///     b"{:process 0 :type :ok :f :write :value 1}
    ///       {:process 1 :type :ok :f :read :value 1}",
    /// )?;
    /// let history = alone.with_invocations().expect("nobody invokes anything");
    /// let operations = history.operations()?;
    /// assert!(operations[0].precedes(&operations[1]));
    /// assert_eq!(history.get(2).value().as_int(), Some(1));
    /// assert!(history.has_added_invocations() && history.notes().len() == 1);
    /// assert!(history.with_invocations().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_invocations(&self) -> Option<Self> {
        let invokes =
            |event: EventRef<'_>| event.client().is_some() && event.kind() == Kind::Invoke;
        if self.iter().any(invokes) {
            return None;
        }
        let mut history = self.clone();
        history.invoke_completions();
        history.note(
            "the history has completions alone: each was given an invocation right before it, so what overlapped is \
             judged as if it had run one after the other, in the order of the completions; an anomaly may come from \
             that order and not from the system"
                .to_owned(),
        );
        Some(history)
    }
}
