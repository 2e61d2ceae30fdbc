//! The frame of a chart: its title, its legend, its axes, and the area between them.

use crate::chart::drawing::{Anchor, Drawing, Shape};
use crate::chart::{Axis, Ink, Point, Series, font, ticks};

/// Sizes of texts.
pub(super) const HEADING: f64 = 13.0;
pub(super) const TEXT: f64 = 12.0;
pub(super) const SMALL: f64 = 11.0;
/// Height of a row of the legend.
const ROW: f64 = 18.0;
/// Width of a line's sample in the legend, and the space after it.
const SAMPLE: f64 = 24.0;
/// Space between entries of the legend. Another font than Inter may need a little more room than is measured.
const BETWEEN: f64 = 18.0;
/// Room below the plot for its numbers and the name of its axis.
const BELOW: f64 = 38.0;
/// Distance between numbers along an axis, about.
const APART: [f64; 2] = [58.0, 36.0];

/// The area of a plot, and the values at its edges.
pub(super) struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: [f64; 2],
    y: [f64; 2],
}

impl Frame {
    /// Draws the title, the legend and the axes, and returns the area that is left.
    pub fn draw(drawing: &mut Drawing, title: &str, (x, y): (&Axis, &Axis), series: &[Series]) -> Self {
        drawing.strong([0.0, HEADING], (HEADING, Ink::Text), font::fitting(title, drawing.width, HEADING));
        let below = legend(drawing, series, HEADING + 10.0);
        let (top, bottom) = (below + if y.title.is_empty() { 8.0 } else { 30.0 }, drawing.height - BELOW);
        if !y.title.is_empty() {
            drawing.text([0.0, below + 16.0], Anchor::Start, (SMALL, Ink::Muted), y.title.clone());
        }
        let points = || series.iter().flat_map(|series| series.points.iter().copied());
        let ranges = [x.range(points().map(|[x, _]| x), 0.0), y.range(points().map(|[_, y]| y), 0.06)];
        let rows = ticks(ranges[1], ((bottom - top) / APART[1]).max(2.0), y.numbers.smallest());
        let numbers: Vec<String> = rows.iter().map(|tick| y.numbers.label(*tick)).collect();
        let widest = numbers.iter().map(|number| font::width(number, SMALL, false)).fold(0.0, f64::max);
        let frame = Self { left: widest + 8.0, right: drawing.width - 6.0, top, bottom, x: ranges[0], y: ranges[1] };
        for (tick, number) in rows.iter().zip(numbers) {
            let [_, at] = frame.place([ranges[0][0], tick.value]);
            drawing.line(vec![[frame.left, at], [frame.right, at]], (Ink::Grid, 1.0));
            drawing.text([frame.left - 8.0, at + 4.0], Anchor::End, (SMALL, Ink::Muted), number);
        }
        frame.x_axis(drawing, x);
        frame
    }

    fn x_axis(&self, drawing: &mut Drawing, x: &Axis) {
        let foot = self.bottom;
        drawing.line(vec![[self.left, foot], [self.right, foot]], (Ink::Axis, 1.0));
        for tick in ticks(self.x, ((self.right - self.left) / APART[0]).max(2.0), x.numbers.smallest()) {
            let [at, _] = self.place([tick.value, self.y[0]]);
            drawing.line(vec![[at, foot], [at, foot + 4.0]], (Ink::Axis, 1.0));
            let number = x.numbers.label(tick);
            // The last number stays inside.
            let beyond = at + font::width(&number, SMALL, false) / 2.0 > drawing.width;
            let (at, anchor) = if beyond { (drawing.width, Anchor::End) } else { (at, Anchor::Middle) };
            drawing.text([at, foot + 17.0], anchor, (SMALL, Ink::Muted), number);
        }
        let middle = f64::midpoint(self.left, self.right);
        drawing.text([middle, foot + 34.0], Anchor::Middle, (SMALL, Ink::Muted), x.title.clone());
    }

    /// Where a point is drawn; at the nearest edge if it is outside.
    pub fn place(&self, [x, y]: Point) -> Point {
        let part = |value: f64, [low, high]: [f64; 2]| ((value - low) / (high - low)).clamp(0.0, 1.0);
        let across = self.left + part(x, self.x) * (self.right - self.left);
        [across, self.bottom - part(y, self.y) * (self.bottom - self.top)]
    }

    /// Width of the area.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }
}

/// Draws samples of the lines and marks with their names, and returns the lower edge.
fn legend(drawing: &mut Drawing, series: &[Series], top: f64) -> f64 {
    let (mut left, mut middle) = (0.0, top + ROW / 2.0);
    let named: Vec<&Series> = series.iter().filter(|series| series.has_name).collect();
    if named.is_empty() {
        return top;
    }
    for series in named {
        let name = font::fitting(&series.name, drawing.width - SAMPLE, TEXT);
        let width = SAMPLE + font::width(&name, TEXT, false);
        if left > 0.0 && left + width > drawing.width {
            (left, middle) = (0.0, middle + ROW);
        }
        if let Some((width, dash)) = series.line {
            let points = vec![[left, middle], [left + SAMPLE - 6.0, middle]];
            drawing.shapes.push(Shape::Line { points, ink: series.ink, width, dash, opacity: series.opacity });
        }
        if let Some((mark, radius)) = series.mark {
            mark.draw(drawing, [left + (SAMPLE - 6.0) / 2.0, middle], radius, series.ink);
        }
        drawing.text([left + SAMPLE, middle + 4.0], Anchor::Start, (TEXT, Ink::Text), name);
        left += width + BETWEEN;
    }
    middle + ROW / 2.0
}
