//! Charts as plain data, and their pictures as SVG and PNG. The window draws its own charts, but thins them and places their numbers in
//! the same way.

mod axis;
mod colours;
mod dots;
mod drawing;
mod error;
mod font;
mod frame;
mod lines;
mod marks;
mod png;
mod points;
mod series;
mod svg;
mod ticks;

pub use axis::{Axis, Numbers};
pub use colours::{Ink, Palette};
pub use dots::{DotPlot, DotRow};
pub use drawing::{Dash, Drawing};
pub use error::ChartError;
pub use font::{INTER, INTER_STRONG};
pub use lines::LineChart;
pub use marks::Mark;
pub use points::Series;
pub use series::{LOSS_SMOOTHING, Point, Smoother, Thinned, min_max};
pub use svg::SvgFor;
pub use ticks::{Tick, ticks};
