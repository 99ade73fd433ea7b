//! What is said of particular histories.
