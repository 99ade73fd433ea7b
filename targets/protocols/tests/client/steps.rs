//! The client step by step: whom it asks, when, and what it makes of what comes back.

use rupture_protocols::NodeId;
use rupture_protocols::Reply;
use rupture_protocols::client::{
    Client, Context, Effect, Failure, Input, Outcome, Settings, SettingsError, next_node,
};
use rupture_protocols::error::ErrorCode;
use rupture_protocols::random::{self, Stream};
use rupture_protocols::retry::PolicyError;
use rupture_protocols::store::{Command, Datum, Response};

const MS: u64 = 1_000_000;
const FAR: u64 = 60_000 * MS;

/// A client at its clock, and what it wants, in short.
struct Bench {
    now_ns: u64,
    client: Client,
    random: Stream,
    wake_ns: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Want {
    Call(u64, NodeId),
    Done(Outcome),
}

impl Bench {
    fn new(settings: Settings) -> Self {
        Self {
            now_ns: 0,
            client: Client::new(settings),
            random: random::stream(1, "client"),
            wake_ns: None,
        }
    }

    fn tell(&mut self, input: Input) -> Vec<Want> {
        let mut effects = Vec::new();
        self.client.step(
            input,
            &mut Context {
                now_ns: self.now_ns,
                nodes: &[4, 0, 2, 1, 3],
                random: &mut self.random,
                effects: &mut effects,
            },
        );
        let mut wants = Vec::new();
        for effect in effects {
            match effect {
                Effect::Call { attempt, to, .. } => wants.push(Want::Call(attempt, to)),
                Effect::Done(outcome) => wants.push(Want::Done(outcome)),
                Effect::WakeAt(at_ns) => self.wake_ns = Some(at_ns),
            }
        }
        wants
    }

    fn begin(&mut self, command: Command, deadline_ns: u64, prefer: NodeId) -> Vec<Want> {
        self.tell(Input::Begin {
            request_id: "7".into(),
            command,
            deadline_ns,
            prefer,
        })
    }

    fn write(&mut self, deadline_ns: u64) -> Vec<Want> {
        let command = Command::Write(Datum::Int(1), Datum::Int(2));
        self.begin(command, deadline_ns, 0)
    }

    fn wake(&mut self) -> Vec<Want> {
        self.now_ns = self.wake_ns.take().expect("it asked to be woken");
        self.tell(Input::Wake)
    }

    fn error(
        &mut self,
        attempt: u64,
        from: NodeId,
        code: ErrorCode,
        leader: Option<NodeId>,
        maybe_executed: bool,
    ) -> Vec<Want> {
        let reply = Reply::Error {
            code,
            leader,
            maybe_executed,
        };
        self.tell(Input::Reply {
            attempt,
            from,
            reply,
        })
    }

    fn response(&mut self, attempt: u64, response: Response) -> Vec<Want> {
        self.tell(Input::Reply {
            attempt,
            from: 0,
            reply: Reply::Ok(response),
        })
    }
}

fn done(outcome: Outcome) -> Vec<Want> {
    vec![Want::Done(outcome)]
}

fn ok() -> Vec<Want> {
    done(Outcome::Ok(Response::Done))
}

fn fail(code: ErrorCode) -> Vec<Want> {
    done(Outcome::Fail(Failure::Code(code)))
}

fn info(code: ErrorCode) -> Vec<Want> {
    done(Outcome::Info(code))
}

fn call(attempt: u64, to: NodeId) -> Vec<Want> {
    vec![Want::Call(attempt, to)]
}

#[test]
fn an_answer_ends_it() {
    let mut bench = Bench::new(Settings::default());
    assert_eq!(bench.write(FAR), call(0, 0));
    assert_eq!(bench.response(0, Response::Done), ok());
    assert!(!bench.client.is_busy());
    assert_eq!(bench.client.answered_last(), Some(0));
    assert_eq!(bench.response(0, Response::Done), []);
    assert_eq!(bench.tell(Input::Wake), []);
}

#[test]
fn hints_are_followed_at_once_and_not_for_ever() {
    let mut bench = Bench::new(Settings::default());
    assert_eq!(bench.write(FAR), call(0, 0));
    let code = ErrorCode::LeaderNotFound;
    assert_eq!(bench.error(0, 0, code, Some(3), false), call(1, 3));
    assert_eq!(bench.error(1, 3, code, Some(0), false), call(2, 0));
    assert_eq!(bench.error(2, 0, code, Some(3), false), call(3, 3));
    assert_eq!(bench.error(3, 3, code, Some(2), false), []);
    let wait_ms = bench.wake_ns.expect("it backs off") / MS;
    assert!((37..63).contains(&wait_ms), "{wait_ms}");
    assert_eq!(bench.wake(), call(4, 2), "it knows of a leader");
    assert_eq!(bench.error(4, 2, code, Some(1), false), call(5, 1));
}

#[test]
fn without_a_hint_it_goes_round_the_ring() {
    let mut bench = Bench::new(Settings::default());
    assert_eq!(bench.write(FAR), call(0, 0));
    for (attempt, hint) in [(0, None), (1, Some(1)), (2, Some(99)), (3, None), (4, None)] {
        let from = (attempt % 5) as NodeId;
        let code = ErrorCode::QuorumUnreachable;
        assert_eq!(bench.error(attempt, from, code, hint, false), []);
        assert_eq!(bench.wake(), call(attempt + 1, (from + 1) % 5));
    }
}

#[test]
fn silence_is_followed_by_another_node_and_may_be_broken_late() {
    let mut bench = Bench::new(Settings::default());
    bench.write(FAR);
    assert_eq!(bench.wake(), []);
    assert_eq!(bench.now_ns, 1_000 * MS);
    assert_eq!(bench.wake(), call(1, 1));
    assert_eq!(bench.response(0, Response::Done), ok());
}

#[test]
fn a_client_that_stays_stays() {
    let settings = Settings {
        follow_leader: false,
        ..Settings::default()
    };
    let mut bench = Bench::new(settings);
    assert_eq!(bench.begin(Command::Read(Datum::Nil), FAR, 2), call(0, 2));
    let code = ErrorCode::LeaderNotFound;
    assert_eq!(bench.error(0, 2, code, Some(3), false), []);
    assert_eq!(bench.wake(), call(1, 2));
    let (attempt, from) = (1, 2);
    assert_eq!(bench.tell(Input::Refused { attempt, from }), []);
    assert_eq!(bench.wake(), call(2, 2));
}

#[test]
fn what_was_never_executed_fails() {
    let mut bench = Bench::new(Settings::default());
    bench.write(1_000 * MS);
    for attempt in 0.. {
        let wants = bench.tell(Input::Refused { attempt, from: 0 });
        if !wants.is_empty() {
            assert_eq!(wants, fail(ErrorCode::LeaderNotFound));
            assert!((3..6).contains(&attempt), "{attempt}");
            break;
        }
        assert_eq!(bench.wake(), call(attempt + 1, (attempt as NodeId + 1) % 5));
    }
    assert!(bench.now_ns < 1_000 * MS);
}

#[test]
fn when_nothing_can_be_learned_it_ends_before_the_deadline() {
    let mut bench = Bench::new(Settings::default());
    bench.write(30 * MS);
    let code = ErrorCode::QuorumUnreachable;
    assert_eq!(bench.error(0, 0, code, None, false), fail(code));
    bench.write(bench.now_ns + 30 * MS);
    assert_eq!(
        bench.tell(Input::Broken {
            attempt: 1,
            from: 0
        }),
        info(ErrorCode::Timeout)
    );
}

#[test]
fn one_doubtful_attempt_makes_it_info() {
    let mut bench = Bench::new(Settings::default());
    bench.write(FAR);
    let code = ErrorCode::QuorumUnreachable;
    assert_eq!(bench.error(0, 0, code, None, true), []);
    assert_eq!(bench.wake(), call(1, 1));
    let code = ErrorCode::InvalidTerm;
    assert_eq!(bench.error(1, 1, code, None, false), info(code));
}

#[test]
fn a_late_promise_clears_a_silent_attempt() {
    let mut bench = Bench::new(Settings::default());
    bench.write(FAR);
    bench.wake();
    assert_eq!(bench.wake(), call(1, 1));
    let code = ErrorCode::PermanentFailure;
    assert_eq!(
        bench.error(0, 0, code, Some(3), false),
        [],
        "it is not asked any more"
    );
    assert_eq!(bench.error(1, 1, code, None, false), fail(code));
}

#[test]
fn a_promise_after_a_doubt_clears_nothing() {
    let mut bench = Bench::new(Settings::default());
    bench.write(FAR);
    let code = ErrorCode::Timeout;
    assert_eq!(bench.error(0, 0, code, None, true), []);
    assert_eq!(bench.error(0, 0, code, None, false), []);
    assert_eq!(bench.wake(), call(1, 1));
    let code = ErrorCode::PermanentFailure;
    assert_eq!(bench.error(1, 1, code, None, false), info(code));
}

#[test]
fn a_duplicate_proves_nothing() {
    let code = ErrorCode::DuplicateRequest;
    let mut bench = Bench::new(Settings::default());
    bench.write(FAR);
    assert_eq!(bench.error(0, 0, code, None, false), info(code));
    bench.write(FAR);
    assert_eq!(bench.response(1, Response::Duplicate), info(code));
}

#[test]
fn a_refusal_is_definitive_whatever_went_before() {
    let mut bench = Bench::new(Settings::default());
    bench.write(FAR);
    bench.tell(Input::Broken {
        attempt: 0,
        from: 0,
    });
    assert_eq!(bench.wake(), call(1, 1));
    let reason = String::from("no");
    assert_eq!(
        bench.response(1, Response::Refused(reason.clone())),
        done(Outcome::Fail(Failure::Refused(reason)))
    );
}

#[test]
fn a_read_that_was_not_answered_fails() {
    let mut bench = Bench::new(Settings::default());
    bench.begin(Command::Count(Datum::Nil), 500 * MS, 1);
    assert_eq!(bench.wake(), fail(ErrorCode::Timeout));
    assert_eq!(bench.now_ns, 500 * MS);
}

#[test]
fn after_the_last_attempt_it_listens_until_the_deadline() {
    let mut settings = Settings::default();
    settings.policy.attempts = 1;
    for late in [true, false] {
        let mut bench = Bench::new(settings);
        bench.write(5_000 * MS);
        assert_eq!(bench.wake(), []);
        assert_eq!(bench.wake_ns, Some(5_000 * MS));
        if late {
            assert_eq!(bench.response(0, Response::Done), ok());
        } else {
            assert_eq!(bench.wake(), info(ErrorCode::Timeout));
        }
    }
}

#[test]
fn a_deadline_in_the_past_asks_nobody() {
    let mut bench = Bench::new(Settings::default());
    bench.now_ns = 9;
    assert_eq!(bench.write(9), fail(ErrorCode::Timeout));
}

#[test]
fn no_operation_outlives_its_answer() {
    let mut bench = Bench::new(Settings::default());
    bench.write(u64::MAX);
    let ended = (0..1_000).find_map(|_| match bench.wake().pop() {
        Some(Want::Done(outcome)) => Some(outcome),
        _ => None,
    });
    assert_eq!(ended, Some(Outcome::Info(ErrorCode::Timeout)));
    assert_eq!(bench.now_ns, 150_000 * MS);
}

#[test]
fn an_operation_that_is_pushed_aside_ends_first() {
    let mut bench = Bench::new(Settings::default());
    bench.write(FAR);
    let mut expected = info(ErrorCode::Timeout);
    expected.extend(call(1, 0));
    assert_eq!(bench.write(FAR), expected);
    assert_eq!(
        bench.response(0, Response::Done),
        [],
        "that was the earlier one"
    );
    assert_eq!(bench.response(1, Response::Done), ok());
}

#[test]
fn waking_it_for_nothing_does_no_harm() {
    let mut bench = Bench::new(Settings::default());
    bench.write(FAR);
    for _ in 0..3 {
        bench.wake_ns = None;
        assert_eq!(bench.tell(Input::Wake), []);
        assert_eq!(bench.wake_ns, Some(1_000 * MS));
    }
}

#[test]
fn the_ring_is_ascending_and_closed() {
    let nodes = [7, 1, 4];
    assert_eq!(
        [0, 1, 2, 4, 7, 9].map(|it| next_node(&nodes, it)),
        [1, 4, 4, 7, 1, 1]
    );
    assert_eq!(next_node(&[], 3), 3);
    assert_eq!(next_node(&[3], 3), 3);
}

#[test]
fn settings_are_validated() {
    let good = Settings::default();
    assert_eq!(good.validate(), Ok(()));
    let mut bad = good;
    bad.policy.attempts = 0;
    let error = SettingsError::Policy(PolicyError::NoAttempts);
    assert_eq!(bad.validate(), Err(error));
    let bad = Settings {
        attempt_timeout_ms: 0,
        ..good
    };
    assert_eq!(bad.validate(), Err(SettingsError::NoTimeout));
    let text = serde_json::to_string(&good).expect("it can be written");
    assert_eq!(
        serde_json::from_str::<Settings>(&text).expect("it can be read"),
        good
    );
}
