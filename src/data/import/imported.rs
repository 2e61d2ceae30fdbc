//! The files of a project as they were read: a main table, and one each for validation and test if there are such
//! files.

use std::path::{Path, PathBuf};

use crate::data::import::header::FOUND;
use crate::data::table::columns::is_label_name;
use crate::data::{BadRow, Example, FileFormat, GuessedRoles, Table};
use crate::project::{ColumnRole, DatasetSettings, Project, RowId, SourceFile, SplitMethod, SplitSettings, TaskKind};

/// One of the files that a table was read from.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The path as given.
    pub path: PathBuf,
    /// File name; if several files have the same name, with as many of its folders as are needed to distinguish them.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// How it was read.
    pub format: FileFormat,
    /// Its columns, in file order.
    pub names: Vec<String>,
    /// Number of records in the files before it.
    pub before: u64,
    /// Good rows.
    pub rows: usize,
    /// Bad rows.
    pub bad_rows: usize,
    /// What a person should know about how it was read, such as lines that are no rows: sentences without full stop.
    pub remarks: Vec<String>,
    /// Columns of formulas whose values were never calculated, so that they are empty.
    pub uncalculated: Vec<String>,
}

impl FilePart {
    /// Whether the header was found below other rows, where the guess may be wrong.
    #[must_use]
    pub fn has_found_header(&self) -> bool {
        self.remarks.iter().any(|remark| remark.starts_with(FOUND))
    }

    /// Whether it has a column of that name.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.names.iter().any(|name| name == column)
    }
}

/// One file as it was read, or several appended to one another.
#[derive(Clone, Debug)]
pub struct ImportedFile {
    /// Path of the first file, as given.
    pub path: PathBuf,
    /// Size of all files in bytes.
    pub bytes: u64,
    /// The good rows.
    pub table: Table,
    /// All bad rows.
    pub bad_rows: Vec<BadRow>,
    /// How the first file was read.
    pub format: FileFormat,
    /// The files, in order; at least one.
    pub parts: Vec<FilePart>,
    /// The other parts of a split that its folder has files for; they were not read.
    pub other_parts: Vec<SourceFile>,
}

impl ImportedFile {
    /// The file that a record is in, and its 1-based number there.
    #[must_use]
    pub fn place(&self, record: u64) -> (&Path, u64) {
        self.part_of(record).map_or((&self.path, record), |part| (&part.path, record - part.before))
    }

    fn part_of(&self, record: u64) -> Option<&FilePart> {
        self.parts.iter().rev().find(|part| part.before < record)
    }

    /// Whether there are several files.
    #[must_use]
    pub fn is_several(&self) -> bool {
        self.parts.len() > 1
    }

    /// Number of columns that are in the files. With several files the table has one more, the last: the name of each
    /// row's file.
    #[must_use]
    pub fn own_columns(&self) -> usize {
        self.table.names.len() - usize::from(self.is_several())
    }

    /// The file's name; with several files, the name of the first and how many more there are.
    #[must_use]
    pub fn name(&self) -> String {
        let first = file_name(&self.path);
        match self.parts.len() {
            0 | 1 => first,
            files => format!("{first} and {} more", files - 1),
        }
    }

    /// How messages name a record: `row 12`, or `row 3 of march.csv` if there are several files.
    #[must_use]
    pub fn row_name(&self, record: u64) -> String {
        match self.part_of(record).filter(|_| self.is_several()) {
            Some(part) => format!("row {} of {}", record - part.before, part.name),
            None => format!("row {record}"),
        }
    }

    /// Bad rows of one of its files.
    pub fn bad_rows_of(&self, part: usize) -> impl Iterator<Item = &BadRow> {
        let after = self.parts.get(part).map_or(0, |part| part.before);
        let until = self.parts.get(part + 1).map_or(u64::MAX, |next| next.before);
        self.bad_rows.iter().filter(move |bad| bad.record > after && bad.record <= until)
    }

    /// Files that share no column with the first one.
    pub fn strangers(&self) -> impl Iterator<Item = &FilePart> {
        let first = self.parts.first();
        let shares = move |part: &&FilePart| first.is_none_or(|first| first.names.iter().any(|name| part.has(name)));
        self.parts.iter().skip(1).filter(move |part| !shares(part))
    }
}

pub(in crate::data) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// All files of a project as they were read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The main file, with those appended to it.
    pub main: ImportedFile,
    /// The separate validation file, if the project names one.
    pub validation: Option<ImportedFile>,
    /// The separate test file, if the project names one.
    pub test: Option<ImportedFile>,
    /// Guessed text column of the main file, if one is likely.
    pub guessed_text: Option<String>,
    /// Guessed label column of the main file, if one is likely.
    pub guessed_label: Option<String>,
    /// What the other columns of the main file seem to be for.
    pub guessed: GuessedRoles,
}

impl Imported {
    /// The main, validation or test file, if the project has it.
    #[must_use]
    pub fn file(&self, file: SourceFile) -> Option<&ImportedFile> {
        match file {
            SourceFile::Main => Some(&self.main),
            SourceFile::Validation => self.validation.as_ref(),
            SourceFile::Test => self.test.as_ref(),
        }
    }

    /// All files: main, validation, test.
    pub fn files(&self) -> impl Iterator<Item = &ImportedFile> {
        std::iter::once(&self.main).chain(&self.validation).chain(&self.test)
    }

    /// How messages name a row: `row 12` of the main file, `row 3 of march.csv` if there are several, `row 2 of
    /// test.csv` in a validation or test file.
    #[must_use]
    pub fn row_name(&self, id: RowId) -> String {
        let Some(file) = self.file(id.file) else { return format!("row {}", id.record) };
        if id.file == SourceFile::Main || file.is_several() {
            return file.row_name(id.record);
        }
        format!("{} of {}", file.row_name(id.record), file.name())
    }

    /// The row's value in the id column, if there is one.
    #[must_use]
    pub fn key<'a>(&'a self, settings: &DatasetSettings, id: RowId) -> Option<&'a str> {
        let table = &self.file(id.file)?.table;
        let column = table.column_index(settings.id_column()?)?;
        let row = table.records.binary_search(&id.record).ok()?;
        Some(table.cell(column, row).trim()).filter(|key| !key.is_empty())
    }

    /// Label columns by their name that are empty because their formulas were never calculated.
    pub fn uncalculated_labels(&self) -> impl Iterator<Item = &str> {
        let columns = self.main.parts.iter().flat_map(|part| &part.uncalculated);
        columns.map(String::as_str).filter(|column| is_label_name(column))
    }

    /// Whether the folder of the main file has parts for validation or test that the project does not use.
    #[must_use]
    pub fn leaves_parts(&self, settings: &DatasetSettings) -> bool {
        !self.main.other_parts.is_empty() && settings.validation.is_none() && settings.test.is_none()
    }

    /// Splits by the guessed split column, if the project has it and no other way to split was chosen, and if the column
    /// has training and validation rows.
    pub fn split_by_guess(&self, project: &mut Project) {
        let is_default = project.split.method == SplitMethod::Random && project.split == SplitSettings::default();
        let (dataset, guess) = (&project.dataset, self.guessed.split.as_deref());
        let has_own_files = dataset.validation.is_some() || dataset.test.is_some();
        if is_default
            && !has_own_files
            && self.guessed.split_is_usable
            && guess.is_some()
            && dataset.split_column() == guess
        {
            project.split.method = SplitMethod::Column;
        }
    }

    /// Fills in the guessed columns that are not chosen yet: the text and the label, and the others only if the text
    /// was not chosen either, as in data just opened. A project keeps the columns it was saved with.
    pub fn fill_in(&self, task: TaskKind, settings: &mut DatasetSettings) {
        let is_new = settings.text_column().is_none();
        if let Some(text) = self.guessed_text.as_ref().filter(|text| is_new && settings.role_of(text).is_none()) {
            settings.set_role(text, Some(ColumnRole::Text));
        }
        let has_label = settings.label_columns().next().is_some() || task.role(ColumnRole::Label).is_none();
        if let Some(label) = self.guessed_label.as_ref().filter(|label| !has_label && settings.role_of(label).is_none())
        {
            settings.set_role(label, Some(ColumnRole::Label));
        }
        if is_new {
            self.guessed.fill_in(settings);
        }
    }

    /// The settings with every guess filled in, for columns without a role and roles without a column.
    #[must_use]
    pub fn with_guesses(&self, task: TaskKind, settings: &DatasetSettings) -> DatasetSettings {
        let mut settings = settings.clone();
        self.fill_in(task, &mut settings);
        self.guessed.fill_in(&mut settings);
        settings
    }
}

/// The cells of a column for some rows; empty if the row's file has no such column.
pub(crate) fn cells_of<'a>(imported: &'a Imported, examples: &[Example], column: &str) -> Vec<&'a str> {
    let places = SourceFile::ALL.map(|which| {
        let table = &imported.file(which)?.table;
        Some((table, table.column_index(column)?))
    });
    let cell = |example: &Example| {
        let (table, column) = places[example.id.file as usize]?;
        Some(table.cell(column, example.row))
    };
    examples.iter().map(|example| cell(example).unwrap_or_default()).collect()
}
