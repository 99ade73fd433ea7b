//! Client threads: the sans-IO client of the reference store over HTTP.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::addresses::Addresses;
use crate::real::Tell;
use crate::{Invocation, OperationError, TargetOptions};

pub(super) struct Clients;

impl Clients {
    pub(super) fn new(
        _runtime: Handle,
        _options: &TargetOptions,
        _name: &'static str,
        _addresses: Arc<Addresses>,
        _tell: Tell,
        _origin_ns: u64,
    ) -> Self {
        Self
    }

    pub(super) fn begin(&mut self, _invocation: &Invocation<'_>) -> Result<(), OperationError> {
        Ok(())
    }

    pub(super) fn stop(&self) {}
}
