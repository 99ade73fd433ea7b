//! Random streams that are drawn by name from one seed.
//!
//! The generator is xoshiro256++ (Blackman & Vigna 2019), whose output for a seed is fixed for ever; a
//! printed seed must replay years from now. Streams are independent: what one part draws never shifts
//! what another sees, so that adding a client does not change the network.

use rand_xoshiro::rand_core::SeedableRng;

/// One stream of random numbers. Use the methods of [`rand::RngExt`] and [`rand::Rng`] on it.
pub type Stream = rand_xoshiro::Xoshiro256PlusPlus;

/// The stream of this name (`network`, `client 3`, `nemesis`, ...) under this seed.
pub fn stream(seed: u64, name: &str) -> Stream {
    Stream::seed_from_u64(
        name.bytes()
            .fold(mix(seed), |state, byte| mix(state ^ u64::from(byte))),
    )
}

/// The finaliser of `SplitMix64` (Steele, Lea & Flood 2014), a bijection that spreads every bit.
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn a_stream_is_fixed_by_seed_and_name() {
        let first = |seed, name| stream(seed, name).next_u64();
        assert_eq!(first(7, "network"), first(7, "network"));
        assert_ne!(first(7, "network"), first(8, "network"));
        assert_ne!(first(7, "network"), first(7, "disk"));
    }
}
