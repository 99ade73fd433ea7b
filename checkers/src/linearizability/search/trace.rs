//! The order that a search by levels has shown to exist.
//!
//! Only two levels are held, so where a configuration came from is forgotten. It is found again by
//! checkpoints: the search runs once more and keeps its place now and then, and then it runs from the last
//! place, the one before it and so on, each time with all origins noted, and follows them back from the
//! configuration that the run before it began with. Every run is the same as the one before, since nothing in a
//! search depends on anything but its input.

use super::Stop;
use super::levels::{Checkpoint, Levels};
use super::meter::Meter;
use crate::Model;
use crate::linearizability::calls::Call;
use crate::linearizability::plan::Plan;

/// How many events are followed back at once, at least.
pub(super) const SEGMENT: usize = 512;
/// How many checkpoints are kept at most; with more, every second one is forgotten.
const CHECKPOINTS: usize = 256;

/// The effects of an order, which must exist, in order.
pub(super) fn order<M: Model>(
    model: &M,
    starts: &[M::State],
    calls: &[Call<M::Op>],
    plan: &Plan,
    meter: &mut Meter<'_>,
) -> Result<Vec<u32>, Stop> {
    let places = places(model, starts, calls, plan, meter)?;
    let mut end = plan.events();
    let mut target = None;
    let mut order = Vec::new();
    let mut found = vec![false; calls.len()];
    for place in places.into_iter().rev() {
        let mut levels = Levels::new(model, calls, plan, true);
        levels.resume(&place, meter)?;
        levels.run(end, u64::MAX, meter)?;
        // The first place whose configuration is asked for was made after the level was put in order.
        if end < plan.events() {
            levels.tidy(meter)?;
        }
        let number = target.or_else(|| levels.any()).unwrap_or_default();
        let (before, piece) = levels.trace(number, &mut found);
        order.extend(piece);
        target = Some(before);
        end = place.event();
        levels.drop(meter);
        place.drop(meter);
    }
    order.reverse();
    Ok(order)
}

/// Runs the search, and keeps its place now and then.
fn places<M: Model>(
    model: &M,
    starts: &[M::State],
    calls: &[Call<M::Op>],
    plan: &Plan,
    meter: &mut Meter<'_>,
) -> Result<Vec<Checkpoint<M::State>>, Stop> {
    let mut levels = Levels::new(model, calls, plan, false);
    levels.start(starts, meter)?;
    let mut segment = SEGMENT;
    let mut places = Vec::new();
    loop {
        let place = levels.checkpoint(meter)?;
        meter.push(&mut places, place)?;
        if places.len() > CHECKPOINTS {
            places = thin(places, meter);
            segment *= 2;
        }
        let until = levels.event() + segment;
        if until >= plan.events() {
            levels.drop(meter);
            return Ok(places);
        }
        levels.run(until, u64::MAX, meter)?;
    }
}

/// Forgets every second place.
fn thin<S>(places: Vec<Checkpoint<S>>, meter: &mut Meter<'_>) -> Vec<Checkpoint<S>> {
    let mut kept = Vec::with_capacity(places.capacity());
    for (number, place) in places.into_iter().enumerate() {
        if number % 2 == 0 {
            kept.push(place);
        } else {
            place.drop(meter);
        }
    }
    kept
}
