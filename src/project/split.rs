//! How rows are split into training, validation and test sets.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How a row of the main file is assigned to the training, validation or test set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SplitMethod {
    /// At random, by [`SplitSettings::seed`].
    #[default]
    Random,
    /// By the date in [`crate::project::DatasetSettings::time_column`]: the oldest rows are for training, the newest
    /// for testing.
    Time,
    /// By the value in [`crate::project::DatasetSettings::split_column`].
    Column,
}

/// What a random split identifies a row by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowKey {
    /// Its place in the file: projects of earlier versions. Inserting a row moves others.
    Position,
    /// Its id, or else its text, so that rows keep their places when the file or their labels change.
    #[default]
    Content,
}

/// The size of the validation or test set.
///
/// Written as a plain number (a share) or as `"500 rows"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// A share of the rows, 0..1.
    Share(f64),
    /// A number of rows.
    Rows(u64),
}

/// How the main file is split. A size is ignored if a separate file is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default = "SplitSettings::of_earlier_files", deny_unknown_fields)]
pub struct SplitSettings {
    /// How rows are assigned.
    pub method: SplitMethod,
    /// Size of the validation set.
    pub validation: Size,
    /// Size of the test set.
    pub test: Size,
    /// Whether every set has the same share of each label; for [`SplitMethod::Random`].
    pub stratified: bool,
    /// Whether near-duplicates are kept in the same set; for [`SplitMethod::Random`].
    pub keep_near_together: bool,
    /// Seed of the random draw.
    pub seed: u64,
    /// What rows are identified by; for [`SplitMethod::Random`].
    pub row_key: RowKey,
    /// Keys of the leakage findings that a person ignores.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ignored_leaks: BTreeSet<String>,
}

impl Default for SplitSettings {
    fn default() -> Self {
        Self {
            method: SplitMethod::Random,
            validation: Size::Share(0.1),
            test: Size::Share(0.2),
            stratified: true,
            keep_near_together: true,
            seed: 42,
            row_key: RowKey::Content,
            ignored_leaks: BTreeSet::new(),
        }
    }
}

impl SplitSettings {
    /// The defaults of older project files, which were split before near-duplicates could be kept together and rows
    /// were identified by their content.
    #[must_use]
    pub fn of_earlier_files() -> Self {
        Self { keep_near_together: false, row_key: RowKey::Position, ..Self::default() }
    }

    /// The settings for another random draw.
    #[must_use]
    pub fn drawn_again(&self) -> Self {
        Self { seed: self.seed.wrapping_add(1), row_key: RowKey::Content, ..self.clone() }
    }
}

impl Size {
    /// No rows.
    pub const NONE: Self = Self::Share(0.0);

    /// The size as a share of `rows` rows; may be more than 1.
    #[must_use]
    pub fn share_of(self, rows: usize) -> f64 {
        match self {
            Self::Share(share) => share,
            Self::Rows(wanted) => wanted as f64 / rows.max(1) as f64,
        }
    }

    /// Whether the size is above 0.
    #[must_use]
    pub fn is_some(self) -> bool {
        self.share_of(1) > 0.0
    }
}

impl From<f64> for Size {
    fn from(share: f64) -> Self {
        Self::Share(share)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => write!(f, "{share}"),
            Self::Rows(1) => write!(f, "1 row"),
            Self::Rows(rows) => write!(f, "{rows} rows"),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    /// Reads `0.2`, `20%`, `500rows` and `500 rows`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.trim();
        let rows = number.strip_suffix("rows").or_else(|| number.strip_suffix("row"));
        let size = if let Some(rows) = rows {
            rows.trim().parse().ok().map(Self::Rows)
        } else if let Some(percent) = number.strip_suffix('%') {
            percent.trim().parse::<f64>().ok().map(|percent| Self::Share(percent / 100.0))
        } else {
            number.parse().ok().map(Self::Share)
        };
        size.ok_or_else(|| format!("'{text}' is not a size such as 0.2, 20% or 500rows"))
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Share(share) => serializer.serialize_f64(*share),
            Self::Rows(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl de::Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share such as 0.2, or a number of rows such as 500rows")
    }

    fn visit_f64<E: de::Error>(self, share: f64) -> Result<Size, E> {
        Ok(Size::Share(share))
    }

    fn visit_u64<E: de::Error>(self, share: u64) -> Result<Size, E> {
        Ok(Size::Share(share as f64))
    }

    fn visit_i64<E: de::Error>(self, share: i64) -> Result<Size, E> {
        Ok(Size::Share(share as f64))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
        text.parse().map_err(|_| de::Error::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    #[test]
    fn sizes_are_read_as_people_write_them_and_written_as_they_are_read() {
        let read = |text: &str| text.parse::<Size>();
        assert_eq!(read("0.2"), Ok(Size::Share(0.2)));
        assert_eq!(read(" 20 %"), Ok(Size::Share(0.2)));
        assert_eq!(read("500rows"), Ok(Size::Rows(500)));
        assert_eq!(read("1 row"), Ok(Size::Rows(1)));
        for wrong in ["", "rows", "-5rows", "2.5 rows", "half", "%"] {
            assert!(read(wrong).unwrap_err().contains("500rows"), "{wrong}");
        }
        for size in [Size::Share(0.1), Size::Share(1.0 / 3.0), Size::NONE, Size::Rows(1), Size::Rows(70_000)] {
            let text = ron::to_string(&size).unwrap();
            assert_eq!(ron::from_str::<Size>(&text).unwrap(), size, "{text}");
            let json = serde_json::to_string(&size).unwrap();
            assert_eq!(serde_json::from_str::<Size>(&json).unwrap(), size, "{json}");
        }
        assert!(ron::from_str::<Size>("true").unwrap_err().to_string().contains("a share such as 0.2"));
    }

    #[test]
    fn old_files_keep_their_split_and_new_projects_keep_near_duplicates_together() {
        assert!(Project::default().split.keep_near_together);
        let earlier: Project = ron::from_str("(name: \"a\")").unwrap();
        let before = SplitSettings { keep_near_together: false, row_key: RowKey::Position, ..SplitSettings::default() };
        assert_eq!(earlier.split, before);
        assert_eq!(before.drawn_again(), SplitSettings { seed: 43, row_key: RowKey::Content, ..before.clone() });
        let text = "(split: (validation: 0.15, test: 0, stratified: false, seed: 7))";
        let earlier: Project = ron::from_str(text).unwrap();
        assert_eq!((earlier.split.validation, earlier.split.test), (Size::Share(0.15), Size::NONE));
        assert!(!earlier.split.keep_near_together && !earlier.split.stratified);
        let written = ron::to_string(&Project::default()).unwrap();
        assert_eq!(ron::from_str::<Project>(&written).unwrap(), Project::default());
    }
}
