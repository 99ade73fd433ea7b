//! What a nemesis may do to processes on this machine, and what it may ask.
