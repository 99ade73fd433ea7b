//! Tests of the retry policy and of the error codes that it speaks of.

use proptest::prelude::*;
use rupture_protocols::error::ErrorCode;
use rupture_protocols::random;
use rupture_protocols::retry::{Policy, PolicyError, is_retried};

const NS_PER_MS: u64 = 1_000_000;

#[test]
fn the_default_doubles_from_50_ms_to_10_s() {
    let policy = Policy::default();
    assert_eq!(policy.validate(), Ok(()));
    let plain: Vec<_> = (1..=10).map(|it| policy.plain_ns(it) / NS_PER_MS).collect();
    let expected = [50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000];
    assert_eq!(plain, expected);
}

#[test]
fn a_delay_is_the_same_for_ever() {
    let policy = Policy::default();
    let mut stream = random::stream(7, "client 0");
    let delays: Vec<_> = (1..=4).map(|it| policy.delay_ns(it, &mut stream)).collect();
    assert_eq!(delays, [48_298_669, 100_033_731, 243_482_774, 374_756_674]);
}

#[test]
fn jitter_goes_to_both_sides_equally() {
    let policy = Policy::default();
    let mut stream = random::stream(1, "jitter");
    let delays: Vec<_> = (0..20_000)
        .map(|_| policy.delay_ns(1, &mut stream))
        .collect();
    let mean = delays.iter().sum::<u64>() / delays.len() as u64;
    assert!(mean.abs_diff(50 * NS_PER_MS) < NS_PER_MS / 2, "{mean}");
    let least = delays.iter().min().expect("there are delays");
    let most = delays.iter().max().expect("there are delays");
    assert!((37_500_000..37_600_000).contains(least), "{least}");
    assert!((62_400_000..=62_500_000).contains(most), "{most}");
}

proptest! {
    #[test]
    fn every_delay_is_within_its_bounds(
        seed: u64,
        attempt in 0..1000_u32,
        first_ms in 1..100_000_u64,
        more_ms in 0..86_000_000_u64,
        factor in 1..u32::MAX,
        jitter_permille in 0..=1000_u32,
    ) {
        let max_ms = (first_ms + more_ms).min(86_400_000);
        let policy = Policy { attempts: 1, first_ms, max_ms, factor, jitter_permille };
        prop_assert_eq!(policy.validate(), Ok(()));
        let delay = policy.delay_ns(attempt, &mut random::stream(seed, "x"));
        let plain = policy.plain_ns(attempt);
        let width = plain / 1000 * u64::from(jitter_permille);
        prop_assert!(delay >= plain - width);
        prop_assert!(delay <= (plain + width).min(max_ms * NS_PER_MS));
    }

    #[test]
    fn no_policy_panics(
        attempts: u32, first_ms: u64, max_ms: u64, factor: u32, jitter_permille: u32, attempt: u32,
    ) {
        let policy = Policy { attempts, first_ms, max_ms, factor, jitter_permille };
        let _ = policy.validate();
        let _ = policy.delay_ns(attempt, &mut random::stream(0, "x"));
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let good = Policy::default();
    let cases = [
        (
            Policy {
                attempts: 0,
                ..good
            },
            PolicyError::NoAttempts,
        ),
        (
            Policy {
                first_ms: 0,
                ..good
            },
            PolicyError::NoDelay,
        ),
        (
            Policy {
                first_ms: 20,
                max_ms: 10,
                ..good
            },
            PolicyError::FirstBeyondMax {
                first_ms: 20,
                max_ms: 10,
            },
        ),
        (
            Policy {
                max_ms: u64::MAX,
                ..good
            },
            PolicyError::TooLong,
        ),
        (Policy { factor: 0, ..good }, PolicyError::NoFactor),
        (
            Policy {
                jitter_permille: 1001,
                ..good
            },
            PolicyError::TooMuchJitter(1001),
        ),
    ];
    for (policy, error) in cases {
        assert_eq!(policy.validate(), Err(error));
    }
}

#[test]
fn a_policy_is_read_as_it_is_written() {
    let policy: Policy = serde_json::from_str(r#"{"attempts": 3}"#).expect("the rest is default");
    assert_eq!(
        policy,
        Policy {
            attempts: 3,
            ..Policy::default()
        }
    );
    let text = serde_json::to_string(&policy).expect("it can be written");
    assert_eq!(
        serde_json::from_str::<Policy>(&text).expect("it can be read"),
        policy
    );
    assert!(serde_json::from_str::<Policy>(r#"{"tries": 3}"#).is_err());
}

#[test]
fn four_codes_are_retried_and_three_are_given_up() {
    let retried = "LEADER_NOT_FOUND QUORUM_UNREACHABLE TIMEOUT NETWORK_PARTITION_HEALING";
    let given_up = "INVALID_TERM DUPLICATE_REQUEST PERMANENT_FAILURE";
    for (texts, expected) in [(retried, true), (given_up, false)] {
        for text in texts.split(' ') {
            let code: ErrorCode = text.parse().expect("it is a code");
            assert_eq!(is_retried(code), expected);
            assert_eq!(code.to_string(), text);
            assert_eq!(
                serde_json::to_string(&code).expect("it can be written"),
                format!("{text:?}")
            );
        }
    }
    assert!("leader_not_found".parse::<ErrorCode>().is_err());
}
