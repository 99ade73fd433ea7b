//! Times of checks of one object, by size.

/// What was measured of one object.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// Numbers of operations, and the least seconds that a check of so many took.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Series {
    /// The slope of the line of least squares through the logarithms.
    pub(crate) fn slope(&self) -> Option<f64> {
        let logs = || {
            self.points
                .iter()
                .map(|(n, seconds)| (n.ln(), seconds.ln()))
        };
        let count = self.points.len() as f64;
        let mean_x = logs().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = logs().map(|(_, y)| y).sum::<f64>() / count;
        let along: f64 = logs().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let spread: f64 = logs().map(|(x, _)| (x - mean_x).powi(2)).sum();
        (self.points.len() > 1).then(|| along / spread)
    }
}
