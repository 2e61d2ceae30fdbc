//! The parts of the card that depend on the task: its first sentence, the metrics the Hub reads, the results, and how
//! to use it.

use std::fmt::{self, Write};

use crate::evaluation::{
    BaselineName, ClassificationMetrics, Interval, LanguageModelMetrics, Metrics, TermCounts, WordCounts,
};
use crate::export::adapter_code::adapter_code;
use crate::export::model_card::calibrated::Calibrated;
use crate::export::model_card::quoting::{data_name, quoted};
use crate::export::sentence_code::sentence_code;
use crate::project::Objective;
use crate::storage::{RunComparison, RunSettings, RunSummary};
use crate::words::collapsed;

/// Most domain terms named, and most whose scores are listed.
const TERMS_NAMED: usize = 50;
const TERMS_SCORED: usize = 20;

/// The rows a card reports on, and what is known of them.
#[derive(Clone, Copy)]
pub(in crate::export) struct Results<'a> {
    pub settings: &'a RunSettings,
    pub summary: &'a RunSummary,
    pub comparison: &'a RunComparison,
    /// The temperature of a classifier, if it has one.
    pub calibrated: Option<Calibrated<'a>>,
    /// Whether the folder holds an adapter alone.
    pub is_adapter: bool,
}

impl<'a> Results<'a> {
    fn metrics(&self) -> &'a Metrics {
        self.summary.measured()
    }

    fn split(&self) -> &'static str {
        if self.summary.test.is_some() { "test" } else { "validation" }
    }

    /// The Hub's name of the task: `pipeline_tag`.
    pub fn pipeline_tag(&self) -> &'static str {
        match self.metrics() {
            Metrics::Classification(_) => "text-classification",
            Metrics::LanguageModelling(metrics) => match metrics.objective {
                Objective::MaskedWords => "fill-mask",
                Objective::NextTokens => "text-generation",
            },
        }
    }

    /// What the model is, before "fine-tuned from".
    pub fn kind(&self) -> String {
        match self.metrics() {
            Metrics::Classification(_) => {
                format!("A text classifier with {} labels, fine-tuned", self.settings.labels.len())
            }
            Metrics::LanguageModelling(metrics) => {
                let kind = match metrics.objective {
                    Objective::MaskedWords => "A masked language model",
                    Objective::NextTokens => "A causal language model",
                };
                format!("{kind}, obtained by continued pre-training")
            }
        }
    }

    /// The `model-index` that the Hub shows; nothing if the run lost its metrics.
    pub fn write_index(&self, card: &mut String) -> fmt::Result {
        if self.metrics().rows() == 0 {
            return Ok(());
        }
        let (tags, title, values) = match self.metrics() {
            Metrics::Classification(metrics) => ("- accuracy\n- f1", "Text classification", class_values(metrics)),
            Metrics::LanguageModelling(metrics) => {
                let title = match metrics.objective {
                    Objective::MaskedWords => "Fill mask",
                    Objective::NextTokens => "Text generation",
                };
                ("- perplexity", title, language_values(metrics))
            }
        };
        let name = quoted(&self.settings.project.name);
        writeln!(card, "metrics:\n{tags}\nmodel-index:\n- name: {name}\n  results:")?;
        writeln!(card, "  - task:\n      type: {}\n      name: {title}", self.pipeline_tag())?;
        let data = quoted(&data_name(self.settings));
        writeln!(card, "    dataset:\n      type: private\n      name: {data}\n      split: {}", self.split())?;
        writeln!(card, "    metrics:")?;
        for (kind, shown, value) in values {
            writeln!(card, "    - type: {kind}\n      name: {shown}\n      value: {value:.6}")?;
        }
        Ok(())
    }

    /// The section of results.
    pub fn write(&self, card: &mut String) -> fmt::Result {
        writeln!(card, "## Results\n")?;
        let rows = self.metrics().rows();
        if rows == 0 {
            writeln!(card, "The run crashed and lost its metrics. Evaluate the model on your own rows.\n")?;
            return self.write_labels(card);
        }
        let optimistic = if self.summary.test.is_some() {
            ""
        } else {
            "; these were also used to pick the checkpoint, so the metrics are optimistic"
        };
        writeln!(card, "On the {rows} {} rows, which the model was not trained on{optimistic}:\n", self.split())?;
        match self.metrics() {
            Metrics::Classification(metrics) => self.write_classes(card, metrics)?,
            Metrics::LanguageModelling(metrics) => self.write_predicted_words(card, metrics)?,
        }
        self.write_labels(card)
    }

    fn write_classes(&self, card: &mut String, metrics: &ClassificationMetrics) -> fmt::Result {
        writeln!(card, "| | precision | recall | F1 | rows |\n| --- | --- | --- | --- | --- |")?;
        for class in &metrics.per_class {
            let label = collapsed(&class.label).replace('|', "\\|");
            let (precision, recall, f1) = (class.precision, class.recall, class.f1);
            writeln!(card, "| {label} | {precision:.3} | {recall:.3} | {f1:.3} | {} |", class.support)?;
        }
        for (name, mean) in [("macro average", metrics.macro_average), ("weighted average", metrics.weighted_average)] {
            let (precision, recall, f1) = (mean.precision, mean.recall, mean.f1);
            writeln!(card, "| {name} | {precision:.3} | {recall:.3} | {f1:.3} | {} |", metrics.rows)?;
        }
        writeln!(card, "\nAccuracy {:.4}, mean cross-entropy {:.4}.", metrics.accuracy, metrics.loss)?;
        if let Some(calibrated) = self.calibrated {
            calibrated.write_results(card, metrics)?;
        }
        for baseline in &self.comparison.baselines {
            if let Metrics::Classification(metrics) = &baseline.metrics {
                let (accuracy, f1) = (metrics.accuracy, metrics.macro_average.f1);
                let name = baseline.name.title();
                writeln!(card, "{name}: accuracy {accuracy:.4}, macro F1 {f1:.4}.")?;
            }
        }
        if let (Some(_), Metrics::Classification(validation)) = (&self.summary.test, &self.summary.validation) {
            let (rows, accuracy, f1) = (validation.rows, validation.accuracy, validation.macro_average.f1);
            writeln!(card, "On the {rows} validation rows: accuracy {accuracy:.4}, macro F1 {f1:.4}.")?;
        }
        Ok(())
    }

    fn write_predicted_words(&self, card: &mut String, metrics: &LanguageModelMetrics) -> fmt::Result {
        let before = self.comparison.baseline(BaselineName::Untrained).and_then(Metrics::language_modelling);
        let words = match metrics.objective {
            Objective::MaskedWords => "masked-word accuracy | masked words",
            Objective::NextTokens => "word accuracy | words",
        };
        writeln!(card, "| | perplexity | {words} |\n| --- | --- | --- | --- |")?;
        let mut row = |name: &str, counts: &WordCounts| {
            let (perplexity, accuracy) = (counts.perplexity(), counts.accuracy());
            writeln!(card, "| {name} | {perplexity:.2} | {accuracy:.3} | {} |", counts.words)
        };
        if let Some(before) = before {
            row("before training", &before.overall)?;
        }
        row("after training", &metrics.overall)?;
        if metrics.terms.words > 0 {
            if let Some(before) = before {
                row("domain terms, before training", &before.terms)?;
            }
            row("domain terms, after training", &metrics.terms)?;
        }
        if let Some(Interval { low, high, .. }) = self.comparison.interval {
            let how = "(bootstrap over the documents)";
            writeln!(card, "\nThe 95% interval of the perplexity after training is {low:.2} to {high:.2} {how}.")?;
        }
        self.write_words(card)?;
        write_terms(card, metrics, before)
    }

    /// The words that were added to the vocabulary.
    fn write_words(&self, card: &mut String) -> fmt::Result {
        let words = self.settings.project.language_modelling().map_or(&[][..], |settings| &settings.new_words);
        if words.is_empty() {
            return Ok(());
        }
        let words: Vec<String> = words.iter().map(|word| collapsed(word)).collect();
        writeln!(card, "\nWords added to the vocabulary: {}.", words.join(", "))
    }

    fn write_labels(&self, card: &mut String) -> fmt::Result {
        if self.settings.labels.is_empty() {
            return writeln!(card);
        }
        writeln!(card, "\nLabels, in the order of the logits: {}.\n", self.settings.labels.join(", "))
    }

    /// The section on how to use the model.
    pub fn write_usage(&self, card: &mut String) -> fmt::Result {
        if self.is_adapter {
            let objective = match self.metrics() {
                Metrics::Classification(_) => Objective::default(),
                Metrics::LanguageModelling(metrics) => metrics.objective,
            };
            let code = adapter_code(self.settings, objective, "\"path/to/this/folder\"");
            writeln!(
                card,
                "## How to use it\n\nWith [peft](https://huggingface.co/docs/peft), on its base model:\n\n```python\n{code}\n```"
            )?;
            if self.metrics().classification().is_none() {
                return Ok(());
            }
            let logits = if self.settings.embedding_pooling().is_some() { "scores" } else { "model(**tokens).logits" };
            self.calibrated.map_or(Ok(()), |calibrated| calibrated.write_division(card, logits))?;
            return self.write_usage_in_hone(card);
        }
        if self.settings.embedding_pooling().is_some() {
            let code = sentence_code(&self.settings.labels, "\"path/to/this/folder\"", "your text");
            writeln!(
                card,
                "## How to use it\n\nWith [sentence-transformers](https://sbert.net), from this folder:\n\n```python\n{code}\n```"
            )?;
            self.calibrated.map_or(Ok(()), |calibrated| calibrated.write_division(card, "scores"))?;
            return self.write_usage_in_hone(card);
        }
        let length = self.settings.project.training.max_length;
        let (pipeline, arguments, call) = match self.metrics() {
            Metrics::Classification(_) => {
                let call = format!("print(classify(\"your text\", truncation=True, max_length={length}))");
                ("classify", ", top_k=None", call)
            }
            Metrics::LanguageModelling(metrics) if metrics.objective == Objective::NextTokens => {
                let call = "print(generate(\"How your text begins\", max_new_tokens=40)[0][\"generated_text\"])";
                ("generate", "", call.to_owned())
            }
            Metrics::LanguageModelling(_) => {
                let call = "print(fill_mask(f\"Your text with one {fill_mask.tokenizer.mask_token} word.\"))";
                ("fill_mask", "", call.to_owned())
            }
        };
        writeln!(
            card,
            "## How to use it\n\nWith [transformers](https://huggingface.co/docs/transformers), from this folder:\n\n\
             ```python\nfrom transformers import pipeline\n\n\
             {pipeline} = pipeline(\"{}\", model=\"path/to/this/folder\"{arguments})\n{call}\n```",
            self.pipeline_tag()
        )?;
        if self.metrics().classification().is_none() {
            return Ok(());
        }
        self.calibrated.map_or(Ok(()), |calibrated| calibrated.write_python(card, length))?;
        self.write_usage_in_hone(card)
    }

    fn write_usage_in_hone(&self, card: &mut String) -> fmt::Result {
        // With --text, joined columns may be missing, but the model was trained to read them.
        let named = if self.settings.project.dataset.joined_columns().next().is_none() { " --text text" } else { "" };
        let is_kept = self.calibrated.is_some_and(|calibrated| calibrated.is_kept);
        let calibrates = if is_kept { ", and calibrates the probabilities" } else { "" };
        writeln!(
            card,
            "\nWith Hone, which also cleans each text in the same way as the training texts{calibrates}:\n\n\
             ```sh\nhone predict path/to/this/folder texts.csv{named} --out predictions.csv\n```"
        )
    }
}

/// The domain's own terms, and how well those were predicted that were asked for most often.
fn write_terms(
    card: &mut String,
    metrics: &LanguageModelMetrics,
    before: Option<&LanguageModelMetrics>,
) -> fmt::Result {
    if metrics.by_term.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = metrics.by_term.iter().take(TERMS_NAMED).map(|term| term.term.as_str()).collect();
    let more = metrics.by_term.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    writeln!(
        card,
        "\nDomain terms, which are much more frequent in the training texts than elsewhere: {}{more}.",
        names.join(", ")
    )?;
    let mut masked: Vec<&TermCounts> = metrics.masked_terms().collect();
    masked.sort_by_key(|term| std::cmp::Reverse(term.counts.words));
    if masked.is_empty() {
        return Ok(());
    }
    let times = match metrics.objective {
        Objective::MaskedWords => "masked",
        Objective::NextTokens => "occurrences",
    };
    writeln!(card, "\n| term | {times} | correct before | correct after | perplexity before | perplexity after |")?;
    writeln!(card, "| --- | --- | --- | --- | --- | --- |")?;
    for TermCounts { term, counts } in masked.into_iter().take(TERMS_SCORED) {
        let before = before.and_then(|before| before.term(term));
        let correct = before.map(|before| before.correct.to_string()).unwrap_or_default();
        let perplexity = before.map(|before| format!("{:.2}", before.perplexity())).unwrap_or_default();
        let (words, right, after) = (counts.words, counts.correct, counts.perplexity());
        writeln!(card, "| {term} | {words} | {correct} | {right} | {perplexity} | {after:.2} |")?;
    }
    Ok(())
}

/// Kind, name and value of each metric that the Hub shows.
type Values = Vec<(&'static str, &'static str, f64)>;

fn class_values(metrics: &ClassificationMetrics) -> Values {
    vec![
        ("accuracy", "Accuracy", metrics.accuracy),
        ("f1", "Macro F1", metrics.macro_average.f1),
        ("precision", "Macro precision", metrics.macro_average.precision),
        ("recall", "Macro recall", metrics.macro_average.recall),
    ]
}

fn language_values(metrics: &LanguageModelMetrics) -> Values {
    let (perplexity, accuracy) = match metrics.objective {
        Objective::MaskedWords => ("Perplexity at masked tokens", "Accuracy at masked words"),
        Objective::NextTokens => ("Perplexity", "Accuracy of words"),
    };
    vec![("perplexity", perplexity, metrics.overall.perplexity()), ("accuracy", accuracy, metrics.overall.accuracy())]
}
