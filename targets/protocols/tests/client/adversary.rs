//! A client in a network that executes attempts or does not, late or often, loses and repeats replies, and lies
//! about nothing. A real store says what was executed, and an oracle compares that with what the client made of it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand::RngExt;
use rupture_protocols::NodeId;
use rupture_protocols::Reply;
use rupture_protocols::client::{Client, Context, Effect, Failure, Input, Outcome, Settings};
use rupture_protocols::error::ErrorCode;
use rupture_protocols::random::{self, Stream};
use rupture_protocols::store::{Command, Datum, Request, Response, Store};

const MS: u64 = 1_000_000;
const NODES: [NodeId; 5] = [0, 1, 2, 3, 4];
const OPERATIONS: usize = 8;

/// What is to happen.
enum Event {
    Begin,
    Execute {
        attempt: u64,
        answer_ns: Option<u64>,
    },
    Deliver(Input),
    OtherClient,
}

/// What the oracle knows of one operation.
struct Operation {
    begun_ns: u64,
    deadline_ns: u64,
    prefer: NodeId,
    request: Request,
    attempts: BTreeSet<u64>,
    proven_not_executed: BTreeSet<u64>,
    /// When the store took the request for a new one, and what it answered.
    applied: Vec<(u64, Response)>,
    /// What the attempts of a command that changes nothing were answered, and when.
    read: Vec<(u64, Response)>,
    ended: Option<(u64, Outcome)>,
}

struct World {
    now_ns: u64,
    dice: Stream,
    client: Client,
    client_dice: Stream,
    settings: Settings,
    wake_ns: Option<u64>,
    wakes_late: bool,
    /// How likely, of ten, an attempt reaches the store.
    kindness: u32,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
    store: Store,
    operations: Vec<Operation>,
}

impl World {
    fn new(seed: u64, settings: Settings) -> Self {
        let mut dice = random::stream(seed, "adversary");
        let kindness = dice.random_range(0..10);
        let wakes_late = dice.random_bool(0.3);
        let mut world = Self {
            now_ns: 1_000 * MS,
            dice,
            client: Client::new(settings),
            client_dice: random::stream(seed, "client"),
            settings,
            wake_ns: None,
            wakes_late,
            kindness,
            queue: BTreeMap::new(),
            queued: 0,
            store: Store::default(),
            operations: Vec::new(),
        };
        let accounts = vec![(Datum::Int(0), 3), (Datum::Int(1), 3)];
        world.execute_for_another(Command::OpenAccounts(accounts));
        world
    }

    /// Runs all operations and whatever is on its way after the last of them.
    fn run(mut self) -> Vec<Operation> {
        self.later(0, Event::Begin);
        self.later(0, Event::OtherClient);
        loop {
            let next = self.queue.first_key_value().map(|(key, _)| key.0);
            match (next, self.wake_ns) {
                (None, None) => break,
                (next, Some(wake_ns)) if next.is_none_or(|it| wake_ns <= it) => {
                    self.wake_ns = None;
                    let late = if self.wakes_late { self.small() } else { 0 };
                    let latest = next.unwrap_or(u64::MAX);
                    self.now_ns = (wake_ns + late).min(latest).max(self.now_ns);
                    self.tell(Input::Wake);
                }
                _ => {
                    if let Some(((at_ns, _), event)) = self.queue.pop_first() {
                        self.now_ns = self.now_ns.max(at_ns);
                        self.happen(event);
                    }
                }
            }
        }
        assert!(!self.client.is_busy(), "an operation never ends");
        self.operations
    }

    fn later(&mut self, delay_ns: u64, event: Event) {
        self.queued += 1;
        let at_ns = self.now_ns + delay_ns;
        self.queue.insert((at_ns, self.queued), event);
    }

    fn small(&mut self) -> u64 {
        self.dice.random_range(0..20 * MS)
    }

    /// Mostly short, at times longer than an attempt's timeout, at times longer than the operation.
    fn delay(&mut self) -> u64 {
        let most_ms = [5, 50, 1_000, 3_000, 20_000][self.dice.random_range(0..5)];
        self.dice.random_range(0..most_ms * MS)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Begin => self.begin(),
            Event::Execute { attempt, answer_ns } => self.execute(attempt, answer_ns),
            Event::Deliver(input) => self.tell(input),
            Event::OtherClient => {
                let command = any_command(&mut self.dice);
                self.execute_for_another(command);
                if self.operations.len() < OPERATIONS || self.client.is_busy() {
                    let delay = self.dice.random_range(0..2_000 * MS);
                    self.later(delay, Event::OtherClient);
                }
            }
        }
    }

    fn begin(&mut self) {
        let number = self.operations.len();
        let mut command = any_command(&mut self.dice);
        let mut request_id = format!("{number}");
        // At times the caller uses a request id for two commands.
        if let Some(earlier) = self.operations.last()
            && self.dice.random_bool(0.1)
            && let Command::Add(key, amount) = &earlier.request.command
        {
            command = Command::Add(key.clone(), amount + 1);
            request_id = earlier.request.idempotency_key.replace(":add", "");
        }
        let prefer = self.dice.random_range(0..6);
        let deadline_ns = self.now_ns + self.dice.random_range(0..12_000 * MS);
        self.operations.push(Operation {
            begun_ns: self.now_ns,
            deadline_ns,
            prefer,
            request: Request {
                idempotency_key: format!("{request_id}:{}", command.operation_type()),
                command: command.clone(),
            },
            attempts: BTreeSet::new(),
            proven_not_executed: BTreeSet::new(),
            applied: Vec::new(),
            read: Vec::new(),
            ended: None,
        });
        self.tell(Input::Begin {
            request_id,
            command,
            deadline_ns,
            prefer,
        });
    }

    /// Hands the client an input, and does what it wants.
    fn tell(&mut self, input: Input) {
        self.note_proof(&input);
        let mut effects = Vec::new();
        let before_ns = self.now_ns;
        self.client.step(
            input,
            &mut Context {
                now_ns: self.now_ns,
                nodes: &NODES,
                random: &mut self.client_dice,
                effects: &mut effects,
            },
        );
        for effect in effects {
            match effect {
                Effect::Call {
                    attempt,
                    to,
                    request,
                } => self.carry(attempt, to, &request),
                Effect::WakeAt(at_ns) => {
                    let operation = self.operations.last().expect("an operation was begun");
                    assert!(at_ns > before_ns && at_ns <= operation.deadline_ns);
                    assert!(operation.ended.is_none());
                    self.wake_ns = Some(at_ns);
                }
                Effect::Done(outcome) => self.end(outcome),
            }
        }
        assert!(
            !self.client.is_busy() || self.wake_ns.is_some(),
            "it would sleep for ever"
        );
    }

    fn end(&mut self, outcome: Outcome) {
        let operation = self.operations.last_mut().expect("an operation was begun");
        assert_eq!(operation.ended, None);
        operation.ended = Some((self.now_ns, outcome));
        if self.dice.random_bool(0.5) {
            self.wake_ns = None;
        }
        if self.operations.len() < OPERATIONS {
            let delay = self.delay();
            self.later(delay, Event::Begin);
        }
    }

    /// What is told to the client while the operation runs, and proves that an attempt is never executed.
    fn note_proof(&mut self, input: &Input) {
        let attempt = match input {
            Input::Refused { attempt, .. } => attempt,
            Input::Reply {
                attempt,
                reply:
                    Reply::Error {
                        code,
                        maybe_executed: false,
                        ..
                    },
                ..
            } if *code != ErrorCode::DuplicateRequest => attempt,
            _ => return,
        };
        let operation = self.operations.last_mut().expect("an operation was begun");
        if operation.ended.is_none() {
            operation.proven_not_executed.insert(*attempt);
        }
    }

    /// Takes a call and decides its fate.
    fn carry(&mut self, attempt: u64, to: NodeId, request: &Request) {
        let operation = self.operations.last_mut().expect("an operation was begun");
        assert!(operation.ended.is_none());
        assert!(operation.attempts.insert(attempt), "a number comes twice");
        assert_eq!(*request, operation.request);
        let first = operation.attempts.len() == 1;
        if first || !self.settings.follow_leader {
            assert_eq!(to, operation.prefer);
        } else {
            assert!(NODES.contains(&to));
        }
        if self.dice.random_range(0..10) < self.kindness {
            self.reach(attempt, to);
        } else {
            self.miss(attempt, to);
        }
    }

    /// The attempt is executed, once or several times; what comes back is another matter.
    fn reach(&mut self, attempt: u64, to: NodeId) {
        let answer_ns = match self.dice.random_range(0..6) {
            0 => {
                let reply = self.error(true);
                self.deliver_often(&Input::Reply {
                    attempt,
                    from: to,
                    reply,
                });
                None
            }
            1 => {
                self.deliver_often(&Input::Broken { attempt, from: to });
                None
            }
            2 => None,
            _ => Some(self.delay()),
        };
        for _ in 0..self.dice.random_range(1..4) {
            let delay = self.delay();
            self.later(delay, Event::Execute { attempt, answer_ns });
        }
    }

    /// The attempt is never executed.
    fn miss(&mut self, attempt: u64, from: NodeId) {
        let maybe = self.dice.random_bool(0.3);
        let reply = self.error(maybe);
        match self.dice.random_range(0..6) {
            0 | 1 => self.deliver_often(&Input::Reply {
                attempt,
                from,
                reply,
            }),
            2 | 3 => self.deliver_often(&Input::Refused { attempt, from }),
            4 => self.deliver_often(&Input::Broken { attempt, from }),
            _ => {}
        }
    }

    fn error(&mut self, maybe_executed: bool) -> Reply {
        let codes = if self.dice.random_bool(0.15) {
            0..7
        } else {
            0..4
        };
        Reply::Error {
            code: ErrorCode::ALL[self.dice.random_range(codes)],
            leader: self
                .dice
                .random_bool(0.5)
                .then(|| self.dice.random_range(0..7)),
            maybe_executed,
        }
    }

    fn deliver_often(&mut self, input: &Input) {
        for _ in 0..self.dice.random_range(1..3) {
            let delay = self.delay();
            self.later(delay, Event::Deliver(input.clone()));
        }
    }

    fn execute(&mut self, attempt: u64, answer_ns: Option<u64>) {
        let is_mine = |it: &&mut Operation| it.attempts.contains(&attempt);
        let operation = self
            .operations
            .iter_mut()
            .find(is_mine)
            .expect("it was sent");
        let request = &operation.request;
        let response = if request.command.is_read_only() {
            let response = self.store.read(&request.command);
            operation.read.push((self.now_ns, response.clone()));
            response
        } else {
            let known = self.store.sessions();
            let response = self.store.apply(self.now_ns, request, true);
            if self.store.sessions() > known {
                operation.applied.push((self.now_ns, response.clone()));
            }
            response
        };
        if let Some(delay_ns) = answer_ns {
            let reply = Reply::Ok(response);
            let from = 0;
            let input = Input::Reply {
                attempt,
                from,
                reply,
            };
            self.later(delay_ns, Event::Deliver(input));
        }
    }

    fn execute_for_another(&mut self, command: Command) {
        self.queued += 1;
        let request = Request {
            idempotency_key: format!("other-{}:op", self.queued),
            command,
        };
        self.store.apply(self.now_ns, &request, true);
    }
}

fn any_command(dice: &mut Stream) -> Command {
    let int = |dice: &mut Stream| Datum::Int(dice.random_range(0..2));
    let key = Datum::Int(0);
    match dice.random_range(0..9) {
        0 => Command::Read(key),
        1 => Command::Count(key),
        2 => Command::Write(key, int(dice)),
        3 => Command::Cas {
            key,
            old: int(dice),
            new: int(dice),
        },
        4 => Command::Enqueue(key, int(dice)),
        5 => Command::Dequeue(key),
        6 => Command::Transfer {
            from: int(dice),
            to: int(dice),
            amount: dice.random_range(1..3),
        },
        _ => Command::Add(key, dice.random_range(1..5)),
    }
}

/// Holds what the client said against what was executed, then and later.
fn judge(operation: &Operation, settings: &Settings, lateness_ns: u64) {
    let Some((ended_ns, outcome)) = &operation.ended else {
        panic!("an operation never ended");
    };
    let during = operation.begun_ns..=*ended_ns;
    assert!(*ended_ns <= operation.deadline_ns + lateness_ns);
    let most = settings.policy.attempts * (1 + settings.redirects);
    assert!(operation.attempts.len() <= most as usize);
    assert!(operation.applied.len() <= 1, "the store itself has failed");
    if operation.request.command.is_read_only() {
        match outcome {
            Outcome::Ok(response) => {
                let is_it = |(at, it): &(u64, Response)| it == response && during.contains(at);
                assert!(operation.read.iter().any(is_it));
            }
            Outcome::Fail(failure) => assert!(matches!(failure, Failure::Code(_))),
            Outcome::Info(_) => panic!("a read has no effect"),
        }
        return;
    }
    let first = operation.applied.first();
    match outcome {
        Outcome::Ok(response) => {
            let (at_ns, answer) = first.expect("ok, but never executed");
            assert_eq!(response, answer);
            assert!(during.contains(at_ns));
            assert!(!matches!(
                response,
                Response::Refused(_) | Response::Duplicate
            ));
        }
        Outcome::Fail(Failure::Refused(reason)) => {
            let answer = first.map(|it| it.1.clone());
            assert_eq!(answer, Some(Response::Refused(reason.clone())));
        }
        Outcome::Fail(Failure::Code(_)) => assert_eq!(first, None, "fail, but executed"),
        Outcome::Info(_) => assert!(
            operation.attempts != operation.proven_not_executed,
            "info, but every attempt is proven not executed"
        ),
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    (1..12_u32, 1..3_000_u64, 0..4_u32, any::<bool>()).prop_map(
        |(attempts, attempt_timeout_ms, redirects, follow_leader)| {
            let mut settings = Settings {
                attempt_timeout_ms,
                redirects,
                follow_leader,
                ..Settings::default()
            };
            settings.policy.attempts = attempts;
            settings
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_outcome_is_what_happened(seed: u64, settings in settings()) {
        let world = World::new(seed, settings);
        let lateness_ns = if world.wakes_late { 20 * MS } else { 0 };
        let operations = world.run();
        prop_assert_eq!(operations.len(), OPERATIONS);
        for operation in &operations {
            judge(operation, &settings, lateness_ns);
        }
    }
}

/// Without this the property above might hold because little ever happens.
#[test]
fn all_that_can_happen_does_happen() {
    let mut seen = BTreeMap::<&str, u32>::new();
    for seed in 0..400 {
        for operation in World::new(seed, Settings::default()).run() {
            let (ended_ns, outcome) = operation.ended.expect("it ended");
            let later = operation.applied.first().is_some_and(|it| it.0 > ended_ns);
            let many = operation.attempts.len() > 1;
            let what = match outcome {
                Outcome::Ok(_) if operation.request.command.is_read_only() => "ok: a read",
                Outcome::Ok(_) if many => "ok after retries",
                Outcome::Ok(_) => "ok at once",
                Outcome::Fail(Failure::Refused(_)) if many => "refused after retries",
                Outcome::Fail(Failure::Refused(_)) => "refused at once",
                Outcome::Fail(_) if many => "fail after retries",
                Outcome::Fail(_) => "fail at once",
                Outcome::Info(ErrorCode::DuplicateRequest) => "info: a duplicate",
                Outcome::Info(_) if later => "info, executed later",
                Outcome::Info(_) if operation.applied.is_empty() => "info, never executed",
                Outcome::Info(_) => "info, executed before",
            };
            *seen.entry(what).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 11, "{seen:?}");
    assert!(seen.values().all(|it| *it >= 10), "{seen:?}");
}
