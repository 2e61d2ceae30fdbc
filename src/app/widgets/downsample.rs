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

/// Exponential moving average with its start-up bias removed (Kingma & Ba 1412.6980, section 3).
///
/// `weight` is the weight of the past, 0..1; 0 returns the series unchanged.
#[must_use]
pub fn smooth(points: &[Point], weight: f64) -> Vec<Point> {
    let weight = weight.clamp(0.0, 0.999);
    let (mut average, mut bias) = (0.0, 1.0);
    let finite = points.iter().filter(|[x, y]| x.is_finite() && y.is_finite());
    finite
        .map(|&[x, y]| {
            average = weight * average + (1.0 - weight) * y;
            bias *= weight;
            [x, average / (1.0 - bias)]
        })
        .collect()
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
        assert!(smooth(&points, 0.9).iter().flatten().all(|value| value.is_finite()));
    }

    #[test]
    fn smoothing_has_no_start_up_bias_and_weight_zero_changes_nothing() {
        assert!(smooth(&series(50, |_| 0.7), 0.9).iter().all(|point| (point[1] - 0.7).abs() < 1e-12));
        let points = series(50, |x| f64::from(x % 7));
        assert_eq!(smooth(&points, 0.0), points);
    }
}
