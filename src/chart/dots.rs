//! Values with their intervals below each other, on one scale.

use crate::chart::drawing::{Anchor, Drawing, Shape};
use crate::chart::frame::{HEADING, SMALL, TEXT};
use crate::chart::{Axis, Ink, Mark, font, ticks};

/// Height of a row.
const ROW: f64 = 26.0;
/// Most of the width that names take.
const NAMES: f64 = 0.36;
/// Room above and below the rows.
const ABOVE: f64 = 30.0;
const BELOW: f64 = 24.0;

/// A value with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct DotRow {
    /// What it is of.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its interval, if known.
    pub interval: Option<[f64; 2]>,
    /// The value and its interval as they are written.
    pub says: String,
    /// Whether the chart is about it; others are there to compare with.
    pub is_main: bool,
}

/// Values below each other.
#[derive(Clone, Debug, PartialEq)]
pub struct DotPlot {
    /// Its title.
    pub title: String,
    /// The scale.
    pub x: Axis,
    /// The rows, from the top.
    pub rows: Vec<DotRow>,
    /// Its width.
    pub width: f64,
    /// What it shows, for those who do not see it.
    pub description: String,
}

impl DotPlot {
    /// Its drawing.
    #[must_use]
    pub fn drawing(&self) -> Drawing {
        let height = ABOVE + ROW * self.rows.len() as f64 + BELOW;
        let mut drawing = Drawing::new([self.width, height], format!("{}. {}", self.title, self.description));
        drawing.strong([0.0, HEADING], (HEADING, Ink::Text), self.title.clone());
        let widest = |texts: &mut dyn Iterator<Item = &str>| {
            texts.map(|text| font::width(text, TEXT, false)).fold(0.0, f64::max)
        };
        let names = widest(&mut self.rows.iter().map(|row| row.name.as_str())).min(NAMES * self.width);
        let values = widest(&mut self.rows.iter().map(|row| row.says.as_str()));
        let (left, right) = (names + 22.0, (self.width - values - 26.0).max(names + 62.0));
        let ends = self.rows.iter().flat_map(|row| row.interval.into_iter().flatten().chain([row.value]));
        let [low, high] = self.x.range(ends, 0.05);
        let place = |value: f64| left + (right - left) * ((value - low) / (high - low)).clamp(0.0, 1.0);
        let foot = height - BELOW;
        for tick in ticks([low, high], ((right - left) / 70.0).max(2.0), 0.0) {
            let at = place(tick.value);
            drawing.line(vec![[at, ABOVE - 6.0], [at, foot]], (Ink::Grid, 1.0));
            drawing.text([at, foot + 15.0], Anchor::Middle, (SMALL, Ink::Muted), self.x.numbers.label(tick));
        }
        for (index, row) in self.rows.iter().enumerate() {
            let middle = ABOVE + ROW * (index as f64 + 0.5);
            let (ink, mark) = if row.is_main { (Ink::Accent, Mark::Circle) } else { (Ink::Muted, Mark::Diamond) };
            let name = font::fitting(&row.name, names, TEXT);
            let text = if row.is_main { Ink::Text } else { Ink::Muted };
            drawing.text([0.0, middle + 4.0], Anchor::Start, (TEXT, text), name);
            if let Some(interval) = row.interval {
                let [from, to] = interval.map(place);
                bar(&mut drawing, [from, to], middle, ink);
            }
            mark.draw(&mut drawing, [place(row.value), middle], if row.is_main { 5.0 } else { 4.0 }, ink);
            drawing.text([self.width, middle + 4.0], Anchor::End, (TEXT, text), row.says.clone());
        }
        drawing
    }
}

/// The bar of an interval, with its ends.
fn bar(drawing: &mut Drawing, [from, to]: [f64; 2], middle: f64, ink: Ink) {
    let points = vec![[from, middle - 3.0], [to, middle - 3.0], [to, middle + 3.0], [from, middle + 3.0]];
    drawing.shapes.push(Shape::Area { points, ink, opacity: 0.35 });
    for end in [from, to] {
        drawing.line(vec![[end, middle - 5.0], [end, middle + 5.0]], (ink, 1.5));
    }
}
