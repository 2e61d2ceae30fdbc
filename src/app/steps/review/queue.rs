//! The queue of rows to review: filter, order and decisions.

use std::collections::{BTreeSet, HashSet};

use crate::app::context::StepContext;
use crate::data::{RowColumns, Side};
use crate::evaluation::Prediction;
use crate::project::{Edits, RowEdit, RowId};
use crate::words::count;
use crate::worker::RunResults;

/// Order of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The most confident mistakes, which are often wrong labels in the file.
    #[default]
    Surest,
    /// The least confident mistakes, which are often hard rows.
    LeastSure,
    /// File order.
    File,
}

impl Order {
    /// All orders.
    pub const ALL: [Self; 3] = [Self::Surest, Self::LeastSure, Self::File];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Surest => "Most confident first",
            Self::LeastSure => "Least confident first",
            Self::File => "File order",
        }
    }
}

/// Which misclassified rows are in the queue, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFilter {
    /// Hide rows that have been reviewed.
    pub unreviewed_only: bool,
    /// Only rows with this class id in the file.
    pub truth: Option<u32>,
    /// Only rows predicted as this class id.
    pub predicted: Option<u32>,
    /// Only rows of this set.
    pub side: Option<Side>,
    /// Only these rows, such as those that another run predicts correctly.
    pub only: Option<BTreeSet<RowId>>,
    /// Order.
    pub order: Order,
}

impl Default for QueueFilter {
    fn default() -> Self {
        Self { unreviewed_only: true, truth: None, predicted: None, side: None, only: None, order: Order::default() }
    }
}

/// The misclassified rows of a run's validation and test sets, and of its training set once that was checked.
#[derive(Debug, Default)]
pub struct Queue {
    /// Which rows, in which order.
    pub filter: QueueFilter,
    run: Option<String>,
    edits: Edits,
    wrong: Vec<Prediction>,
    places: Vec<usize>,
    reviewed: usize,
    corrections: usize,
    /// How many of these corrections are of training rows.
    taught: usize,
    /// Numbers of misclassified rows of the training, validation and test sets, which follow each other in `wrong`.
    sizes: [usize; 3],
    /// Whether the training rows were checked.
    has_training: bool,
}

impl Queue {
    /// Brings the queue up to date when the run or the corrections changed. `training` are the training rows that the model gets
    /// wrong, once they were checked.
    pub fn refresh(&mut self, results: &RunResults, training: Option<&[Prediction]>, edits: &Edits) {
        let is_new = self.run.as_ref() != Some(&results.summary.run);
        if is_new || self.has_training != training.is_some() {
            self.gather(results, training);
            // What was just found is shown, and only that.
            self.filter.side = (!is_new && self.sizes[0] > 0).then_some(Side::Train);
            self.filter.only = None;
            self.fill(edits);
        } else if self.edits != *edits {
            self.fill(edits);
        } else {
            return;
        }
        self.reviewed = self.wrong.iter().filter(|row| is_reviewed(edits, row.id)).count();
        let tests: HashSet<RowId> = results.validation.iter().chain(&results.test).map(|row| row.id).collect();
        let corrected = edits.corrected_since(&results.settings.project.edits);
        self.taught = corrected.iter().filter(|id| !tests.contains(id)).count();
        self.corrections = corrected.len();
    }

    fn gather(&mut self, results: &RunResults, training: Option<&[Prediction]>) {
        self.run = Some(results.summary.run.clone());
        self.has_training = training.is_some();
        self.wrong.clear();
        let sets = [training.unwrap_or_default(), &results.validation, &results.test];
        self.sizes = sets.map(|rows| {
            let before = self.wrong.len();
            self.wrong.extend(rows.iter().filter(|prediction| prediction.is_wrong()).cloned());
            self.wrong.len() - before
        });
    }

    /// Changes the filter.
    pub fn set_filter(&mut self, filter: QueueFilter, edits: &Edits) {
        self.filter = filter;
        self.fill(edits);
    }

    fn fill(&mut self, edits: &Edits) {
        self.edits = edits.clone();
        let filter = &self.filter;
        let wanted = |place: usize, row: &Prediction| {
            filter.side.is_none_or(|side| self.side(place) == side)
                && filter.only.as_ref().is_none_or(|only| only.contains(&row.id))
                && filter.truth.is_none_or(|class| row.label() == Some(class))
                && filter.predicted.is_none_or(|class| row.predicted() == Some(class))
                && !(filter.unreviewed_only && is_reviewed(edits, row.id))
        };
        let rows = self.wrong.iter().enumerate().filter(|&(place, row)| wanted(place, row));
        self.places = rows.map(|(place, _)| place).collect();
        let sure = |place: &usize| self.wrong[*place].confidence();
        match filter.order {
            Order::Surest => self.places.sort_by(|a, b| sure(b).total_cmp(&sure(a))),
            Order::LeastSure => self.places.sort_by(|a, b| sure(a).total_cmp(&sure(b))),
            Order::File => self.places.sort_by_key(|&place| self.wrong[place].id),
        }
    }

    /// The set of a misclassified row, given its index in [`Self::predictions`].
    fn side(&self, place: usize) -> Side {
        let [training, validation, _] = self.sizes;
        match place {
            place if place < training => Side::Train,
            place if place < training + validation => Side::Validation,
            _ => Side::Test,
        }
    }

    /// Where the misclassified rows come from, in words: "27 test + 18 validation". Evaluate counts one set alone.
    #[must_use]
    pub fn sources(&self) -> String {
        let rows = Side::ALL.into_iter().zip(self.sizes).rev().filter(|(_, rows)| *rows > 0);
        rows.map(|(side, rows)| format!("{} {}", count(rows), side.in_words())).collect::<Vec<_>>().join(" + ")
    }

    /// Whether all corrections since the run are of validation and test rows, from which the model learns nothing.
    #[must_use]
    pub fn teaches_nothing(&self) -> bool {
        self.corrections > 0 && self.taught == 0
    }

    /// All misclassified rows.
    #[must_use]
    pub fn predictions(&self) -> &[Prediction] {
        &self.wrong
    }

    /// Indices into [`Self::predictions`], in order.
    #[must_use]
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// Rows in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Number of misclassified rows, reviewed or not.
    #[must_use]
    pub fn all_len(&self) -> usize {
        self.wrong.len()
    }

    /// Number of misclassified rows that have been reviewed.
    #[must_use]
    pub fn reviewed(&self) -> usize {
        self.reviewed
    }

    /// Number of rows relabelled, excluded or included since the run.
    #[must_use]
    pub fn corrections(&self) -> usize {
        self.corrections
    }

    /// The row at a position of the queue.
    #[must_use]
    pub fn row(&self, place: usize) -> Option<&Prediction> {
        self.wrong.get(*self.places.get(place)?)
    }

    /// Position of a row in the queue.
    #[must_use]
    pub fn place_of(&self, id: RowId) -> Option<usize> {
        self.places.iter().position(|&place| self.wrong[place].id == id)
    }
}

fn is_reviewed(edits: &Edits, id: RowId) -> bool {
    edits.rows.get(&id).is_some_and(|edit| edit.kept || edit.excluded || edit.target.is_some())
}

/// A decision about a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It should have this label.
    Label(String),
    /// The label in the file is right.
    Keep,
    /// It should be excluded.
    Exclude,
}

impl Decision {
    /// The correction to store for a row; `None` if the row is not in the data.
    #[must_use]
    pub fn edit(&self, ctx: &StepContext<'_>, id: RowId) -> Option<RowEdit> {
        let table = &ctx.imported?.file(id.file)?.table;
        let row = table.records.binary_search(&id.record).ok()?;
        let columns = RowColumns::of(table, &ctx.project.dataset)?;
        let content_hash = columns.hash(row);
        let in_file = ctx.project.labels().resolve(columns.label(row).text().trim()).trim();
        let edit = match self {
            Self::Label(label) if label != in_file => RowEdit::relabelled(label),
            Self::Label(_) | Self::Keep => RowEdit { kept: true, ..RowEdit::default() },
            Self::Exclude => RowEdit { excluded: true, ..RowEdit::default() },
        };
        Some(RowEdit { content_hash, ..edit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::results;
    use crate::project::SourceFile;

    #[test]
    fn the_queue_holds_all_mistakes_most_confident_first() {
        let results = results();
        let mut queue = Queue::default();
        queue.refresh(&results, None, &Edits::default());
        let (validation, test) = (&results.summary.validation, results.measured());
        let [in_validation, in_test] = [validation, test].map(|metrics| {
            let confusion = &metrics.classification().unwrap().confusion;
            confusion.counts.iter().enumerate().map(|(class, row)| row[class]).sum::<u64>()
        });
        assert_eq!(queue.len() as u64, validation.rows() + test.rows() - in_validation - in_test);
        let sure: Vec<f32> = (0..queue.len()).map(|place| queue.row(place).unwrap().confidence()).collect();
        assert!(sure.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn the_queue_filters_by_label_and_hides_reviewed_rows() {
        let results = results();
        let mut queue = Queue::default();
        let mut edits = Edits::default();
        queue.refresh(&results, None, &edits);
        let first = queue.row(0).unwrap().id;
        edits.rows.insert(first, RowEdit { kept: true, ..RowEdit::default() });
        queue.refresh(&results, None, &edits);
        assert_eq!((queue.place_of(first), queue.reviewed(), queue.len() + 1), (None, 1, queue.all_len()));
        let filter = QueueFilter { unreviewed_only: false, truth: Some(1), ..QueueFilter::default() };
        queue.set_filter(filter, &edits);
        assert!((0..queue.len()).all(|place| queue.row(place).unwrap().label() == Some(1)));
    }

    #[test]
    fn only_corrections_made_since_the_run_are_counted() {
        let id = |record| RowId { file: SourceFile::Main, record };
        let label = |label: &str| RowEdit::relabelled(label);
        let run = Edits { rows: [(id(1), label("negative"))].into() };
        let kept = RowEdit { kept: true, ..RowEdit::default() };
        let mut now = run.clone();
        now.rows.insert(id(2), kept);
        assert_eq!(now.corrected_since(&run).len(), 0);
        now.rows.insert(id(3), label("positive"));
        now.rows.insert(id(1), label("neutral"));
        assert_eq!(now.corrected_since(&run).len(), 2);
        assert_eq!(Edits::default().corrected_since(&run).len(), 1);
    }

    #[test]
    fn checked_training_rows_are_shown_first_and_corrections_of_them_teach_the_model() {
        let results = results();
        let mut queue = Queue::default();
        let mut edits = Edits::default();
        queue.refresh(&results, None, &edits);
        let tested = queue.all_len();
        edits.rows.insert(queue.row(0).unwrap().id, RowEdit { excluded: true, ..RowEdit::default() });
        queue.refresh(&results, None, &edits);
        assert!(queue.teaches_nothing());

        let id = RowId { file: SourceFile::Main, record: 90_000 };
        let training = [Prediction { id, ..queue.row(0).unwrap().clone() }];
        queue.refresh(&results, Some(&training), &edits);
        assert_eq!((queue.len(), queue.row(0).unwrap().id, queue.all_len()), (1, id, tested + 1));
        assert!(queue.sources().ends_with(" + 1 training"), "{}", queue.sources());
        edits.rows.insert(id, RowEdit { excluded: true, ..RowEdit::default() });
        queue.refresh(&results, Some(&training), &edits);
        assert_eq!((queue.teaches_nothing(), queue.corrections()), (false, 2));
        let filter = QueueFilter { side: Some(Side::Test), ..queue.filter.clone() };
        queue.set_filter(filter, &edits);
        assert!(queue.len() > 0 && (0..queue.len()).all(|place| queue.row(place).unwrap().id != id));
    }
}
