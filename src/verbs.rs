//! The verbs of the command line, one module each.

pub mod check;
pub mod doctor;
pub mod heal;
pub mod list;
pub mod node;
pub mod replay;
pub mod run;
pub mod schema;
mod seeds;
