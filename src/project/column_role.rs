//! What a column of the data is for.

use serde::{Deserialize, Serialize};

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ColumnRole {
    /// The model reads it.
    Text,
    /// Prepended to the text.
    Joined,
    /// What the model learns to predict: one column of labels, or several one-hot columns.
    Label,
    /// Rows with the same value belong together.
    Group,
    /// When a row was written.
    Time,
    /// It identifies a row.
    Id,
    /// Whether a row is for training, validation or test.
    Split,
    /// Not used, and hidden in the preview.
    Ignored,
}

impl ColumnRole {
    /// All roles, in the order that [`crate::project::DatasetSettings::columns`] keeps them.
    pub const ALL: [Self; 8] =
        [Self::Text, Self::Joined, Self::Label, Self::Group, Self::Time, Self::Id, Self::Split, Self::Ignored];

    /// Its name on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Joined => "Title",
            Self::Label => "Label",
            Self::Group => "Group",
            Self::Time => "Time",
            Self::Id => "Id",
            Self::Split => "Split",
            Self::Ignored => "Ignored",
        }
    }

    /// What the role means, in a sentence.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Text => "The text the model reads",
            Self::Joined => "Prepended to the text, such as a title or a subject line",
            Self::Label => "The label the model learns to predict",
            Self::Group => "Keeps rows that belong together, such as those of one customer, in the same split",
            Self::Time => "When the row was written, such as the date of a review",
            Self::Id => "Your own name for the row: shown with it, and written beside its prediction",
            Self::Split => "Says whether the row is for training, validation or test",
            Self::Ignored => "Not used, and hidden in the preview",
        }
    }
}
