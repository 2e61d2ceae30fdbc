//! Numbers every row of a project: first the used rows, then the dropped ones.

use std::borrow::Cow;

use crate::data::{DropReason, Example, Imported, Prepared, RowColumns, Table};
use crate::project::{LabelSettings, Project, RowId, SourceFile};

/// Number of a row: an index into `Prepared::examples`, or after these into `Prepared::dropped`.
pub type RowNumber = u32;

/// The rows of a project as read and as prepared, in one view.
#[derive(Clone)]
pub struct RowView<'a> {
    /// The files as read.
    pub imported: &'a Imported,
    /// The prepared rows.
    pub prepared: &'a Prepared,
    /// Words of each example; see [`crate::data::word_counts`].
    pub words: &'a [u32],
    labels: &'a LabelSettings,
    /// Text and label of the main, validation and test file.
    columns: [Option<RowColumns<'a>>; 3],
}

impl<'a> RowView<'a> {
    /// A view of rows prepared with the settings of `project`.
    #[must_use]
    pub fn new(imported: &'a Imported, prepared: &'a Prepared, words: &'a [u32], project: &'a Project) -> Self {
        let columns = SourceFile::ALL.map(|file| RowColumns::of(&imported.file(file)?.table, &project.dataset));
        Self { imported, prepared, words, labels: project.labels(), columns }
    }

    /// Number of rows, used and dropped.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prepared.examples.len() + self.prepared.dropped.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row's example, if it is used.
    #[must_use]
    pub fn example(&self, place: RowNumber) -> Option<&'a Example> {
        self.prepared.examples.get(place as usize)
    }

    /// Why the row is dropped, if it is.
    #[must_use]
    pub fn reason(&self, place: RowNumber) -> Option<DropReason> {
        self.left_out(place).map(|(_, reason)| reason)
    }

    fn left_out(&self, place: RowNumber) -> Option<(RowId, DropReason)> {
        let index = (place as usize).checked_sub(self.prepared.examples.len())?;
        self.prepared.dropped.get(index).copied()
    }

    /// Where the row comes from; `None` when there is no such row.
    #[must_use]
    pub fn id(&self, place: RowNumber) -> Option<RowId> {
        self.example(place).map(|example| example.id).or_else(|| Some(self.left_out(place)?.0))
    }

    /// The row's file and its index there.
    #[must_use]
    pub fn at(&self, place: RowNumber) -> Option<(&'a Table, usize)> {
        if let Some(example) = self.example(place) {
            return Some((&self.imported.file(example.id.file)?.table, example.row));
        }
        let (id, _) = self.left_out(place)?;
        let table = &self.imported.file(id.file)?.table;
        // Without bad rows before it, a record is at its own number.
        let guess = usize::try_from(id.record).ok()?.checked_sub(1)?;
        if table.records.get(guess) == Some(&id.record) {
            return Some((table, guess));
        }
        Some((table, table.records.binary_search(&id.record).ok()?))
    }

    /// The value of a column, given by its index in each file; `None` where the row's file has no such column.
    pub(in crate::data) fn cell(&self, place: RowNumber, columns: &[Option<usize>; 3]) -> Option<&'a str> {
        let (table, row) = self.at(place)?;
        Some(table.cell(columns[table.file as usize]?, row))
    }

    /// Text and label as they are in the file.
    #[must_use]
    pub fn raw(&self, place: RowNumber) -> Option<(Cow<'a, str>, &'a str)> {
        let (table, row) = self.at(place)?;
        let columns = self.columns[table.file as usize].as_ref()?;
        Some((columns.text(row), columns.label(row).text()))
    }

    /// The label as it is in the file, without reading the text; empty if there is none.
    #[must_use]
    pub fn raw_label(&self, place: RowNumber) -> &'a str {
        let label =
            |(table, row): (&'a Table, usize)| Some(self.columns[table.file as usize].as_ref()?.label(row).text());
        self.at(place).and_then(label).unwrap_or_default()
    }

    /// The text: cleaned if the row is used, otherwise as it is in the file.
    #[must_use]
    pub fn text(&self, place: RowNumber) -> Cow<'a, str> {
        match self.example(place) {
            Some(example) => Cow::Borrowed(&example.text),
            None => self.raw(place).map(|(text, _)| text).unwrap_or_default(),
        }
    }

    /// The label: the final one if the row is used, otherwise the file's after renames and merges.
    #[must_use]
    pub fn label(&self, place: RowNumber) -> &'a str {
        match self.example(place) {
            Some(example) => self.prepared.label_of(example),
            None => self.labels.resolve(self.raw_label(place).trim()),
        }
    }

    /// Number of words in the text.
    #[must_use]
    pub fn words(&self, place: RowNumber) -> u32 {
        match self.words.get(place as usize) {
            Some(&words) => words,
            None => self.text(place).split_whitespace().count() as u32,
        }
    }

    /// The row with this id, if there is one.
    #[must_use]
    pub fn place(&self, id: RowId) -> Option<RowNumber> {
        let key = |id: RowId| (id.file, id.record);
        let Prepared { examples, dropped, .. } = self.prepared;
        let used = examples.binary_search_by_key(&key(id), |example| key(example.id)).ok();
        let left_out = || Some(examples.len() + dropped.binary_search_by_key(&key(id), |row| key(row.0)).ok()?);
        used.or_else(left_out).map(|place| place as RowNumber)
    }
}
