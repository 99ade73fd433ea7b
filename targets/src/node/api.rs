//! What a node serves to clients, over HTTP and JSON.

use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::inbox::Inbox;

/// Serves clients until the runtime ends.
pub(crate) fn serve(_runtime: &Handle, _name: &'static str, _listener: TcpListener, _inbox: Inbox) {
}
