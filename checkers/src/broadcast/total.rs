//! Total order: what any process has delivered is a prefix of what the one that has delivered most has.
//!
//! That is so if and only if of any two, one has a prefix of the other's: two that disagree at some place cannot
//! both agree there with the longest.

use super::fifo::judged;
use super::findings::{Finding, Findings, Property};
use super::transcript::{Delivery, NONE, Transcript};

/// Looks for the first place at which each process differs from the one that has delivered most.
pub(super) fn differences(transcript: &Transcript<'_>, uniform: bool, findings: &mut Findings) {
    let mut met = vec![NONE; transcript.messages.len()];
    let is_judged = |process: &u32| uniform || !transcript.processes[*process as usize].stopped;
    let mut orders: Vec<(u32, Vec<Delivery>)> = Vec::new();
    for process in transcript.all().filter(is_judged) {
        let first = |delivery: &&Delivery| {
            let met = &mut met[delivery.message as usize];
            std::mem::replace(met, process) != process
        };
        let delivered = judged(transcript, process).iter().filter(first);
        orders.push((process, delivered.copied().collect()));
    }
    let most = orders.iter().map(|(_, order)| order.len()).max();
    let longest = orders.iter().find(|(_, order)| Some(order.len()) == most);
    let Some((_, longest)) = longest else {
        return;
    };
    let mut breaches: Vec<(usize, Finding)> = Vec::new();
    for (process, order) in &orders {
        let mut pairs = order.iter().zip(longest);
        let Some(place) = pairs.position(|(one, other)| one.message != other.message) else {
            continue;
        };
        let finding = Finding {
            process: *process,
            delivery: order[place].operation,
            message: order[place].message,
            other: longest[place].operation,
        };
        breaches.push((place, finding));
    }
    breaches.sort_by_key(|(place, _)| *place);
    for (_, finding) in breaches {
        findings.add(Property::TotalOrder, finding);
    }
}
