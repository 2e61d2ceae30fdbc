//! The text and the label of a row, from the columns chosen for them.

use std::borrow::Cow;

use crate::data::table::label_list::listed_labels;
use crate::data::{Table, content_hash};
use crate::project::DatasetSettings;

/// Where the text, the label and the id of a table's rows are, looked up once for all rows.
#[derive(Clone, Debug)]
pub struct RowColumns<'a> {
    table: &'a Table,
    /// Columns that are read, in order; the text column is the last.
    read: Vec<usize>,
    label: LabelPlace,
    id: Option<usize>,
}

#[derive(Clone, Debug)]
enum LabelPlace {
    /// A column with the labels.
    Column(usize),
    /// A column for each label.
    OneOf(Vec<usize>),
}

/// A row's label as it is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawLabel<'a> {
    /// This label; empty if the field is.
    Is(&'a str),
    /// None of the label columns is 1.
    None,
    /// Several of the label columns are 1, or one is neither 0 nor 1, or a cell lists several labels.
    Several,
}

impl<'a> RawLabel<'a> {
    /// The label in a cell. A list of one label is that label.
    #[must_use]
    pub fn of(cell: &'a str) -> Self {
        match listed_labels(cell).as_deref() {
            None => Self::Is(cell),
            Some([]) => Self::Is(""),
            Some([label]) => Self::Is(label),
            Some(_) => Self::Several,
        }
    }

    /// The label; empty if there is none, or not exactly one.
    #[must_use]
    pub fn text(self) -> &'a str {
        match self {
            Self::Is(label) => label,
            Self::None | Self::Several => "",
        }
    }
}

impl<'a> RowColumns<'a> {
    /// Looks the columns up; `None` if one of them is missing, or no text column is chosen. Without label columns no
    /// row has a label.
    #[must_use]
    pub fn of(table: &'a Table, settings: &DatasetSettings) -> Option<Self> {
        let found = Self::look_up(table, settings)?;
        (!found.read.is_empty()).then_some(found)
    }

    /// As [`Self::of`], but without a text column texts are empty.
    #[must_use]
    pub fn of_labels(table: &'a Table, settings: &DatasetSettings) -> Option<Self> {
        Self::look_up(table, settings).filter(|_| settings.label_columns().next().is_some())
    }

    fn look_up(table: &'a Table, settings: &DatasetSettings) -> Option<Self> {
        let places = |columns: &mut dyn Iterator<Item = &str>| -> Option<Vec<usize>> {
            columns.map(|column| table.column_index(column)).collect()
        };
        let read = places(&mut settings.read_columns())?;
        let labels = places(&mut settings.label_columns())?;
        let label = match labels.as_slice() {
            [column] if !settings.has_column_per_label() => LabelPlace::Column(*column),
            _ => LabelPlace::OneOf(labels),
        };
        let id = settings.id_column().and_then(|column| table.column_index(column));
        Some(Self { table, read, label, id })
    }

    /// As [`Self::of`], but with whatever columns exist: without them, texts and labels are empty.
    pub(in crate::data) fn of_any(table: &'a Table, settings: &DatasetSettings) -> Self {
        let read = settings.read_columns().filter_map(|column| table.column_index(column)).collect();
        let labels: Vec<usize> = settings.label_columns().filter_map(|column| table.column_index(column)).collect();
        let label = match labels.as_slice() {
            [column] if !settings.has_column_per_label() => LabelPlace::Column(*column),
            _ => LabelPlace::OneOf(labels),
        };
        Self { table, read, label, id: None }
    }

    /// The row's text: the prepended columns, each on its own line, then the text column.
    #[must_use]
    pub fn text(&self, row: usize) -> Cow<'a, str> {
        join_texts(self.read.iter().map(|&column| self.table.cell(column, row)))
    }

    /// The row's label.
    #[must_use]
    pub fn label(&self, row: usize) -> RawLabel<'a> {
        let columns = match &self.label {
            LabelPlace::Column(column) => return RawLabel::of(self.table.cell(*column, row)),
            LabelPlace::OneOf(columns) => columns,
        };
        let mut found = RawLabel::None;
        for &column in columns {
            match is_marked(self.table.cell(column, row)) {
                Some(false) => {}
                Some(true) if found == RawLabel::None => found = RawLabel::Is(&self.table.names[column]),
                _ => return RawLabel::Several,
            }
        }
        found
    }

    /// The row's id, if there is an id column and its cell is not empty.
    #[must_use]
    pub fn id(&self, row: usize) -> Option<&'a str> {
        self.id.map(|column| self.table.cell(column, row).trim()).filter(|id| !id.is_empty())
    }

    /// Hash of the row's text and label, see [`content_hash`].
    #[must_use]
    pub fn hash(&self, row: usize) -> String {
        content_hash(&self.text(row), self.label(row).text())
    }
}

/// Joins texts with line breaks, leaving empty ones out before the last. Copies only if there are several.
#[must_use]
pub fn join_texts<'a>(mut texts: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    let mut joined = String::new();
    let mut last = texts.next().unwrap_or_default();
    for next in texts {
        if !last.trim().is_empty() {
            joined.push_str(last);
            joined.push('\n');
        }
        last = next;
    }
    if joined.is_empty() { Cow::Borrowed(last) } else { Cow::Owned(joined + last) }
}

/// Whether the field of a label's column says that the row has the label; `None` if it is neither 0 nor 1.
#[must_use]
pub(in crate::data) fn is_marked(field: &str) -> Option<bool> {
    let field = field.trim();
    let is_one_of = |words: &[&str]| words.iter().any(|word| field.eq_ignore_ascii_case(word));
    if is_one_of(&["1", "1.0", "true", "yes", "x"]) {
        Some(true)
    } else {
        is_one_of(&["", "0", "0.0", "false", "no"]).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::ColumnRole;

    #[test]
    fn titles_come_before_texts_and_empty_ones_leave_no_line() {
        let table = Table::of_cells(&[
            ("title", &["A", " ", "C"]),
            ("kind", &["x", "y", ""]),
            ("body", &["one", "two", ""]),
            ("label", &["g", "b", "g"]),
        ]);
        let mut settings = DatasetSettings::default().with_columns(&[
            ("body", ColumnRole::Text),
            ("label", ColumnRole::Label),
            ("title", ColumnRole::Joined),
            ("kind", ColumnRole::Joined),
        ]);
        let rows = RowColumns::of(&table, &settings).unwrap();
        assert_eq!([0, 1, 2].map(|row| rows.text(row)), ["A\nx\none", "y\ntwo", "C\n"]);
        assert_eq!(rows.hash(0), content_hash("A\nx\none", "g"));
        settings.set_columns_of(ColumnRole::Joined, &[]);
        let rows = RowColumns::of(&table, &settings).unwrap();
        assert!(matches!(rows.text(1), Cow::Borrowed("two")), "nothing is copied for one column");
        settings.set_role("subject", Some(ColumnRole::Joined));
        assert!(RowColumns::of(&table, &settings).is_none());
    }

    #[test]
    fn a_list_of_one_label_is_that_label() {
        let cells = ["good", "['good']", "[\"bad\", \"good\"]", "[]", "[UNK]"];
        let expected =
            [RawLabel::Is("good"), RawLabel::Is("good"), RawLabel::Several, RawLabel::Is(""), RawLabel::Is("[UNK]")];
        assert_eq!(cells.map(RawLabel::of), expected);
    }

    #[test]
    fn the_column_that_holds_1_names_the_label() {
        let table = Table::of_cells(&[
            ("text", &["a", "b", "c", "d", "e"]),
            ("good", &["1", "0", "TRUE", "", "2"]),
            ("bad", &["0", "x", "yes", "no", "0"]),
        ]);
        let settings = DatasetSettings::default().with_columns(&[
            ("text", ColumnRole::Text),
            ("good", ColumnRole::Label),
            ("bad", ColumnRole::Label),
        ]);
        let rows = RowColumns::of(&table, &settings).unwrap();
        let labels = [0, 1, 2, 3, 4].map(|row| rows.label(row));
        let (several, none) = (RawLabel::Several, RawLabel::None);
        assert_eq!(labels, [RawLabel::Is("good"), RawLabel::Is("bad"), several, none, several]);
        assert_eq!((rows.label(2).text(), rows.id(0)), ("", None));
    }
}
