//! A cluster for tests and benches of the drivers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rupture_targets::{
    Capabilities, Capability, Cluster, ClusterError, Keep, Link, LinkShape, Loss, NodeName, Status,
    Traffic,
};

/// One node that can be killed and started.
#[derive(Clone, Default)]
pub(crate) struct Node {
    stopped: Arc<Mutex<BTreeSet<NodeName>>>,
}

fn unsupported<T>() -> Result<T, ClusterError> {
    Err(ClusterError::Unsupported {
        action: "do that".to_owned(),
    })
}

impl Cluster for Node {
    fn capabilities(&self) -> Capabilities {
        Capabilities::from([Capability::Kill])
    }

    fn nodes(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        Ok(vec![NodeName::numbered(0)])
    }

    fn members(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        self.nodes()
    }

    fn primaries(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        Ok(Vec::new())
    }

    fn status(&mut self, node: &NodeName) -> Result<Status, ClusterError> {
        let is_stopped = self.stopped.lock().unwrap().contains(node);
        Ok(if is_stopped {
            Status::Stopped
        } else {
            Status::Running
        })
    }

    fn kill(&mut self, node: &NodeName, _: Keep) -> Result<Loss, ClusterError> {
        self.stopped.lock().unwrap().insert(node.clone());
        Ok(Loss::default())
    }

    fn start(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        self.stopped.lock().unwrap().remove(node);
        Ok(())
    }

    fn kill_amid(&mut self, _: &NodeName, _: Keep, _: u64) -> Result<(), ClusterError> {
        unsupported()
    }

    fn call_off(&mut self, _: &NodeName) -> Result<(), ClusterError> {
        Ok(())
    }

    fn last_loss(&mut self, _: &NodeName) -> Result<Option<Loss>, ClusterError> {
        Ok(None)
    }

    fn pause(&mut self, _: &NodeName) -> Result<(), ClusterError> {
        unsupported()
    }

    fn resume(&mut self, _: &NodeName) -> Result<(), ClusterError> {
        unsupported()
    }

    fn cut(&mut self, _: &[Link]) -> Result<(), ClusterError> {
        unsupported()
    }

    fn mend(&mut self, _: &[Link]) -> Result<(), ClusterError> {
        unsupported()
    }

    fn reach(&mut self, _: &Link) -> Result<bool, ClusterError> {
        unsupported()
    }

    fn shape_link(&mut self, _: &Link, _: LinkShape) -> Result<(), ClusterError> {
        unsupported()
    }

    fn link_shape(&mut self, _: &Link) -> Result<LinkShape, ClusterError> {
        unsupported()
    }

    fn traffic(&mut self) -> Result<Traffic, ClusterError> {
        unsupported()
    }

    fn clock_offset(&mut self, _: &NodeName) -> Result<i64, ClusterError> {
        Ok(0)
    }

    fn bump_clock(&mut self, _: &NodeName, _: i64) -> Result<(), ClusterError> {
        unsupported()
    }

    fn drift_clock(&mut self, _: &NodeName, _: i64) -> Result<(), ClusterError> {
        unsupported()
    }

    fn reset_clock(&mut self, _: &NodeName) -> Result<(), ClusterError> {
        unsupported()
    }

    fn grow(&mut self) -> Result<NodeName, ClusterError> {
        unsupported()
    }

    fn shrink(&mut self, _: &NodeName) -> Result<(), ClusterError> {
        unsupported()
    }

    fn hand_over(&mut self, _: &NodeName) -> Result<(), ClusterError> {
        unsupported()
    }

    fn run(&mut self, _: &NodeName, _: &str) -> Result<String, ClusterError> {
        unsupported()
    }
}
