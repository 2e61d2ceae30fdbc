//! Finds columns that predict the label without the text.

use foldhash::HashMap;
use rayon::prelude::*;

use crate::data::insight::leakage::ratings::rating;
use crate::data::insight::leakage::split_rows::SplitRows;
use crate::data::{Example, Finding, FindingKind, Remedy, Severity, cells_of};
use crate::project::{ColumnRole, SourceFile};
use crate::random::Rng;
use crate::words::{cell_value, count, counted, listed, percent_fine, plural};

/// With fewer rows than this, nothing can be said about a column.
const FEWEST_ROWS: usize = 20;
/// A column gives the labels away if it leaves at most this share of the errors that always predicting the most
/// frequent label makes.
const ERRORS_LEFT: f64 = 0.2;
/// The same limit for one label against all others. It is stricter because many labels are tried.
const ERRORS_LEFT_OF_ONE: f64 = 0.1;
/// Labels rarer than this share of the rows are ignored.
const RARE: f64 = 0.02;

/// A column must have at least this many rows for each of its values.
const ROWS_OF_VALUE: usize = 5;
/// The largest number of values times labels that is counted.
const MOST_COUNTS: usize = 2_000_000;

/// Meaning of the finding if the model reads the column.
const READ: &str = "The model reads this column before the text, so it is given the answer, and the metrics say nothing about \
                    texts whose label is not known yet";
/// Meaning of the finding if the model does not read the column.
const UNREAD: &str = "The model does not read this column, so the metrics are right. But such a column is usually filled in once \
                      the label is known, so never prepend it to the text";

/// Finds the column that predicts the label best, if any does. What one half of the rows says about the column's values
/// is tested on the other half, and vice versa. So a value that occurs once says nothing, and row numbers never count.
pub(super) fn find(rows: SplitRows<'_>, column: &str) -> Option<Finding> {
    let examples = &rows.prepared.examples;
    let main = examples.iter().take_while(|example| example.id.file == SourceFile::Main).count();
    let classes = rows.prepared.labels.len();
    if main < FEWEST_ROWS || classes < 2 {
        return None;
    }
    let cells = cells_of(rows.imported, &examples[..main], column);
    let labels: Vec<u32> = examples[..main].iter().filter_map(Example::class).collect();
    let values = Values::of(&cells, &labels, classes)?;
    let told = values.all_labels().or_else(|| values.one_label())?;
    let says: Vec<bool> = (0..values.names.len()).map(|value| values.says(&told, value)).collect();
    let places: Vec<usize> = (0..main).filter(|&place| says[values.of_row[place] as usize]).collect();
    let name = |class: u32| rows.prepared.labels[class as usize].as_str();
    let what = match told.label {
        None => "the label".to_owned(),
        Some(class) => format!("'{}'", name(class)),
    };
    let (value, class, right, all) = values.example(&told);
    let is_read = rows.project.dataset.has_role(column, ColumnRole::Joined);
    let found = format!(
        "The column '{column}' alone predicts {what} with {} accuracy; without it, {} is possible. Of {} with '{}', {} {} '{}'",
        percent_fine(told.accuracy),
        percent_fine(told.base),
        counted(all, "row", "rows"),
        cell_value(value),
        count(right),
        plural(right, "is", "are"),
        name(class),
    );
    let (severity, meaning, remedy) = if is_read {
        (Severity::Problem, READ, Some(Remedy::StopPrepending(column.to_owned())))
    } else {
        (Severity::Note, UNREAD, None)
    };
    let finding = Finding::new(FindingKind::Giveaway, severity, rows.ids(&places)).says(found, meaning);
    Some(Finding { column: Some(column.to_owned()), ..finding }.with(remedy))
}

/// Finds out whether a rating inside the text predicts the label.
pub(super) fn find_rating(rows: SplitRows<'_>) -> Option<Finding> {
    let examples = &rows.prepared.examples;
    let main = examples.iter().take_while(|example| example.id.file == SourceFile::Main).count();
    let (classes, column) = (rows.prepared.labels.len(), rows.project.dataset.text_column()?);
    if main < FEWEST_ROWS || classes < 2 {
        return None;
    }
    let ratings: Vec<String> = examples[..main].par_iter().map(|example| rating(&example.text)).collect();
    let cells: Vec<&str> = ratings.iter().map(String::as_str).collect();
    let labels: Vec<u32> = examples[..main].iter().filter_map(Example::class).collect();
    let values = Values::of(&cells, &labels, classes)?;
    let told = values.all_labels()?;
    let mut telling: Vec<usize> = (0..values.names.len()).filter(|&value| values.says(&told, value)).collect();
    telling.sort_by_key(|&value| (std::cmp::Reverse(values.rows_with(value)), values.names[value]));
    let says = telling.iter().map(|&value| {
        let counts = values.together(value);
        let class = most(&counts);
        format!(
            "'{}' is '{}' in {} of {}",
            values.names[value],
            rows.prepared.labels[class],
            count(counts[class]),
            counted(values.rows_with(value), "row", "rows")
        )
    });
    let found = format!(
        "The rating inside '{column}' alone predicts the label with {} accuracy; without it, {} is possible: {}",
        percent_fine(told.accuracy),
        percent_fine(told.base),
        listed(says),
    );
    let meaning = "The model is given the answer, and the metrics say nothing about texts without a rating. Remove the ratings from \
                   the texts with a pattern in Prepare";
    let mut is_telling = vec![false; values.names.len()];
    for &value in &telling {
        is_telling[value] = true;
    }
    let places: Vec<usize> = (0..main).filter(|&place| is_telling[values.of_row[place] as usize]).collect();
    let finding = Finding::new(FindingKind::Giveaway, Severity::Problem, rows.ids(&places)).says(found, meaning);
    Some(Finding { column: Some(column.to_owned()), ..finding })
}

/// What a column predicts, and how well.
struct Told {
    /// One label against the others; `None` means all labels.
    label: Option<u32>,
    accuracy: f64,
    base: f64,
}

/// Rows of each value and label in two halves.
struct Values<'a> {
    /// Number of the value in each row.
    of_row: Vec<u32>,
    names: Vec<&'a str>,
    /// Rows of each class in each half, of each value: `[values][halves][classes]`.
    counts: Vec<[Vec<u32>; 2]>,
    /// Rows of each half, of each value.
    rows_of: Vec<[u32; 2]>,
    /// Rows of each class in each half, over all values.
    totals: [Vec<u32>; 2],
}

impl<'a> Values<'a> {
    /// `None` for a column whose values hardly ever repeat.
    fn of(cells: &[&'a str], labels: &[u32], classes: usize) -> Option<Self> {
        let mut number: HashMap<&str, u32> = HashMap::default();
        let mut names = Vec::new();
        let mut of_row = Vec::with_capacity(cells.len());
        for cell in cells {
            let cell = cell.trim();
            let next = names.len() as u32;
            let value = *number.entry(cell).or_insert(next);
            if value == next {
                names.push(cell);
                if names.len() * ROWS_OF_VALUE > cells.len() || names.len() * classes > MOST_COUNTS {
                    return None;
                }
            }
            of_row.push(value);
        }
        let none = || [vec![0; classes], vec![0; classes]];
        let mut counts: Vec<[Vec<u32>; 2]> = names.iter().map(|_| none()).collect();
        let mut totals = none();
        let mut coin = Rng::new(0);
        for (&value, &label) in of_row.iter().zip(labels) {
            let half = (coin.next_u32() & 1) as usize;
            counts[value as usize][half][label as usize] += 1;
            totals[half][label as usize] += 1;
        }
        let rows_of = counts.iter().map(|halves| [0, 1].map(|half: usize| halves[half].iter().sum())).collect();
        (names.len() > 1).then_some(Self { of_row, names, counts, rows_of, totals })
    }

    fn rows(&self) -> f64 {
        self.of_row.len() as f64
    }

    fn share_of(&self, class: usize) -> f64 {
        f64::from(self.totals[0][class] + self.totals[1][class]) / self.rows()
    }

    fn classes(&self) -> usize {
        self.totals[0].len()
    }

    /// The label that a value has in one half; the most frequent label if the value does not occur there.
    fn said(&self, value: usize, half: usize) -> usize {
        most(if self.rows_of[value][half] > 0 { &self.counts[value][half] } else { &self.totals[half] })
    }

    fn all_labels(&self) -> Option<Told> {
        let right = |value: usize, half: usize| self.counts[value][1 - half][self.said(value, half)];
        let right: u32 = (0..self.names.len()).map(|value| right(value, 0) + right(value, 1)).sum();
        let accuracy = f64::from(right) / self.rows();
        let base = (0..self.classes()).map(|class| self.share_of(class)).fold(0.0, f64::max);
        let tells = 1.0 - base >= RARE && 1.0 - accuracy <= ERRORS_LEFT * (1.0 - base);
        tells.then_some(Told { label: None, accuracy, base })
    }

    /// The label that is predicted best.
    fn one_label(&self) -> Option<Told> {
        // At most fifty labels remain, however many there are.
        let common = (0..self.classes()).filter(|&class| {
            let share = self.share_of(class);
            share.min(1.0 - share) >= RARE
        });
        let told = common.map(|class| {
            let share = self.share_of(class);
            let right = |value: usize, half: usize| {
                let tried = self.counts[value][1 - half][class];
                if self.says_one(value, half, class) { tried } else { self.rows_of[value][1 - half] - tried }
            };
            let right: u32 = (0..self.names.len()).map(|value| right(value, 0) + right(value, 1)).sum();
            Told { label: Some(class as u32), accuracy: f64::from(right) / self.rows(), base: share.max(1.0 - share) }
        });
        let left = |told: &Told| (1.0 - told.accuracy) / (1.0 - told.base);
        told.filter(|told| left(told) <= ERRORS_LEFT_OF_ONE).min_by(|a, b| left(a).total_cmp(&left(b)))
    }

    fn says_one(&self, value: usize, half: usize, class: usize) -> bool {
        let all = self.rows_of[value][half];
        if all == 0 { self.share_of(class) > 0.5 } else { self.counts[value][half][class] * 2 > all }
    }

    fn together(&self, value: usize) -> Vec<u32> {
        let [a, b] = &self.counts[value];
        a.iter().zip(b).map(|(a, b)| a + b).collect()
    }

    fn rows_with(&self, value: usize) -> u32 {
        self.rows_of[value].iter().sum()
    }

    /// Whether a value is an example of the prediction. Empty cells and values with many labels are not good examples.
    fn says(&self, told: &Told, value: usize) -> bool {
        let counts = self.together(value);
        let class = told.label.map_or_else(|| most(&counts), |class| class as usize);
        !self.names[value].is_empty() && counts[class] * 10 >= self.rows_with(value) * 9
    }

    /// The most frequent value that predicts a label, its label, how many of its rows have it, and its rows.
    fn example(&self, told: &Told) -> (&'a str, u32, u32, u32) {
        let telling = (0..self.names.len()).filter(|&value| self.says(told, value));
        let value = telling.max_by_key(|&value| (self.rows_with(value), usize::MAX - value)).unwrap_or(0);
        let counts = self.together(value);
        let class = told.label.map_or_else(|| most(&counts), |class| class as usize);
        (self.names[value], class as u32, counts[class], self.rows_with(value))
    }
}

/// The class with the most rows; the first of several.
fn most(counts: &[u32]) -> usize {
    (0..counts.len()).rev().max_by_key(|&class| counts[class]).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(cells: &[String], labels: &[u32]) -> Option<(Option<u32>, f64)> {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let classes = labels.iter().max().map_or(0, |&label| label as usize + 1);
        let values = Values::of(&cells, labels, classes)?;
        values.all_labels().or_else(|| values.one_label()).map(|told| (told.label, told.accuracy))
    }

    #[test]
    fn stars_predict_the_label_and_reasons_one_label_but_row_numbers_do_not() {
        let labels: Vec<u32> = (0..600).map(|row| [0, 0, 0, 1, 2, 0][row % 6]).collect();
        let column = |cell: fn(usize, u32) -> String| -> Vec<String> {
            labels.iter().enumerate().map(|(row, &label)| cell(row, label)).collect()
        };
        assert_eq!(told(&column(|row, label| (label * 2 + row as u32 % 2).to_string()), &labels), Some((None, 1.0)));
        let reasons = column(|row, label| if label == 0 { format!("reason {}", row % 7) } else { String::new() });
        assert_eq!(told(&reasons, &labels), Some((Some(0), 1.0)));
        assert_eq!(told(&column(|row, _| row.to_string()), &labels), None);
        assert_eq!(told(&column(|row, _| (row / 4).to_string()), &labels), None, "nearly a number of the row");
        assert_eq!(told(&column(|_, _| "same".to_owned()), &labels), None);
        // Often right, but far from giving the label away.
        let leaning = column(|row, label| if row % 5 < 2 { "x".to_owned() } else { label.to_string() });
        assert_eq!(told(&leaning, &labels), None);
    }

    #[test]
    fn many_labels_do_not_take_quadratic_time() {
        // 20,000 labels and 100 values; one common label is predicted among the rare ones.
        let labels: Vec<u32> = (0..40_000).map(|row| if row % 2 == 0 { 0 } else { 1 + row / 2 }).collect();
        let cells: Vec<String> = labels.iter().map(|&label| (label % 49 + u32::from(label > 0)).to_string()).collect();
        let begun = std::time::Instant::now();
        assert_eq!(told(&cells, &labels).unwrap().0, Some(0));
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }
}
