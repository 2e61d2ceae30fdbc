//! A chart of lines and points along two axes.

use crate::chart::drawing::Shape;
use crate::chart::frame::Frame;
use crate::chart::{Axis, Drawing, Point, Series, min_max};

/// A chart of lines and points.
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    /// Its title.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// What is drawn, the first below the others.
    pub series: Vec<Series>,
    /// Width and height.
    pub size: [f64; 2],
    /// What it shows, for those who do not see it.
    pub description: String,
}

impl LineChart {
    /// Whether it has nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.points.is_empty())
    }

    /// Its drawing. Of more points than can be told apart, the lowest and highest are drawn.
    #[must_use]
    pub fn drawing(&self) -> Drawing {
        let mut drawing = Drawing::new(self.size, format!("{}. {}", self.title, self.description));
        let frame = Frame::draw(&mut drawing, &self.title, (&self.x, &self.y), &self.series);
        let buckets = frame.width() as usize;
        for series in &self.series {
            let points: Vec<Point> =
                min_max(&series.points, buckets).into_iter().map(|point| frame.place(point)).collect();
            if let Some((width, dash)) = series.line.filter(|_| points.len() > 1) {
                let shape =
                    Shape::Line { points: points.clone(), ink: series.ink, width, dash, opacity: series.opacity };
                drawing.shapes.push(shape);
            }
            if let Some((mark, radius)) = series.mark {
                for (place, point) in points.iter().enumerate() {
                    let radius = series.radii.get(place).copied().unwrap_or(radius);
                    mark.draw(&mut drawing, *point, radius, series.ink);
                }
            }
        }
        drawing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Ink, Numbers};

    #[test]
    fn a_chart_of_a_million_points_draws_about_two_for_each_point_of_its_width_and_keeps_a_spike() {
        let points = (0..1_000_000).map(|x| [f64::from(x), if x == 543_210 { 9.0 } else { 1.0 }]).collect();
        let chart = LineChart {
            title: "Loss".to_owned(),
            x: Axis { numbers: Numbers::Counts, ..Axis::default() },
            y: Axis::default(),
            series: vec![Series::line("Training", Ink::Series(0), points)],
            size: [400.0, 260.0],
            description: String::new(),
        };
        let drawing = chart.drawing();
        let longest = drawing.shapes.iter().filter_map(|shape| match shape {
            Shape::Line { points, .. } => Some(points),
            _ => None,
        });
        let line = longest.max_by_key(|points| points.len()).unwrap();
        assert!((200..=800).contains(&line.len()), "{}", line.len());
        let top = line.iter().map(|[_, y]| *y).fold(f64::INFINITY, f64::min);
        let base = line[0][1];
        assert!(base - top > 100.0, "the spike is seen: {top} above {base}");
    }
}
