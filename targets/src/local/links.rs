//! The links between nodes: proxies of the controller.

use std::io;
use std::net::SocketAddr;

use tokio::runtime::Handle;

use crate::{LinkShape, Traffic};

pub(super) struct Links;

impl Links {
    pub(super) fn new(_runtime: Handle, _seed: u64) -> Self {
        Self
    }
    pub(super) fn open(&self, _from: u32, _to: u32) -> io::Result<SocketAddr> {
        Err(io::Error::other("not yet"))
    }
    pub(super) fn aim(&self, _to: u32, _address: Option<SocketAddr>) {}
    pub(super) fn cut(&self, _from: u32, _to: u32) {}
    pub(super) fn mend(&self, _from: u32, _to: u32) {}
    pub(super) fn carries(&self, _from: u32, _to: u32) -> bool {
        true
    }
    pub(super) fn shape(&self, _from: u32, _to: u32, _shape: LinkShape) {}
    pub(super) fn shape_of(&self, _from: u32, _to: u32) -> LinkShape {
        LinkShape::default()
    }
    pub(super) fn traffic(&self) -> Traffic {
        Traffic::default()
    }
    pub(super) fn close(&self) {}
}
