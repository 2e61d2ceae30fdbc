//! A drawing: lines, areas, circles and texts with their places, for any kind of picture.

use crate::chart::font;
use crate::chart::{Ink, Point};

/// How a line is broken, so that lines differ without their colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dash {
    /// Unbroken.
    #[default]
    Solid,
    /// `– – –`
    Dashes,
    /// `· · ·`
    Dots,
    /// `– · –`
    DashDots,
}

impl Dash {
    /// The one of the `index`-th of several series.
    #[must_use]
    pub fn of(index: usize) -> Self {
        [Self::Solid, Self::Dashes, Self::DashDots, Self::Dots][index % 4]
    }

    /// Lengths of strokes and gaps, for a line of width 2.
    #[must_use]
    pub(super) fn lengths(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashes => &[7.0, 4.0],
            Self::Dots => &[1.5, 3.5],
            Self::DashDots => &[8.0, 3.5, 1.5, 3.5],
        }
    }
}

/// Which end of a text is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text on one line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Label {
    pub at: Point,
    pub anchor: Anchor,
    pub size: f64,
    pub strong: bool,
    pub ink: Ink,
    pub text: String,
}

/// Something that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Lines from point to point.
    Line { points: Vec<Point>, ink: Ink, width: f64, dash: Dash, opacity: f64 },
    /// A filled polygon.
    Area { points: Vec<Point>, ink: Ink, opacity: f64 },
    /// A filled circle.
    Circle { at: Point, radius: f64, ink: Ink },
    /// A text.
    Text(Label),
}

/// A picture, in points of a 96th of an inch from the upper left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// What it shows, for those who do not see it.
    pub description: String,
    pub(super) shapes: Vec<Shape>,
}

/// Space between drawings, and around the whole.
const GAP: f64 = 32.0;
/// Size of the title above several drawings.
const TITLE: f64 = 16.0;

impl Drawing {
    pub(super) fn new([width, height]: [f64; 2], description: String) -> Self {
        Self { width, height, description, shapes: Vec::new() }
    }

    pub(super) fn line(&mut self, points: Vec<Point>, (ink, width): (Ink, f64)) {
        self.shapes.push(Shape::Line { points, ink, width, dash: Dash::Solid, opacity: 1.0 });
    }

    pub(super) fn text(&mut self, at: Point, anchor: Anchor, (size, ink): (f64, Ink), text: impl Into<String>) {
        self.shapes.push(Shape::Text(Label { at, anchor, size, strong: false, ink, text: text.into() }));
    }

    pub(super) fn strong(&mut self, at: Point, (size, ink): (f64, Ink), text: impl Into<String>) {
        let text = text.into();
        self.shapes.push(Shape::Text(Label { at, anchor: Anchor::Start, size, strong: true, ink, text }));
    }

    /// Drawings beside each other, below a title, with room around them.
    #[must_use]
    pub fn beside(title: &str, drawings: Vec<Self>) -> Self {
        let inner: f64 = drawings.iter().map(|drawing| drawing.width + GAP).sum::<f64>() - GAP;
        let width = inner.max(0.0) + 2.0 * GAP;
        let highest = drawings.iter().map(|drawing| drawing.height).fold(0.0, f64::max);
        let top = GAP + TITLE + 20.0;
        let descriptions: Vec<&str> = drawings.iter().map(|drawing| drawing.description.as_str()).collect();
        let description = format!("{title}. {}", descriptions.join(" "));
        let mut whole = Self::new([width, top + highest + GAP], description);
        let shown = font::fitting(title, 0.95 * (width - 2.0 * GAP), TITLE);
        whole.strong([GAP, GAP + TITLE], (TITLE, Ink::Text), shown);
        let mut left = GAP;
        for mut drawing in drawings {
            drawing.shapes.iter_mut().for_each(|shape| shape.shift([left, top]));
            left += drawing.width + GAP;
            whole.shapes.append(&mut drawing.shapes);
        }
        whole
    }
}

impl Shape {
    fn shift(&mut self, [right, down]: Point) {
        let shift = |point: &mut Point| *point = [point[0] + right, point[1] + down];
        match self {
            Self::Line { points, .. } | Self::Area { points, .. } => points.iter_mut().for_each(shift),
            Self::Circle { at, .. } => shift(at),
            Self::Text(label) => shift(&mut label.at),
        }
    }
}
