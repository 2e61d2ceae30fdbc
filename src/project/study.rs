//! Studies: several runs that answer one question, such as how well the model does on rows it has not seen.

use serde::{Deserialize, Serialize};

use crate::project::SearchRange;

/// The least and the most folds of a cross-validation.
pub const FOLDS: std::ops::RangeInclusive<u32> = 2..=50;

/// The most seeds of one study.
pub const MOST_SEEDS: u32 = 50;

/// The most trials of one search.
pub const MOST_TRIALS: u32 = 1_000;

/// The question that a study answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StudyPlan {
    /// How well does the model do on rows that it was not trained on? Each fold is tested once, by a model that was trained on the
    /// others.
    CrossValidation {
        /// Number of folds, in [`FOLDS`].
        folds: u32,
    },
    /// How much do results vary by chance alone? The same rows and settings are trained with one seed after another.
    Seeds {
        /// Number of seeds, 2 to [`MOST_SEEDS`]; the first is the project's.
        seeds: u32,
    },
    /// Which settings do best on the validation rows?
    Search(SearchPlan),
}

/// A search for settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchPlan {
    /// The settings that are tried out. The first trial has those of the project.
    pub over: Vec<SearchRange>,
    /// Trials at most, 1 to [`MOST_TRIALS`].
    pub trials: u32,
    /// Minutes after which no other trial begins.
    pub minutes: Option<u32>,
    /// Whether a trial ends early if it is in the worse half after 1, 2, 4, ... epochs.
    pub halving: bool,
}

/// The rows that a run trains on and is measured on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowsUsed {
    /// The project's training, validation and test rows.
    #[default]
    All,
    /// Those without the test rows, on which only the settings that a search chose are measured.
    WithoutTest,
    /// Those without a fold, which the run is tested on.
    Fold {
        /// The fold, from 0.
        number: u32,
        /// How many folds there are.
        of: u32,
    },
}

/// A run's place in a study.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 1.
    pub number: u32,
    /// The rows it uses.
    pub rows: RowsUsed,
    /// The settings that a search tries out, as `name=value`.
    pub settings: Vec<String>,
}

impl StudyPlan {
    /// How many trials it has, at most.
    #[must_use]
    pub fn trials(&self) -> u32 {
        match self {
            Self::CrossValidation { folds } => *folds,
            Self::Seeds { seeds } => *seeds,
            Self::Search(search) => search.trials,
        }
    }

    /// Its kind, as on screen.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::CrossValidation { .. } => "Cross-validation",
            Self::Seeds { .. } => "Repeated seeds",
            Self::Search(_) => "Search",
        }
    }

    /// What a trial is called, for example "Fold 2 of 5".
    #[must_use]
    pub fn trial_title(&self, number: u32) -> String {
        match self {
            Self::CrossValidation { folds } => format!("Fold {number} of {folds}"),
            Self::Seeds { seeds } => format!("Seed {number} of {seeds}"),
            Self::Search(search) if search.minutes.is_some() => format!("Trial {number}"),
            Self::Search(search) => format!("Trial {number} of {}", search.trials),
        }
    }
}
