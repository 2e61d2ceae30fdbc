//! Which files hold the rows, and which columns matter.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where the rows come from and how to read them. `None` means "detect".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetSettings {
    /// The main file. Split by [`crate::project::SplitSettings`] unless the files below are given.
    pub main: Option<PathBuf>,
    /// Files appended to the main one, in this order: all of them are one table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<PathBuf>,
    /// A separate validation file, used as it is.
    pub validation: Option<PathBuf>,
    /// A separate test file, used as it is.
    pub test: Option<PathBuf>,
    /// Field separator.
    pub delimiter: Option<char>,
    /// Whether double quotes enclose fields. `None` detects (GLUE-style TSV files do not quote).
    pub quoting: Option<bool>,
    /// Encoding label of the WHATWG Encoding Standard, for example `windows-1252`.
    pub encoding: Option<String>,
    /// Whether the first record names the columns. Without a header they are `column_1`, `column_2`, ...
    pub header: Option<bool>,
    /// Sheet of a workbook. `None` takes the first one that is not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Column that holds the text. Empty until chosen.
    pub text_column: String,
    /// Column that holds the label. Empty until chosen, and where [`Self::label_columns`] are used in its stead.
    pub label_column: String,
    /// Columns whose text is put before that of the text column, each followed by a line break where it is not empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub joined_columns: Vec<String>,
    /// Columns of one label each: the label of a row is the name of the one that holds 1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label_columns: Vec<String>,
    /// Column that says which rows belong together: a customer, an author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_column: Option<String>,
    /// Column that says when a row came to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_column: Option<String>,
    /// Column that says which side of the split a row is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_column: Option<String>,
    /// Column that names a row: it is shown with the row and written beside its prediction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_column: Option<String>,
    /// Columns that are of no use here.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ignored_columns: BTreeSet<String>,
}

impl DatasetSettings {
    /// The files of the main table, in order.
    pub fn main_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.main.iter().chain(&self.more)
    }

    /// Every file named.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.main_files().chain(&self.validation).chain(&self.test)
    }
}

/// One of the (up to) three tables of a dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SourceFile {
    /// [`DatasetSettings::main`], with [`DatasetSettings::more`] appended.
    #[default]
    Main,
    /// [`DatasetSettings::validation`].
    Validation,
    /// [`DatasetSettings::test`].
    Test,
}

/// Identity of a row: its file and its 1-based record number, the header not counted. Numbers of the main file run on over
/// those appended to it.
///
/// Written as `main:12`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId {
    /// The file the row stands in.
    pub file: SourceFile,
    /// 1-based record number within that file; bad rows are counted too, so numbers never shift.
    pub record: u64,
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = match self.file {
            SourceFile::Main => "main",
            SourceFile::Validation => "validation",
            SourceFile::Test => "test",
        };
        write!(f, "{file}:{}", self.record)
    }
}

impl FromStr for RowId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("'{text}' is not a row id such as main:12");
        let (file, record) = text.split_once(':').ok_or_else(wrong)?;
        let file = match file {
            "main" => SourceFile::Main,
            "validation" => SourceFile::Validation,
            "test" => SourceFile::Test,
            _ => return Err(wrong()),
        };
        let record = record.parse().map_err(|_| wrong())?;
        Ok(Self { file, record })
    }
}

impl Serialize for RowId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RowId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
