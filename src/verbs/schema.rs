//! `rupture schema`: prints the JSON Schema of a file that people write, for editors and for other tools.

use crate::cli::SchemaArgs;
use crate::exit::{Exit, unknown_name};
use crate::plan::schema;

/// What there are schemas of.
const KNOWN: [&str; 1] = ["plan"];

/// Prints the schema.
///
/// # Errors
/// A name that nobody knows.
pub fn main(args: &SchemaArgs) -> anyhow::Result<Exit> {
    if !KNOWN.contains(&args.what.as_str()) {
        return Err(unknown_name("schema", &args.what, &KNOWN));
    }
    let text = format!("{:#}", schema::json());
    for line in text.lines() {
        say!("{line}");
    }
    Ok(Exit::Valid)
}
