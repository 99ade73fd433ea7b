//! Two things waited for at once.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Which of two came first.
#[derive(Debug)]
pub(crate) enum Either<A, B> {
    /// The one that is named first, also where both are there.
    First(A),
    /// The other.
    Second(B),
}

/// Waits for the first of two futures, and drops the other.
pub(crate) async fn race<A, B>(first: A, second: B) -> Either<A::Output, B::Output>
where
    A: Future,
    B: Future,
{
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|context| {
        if let Poll::Ready(output) = first.as_mut().poll(context) {
            return Poll::Ready(Either::First(output));
        }
        second.as_mut().poll(context).map(Either::Second)
    })
    .await
}
