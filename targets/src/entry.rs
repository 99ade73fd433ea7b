//! What is said of a target, and how it is built in each world.

use crate::Simulated;
use crate::node::{self, NodeError, NodeOptions};
use crate::options::{MutantInfo, SettingInfo, TargetError, TargetOptions};
use crate::protocol::{Protocol, Traits};
use crate::sim_target::SimTarget;

/// A target, for people.
#[derive(Clone, Debug)]
pub struct TargetInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Its mutants.
    pub mutants: Vec<MutantInfo>,
    /// The models that it can serve, by the names of `rupture check --model`.
    pub models: &'static [&'static str],
    /// How it may answer reads; the first is the default.
    pub reads: Vec<&'static str>,
    /// Its numbers that can be set.
    pub settings: Vec<SettingInfo>,
    /// The invariants that its nodes can be watched for, by name, where there are some.
    pub invariants: Option<&'static str>,
    /// How it is built in each world.
    pub(crate) worlds: Worlds,
}

/// Whether an end was asked for.
pub(crate) type Stop<'a> = &'a (dyn Fn() -> bool + Sync);

/// A factory for each world; each is called once the names of the options were checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worlds {
    /// The whole cluster with its clients, in virtual time.
    pub(crate) simulated: fn(&TargetOptions) -> Result<Box<dyn Simulated>, TargetError>,
    /// One node as the process that runs this; it returns when the node has ended.
    pub(crate) node: fn(&NodeOptions, Stop<'_>) -> Result<(), NodeError>,
    /// Whether a cluster of such nodes can be told to do this, and what it claims about serving again.
    pub(crate) traits: fn(&TargetOptions) -> Result<Traits, TargetError>,
}

impl Worlds {
    /// The worlds of a protocol.
    pub(crate) const fn of<P: Protocol>() -> Self {
        Self {
            simulated: |options| {
                Ok(Box::new(SimTarget::<P>::new(
                    P::told_by(options)?,
                    options,
                )?))
            },
            node: |options, stop| node::run(&P::told_by(&options.target)?, options, stop),
            traits: |options| Ok(Traits::of(&P::told_by(options)?)),
        }
    }
}
