//! Generators that hold operations themselves. Each runs its operations on any free thread of its view, and
//! is done where the view has no threads at all.

use super::{Context, Generator, Next, Op};

/// Hands `op` to a free thread, or says why not.
fn on_any_thread(context: &mut Context<'_>, op: impl FnOnce() -> Op) -> Next {
    if context.threads.count() == 0 {
        return Next::Done;
    }
    match context.any_free_thread() {
        Some(thread) => Next::Invoke(op().on(thread)),
        None => Next::Pending,
    }
}

/// No operation at all. See [`nothing`].
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

/// No operation at all.
pub fn nothing() -> Nothing {
    Nothing
}

impl Generator for Nothing {
    fn next(&mut self, _: &mut Context<'_>) -> Next {
        Next::Done
    }
}

/// See [`sleep`].
#[derive(Clone, Debug)]
pub struct Sleep {
    span_ns: u64,
    until_ns: Option<u64>,
}

/// No operation, and done only `span_ns` after the moment when it is first asked.
pub fn sleep(span_ns: u64) -> Sleep {
    Sleep {
        span_ns,
        until_ns: None,
    }
}

impl Generator for Sleep {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        let later = context.now_ns.saturating_add(self.span_ns);
        let until_ns = *self.until_ns.get_or_insert(later);
        if context.now_ns < until_ns {
            Next::WaitUntil(until_ns)
        } else {
            Next::Done
        }
    }
}

/// See [`once`].
#[derive(Clone, Debug)]
pub struct Once(Option<Op>);

/// One operation, once.
pub fn once(op: Op) -> Once {
    Once(Some(op))
}

impl Generator for Once {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        match &mut self.0 {
            None => Next::Done,
            op => on_any_thread(context, || op.take().unwrap_or_default()),
        }
    }
}

/// See [`repeat`].
#[derive(Clone, Debug)]
pub struct Repeat(Op);

/// One operation, again and again, on every thread that is free.
pub fn repeat(op: Op) -> Repeat {
    Repeat(op)
}

impl Generator for Repeat {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        on_any_thread(context, || self.0.clone())
    }
}

/// See [`function`].
pub struct Function<F>(Option<F>);

/// Operations from a function, which is called only when a thread is free for what it makes. It is done when
/// it answers `None`, and not called again.
pub fn function<F: FnMut(&mut Context<'_>) -> Option<Op> + Send>(make: F) -> Function<F> {
    Function(Some(make))
}

impl<F: FnMut(&mut Context<'_>) -> Option<Op> + Send> Generator for Function<F> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        let Some(make) = &mut self.0 else {
            return Next::Done;
        };
        let mut op = None;
        if context.threads.free_count() > 0 {
            op = make(context);
            if op.is_none() {
                self.0 = None;
                return Next::Done;
            }
        }
        on_any_thread(context, || op.unwrap_or_default())
    }
}

impl<F> std::fmt::Debug for Function<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Function")
    }
}
