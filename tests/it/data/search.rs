//! Searching, filtering, sorting and profiling rows.

use super::*;
use hone::data::{
    DropReason, LanguageSample, RowNumber, RowQuery, RowSet, RowView, Side, Sort, SortBy, TextTokenizer, Timeline,
    TokenHistogram, Unit, Within, find_rows, frequent_values, timelines, top_terms, word_counts,
};
use hone::project::{RowEdit, RowId};

const MAIN: &str = "\
id,text,label,price,day
1,Great CAFÉ <b>in</b> Rome,good,10,2024-01-31
2,bad cafe,bad,9,2024-02-01
3,great tea,bad,,2024-02-29
4,great tea,bad,2.5,2024-03-01
5,,good,100,
6,\"A long text, about tea and coffee and more\",good,-1,2024-03-02
7,Bad CAFE,good,9,2024-03-03
";

/// A project with a test file, a relabelled row and an excluded one.
struct Shop {
    project: Project,
    imported: Imported,
    prepared: Prepared,
    words: Vec<u32>,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let test = "text,label,id\nGreat tea in tests,good,x\nbad tea,bad,y\n";
        let mut project = project(folder.path(), MAIN, None, Some(test));
        let id = |record| RowId { file: SourceFile::Main, record };
        let edit = |text: &str, label: &str| RowEdit {
            content_hash: hone::data::content_hash(text, label),
            ..RowEdit::default()
        };
        project.edits.rows = [
            (id(2), RowEdit { target: RowEdit::relabelled("good").target, ..edit("bad cafe", "bad") }),
            (id(7), RowEdit { excluded: true, ..edit("Bad CAFE", "good") }),
        ]
        .into();
        let (imported, prepared) = prepared(&project, folder.path());
        let words = word_counts(&prepared);
        Self { project, imported, prepared, words }
    }

    fn rows(&self) -> RowView<'_> {
        RowView::new(&self.imported, &self.prepared, &self.words, &self.project)
    }

    fn places(&self, query: &RowQuery) -> Result<Vec<RowNumber>, DataError> {
        find_rows(&self.rows(), query, &Control::default())
    }

    /// The rows found: `3` is a row of the main file, `t1` one of the test file.
    fn find(&self, query: impl std::borrow::Borrow<RowQuery>) -> Vec<String> {
        let rows = self.rows();
        let ids = self.places(query.borrow()).unwrap().into_iter().map(|place| rows.id(place).unwrap());
        ids.map(|id| match id.file {
            SourceFile::Main => id.record.to_string(),
            _ => format!("t{}", id.record),
        })
        .collect()
    }
}

fn words(words: &str) -> RowQuery {
    RowQuery { words: words.to_owned(), ..RowQuery::default() }
}

#[test]
fn words_and_patterns_are_searched_in_the_cleaned_text() {
    let shop = Shop::new();
    assert_eq!(shop.words, [4, 2, 2, 9, 4, 2]);
    assert_eq!(shop.find(RowQuery::default()), ["1", "2", "3", "6", "t1", "t2"]);
    assert_eq!(shop.find(words("great")), ["1", "3", "t1"]);
    assert_eq!(shop.find(words("café IN rome")), ["1"]);
    assert!(shop.find(words("<b>")).is_empty(), "cleaned away");
    assert_eq!(shop.find(RowQuery { match_case: true, ..words("great") }), ["3"]);
    let pattern = |pattern: &str| RowQuery { regex: true, ..words(pattern) };
    assert_eq!(shop.find(pattern("^great .* (rome|tests)$")), ["1", "t1"]);
    assert_eq!(shop.find(pattern("tea$")), ["3", "t2"]);
    // A plain search does not treat its words as a regular expression.
    assert!(shop.find(words("tea$")).is_empty());
    let error = shop.places(&pattern("(tea")).unwrap_err();
    assert!(error.to_string().contains("A bracket ( is never closed, at character 1"), "{error}");
}

#[test]
fn columns_are_searched_as_written_in_the_file() {
    let shop = Shop::new();
    let within = |words: &str, within| RowQuery { within, words: words.to_owned(), ..RowQuery::default() };
    assert_eq!(shop.find(within("<B>", Within::AnyColumn)), ["1"]);
    assert_eq!(shop.find(within("2024-03", Within::Column("day".to_owned()))), ["6"]);
    // Row 4 is a duplicate and dropped; the test file has no such column.
    assert_eq!(shop.find(RowQuery { set: RowSet::All, ..within("9", Within::Column("price".into())) }), ["2", "7"]);
    // 2 and 9 are in neighbouring fields, but never together in one.
    assert!(shop.find(within("bad9", Within::AnyColumn)).is_empty());
    let digits = RowQuery { regex: true, ..within(r"^\d{2,}$", Within::Column("price".to_owned())) };
    assert_eq!(shop.find(RowQuery { set: RowSet::All, ..digits }), ["1", "5"]);
    assert!(shop.find(within("x", Within::Column("nowhere".to_owned()))).is_empty());
    assert_eq!(shop.find(within("Y", Within::AnyColumn)), ["t2"]);
}

#[test]
fn filters_are_combined() {
    let shop = Shop::new();
    let label = |name: &str| shop.prepared.labels.iter().position(|label| label == name).map(|label| label as u32);
    assert_eq!(shop.find(RowQuery { label: label("good"), ..RowQuery::default() }), ["1", "2", "6", "t1"]);
    assert_eq!(shop.find(RowQuery { label: label("bad"), ..words("tea") }), ["3", "t2"]);
    assert_eq!(shop.find(RowQuery { side: Some(Side::Test), ..words("great") }), ["t1"]);
    let between = RowQuery { shortest: Some(3), longest: Some(4), ..RowQuery::default() };
    assert_eq!(shop.find(between), ["1", "t1"]);
    let value = |column: &str, value: &str| Some((column.to_owned(), value.to_owned()));
    assert_eq!(shop.find(RowQuery { value: value("price", "9"), ..RowQuery::default() }), ["2"]);
    assert_eq!(shop.find(RowQuery { value: value("price", ""), ..RowQuery::default() }), ["3"]);

    let set = |set| RowQuery { set, ..RowQuery::default() };
    assert_eq!(shop.find(set(RowSet::All)), ["1", "2", "3", "4", "5", "6", "7", "t1", "t2"]);
    assert_eq!(shop.find(set(RowSet::Relabelled)), ["2"]);
    assert_eq!(shop.find(set(RowSet::Dropped(DropReason::Duplicate))), ["4"]);
    assert_eq!(shop.find(set(RowSet::Dropped(DropReason::EmptyText))), ["5"]);
    assert_eq!(shop.find(RowQuery { set: RowSet::All, ..words("bad cafe") }), ["2", "7"]);
    let left_out = RowQuery { label: label("good"), set: RowSet::Dropped(DropReason::Excluded), ..RowQuery::default() };
    assert_eq!(shop.find(left_out), ["7"]);
    let rows = shop.rows();
    let excluded = rows.place(RowId { file: SourceFile::Main, record: 7 }).unwrap();
    assert_eq!((rows.text(excluded).as_ref(), rows.label(excluded), rows.words(excluded)), ("Bad CAFE", "good", 2));
    assert_eq!(rows.place(RowId { file: SourceFile::Test, record: 9 }), None);
}

#[test]
fn conflicts_are_listed_group_by_group() {
    let folder = tempfile::tempdir().unwrap();
    let main = "text,label\nsame,a\nother,a\nsame,b\nother,b\nlast,a\n";
    let project = project(folder.path(), main, None, None);
    let (imported, prepared) = prepared(&project, folder.path());
    let words = word_counts(&prepared);
    let rows = RowView::new(&imported, &prepared, &words, &project);
    let query = RowQuery { set: RowSet::Conflicts, ..RowQuery::default() };
    let found = find_rows(&rows, &query, &Control::default()).unwrap();
    let texts: Vec<_> = found.iter().map(|&place| rows.text(place)).collect();
    assert_eq!(texts, ["same", "same", "other", "other"]);
}

#[test]
fn rows_are_sorted() {
    let shop = Shop::new();
    let order = |by: SortBy, descending| {
        shop.find(RowQuery { sort: Sort { by, descending }, set: RowSet::All, ..RowQuery::default() })
    };
    assert_eq!(order(SortBy::File, true), ["t2", "t1", "7", "6", "5", "4", "3", "2", "1"]);
    assert_eq!(order(SortBy::Length, false), ["5", "2", "3", "4", "7", "t2", "1", "t1", "6"]);
    assert_eq!(order(SortBy::Length, true), ["6", "1", "t1", "2", "3", "4", "7", "t2", "5"]);
    // bad, then good; equal rows stay in file order.
    assert_eq!(order(SortBy::Label, false), ["3", "4", "t2", "1", "2", "5", "6", "7", "t1"]);
    // Row 5 has no text, and comes last in both directions.
    assert_eq!(order(SortBy::Text, false), ["6", "2", "7", "t2", "1", "3", "4", "t1", "5"]);
    assert_eq!(order(SortBy::Text, true), ["t1", "3", "4", "1", "t2", "2", "7", "6", "5"]);
    // Numbers by their value; the test file has no such column.
    let price = SortBy::Column("price".to_owned());
    assert_eq!(order(price.clone(), false), ["6", "4", "2", "7", "1", "5", "3", "t1", "t2"]);
    assert_eq!(order(price, true), ["5", "1", "2", "7", "4", "6", "3", "t1", "t2"]);
    let mixed = SortBy::Column("id".to_owned());
    assert_eq!(order(mixed, true)[..3], ["t2", "t1", "7"]);
}

#[test]
fn a_stopped_search_is_reported_as_stopped() {
    let shop = Shop::new();
    let control = Control::default();
    control.cancel();
    assert!(matches!(find_rows(&shop.rows(), &words("tea"), &control), Err(DataError::Cancelled)));
    let watch = |work: &dyn Fn(&mut Watch) -> DataError| {
        let error = work(&mut Watch { control: &control, report: &mut |_| {} });
        assert!(matches!(error, DataError::Cancelled), "{error:?}");
    };
    watch(&|watch| top_terms(&shop.prepared, 10, 10, watch).unwrap_err());
    watch(&|watch| LanguageSample::of(&shop.prepared, 10, watch).unwrap_err());
    let tokenizer = TextTokenizer::load(&crate::training::tiny_bert()).unwrap();
    watch(&|watch| TokenHistogram::count(&shop.prepared, &tokenizer, (10, 10), watch).unwrap_err());
}

#[test]
fn values_and_tokens_are_counted() {
    let shop = Shop::new();
    let values = frequent_values(&shop.rows(), "price", 3);
    assert_eq!(values, [("9".to_owned(), 2), (String::new(), 1), ("-1".to_owned(), 1)]);
    let tokenizer = TextTokenizer::load(&crate::training::tiny_bert()).unwrap();
    let count = |most| watched(|watch| TokenHistogram::count(&shop.prepared, &tokenizer, (most, 10), watch)).unwrap();
    let lengths = count(100);
    assert_eq!((lengths.texts, lengths.counted(), lengths.over(0)), (6, 6, 6));
    let each: Vec<usize> =
        shop.prepared.examples.iter().map(|example| tokenizer.token_count(&example.text).unwrap()).collect();
    assert_eq!(lengths.over(6), each.iter().filter(|&&tokens| tokens > 6).count());
    assert_eq!(lengths.histogram.iter().map(|bin| bin.texts).sum::<usize>(), 6);
    assert_eq!(count(4).counted(), 4);
}

/// 300 rows over ten weeks, in two languages, with two labels that have characteristic words.
fn many() -> String {
    let mut rows = "text,label,when\n".to_owned();
    for row in 0..300 {
        let day = format!("{}/{}/2024", row % 28 + 1, row % 3 + 1);
        let (text, label) = match row % 3 {
            0 => (format!("The flight number {row} was late and the crew was rude to everybody"), "bad"),
            1 => (format!("A lovely flight number {row} with a friendly crew and good food"), "good"),
            _ => (
                format!(
                    "Der Flug Nummer {row} war schon wieder verspätet, das Essen war schlecht und niemand wollte uns etwas dazu sagen"
                ),
                "bad",
            ),
        };
        rows += &format!("\"{text}\",{label},{day}\n");
    }
    rows
}

#[test]
fn the_profile_has_words_of_each_label_languages_and_dates() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), &many(), None, None);
    let (imported, prepared) = prepared(&project, folder.path());
    let terms = watched(|watch| top_terms(&prepared, 1_000, 8, watch)).unwrap();
    assert_eq!((terms.texts, prepared.labels.clone()), (300, vec!["bad".to_owned(), "good".to_owned()]));
    let words: Vec<Vec<&str>> =
        terms.labels.iter().map(|terms| terms.iter().map(|term| term.word.as_str()).collect()).collect();
    assert!(words[1].contains(&"lovely") && words[1].contains(&"friendly"), "{words:?}");
    assert!(words[0].contains(&"war") && !words[0].contains(&"lovely"), "{words:?}");
    // It is in every text, so it is not characteristic of a label.
    assert!(words.iter().flatten().all(|word| *word != "number"), "{words:?}");
    let lovely = terms.labels[1].iter().find(|term| term.word == "lovely").unwrap();
    assert_eq!((lovely.count, lovely.score > 1.96), ([100, 0], true));
    let again = watched(|watch| top_terms(&prepared, 1_000, 8, watch)).unwrap();
    assert_eq!(terms, again);
    assert_eq!(watched(|watch| top_terms(&prepared, 30, 8, watch)).unwrap().texts, 30);

    let languages = watched(|watch| LanguageSample::of(&prepared, 1_000, watch)).unwrap().of_files(&prepared);
    assert_eq!((languages.len(), languages[0].texts, languages[0].unsure()), (1, 300, 0));
    let names: Vec<(&str, usize)> = languages[0].languages.iter().map(|(language, n)| (language.name, *n)).collect();
    assert_eq!(names, [("English", 200), ("German", 100)]);

    let counts = word_counts(&prepared);
    let rows = RowView::new(&imported, &prepared, &counts, &project);
    let timelines = watched(|watch| timelines(&rows, watch)).unwrap();
    let [timeline] = timelines.as_slice() else { panic!("{timelines:?}") };
    assert_eq!((timeline.column.as_str(), timeline.day_first), ("when", true));
    assert_eq!((timeline.range.clone(), timeline.undated), (["2024-01-01", "2024-03-28"].map(str::to_owned), 0));
    assert_eq!(timeline.unit, Unit::Week);
    assert_eq!((timeline.periods.len(), timeline.periods[0].name.as_str()), (13, "2024-01-01"));
    let rows: u32 = timeline.periods.iter().flat_map(|period| &period.rows).sum();
    assert_eq!(rows, 300);
}

#[test]
fn one_wrong_date_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = "text,label,day\n".to_owned();
    for row in 0..300 {
        let day =
            if row == 7 { "9999-12-31".to_owned() } else { format!("2024-{:02}-{:02}", row % 3 + 1, row % 28 + 1) };
        rows += &format!("text number {row} of many,label {:02},{day}\n", row % 12);
    }
    let project = project(folder.path(), &rows, None, None);
    let (imported, prepared) = prepared(&project, folder.path());
    let counts = word_counts(&prepared);
    let rows = RowView::new(&imported, &prepared, &counts, &project);
    let found = watched(|watch| timelines(&rows, watch)).unwrap();
    let [timeline] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((timeline.unit, timeline.earlier, timeline.later), (Unit::Week, 0, 1));
    assert_eq!(
        (timeline.range[1].as_str(), timeline.shown.clone()),
        ("9999-12-31", ["2024-01-01", "2024-03-28"].map(str::to_owned))
    );
    let drawn: Vec<u32> =
        (0..Timeline::SERIES).map(|at| timeline.periods.iter().map(|period| period.rows[at]).sum()).collect();
    assert_eq!((timeline.periods.len(), drawn.iter().sum::<u32>()), (13, 299));
    // Twelve labels: the last series is that of the five without their own.
    assert_eq!((drawn[0], drawn[7]), (25, 124));
    let control = hone::progress::Control::default();
    control.cancel();
    let mut watch = hone::progress::Watch { control: &control, report: &mut |_| {} };
    assert!(matches!(timelines(&rows, &mut watch), Err(hone::data::DataError::Cancelled)));
}
