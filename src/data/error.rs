//! What can go wrong between a file and a batch.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::data::PatternError;
use crate::project::SourceFile;

/// Why data could not be read or tokenised. Every message says what to do next.
#[derive(Debug, Error)]
pub enum DataError {
    /// The project names no main file.
    #[error("no data file is chosen. Open one first")]
    NoFile,
    /// A file is named twice among those that make one table.
    #[error("{} is named twice among the data files, so each of its rows would count twice. Remove it once", .0.display())]
    SameFile(PathBuf),
    /// There is nothing at the path.
    #[error("there is no file at {}. Was it moved or renamed?", .0.display())]
    NotFound(PathBuf),
    /// A folder holds nothing that can be read as rows.
    #[error(
        "{} is a folder without rows. Choose a file inside it, or a folder that has a folder of .txt files for each \
         label, or documents (.docx, .txt, .md), or Parquet or Arrow files",
        .0.display()
    )]
    NoRowsInFolder(PathBuf),
    /// A folder holds too many files.
    #[error("{} holds more than {most} files. Choose a folder inside it", folder.display())]
    TooManyFiles {
        /// The folder.
        folder: PathBuf,
        /// Files that can be read.
        most: usize,
    },
    /// A table has too many columns.
    #[error(
        "{} has more than {most} different fields, as when fields are named after what they hold. Choose a file with the \
         same fields in every row",
        path.display()
    )]
    TooManyColumns {
        /// The file.
        path: PathBuf,
        /// Columns that can be read.
        most: usize,
    },
    /// A folder has files for other sides, and none for this one.
    #[error("{} has no files for {side}, and has some for other sides. Choose another folder, or none", folder.display())]
    NoSide {
        /// The folder.
        folder: PathBuf,
        /// The side, for example "validation".
        side: &'static str,
    },
    /// A file of a known kind cannot be read.
    #[error("{} could not be read as {kind}: {reason}. {advice}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it is, for example "a Parquet file".
        kind: &'static str,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// A workbook has no sheet of that name.
    #[error("{} has no sheet '{asked}'. Its sheets are: {}. Choose one of them", path.display(), sheets.join(", "))]
    NoSheet {
        /// The workbook.
        path: PathBuf,
        /// The sheet asked for.
        asked: String,
        /// The sheets there are.
        sheets: Vec<String>,
    },
    /// The system refused to read.
    #[error("{} could not be read: {source}. Check that it may be read and is not open elsewhere", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds no bytes, or nothing but white space.
    #[error("{} is empty. Choose a file with a header line and one row for each text", .0.display())]
    Empty(PathBuf),
    /// The file is of a kind that holds no plain text rows.
    #[error("{} is {kind}, not a text file. {advice}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it is, for example "an Excel workbook".
        kind: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The text is too long for 32-bit offsets.
    #[error("{} holds {bytes} bytes of text; at most {} can be read. Split it into smaller files", path.display(), i32::MAX)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes of decoded text.
        bytes: u64,
    },
    /// The encoding asked for does not exist.
    #[error(
        "'{0}' is not an encoding. Use a name such as utf-8, windows-1252 or shift_jis, or leave it empty to detect it"
    )]
    UnknownEncoding(String),
    /// The delimiter asked for cannot separate fields.
    #[error("{0:?} cannot separate fields. Use one plain character, such as a comma, a semicolon or a tab")]
    BadDelimiter(char),
    /// A model folder has no tokenizer that can be read.
    #[error("there is no tokenizer.json or vocab.txt in {}. Download the model again, or choose a folder that has one", .0.display())]
    NoTokenizer(PathBuf),
    /// A tokenizer file is damaged or of an unknown kind.
    #[error("the tokenizer {} could not be loaded: {reason}. Download the model again, or choose another model", path.display())]
    BadTokenizer {
        /// The file.
        path: PathBuf,
        /// What the tokenizer library said.
        reason: String,
    },
    /// The length limit leaves no room for the text.
    #[error("a limit of {max_length} tokens leaves no room for text: {special} are special tokens. Use at least {}", special + 1)]
    MaxLengthTooSmall {
        /// The limit asked for.
        max_length: usize,
        /// Special tokens added to every text.
        special: usize,
    },
    /// A tokenizer has no token that hides words.
    #[error(
        "the model's tokenizer has no [MASK] token, so the model cannot learn by guessing hidden words. Choose a BERT model"
    )]
    NoMaskToken,
    /// Words cannot be added to a vocabulary.
    #[error("new words could not be added to the model's vocabulary: {0}")]
    NewWords(String),
    /// The tokenizer refused a text.
    #[error("text {index} could not be tokenised: {reason}. Exclude it, or choose another model")]
    Tokenise {
        /// 1-based position of the text in the list given.
        index: usize,
        /// What the tokenizer library said.
        reason: String,
    },
    /// A find-and-replace pattern cannot be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A regular expression that is none.
    #[error("the pattern cannot be used. {0}")]
    BadPattern(String),
    /// The person stopped the job.
    #[error("stopped")]
    Cancelled,
}

impl DataError {
    /// That a folder has files for other sides only.
    pub(super) fn no_side(folder: &Path, file: SourceFile) -> Self {
        let side = match file {
            SourceFile::Main => "training",
            SourceFile::Validation => "validation",
            SourceFile::Test => "test",
        };
        Self::NoSide { folder: folder.to_owned(), side }
    }
}
