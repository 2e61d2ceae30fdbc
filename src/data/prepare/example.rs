//! One row ready to train on, or why a row is dropped.

use crate::data::Target;
use crate::project::RowId;

/// The side of the split a row is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// Training rows.
    Train,
    /// Validation rows: evaluated during training to choose the best checkpoint.
    Validation,
    /// Test rows: evaluated once, after training.
    Test,
}

impl Side {
    /// All sides, in the order of shares.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its name in a sentence.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// One row: a text, and what the model is to predict for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Where it comes from.
    pub id: RowId,
    /// Row index in its file's `Table`.
    pub row: usize,
    /// Cleaned text, never empty.
    pub text: String,
    /// What the model is to predict.
    pub target: Target,
    /// The side it is on.
    pub side: Side,
    /// Whether a person changed the label.
    pub relabelled: bool,
}

impl Example {
    /// Index into [`crate::data::Prepared::labels`]; `None` where rows have no classes.
    #[must_use]
    pub fn class(&self) -> Option<u32> {
        self.target.class()
    }
}

/// Why a row is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// The person excluded it.
    Excluded,
    /// Nothing is left of the text after cleaning.
    EmptyText,
    /// The label field is empty.
    EmptyLabel,
    /// None of the label columns is 1.
    NoneOfLabels,
    /// Several of the label columns are 1, or one is neither 0 nor 1.
    SeveralLabels,
    /// The label settings exclude its label.
    ExcludedLabel,
    /// Same text and label as an earlier row.
    Duplicate,
    /// Same text as a row with another label.
    Conflict,
}

impl DropReason {
    /// Why such rows are dropped, in words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Excluded => "Excluded by you",
            Self::EmptyText => "No text is left after cleaning",
            Self::EmptyLabel => "The label is empty",
            Self::NoneOfLabels => "No label column contains 1",
            Self::SeveralLabels => "Several labels are listed or marked, or a mark is neither 0 nor 1",
            Self::ExcludedLabel => "The label is excluded",
            Self::Duplicate => "Same text and label as an earlier row",
            Self::Conflict => "Same text as a row with another label",
        }
    }
}
