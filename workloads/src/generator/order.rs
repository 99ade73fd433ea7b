//! Generators one after another.

use crate::history::Event;

use super::{Context, Generator, Next};

/// See [`sequence`].
pub struct Sequence {
    parts: Vec<Box<dyn Generator>>,
    current: usize,
}

/// One generator after another; each begins as soon as the one before it is done, while operations of that
/// one may still run.
pub fn sequence(parts: Vec<Box<dyn Generator>>) -> Sequence {
    Sequence { parts, current: 0 }
}

impl Generator for Sequence {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        while let Some(part) = self.parts.get_mut(self.current) {
            match part.next(context) {
                Next::Done => self.current += 1,
                next => return next,
            }
        }
        Next::Done
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        if let Some(part) = self.parts.get_mut(self.current) {
            part.update(context, event);
        }
    }
}

/// See [`phases`].
pub struct Phases {
    parts: Vec<Box<dyn Generator>>,
    current: usize,
    begun: bool,
}

/// One generator after another; each, the first as well, begins only when all threads of the view are free.
/// Operations of two phases therefore never overlap.
pub fn phases(parts: Vec<Box<dyn Generator>>) -> Phases {
    Phases {
        parts,
        current: 0,
        begun: false,
    }
}

impl Generator for Phases {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        while let Some(part) = self.parts.get_mut(self.current) {
            self.begun = self.begun || context.threads.all_free();
            if !self.begun {
                return Next::Pending;
            }
            match part.next(context) {
                Next::Done => {
                    self.current += 1;
                    self.begun = false;
                }
                next => return next,
            }
        }
        Next::Done
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        // While a phase waits to begin, what happens belongs to the one before it, which is done.
        if let Some(part) = self.parts.get_mut(self.current).filter(|_| self.begun) {
            part.update(context, event);
        }
    }
}

/// See [`cycle`].
pub struct Cycle<F> {
    make: F,
    part: Box<dyn Generator>,
    /// Whether `part` has ever answered anything but done.
    fruitful: bool,
}

/// A generator made anew whenever the last one is done, as in Jepsen's `cycle`. It ends only when a new one
/// is done at once: another would be so too.
pub fn cycle<F: FnMut() -> Box<dyn Generator> + Send>(mut make: F) -> Cycle<F> {
    let part = make();
    Cycle {
        make,
        part,
        fruitful: false,
    }
}

impl<F: FnMut() -> Box<dyn Generator> + Send> Generator for Cycle<F> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        loop {
            match self.part.next(context) {
                Next::Done if self.fruitful => {
                    self.part = (self.make)();
                    self.fruitful = false;
                }
                Next::Done => return Next::Done,
                next => {
                    self.fruitful = true;
                    return next;
                }
            }
        }
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        self.part.update(context, event);
    }
}

impl std::fmt::Debug for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sequence({} of {})", self.current, self.parts.len())
    }
}

impl std::fmt::Debug for Phases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phases({} of {})", self.current, self.parts.len())
    }
}

impl<F> std::fmt::Debug for Cycle<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cycle")
    }
}
