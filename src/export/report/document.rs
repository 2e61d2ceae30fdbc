//! What a report says, as plain data: sections of sentences, tables and pictures. How it is written is another matter.

use crate::chart::Drawing;
use crate::words::count;

/// A report.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    pub title: String,
    /// Below the title: which run, when, with what.
    pub subtitle: String,
    pub sections: Vec<Section>,
    /// The last line.
    pub footer: String,
}

/// A part of a report with its own title.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    pub title: String,
    pub blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block {
    /// Sentences.
    Paragraph(String),
    /// Sentences that explain what follows, less important than the rest.
    Hint(String),
    /// What a reader must not miss.
    Callout {
        tone: Tone,
        title: String,
        text: String,
    },
    /// Large numbers beside each other.
    Figures(Vec<Figure>),
    /// Names with their values.
    Facts(Vec<(String, String)>),
    /// A title within a section.
    Heading(String),
    Table(Table),
    Matrix(Matrix),
    /// Pictures beside each other where there is room.
    Pictures(Vec<Picture>),
    List(Vec<String>),
    /// Lines for a terminal.
    Code(String),
}

/// How good something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Unclear,
    Bad,
}

/// A large number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    pub value: String,
    pub name: String,
    /// What belongs to it, such as its interval.
    pub note: String,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub title: String,
    pub kind: Kind,
}

/// What is in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Names and sentences.
    Text,
    /// Explanations, less important than the rest.
    Remark,
    /// Numbers, at the right.
    Number,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cell {
    pub text: String,
    /// What belongs to it, such as an interval; often empty.
    pub note: String,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), note: String::new() }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub head: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns: those whose title begins with `>` hold numbers, those with `~` remarks.
    pub fn new(titles: &[&str], rows: Vec<Vec<Cell>>) -> Self {
        let column = |title: &&str| {
            let (kind, title) = match (title.strip_prefix('>'), title.strip_prefix('~')) {
                (Some(title), _) => (Kind::Number, title),
                (None, Some(title)) => (Kind::Remark, title),
                (None, None) => (Kind::Text, *title),
            };
            Column { title: title.to_owned(), kind }
        };
        Self { head: titles.iter().map(column).collect(), rows }
    }
}

/// A table of true against predicted labels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix {
    pub labels: Vec<String>,
    /// Rows of each true label, by predicted label.
    pub counts: Vec<Vec<u64>>,
}

impl Matrix {
    /// The part of a true label's rows that has a predicted label, as one of `levels` levels from 0.
    pub fn level(&self, truth: usize, predicted: usize, levels: usize) -> usize {
        let rows: u64 = self.counts[truth].iter().sum();
        let share = self.counts[truth][predicted] as f64 / rows.max(1) as f64;
        // A single mistake is seen, and only all rows have the darkest level.
        if share == 0.0 { 0 } else { ((share * (levels - 1) as f64).floor() as usize).clamp(1, levels - 1) }
    }

    /// As a plain table.
    pub fn table(&self) -> Table {
        let titles: Vec<String> = std::iter::once("True label \\ predicted".to_owned())
            .chain(self.labels.iter().map(|label| format!(">{label}")))
            .collect();
        let row = |(label, counts): (&String, &Vec<u64>)| {
            let numbers = counts.iter().map(|rows| Cell::from(count(*rows)));
            std::iter::once(Cell::from(label.clone())).chain(numbers).collect()
        };
        Table::new(
            &titles.iter().map(String::as_str).collect::<Vec<_>>(),
            self.labels.iter().zip(&self.counts).map(row).collect(),
        )
    }
}

/// A picture, and the same as a table, for where there are no pictures.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub drawing: Drawing,
    /// What to see in it.
    pub caption: String,
    /// `None` if another table beside it says the same.
    pub table: Option<Table>,
}

impl Block {
    pub fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph(text.into())
    }

    pub fn hint(text: impl Into<String>) -> Self {
        Self::Hint(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_the_matrix_is_as_dark_as_its_part_of_the_row() {
        let labels = ["a", "b", "c"].map(str::to_owned).to_vec();
        let matrix = Matrix { labels, counts: vec![vec![1_000, 1, 0], vec![0, 0, 0], vec![0, 0, 9]] };
        let levels: Vec<usize> = (0..3).map(|predicted| matrix.level(0, predicted, 7)).collect();
        assert_eq!(levels, [5, 1, 0]);
        assert_eq!((matrix.level(1, 1, 7), matrix.level(2, 2, 7)), (0, 6), "no rows, all rows");
        assert_eq!(matrix.table().rows[0][1], Cell::from("1,000"));
    }
}
