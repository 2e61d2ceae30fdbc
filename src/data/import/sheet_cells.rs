//! The cells of a sheet.

/// What a cell holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CellValue {
    /// Nothing.
    Empty,
    /// A text or number, as the sheet shows it.
    Text(String),
    /// A date.
    Date(String),
    /// An error such as `#N/A`.
    Error,
    /// A formula whose value was never calculated.
    Uncalculated,
    /// The value of a merged cell that this one is part of.
    Repeated(String),
}

/// The filled cells of a row, with their columns.
pub(super) type SheetRow = Vec<(usize, CellValue)>;

impl CellValue {
    /// The text in the cell itself, if any.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Date(text) => Some(text),
            Self::Empty | Self::Error | Self::Uncalculated | Self::Repeated(_) => None,
        }
    }
}
