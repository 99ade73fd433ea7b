//! A set of configurations of which none makes another needless (Lowe 2017, section 4).
//!
//! A configuration is a few words. The first ones must be equal for two to be compared at all: the number
//! of the state in the low half of the first word, and then a bit for each running call that was taken. The
//! rest is its *debt*, a set of which less is better.

use super::Stop;
use super::meter::Meter;

const NONE: u32 = u32::MAX;
/// The number of the state in a configuration that another made needless.
const DEAD: u64 = u32::MAX as u64;
const STATE: u64 = u32::MAX as u64;
/// The fewest places of a table.
const PLACES_AT_LEAST: usize = 64;

pub(in super::super) fn state(words: &[u64]) -> u32 {
    (words[0] & STATE) as u32
}

pub(in super::super) fn set_state(words: &mut [u64], state: u32) {
    words[0] = (words[0] & !STATE) | u64::from(state);
}

/// Where a configuration came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The number of the configuration before it.
    pub(super) before: u32,
    /// The call that was taken in between, if there was one.
    pub(super) taken: u32,
    /// Whether the one before it is in the level before.
    pub(super) passed: bool,
}

impl Origin {
    /// Nothing was taken.
    pub(super) const PASSED: u32 = u32::MAX;

    /// That of the configuration with this number among those that a search begins with.
    pub(super) fn root(number: usize) -> Self {
        Self {
            before: number as u32,
            taken: Self::PASSED,
            passed: true,
        }
    }
}

/// Configurations before the same completion.
#[derive(Debug)]
pub(super) struct Level {
    stride: usize,
    exact: usize,
    words: Vec<u64>,
    /// The next configuration with the same first words.
    next: Vec<u32>,
    /// Open addressing by the first words; the places in use are the first `places`.
    table: Vec<u32>,
    places: usize,
    /// How many places are taken.
    taken: usize,
    /// Whether it pays to look whether a call that was taken need not have been.
    pub(super) hides: bool,
    /// The first words that are looked for.
    key: Vec<u64>,
    /// Where each came from, if that is noted.
    origins: Option<Vec<Origin>>,
}

impl Level {
    pub(super) fn new(exact: usize, debt: usize, noted: bool) -> Self {
        Self {
            stride: exact + debt,
            exact,
            words: Vec::new(),
            next: Vec::new(),
            table: Vec::new(),
            places: 0,
            taken: 0,
            hides: true,
            key: Vec::new(),
            origins: noted.then(Vec::new),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.next.len()
    }

    pub(super) fn get(&self, number: usize) -> &[u64] {
        let at = number * self.stride;
        &self.words[at..at + self.stride]
    }

    pub(super) fn is_dead(&self, number: usize) -> bool {
        self.words[number * self.stride] & STATE == DEAD
    }

    /// All configurations, for changes after which the same ones are equal and comparable as before.
    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut [u64]> {
        self.words.chunks_exact_mut(self.stride)
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(super) fn origins(&self) -> &[Origin] {
        self.origins.as_deref().unwrap_or_default()
    }

    /// Holds these configurations, none of which makes another needless, in this order.
    pub(super) fn restore(&mut self, words: &[u64], meter: &mut Meter<'_>) -> Result<(), Stop> {
        self.clear();
        meter.extend(&mut self.words, words)?;
        let count = words.len() / self.stride;
        meter.reserve(&mut self.next, count)?;
        self.next.resize(count, NONE);
        if let Some(origins) = &mut self.origins {
            meter.reserve(origins, count)?;
            origins.extend((0..count).map(Origin::root));
        }
        self.index(meter)
    }

    /// Takes the configurations out with their origins. What is left is of no use until it is cleared.
    pub(super) fn take(&mut self) -> (Vec<u64>, Vec<Origin>) {
        let origins = self.origins.replace(Vec::new()).unwrap_or_default();
        (std::mem::take(&mut self.words), origins)
    }

    /// Lets go of everything.
    pub(super) fn drop(&mut self, meter: &mut Meter<'_>) {
        meter.drop(&mut self.words);
        meter.drop(&mut self.next);
        meter.drop(&mut self.table);
        if let Some(origins) = &mut self.origins {
            meter.drop(origins);
        }
    }

    pub(super) fn clear(&mut self) {
        self.words.clear();
        self.next.clear();
        self.places = 0;
        self.taken = 0;
        if let Some(origins) = &mut self.origins {
            origins.clear();
        }
    }

    /// Adds a configuration unless one is there that is equal or has less debt, and leaves out those that
    /// have more. Those from `fresh` on were not looked at, so one of them can give its place.
    pub(super) fn insert(
        &mut self,
        words: &[u64],
        origin: Origin,
        fresh: usize,
        meter: &mut Meter<'_>,
    ) -> Result<bool, Stop> {
        if self.taken * 2 >= self.places {
            self.widen(meter)?;
        }
        if self.is_covered(words) {
            return Ok(false);
        }
        let place = self.place(&words[..self.exact]);
        let first = self.table[place];
        if first == NONE {
            let number = self.append(words, NONE, origin, meter)?;
            self.table[place] = number;
            self.taken += 1;
            return Ok(true);
        }
        let Some(reused) = self.dominate(words, place, fresh) else {
            return Ok(false);
        };
        let first = self.table[place];
        if reused == NONE {
            let number = self.append(words, first, origin, meter)?;
            self.table[place] = number;
        } else {
            let at = reused as usize * self.stride;
            self.words[at..at + self.stride].copy_from_slice(words);
            self.next[reused as usize] = first;
            self.table[place] = reused;
            if let Some(origins) = &mut self.origins {
                origins[reused as usize] = origin;
            }
        }
        Ok(true)
    }

    /// Whether some configuration has one call less taken, which it can say was taken all the same. Such a
    /// call is no debt of either.
    fn is_covered(&mut self, words: &[u64]) -> bool {
        if !self.hides {
            return false;
        }
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        key.extend_from_slice(&words[..self.exact]);
        let mut covered = false;
        for word in 0..self.exact {
            let mut taken = key[word] & if word == 0 { !STATE } else { u64::MAX };
            while taken != 0 && !covered {
                let bit = taken & taken.wrapping_neg();
                taken ^= bit;
                key[word] ^= bit;
                covered = self.has_less(&key, &words[self.exact..]);
                key[word] ^= bit;
            }
        }
        self.key = key;
        covered
    }

    /// Whether there is a configuration with these first words and no more debt.
    fn has_less(&self, exact: &[u64], debt: &[u64]) -> bool {
        let mut at = self.table[self.place(exact)];
        while at != NONE {
            let from = at as usize * self.stride;
            let owed = &self.words[from + self.exact..from + self.stride];
            if owed.iter().zip(debt).all(|(owed, debt)| owed & !debt == 0) {
                return true;
            }
            at = self.next[at as usize];
        }
        false
    }

    /// Goes through those with the same first words: `None` if one of them is as good. Otherwise unlinks
    /// those that are worse, and says which of them can be written over: the first, so that it does not
    /// depend on the order in which the table has them.
    fn dominate(&mut self, words: &[u64], place: usize, fresh: usize) -> Option<u32> {
        let debt = &words[self.exact..];
        let mut reused = NONE;
        let mut before = NONE;
        let mut at = self.table[place];
        while at != NONE {
            let from = at as usize * self.stride;
            let owed = &self.words[from + self.exact..from + self.stride];
            let mut less = true;
            let mut more = true;
            for (owed, debt) in owed.iter().zip(debt) {
                less &= owed & !debt == 0;
                more &= debt & !owed == 0;
            }
            if less {
                return None;
            }
            let next = self.next[at as usize];
            if more {
                if before == NONE {
                    self.table[place] = next;
                } else {
                    self.next[before as usize] = next;
                }
                if at as usize >= fresh {
                    reused = reused.min(at);
                }
                self.words[from] |= DEAD;
            } else {
                before = at;
            }
            at = next;
        }
        Some(reused)
    }

    fn append(
        &mut self,
        words: &[u64],
        next: u32,
        origin: Origin,
        meter: &mut Meter<'_>,
    ) -> Result<u32, Stop> {
        let number = self.next.len();
        if number >= NONE as usize {
            return Err(Stop::Memory);
        }
        meter.extend(&mut self.words, words)?;
        meter.push(&mut self.next, next)?;
        if let Some(origins) = &mut self.origins {
            meter.push(origins, origin)?;
        }
        Ok(number as u32)
    }

    /// The place of these first words in the table: where they are, or the free one where they belong.
    fn place(&self, exact: &[u64]) -> usize {
        let mask = self.places - 1;
        let mut place = hash(exact) as usize & mask;
        loop {
            let number = self.table[place];
            if number == NONE {
                return place;
            }
            let at = number as usize * self.stride;
            if self.words[at..at + self.exact] == *exact {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    /// Doubles the places in use.
    fn widen(&mut self, meter: &mut Meter<'_>) -> Result<(), Stop> {
        let places = (self.places * 2).max(PLACES_AT_LEAST);
        let more = places.saturating_sub(self.table.len());
        meter.reserve(&mut self.table, more)?;
        let mut heads = Vec::new();
        meter.reserve(&mut heads, self.taken)?;
        heads.extend(self.table[..self.places].iter().filter(|&&n| n != NONE));
        self.table.resize(self.table.len().max(places), NONE);
        self.table[..places].fill(NONE);
        self.places = places;
        for &number in &heads {
            let at = number as usize * self.stride;
            let place = self.place(&self.words[at..at + self.exact]);
            self.table[place] = number;
        }
        meter.drop(&mut heads);
        Ok(())
    }

    /// Forgets those that were left out. The table is of no use afterwards until [`Self::index`].
    pub(super) fn compact(&mut self) {
        let mut kept = 0;
        for number in 0..self.len() {
            if self.is_dead(number) {
                continue;
            }
            if kept != number {
                let from = number * self.stride;
                self.words
                    .copy_within(from..from + self.stride, kept * self.stride);
                if let Some(origins) = &mut self.origins {
                    origins[kept] = origins[number];
                }
            }
            kept += 1;
        }
        self.words.truncate(kept * self.stride);
        self.next.truncate(kept);
        if let Some(origins) = &mut self.origins {
            origins.truncate(kept);
        }
    }

    /// Builds the table anew, after the first words have changed.
    pub(super) fn index(&mut self, meter: &mut Meter<'_>) -> Result<(), Stop> {
        self.places = 0;
        self.taken = 0;
        for number in 0..self.len() {
            if self.taken * 2 >= self.places {
                self.widen(meter)?;
            }
            let at = number * self.stride;
            let place = self.place(&self.words[at..at + self.exact]);
            let first = self.table[place];
            self.taken += usize::from(first == NONE);
            self.next[number] = first;
            self.table[place] = number as u32;
        }
        Ok(())
    }
}

fn hash(exact: &[u64]) -> u64 {
    let mut hash = 0_u64;
    for word in exact {
        hash = (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 29;
    }
    hash.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
}
