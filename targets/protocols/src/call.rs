//! The names of calls: who makes it, and which of that client's it is.
//!
//! Whoever drives nodes names calls so, in every world: some planted bugs treat clients unlike, and tell them by this.

/// How many low bits are the client's own count.
const COUNT_BITS: u32 = 40;

/// The name of a client's call. Its count stays below 2^40: that many calls take years.
pub fn call_id(client: u32, count: u64) -> u64 {
    (u64::from(client) << COUNT_BITS) | count
}

/// Who makes the call of this name.
pub fn client_of(call: u64) -> u64 {
    call >> COUNT_BITS
}

/// Which of its client's calls it is.
pub fn count_of(call: u64) -> u64 {
    call & ((1 << COUNT_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_call_it_is_and_which() {
        for (client, count) in [(0, 0), (7, 1), ((1 << 24) - 1, (1 << 40) - 1)] {
            let call = call_id(client, count);
            assert_eq!(
                (client_of(call), count_of(call)),
                (u64::from(client), count)
            );
        }
    }
}
