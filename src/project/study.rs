//! Studies: several runs that answer one question, such as how well the model does on rows it has not seen.

use serde::{Deserialize, Serialize};

use crate::project::SearchRange;
use crate::words::lower_first;

/// The least and the most folds of a cross-validation.
pub const FOLDS: std::ops::RangeInclusive<u32> = 2..=50;

/// The most seeds of one study.
pub const MOST_SEEDS: u32 = 50;

/// The most trials of one search.
pub const MOST_TRIALS: u32 = 1_000;

/// The parts of the training rows that a learning curve learns from, in percent.
pub const PARTS: [u32; 4] = [10, 25, 50, 100];

/// The most times that the rows of a learning curve are drawn.
pub const MOST_DRAWS: u32 = 20;

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
    /// Would more labelled rows help? The same settings learn from each of the [`PARTS`] of the training rows.
    LearningCurve {
        /// How often the rows are drawn, 1 to [`MOST_DRAWS`]: each time other rows, with another seed.
        draws: u32,
    },
}

/// A search for settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchPlan {
    /// The settings that are tried out. The first trials have others, see [`SearchStart`].
    pub over: Vec<SearchRange>,
    /// Trials at most, 1 to [`MOST_TRIALS`].
    pub trials: u32,
    /// Minutes after which no other trial begins.
    pub minutes: Option<u32>,
    /// Whether a trial ends early if it is in the worse half after 1, 2, 4, ... epochs.
    pub halving: bool,
    /// The first trials.
    #[serde(default)]
    pub start: SearchStart,
    /// Whether the best model found in the minutes becomes a run of the project.
    #[serde(default)]
    pub keeps_best: bool,
}

/// The trials with which a search begins, before it proposes settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SearchStart {
    /// One with the project's own settings.
    #[default]
    OwnSettings,
    /// An instant model, which takes seconds, and then one with the project's own settings.
    Instant,
}

impl SearchPlan {
    /// The best model in so many minutes. What is searched, and with which settings it begins, depends on how fast this machine
    /// is: [`Self::over`] stays empty until that is known.
    #[must_use]
    pub fn best_in(minutes: u32) -> Self {
        let start = SearchStart::OwnSettings;
        Self { over: Vec::new(), trials: MOST_TRIALS, minutes: Some(minutes), halving: true, start, keeps_best: true }
    }

    /// The number of the trial with the project's own settings.
    #[must_use]
    pub fn own_trial(&self) -> u32 {
        match self.start {
            SearchStart::OwnSettings => 1,
            SearchStart::Instant => 2,
        }
    }
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
    /// A part of the training rows, and all validation and test rows.
    Part {
        /// How much of the training rows, in percent.
        percent: u32,
        /// Which draw, from 0. A smaller part of one draw is within every larger one.
        draw: u32,
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
            Self::LearningCurve { draws } => draws * PARTS.len() as u32,
        }
    }

    /// Its kind, as on screen.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::CrossValidation { .. } => "Cross-validation",
            Self::Seeds { .. } => "Repeated seeds",
            Self::Search(search) if search.keeps_best => "Best model in the time",
            Self::Search(_) => "Search",
            Self::LearningCurve { .. } => "Learning curve",
        }
    }

    /// The command of the terminal that runs it.
    #[must_use]
    pub fn command(&self) -> &'static str {
        match self {
            Self::CrossValidation { .. } => "cv",
            Self::Seeds { .. } => "seeds",
            Self::Search(search) if search.keeps_best => "best",
            Self::Search(_) => "search",
            Self::LearningCurve { .. } => "learning-curve",
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
            Self::LearningCurve { draws } => {
                let (percent, draw) = Self::part(number);
                let drawn = if *draws > 1 { format!(", draw {} of {draws}", draw + 1) } else { String::new() };
                format!("{percent}% of the training rows{drawn}")
            }
        }
    }

    /// What a trial is called among those of all studies, for example "Search 2026-11-23-101530-ab12: trial 3 of 20". `study` is
    /// the id of its study.
    #[must_use]
    pub fn trial_title_in(&self, study: &str, number: u32) -> String {
        format!("{} {study}: {}", self.title(), lower_first(&self.trial_title(number)))
    }

    /// The part of the training rows, in percent, that a trial of a learning curve learns from, and its draw, from 0.
    #[must_use]
    pub fn part(number: u32) -> (u32, u32) {
        let (place, parts) = (number.saturating_sub(1), PARTS.len() as u32);
        (PARTS[(place % parts) as usize], place / parts)
    }
}
