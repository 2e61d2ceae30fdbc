//! What the cells of a confusion matrix show, and what they mean in words.

use crate::evaluation::ConfusionMatrix;
use crate::words::{count, counted, percent};

/// What the cells show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatrixView {
    /// Number of rows.
    #[default]
    Counts,
    /// Share of the true label's rows.
    Rates,
    /// Number of misclassified rows; the diagonal stays blank, so that mistakes stand out.
    Errors,
}

impl MatrixView {
    /// All views, with button text and explanation.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Counts, "Counts", "Number of rows with this true label and this predicted label"),
        (Self::Rates, "Rates by row", "Share of the rows with this true label. Each row adds up to 100%"),
        (Self::Errors, "Errors only", "Only wrong predictions, so that they stand out"),
    ];
}

/// A cell: (true class id, predicted class id).
pub type Cell = (usize, usize);

/// The number of rows whose true label is `class`.
#[must_use]
pub fn row_total(matrix: &ConfusionMatrix, class: usize) -> u64 {
    matrix.counts.get(class).map_or(0, |row| row.iter().sum())
}

/// The number of rows predicted as `class`.
#[must_use]
pub fn column_total(matrix: &ConfusionMatrix, class: usize) -> u64 {
    matrix.counts.iter().filter_map(|row| row.get(class)).sum()
}

/// The number of rows of a cell.
#[must_use]
pub fn cell_count(matrix: &ConfusionMatrix, (row, column): Cell) -> u64 {
    matrix.counts.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0)
}

/// What a cell stands for in a view.
#[must_use]
pub fn cell_value(matrix: &ConfusionMatrix, view: MatrixView, cell: Cell) -> f64 {
    let count = cell_count(matrix, cell) as f64;
    match view {
        MatrixView::Rates => count / (row_total(matrix, cell.0) as f64).max(1.0),
        MatrixView::Errors if cell.0 == cell.1 => 0.0,
        MatrixView::Counts | MatrixView::Errors => count,
    }
}

/// The largest value of all cells.
#[must_use]
pub fn largest_value(matrix: &ConfusionMatrix, view: MatrixView) -> f64 {
    if view == MatrixView::Rates {
        return 1.0;
    }
    let classes = matrix.labels.len();
    let cells = (0..classes).flat_map(|row| (0..classes).map(move |column| (row, column)));
    cells.map(|cell| cell_value(matrix, view, cell)).fold(0.0, f64::max)
}

/// What is written in a cell.
#[must_use]
pub fn cell_text(matrix: &ConfusionMatrix, view: MatrixView, cell: Cell) -> String {
    match view {
        MatrixView::Rates if row_total(matrix, cell.0) == 0 => "–".to_owned(),
        MatrixView::Rates => percent(cell_value(matrix, view, cell)),
        MatrixView::Errors if cell.0 == cell.1 => String::new(),
        MatrixView::Counts | MatrixView::Errors => count(cell_count(matrix, cell)),
    }
}

/// Accessible name of a cell.
#[must_use]
pub fn cell_name(matrix: &ConfusionMatrix, cell: Cell) -> String {
    let rows = counted(cell_count(matrix, cell), "row", "rows");
    format!("True {}, predicted {}: {rows}", label(matrix, cell.0), label(matrix, cell.1))
}

/// The name of a class, or its number if the matrix has no such class.
fn label(matrix: &ConfusionMatrix, class: usize) -> String {
    matrix.labels.get(class).cloned().unwrap_or_else(|| count(class as u64 + 1))
}

/// A cell in words: "12 rows are negative but were predicted neutral (4% of negative)".
#[must_use]
pub fn explain(matrix: &ConfusionMatrix, cell: Cell) -> String {
    let (truth, predicted) = (label(matrix, cell.0), label(matrix, cell.1));
    let rows = cell_count(matrix, cell);
    let total = row_total(matrix, cell.0);
    if total == 0 {
        return format!("No row is {truth}");
    }
    let share = percent(rows as f64 / total as f64);
    let (is, was) = if rows == 1 { ("is", "was") } else { ("are", "were") };
    let rows = counted(rows, "row", "rows");
    if cell.0 == cell.1 {
        format!("{rows} {is} {truth} and {was} predicted {predicted}: correct ({share} of {truth})")
    } else {
        format!("{rows} {is} {truth} but {was} predicted {predicted} ({share} of {truth})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_explained_in_a_sentence() {
        let labels = ["negative", "neutral", "positive"].map(str::to_owned).to_vec();
        let counts = vec![vec![831, 60, 27], vec![75, 205, 30], vec![21, 24, 191]];
        let matrix = ConfusionMatrix { labels, counts };
        assert_eq!(explain(&matrix, (0, 1)), "60 rows are negative but were predicted neutral (7% of negative)");
        assert_eq!(
            explain(&matrix, (2, 2)),
            "191 rows are positive and were predicted positive: correct (81% of positive)"
        );
        let one =
            ConfusionMatrix { labels: matrix.labels.clone(), counts: vec![vec![0, 1, 0], vec![0; 3], vec![0; 3]] };
        assert_eq!(explain(&one, (0, 1)), "1 row is negative but was predicted neutral (100% of negative)");
        assert_eq!(explain(&one, (1, 1)), "No row is neutral");
        assert_eq!(explain(&one, (3, 1)), "No row is 4", "a cell that is not in the matrix");
    }
}
