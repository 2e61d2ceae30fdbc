//! How good a classifier is by label: tables, the confusion matrix, and the most confident mistakes.

use crate::chart::{Axis, DotPlot, DotRow};
use crate::evaluation::{
    ClassIntervals, ClassMetrics, ClassificationMetrics, ConfusionMatrix, PrecisionRecall, Prediction,
};
use crate::export::report::document::{Block, Cell, Matrix, Picture, Section, Table};
use crate::export::report::headline::{WIDE, with_interval};
use crate::export::report::source::ReportOf;
use crate::glossary::Term;
use crate::words::{count, counted, joined, one_line, percent, score, shortened};

/// Most labels that a picture or a matrix shows.
const MATRIX: usize = 16;
const PICTURE: usize = 25;
/// Most mistakes of a kind that are listed in place of a matrix.
const KINDS: usize = 15;
/// Mistakes that are listed.
const MISTAKES: usize = 10;
/// Characters shown of each text.
const TEXT: usize = 320;

/// The sections on labels and mistakes.
pub(super) fn sections(of: &ReportOf<'_>, metrics: &ClassificationMetrics) -> Vec<Section> {
    vec![by_label(of, metrics), confusion(of, &metrics.confusion), mistakes(of)]
}

fn by_label(of: &ReportOf<'_>, metrics: &ClassificationMetrics) -> Section {
    let intervals = of.details.map(|details| details.class_intervals.as_slice()).unwrap_or_default();
    let interval = |class: usize| intervals.get(class);
    let row = |(class, label): (usize, &ClassMetrics)| {
        let ends = |of: fn(&ClassIntervals) -> [f64; 2]| interval(class).map(of);
        vec![
            Cell::from(label.label.clone()),
            Cell::from(count(label.support)),
            scored(label.precision, ends(|interval| interval.precision)),
            scored(label.recall, ends(|interval| interval.recall)),
            scored(label.f1, ends(|interval| interval.f1)),
        ]
    };
    let titles = ["Label", ">Rows", ">Precision", ">Recall", ">F1"];
    let table = Table::new(&titles, metrics.per_class.iter().enumerate().map(row).collect());
    let mut blocks = vec![
        Block::hint(
            "Precision: of the rows predicted as this label, the share that have it. Recall: of the rows that have it, the share \
             that were found. F1 is high only if both are. Each has its 95% interval.",
        ),
        Block::Table(table),
    ];
    if (2..=PICTURE).contains(&metrics.per_class.len()) {
        blocks.push(Block::Pictures(vec![f1_picture(metrics, intervals)]));
    }
    blocks.push(Block::Heading("Averages".to_owned()));
    blocks.push(Block::Table(averages(metrics)));
    Section { title: "By label".to_owned(), blocks }
}

/// A score with its interval.
fn scored(value: f64, interval: Option<[f64; 2]>) -> Cell {
    let note = interval.map(|[low, high]| format!("{} to {}", score(low), score(high)));
    Cell { text: score(value), note: note.unwrap_or_default() }
}

/// The F1 of each label, the lowest at the top.
fn f1_picture(metrics: &ClassificationMetrics, intervals: &[ClassIntervals]) -> Picture {
    let mut rows: Vec<DotRow> = metrics
        .per_class
        .iter()
        .enumerate()
        .map(|(class, label)| {
            let interval = intervals.get(class).map(|interval| interval.f1);
            let says = with_interval(&score(label.f1), interval.map(|ends| ends.map(score)));
            DotRow { name: label.label.clone(), value: label.f1, interval, says, is_main: true }
        })
        .collect();
    rows.sort_by(|a, b| a.value.total_cmp(&b.value));
    let said: Vec<String> = rows.iter().map(|row| format!("{} {}", row.name, score(row.value))).collect();
    let title = "F1 of each label, the weakest first".to_owned();
    let x = Axis { ends: Some([0.0, 1.0]), ..Axis::default() };
    let plot = DotPlot { title, x, rows, width: WIDE, description: joined(&said) };
    Picture { drawing: plot.drawing(), caption: String::new(), table: None }
}

/// The averages, each with what it is an average of.
fn averages(metrics: &ClassificationMetrics) -> Table {
    let micro = metrics.confusion.micro_average();
    let row = |term: Term, average: &PrecisionRecall| {
        vec![
            Cell::from(term.title()),
            score(average.precision).into(),
            score(average.recall).into(),
            score(average.f1).into(),
            Cell::from(term.text()),
        ]
    };
    let rows = vec![
        row(Term::MacroAverage, &metrics.macro_average),
        row(Term::WeightedAverage, &metrics.weighted_average),
        row(Term::MicroAverage, &micro),
    ];
    Table::new(&["Average", ">Precision", ">Recall", ">F1", "~What it says"], rows)
}

fn confusion(of: &ReportOf<'_>, confusion: &ConfusionMatrix) -> Section {
    let kinds = mistaken(confusion);
    let mut blocks = Vec::new();
    let sentence = |(rows, truth, predicted): &(u64, usize, usize)| {
        let [truth, predicted] = [*truth, *predicted].map(|class| &confusion.labels[class]);
        format!("The most frequent mistake: {} of “{truth}” predicted as “{predicted}”.", counted(*rows, "row", "rows"))
    };
    if confusion.labels.len() <= MATRIX {
        let said = kinds.first().map_or_else(|| "There are no mistakes.".to_owned(), sentence);
        blocks.push(Block::Hint(format!(
            "Each row is a true label, each column a predicted one; the diagonal is right. A darker cell has a larger part of its \
             row's {}. {said}",
            of.rows_in_words()
        )));
        let (labels, counts) = (confusion.labels.clone(), confusion.counts.clone());
        blocks.push(Block::Matrix(Matrix { labels, counts }));
    } else {
        let number = counted(confusion.labels.len(), "label", "labels");
        let shown = kinds.len().min(KINDS);
        blocks.push(Block::Hint(format!(
            "With {number}, a matrix would not fit here. The {shown} most frequent mistakes of {} kinds:",
            count(kinds.len())
        )));
        let row = |(rows, truth, predicted): &(u64, usize, usize)| {
            let [truth, predicted] = [*truth, *predicted].map(|class| Cell::from(confusion.labels[class].clone()));
            vec![truth, predicted, Cell::from(count(*rows))]
        };
        let rows = kinds.iter().take(KINDS).map(row).collect();
        blocks.push(Block::Table(Table::new(&["True label", "Predicted label", ">Rows"], rows)));
    }
    Section { title: "Confusion matrix".to_owned(), blocks }
}

/// The kinds of mistakes as (rows, true class, predicted class), the most frequent first.
fn mistaken(confusion: &ConfusionMatrix) -> Vec<(u64, usize, usize)> {
    let cells = confusion.counts.iter().enumerate();
    let cells =
        cells.flat_map(|(truth, counts)| counts.iter().enumerate().map(move |(other, &rows)| (rows, truth, other)));
    let mut kinds: Vec<(u64, usize, usize)> =
        cells.filter(|(rows, truth, predicted)| *rows > 0 && truth != predicted).collect();
    kinds.sort_by_key(|(rows, ..)| std::cmp::Reverse(*rows));
    kinds
}

/// The mistakes that the model was most sure of.
fn mistakes(of: &ReportOf<'_>) -> Section {
    let mut wrong: Vec<&Prediction> = of.predictions.iter().filter(|row| row.is_wrong()).collect();
    wrong.sort_by(|a, b| b.confidence().total_cmp(&a.confidence()));
    let label = |class: Option<u32>| {
        let name = class.and_then(|class| of.settings.labels.get(class as usize));
        Cell::from(name.map_or("?", String::as_str))
    };
    let row = |row: &&Prediction| {
        vec![
            Cell::from(ReportOf::row_name(row)),
            Cell::from(shortened(&one_line(&row.text, TEXT + 1), TEXT)),
            label(row.label()),
            label(row.predicted()),
            Cell::from(percent(f64::from(row.confidence()))),
        ]
    };
    let rows: Vec<Vec<Cell>> = wrong.iter().take(MISTAKES).map(row).collect();
    let blocks = if rows.is_empty() {
        vec![Block::paragraph(format!("The model has all {} right.", of.rows_in_words()))]
    } else {
        let hint = format!(
            "The model has {} of {} wrong. These are the ones it was most sure of. Look for wrong labels in the data first: they \
             are a frequent cause. The texts are as the model read them, after cleaning.",
            count(wrong.len()),
            counted(of.predictions.len(), "row", "rows"),
        );
        let table = Table::new(&["Row", "Text", "True label", "Predicted", ">Confidence"], rows);
        vec![Block::Hint(hint), Block::Table(table)]
    };
    Section { title: "The most confident mistakes".to_owned(), blocks }
}
