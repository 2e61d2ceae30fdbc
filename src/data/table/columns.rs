//! Guesses the text and the label column, by their names and then by their values.

use rayon::prelude::*;

use crate::data::Table;
use crate::data::table::column_statistics::{ColumnStatistics, normal};
use crate::data::table::guess::{self, GuessedRoles};

/// Usual names of the text column, the likeliest first.
const TEXT_NAMES: [&str; 21] = [
    "text",
    "review_body",
    "review_text",
    "reviewtext",
    "sentence",
    "review",
    "content",
    "comment",
    "comments",
    "comment_text",
    "tweet",
    "body",
    "message",
    "feedback",
    "document",
    "utterance",
    "description",
    "question",
    "headline",
    "summary",
    "full_text",
];
/// Usual names of the label column, the likeliest first.
const LABEL_NAMES: [&str; 23] = [
    "label",
    "labels",
    "sentiment",
    "airline_sentiment",
    "class",
    "category",
    "target",
    "stars",
    "star_rating",
    "rating",
    "polarity",
    "intent",
    "topic",
    "emotion",
    "gold_label",
    "label_text",
    "overall",
    "score",
    "y",
    "tag",
    "choice",
    "choices",
    "accept",
];

/// Words in the names of columns that say how a row came to be, and not what it is.
const BOOKKEEPING: [&str; 16] = [
    "annotator",
    "annotators",
    "annotated",
    "worker",
    "workers",
    "user",
    "users",
    "agent",
    "version",
    "language",
    "lang",
    "locale",
    "timestamp",
    "finished",
    "progress",
    "batch",
];

/// Whether `name` is one that a text or label column usually has.
pub(in crate::data) fn is_known_name(name: &str) -> bool {
    let name = normal(name);
    TEXT_NAMES.contains(&name.as_str()) || LABEL_NAMES.contains(&name.as_str())
}

/// Whether `name` is one that a label column usually has.
pub(in crate::data) fn is_label_name(name: &str) -> bool {
    LABEL_NAMES.contains(&normal(name).as_str())
}

/// Guesses the text column, the label column and the roles of the others, each if one is likely, among the first
/// `columns` columns: those that are in the files.
#[must_use]
pub(in crate::data) fn guess_columns(table: &Table, columns: usize) -> (Option<String>, Option<String>, GuessedRoles) {
    let facts: Vec<ColumnStatistics> =
        (0..columns).into_par_iter().map(|column| ColumnStatistics::of(table, column)).collect();
    let names: Vec<String> = table.names.iter().take(columns).map(|name| normal(name)).collect();
    let label_columns = guess::one_hot(table, columns);
    // "summary" and "headline" are texts if there is no other text column, and titles if there is one.
    let text = by_name(&names, &TEXT_NAMES, |column| table.is_empty() || facts[column].is_textual())
        .or_else(|| longest(&facts));
    let label = by_name(&names, &LABEL_NAMES, |column| {
        let is_one_of_several = label_columns.contains(&column);
        Some(column) != text && !is_one_of_several && (table.is_empty() || facts[column].can_be_labels())
    });
    let label = label.or_else(|| if label_columns.is_empty() { fewest_values(&facts, &names, text) } else { None });
    let name = |column: usize| table.names[column].clone();
    let mut roles = guess::guess_roles(table, &facts, text, label);
    if label.is_none() {
        roles.label_columns = label_columns.into_iter().map(name).collect();
    }
    (text.map(name), label.map(name), roles)
}

/// The column of a table that is most likely its text, if any is.
#[must_use]
pub fn guessed_text(table: &Table) -> Option<String> {
    guess_columns(table, table.names.len()).0
}

/// The first column with exactly such a name, or else one whose name ends in it (`customer_review`).
fn by_name(names: &[String], known: &[&str], fits: impl Fn(usize) -> bool) -> Option<usize> {
    let exact = known.iter().filter_map(|known| names.iter().position(|name| name == known)).find(|&at| fits(at));
    let ending = || {
        known
            .iter()
            .filter(|known| known.len() > 2)
            .find_map(|known| (0..names.len()).find(|&at| names[at].ends_with(&format!("_{known}")) && fits(at)))
    };
    exact.or_else(ending)
}

/// The column with the longest texts, if they have at least two words on average.
fn longest(facts: &[ColumnStatistics]) -> Option<usize> {
    let texts = facts.iter().enumerate().filter(|(_, column)| column.is_textual() && column.mean_words >= 2.0);
    texts
        .filter(|(_, column)| column.distinct * 2 > column.filled)
        .max_by(|a, b| a.1.mean_chars.total_cmp(&b.1.mean_chars))
        .map(|(column, _)| column)
}

/// The column with the fewest different values, but at least two. The last of several, as exports put the outcome last.
/// Columns in which tools keep their books are never the outcome.
fn fewest_values(facts: &[ColumnStatistics], names: &[String], text: Option<usize>) -> Option<usize> {
    let is_bookkeeping =
        |column: usize| BOOKKEEPING.iter().any(|known| names[column].split('_').any(|word| word == *known));
    let candidates = facts.iter().enumerate().filter(|&(column, facts)| {
        Some(column) != text && facts.distinct * 2 <= facts.filled && facts.can_be_labels() && !is_bookkeeping(column)
    });
    candidates.min_by_key(|&(column, facts)| (facts.distinct, usize::MAX - column)).map(|(column, _)| column)
}
