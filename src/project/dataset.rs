//! Which files hold the rows, how to read them, and which columns are used.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::project::ColumnRole;

/// Where the rows come from and how to read them. `None` means "detect".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatasetSettings {
    /// The main file. Split by [`crate::project::SplitSettings`] unless the files below are given.
    pub main: Option<PathBuf>,
    /// Files appended to the main one, in this order. Together they form one table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<PathBuf>,
    /// A separate validation file; it is not split.
    pub validation: Option<PathBuf>,
    /// A separate test file; it is not split.
    pub test: Option<PathBuf>,
    /// Field separator.
    pub delimiter: Option<char>,
    /// Whether double quotes enclose fields. `None` detects (GLUE-style TSV files do not quote).
    pub quoting: Option<bool>,
    /// Encoding label of the WHATWG Encoding Standard, for example `windows-1252`.
    pub encoding: Option<String>,
    /// Whether the first record names the columns. Without a header they are `column_1`, `column_2`, ... `None` searches
    /// for the header.
    pub header: Option<bool>,
    /// 1-based line of a text file, or row of a sheet, that names the columns. Everything before it is skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u64>,
    /// Sheet of a workbook. `None` takes the first one that is not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The columns in use with their roles, ordered by role. Texts are joined in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<(String, ColumnRole)>,
}

impl DatasetSettings {
    /// The files of the main table, in order.
    pub fn main_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.main.iter().chain(&self.more)
    }

    /// How to read another file: as `asked` says, and what it leaves open as these settings say. Without files and columns.
    #[must_use]
    pub fn to_read_another(&self, asked: &Self) -> Self {
        let is_header_asked = asked.header.is_some() || asked.header_row.is_some();
        let Self { header, header_row, .. } = *if is_header_asked { asked } else { self };
        Self {
            delimiter: asked.delimiter.or(self.delimiter),
            quoting: asked.quoting.or(self.quoting),
            encoding: asked.encoding.as_ref().or(self.encoding.as_ref()).cloned(),
            header,
            header_row,
            sheet: asked.sheet.as_ref().or(self.sheet.as_ref()).cloned(),
            ..Self::default()
        }
    }

    /// All files: main, appended, validation and test.
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

impl SourceFile {
    /// All files, in order.
    pub const ALL: [Self; 3] = [Self::Main, Self::Validation, Self::Test];
}

/// Identifies a row by its file and its 1-based record number, not counting the header. Numbering continues from the
/// main file into the files appended to it.
///
/// Written as `main:12`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId {
    /// The file the row is in.
    pub file: SourceFile,
    /// 1-based record number within that file; bad rows count too, so numbers never shift.
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
