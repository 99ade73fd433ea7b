use proptest::prelude::*;
use rand::RngExt;
use rupture_protocols::random::stream;

use super::*;

type Sent = (Kind, Vec<u8>);

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Hello, Kind::Message, Kind::Probe])
}

fn frames() -> impl Strategy<Value = Vec<Sent>> {
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    prop::collection::vec((kind(), payload), 0..12)
}

fn encode(frames: &[Sent]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, payload) in frames {
        append(&mut bytes, *kind, payload);
    }
    bytes
}

/// What comes out of bytes that arrive in slices of these sizes, over and over.
fn decode(bytes: &[u8], slices: &[usize]) -> (Vec<Sent>, Option<FrameError>) {
    let mut reader = Reader::new(MOST_BYTES);
    let (mut frames, mut rest) = (Vec::new(), bytes);
    for size in slices.iter().cycle() {
        let (slice, after) = rest.split_at((*size).min(rest.len()));
        rest = after;
        reader.space().extend_from_slice(slice);
        loop {
            match reader.next() {
                Ok(Some(frame)) => frames.push((frame.kind, frame.payload().to_vec())),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    (frames, None)
}

proptest! {
    #[test]
    fn any_slicing_gives_back_what_was_sent(
        frames in frames(),
        slices in prop::collection::vec(1..200_usize, 1..20),
    ) {
        prop_assert_eq!(decode(&encode(&frames), &slices), (frames, None));
    }

    #[test]
    fn an_altered_byte_never_makes_another_frame(
        frames in frames(),
        place in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
        slices in prop::collection::vec(1..200_usize, 1..20),
    ) {
        let mut bytes = encode(&frames);
        prop_assume!(!bytes.is_empty());
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        let (got, _) = decode(&bytes, &slices);
        // What comes before the altered frame is right, and nothing else is taken for a frame.
        prop_assert!(got.len() < frames.len());
        prop_assert_eq!(&got[..], &frames[..got.len()]);
        let whole: usize = encode(&frames[..got.len()]).len();
        prop_assert!(whole <= place);
    }

    #[test]
    fn a_stream_that_ends_early_gives_the_frames_before(
        frames in frames(),
        end in any::<prop::sample::Index>(),
    ) {
        let bytes = encode(&frames);
        let end = end.index(bytes.len() + 1);
        let (got, error) = decode(&bytes[..end], &[7]);
        prop_assert_eq!(error, None);
        prop_assert_eq!(&got[..], &frames[..got.len()]);
        prop_assert!(got.len() == frames.len() || encode(&frames[..=got.len()]).len() > end);
    }

    #[test]
    fn a_hello_is_read_back_and_any_bytes_are_borne(
        from in any::<u32>(),
        to in any::<u32>(),
        token in prop::collection::vec(any::<u8>(), 0..64),
        noise in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let hello = Hello { from, to, token: &token };
        let bytes = hello.encode();
        prop_assert_eq!(Hello::decode(&bytes), Ok(hello));
        for end in 0..10 {
            prop_assert!(Hello::decode(&bytes[..end]).is_err());
        }
        let _ = Hello::decode(&noise);
    }
}

/// Random bytes, and frames that are spliced, cut and altered: nothing panics, and what is taken for a frame has its
/// checksum.
fn fuzz(cases: u64) {
    for case in 0..cases {
        let mut random = stream(case, "frames");
        let mut bytes: Vec<u8> = Vec::new();
        for _ in 0..random.random_range(0..6) {
            let mut payload = vec![0; random.random_range(0..64)];
            payload.fill_with(|| random.random());
            match random.random_range(0..4) {
                0 => bytes.extend_from_slice(&payload),
                // A length and a kind that are possible, before noise.
                1 => {
                    bytes.extend_from_slice(&random.random_range(0..80_u32).to_le_bytes());
                    bytes.extend_from_slice(&random.random::<u32>().to_le_bytes());
                    bytes.push(random.random_range(0..5));
                }
                _ => append(&mut bytes, Kind::Message, &payload),
            }
        }
        for _ in 0..random.random_range(0..3) {
            if !bytes.is_empty() {
                let place = random.random_range(0..bytes.len());
                bytes[place] = random.random();
            }
        }
        let (got, error) = decode(&bytes, &[random.random_range(1..90)]);
        let whole = encode(&got);
        assert_eq!(whole, bytes[..whole.len()], "case {case}");
        let (again, same) = decode(&bytes, &[1]);
        assert_eq!((again, same), (got, error), "case {case}");
    }
}

#[test]
fn noise_is_refused_and_never_panics() {
    fuzz(2_000);
}

#[test]
#[ignore = "takes a minute; run it with --release"]
fn much_noise_is_refused_and_never_panics() {
    fuzz(10_000_000);
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_anything_is_waited_for() {
    let mut bytes = Vec::new();
    append(&mut bytes, Kind::Message, &[0; 11]);
    let mut reader = Reader::new(10);
    reader.space().extend_from_slice(&bytes[..HEADER]);
    let error = FrameError::TooLong {
        bytes: 11,
        most: 10,
    };
    assert_eq!(reader.next(), Err(error));
    assert_eq!(reader.next(), Err(error), "the same when asked again");
    let claim = u32::MAX.to_le_bytes();
    assert!(matches!(
        decode(&[&claim[..], &[0, 0, 0, 0, 2]].concat(), &[9]).1,
        Some(FrameError::TooLong { .. })
    ));
}

#[test]
fn a_claim_alone_takes_no_memory() {
    let mut bytes = Vec::new();
    append(&mut bytes, Kind::Message, &[]);
    bytes[..4].copy_from_slice(&(MOST_BYTES as u32).to_le_bytes());
    let mut reader = Reader::new(MOST_BYTES);
    reader.space().extend_from_slice(&bytes);
    assert_eq!(reader.next(), Ok(None));
    assert!(reader.space().capacity() < SPARE_BYTES);
}

#[test]
fn a_hello_in_another_version_is_named() {
    let mut bytes = Hello {
        from: 1,
        to: 2,
        token: b"t",
    }
    .encode();
    bytes[0] = 9;
    let refused = Hello::decode(&bytes).expect_err("another version");
    assert!(refused.contains("version 9"), "{refused}");
}
