//! The values that a search tries for a setting: `lr=1e-5..1e-4:log` or `batch_size=8|16|32`.

use serde::{Deserialize, Serialize};

use crate::project::{Project, SettingError, TrainedLayers, apply_settings, setting_value};

/// A setting by its path, and its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchRange {
    /// The setting, as for [`apply_settings`].
    pub setting: String,
    /// Its values.
    pub values: SearchValues,
}

/// The values of a setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SearchValues {
    /// Any of these.
    Choices(Vec<String>),
    /// Any number from `low` to `high`.
    Between {
        /// The least.
        low: f64,
        /// The most.
        high: f64,
        /// Whether each factor counts the same, and not each difference.
        is_logarithmic: bool,
        /// Whether only whole numbers are meant.
        is_whole: bool,
    },
}

/// Why a range cannot be searched.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum SearchRangeError {
    /// It is not written as a range.
    #[error(
        "'{0}' is not a range to search. Write a setting with its lowest and highest value, such as lr=1e-5..1e-4:log, or with its \
         choices, such as batch_size=8|16|32."
    )]
    Unreadable(String),
    /// Its lowest value is not below its highest.
    #[error("The range of '{setting}' must go from a lower to a higher number{}.", if *is_logarithmic { ", both above 0" } else { "" })]
    Empty {
        /// The setting.
        setting: String,
        /// Whether it is logarithmic.
        is_logarithmic: bool,
    },
    /// The same setting is in two ranges.
    #[error("'{0}' is searched twice. Give each setting one range.")]
    Twice(String),
    /// The project does not have the setting, or it cannot have one of the values.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

impl SearchRange {
    /// Reads a range, and checks that the project's setting can have its values.
    ///
    /// # Errors
    /// [`SearchRangeError`].
    pub fn read(text: &str, project: &Project) -> Result<Self, SearchRangeError> {
        let unreadable = || SearchRangeError::Unreadable(text.to_owned());
        let (setting, values) = text.split_once('=').ok_or_else(unreadable)?;
        let (setting, values) = (setting.trim().to_owned(), values.trim());
        let range = if let Some((low, rest)) = values.split_once("..") {
            let (high, is_logarithmic) = match rest.strip_suffix(":log") {
                Some(high) => (high, true),
                None => (rest, false),
            };
            let [low, high] = [low, high].map(|end| end.trim().parse::<f64>().ok().filter(|end| end.is_finite()));
            let (low, high) = low.zip(high).ok_or_else(unreadable)?;
            if low >= high || (is_logarithmic && low <= 0.0) {
                return Err(SearchRangeError::Empty { setting, is_logarithmic });
            }
            let is_whole = takes_whole_numbers(&setting, project);
            Self { setting, values: SearchValues::Between { low, high, is_logarithmic, is_whole } }
        } else {
            let choices: Vec<String> = values.split('|').map(|choice| choice.trim().to_owned()).collect();
            if choices.len() < 2 || choices.iter().any(String::is_empty) {
                return Err(unreadable());
            }
            Self { setting, values: SearchValues::Choices(choices) }
        };
        for value in range.ends() {
            apply_settings(project, &[range.with(&value)])?;
        }
        Ok(range)
    }

    /// Reads several ranges.
    ///
    /// # Errors
    /// [`SearchRangeError`].
    pub fn read_all(texts: &[String], project: &Project) -> Result<Vec<Self>, SearchRangeError> {
        let mut ranges: Vec<Self> = Vec::new();
        for text in texts {
            let range = Self::read(text, project)?;
            if ranges.iter().any(|other| other.setting == range.setting) {
                return Err(SearchRangeError::Twice(range.setting));
            }
            ranges.push(range);
        }
        Ok(ranges)
    }

    /// What is worth searching first: around the project's learning rate, its batch size and number of epochs. Nothing for a model that is
    /// solved for instead of trained.
    #[must_use]
    pub fn usual(project: &Project) -> Vec<Self> {
        let training = &project.training;
        if training.trained_layers == TrainedLayers::Instant {
            return Vec::new();
        }
        let rate = training.optimizer.learning_rate;
        let between = |setting: &str, [low, high]: [f64; 2], is_whole: bool| Self {
            setting: setting.to_owned(),
            values: SearchValues::Between { low, high, is_logarithmic: !is_whole, is_whole },
        };
        let batch = training.batch_size;
        let batches = [(batch / 2).max(1), batch, batch * 2].map(|rows| rows.to_string());
        let epochs = f64::from(training.epochs);
        vec![
            between("lr", [rate / 5.0, rate * 5.0], false),
            Self { setting: "batch_size".to_owned(), values: SearchValues::Choices(batches.to_vec()) },
            between("epochs", [(epochs / 2.0).ceil(), epochs * 2.0], true),
        ]
    }

    /// `name=value`.
    #[must_use]
    pub fn with(&self, value: &str) -> String {
        format!("{}={value}", self.setting)
    }

    /// The value in words, for example `1e-5..1e-4:log`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match &self.values {
            SearchValues::Choices(choices) => choices.join("|"),
            SearchValues::Between { low, high, is_logarithmic, .. } => {
                let log = if *is_logarithmic { ":log" } else { "" };
                format!("{}..{}{log}", plain(*low), plain(*high))
            }
        }
    }

    /// All choices, or the ends.
    fn ends(&self) -> Vec<String> {
        match &self.values {
            SearchValues::Choices(choices) => choices.clone(),
            SearchValues::Between { low, high, .. } => [low, high].map(|end| plain(*end)).to_vec(),
        }
    }

    /// The bounds of the axis on which a search moves: of choices their numbers, of others the number or its logarithm.
    #[must_use]
    pub fn axis(&self) -> [f64; 2] {
        match &self.values {
            SearchValues::Choices(choices) => [0.0, choices.len() as f64],
            // Each whole number has the same room.
            SearchValues::Between { low, high, is_logarithmic: false, is_whole: true } => [low - 0.5, high + 0.5],
            SearchValues::Between { low, high, is_logarithmic, .. } => {
                [low, high].map(|end| along(*end, *is_logarithmic))
            }
        }
    }

    /// The value at a place on the [axis](Self::axis), with three digits, or whole.
    #[must_use]
    pub fn value_at(&self, place: f64) -> String {
        match &self.values {
            SearchValues::Choices(choices) => choices[(place.max(0.0) as usize).min(choices.len() - 1)].clone(),
            SearchValues::Between { low, high, is_logarithmic, is_whole } => {
                let value = if *is_logarithmic { place.exp() } else { place };
                let value = if *is_whole { value.round() } else { value };
                plain(rounded(value).clamp(*low, *high))
            }
        }
    }

    /// The place of a value on the [axis](Self::axis); `None` if it is outside.
    #[must_use]
    pub fn place_of(&self, value: &str) -> Option<f64> {
        match &self.values {
            SearchValues::Choices(choices) => {
                let same = |choice: &String| choice == value || same_number(choice, value);
                choices.iter().position(same).map(|place| place as f64)
            }
            SearchValues::Between { low, high, is_logarithmic, .. } => {
                let value: f64 = value.parse().ok()?;
                (*low <= value && value <= *high).then(|| along(value, *is_logarithmic))
            }
        }
    }

    /// The place of the project's own value.
    #[must_use]
    pub fn place_in(&self, project: &Project) -> Option<f64> {
        self.place_of(&setting_value(project, &self.setting)?)
    }
}

fn along(value: f64, is_logarithmic: bool) -> f64 {
    if is_logarithmic { value.ln() } else { value }
}

fn same_number(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|text| text.parse::<f64>().ok());
    a.is_some() && a == b
}

/// Three significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// As people write it: small numbers with an exponent.
fn plain(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { value.to_string() }
}

fn takes_whole_numbers(setting: &str, project: &Project) -> bool {
    matches!(apply_settings(project, &[format!("{setting}=0.5")]), Err(SettingError::BadValue { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SearchRange, SearchRangeError> {
        SearchRange::read(text, &Project::default())
    }

    #[test]
    fn ranges_are_read_and_know_the_kind_of_number() {
        let between = |text: &str| match read(text).unwrap().values {
            SearchValues::Between { low, high, is_logarithmic, is_whole } => (low, high, is_logarithmic, is_whole),
            SearchValues::Choices(_) => panic!("{text}"),
        };
        assert_eq!(between("lr=1e-5..1e-4:log"), (1e-5, 1e-4, true, false));
        assert_eq!(between("training.dropout = 0 .. 0.5"), (0.0, 0.5, false, false));
        assert_eq!(between("epochs=1..4"), (1.0, 4.0, false, true));
        let batches = read("batch_size=8|16 | 32").unwrap();
        assert_eq!(batches.values, SearchValues::Choices(["8", "16", "32"].map(str::to_owned).to_vec()));
        assert_eq!([read("lr=1e-5..1e-4:log").unwrap().in_words(), batches.in_words()], ["1e-5..1e-4:log", "8|16|32"]);
        assert!(read("task.class_weights=None|Balanced").is_ok());
    }

    #[test]
    fn what_cannot_be_searched_is_said() {
        let error = |text: &str| read(text).unwrap_err().to_string();
        for text in ["lr", "lr=1e-5", "lr=a..b", "batch_size=8|", "lr=1e-5..", "lr=..1"] {
            assert!(error(text).contains("is not a range to search. Write a setting"), "{text}: {}", error(text));
        }
        assert!(error("lr=1e-4..1e-5:log").contains("from a lower to a higher number, both above 0"));
        assert!(error("dropout=0.5..0.1").contains("from a lower to a higher number"));
        assert!(error("no_such=1..2").contains("There is no setting 'no_such'"));
        assert!(error("training.dropout=0..7").contains("cannot be 7"));
        assert!(error("batch_size=8|many").contains("'many' is not valid"));
        let twice = ["lr=1e-5..1e-4:log", "lr=1e-3..1e-2"].map(str::to_owned);
        let twice = SearchRange::read_all(&twice, &Project::default()).unwrap_err().to_string();
        assert!(twice.contains("'lr' is searched twice"), "{twice}");
    }

    #[test]
    fn values_and_places_belong_together() {
        let rate = read("lr=1e-5..1e-4:log").unwrap();
        let [low, high] = rate.axis();
        assert_eq!(
            [rate.value_at(low), rate.value_at(high), rate.value_at(f64::midpoint(low, high))],
            ["1e-5", "1e-4", "3.16e-5"]
        );
        assert!((rate.place_of("3.16e-5").unwrap() - f64::midpoint(low, high)).abs() < 1e-3);
        assert_eq!(rate.place_of("1e-3"), None);
        let epochs = read("epochs=1..4").unwrap();
        assert_eq!((epochs.axis(), epochs.value_at(4.49), epochs.value_at(0.51)), ([0.5, 4.5], "4".into(), "1".into()));
        let batches = read("batch_size=8|16|32").unwrap();
        assert_eq!(
            (batches.axis(), batches.value_at(2.99), batches.place_of("16.0")),
            ([0.0, 3.0], "32".into(), Some(1.0))
        );
        assert_eq!(batches.place_of("64"), None);
        assert!(read("lr=1e-6..1e-2:log").unwrap().place_in(&Project::default()).is_some());
    }

    #[test]
    fn the_usual_ranges_can_be_applied_and_hold_the_projects_own_values() {
        let project = Project::default();
        for range in SearchRange::usual(&project) {
            let text = range.with(&range.in_words());
            assert_eq!(SearchRange::read(&text, &project).unwrap().setting, range.setting);
            assert!(range.place_in(&project).is_some(), "{text}");
        }
        let mut instant = project;
        instant.training.trained_layers = TrainedLayers::Instant;
        assert!(SearchRange::usual(&instant).is_empty());
    }
}
