//! The rows of a file with their predictions, cell by cell.

use std::io;

use crate::data::Table;
use crate::evaluation::ClassAnswer;
use crate::progress::Watch;

/// Name of the column with the predicted label.
const PREDICTED: &str = "predicted";
/// Name of the column with the label that an undecided row comes closest to.
const BEST_GUESS: &str = "best_guess";
/// Label of a row below the confidence threshold.
const UNDECIDED: &str = "undecided";
/// Rows between two looks at the stop switch.
const LOOK_EVERY: usize = 4_096;

/// A table and the predictions for its rows.
#[derive(Clone, Copy, Debug)]
pub struct LabelledTable<'a> {
    /// The file's columns.
    pub table: &'a Table,
    /// Label names in class-id order.
    pub labels: &'a [String],
    /// The prediction for each row; `None` for a row without a text.
    pub answers: &'a [Option<ClassAnswer>],
    /// Least confidence with which a row gets its label; below it, the row is undecided.
    pub threshold: Option<f32>,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Number of cells that were cut, because the format has no longer ones.
    pub cut_cells: u64,
}

/// A cell that the predictions add to a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Added<'a> {
    Empty,
    Text(&'a str),
    Probability(f32),
}

impl LabelledTable<'_> {
    /// Names of all columns: the file's, then those of the predictions.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = self.table.names.clone();
        let probabilities = self.labels.iter().map(|label| format!("probability_{label}"));
        let guess = self.threshold.map(|_| BEST_GUESS.to_owned());
        for name in std::iter::once(PREDICTED.to_owned()).chain(guess).chain(probabilities) {
            let free = free_name(&names, name);
            names.push(free);
        }
        names
    }

    /// The label of undecided rows; none of the model's labels has this name.
    pub(super) fn undecided(&self) -> String {
        free_name(self.labels, UNDECIDED.to_owned())
    }

    /// The cells that the predictions add to a row, in the order of [`Self::names`].
    pub(super) fn added<'s>(&'s self, row: usize, undecided: &'s str) -> Vec<Added<'s>> {
        let columns = self.labels.len() + 1 + usize::from(self.threshold.is_some());
        let Some(answer) = &self.answers[row] else { return vec![Added::Empty; columns] };
        let best = Added::Text(&self.labels[answer.predicted as usize]);
        let decided = answer.is_decided(self.threshold);
        let mut cells = vec![if decided { best } else { Added::Text(undecided) }];
        cells.extend(self.threshold.map(|_| best));
        cells.extend(answer.probabilities.iter().map(|&probability| Added::Probability(probability)));
        cells
    }

    /// Reports progress and looks at the stop switch, every so many rows.
    pub(super) fn look(row: usize, rows: usize, watch: &mut Watch<'_>) -> io::Result<()> {
        if row.is_multiple_of(LOOK_EVERY) {
            let stage = "Writing the file";
            let progress = if row == 0 { watch.begin(stage) } else { watch.advance(stage, row, rows, "rows") };
            progress.map_err(|_| io::Error::other("stopped"))?;
        }
        Ok(())
    }
}

/// The name, with a number if there is such a name already (in a file with earlier predictions).
fn free_name(names: &[String], name: String) -> String {
    if !names.contains(&name) {
        return name;
    }
    // One more number than there are names, so one is free.
    let mut numbered = (2..names.len() + 3).map(|number| format!("{name}_{number}"));
    numbered.find(|free| !names.contains(free)).unwrap_or(name)
}
