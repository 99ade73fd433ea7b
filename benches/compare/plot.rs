//! Draws series on two logarithmic axes, as SVG.

use std::fmt::Write;

use crate::series::Series;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 330.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 60.0;

/// Colours that also people who see few of them can tell apart (Okabe & Ito); a second round is dashed.
const COLOURS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000",
];

/// The powers of ten that an axis shows.
#[derive(Clone, Copy)]
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    fn around(values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::NEG_INFINITY, f64::max);
        let from = least.log10().floor();
        Self {
            from,
            to: most.log10().ceil().max(from + 1.0),
        }
    }

    /// Where a value lies, from 0 to 1.
    fn place(self, value: f64) -> f64 {
        (value.log10() - self.from) / (self.to - self.from)
    }

    fn powers(self) -> impl Iterator<Item = i32> {
        self.from as i32..=self.to as i32
    }
}

struct Frame {
    x: Axis,
    y: Axis,
}

impl Frame {
    fn at(&self, (n, seconds): (f64, f64)) -> (f64, f64) {
        let x = LEFT + self.x.place(n) * (WIDTH - LEFT - RIGHT);
        let y = HEIGHT - BOTTOM - self.y.place(seconds) * (HEIGHT - TOP - BOTTOM);
        (x, y)
    }

    fn line(&self, points: &[(f64, f64)]) -> String {
        let corners = points.iter().map(|&point| {
            let (x, y) = self.at(point);
            format!("{x:.1},{y:.1}")
        });
        corners.collect::<Vec<_>>().join(" ")
    }
}

/// The drawing; without points an empty frame.
pub(crate) fn svg(all: &[Series]) -> String {
    let points = || all.iter().flat_map(|series| series.points.iter().copied());
    let some = points().next().is_some();
    let unit = Axis { from: 0.0, to: 1.0 };
    let frame = Frame {
        x: if some {
            Axis::around(points().map(|it| it.0))
        } else {
            unit
        },
        y: if some {
            Axis::around(points().map(|it| it.1))
        } else {
            unit
        },
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Seconds of a check against the number of operations</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    grid(&mut out, &frame);
    proportional(&mut out, &frame);
    for (number, series) in all.iter().enumerate() {
        draw(&mut out, &frame, number, series);
    }
    out.push_str("</svg>\n");
    out
}

/// Writing to a string cannot fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => {{ let _ = writeln!($out, $($text)*); }};
}

fn grid(out: &mut String, frame: &Frame) {
    let (left, bottom) = frame.at((10_f64.powf(frame.x.from), 10_f64.powf(frame.y.from)));
    let (right, top) = frame.at((10_f64.powf(frame.x.to), 10_f64.powf(frame.y.to)));
    let style = "stroke=\"#dddddd\"";
    let small = "font-size=\"9\" dy=\"-5\"";
    for power in frame.x.powers() {
        let (x, _) = frame.at((10_f64.powi(power), 1.0));
        put!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" {style}/>"
        );
        let y = bottom + 18.0;
        put!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">10<tspan {small}>{power}</tspan></text>"
        );
    }
    for power in frame.y.powers() {
        let (_, y) = frame.at((1.0, 10_f64.powi(power)));
        put!(
            out,
            "<line x1=\"{left:.1}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\" {style}/>"
        );
        let (x, y) = (left - 8.0, y + 4.0);
        put!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">10<tspan {small}>{power}</tspan></text>"
        );
    }
    let (middle, below) = (f64::midpoint(left, right), HEIGHT - 15.0);
    put!(
        out,
        "<text x=\"{middle:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">operations</text>"
    );
    put!(
        out,
        "<text x=\"{left:.1}\" y=\"18\" text-anchor=\"middle\">seconds</text>"
    );
}

/// A dotted line of slope 1 through the lowest point of the first size, to compare with.
fn proportional(out: &mut String, frame: &Frame) {
    let (from, to) = (10_f64.powf(frame.x.from), 10_f64.powf(frame.x.to));
    let low = 10_f64.powf(frame.y.from);
    let high = 10_f64.powf(frame.y.to);
    let reach = (to / from).min(high / low);
    let line = frame.line(&[(from, low), (from * reach, low * reach)]);
    put!(
        out,
        "<polyline points=\"{line}\" fill=\"none\" stroke=\"#999999\" stroke-dasharray=\"2 4\"/>"
    );
    let (x, y) = (WIDTH - RIGHT + 50.0, TOP + 8.0);
    put!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"#666666\">dotted: slope 1</text>"
    );
}

fn draw(out: &mut String, frame: &Frame, number: usize, series: &Series) {
    let colour = COLOURS[number % COLOURS.len()];
    let dash = if number < COLOURS.len() {
        ""
    } else {
        " stroke-dasharray=\"6 3\""
    };
    let style = format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}");
    let line = frame.line(&series.points);
    put!(out, "<polyline points=\"{line}\" {style}/>");
    for &point in &series.points {
        let (x, y) = frame.at(point);
        put!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
        );
    }
    let (x, y) = (WIDTH - RIGHT + 20.0, TOP + 30.0 + 20.0 * number as f64);
    let (end, text, base) = (x + 22.0, x + 30.0, y + 4.0);
    put!(
        out,
        "<polyline points=\"{x:.1},{y:.1} {end:.1},{y:.1}\" {style}/>"
    );
    let slope = series
        .slope()
        .map_or(String::new(), |it| format!(", slope {it:.2}"));
    put!(
        out,
        "<text x=\"{text:.1}\" y=\"{base:.1}\">{}{slope}</text>",
        series.name
    );
}
