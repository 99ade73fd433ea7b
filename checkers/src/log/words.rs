//! Findings in words, with the operations that prove them.

use rupture_history::{Anomaly, Outcome};

use super::evidence;
use super::findings::Finding;
use super::kind::LogAnomaly;
use super::numbers::NONE;
use super::orders::{Orders, Overwrite};
use super::transcript::{Mention, Transcript};

/// Tells findings.
pub(super) struct Teller<'a> {
    pub(super) transcript: &'a Transcript<'a>,
    pub(super) orders: &'a Orders,
    pub(super) circles: &'a [Vec<u32>],
    pub(super) overwrites: &'a [Overwrite],
}

/// An anomaly in the making.
#[derive(Default)]
struct Case {
    summary: String,
    explanation: Vec<String>,
    operations: Vec<u32>,
    messages: Vec<u32>,
}

impl Case {
    fn say(&mut self, sentence: String) {
        if !self.explanation.contains(&sentence) {
            self.explanation.push(sentence);
        }
    }
}

impl Teller<'_> {
    pub(super) fn tell(&self, finding: &Finding) -> Anomaly {
        use LogAnomaly as Kind;
        let mut case = Case::default();
        match finding.kind {
            Kind::InconsistentOffsets => self.inconsistent(finding, &mut case),
            Kind::Duplicate => self.duplicate(finding, &mut case),
            Kind::LostWrite => self.lost(finding, &mut case),
            Kind::AbortedRead => self.aborted(finding, &mut case),
            Kind::GarbageRead => self.garbage(finding, &mut case),
            Kind::PrecommittedRead => self.precommitted(finding, &mut case),
            Kind::Unseen => self.unseen(finding, &mut case),
            kind if is_circle(kind) => self.circle(finding, &mut case),
            _ => self.contiguity(finding, &mut case),
        }
        self.finish(finding, case)
    }

    fn finish(&self, finding: &Finding, mut case: Case) -> Anomaly {
        case.operations.sort_unstable();
        case.operations.dedup();
        let key = case.messages.first().map(|message| self.key(*message));
        let of = |operation: &u32| evidence::of(self.transcript, *operation, &case.messages);
        Anomaly {
            kind: finding.kind.name().to_owned(),
            key: key.filter(|_| !is_circle(finding.kind)),
            summary: case.summary,
            explanation: case.explanation,
            evidence: case.operations.iter().map(of).collect(),
            ..Anomaly::default()
        }
    }

    fn key(&self, message: u32) -> String {
        let key = self.transcript.messages.all[message as usize].key;
        self.transcript.keys.names[key as usize].to_string()
    }

    fn value(&self, message: u32) -> String {
        self.transcript.messages.all[message as usize]
            .value
            .to_string()
    }

    /// A message of an entry, in a case.
    fn at(&self, entry: u32, case: &mut Case) -> (String, i64) {
        let entry = &self.orders.entries[entry as usize];
        case.messages.push(entry.message);
        (self.value(entry.message), entry.offset)
    }

    fn invoked(&self, operation: u32) -> u64 {
        self.transcript.invocation(operation).index()
    }

    fn f(&self, operation: u32) -> &str {
        self.transcript.invocation(operation).f()
    }

    /// An operation by the event that ended it.
    fn ended(&self, operation: u32) -> String {
        match self.transcript.completion(operation) {
            Some(completed) => format!(
                "{} that completed with event {}",
                self.f(operation),
                completed.index()
            ),
            None => format!("{} of event {}", self.f(operation), self.invoked(operation)),
        }
    }

    /// Who shows that a message lies at an offset.
    fn show(&self, entry: u32, case: &mut Case) {
        let entry = &self.orders.entries[entry as usize];
        let (operation, value) = (entry.shown_by, self.value(entry.message));
        case.operations.push(operation);
        let is =
            |mention: &Mention| (mention.message, mention.offset) == (entry.message, entry.offset);
        let polled = self.transcript.polled_by(operation).iter().any(is);
        let (ended, offset) = (self.ended(operation), entry.offset);
        case.say(if polled {
            format!("The {ended} returned {value} at offset {offset}.")
        } else {
            format!("The {ended} was told that {value} lies at offset {offset}.")
        });
        if !polled {
            self.prove(operation, case);
        }
    }

    /// Why an `info` operation took effect.
    fn prove(&self, operation: u32, case: &mut Case) {
        let Some(proof) = self.orders.proof(operation) else {
            return;
        };
        case.operations.push(proof);
        let sent = self.transcript.sends_of(operation).iter();
        let mut sent =
            sent.filter(|sent| self.transcript.messages.all[sent.message as usize].reader == proof);
        let Some(message) = sent.next().map(|sent| sent.message) else {
            return;
        };
        case.messages.push(message);
        case.say(format!(
            "The {} of event {} was not acknowledged, but took effect: the {} returned {} of key {}, which it sent.",
            self.f(operation),
            self.invoked(operation),
            self.ended(proof),
            self.value(message),
            self.key(message)
        ));
    }

    fn inconsistent(&self, finding: &Finding, case: &mut Case) {
        let (first, offset) = self.at(finding.first, case);
        let (second, _) = self.at(finding.second, case);
        self.show(finding.first, case);
        self.show(finding.second, case);
        case.say("An offset of a log holds one message.".to_owned());
        let key = self.key(case.messages[0]);
        case.summary =
            format!("two messages lie at offset {offset} of key {key}: {first} and {second}");
    }

    fn duplicate(&self, finding: &Finding, case: &mut Case) {
        let (value, first) = self.at(finding.first, case);
        let (_, second) = self.at(finding.second, case);
        self.show(finding.first, case);
        self.show(finding.second, case);
        case.say("It was sent once.".to_owned());
        let key = self.key(case.messages[0]);
        case.summary =
            format!("message {value} of key {key} lies at two offsets: {first} and {second}");
    }

    fn lost(&self, finding: &Finding, case: &mut Case) {
        let (lost, at) = self.at(finding.first, case);
        let (seen, further) = self.at(finding.second, case);
        case.operations.extend([finding.operation, finding.before]);
        if self.transcript.outcome(finding.operation) == Outcome::Ok {
            case.say(format!(
                "The {} sent {lost}.",
                self.ended(finding.operation)
            ));
        }
        self.prove(finding.operation, case);
        self.show(finding.first, case);
        case.say(format!(
            "The {} returned {seen}.",
            self.ended(finding.before)
        ));
        self.show(finding.second, case);
        let key = self.key(case.messages[0]);
        case.say(format!(
            "Who was handed what lies at offset {further} is past offset {at}, and no poll that is ok, or that \
             may have happened, returned {lost}."
        ));
        case.summary = format!(
            "message {lost} of key {key} was lost: it was sent, passed over, and never polled"
        );
    }

    fn aborted(&self, finding: &Finding, case: &mut Case) {
        let (message, sender) = self.read(finding, case);
        case.operations.push(sender);
        case.say(format!(
            "The {} had sent it, and failed: nothing that it sent is in a log.",
            self.ended(sender)
        ));
        case.summary = format!("aborted read: {message} was polled, and its send failed");
    }

    fn garbage(&self, finding: &Finding, case: &mut Case) {
        let (message, _) = self.read(finding, case);
        case.say("Nobody ever sent it to that key.".to_owned());
        case.summary = format!("{message} was polled and nobody had sent it");
    }

    /// The message of a finding in words, and its sender.
    fn read(&self, finding: &Finding, case: &mut Case) -> (String, u32) {
        let message = finding.first;
        case.messages.push(message);
        case.operations.push(finding.operation);
        let (value, key) = (self.value(message), self.key(message));
        case.say(format!(
            "The {} returned {value} of key {key}.",
            self.ended(finding.operation)
        ));
        let sender = self.transcript.messages.all[message as usize].sender;
        (format!("message {value} of key {key}"), sender)
    }

    fn precommitted(&self, finding: &Finding, case: &mut Case) {
        let (message, _) = self.read(finding, case);
        case.say("It had sent it itself; a log shows nobody what is not committed.".to_owned());
        case.summary = format!("{message} was polled by the operation that sent it");
    }

    fn unseen(&self, finding: &Finding, case: &mut Case) {
        case.messages.push(finding.first);
        case.operations.push(finding.operation);
        let (value, key) = (self.value(finding.first), self.key(finding.first));
        case.say(format!("The {} sent it.", self.ended(finding.operation)));
        case.say("No poll that is ok returned it.".to_owned());
        case.summary = format!("message {value} of key {key} was acknowledged and never polled");
    }

    fn contiguity(&self, finding: &Finding, case: &mut Case) {
        let (first, before) = self.at(finding.first, case);
        let (second, after) = self.at(finding.second, case);
        let skips = self.orders.distance(finding.first, finding.second) > 1;
        let (did, what) = did(finding.kind);
        let key = self.key(case.messages[0]);
        case.operations.push(finding.operation);
        if finding.before == NONE {
            case.say(format!(
                "The {} {did} {first} and then {second} of key {key}.",
                self.ended(finding.operation)
            ));
        } else {
            case.operations.push(finding.before);
            case.say(format!(
                "The last of key {key} that the {} {did} is {first}.",
                self.ended(finding.before)
            ));
            case.say(format!(
                "The first that the {} {did}, the next of process {} to do so, is {second}.",
                self.ended(finding.operation),
                self.transcript
                    .history
                    .process(self.transcript.operations[finding.operation as usize].process)
            ));
        }
        self.show(finding.first, case);
        self.show(finding.second, case);
        case.summary = if skips {
            let skipped = self.orders.next_place(finding.first);
            let (value, at) = self.at(skipped, case);
            self.show(skipped, case);
            format!(
                "{what} {value} of key {key} out, which lies at offset {at}, between {before} and {after}"
            )
        } else {
            format!(
                "{what} {second} of key {key} at offset {after} after {first} at offset {before}"
            )
        };
    }

    fn circle(&self, finding: &Finding, case: &mut Case) {
        let circle = &self.circles[finding.first as usize];
        case.operations.extend(circle);
        let next = circle.iter().skip(1).chain(&circle[..1]);
        for (place, (&poller, &sender)) in circle.iter().zip(next).enumerate() {
            if place + 1 == circle.len()
                && !matches!(finding.kind, LogAnomaly::G0 | LogAnomaly::G1c)
            {
                case.say(self.came_before(circle[0], poller));
                continue;
            }
            let ok = self.transcript.outcome(poller) == Outcome::Ok;
            let reads = ok && !finding.kind.needs_ww_deps();
            let mut polled = self.transcript.polled_by(poller).iter().filter(|_| reads);
            let polled = polled.find(|mention| {
                self.transcript.messages.all[mention.message as usize].sender == sender
            });
            let Some(message) = polled.map(|mention| mention.message) else {
                self.overwrote(poller, sender, case);
                continue;
            };
            case.messages.push(message);
            case.say(format!(
                "The {} of event {} came before the {} of event {}, which polled {} of key {} that it sent.",
                self.f(sender),
                self.invoked(sender),
                self.f(poller),
                self.invoked(poller),
                self.value(message),
                self.key(message)
            ));
        }
        case.say("So each of them came before itself.".to_owned());
        let count = circle.len();
        case.summary = match finding.kind {
            LogAnomaly::G0 => format!("{count} operations wrote to logs in a circle"),
            LogAnomaly::G0Process | LogAnomaly::G0Realtime => {
                format!("{count} operations wrote to logs in a circle that time closes")
            }
            LogAnomaly::G1c => {
                format!("{count} operations polled each other's messages in a circle")
            }
            _ => format!("{count} operations polled messages in a circle that time closes"),
        };
    }

    /// That one operation sent what lies right behind a message of another one.
    fn overwrote(&self, later: u32, earlier: u32, case: &mut Case) {
        let found = self
            .overwrites
            .binary_search_by_key(&(later, earlier), |it| (it.later, it.earlier));
        let Ok(at) = found else { return };
        let [first, second] = self.overwrites[at].entries;
        let ((before, at), (after, then)) = (self.at(first, case), self.at(second, case));
        case.say(format!(
            "The {} of event {} came before the {} of event {}: it sent {before} to key {}, which lies at offset {at}, and \
             the other {after}, at offset {then}.",
            self.f(earlier),
            self.invoked(earlier),
            self.f(later),
            self.invoked(later),
            self.key(self.orders.entries[first as usize].message)
        ));
        self.show(first, case);
        self.show(second, case);
    }

    fn came_before(&self, first: u32, last: u32) -> String {
        format!(
            "But the {} was over when the {} of event {} began.",
            self.ended(first),
            self.f(last),
            self.invoked(last)
        )
    }
}

fn is_circle(kind: LogAnomaly) -> bool {
    use LogAnomaly::{G1c, G1cProcess, G1cRealtime};
    kind.needs_ww_deps() || matches!(kind, G1c | G1cProcess | G1cRealtime)
}

/// What operations did to messages, and how a summary begins.
fn did(kind: LogAnomaly) -> (&'static str, &'static str) {
    use LogAnomaly as Kind;
    match kind {
        Kind::IntNonmonotonicPoll => ("polled", "one operation polled"),
        Kind::IntPollSkip => ("polled", "one operation left message"),
        Kind::NonmonotonicPoll => ("polled", "a consumer went back: it polled"),
        Kind::PollSkip => ("polled", "a consumer left message"),
        Kind::IntNonmonotonicSend => ("sent", "one operation sent"),
        Kind::NonmonotonicSend => ("sent", "a producer's messages were turned round: it sent"),
        Kind::IntSendSkip => ("sent", "the messages of one operation leave message"),
        _ => ("sent", "the messages of a producer leave message"),
    }
}
