//! Text tables for the terminal.

use crate::evaluation::{
    ClassificationDetails, ClassificationMetrics, ConfusionMatrix, LanguageModelMetrics, Metrics, OverallMetric,
    OverallScore, PrecisionRecall, Slice, Slices, WordCounts,
};
use crate::project::{MetricName, Objective};
use crate::words::{count, counted, perplexity, printable, score, shortened, signed_score};

/// Most labels for which the confusion matrix is printed; with more, the largest errors are listed.
const MATRIX_LABELS: usize = 10;

/// Number of errors listed instead of a large matrix.
const LISTED_ERRORS: usize = 15;

/// Longest label shown in full in the header of a matrix.
const HEAD_WIDTH: usize = 14;

/// Longest name of a slice shown in full.
const SLICE_WIDTH: usize = 40;

/// Formats a table. Columns are left-aligned, or right-aligned if the header starts with `>`. No line ends with spaces.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let right: Vec<bool> = head.iter().map(|cell| cell.starts_with('>')).collect();
    let head: Vec<String> = head.iter().map(|cell| cell.strip_prefix('>').unwrap_or(cell).to_owned()).collect();
    let lines: Vec<Vec<String>> =
        std::iter::once(&head).chain(rows).map(|line| line.iter().map(|cell| printable(cell)).collect()).collect();
    let mut widths = vec![0; head.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells = line
            .iter()
            .zip(widths.iter().zip(&right))
            .map(|(cell, (&width, &right))| if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") });
        let shown = cells.collect::<Vec<_>>().join("  ");
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

/// The headline metrics in a sentence: `macro-F1 0.812, accuracy 0.840, loss 0.4213`.
pub(super) fn scores(metrics: &Metrics) -> String {
    let named = |(name, value): (MetricName, f64)| format!("{} {}", name.in_a_sentence(), metric(name, value));
    metrics.figures().into_iter().map(named).collect::<Vec<_>>().join(", ")
}

/// A metric with the digits it deserves.
pub(super) fn metric(name: MetricName, value: f64) -> String {
    match name {
        MetricName::Loss => format!("{value:.4}"),
        MetricName::Perplexity => perplexity(value),
        MetricName::MacroF1 | MetricName::Accuracy | MetricName::MaskedAccuracy => format!("{value:.3}"),
    }
}

/// The tables below a task's headline metrics.
pub(super) fn details(metrics: &Metrics) -> String {
    match metrics {
        Metrics::Classification(metrics) => {
            format!("{}\n{}", metrics_table(metrics), confusion_table(&metrics.confusion))
        }
        Metrics::LanguageModelling(metrics) => words_table(metrics),
    }
}

/// Perplexity and accuracy at all words that were predicted, and at those that are domain terms.
fn words_table(metrics: &LanguageModelMetrics) -> String {
    let row = |name: &str, counts: &WordCounts| {
        let perplexity = metric(MetricName::Perplexity, counts.perplexity());
        let accuracy = metric(MetricName::MaskedAccuracy, counts.accuracy());
        vec![name.to_owned(), perplexity, accuracy, count(counts.words)]
    };
    let terms = (metrics.terms.words > 0).then(|| row("domain terms", &metrics.terms));
    let rows: Vec<Vec<String>> = std::iter::once(row("all words", &metrics.overall)).chain(terms).collect();
    let words = match metrics.objective {
        Objective::MaskedWords => "masked words",
        Objective::NextTokens => "next words",
    };
    table(&[words, ">perplexity", ">accuracy", ">words"], &rows)
}

/// Precision, recall and F1 of each label, and their averages.
fn metrics_table(metrics: &ClassificationMetrics) -> String {
    let figures = |name: &str, values: &PrecisionRecall, rows: u64| {
        let [precision, recall, f1] = [values.precision, values.recall, values.f1].map(|value| format!("{value:.3}"));
        vec![name.to_owned(), precision, recall, f1, count(rows)]
    };
    let mut rows: Vec<Vec<String>> = metrics
        .per_class
        .iter()
        .map(|class| {
            let values = PrecisionRecall { precision: class.precision, recall: class.recall, f1: class.f1 };
            figures(&class.label, &values, class.support)
        })
        .collect();
    rows.push(figures("macro average", &metrics.macro_average, metrics.rows));
    rows.push(figures("weighted average", &metrics.weighted_average, metrics.rows));
    rows.push(figures("micro average", &metrics.confusion.micro_average(), metrics.rows));
    table(&["label", ">precision", ">recall", ">F1", ">rows"], &rows)
}

/// The metrics over all rows that the tables above do not have, and what a temperature would do to the probabilities.
pub(super) fn overall_table(details: &ClassificationDetails) -> String {
    let is_above = |metric| matches!(metric, OverallMetric::MacroF1 | OverallMetric::WeightedF1);
    let row = |overall: &OverallScore| {
        let interval = overall.interval_95.map(|[low, high]| format!("{} to {}", score(low), score(high)));
        vec![overall.metric.title().to_owned(), score(overall.value), interval.unwrap_or_default()]
    };
    let rows: Vec<Vec<String>> = details.overall.iter().filter(|overall| !is_above(overall.metric)).map(row).collect();
    let tempered = details.calibration.as_ref().map(|calibration| {
        let rows = counted(calibration.fitted_on, "validation row", "validation rows");
        let [temperature, loss, error] =
            [calibration.temperature, calibration.log_loss, calibration.calibration_error].map(score);
        format!("With the temperature {temperature} (fitted on {rows}): log loss {loss}, calibration error {error}.\n")
    });
    table(&["metric", ">value", "95% interval"], &rows) + &tempered.unwrap_or_default()
}

/// The slices in which the model does worse by more than chance.
pub(super) fn slices_table(slices: &Slices) -> String {
    let compared = counted(slices.slices.len(), "slice", "slices");
    let rows: Vec<Vec<String>> = slices.worse().map(slice_row).collect();
    if rows.is_empty() {
        return format!("None of {compared} is worse than the other rows by more than chance.\n");
    }
    let head = ["worse slice", ">rows", ">accuracy", ">elsewhere", ">difference (95%)"];
    format!("{}Of {compared}; the intervals are corrected for that number.\n", table(&head, &rows))
}

fn slice_row(slice: &Slice) -> Vec<String> {
    let [low, high] = slice.difference.map(signed_score);
    vec![
        format!("{}: {}", slice.by, shortened(&slice.name, SLICE_WIDTH)),
        count(slice.rows.len()),
        score(slice.accuracy),
        score(slice.accuracy_elsewhere),
        format!("{low} to {high}"),
    ]
}

/// The confusion matrix, or its largest errors if there are many labels.
fn confusion_table(confusion: &ConfusionMatrix) -> String {
    if confusion.labels.len() > MATRIX_LABELS {
        return largest_errors(confusion);
    }
    let head: Vec<String> = std::iter::once("true \\ predicted".to_owned())
        .chain(confusion.labels.iter().map(|label| format!(">{}", shortened(label, HEAD_WIDTH))))
        .collect();
    let rows: Vec<Vec<String>> = confusion
        .labels
        .iter()
        .zip(&confusion.counts)
        .map(|(label, counts)| std::iter::once(label.clone()).chain(counts.iter().map(|&rows| count(rows))).collect())
        .collect();
    table(&head.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

fn largest_errors(confusion: &ConfusionMatrix) -> String {
    let mut errors: Vec<(u64, &str, &str)> = Vec::new();
    for (truth, counts) in confusion.counts.iter().enumerate() {
        for (predicted, &count) in counts.iter().enumerate() {
            if truth != predicted && count > 0 {
                errors.push((count, &confusion.labels[truth], &confusion.labels[predicted]));
            }
        }
    }
    errors.sort_by_key(|error| std::cmp::Reverse(error.0));
    let rows: Vec<Vec<String>> = errors
        .iter()
        .take(LISTED_ERRORS)
        .map(|(rows, truth, predicted)| vec![(*truth).to_owned(), (*predicted).to_owned(), count(*rows)])
        .collect();
    table(&["true label", "predicted label", ">rows"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confusion(labels: usize) -> ConfusionMatrix {
        let counts = (0..labels).map(|row| (0..labels).map(|column| (row * 1_000 + column) as u64).collect());
        ConfusionMatrix {
            labels: (0..labels).map(|label| format!("label {label}")).collect(),
            counts: counts.collect(),
        }
    }

    #[test]
    fn a_large_confusion_matrix_is_listed_by_its_largest_errors() {
        let expected = "true \\ predicted  label 0  label 1\n\
                        label 0                 0        1\n\
                        label 1             1,000    1,001\n";
        assert_eq!(confusion_table(&confusion(2)), expected);
        let large = confusion_table(&confusion(12));
        assert!(
            large.starts_with("true label  predicted label    rows\nlabel 11    label 10         11,010\n"),
            "{large}"
        );
        assert_eq!(large.lines().count(), 1 + LISTED_ERRORS);
    }

    #[test]
    fn control_characters_in_labels_are_not_printed() {
        let shown = table(&["label"], &[vec!["a\u{1b}[2Jb".to_owned()]]);
        assert_eq!(shown, "label\na\u{FFFD}[2Jb\n");
    }
}
