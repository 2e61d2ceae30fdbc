//! The rows of a file, in columns.

pub mod column_statistics;
pub mod columns;
pub mod guess;
pub mod hashing;
pub mod label_counts;
pub mod label_list;
pub mod moments;
pub mod placeholders;
pub mod row_columns;
pub mod rows;
pub mod search;
pub mod summary;

use arrow_array::{Array, StringViewArray};

use crate::project::SourceFile;

/// A file's rows. Column `c` of row `r` is `columns[c].value(r)`; a missing field is null.
#[derive(Clone, Debug)]
pub struct Table {
    /// Which of the project's files this is.
    pub file: SourceFile,
    /// Column names, unique, in file order.
    pub names: Vec<String>,
    /// One array per column, all of the same length.
    pub columns: Vec<StringViewArray>,
    /// 1-based record number of each row in the file (bad rows leave a gap).
    pub records: Vec<u64>,
}

impl Table {
    /// A table of these cells, by column.
    #[cfg(test)]
    pub(crate) fn of_cells(columns: &[(&str, &[&str])]) -> Self {
        Self {
            file: SourceFile::Main,
            names: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
            columns: columns.iter().map(|(_, cells)| StringViewArray::from(cells.to_vec())).collect(),
            records: (1..=columns[0].1.len() as u64).collect(),
        }
    }

    /// Number of good rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are no good rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Index of the column with this name.
    #[must_use]
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|column| column == name)
    }

    /// Index of the column with this name, or of the only one whose name differs from it in capitals and blanks alone.
    #[must_use]
    pub fn column_like(&self, name: &str) -> Option<usize> {
        if let Some(column) = self.column_index(name) {
            return Some(column);
        }
        let plain = |name: &str| -> String {
            name.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect()
        };
        let wanted = plain(name);
        let like: Vec<usize> = (0..self.names.len()).filter(|&column| plain(&self.names[column]) == wanted).collect();
        like.first().copied().filter(|_| like.len() == 1)
    }

    /// Text of a cell; empty if the field is missing.
    #[must_use]
    pub fn cell(&self, column: usize, row: usize) -> &str {
        let column = &self.columns[column];
        if column.is_null(row) { "" } else { column.value(row) }
    }
}

/// The kind of file and how it was read, detected or chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// CSV, TSV and the like.
    Delimited(Delimited),
    /// JSON objects.
    Json {
        /// The layout of the objects in the file.
        layout: JsonLayout,
        /// WHATWG encoding name.
        encoding: String,
        /// Number of characters that could not be decoded and became U+FFFD.
        undecodable: u64,
    },
    /// A line for each text, after its labels such as `__label__good`.
    FastText {
        /// WHATWG encoding name.
        encoding: String,
        /// Number of characters that could not be decoded and became U+FFFD.
        undecodable: u64,
    },
    /// Weka's format: attributes, then rows.
    Arff {
        /// WHATWG encoding name.
        encoding: String,
        /// Number of characters that could not be decoded and became U+FFFD.
        undecodable: u64,
    },
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow, as a file or a stream.
    Arrow,
    /// A sheet of a workbook: XLSX, XLSB, XLS or ODS.
    Workbook {
        /// The sheet that was read.
        sheet: String,
        /// All sheets.
        sheets: Vec<String>,
        /// 1-based row of the header; `None` without a header.
        header_row: Option<u64>,
    },
    /// A folder with one folder of texts for each label.
    TextFolder {
        /// Number of texts.
        files: u64,
    },
    /// A folder of documents.
    DocumentFolder {
        /// Number of documents, including those that could not be read.
        files: u64,
    },
    /// A folder of Parquet or Arrow files.
    DatasetFolder {
        /// Number of files read.
        files: u64,
    },
    /// A project of Azure's custom text classification, with its texts in files next to it.
    AzureProject,
}

/// The layout of the objects in a JSON file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonLayout {
    /// One object per line.
    Lines,
    /// A list of objects.
    Document,
    /// Objects one after another, each over several lines.
    Objects,
}

/// How a delimited file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delimited {
    /// Field separator.
    pub delimiter: char,
    /// Whether double quotes enclose fields.
    pub quoting: bool,
    /// WHATWG encoding name, for example `UTF-8`.
    pub encoding: String,
    /// 1-based line of the header, which names the columns; `None` without a header.
    pub header_row: Option<u64>,
    /// Number of characters that could not be decoded and became U+FFFD.
    pub undecodable: u64,
}

impl FileFormat {
    /// The kind of file in a word or two.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Delimited(Delimited { delimiter: '\t', .. }) => "TSV",
            Self::Delimited(_) => "CSV",
            Self::Json { layout: JsonLayout::Lines, .. } => "JSON lines",
            Self::Json { layout: JsonLayout::Document, .. } => "JSON",
            Self::Json { layout: JsonLayout::Objects, .. } => "JSON objects",
            Self::FastText { .. } => "fastText",
            Self::Arff { .. } => "ARFF",
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow",
            Self::Workbook { .. } => "workbook",
            Self::TextFolder { .. } => "folder of texts",
            Self::DocumentFolder { .. } => "folder of documents",
            Self::DatasetFolder { .. } => "dataset folder",
            Self::AzureProject => "Azure project",
        }
    }

    /// How a delimited file was read.
    #[must_use]
    pub fn delimited(&self) -> Option<&Delimited> {
        match self {
            Self::Delimited(delimited) => Some(delimited),
            _ => None,
        }
    }

    /// 1-based line or row of the header in a delimited file or a sheet; `None` without a header.
    #[must_use]
    pub fn header_row(&self) -> Option<u64> {
        match self {
            Self::Delimited(delimited) => delimited.header_row,
            Self::Workbook { header_row, .. } => *header_row,
            _ => None,
        }
    }

    /// The encoding of a text file.
    #[must_use]
    pub fn encoding(&self) -> Option<&str> {
        match self {
            Self::Delimited(Delimited { encoding, .. })
            | Self::Json { encoding, .. }
            | Self::FastText { encoding, .. }
            | Self::Arff { encoding, .. } => Some(encoding),
            _ => None,
        }
    }

    /// Number of characters that could not be decoded and became U+FFFD.
    #[must_use]
    pub fn undecodable(&self) -> u64 {
        match self {
            Self::Delimited(Delimited { undecodable, .. })
            | Self::Json { undecodable, .. }
            | Self::FastText { undecodable, .. }
            | Self::Arff { undecodable, .. } => *undecodable,
            _ => 0,
        }
    }
}

/// A record that could not be used, kept to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// 1-based record number, which continues from file to file (see [`crate::data::ImportedFile::place`]).
    pub record: u64,
    /// 1-based line in the file where the record begins; the record number in files without lines.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
    /// The record as it is in the file, at most 2,000 characters.
    pub raw: String,
}
