//! Reduces long series to few points.

/// A point of a curve: (x, y).
pub type Point = [f64; 2];

/// Thins a series to at most `2 * buckets` points: the lowest and highest of each bucket, in order of x.
/// Spikes stay visible. `points` must be sorted by x; points that are not finite are dropped.
#[must_use]
pub fn min_max(points: &[Point], buckets: usize) -> Vec<Point> {
    let finite = || points.iter().copied().filter(|[x, y]| x.is_finite() && y.is_finite());
    if points.len() <= 2 * buckets.max(1) {
        return finite().collect();
    }
    let (Some(first), Some(last)) = (finite().next(), finite().next_back()) else { return Vec::new() };
    let width = ((last[0] - first[0]) / buckets.max(1) as f64).max(f64::MIN_POSITIVE);
    let mut out = Vec::with_capacity(2 * buckets);
    let mut current: Option<(usize, Point, Point)> = None;
    for point in finite() {
        let bucket = (((point[0] - first[0]) / width) as usize).min(buckets.saturating_sub(1));
        current = match current {
            Some((index, low, high)) if index == bucket => Some((
                index,
                if point[1] < low[1] { point } else { low },
                if point[1] > high[1] { point } else { high },
            )),
            full => {
                push_extremes(&mut out, full);
                Some((bucket, point, point))
            }
        };
    }
    push_extremes(&mut out, current);
    out
}

fn push_extremes(out: &mut Vec<Point>, bucket: Option<(usize, Point, Point)>) {
    let Some((_, low, high)) = bucket else { return };
    let (early, late) = if low[0] <= high[0] { (low, high) } else { (high, low) };
    out.push(early);
    if late[0] > early[0] {
        out.push(late);
    }
}

/// Most buckets of a [`Thinned`] series: about as many as a wide screen has pixels.
const MOST: usize = 4_096;

/// A series that grows point by point, thinned as [`min_max`] does. A point costs the same time however long the series is, so that a
/// curve with a million points can be followed live.
#[derive(Clone, Debug)]
pub struct Thinned {
    /// Distance of x that a bucket spans.
    width: f64,
    buckets: Vec<Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    index: u64,
    low: Point,
    high: Point,
}

impl Default for Thinned {
    fn default() -> Self {
        Self { width: 1.0, buckets: Vec::new() }
    }
}

impl Bucket {
    fn take_in(&mut self, other: &Self) {
        if other.low[1] < self.low[1] {
            self.low = other.low;
        }
        if other.high[1] > self.high[1] {
            self.high = other.high;
        }
    }
}

impl Thinned {
    /// Adds a point, whose x is 0 or more and not below that of the last. One that is not finite is dropped.
    pub fn push(&mut self, point: Point) {
        if point.iter().all(|value| value.is_finite()) {
            self.add(Bucket { index: (point[0] / self.width) as u64, low: point, high: point });
            if self.buckets.len() > MOST {
                self.halve();
            }
        }
    }

    fn add(&mut self, bucket: Bucket) {
        match self.buckets.last_mut() {
            Some(last) if last.index == bucket.index => last.take_in(&bucket),
            _ => self.buckets.push(bucket),
        }
    }

    fn halve(&mut self) {
        self.width *= 2.0;
        for bucket in std::mem::take(&mut self.buckets) {
            self.add(Bucket { index: bucket.index / 2, ..bucket });
        }
    }

    /// The lowest and highest point of each bucket, in order of x.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let mut out = Vec::with_capacity(2 * self.buckets.len());
        for bucket in &self.buckets {
            push_extremes(&mut out, Some((0, bucket.low, bucket.high)));
        }
        out
    }
}

/// Weight of the past in the smoothed training loss.
pub const LOSS_SMOOTHING: f64 = 0.9;

/// An exponential moving average with its start-up bias removed (Kingma & Ba 1412.6980, section 3).
#[derive(Clone, Copy, Debug)]
pub struct Smoother {
    /// Weight of the past, 0..1; 0 returns the values unchanged.
    weight: f64,
    average: f64,
    bias: f64,
}

impl Smoother {
    /// With this weight of the past, 0..1; 0 returns the values unchanged.
    #[must_use]
    pub fn new(weight: f64) -> Self {
        Self { weight: weight.clamp(0.0, 0.999), average: 0.0, bias: 1.0 }
    }

    /// The average with one more value. One that is not finite is dropped.
    pub fn next(&mut self, value: f64) -> f64 {
        if !value.is_finite() {
            return value;
        }
        self.average = self.weight * self.average + (1.0 - self.weight) * value;
        self.bias *= self.weight;
        self.average / (1.0 - self.bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(length: u32, y: impl Fn(u32) -> f64) -> Vec<Point> {
        (0..length).map(|x| [f64::from(x), y(x)]).collect()
    }

    #[test]
    fn a_short_series_is_kept_whole() {
        let points = series(10, f64::from);
        assert_eq!(min_max(&points, 5), points);
    }

    #[test]
    fn a_long_series_keeps_its_spikes_and_its_order() {
        let points = series(100_000, |x| if x == 54_321 { 9.0 } else { (f64::from(x) * 0.01).sin() });
        let thin = min_max(&points, 300);
        assert!(thin.len() <= 600);
        assert!(thin.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        assert!(thin.contains(&[54_321.0, 9.0]));
    }

    #[test]
    fn points_that_are_not_finite_are_dropped() {
        let mut points = series(10_000, |_| 1.0);
        points[3][1] = f64::NAN;
        points[9_999][1] = f64::INFINITY;
        assert!(min_max(&points, 100).iter().flatten().all(|value| value.is_finite()));
        let mut thinned = Thinned::default();
        for &point in &points {
            thinned.push(point);
        }
        assert_eq!(thinned.points().first(), Some(&[0.0, 1.0]));
        assert!(thinned.points().iter().flatten().all(|value| value.is_finite()));
    }

    #[test]
    fn a_series_that_grows_keeps_its_spikes_and_its_order() {
        let mut thinned = Thinned::default();
        for x in 1..=1_000_000 {
            thinned.push([f64::from(x), if x == 54_321 { 9.0 } else { (f64::from(x) * 0.01).sin() }]);
        }
        let points = thinned.points();
        assert!((MOST / 2..=2 * MOST).contains(&points.len()), "{} points", points.len());
        assert!(points.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        assert!(points.contains(&[54_321.0, 9.0]) && points.last().is_some_and(|point| point[0] > 999_000.0));
        let mut short = Thinned::default();
        let whole = series(100, |x| f64::from(x % 7));
        for &point in &whole {
            short.push(point);
        }
        assert_eq!(short.points(), whole, "a short one is kept whole");
    }

    #[test]
    fn smoothing_has_no_start_up_bias_and_weight_zero_changes_nothing() {
        let smooth = |values: &[f64], weight: f64| -> Vec<f64> {
            let mut smoother = Smoother::new(weight);
            values.iter().map(|&value| smoother.next(value)).collect()
        };
        assert!(smooth(&[0.7; 50], 0.9).iter().all(|value| (value - 0.7).abs() < 1e-12));
        let values = [3.0, 1.0, 4.0, 1.0, 5.0];
        assert_eq!(smooth(&values, 0.0), values);
        let with_gap = smooth(&[1.0, f64::NAN, 1.0], 0.9);
        assert!(with_gap[1].is_nan() && (with_gap[2] - 1.0).abs() < 1e-12);
    }
}
