//! The first page: whether the model is good, and what it was trained on.

use chrono::DateTime;

use crate::chart::{Axis, DotPlot, DotRow};
use crate::evaluation::{
    BaselineName, ClassificationMetrics, Headline, LanguageModelMetrics, Metrics, RunDifference, Verdict,
};
use crate::export::model_card::{Base, file_name};
use crate::export::report::document::{Block, Figure, Picture, Section, Table, Tone};
use crate::export::report::source::ReportOf;
use crate::project::{ColumnRole, MetricName, TaskKind};
use crate::words::{
    count, counted, duration, full_stop, joined, lower_first, of_hundred, percent_fine, perplexity, score, shortened,
};

/// Width of a picture that takes the whole width.
pub(super) const WIDE: f64 = 816.0;
/// Most labels that are named.
const LABELS: usize = 30;

/// Which run it is, when it was trained, and what of the model.
pub(super) fn subtitle(of: &ReportOf<'_>) -> String {
    let trained = of.settings.project.trained_in_words();
    format!("{} · {} · {trained}", of.name(), day(of.summary.started_at))
}

/// The day and time of a moment (seconds since 1970) in universal time.
fn day(moment: u64) -> String {
    let moment = i64::try_from(moment).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    moment.map_or_else(|| "an unknown day".to_owned(), |moment| moment.format("%-d %B %Y, %H:%M UTC").to_string())
}

/// Whether the model is good.
pub(super) fn section(of: &ReportOf<'_>) -> Section {
    let judgement = of.judge();
    let tone = match judgement.verdict {
        Verdict::Good => Tone::Good,
        Verdict::Unclear => Tone::Unclear,
        Verdict::NotUseful => Tone::Bad,
    };
    let title = judgement.verdict.title().to_owned();
    let mut blocks = vec![Block::Callout { tone, title, text: full_stop(&judgement.says) }];
    let mut more = match of.metrics() {
        Metrics::Classification(metrics) => classes(of, metrics, &mut blocks),
        Metrics::LanguageModelling(metrics) => {
            blocks.push(words(of, metrics));
            Vec::new()
        }
    };
    if of.summary.test.is_none() {
        more.push(
            "The run has no test set. These rows also chose the checkpoint, so the metrics are optimistic.".to_owned(),
        );
    }
    more.extend(of.difference.map(RunDifference::says));
    more.extend(judgement.next.map(|next| format!("What would most likely help: {}.", lower_first(&next.title()))));
    if !more.is_empty() {
        blocks.push(Block::List(more));
    }
    Section { title: "How good is it?".to_owned(), blocks }
}

/// The headline of a classifier. Returns what else there is to say, a sentence for each.
fn classes(of: &ReportOf<'_>, metrics: &ClassificationMetrics, blocks: &mut Vec<Block>) -> Vec<String> {
    let rows = if of.summary.test.is_some() { "test rows that the model has never seen" } else { "validation rows" };
    let headline = Headline::of(metrics, of.comparison.interval, &of.comparison.baselines, rows);
    let mut sentences = headline.sentences().into_iter();
    let first = sentences.next().unwrap_or_default();
    let interval = headline.interval.map(|(low, high)| format!("95% interval {} to {}", score(low), score(high)));
    let figures = vec![
        Figure {
            value: of_hundred(metrics.accuracy),
            name: "predictions are right".to_owned(),
            note: format!("Accuracy {}", percent_fine(metrics.accuracy)),
        },
        Figure {
            value: score(metrics.macro_average.f1),
            name: "macro-F1".to_owned(),
            note: interval.unwrap_or_else(|| "Too few rows for an interval".to_owned()),
        },
        Figure { value: count(metrics.rows), name: of.rows_in_words().to_owned(), note: String::new() },
    ];
    blocks.extend([Block::Paragraph(first), Block::Figures(figures)]);
    blocks.push(Block::Pictures(vec![beside_baselines(of, headline)]));
    sentences.collect()
}

/// The model's macro-F1 above those of the baselines.
fn beside_baselines(of: &ReportOf<'_>, headline: Headline<'_>) -> Picture {
    let f1 = headline.metrics.macro_average.f1;
    let interval = headline.interval.map(|(low, high)| [low, high]);
    let mut rows = vec![DotRow {
        name: "This model".to_owned(),
        value: f1,
        interval,
        says: with_interval(&score(f1), interval.map(|ends| ends.map(score))),
        is_main: true,
    }];
    let baselines = [
        (BaselineName::Instant, "Instant (before training)"),
        (BaselineName::TfIdf, "TF-IDF (counts words)"),
        (BaselineName::MajorityClass, "Majority (one label)"),
    ];
    for (name, title) in baselines {
        let metrics = of.comparison.baseline(name).and_then(Metrics::classification);
        let Some(value) = metrics.map(|metrics| metrics.macro_average.f1) else { continue };
        rows.push(DotRow { name: title.to_owned(), value, interval: None, says: score(value), is_main: false });
    }
    let said: Vec<String> = rows.iter().map(|row| format!("{} {}", row.name, row.says)).collect();
    let cells = rows.iter().map(|row| vec![row.name.clone().into(), row.says.clone().into()]).collect();
    let x = Axis { ends: Some([0.0, 1.0]), ..Axis::default() };
    let title = "Macro-F1 beside the baselines".to_owned();
    let plot = DotPlot { title, x, rows, width: WIDE, description: joined(&said) };
    Picture {
        drawing: plot.drawing(),
        caption: "Macro-F1 is the mean F1 of all labels, from 0 to 1. The bar is the 95% interval: with other rows of the same \
                  kind, the score would most likely be within it."
            .to_owned(),
        table: Some(Table::new(&["Macro-F1 of", ">value (95% interval)"], cells)),
    }
}

/// A value with its interval: `0.812 (0.742 to 0.871)`.
pub(super) fn with_interval(value: &str, interval: Option<[String; 2]>) -> String {
    interval.map_or_else(|| value.to_owned(), |[low, high]| format!("{value} ({low} to {high})"))
}

fn words(of: &ReportOf<'_>, metrics: &LanguageModelMetrics) -> Block {
    let overall = &metrics.overall;
    let interval = of.comparison.interval.filter(|interval| interval.metric == MetricName::Perplexity);
    let interval = interval.map(|ends| format!("95% interval {} to {}", perplexity(ends.low), perplexity(ends.high)));
    let before = of.comparison.baseline(BaselineName::Untrained).and_then(Metrics::language_modelling);
    let before = before.map(|before| perplexity(before.overall.perplexity()));
    let mut figures = vec![Figure {
        value: perplexity(overall.perplexity()),
        name: "perplexity".to_owned(),
        note: interval.unwrap_or_else(|| "Lower is better".to_owned()),
    }];
    figures.extend(before.map(|value| Figure {
        value,
        name: "perplexity before training".to_owned(),
        note: String::new(),
    }));
    figures.push(Figure {
        value: percent_fine(overall.accuracy()),
        name: "words predicted exactly".to_owned(),
        note: String::new(),
    });
    let documents = Figure { value: count(metrics.documents), name: "documents".to_owned(), note: String::new() };
    figures.push(Figure { note: of.rows_in_words().to_owned(), ..documents });
    Block::Figures(figures)
}

/// What was trained on what, when and where.
pub(super) fn what_was_trained(of: &ReportOf<'_>) -> Section {
    let (settings, summary) = (of.settings, of.summary);
    let project = &settings.project;
    let dataset = &project.dataset;
    let files: Vec<String> = dataset.files().map(|path| file_name(path)).collect();
    let columns = |role: ColumnRole| {
        let names: Vec<&str> =
            dataset.columns.iter().filter(|(_, own)| *own == role).map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    };
    let [train, validation, test] = settings.rows.map(|rows| count(rows as u64));
    let base = Base::of(&project.model);
    let known: Vec<String> =
        base.repo.into_iter().chain([format!("licence {}", base.licence)]).filter(|known| !known.is_empty()).collect();
    let task = match project.task.kind() {
        TaskKind::TextClassification => "Predict one label for each text",
        TaskKind::LanguageModelling => "Adapt a language model to texts (continued pre-training)",
    };
    let read: Vec<&str> = dataset.read_columns().collect();
    let mut facts = vec![
        ("Task", task.to_owned()),
        (if files.len() == 1 { "Data file" } else { "Data files" }, files.join(", ")),
        ("Texts from", read.join(", ")),
        ("Labels from", columns(ColumnRole::Label)),
        ("Rows", format!("{train} training, {validation} validation, {test} test")),
        ("Labels", labels(&settings.labels)),
        ("Model", format!("{} ({})", project.model.name(), known.join(", "))),
        ("Trained", project.training.trained_layers.in_words()),
        ("When", day(summary.started_at)),
        ("Training time", duration(summary.train_seconds)),
        ("Device", summary.device.clone()),
        ("Seed", project.training.seed.to_string()),
        ("Version", format!("Hone {}", settings.hone_version)),
        ("Hash of the rows", format!("{} (in full at the end)", shortened(&settings.data_hash, 17))),
        ("Note", of.notes.note.clone()),
        ("Tags", of.notes.tags.iter().cloned().collect::<Vec<_>>().join(", ")),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Section { title: "What was trained".to_owned(), blocks: vec![Block::Facts(facts)] }
}

fn labels(labels: &[String]) -> String {
    let named = labels.iter().take(LABELS).map(String::as_str).collect::<Vec<_>>().join(", ");
    match labels.len().saturating_sub(LABELS) {
        0 => named,
        more => format!("{named} and {} (all are in the table below)", counted(more, "other", "others")),
    }
}
