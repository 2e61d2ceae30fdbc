//! How long it takes to search, filter and order a million rows.
//!
//!     HONE_ROWS=/path/to/reviews.csv cargo bench --bench rows [-- NAME]
//!
//! The table is the one that `tests/peers/bench_import.py` makes, or any other with the columns id, text, label, stars and
//! day; without it a million short texts are made up.

#![allow(clippy::unwrap_used, reason = "a bench fails by a panic")]

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use divan::Bencher;
use hone::data::{
    Imported, Prepared, RowQuery, RowSet, RowView, Sort, SortBy, Within, find_rows, import, prepare, word_counts,
};
use hone::progress::{Control, Watch};
use hone::project::{ColumnRole, DatasetSettings, Project};

fn main() {
    // Read before the first bench is timed.
    assert!(!TABLE.rows().is_empty());
    divan::main();
}

struct Table {
    project: Project,
    imported: Imported,
    prepared: Prepared,
    words: Vec<u32>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var_os("HONE_ROWS").map_or_else(|| made_up(folder.path()), PathBuf::from);
    let dataset = DatasetSettings { main: Some(path), ..DatasetSettings::default() }
        .with_columns(&[("text", ColumnRole::Text), ("label", ColumnRole::Label)]);
    let project = Project { dataset, ..Project::default() };
    let control = Control::default();
    let watch = &mut Watch { control: &control, report: &mut |_| {} };
    let imported = import(&project, folder.path(), watch).unwrap();
    let prepared = prepare(&project, &imported, watch).unwrap();
    let words = word_counts(&prepared);
    Table { project, imported, prepared, words }
});

impl Table {
    fn rows(&self) -> RowView<'_> {
        RowView::new(&self.imported, &self.prepared, &self.words, &self.project)
    }
}

fn made_up(folder: &std::path::Path) -> PathBuf {
    let mut rows = String::from("id,text,label,stars,day\n");
    for row in 0..1_000_000 {
        let (label, stars) = [("negative", 1), ("neutral", 3), ("positive", 5)][row % 3];
        writeln!(
            rows,
            "R{row},Order {row} came late again and item {} was broken,{label},{stars},2024-01-01",
            row % 97
        )
        .unwrap();
    }
    let path = folder.join("rows.csv");
    std::fs::write(&path, rows).unwrap();
    path
}

fn time(bencher: Bencher<'_, '_>, query: &RowQuery) {
    let (rows, control) = (TABLE.rows(), Control::default());
    bencher.bench(|| find_rows(&rows, query, &control).unwrap());
}

fn words(words: &str) -> RowQuery {
    RowQuery { words: words.to_owned(), ..RowQuery::default() }
}

fn sorted(by: SortBy) -> RowQuery {
    RowQuery { sort: Sort { by, descending: false }, ..RowQuery::default() }
}

#[divan::bench(args = ["d", "delayed", "customer service", "no such words", "é"])]
fn search(bencher: Bencher<'_, '_>, text: &str) {
    time(bencher, &words(text));
}

#[divan::bench(args = ["delayed|cancel+ed", r"\d+ hours?", "^@united.*!$", r"\bgate\b"])]
fn pattern(bencher: Bencher<'_, '_>, text: &str) {
    time(bencher, &RowQuery { regex: true, ..words(text) });
}

#[divan::bench(args = ["delayed", "no such words", "R0009"])]
fn any_column(bencher: Bencher<'_, '_>, text: &str) {
    time(bencher, &RowQuery { within: Within::AnyColumn, ..words(text) });
}

#[divan::bench]
fn filters_alone(bencher: Bencher<'_, '_>) {
    let value = Some(("stars".to_owned(), "2".to_owned()));
    time(bencher, &RowQuery { label: Some(0), shortest: Some(5), longest: Some(30), value, ..RowQuery::default() });
}

#[divan::bench]
fn search_with_filters(bencher: Bencher<'_, '_>) {
    let value = Some(("stars".to_owned(), "2".to_owned()));
    time(bencher, &RowQuery { label: Some(0), shortest: Some(5), value, set: RowSet::All, ..words("delayed") });
}

#[divan::bench]
fn order_by_length(bencher: Bencher<'_, '_>) {
    time(bencher, &sorted(SortBy::Length));
}

#[divan::bench]
fn order_by_label(bencher: Bencher<'_, '_>) {
    time(bencher, &sorted(SortBy::Label));
}

#[divan::bench]
fn order_by_text(bencher: Bencher<'_, '_>) {
    time(bencher, &sorted(SortBy::Text));
}

#[divan::bench]
fn order_by_a_column_of_numbers(bencher: Bencher<'_, '_>) {
    time(bencher, &sorted(SortBy::Column("stars".to_owned())));
}

#[divan::bench]
fn order_by_a_column_of_words(bencher: Bencher<'_, '_>) {
    time(bencher, &sorted(SortBy::Column("id".to_owned())));
}
