//! `rupture heal`: takes away what a run has left behind because it was killed.

use rupture_targets::local::undo::{Healed, Undo, heal};

use crate::cli::HealArgs;
use crate::exit::{Exit, bad_input};
use crate::report::{self, style};

/// Works from the undo journal alone. Exits with 0 when a look at the machine shows that nothing is left, else with 255.
///
/// # Errors
/// A folder that is no run of real processes, and a journal that cannot be read.
pub fn main(args: &HealArgs) -> anyhow::Result<Exit> {
    let path = args.run.join("undo.jsonl");
    if !path.is_file() {
        let why = if args.run.join("run.json").is_file() {
            "it ran in the simulator, or had not begun: there is nothing to take away"
        } else {
            "it is not the folder of a run; name one such as results/latest"
        };
        return Err(bad_input(format!(
            "`{}` has no undo journal: {why}",
            args.run.display()
        )));
    }
    let healed = heal(&path)?;
    for one in &healed {
        report::print_wrapped(&line(one));
    }
    let left = healed.iter().filter(|one| !one.is_gone).count();
    if left > 0 {
        say!(
            "{} {left} of {} are left",
            style::error("not healed:"),
            healed.len()
        );
        return Ok(Exit::Failure);
    }
    say!("{}: nothing is left", style::good("healed"));
    Ok(Exit::Valid)
}

fn line(healed: &Healed) -> String {
    let what = match &healed.undo {
        Undo::EndMarked { .. } => "processes of the run".to_owned(),
        Undo::EndProcess { pid, node, .. } => format!("{node}, process {pid}"),
        Undo::ResumeProcess { pid, node, .. } => format!("{node}, process {pid}, paused"),
        Undo::RemoveFolder { path, .. } => format!("folder {}", path.display()),
        Undo::AfterController { .. } | Undo::Nothing => "nothing".to_owned(),
    };
    format!("{what}: {}", healed.found)
}
