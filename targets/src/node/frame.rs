//! Frames between peers: a length, a checksum, a kind, and bytes.
