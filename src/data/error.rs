//! Errors of reading, preparing and tokenising data.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::data::{PatternError, get_model_again};
use crate::progress::Cancelled;
use crate::project::SourceFile;

/// Why data could not be read or tokenised. Every message says what to do.
#[derive(Debug, Error)]
pub enum DataError {
    /// The project has no data file.
    #[error("no data file is chosen. Open one first")]
    NoFile,
    /// The same file is twice among the data files.
    #[error("{} is listed twice, so each of its rows would count twice. Remove one of the two", .0.display())]
    SameFile(PathBuf),
    /// There is no file at the path.
    #[error("there is no file at {}. Was it moved or renamed?", .0.display())]
    NotFound(PathBuf),
    /// A folder without files that Hone can read.
    #[error(
        "{} has no files that can be read as rows. Choose a file inside it, or a folder with a subfolder of .txt files per label, with \
         documents (.docx, .txt, .md), or with Parquet or Arrow files",
        .0.display()
    )]
    NoRowsInFolder(PathBuf),
    /// A folder of files that each hold rows, and no documents.
    #[error(
        "{} holds no documents but {} with rows. Choose one of them instead of the folder: --data {} --text COLUMN",
        folder.display(), crate::words::counted(*files as u64, "file", "files"), first.display()
    )]
    FolderOfFiles {
        /// The folder.
        folder: PathBuf,
        /// Files with rows in it.
        files: usize,
        /// The first one for training.
        first: PathBuf,
    },
    /// A folder of documents of which none gives a text.
    #[error(
        "none of the {} in {} could be read. {reason}",
        if *documents == 1 { "documents".to_owned() } else { format!("{documents} documents") }, folder.display()
    )]
    NoDocumentRead {
        /// The folder.
        folder: PathBuf,
        /// Documents in it.
        documents: usize,
        /// The first, and why it could not be read.
        reason: String,
    },
    /// A folder with too many files.
    #[error("{} contains more than {most} files. Choose a folder inside it", folder.display())]
    TooManyFiles {
        /// The folder.
        folder: PathBuf,
        /// The most files that can be read.
        most: usize,
    },
    /// A table with too many columns.
    #[error(
        "{} has more than {most} different fields, perhaps because values are used as field names. Choose a file with the same \
         fields in every row",
        path.display()
    )]
    TooManyColumns {
        /// The file.
        path: PathBuf,
        /// The most columns that can be read.
        most: usize,
    },
    /// A folder with files for other splits, but none for this one.
    #[error("{} has files for other splits, but none for {side}. Choose another folder, or none", folder.display())]
    NoSide {
        /// The folder.
        folder: PathBuf,
        /// The split, for example "validation".
        side: &'static str,
    },
    /// A file of a known kind cannot be read.
    #[error("{} could not be read as {kind}: {reason}. {advice}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The kind of file, for example "a Parquet file".
        kind: &'static str,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// A workbook without a sheet of that name.
    #[error("{} has no sheet '{asked}'. Its sheets are: {}. Choose one of them", path.display(), sheets.join(", "))]
    NoSheet {
        /// The workbook.
        path: PathBuf,
        /// The sheet asked for.
        asked: String,
        /// The sheets of the workbook.
        sheets: Vec<String>,
    },
    /// A file that Git LFS stands in for, whose content was not downloaded.
    #[error(
        "{} is a Git LFS pointer and not the file itself, which was never downloaded. Run `git lfs pull` in its folder, or \
         download the file again",
        .0.display()
    )]
    LfsPointer(PathBuf),
    /// A file without a record at the line that was chosen as the header.
    #[error("{} cannot have its header on line {line}: {why}. Choose another line, or none to detect it", path.display())]
    NoHeaderRow {
        /// The file.
        path: PathBuf,
        /// The line asked for.
        line: u64,
        /// Why not, for example "that line is empty".
        why: String,
    },
    /// The operating system could not read the file.
    #[error("{} could not be read: {source}. Check its permissions, and that no other program has it open", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// Another program wrote the file while it was read.
    #[error("{} changed while it was read. Wait until no other program writes to it, and try again", .0.display())]
    Changed(PathBuf),
    /// A table of more cells than fit into memory.
    #[error(
        "{} describes {rows} rows and {columns} columns, which would take more than {} of memory. Most cells are empty or \
         repeated: use a file with fewer columns or rows",
        path.display(), crate::words::bytes(*most)
    )]
    TooManyCells {
        /// The file.
        path: PathBuf,
        /// Rows read so far, or all rows.
        rows: u64,
        /// Columns.
        columns: u64,
        /// The most memory, in bytes.
        most: u64,
    },
    /// A fold of a cross-validation without rows.
    #[error(
        "Fold {number} of {folds} would have no {lacks}. Choose fewer folds, or add rows: rows that stay together are in one fold, \
         and so are rows of the same date if the split goes by time"
    )]
    TooFewForFolds {
        /// How many folds were asked for.
        folds: u32,
        /// The fold, from 1.
        number: u32,
        /// What it lacks, for example "rows to test on".
        lacks: &'static str,
    },
    /// The file is empty or contains only white space.
    #[error("{} is empty. Choose a file with a header line and one row for each text", .0.display())]
    Empty(PathBuf),
    /// A pipe, a device or something else that is no file.
    #[error("{} is not a plain file but a pipe or a device. Write its content to a file first, and choose that", .0.display())]
    NotPlain(PathBuf),
    /// The file is not a kind of text file that Hone reads.
    #[error("{} is {kind}, not a text file. {advice}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The kind of file, for example "an Excel workbook".
        kind: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The text is too long for 32-bit offsets.
    #[error("{} contains {bytes} bytes of text, but Hone can read at most {}. Split it into smaller files", path.display(), i32::MAX)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes of decoded text.
        bytes: u64,
    },
    /// There is no encoding of that name.
    #[error("'{0}' is not an encoding. Use a name such as utf-8, windows-1252 or shift_jis, or none to detect it")]
    UnknownEncoding(String),
    /// The delimiter cannot separate fields.
    #[error("{0:?} cannot separate fields. Use one plain character, such as a comma, a semicolon or a tab")]
    BadDelimiter(char),
    /// A model folder without a tokenizer.
    #[error("there is no tokenizer.json or vocab.txt in {}. {}", .0.display(), get_model_again(.0))]
    NoTokenizer(PathBuf),
    /// A model folder whose vocabulary only the `SentencePiece` library reads.
    #[error(
        "the tokenizer of {folder} is only there as {file}, which must be converted to tokenizer.json first. With Python: \
         python -c \"from transformers import AutoTokenizer; \
         AutoTokenizer.from_pretrained(r'{folder}').save_pretrained(r'{folder}')\"", folder = folder.display()
    )]
    OnlySentencePiece {
        /// The folder.
        folder: PathBuf,
        /// The vocabulary's file.
        file: &'static str,
    },
    /// A tokenizer file that is damaged or of an unknown kind.
    #[error("the tokenizer {} could not be loaded: {reason}. {}", path.display(), get_model_again(path))]
    BadTokenizer {
        /// The file.
        path: PathBuf,
        /// The tokenizer library's error.
        reason: String,
    },
    /// The max length leaves no room for the text.
    #[error("a max length of {max_length} tokens leaves no room for text: {special} are special tokens. Use at least {}", special + 1)]
    MaxLengthTooSmall {
        /// The max length.
        max_length: usize,
        /// Special tokens added to every text.
        special: usize,
    },
    /// A tokenizer without a mask token.
    #[error(
        "the model's tokenizer has no [MASK] token, so the model cannot learn to predict masked words. Choose a BERT or a GPT model"
    )]
    NoMaskToken,
    /// Words cannot be added to a vocabulary.
    #[error("new words could not be added to the model's vocabulary: {0}")]
    NewWords(String),
    /// The tokenizer could not encode a text.
    #[error("text {index} could not be tokenised: {reason}. Exclude it, or choose another model")]
    Tokenise {
        /// 1-based position of the text in the list given.
        index: usize,
        /// The tokenizer library's error.
        reason: String,
    },
    /// A find-and-replace pattern cannot be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// An invalid regular expression.
    #[error("the pattern cannot be used. {0}")]
    BadPattern(String),
    /// The job was cancelled.
    #[error("stopped")]
    Cancelled,
}

impl From<Cancelled> for DataError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl DataError {
    /// A folder has files for other splits only.
    pub(super) fn no_side(folder: &Path, file: SourceFile) -> Self {
        let side = match file {
            SourceFile::Main => "training",
            SourceFile::Validation => "validation",
            SourceFile::Test => "test",
        };
        Self::NoSide { folder: folder.to_owned(), side }
    }
}
