//! Random streams that are drawn by name from one seed.
//!
//! The generator is xoshiro256++ (Blackman & Vigna 2019), whose output for a seed is fixed for ever; a
//! printed seed must replay years from now. Streams are independent: what one part draws never shifts
//! what another sees, so that adding a client does not change the network.

use rand_xoshiro::rand_core::SeedableRng;

use crate::mix::mix;

/// One stream of random numbers. Use the methods of [`rand::RngExt`] and [`rand::Rng`] on it.
pub type Stream = rand_xoshiro::Xoshiro256PlusPlus;

/// The stream of this name (`network`, `client 3`, `nemesis`, ...) under this seed.
pub fn stream(seed: u64, name: &str) -> Stream {
    Stream::seed_from_u64(
        name.bytes()
            .fold(mix(seed), |state, byte| mix(state ^ u64::from(byte))),
    )
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
