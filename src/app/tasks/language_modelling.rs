//! Evaluate for language modelling: perplexity and accuracy before and after training, and the hardest documents.

use egui::{Grid, ScrollArea, Ui};

use crate::app::tasks::EvaluatedRows;
use crate::app::theme::Theme;
use crate::app::widgets::{figure, section};
use crate::evaluation::{
    BaselineName, FEWEST_ROWS, Interval, LanguageModelMetrics, Metrics, Prediction, TermCounts, WordCounts,
};
use crate::project::{MetricName, Objective};
use crate::words::{count, one_line, percent_fine, perplexity, score};

/// Documents listed.
const LISTED: usize = 20;
/// Characters shown of each.
const SHOWN: usize = 300;
/// Terms listed.
const TERMS: usize = 30;

/// Metrics after training, and before it on the same documents.
#[derive(Clone, Copy)]
struct BeforeAfter<'a> {
    after: &'a LanguageModelMetrics,
    before: Option<&'a LanguageModelMetrics>,
}

/// What the words are that a model predicts, in the texts of the page.
struct Wording {
    /// After "of".
    of_the_words: &'static str,
    /// Of every word, before a comma.
    all: &'static str,
    /// As a heading of a column of numbers.
    words: &'static str,
    /// Of a term.
    times: &'static str,
    same: &'static str,
    terms: &'static str,
}

fn wording(objective: Objective) -> Wording {
    match objective {
        Objective::MaskedWords => Wording {
            of_the_words: "the masked words",
            all: "All masked words",
            words: "Masked words",
            times: "Masked",
            same: "On the same documents, with the same words masked",
            terms: "Words that are much more frequent in the training texts than elsewhere, where they were masked",
        },
        Objective::NextTokens => Wording {
            of_the_words: "the words, each from the text before it",
            all: "All words",
            words: "Words",
            times: "Occurrences",
            same: "On the same documents. Each token is predicted from those before it",
            terms: "Words that are much more frequent in the training texts than elsewhere",
        },
    }
}

/// Draws the metrics and the documents with the highest perplexity.
pub fn language_model_ui(ui: &mut Ui, theme: &Theme, shown: &EvaluatedRows<'_>, metrics: &LanguageModelMetrics) {
    let before = shown.comparison.and_then(|comparison| comparison.baseline(BaselineName::Untrained));
    let before = before.and_then(Metrics::language_modelling);
    let interval = shown.comparison.and_then(|comparison| comparison.interval);
    let both = BeforeAfter { after: metrics, before };
    section(ui, theme, "How good is it?", "", |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = theme.space.xl;
            let overall = &metrics.overall;
            let value = perplexity(overall.perplexity());
            figure(ui, theme, MetricName::Perplexity.title(), &value, MetricName::Perplexity.explanation());
            figure(
                ui,
                theme,
                MetricName::MaskedAccuracy.title(),
                &percent_fine(overall.accuracy()),
                MetricName::MaskedAccuracy.explanation(),
            );
            figure(ui, theme, "Loss", &score(overall.loss()), MetricName::Loss.explanation());
        });
        ui.add_space(theme.space.s);
        if shown.comparison.is_some() {
            ui.label(theme.muted(interval_in_words(interval, metrics))).on_hover_text(
                "The range that would contain perplexity in 95 of 100 samples of similar documents (bootstrap over the \
                 documents)",
            );
        }
        for sentence in sentences(both, &shown.rows) {
            ui.add(egui::Label::new(sentence).wrap());
        }
    });
    let wording = wording(metrics.objective);
    section(ui, theme, "Before and after", wording.same, |ui| {
        comparison_ui(ui, theme, both);
    });
    if metrics.terms.words > 0 && !metrics.by_term.is_empty() {
        section(ui, theme, "Domain terms", wording.terms, |ui| terms_ui(ui, theme, both));
    }
    section(ui, theme, "Hardest documents", "Documents with the highest perplexity after training", |ui| {
        documents_ui(ui, theme, shown.predictions);
    });
}

fn interval_in_words(interval: Option<Interval>, metrics: &LanguageModelMetrics) -> String {
    match interval.filter(|interval| interval.metric == MetricName::Perplexity) {
        Some(Interval { low, high, .. }) => {
            format!("95% interval of perplexity: {} to {}", perplexity(low), perplexity(high))
        }
        None if metrics.documents < FEWEST_ROWS => "Too few documents for an interval of perplexity".to_owned(),
        None => "No interval of perplexity was computed".to_owned(),
    }
}

/// What the metrics mean, in sentences.
fn sentences(BeforeAfter { after: metrics, before }: BeforeAfter<'_>, rows: &str) -> Vec<String> {
    let mut out = vec![format!(
        "On {} {rows}, the model predicts {} of {}.",
        count(metrics.documents),
        percent_fine(metrics.overall.accuracy()),
        wording(metrics.objective).of_the_words,
    )];
    let Some(before) = before else { return out };
    out.push(change("Perplexity", &before.overall, &metrics.overall));
    if metrics.terms.words > 0 {
        out.push(change("Perplexity of the domain terms", &before.terms, &metrics.terms));
    }
    out
}

fn change(what: &str, before: &WordCounts, after: &WordCounts) -> String {
    let (from, to) = (before.perplexity(), after.perplexity());
    let fell = to < from;
    let (from, to) = (perplexity(from), perplexity(to));
    if fell {
        format!("{what} fell from {from} to {to}: the model knows these texts better than before.")
    } else {
        format!(
            "{what} did not fall ({from} before, {to} after). Try more texts, more epochs or a lower learning rate."
        )
    }
}

fn comparison_ui(ui: &mut Ui, theme: &Theme, BeforeAfter { after, before }: BeforeAfter<'_>) {
    let wording = wording(after.objective);
    let mut rows: Vec<(&str, &str, &WordCounts)> = Vec::new();
    rows.extend(before.map(|before| (wording.all, "before", &before.overall)));
    rows.push((wording.all, "after", &after.overall));
    if after.terms.words > 0 {
        rows.extend(before.map(|before| ("Domain terms", "before", &before.terms)));
        rows.push(("Domain terms", "after", &after.terms));
    }
    sideways("before and after").show(ui, |ui| {
        Grid::new("before and after").num_columns(4).spacing([theme.space.xl, theme.space.s]).show(ui, |ui| {
            for head in ["", "Perplexity", "Accuracy", wording.words] {
                ui.label(theme.small(head));
            }
            ui.end_row();
            for (name, when, counts) in rows {
                ui.label(format!("{name}, {when}"));
                ui.label(theme.strong(perplexity(counts.perplexity())));
                ui.label(percent_fine(counts.accuracy()));
                ui.label(theme.muted(count(counts.words)));
                ui.end_row();
            }
        });
    });
}

/// The terms that were predicted most often, with what was predicted before and after training.
fn terms_ui(ui: &mut Ui, theme: &Theme, BeforeAfter { after, before }: BeforeAfter<'_>) {
    let heads = [
        "Term",
        wording(after.objective).times,
        "Correct before",
        "Correct after",
        "Perplexity before",
        "Perplexity after",
    ];
    sideways("domain terms").show(ui, |ui| {
        Grid::new("domain terms").num_columns(heads.len()).spacing([theme.space.xl, theme.space.xs]).show(ui, |ui| {
            for head in heads {
                ui.label(theme.small(head));
            }
            ui.end_row();
            for TermCounts { term, counts } in most_masked(after) {
                let before = before.and_then(|before| before.term(term));
                ui.label(term);
                ui.label(count(counts.words));
                ui.label(before.map(|before| count(before.correct)).unwrap_or_default());
                ui.label(theme.strong(count(counts.correct)));
                ui.label(before.map(|before| perplexity(before.perplexity())).unwrap_or_default());
                ui.label(theme.strong(perplexity(counts.perplexity())));
                ui.end_row();
            }
        });
    });
}

/// Room for a table that may be wider than the card: it scrolls.
fn sideways(name: &str) -> ScrollArea {
    ScrollArea::horizontal().id_salt((name, "sideways")).auto_shrink([false, true])
}

/// The terms that were predicted most often; of equally many, the most telling first.
fn most_masked(metrics: &LanguageModelMetrics) -> Vec<&TermCounts> {
    let mut terms: Vec<&TermCounts> = metrics.masked_terms().collect();
    terms.sort_by_key(|term| std::cmp::Reverse(term.counts.words));
    terms.truncate(TERMS);
    terms
}

fn documents_ui(ui: &mut Ui, theme: &Theme, predictions: &[Prediction]) {
    let hardest = hardest(predictions);
    if hardest.is_empty() {
        ui.label(theme.muted("No documents"));
        return;
    }
    Grid::new("hardest documents").num_columns(2).spacing([theme.space.xl, theme.space.xs]).show(ui, |ui| {
        for (loss, prediction) in hardest {
            ui.label(theme.strong(perplexity(loss.exp())));
            let text = one_line(&prediction.text, SHOWN);
            ui.add(egui::Label::new(text).truncate()).on_hover_text(prediction.id.to_string());
            ui.end_row();
        }
    });
}

/// Mean loss of the documents with the highest one, and the documents.
fn hardest(predictions: &[Prediction]) -> Vec<(f64, &Prediction)> {
    let loss = |prediction: &Prediction| {
        prediction.answer.words().filter(|words| words.overall.tokens > 0).map(|words| words.overall.loss())
    };
    let mut documents: Vec<(f64, &Prediction)> =
        predictions.iter().filter_map(|prediction| Some((loss(prediction)?, prediction))).collect();
    documents.sort_by(|a, b| b.0.total_cmp(&a.0));
    documents.truncate(LISTED);
    documents
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::messages::CommandSender;
    use crate::app::tasks::{EvaluatedRowsState, evaluated_rows_ui};
    use crate::app::testing;
    use crate::data::Target;
    use crate::evaluation::{Answer, Baseline, WordsAnswer};
    use crate::storage::RunComparison;

    fn metrics(nats: f64) -> LanguageModelMetrics {
        let overall = WordCounts { tokens: 100, nats, words: 80, correct: 40 };
        LanguageModelMetrics { documents: 12, overall, ..LanguageModelMetrics::default() }
    }

    fn prediction(record: u64, nats: f64) -> Prediction {
        let overall = WordCounts { tokens: 10, nats, words: 8, correct: 4 };
        let answer = Answer::Words(WordsAnswer { overall, terms: WordCounts::default() });
        let id = format!("main:{record}").parse().unwrap();
        Prediction { id, key: None, text: format!("document {record}"), target: Target::None, answer }
    }

    #[test]
    fn perplexity_before_and_after_is_compared() {
        let theme = testing::theme(false);
        let after = Metrics::LanguageModelling(metrics(200.0));
        let before = Baseline::alone(BaselineName::Untrained, Metrics::LanguageModelling(metrics(300.0)));
        let comparison = RunComparison { interval: None, baselines: vec![before] };
        let predictions = [prediction(1, 10.0), prediction(2, 30.0)];
        let shown = EvaluatedRows {
            metrics: &after,
            details: None,
            slices: None,
            predictions: &predictions,
            labels: &[],
            comparison: Some(&comparison),
            rows: "validation rows".to_owned(),
            run: "r",
            can_be_reviewed: false,
        };
        let mut harness = testing::window(false, (), |ui, ()| {
            let (mut state, mut sender) = (EvaluatedRowsState::default(), CommandSender::default());
            evaluated_rows_ui(ui, &theme, &shown, &mut state, &mut sender);
        });
        harness.run();
        harness.get_by_label("On 12 validation rows, the model predicts 50.0% of the masked words.");
        harness.get_by_label("Perplexity fell from 20.09 to 7.39: the model knows these texts better than before.");
        assert!(harness.query_by_label("Domain terms, after").is_none(), "no term was masked");
        let order: Vec<u64> = hardest(&predictions).iter().map(|(_, prediction)| prediction.id.record).collect();
        assert_eq!(order, [2, 1]);
    }

    #[test]
    fn terms_are_listed_with_what_was_predicted_before_and_after() {
        let term = |name: &str, words: u64, correct: u64, nats: f64| TermCounts {
            term: name.to_owned(),
            counts: WordCounts { tokens: 10, nats, words, correct },
        };
        let with_terms = |terms: [TermCounts; 3]| LanguageModelMetrics {
            terms: WordCounts { tokens: 20, nats: 40.0, words: 8, correct: 5 },
            by_term: terms.into(),
            ..metrics(200.0)
        };
        let before = with_terms([term("lien", 2, 0, 30.0), term("proviso", 0, 0, 0.0), term("lessee", 6, 1, 40.0)]);
        let after = with_terms([term("lien", 2, 1, 10.0), term("proviso", 0, 0, 0.0), term("lessee", 6, 4, 20.0)]);
        let names: Vec<&str> = most_masked(&after).iter().map(|term| term.term.as_str()).collect();
        assert_eq!(names, ["lessee", "lien"], "a term that was never masked is not listed");
        let theme = testing::theme(false);
        let mut harness = testing::window(false, (), |ui, ()| {
            terms_ui(ui, &theme, BeforeAfter { after: &after, before: Some(&before) });
        });
        harness.run();
        harness.get_by_label("54.60");
        harness.get_by_label("20.09");
        harness.get_by_label("Correct after");
    }

    #[test]
    fn the_interval_of_perplexity_is_shown_if_there_are_enough_documents() {
        let interval = Interval { metric: MetricName::Perplexity, low: 6.5, high: 8.25 };
        assert_eq!(interval_in_words(Some(interval), &metrics(200.0)), "95% interval of perplexity: 6.50 to 8.25");
        assert!(interval_in_words(None, &metrics(200.0)).starts_with("Too few documents"));
    }

    #[test]
    fn a_model_that_got_worse_is_said_to_be() {
        let both = BeforeAfter { after: &metrics(300.0), before: Some(&metrics(200.0)) };
        let text = sentences(both, "test rows").join(" ");
        assert!(text.contains("did not fall (7.39 before, 20.09 after)"), "{text}");
    }
}
