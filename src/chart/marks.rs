//! The marks of points: told apart by their shape, and not by their colour alone.

use crate::chart::drawing::{Dash, Drawing, Shape};
use crate::chart::{Ink, Point};

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A circle.
    Circle,
    /// A square.
    Square,
    /// A square on its corner.
    Diamond,
    /// A triangle that points up.
    Up,
    /// Two crossing lines.
    Cross,
    /// A triangle that points down.
    Down,
    /// An upright cross.
    Plus,
    /// Three crossing lines.
    Asterisk,
}

impl Mark {
    /// The one of the `index`-th of several series, as in the window.
    #[must_use]
    pub fn of(index: usize) -> Self {
        const ALL: [Mark; 8] =
            [Mark::Circle, Mark::Square, Mark::Diamond, Mark::Up, Mark::Cross, Mark::Down, Mark::Plus, Mark::Asterisk];
        ALL[index % ALL.len()]
    }

    /// Draws it.
    pub(super) fn draw(self, drawing: &mut Drawing, [x, y]: Point, radius: f64, ink: Ink) {
        let place = |[right, down]: Point| [x + radius * right, y + radius * down];
        let mut polygon = |corners: &[Point]| {
            let points = corners.iter().copied().map(place).collect();
            drawing.shapes.push(Shape::Area { points, ink, opacity: 1.0 });
        };
        match self {
            Self::Circle => drawing.shapes.push(Shape::Circle { at: [x, y], radius, ink }),
            Self::Square => polygon(&[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]),
            Self::Diamond => polygon(&[[0.0, -1.2], [1.2, 0.0], [0.0, 1.2], [-1.2, 0.0]]),
            Self::Up => polygon(&[[0.0, -1.15], [1.1, 0.9], [-1.1, 0.9]]),
            Self::Down => polygon(&[[0.0, 1.15], [1.1, -0.9], [-1.1, -0.9]]),
            Self::Cross => lines(drawing, ([x, y], radius), &[[0.85, 0.85], [0.85, -0.85]], ink),
            Self::Plus => lines(drawing, ([x, y], radius), &[[1.1, 0.0], [0.0, 1.1]], ink),
            Self::Asterisk => lines(drawing, ([x, y], radius), &[[1.1, 0.0], [0.55, 0.95], [-0.55, 0.95]], ink),
        }
    }
}

/// Lines through the middle, each with the way to one of its ends.
fn lines(drawing: &mut Drawing, ([x, y], radius): (Point, f64), ways: &[Point], ink: Ink) {
    for [right, down] in ways.iter().map(|way| way.map(|part| part * radius)) {
        let points = vec![[x - right, y - down], [x + right, y + down]];
        drawing.shapes.push(Shape::Line { points, ink, width: 2.0, dash: Dash::Solid, opacity: 1.0 });
    }
}
