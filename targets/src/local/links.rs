//! The links between nodes: proxies of the controller.
