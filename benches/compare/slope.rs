//! Time against the number of operations, for the judges of unique values, in this process.

use std::fs;
use std::time::Instant;

use rupture_checkers::history::{History, Validity};
use rupture_checkers::{Budget, Checker, Options, checker};

use crate::common::{Object, Traffic};
use crate::rows::DISTINCT;
use crate::series::Series;
use crate::{Asked, plot};

/// The bar.
const BAR: f64 = 1.1;
/// Short checks are repeated until they have taken this long together.
const ENOUGH_SECONDS: f64 = 0.5;

/// Prints a table of seconds and slopes, and draws it if asked.
pub(crate) fn main(asked: &Asked) -> Result<(), String> {
    let sizes: Vec<usize> = (3..=if asked.full { 7 } else { 6 })
        .map(|power| 10_usize.pow(power))
        .filter(|&size| size <= asked.most)
        .collect();
    let heads: Vec<String> = sizes.iter().map(usize::to_string).collect();
    println!("Seconds of a check, the least of several, the history already in memory:\n");
    println!("| history | {} | slope |", heads.join(" | "));
    println!("|{}", "---|".repeat(heads.len() + 2));
    let mut all = Vec::new();
    for (name, object) in DISTINCT {
        if !asked.wants(name, 0) {
            continue;
        }
        let series = measure(asked, name, object, &sizes)?;
        println!("| {name} | {} |", cells(&series, sizes.len()).join(" | "));
        all.push(series);
    }
    match &asked.plot {
        Some(file) => {
            fs::write(file, plot::svg(&all)).map_err(|error| format!("{}: {error}", file.display()))
        }
        None => Ok(()),
    }
}

fn cells(series: &Series, sizes: usize) -> Vec<String> {
    let mut cells: Vec<String> = series
        .points
        .iter()
        .map(|(_, seconds)| format!("{seconds:.6}"))
        .collect();
    cells.resize(sizes, "undecided".to_owned());
    cells.push(match series.slope() {
        Some(slope) if slope <= BAR => format!("{slope:.3}"),
        Some(slope) => format!("{slope:.3}, above {BAR}"),
        None => "none".to_owned(),
    });
    cells
}

/// Stops at the first size that is not decided in time.
fn measure(
    asked: &Asked,
    name: &'static str,
    object: Object,
    sizes: &[usize],
) -> Result<Series, String> {
    let options = Options {
        independent: object.independent(),
        ..Options::default()
    };
    let judge = checker(object.model(), None, &options).map_err(|error| error.to_string())?;
    let mut points = Vec::new();
    for &operations in sizes {
        let traffic = Traffic {
            object,
            operations,
            violation: asked.violation.then(|| object.violations()[0]),
            ..Traffic::CONTENDED
        };
        let Some(history) = traffic.generate() else {
            return Err(format!("{name}, {operations}: no place for a violation"));
        };
        match fastest(asked, &*judge, &history)? {
            Some(seconds) => points.push((operations as f64, seconds)),
            None => break,
        }
    }
    Ok(Series { name, points })
}

/// The least seconds of several checks; `None` if it was not decided within the limit.
fn fastest(asked: &Asked, judge: &dyn Checker, history: &History) -> Result<Option<f64>, String> {
    let expected = if asked.violation {
        Validity::Invalid
    } else {
        Validity::Valid
    };
    let begin = Instant::now();
    let (mut least, mut times) = (f64::INFINITY, 0);
    while times < asked.times || begin.elapsed().as_secs_f64() < ENOUGH_SECONDS {
        let start = Instant::now();
        let over = || start.elapsed() > asked.limit;
        let budget = Budget::unlimited().with_time(&over).with_bytes(8 << 30);
        let verdict = judge
            .check(history, &budget)
            .map_err(|error| error.to_string())?;
        least = least.min(start.elapsed().as_secs_f64());
        times += 1;
        match verdict.validity {
            Validity::Unknown => return Ok(None),
            validity if validity == expected => {}
            validity => return Err(format!("{} is {validity:?}", verdict.model)),
        }
    }
    Ok(Some(least))
}
