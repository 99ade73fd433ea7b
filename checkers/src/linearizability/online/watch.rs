//! The watch of a history by the name of its model, for those who do not know which model it is.

use rupture_history::EventRef;

use super::{Found, Online, Standing};
use crate::models::{
    CasRegister, Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, Named, OwnerMutex,
    PriorityQueue, Register, Semaphore, Set, Stack, UnorderedQueue,
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
/// `set-full` is not watched: it judges what became of each element by the end, which no event before tells.
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

fn online<M: Model + 'static>(model: M, options: &Options) -> Box<dyn Watch>
where
    M::State: Send,
{
    let online = Online::new(model).independent(options.independent);
    Box::new(match &options.initial {
        Some(value) => online.initial(value.clone()),
        None => online,
    })
}

/// The watch of [`Semaphore::ANY`].
struct Permitless(Box<dyn Watch>);

impl Watch for Permitless {
    fn push(&mut self, event: EventRef<'_>) -> Result<Option<Found>, CheckError> {
        self.0.push(event)
    }

    fn finish(&mut self) -> Standing {
        match self.0.finish() {
            Standing::Valid => Standing::Unknown(Semaphore::UNTOLD.to_owned()),
            standing => standing,
        }
    }
}

static WATCHED: [(&str, Build); 15] = [
    ("cas-register", |options| {
        let model = CasRegister {
            observe_failed: options.observe_failed_cas,
        };
        online(model, options)
    }),
    ("counter", |options| online(Named::from(Counter), options)),
    ("fenced-lock", |options| {
        online(Named::from(FencedLock), options)
    }),
    ("fifo-queue", |options| {
        online(Named::from(FifoQueue), options)
    }),
    ("kv-append", |options| {
        online(Named::from(KvAppend), options)
    }),
    ("multi-register", |options| {
        online(Named::from(MultiRegister), options)
    }),
    ("mutex", |options| online(Named::from(Mutex), options)),
    ("owner-mutex", |options| {
        online(Named::from(OwnerMutex { reentrant: false }), options)
    }),
    ("priority-queue", |options| {
        online(Named::from(PriorityQueue), options)
    }),
    ("reentrant-mutex", |options| {
        online(Named::from(OwnerMutex { reentrant: true }), options)
    }),
    ("register", |options| online(Register, options)),
    ("semaphore", |options| match options.permits {
        Some(permits) => online(Named::from(Semaphore { permits }), options),
        None => Box::new(Permitless(online(Named::from(Semaphore::ANY), options))),
    }),
    ("set", |options| online(Named::from(Set), options)),
    ("stack", |options| online(Named::from(Stack), options)),
    ("unordered-queue", |options| {
        online(Named::from(UnorderedQueue), options)
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_watched_but_set_full() {
        let linearizable = |info: &&crate::ModelInfo| info.consistency.contains(&"linearizable");
        let models = crate::models().iter().filter(linearizable);
        let names = models.map(|info| info.name);
        let watched: Vec<&str> = names.filter(|name| *name != "set-full").collect();
        let known: Vec<&str> = WATCHED.iter().map(|(name, _)| *name).collect();
        assert_eq!(watched, known);
    }

    #[test]
    fn a_semaphore_of_unknown_size_is_never_said_to_hold() {
        use rupture_history::{Event, History, Kind, Value};
        let event = |kind, f| Event::new(0, kind, f, Value::Int(1));
        let standing = |f, permits| {
            let history: History = [event(Kind::Invoke, f), event(Kind::Ok, f)]
                .iter()
                .collect();
            let options = Options {
                permits,
                ..Options::default()
            };
            let mut watch = watcher("semaphore", &options).expect("it is watched");
            for event in history.iter() {
                watch.push(event).expect("operations of a semaphore");
            }
            watch.finish()
        };
        assert!(matches!(standing("acquire", Some(1)), Standing::Valid));
        assert!(matches!(standing("acquire", None), Standing::Unknown(_)));
        assert!(matches!(standing("acquire", Some(0)), Standing::Invalid(_)));
        assert!(matches!(standing("release", Some(1)), Standing::Invalid(_)));
    }
}
