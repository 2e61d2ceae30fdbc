//! Finds the rows that match a query, in the order asked for.

mod pattern;
mod sort;

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

pub use sort::{Sort, SortBy};

use crate::data::{DataError, DropReason, RowNumber, RowView, Side, Table};
use crate::progress::Control;
use crate::project::{RowId, SourceFile};
use pattern::SearchPattern;

/// Rows between two checks of the cancel switch.
const ROWS_PER_LOOK: usize = 8_192;

/// A query. A row must match all parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowQuery {
    /// Which rows to search.
    pub set: RowSet,
    /// The rows of [`RowSet::Listed`].
    pub listed: Arc<Vec<RowId>>,
    /// What the words are searched in.
    pub within: Within,
    /// Words, or a regular expression. Empty matches every row.
    pub words: String,
    /// `words` is a regular expression.
    pub regex: bool,
    /// Whether upper and lower case must match.
    pub match_case: bool,
    /// Class id of the label.
    pub label: Option<u32>,
    /// The side of the split; dropped rows have none.
    pub side: Option<Side>,
    /// Fewest words of the text.
    pub shortest: Option<u32>,
    /// Most words of the text.
    pub longest: Option<u32>,
    /// A column and its trimmed value; an empty value finds rows without one.
    pub value: Option<(String, String)>,
    /// The order of the rows found.
    pub sort: Sort,
}

/// Which rows to search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowSet {
    /// Used rows.
    #[default]
    Used,
    /// All rows, used and dropped.
    All,
    /// Rows whose label a person changed.
    Relabelled,
    /// Rows whose text also has another label.
    Conflicts,
    /// Rows dropped for this reason.
    Dropped(DropReason),
    /// The rows in [`RowQuery::listed`], in their order.
    Listed,
}

/// Where words are searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Within {
    /// The text: cleaned, or as in the file if the row is dropped.
    #[default]
    Text,
    /// A column, as it is in the file.
    Column(String),
    /// All columns, as they are in the file.
    AnyColumn,
}

/// The rows that match, in the order asked for.
///
/// # Errors
/// [`DataError::BadPattern`] if the regular expression is not valid; [`DataError::Cancelled`].
pub fn find_rows(rows: &RowView, query: &RowQuery, control: &Control) -> Result<Vec<RowNumber>, DataError> {
    let words = Some(&query.words).filter(|words| !words.is_empty());
    let pattern = words.map(|words| SearchPattern::new(words, query.regex, query.match_case)).transpose()?;
    let filter = RowFilter::new(rows, query, pattern, control);
    let candidates = Candidates::of(rows, query);
    let chunks: Vec<Range<usize>> = (0..candidates.len())
        .step_by(ROWS_PER_LOOK)
        .map(|from| from..(from + ROWS_PER_LOOK).min(candidates.len()))
        .collect();
    let found: Vec<Vec<RowNumber>> = chunks
        .into_par_iter()
        .map_init(
            // Each thread has its own pattern, since threads would wait for the scratch space of a shared one.
            || filter.pattern.clone(),
            |pattern, chunk| {
                if control.is_cancelled() {
                    return Vec::new();
                }
                chunk.map(|nth| candidates.get(nth)).filter(|&place| filter.fits(place, pattern.as_ref())).collect()
            },
        )
        .collect();
    let found = sort::sorted(rows, found.concat(), &query.sort, control);
    control.look()?;
    Ok(found)
}

/// The rows that a query searches, in file order.
enum Candidates {
    /// All rows below this number.
    First(usize),
    /// These rows.
    These(Vec<RowNumber>),
}

impl Candidates {
    fn of(rows: &RowView, query: &RowQuery) -> Self {
        let prepared = rows.prepared;
        let used = prepared.examples.len();
        let left_out = || (used..).zip(&prepared.dropped).map(|(place, row)| (place as RowNumber, row));
        match query.set {
            RowSet::Listed => Self::These(query.listed.iter().filter_map(|&id| rows.place(id)).collect()),
            RowSet::Used => Self::First(used),
            RowSet::All if prepared.dropped.is_empty() => Self::First(used),
            RowSet::All => {
                // Both lists are in file order, so they are merged.
                let mut places = Vec::with_capacity(rows.len());
                let mut dropped = left_out().peekable();
                for (place, example) in (0..).zip(&prepared.examples) {
                    let before = |row: &(RowNumber, &(RowId, DropReason))| row.1.0 < example.id;
                    while let Some((earlier, _)) = dropped.next_if(before) {
                        places.push(earlier);
                    }
                    places.push(place);
                }
                places.extend(dropped.map(|(place, _)| place));
                Self::These(places)
            }
            RowSet::Relabelled => {
                let relabelled = (0..).zip(&prepared.examples).filter(|(_, example)| example.relabelled);
                Self::These(relabelled.map(|(place, _)| place).collect())
            }
            // Group by group, so that conflicting rows are next to each other.
            RowSet::Conflicts => {
                Self::These(prepared.conflicts.iter().flatten().filter_map(|&id| rows.place(id)).collect())
            }
            RowSet::Dropped(reason) => {
                Self::These(left_out().filter(|(_, row)| row.1 == reason).map(|(place, _)| place).collect())
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::First(rows) => *rows,
            Self::These(places) => places.len(),
        }
    }

    fn get(&self, nth: usize) -> RowNumber {
        match self {
            Self::First(_) => nth as RowNumber,
            Self::These(places) => places[nth],
        }
    }
}

/// A prepared query. The cheap parts are checked first.
struct RowFilter<'a> {
    rows: &'a RowView<'a>,
    query: &'a RowQuery,
    label: Option<&'a str>,
    /// The column of `RowQuery::value` in each file.
    value: Option<([Option<usize>; 3], &'a str)>,
    /// What the text must contain; `None` if columns have been searched beforehand.
    pattern: Option<SearchPattern>,
    /// Rows of each file in whose columns the words were found.
    hits: Option<[Vec<bool>; 3]>,
}

impl<'a> RowFilter<'a> {
    fn new(rows: &'a RowView<'a>, query: &'a RowQuery, mut pattern: Option<SearchPattern>, control: &Control) -> Self {
        let index = |file, name: &str| rows.imported.file(file)?.table.column_index(name);
        let value =
            query.value.as_ref().map(|(name, value)| (SourceFile::ALL.map(|file| index(file, name)), value.trim()));
        let hits = pattern.take_if(|_| query.within != Within::Text).map(|pattern| {
            SourceFile::ALL.map(|file| {
                let Some(file) = rows.imported.file(file) else { return Vec::new() };
                let columns: Vec<usize> = match &query.within {
                    Within::Column(name) => file.table.column_index(name).into_iter().collect(),
                    Within::Text | Within::AnyColumn => (0..file.table.columns.len()).collect(),
                };
                rows_holding(&file.table, &columns, &pattern, control)
            })
        });
        let label = query.label.map(|label| rows.prepared.labels.get(label as usize).map_or("", String::as_str));
        Self { rows, query, label, value, pattern, hits }
    }

    fn fits(&self, place: RowNumber, pattern: Option<&SearchPattern>) -> bool {
        let (rows, query) = (self.rows, self.query);
        let example = rows.example(place);
        let has_label = match (example, query.label, self.label) {
            (_, None, _) | (_, _, None) => true,
            (Some(example), Some(label), _) => example.class() == Some(label),
            (None, _, Some(label)) => rows.label(place) == label,
        };
        has_label
            && query.side.is_none_or(|side| example.is_some_and(|example| example.side == side))
            && query.shortest.is_none_or(|fewest| rows.words(place) >= fewest)
            && query.longest.is_none_or(|most| rows.words(place) <= most)
            && self.has_value(place)
            && self.is_hit(place)
            && pattern.is_none_or(|pattern| pattern.is_in(&rows.text(place)))
    }

    fn has_value(&self, place: RowNumber) -> bool {
        let Some((columns, value)) = &self.value else { return true };
        let cell = self.rows.cell(place, columns);
        cell.is_some_and(|cell| cell.trim() == *value)
    }

    fn is_hit(&self, place: RowNumber) -> bool {
        let Some(hits) = &self.hits else { return true };
        let hit = |(table, row): (&Table, usize)| hits[table.file as usize].get(row).copied().unwrap_or(false);
        self.rows.at(place).is_some_and(hit)
    }
}

/// For each row of a table, whether one of the columns contains the pattern.
fn rows_holding(table: &Table, columns: &[usize], pattern: &SearchPattern, control: &Control) -> Vec<bool> {
    let mut hits = vec![false; table.len()];
    hits.par_chunks_mut(ROWS_PER_LOOK).enumerate().for_each_init(
        || pattern.clone(),
        |pattern, (chunk, hits)| {
            for &column in columns {
                if control.is_cancelled() {
                    return;
                }
                pattern.mark(&table.columns[column], chunk * ROWS_PER_LOOK, hits);
            }
        },
    );
    hits
}

/// The `most` most frequent values of a column in all files, with their numbers of rows; ties by value. Missing values
/// count as an empty one.
#[must_use]
pub fn frequent_values(rows: &RowView, column: &str, most: usize) -> Vec<(String, usize)> {
    let mut counts: foldhash::HashMap<&str, usize> = foldhash::HashMap::default();
    for file in rows.imported.files() {
        let Some(column) = file.table.column_index(column) else { continue };
        for row in 0..file.table.len() {
            *counts.entry(file.table.cell(column, row).trim()).or_default() += 1;
        }
    }
    let mut values: Vec<(&str, usize)> = counts.into_iter().collect();
    values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    values.truncate(most);
    values.into_iter().map(|(value, rows)| (value.to_owned(), rows)).collect()
}
