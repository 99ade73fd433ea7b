//! The algorithms against the search.

mod compare;
mod texts;
