//! Why a picture could not be made.

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The colours are not valid.
    #[error("Hone's built-in theme cannot be read: {0}. This copy of Hone is damaged; install it again")]
    Theme(String),
    /// A font is not valid.
    #[error("Hone's built-in font cannot be read: {0}. This copy of Hone is damaged; install it again")]
    Font(String),
    /// The picture has no pixels, or too many.
    #[error("a picture of {width} x {height} pixels cannot be drawn")]
    Size {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// The pixels could not be written as PNG.
    #[error("the picture could not be written as PNG: {0}")]
    Png(String),
}
