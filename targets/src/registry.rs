//! Which targets there are, by name, and their mutants.

use std::sync::LazyLock;

use crate::entry::TargetInfo;
use crate::local::{Local, LocalError, LocalSetup};
use crate::node::{NodeError, NodeOptions};
use crate::options::{TargetError, TargetOptions};
use crate::real::{Real, Tell};
use crate::settings;
use crate::{Capabilities, Simulated};
use crate::{raft, single};

/// All targets, in the order in which people should see them.
pub fn targets() -> &'static [TargetInfo] {
    static TARGETS: LazyLock<Vec<TargetInfo>> =
        LazyLock::new(|| vec![raft::info(), single::info()]);
    &TARGETS
}

/// The target of this name.
///
/// # Errors
/// A name that nobody knows.
pub fn target(name: &str) -> Result<&'static TargetInfo, TargetError> {
    targets()
        .iter()
        .find(|info| info.name == name)
        .ok_or_else(|| TargetError::UnknownTarget {
            name: name.to_owned(),
            known: targets().iter().map(|info| info.name.to_owned()).collect(),
        })
}

/// Builds a target in the simulator.
///
/// # Errors
/// Names that nobody knows, and settings that contradict each other.
pub fn simulated(name: &str, options: &TargetOptions) -> Result<Box<dyn Simulated>, TargetError> {
    let info = target(name)?;
    check(info, options)?;
    (info.worlds.simulated)(options)
}

/// Runs one node as this process, until `stop` says so, which is asked ten times a second.
///
/// # Errors
/// Names that nobody knows, settings that contradict each other, and what a node cannot go on without.
pub fn serve(options: &NodeOptions, stop: &(dyn Fn() -> bool + Sync)) -> Result<(), NodeError> {
    let info = target(&options.name)?;
    check(info, &options.target)?;
    (info.worlds.node)(options, stop)
}

/// What can be done to a cluster of processes of this target.
///
/// # Errors
/// Names that nobody knows, and settings that contradict each other.
pub fn local_capabilities(
    name: &str,
    options: &TargetOptions,
) -> Result<Capabilities, TargetError> {
    let info = target(name)?;
    check(info, options)?;
    Ok(crate::local::capabilities((info.worlds.traits)(options)?))
}

/// Starts a cluster of processes on this machine; `tell` hears from any thread what happens in it.
///
/// # Errors
/// Names that nobody knows, settings that contradict each other, and what keeps a process from starting.
pub fn local(
    name: &str,
    options: &TargetOptions,
    setup: &LocalSetup,
    tell: Tell,
) -> Result<Box<dyn Real>, LocalError> {
    let info = target(name)?;
    check(info, options)?;
    let traits = (info.worlds.traits)(options)?;
    let local = Local::start(info.name, options, traits, setup, tell)?;
    Ok(Box::new(local))
}

/// Refuses names that the target does not have.
fn check(info: &TargetInfo, options: &TargetOptions) -> Result<(), TargetError> {
    let target = info.name.to_owned();
    if let Some(name) = &options.mutant
        && !has_mutant(info, name)
    {
        if let Some(owner) = targets().iter().find(|other| has_mutant(other, name)) {
            return Err(TargetError::MutantOfAnother {
                mutant: name.clone(),
                target,
                owner: owner.name.to_owned(),
            });
        }
        return Err(TargetError::UnknownMutant {
            target,
            name: name.clone(),
            known: info.mutants.iter().map(|it| it.name.to_owned()).collect(),
        });
    }
    let texts = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    if !info.models.contains(&options.model.as_str()) {
        return Err(TargetError::UnknownModel {
            target,
            name: options.model.clone(),
            known: texts(info.models),
        });
    }
    settings::check(info.name, &info.settings, &options.settings)?;
    match &options.reads {
        Some(name) if !info.reads.contains(&name.as_str()) => Err(TargetError::UnknownReads {
            target,
            name: name.clone(),
            known: texts(&info.reads),
        }),
        _ => Ok(()),
    }
}

fn has_mutant(info: &TargetInfo, name: &str) -> bool {
    info.mutants.iter().any(|mutant| mutant.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Settings;
    use crate::{Capability, ClusterError, Link, LinkShape};

    fn refuse(name: &str, options: &TargetOptions) -> TargetError {
        match simulated(name, options) {
            Ok(_) => panic!("{name} was built"),
            Err(error) => error,
        }
    }

    #[test]
    fn names_that_nobody_knows_carry_the_known_ones() {
        let good = TargetOptions::default();
        let text = refuse("rafft", &good).to_string();
        assert_eq!(text, "no target is called `rafft`; there are raft, single");
        let with = |change: fn(&mut TargetOptions)| {
            let mut options = good.clone();
            change(&mut options);
            refuse("raft", &options).to_string()
        };
        assert!(with(|it| it.mutant = Some("stale".into())).contains("stale-read"));
        assert!(with(|it| it.model = "queue".into()).contains("fifo-queue"));
        assert!(with(|it| it.reads = Some("guess".into())).contains("read-index"));
        let set = |name: &str, value| Settings::from([(name.to_owned(), value)]);
        let refused = |settings| {
            let options = TargetOptions {
                settings,
                ..good.clone()
            };
            refuse("raft", &options).to_string()
        };
        assert!(refused(set("snapshot", 5)).contains("snapshot-threshold"));
        assert_eq!(
            refused(set("snapshot-threshold", 0)),
            "raft cannot run so: snapshot-threshold is 1 to 1000000000, not 0"
        );
        assert!(refused(set("heartbeat-ms", 150)).contains("less than the least election timeout"));
        assert!(with(|it| it.nodes = 0).contains("1 to 1000 nodes"));
        assert!(with(|it| it.nodes = 1001).contains("1 to 1000 nodes"));
        assert!(with(|it| it.threads = 0).contains("client thread"));
    }

    #[test]
    fn what_a_target_has_no_capability_for_it_refuses() {
        for info in targets() {
            let mut target = simulated(info.name, &TargetOptions::default()).expect("it is built");
            let cluster = target.as_cluster();
            let capabilities = cluster.capabilities();
            let first = cluster.nodes().expect("nodes").remove(0);
            let is_refused = |result: Result<(), ClusterError>| {
                matches!(result, Err(ClusterError::Unsupported { .. }))
            };
            let has = |capability| capabilities.contains(&capability);
            assert_ne!(
                is_refused(cluster.hand_over(&first)),
                has(Capability::Transfer)
            );
            assert_ne!(
                is_refused(cluster.grow().map(drop)),
                has(Capability::Membership)
            );
            let other = cluster.nodes().expect("nodes").pop().expect("a node");
            let link = Link::new(&first, &other);
            let clean = LinkShape::default();
            for shape in [
                LinkShape {
                    rate_bytes_s: 1,
                    ..clean
                },
                LinkShape {
                    slice_bytes: 1,
                    ..clean
                },
                LinkShape {
                    reset_ppm: 1,
                    ..clean
                },
                LinkShape {
                    half_close_ppm: 1,
                    ..clean
                },
            ] {
                let result = cluster.shape_link(&link, shape);
                // A world of one node has no link.
                assert!(
                    first == other || is_refused(result) != has(Capability::BreakStream),
                    "{shape:?}"
                );
            }
            assert_ne!(
                is_refused(cluster.shrink(&first)),
                has(Capability::Membership)
            );
        }
    }

    #[test]
    fn every_name_that_is_offered_is_built() {
        for info in targets() {
            for mutant in &info.mutants {
                let options = TargetOptions {
                    mutant: Some(mutant.name.to_owned()),
                    ..TargetOptions::default()
                };
                assert!(simulated(info.name, &options).is_ok(), "{}", mutant.name);
            }
            for (model, reads) in info
                .models
                .iter()
                .flat_map(|m| info.reads.iter().map(move |r| (m, r)))
            {
                let options = TargetOptions {
                    model: (*model).to_owned(),
                    reads: Some((*reads).to_owned()),
                    ..TargetOptions::default()
                };
                assert!(simulated(info.name, &options).is_ok(), "{model} {reads}");
            }
        }
    }
}
