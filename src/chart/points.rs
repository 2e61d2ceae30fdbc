//! Points that belong together, and how they are drawn.

use crate::chart::{Dash, Ink, Mark, Point};

/// Points that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What they show.
    pub name: String,
    /// Whether the legend names it.
    pub has_name: bool,
    /// What they are drawn with.
    pub ink: Ink,
    /// Places, in order of x if they are many.
    pub points: Vec<Point>,
    /// Width of the line between them, if there is one, and how it is broken.
    pub line: Option<(f64, Dash)>,
    /// Their marks with a radius, if they have any.
    pub mark: Option<(Mark, f64)>,
    /// Radii of the marks, if these are not all the same.
    pub radii: Vec<f64>,
    /// From 0, where nothing is seen of the line, to 1.
    pub opacity: f64,
}

impl Series {
    /// A line.
    #[must_use]
    pub fn line(name: impl Into<String>, ink: Ink, points: Vec<Point>) -> Self {
        let line = Some((2.0, Dash::Solid));
        Self { name: name.into(), has_name: true, ink, points, line, mark: None, radii: Vec::new(), opacity: 1.0 }
    }

    /// The same with a line of this width, broken like this.
    #[must_use]
    pub fn drawn(self, width: f64, dash: Dash) -> Self {
        Self { line: Some((width, dash)), ..self }
    }

    /// The same, fainter than others.
    #[must_use]
    pub fn faint(self) -> Self {
        Self { opacity: 0.45, ..self }
    }

    /// The same with marks.
    #[must_use]
    pub fn marked(self, mark: Mark) -> Self {
        Self { mark: Some((mark, 3.5)), ..self }
    }

    /// The same without a name in the legend.
    #[must_use]
    pub fn without_name(self) -> Self {
        Self { has_name: false, ..self }
    }
}
