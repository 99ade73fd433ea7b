//! The rules as they are written, over lists and sets of small histories. Shares no code with the judge.

use std::collections::{BTreeMap, BTreeSet};

use rupture_history::{Event, Kind, Process, Value};

/// How often each anomaly occurs.
pub(super) type Counts = BTreeMap<&'static str, usize>;

type Message = (i64, i64);

/// A message that was sent or polled, with its offset.
#[derive(Clone, Copy, Debug)]
struct Mention {
    message: Message,
    offset: Option<i64>,
}

#[derive(Clone, Debug)]
struct Op {
    process: i64,
    invoked: usize,
    completed: Option<usize>,
    kind: Kind,
    f: String,
    sends: Vec<Mention>,
    polled: Vec<Mention>,
    polls: usize,
    told: bool,
    named: Vec<i64>,
    rewinds: bool,
    moved: Vec<i64>,
    /// Keys of which nothing was polled.
    empty: Vec<i64>,
}

fn ints(value: Option<&Value>) -> Vec<i64> {
    let items = value.and_then(Value::items).unwrap_or_default();
    items.iter().filter_map(Value::as_int).collect()
}

fn extra<'a>(event: &'a Event, name: &str) -> Option<&'a Value> {
    event
        .extra
        .iter()
        .find(|(n, _)| **n == *name)
        .map(|(_, v)| v)
}

fn ops(events: &[Event]) -> Vec<Op> {
    let mut ops: Vec<Op> = Vec::new();
    for (row, event) in events.iter().enumerate() {
        let Process::Client(process) = event.process else {
            continue;
        };
        if event.kind == Kind::Invoke {
            ops.push(Op {
                process,
                invoked: row,
                completed: None,
                kind: Kind::Info,
                f: event.f.to_string(),
                sends: Vec::new(),
                polled: Vec::new(),
                polls: 0,
                told: false,
                named: ints(Some(&event.value)),
                rewinds: extra(event, "seek-to-beginning?").is_some(),
                moved: Vec::new(),
                empty: Vec::new(),
            });
            read(ops.last_mut().unwrap(), &event.value);
            continue;
        }
        let op = ops.iter_mut().rfind(|op| op.process == process).unwrap();
        (op.completed, op.kind) = (Some(row), event.kind);
        let log = extra(event, "rebalance-log").and_then(Value::items);
        if let Some([Value::Map(entries)]) = log {
            op.moved = ints(Some(&entries[0].1));
        }
        op.told = true;
        read(op, &event.value);
    }
    ops
}

/// Micro-operations; what the completion says takes the place of what the invocation said.
fn read(op: &mut Op, value: &Value) {
    if !matches!(&*op.f, "send" | "poll" | "txn") {
        return;
    }
    let (mut sends, mut polled, mut polls, mut told) = (Vec::new(), Vec::new(), 0, true);
    op.empty.clear();
    for mop in value.items().unwrap_or_default() {
        match mop.items().unwrap_or_default() {
            [_, Value::Int(key), Value::Int(message)] => sends.push(Mention {
                message: (*key, *message),
                offset: None,
            }),
            [_, Value::Int(key), Value::Vector(pair)] => sends.push(Mention {
                message: (*key, pair[1].as_int().unwrap()),
                offset: pair[0].as_int(),
            }),
            [_, Value::Map(map)] => {
                polls += 1;
                for (key, pairs) in map {
                    if pairs.items().is_some_and(<[Value]>::is_empty) {
                        op.empty.extend(key.as_int());
                    }
                    for pair in pairs.items().unwrap() {
                        let pair = pair.items().unwrap();
                        polled.push(Mention {
                            message: (key.as_int().unwrap(), pair[1].as_int().unwrap()),
                            offset: pair[0].as_int(),
                        });
                    }
                }
            }
            _ => {
                polls += 1;
                told = false;
            }
        }
    }
    (op.sends, op.polled, op.polls, op.told) = (sends, polled, polls, told);
}

/// The rules, and what they need to know.
struct Rules {
    ops: Vec<Op>,
    entries: BTreeSet<(Message, i64)>,
    counts: Counts,
    /// Repetitions and skips from one operation to the next by processes that had subscribed.
    subscribed: Counts,
}

/// How long the worst poll lagged, and how many offsets a poll did that lagged so long; nothing where nobody polled.
pub(super) fn lag(events: &[Event]) -> Option<(i64, BTreeSet<i64>)> {
    let ops = ops(events);
    let told = |op: &Op| -> Vec<(i64, i64)> {
        let mentions = op.sends.iter().chain(&op.polled);
        let told = mentions.filter_map(|m| Some((m.message.0, m.offset?)));
        told.chain(op.empty.iter().map(|key| (*key, -1))).collect()
    };
    // Events that show that a log goes on behind an offset.
    let shows = |key: i64, offset: i64| {
        let ended = ops
            .iter()
            .filter(|op| op.kind != Kind::Fail && op.completed.is_some());
        let beyond = move |op: &&Op| told(op).iter().any(|&(of, at)| of == key && at > offset);
        ended
            .filter(beyond)
            .filter_map(|op| op.completed)
            .collect::<Vec<usize>>()
    };
    // What is assigned and never sent nor polled does not go on.
    let mentioned = |key: &&i64| {
        let of = |op: &Op| {
            let mut mentions = op.sends.iter().chain(&op.polled);
            mentions.any(|m| m.message.0 == **key) || op.empty.contains(*key)
        };
        ops.iter().any(of)
    };
    let mut lags: Vec<(i64, i64)> = Vec::new();
    for op in ops.iter().filter(|op| op.kind == Kind::Ok && op.polls > 0) {
        // What the process had met by the end of this, since the keys were its.
        let mut met: BTreeMap<i64, i64> = BTreeMap::new();
        let mut own: Vec<&Op> = ops
            .iter()
            .filter(|other| other.process == op.process)
            .collect();
        own.retain(|other| other.kind == Kind::Ok && other.completed <= op.completed);
        for other in own {
            match &*other.f {
                "subscribe" => met.clear(),
                "assign" => {
                    let of = |key: &i64| (*key, met.get(key).copied().unwrap_or(-1));
                    met = other.named.iter().filter(mentioned).map(of).collect();
                }
                _ => {
                    for (key, offset) in told(other) {
                        let met = met.entry(key).or_insert(offset);
                        *met = offset.max(*met);
                    }
                }
            }
        }
        for (key, offset) in met {
            let since = shows(key, offset).iter().map(|&row| events[row].time).min();
            let late = since.map_or(0, |since| (events[op.invoked].time - since).max(0));
            let before = ops.iter().filter(|other| other.kind != Kind::Fail);
            let before = before.filter(|other| other.completed.is_some_and(|row| row < op.invoked));
            let known = before
                .flat_map(told)
                .filter(|(of, _)| *of == key)
                .map(|(_, at)| at);
            let behind = known.max().map_or(0, |last| (last - offset).max(0));
            lags.push((late, behind));
        }
    }
    let worst = lags.iter().map(|lag| lag.0).max()?;
    let far = lags.iter().filter(|lag| lag.0 == worst).map(|lag| lag.1);
    Some((worst, far.collect()))
}

/// What is wrong with a history; the second tells what is wrong only for those who do not subscribe. Where `ww` is
/// asked for, who sends comes behind whoever sent what lies before it.
pub(super) fn counts(events: &[Event], ww: bool) -> (Counts, Counts) {
    let mut rules = Rules {
        ops: ops(events),
        entries: BTreeSet::new(),
        counts: Counts::new(),
        subscribed: Counts::new(),
    };
    rules.find_entries();
    rules.offsets();
    rules.reads();
    rules.lost();
    rules.internal();
    rules.external();
    rules.circles(ww);
    (rules.counts, rules.subscribed)
}

impl Rules {
    fn count(&mut self, kind: &'static str, times: usize) {
        if times > 0 {
            *self.counts.entry(kind).or_default() += times;
        }
    }

    fn has_read(&self, kind: Kind, message: Message) -> bool {
        let polled = |op: &Op| op.polled.iter().any(|m| m.message == message);
        self.ops.iter().any(|op| op.kind == kind && polled(op))
    }

    fn happened(&self, op: &Op) -> bool {
        let read = op
            .sends
            .iter()
            .any(|sent| self.has_read(Kind::Ok, sent.message));
        op.kind == Kind::Ok || op.kind == Kind::Info && read
    }

    fn sender(&self, message: Message) -> Option<&Op> {
        let sent = |op: &&Op| op.sends.iter().any(|sent| sent.message == message);
        self.ops.iter().find(sent)
    }

    fn find_entries(&mut self) {
        let mut entries = BTreeSet::new();
        for op in &self.ops {
            let sends = if self.happened(op) {
                &op.sends[..]
            } else {
                &[]
            };
            for mention in sends.iter().chain(&op.polled) {
                entries.extend(mention.offset.map(|offset| (mention.message, offset)));
            }
        }
        self.entries = entries;
    }

    fn offsets_of(&self, message: Message) -> Vec<i64> {
        let of = |entry: &&(Message, i64)| entry.0 == message;
        self.entries
            .iter()
            .filter(of)
            .map(|entry| entry.1)
            .collect()
    }

    fn place(&self, key: i64, offset: i64) -> i64 {
        let offsets: BTreeSet<i64> = self
            .entries
            .iter()
            .filter(|entry| entry.0.0 == key && entry.1 < offset)
            .map(|entry| entry.1)
            .collect();
        offsets.len() as i64
    }

    fn place_of(&self, mention: &Mention) -> Option<i64> {
        let offsets = self.offsets_of(mention.message);
        let offset = match offsets[..] {
            [] => return None,
            [only] => only,
            _ => mention.offset.filter(|offset| offsets.contains(offset))?,
        };
        Some(self.place(mention.message.0, offset))
    }

    fn offsets(&mut self) {
        let mut by_offset: BTreeMap<(i64, i64), usize> = BTreeMap::new();
        let mut by_message: BTreeMap<Message, usize> = BTreeMap::new();
        for ((key, message), offset) in &self.entries {
            *by_offset.entry((*key, *offset)).or_default() += 1;
            *by_message.entry((*key, *message)).or_default() += 1;
        }
        let several = |times: &&usize| **times > 1;
        let inconsistent = by_offset.values().filter(several).count();
        let duplicates = by_message.values().filter(several).count();
        self.count("inconsistent-offsets", inconsistent);
        self.count("duplicate", duplicates);
    }

    fn messages(&self) -> BTreeSet<Message> {
        let mentions = self
            .ops
            .iter()
            .flat_map(|op| op.sends.iter().chain(&op.polled));
        mentions.map(|mention| mention.message).collect()
    }

    fn reads(&mut self) {
        for message in self.messages() {
            let read = self.has_read(Kind::Ok, message);
            match self.sender(message).map(|op| op.kind) {
                None if read => self.count("garbage-read", 1),
                Some(Kind::Fail) if read => self.count("G1a", 1),
                Some(Kind::Ok) if !read => self.count("unseen", 1),
                _ => {}
            }
        }
        let own = |op: &&Op| {
            let sent = |m: &Mention| op.sends.iter().any(|sent| sent.message == m.message);
            op.polled.iter().any(sent)
        };
        let own = self.ops.iter().filter(own).count();
        self.count("precommitted-read", own);
    }

    /// Whether what an operation polled shows that everything before was handed out.
    fn is_firm(&self, reader: usize) -> bool {
        let op = &self.ops[reader];
        let open = |op: &&Op| op.kind == Kind::Info && op.polls > 0;
        let silent = self.ops.iter().filter(open).any(|op| !op.told);
        let before = self.ops[..reader].iter();
        let mut before = before.filter(|other| other.process == op.process);
        !silent || !before.any(|other| other.f == "subscribe" || open(&other))
    }

    fn lost(&mut self) {
        let mut found = 0;
        for message in self.messages() {
            let key = message.0;
            let Some(last) = self.offsets_of(message).last().copied() else {
                continue;
            };
            let sent = self.sender(message).is_some_and(|op| self.happened(op));
            let read = self.has_read(Kind::Ok, message) || self.has_read(Kind::Info, message);
            let mut bound = None;
            for (number, op) in self.ops.iter().enumerate() {
                if op.kind == Kind::Ok && self.is_firm(number) {
                    let of_key = op.polled.iter().filter(|m| m.message.0 == key);
                    let first = of_key.filter_map(|m| self.offsets_of(m.message).first().copied());
                    bound = bound.max(first.max());
                }
            }
            found += usize::from(sent && !read && bound >= Some(last));
        }
        self.count("lost-write", found);
    }

    /// Whether the second is not at the place after the first: before it, or further.
    fn apart(&self, first: &Mention, second: &Mention) -> (bool, bool) {
        match (self.place_of(first), self.place_of(second)) {
            (Some(first), Some(second)) => (second <= first, second > first + 1),
            _ => (false, false),
        }
    }

    fn internal(&mut self) {
        for op in self.ops.clone() {
            for key in 0..2 {
                let of_key = |mentions: &[Mention]| -> Vec<Mention> {
                    let of = mentions.iter().filter(|m| m.message.0 == key);
                    of.copied().collect()
                };
                let polled = of_key(&op.polled);
                for pair in polled.windows(2).filter(|_| !op.moved.contains(&key)) {
                    let (back, skip) = self.apart(&pair[0], &pair[1]);
                    self.count("int-nonmonotonic-poll", usize::from(back));
                    self.count("int-poll-skip", usize::from(skip));
                }
                let sends = of_key(&op.sends);
                for pair in sends.windows(2).filter(|_| op.kind != Kind::Fail) {
                    let (back, skip) = self.apart(&pair[0], &pair[1]);
                    self.count("int-nonmonotonic-send", usize::from(back));
                    self.count("int-send-skip", usize::from(skip));
                }
            }
        }
    }

    fn external(&mut self) {
        let ops = self.ops.clone();
        for (second, op) in ops.iter().enumerate() {
            for key in 0..2 {
                let of_key = |m: &&Mention| m.message.0 == key;
                let polled = op.polled.iter().find(of_key);
                let stands = Self::stands(&ops, second, key);
                if let Some(((last, loose), now)) = stands.zip(polled) {
                    let (back, skip) = self.apart(&last, now);
                    let loose = loose || op.moved.contains(&key);
                    self.note(loose, "nonmonotonic-poll", back);
                    self.note(loose, "poll-skip", skip);
                }
                let sent = op.sends.iter().find(of_key);
                let sent = sent.filter(|_| op.kind != Kind::Fail);
                if let Some((last, now)) = sent_before(&ops, second, key).zip(sent) {
                    let (back, skip) = self.apart(&last, now);
                    self.count("nonmonotonic-send", usize::from(back));
                    self.count("send-skip", usize::from(skip));
                }
            }
        }
    }

    fn note(&mut self, subscribed: bool, kind: &'static str, is: bool) {
        if is {
            let counts = if subscribed {
                &mut self.subscribed
            } else {
                &mut self.counts
            };
            *counts.entry(kind).or_default() += 1;
        }
    }

    /// What the consumer of an operation polled last of a key, if it still stands there; and whether
    /// it had subscribed at any time since, the time of that poll included.
    fn stands(ops: &[Op], operation: usize, key: i64) -> Option<(Mention, bool)> {
        let process = ops[operation].process;
        let before = ops[..operation].iter().enumerate();
        for (number, op) in before.rev().filter(|(_, op)| op.process == process) {
            match &*op.f {
                "crash" => return None,
                "assign" | "subscribe" if op.kind == Kind::Info => return None,
                "assign" | "subscribe"
                    if op.kind == Kind::Ok && (op.rewinds || !op.named.contains(&key)) =>
                {
                    return None;
                }
                _ if op.kind == Kind::Info && op.polls > 0 => return None,
                _ if op.kind == Kind::Ok => {
                    let last = op.polled.iter().rfind(|m| m.message.0 == key);
                    if let Some(last) = last {
                        return Some((*last, subscribed(ops, number, operation)));
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Whether one sent a message that lies before one of the other, and it is known where both do.
    fn wrote_before(&self, first: &Op, second: &Op) -> bool {
        let at = |m: &Mention| match self.offsets_of(m.message)[..] {
            [only] => {
                let there = |entry: &&(Message, i64)| entry.0.0 == m.message.0 && entry.1 == only;
                (self.entries.iter().filter(there).count() == 1).then_some((m.message.0, only))
            }
            _ => None,
        };
        let mut earlier = first.sends.iter().filter_map(at);
        earlier.any(|(key, offset)| {
            let mut later = second.sends.iter().filter_map(at);
            later.any(|(of, then)| of == key && then > offset)
        })
    }

    /// Whether anything reaches itself, by messages alone or with real time.
    fn circles(&mut self, ww: bool) {
        self.circles_of("G1c", "circle", true, ww);
        if ww {
            self.circles_of("G0", "circle of sends", false, true);
        }
    }

    fn circles_of(&mut self, plain: &'static str, timed: &'static str, wr: bool, ww: bool) {
        let len = self.ops.len();
        for real_time in [false, true] {
            let mut reaches = vec![vec![false; len]; len];
            for (a, first) in self.ops.iter().enumerate() {
                for (b, second) in self.ops.iter().enumerate() {
                    let sent = |m: &Mention| first.sends.iter().any(|s| s.message == m.message);
                    let polled = wr && second.kind == Kind::Ok && second.polled.iter().any(sent);
                    let polled = polled || ww && self.wrote_before(first, second);
                    let over = first.completed.filter(|_| first.kind == Kind::Ok);
                    let before = real_time && over.is_some_and(|row| row < second.invoked);
                    let part = first.kind != Kind::Fail && second.kind != Kind::Fail;
                    reaches[a][b] = a != b && part && (polled || before);
                }
            }
            for via in 0..len {
                for a in 0..len {
                    for b in 0..len {
                        reaches[a][b] |= reaches[a][via] && reaches[via][b];
                    }
                }
            }
            let circle = (0..len).any(|op| reaches[op][op]);
            self.count(if real_time { timed } else { plain }, usize::from(circle));
        }
    }
}

/// Whether the process of the second operation was subscribed at the first, or subscribed until the second.
fn subscribed(ops: &[Op], from: usize, to: usize) -> bool {
    let process = ops[to].process;
    let turns = |op: &&Op| {
        let turned = op.f == "subscribe" && op.kind != Kind::Fail;
        op.process == process && (turned || op.f == "assign" && op.kind == Kind::Ok)
    };
    let at_first = ops[..from].iter().rfind(turns);
    let mut since = ops[from..to].iter().filter(turns);
    at_first.is_some_and(|op| op.f == "subscribe") || since.any(|op| op.f == "subscribe")
}

/// What a process sent last to a key, if it is known that it did, and it has not turned to other keys since.
fn sent_before(ops: &[Op], operation: usize, key: i64) -> Option<Mention> {
    let process = ops[operation].process;
    for op in ops[..operation]
        .iter()
        .rev()
        .filter(|op| op.process == process)
    {
        let turns = matches!(&*op.f, "assign" | "subscribe");
        if turns && op.kind != Kind::Fail && !op.named.contains(&key) {
            return None;
        }
        let last = op.sends.iter().rfind(|m| m.message.0 == key);
        if let Some(last) = last.filter(|_| op.kind == Kind::Ok) {
            return Some(*last);
        }
    }
    None
}
