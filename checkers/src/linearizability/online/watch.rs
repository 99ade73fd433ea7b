//! The watch of a history by the name of its model, for those who do not know which model it is.

use rupture_history::EventRef;

use super::{Found, Online, Standing};
use crate::models::{
    CasRegister, Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, OwnerMutex,
    PriorityQueue, Register, Set, Stack, UnorderedQueue,
};
use crate::{CheckError, Model, Options, Unknown};

/// Hears of the events of a history while it grows; see [`Online`].
pub trait Watch: Send {
    /// Takes the next event, and says once at which the history became impossible.
    ///
    /// # Errors
    /// As [`Online::push`].
    fn push(&mut self, event: EventRef<'_>) -> Result<Option<Found>, CheckError>;

    /// Looks at all that was not looked at yet.
    fn finish(&mut self) -> Standing;
}

impl<M: Model> Watch for Online<M>
where
    M::State: Send,
{
    fn push(&mut self, event: EventRef<'_>) -> Result<Option<Found>, CheckError> {
        Online::push(self, event)
    }

    fn finish(&mut self) -> Standing {
        Online::finish(self)
    }
}

type Build = fn(&Options) -> Box<dyn Watch>;

/// The watch of a model by its name, for linearizability.
///
/// `set-full` is not watched: it judges what became of each element by the end, which no event before tells. Nor is
/// `semaphore`, which no workload asks for yet.
///
/// ```
/// use rupture_checkers::Options;
/// use rupture_checkers::linearizability::online::watcher;
///
/// assert!(watcher("fifo-queue", &Options::default()).is_ok());
/// assert!(watcher("set-full", &Options::default()).is_err());
/// ```
///
/// # Errors
/// There is no such model, or it is not watched.
pub fn watcher(model: &str, options: &Options) -> Result<Box<dyn Watch>, Unknown> {
    match WATCHED.iter().find(|(name, _)| *name == model) {
        Some((_, build)) => Ok(build(options)),
        None => Err(Unknown::Model {
            name: model.to_owned(),
            known: WATCHED.iter().map(|(name, _)| *name).collect(),
        }),
    }
}

fn online<M: Model + 'static>(model: M, options: Options) -> Box<dyn Watch>
where
    M::State: Send,
{
    Box::new(Online::new(model).independent(options.independent))
}

static WATCHED: [(&str, Build); 14] = [
    ("cas-register", |options| {
        let model = CasRegister {
            observe_failed: options.observe_failed_cas,
        };
        online(model, *options)
    }),
    ("counter", |options| online(Counter, *options)),
    ("fenced-lock", |options| online(FencedLock, *options)),
    ("fifo-queue", |options| online(FifoQueue, *options)),
    ("kv-append", |options| online(KvAppend, *options)),
    ("multi-register", |options| online(MultiRegister, *options)),
    ("mutex", |options| online(Mutex, *options)),
    ("owner-mutex", |options| {
        online(OwnerMutex { reentrant: false }, *options)
    }),
    ("priority-queue", |options| online(PriorityQueue, *options)),
    ("reentrant-mutex", |options| {
        online(OwnerMutex { reentrant: true }, *options)
    }),
    ("register", |options| online(Register, *options)),
    ("set", |options| online(Set, *options)),
    ("stack", |options| online(Stack, *options)),
    ("unordered-queue", |options| {
        online(UnorderedQueue, *options)
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_watched_but_those_that_cannot_be() {
        let linearizable = |info: &&crate::ModelInfo| info.consistency.contains(&"linearizable");
        let models = crate::models().iter().filter(linearizable);
        let names = models.map(|info| info.name);
        let unwatched = ["semaphore", "set-full"];
        let watched: Vec<&str> = names.filter(|name| !unwatched.contains(name)).collect();
        let known: Vec<&str> = WATCHED.iter().map(|(name, _)| *name).collect();
        assert_eq!(watched, known);
    }
}
