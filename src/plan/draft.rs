//! A plan on its way from a file and arguments: some of it depends on the rest, and is settled last.

use super::{Plan, concurrency, nemesis_interval_ms, time_limit_ms};

/// A plan of which not everything is said yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What depends on nothing else. What stands beside it here does not count in it.
    pub plan: Plan,
    /// How many client threads there are, as it was written: `2n` depends on the nodes.
    pub concurrency: String,
    /// How long the main phase lasts, in milliseconds; what is usual in the world where nobody says.
    pub time_limit_ms: Option<u64>,
    /// The faults; what is usual where nobody says.
    pub nemesis: Option<Vec<String>>,
    /// The mean wait between two faults of a kind, in milliseconds; what suits the time limit where nobody says.
    pub nemesis_interval_ms: Option<u64>,
}

impl Default for Draft {
    /// Nothing is said: the default run.
    fn default() -> Self {
        Self {
            time_limit_ms: None,
            nemesis: None,
            nemesis_interval_ms: None,
            ..Self::from(Plan::default())
        }
    }
}

impl From<Plan> for Draft {
    /// Everything is said.
    fn from(plan: Plan) -> Self {
        Self {
            concurrency: plan.concurrency.to_string(),
            time_limit_ms: Some(plan.time_limit_ms),
            nemesis: Some(plan.nemesis.clone()),
            nemesis_interval_ms: Some(plan.nemesis_interval_ms),
            plan,
        }
    }
}

impl Draft {
    /// The plan.
    ///
    /// # Errors
    /// What contradicts itself or cannot be read.
    pub fn finish(self) -> anyhow::Result<Plan> {
        let mut plan = self.plan;
        plan.concurrency = concurrency(&self.concurrency, plan.nodes.len())?;
        plan.time_limit_ms = self
            .time_limit_ms
            .unwrap_or_else(|| time_limit_ms(&plan.world));
        plan.nemesis = match (self.nemesis, &plan.script) {
            (Some(names), _) => names,
            (None, Some(_)) => Vec::new(),
            (None, None) => Plan::default().nemesis,
        };
        plan.nemesis_interval_ms = self
            .nemesis_interval_ms
            .unwrap_or_else(|| nemesis_interval_ms(plan.time_limit_ms));
        plan.validate()?;
        Ok(plan)
    }
}
