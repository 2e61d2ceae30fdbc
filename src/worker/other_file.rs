//! Reads files other than the project's own, on which a trained model is used, as the project reads its own.

use std::path::Path;

use crate::data::{self, ImportedFile, Table, guessed_text};
use crate::project::{DatasetSettings, SourceFile};
use crate::words::shell_word;
use crate::worker::{Context, JobError, LogLevel};

/// How to read a file on which a model is used.
pub(super) struct OtherFile<'a> {
    /// The file, or a folder.
    pub path: &'a Path,
    /// The part of a folder with several.
    pub part: SourceFile,
    /// What a person said about reading it.
    pub asked: &'a DatasetSettings,
    /// How the project reads its own files.
    pub own: &'a DatasetSettings,
}

impl Context<'_> {
    /// Reads a file as a person asked for, and otherwise as the project reads its own, or as detected if that gives none
    /// of the columns that `fits` looks for.
    pub(super) fn read_other(
        &mut self,
        file: &OtherFile<'_>,
        fits: impl Fn(&Table) -> bool,
    ) -> Result<ImportedFile, JobError> {
        let (as_own, detected) = (file.own.to_read_another(file.asked), file.asked.to_read_another(file.asked));
        let read = self.read_as_own(file, &as_own);
        if as_own == detected || read.as_ref().is_ok_and(|read| fits(&read.table)) {
            return read;
        }
        let columns = read.as_ref().map_or(0, |read| read.table.names.len());
        match self.read_as(file, &detected) {
            Ok(other) if fits(&other.table) || other.table.names.len() > columns => {
                let name = other.name();
                self.log(LogLevel::Info, format!("{name} was not read as the project's own file, but as detected."));
                Ok(other)
            }
            Err(JobError::Cancelled) => Err(JobError::Cancelled),
            _ => read,
        }
    }

    fn read_as_own(&mut self, file: &OtherFile<'_>, as_own: &DatasetSettings) -> Result<ImportedFile, JobError> {
        if as_own.encoding.is_some() && file.asked.encoding.is_none() {
            // UTF-8 is hardly ever mistaken, and most programs of today write it, whatever the project's file is in.
            let read = self.read_as(file, &DatasetSettings { encoding: None, ..as_own.clone() });
            if !read.as_ref().is_ok_and(|read| read.format.encoding().is_some_and(|encoding| encoding != "UTF-8")) {
                return read;
            }
        }
        self.read_as(file, as_own)
    }

    fn read_as(&mut self, file: &OtherFile<'_>, settings: &DatasetSettings) -> Result<ImportedFile, JobError> {
        // Another workbook need not have the sheet of the project's file; one that a person asks for must be there.
        let which = if file.path.is_dir() || file.asked.sheet.is_none() { file.part } else { SourceFile::Main };
        Ok(self.watched(|watch| data::read_table(file.path, which, settings, watch))?)
    }
}

/// Index of a column that must be there; its name may differ in capitals and blanks.
pub(super) fn column(file: &ImportedFile, name: &str) -> Result<usize, JobError> {
    let table = &file.table;
    table.column_like(name).ok_or_else(|| {
        let columns = table.names.join(", ");
        let separator = if table.names.len() == 1 && file.format.delimited().is_some() {
            " If it has several, name their separator (--delimiter)."
        } else {
            ""
        };
        JobError::Failed(format!("{} has no column '{name}'. Its columns: {columns}.{separator}", file.path.display()))
    })
}

/// Index of the text column; the error names the column that looks like it.
pub(super) fn text_column(file: &ImportedFile, name: &str) -> Result<usize, JobError> {
    let guess = guessed_text(&file.table).filter(|_| file.table.names.len() > 1);
    column(file, name).map_err(|error| match (error, guess) {
        (JobError::Failed(message), Some(text)) => {
            JobError::Failed(format!("{message} If '{text}' is the text, add --text {}.", shell_word(&text)))
        }
        (error, _) => error,
    })
}
