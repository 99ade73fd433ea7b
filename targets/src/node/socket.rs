//! What streams between peers have in common, at both of their ends and in between.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpSocket, TcpStream};

/// What the system may hold of a stream in one place. Small: what waits there is old when it arrives, and comes too early
/// to be met by what its owner decides later.
pub(crate) const SYSTEM_BYTES: u32 = 256 << 10;

/// A stream to a peer, or to who stands in for it.
pub(crate) async fn connect(at: SocketAddr) -> io::Result<TcpStream> {
    let socket = match at {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_send_buffer_size(SYSTEM_BYTES)?;
    socket.set_nodelay(true)?;
    socket.connect(at).await
}

/// Until the other end closes. It never sends anything.
pub(crate) async fn closed(stream: &TcpStream) {
    let mut bytes = [0; 64];
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// Writes as much as goes now. Nothing is written where it is given up.
pub(crate) async fn write_some(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            result => return result,
        }
    }
}
