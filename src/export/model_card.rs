//! `README.md` of an exported model: a Hugging Face model card with its metrics and settings.

mod calibrated;
mod quoting;
mod results;

use std::fmt::{self, Write};

pub(super) use calibrated::Calibrated;
pub(super) use quoting::file_name;
pub(super) use results::Results;

use crate::evaluation::Metrics;
use crate::fetch::{Catalogue, Source};
use crate::project::{
    ClassWeights, CleaningSettings, HubModel, LoraSettings, ModelChoice, Objective, PROBE_STRENGTHS, Pattern, Task,
    TrainedLayers,
};
use crate::storage::{RunSettings, RunSummary, StopReason};
use crate::words::collapsed;

/// The name of the person's own patterns among the cleaning steps.
const PATTERNS: &str = "custom find-and-replace patterns";
/// Most patterns listed.
const PATTERNS_SHOWN: usize = 20;

/// The card of a whole model or of an adapter alone.
pub(super) fn text(results: &Results<'_>) -> String {
    let mut card = String::new();
    // Writing to a string cannot fail.
    let _ = write_card(&mut card, *results);
    card
}

fn write_card(card: &mut String, results: Results<'_>) -> fmt::Result {
    let settings = results.settings;
    let base = Base::of(&settings.project.model);
    header(card, results, &base)?;
    writeln!(card, "# {}\n", collapsed(&settings.project.name))?;
    writeln!(card, "{} from {} with Hone {}.\n", results.kind(), base.shown, settings.hone_version)?;
    results.write(card)?;
    data(card, settings)?;
    training(card, settings, results.summary)?;
    results.write_usage(card)
}

/// The YAML that the Hub reads. Texts are written as JSON strings, which are valid YAML.
fn header(card: &mut String, results: Results<'_>, base: &Base) -> fmt::Result {
    writeln!(card, "---\nlicense: {}", base.licence)?;
    if let Some(repo) = &base.repo {
        writeln!(card, "base_model: {repo}")?;
    }
    let tag = results.pipeline_tag();
    let reads_embeddings = results.settings.embedding_pooling().is_some();
    let library = match (results.is_adapter, reads_embeddings) {
        (true, _) => "peft",
        (false, true) => "sentence-transformers",
        (false, false) => "transformers",
    };
    writeln!(card, "pipeline_tag: {tag}\nlibrary_name: {library}\ntags:\n- {tag}\n- hone")?;
    results.write_index(card)?;
    writeln!(card, "---\n")
}

fn data(card: &mut String, settings: &RunSettings) -> fmt::Result {
    let [train, validation, test] = settings.rows;
    let dataset = &settings.project.dataset;
    writeln!(card, "## Training data\n")?;
    let files: Vec<String> = dataset.main_files().map(|path| format!("`{}`", file_name(path))).collect();
    writeln!(card, "- {}: {}", if files.len() == 1 { "file" } else { "files" }, files.join(", "))?;
    let read: Vec<&str> = dataset.read_columns().collect();
    let text = match read.as_slice() {
        [] => "no text column".to_owned(),
        [text] => format!("text column: `{text}`"),
        [joined @ .., text] => {
            format!("text: the column `{text}`, with `{}` prepended", joined.join("`, `"))
        }
    };
    let label = dataset.label_columns().collect::<Vec<_>>().join("`, `");
    if label.is_empty() {
        writeln!(card, "- {text}")?;
    } else {
        let columns = if dataset.has_column_per_label() { "columns" } else { "column" };
        writeln!(card, "- {text}, label {columns}: `{label}`")?;
    }
    writeln!(card, "- rows: {train} training, {validation} validation, {test} test")?;
    writeln!(card, "- SHA-256 of the rows: `{}`", settings.data_hash)?;
    writeln!(card, "- SHA-256 of the split: `{}`", settings.split_hash)?;
    let steps: Vec<String> = cleaning_steps(&settings.project.cleaning).into_iter().map(|(_, step)| step).collect();
    let steps = if steps.is_empty() { "none".to_owned() } else { steps.join(", ") };
    writeln!(card, "- cleaning of the texts: {steps}\n")
}

fn training(card: &mut String, settings: &RunSettings, summary: &RunSummary) -> fmt::Result {
    let chosen = &settings.project.training;
    writeln!(card, "## Training\n\n| setting | value |\n| --- | --- |")?;
    for (name, value) in training_settings(settings, summary) {
        writeln!(card, "| {name} | {value} |")?;
    }
    if chosen.trained_layers == TrainedLayers::Instant {
        return writeln!(card, "| device | {} |\n\n{}\n", summary.device, how_it_ended(settings, summary));
    }
    // Runs of early versions did not record it: it was the CPU, in 32 bits.
    let device = if summary.device.is_empty() { "CPU, f32" } else { &summary.device };
    writeln!(card, "| device | {device} |")?;
    if device.contains("bf16") {
        // What an adapter is merged into is answered with in f32.
        let when = if chosen.trained_layers == TrainedLayers::Lora {
            "in training, and not for the metrics on the test rows"
        } else {
            "both in training and for all metrics here"
        };
        writeln!(
            card,
            "\nMatrix products used bf16 operands, {when}. Tools that use another precision can give slightly different answers."
        )?;
    }
    writeln!(card, "\n{}\n", how_it_ended(settings, summary))
}

/// What was trained with which settings, and the seed.
pub(super) fn training_settings(settings: &RunSettings, summary: &RunSummary) -> Vec<(&'static str, String)> {
    let chosen = &settings.project.training;
    let optimizer = &chosen.optimizer;
    let of_task = task_settings(&settings.project.task, summary.measured());
    let seed = ("seed", chosen.seed.to_string());
    let mut rows = vec![("trained", trained_in_words(settings))];
    if chosen.trained_layers == TrainedLayers::Instant {
        // An instant model has no steps and no learning rate.
        rows.push(("max length in tokens", chosen.max_length.to_string()));
        return rows.into_iter().chain(of_task).chain([seed]).collect();
    }
    let batch = match chosen.batch_tokens {
        Some(tokens) => format!("{}, of at most {tokens} tokens together", chosen.batch_size),
        None => chosen.batch_size.to_string(),
    };
    rows.extend([
        ("epochs", chosen.epochs.to_string()),
        ("batch size", batch),
        ("gradient accumulation", chosen.gradient_accumulation.to_string()),
        ("max length in tokens", chosen.max_length.to_string()),
        ("learning rate", optimizer.learning_rate.to_string()),
        ("schedule", format!("{:?}", chosen.schedule).to_lowercase()),
        ("warm-up", chosen.warmup.to_string()),
        ("weight decay", optimizer.weight_decay.to_string()),
        ("Adam betas, epsilon", format!("{}, {}, {:e}", optimizer.beta1, optimizer.beta2, optimizer.epsilon)),
        ("largest gradient norm", optimizer.max_grad_norm.to_string()),
        ("dropout", chosen.dropout.map_or_else(|| "the model's default".to_owned(), |dropout| dropout.to_string())),
    ]);
    rows.into_iter().chain(of_task).chain([seed]).collect()
}

/// What of the model was trained.
fn trained_in_words(settings: &RunSettings) -> String {
    match settings.project.training.trained_layers {
        TrainedLayers::All => "all layers".to_owned(),
        TrainedLayers::Top(layers) => format!("head and top {layers} layers"),
        TrainedLayers::Head => "head".to_owned(),
        TrainedLayers::Instant => "head, as a logistic regression on the frozen model's mean hidden states".to_owned(),
        TrainedLayers::Lora => {
            let LoraSettings { rank, alpha, dropout, matrices } = &settings.project.training.lora;
            let adapter =
                format!("LoRA of rank {rank}, alpha {alpha}, dropout {dropout}, on {}", matrices.in_a_sentence());
            // A language model keeps its head.
            if settings.project.classification().is_some() { format!("{adapter}; and the head") } else { adapter }
        }
    }
}

/// How long training took and why it ended, in a sentence.
pub(super) fn how_it_ended(settings: &RunSettings, summary: &RunSummary) -> String {
    if settings.project.training.trained_layers == TrainedLayers::Instant {
        let strength = summary.best_step.checked_sub(1).and_then(|place| PROBE_STRENGTHS.get(place as usize));
        let strength =
            strength.map_or(String::new(), |strength| format!("; the best on the validation rows has C = {strength}"));
        return format!(
            "Fitted with {} strengths of the penalty in {:.0} s{strength}.",
            summary.steps, summary.train_seconds
        );
    }
    let ended = match summary.stop_reason {
        StopReason::Completed => "after the last epoch",
        StopReason::EarlyStopping => "early, because the metric stopped improving",
        StopReason::FellBehind => "early, because other trials of a search did better",
        StopReason::Stopped => "when it was stopped by hand",
        StopReason::Diverged => "early, because the loss was no longer a number",
        StopReason::CutOff => "early because of an error or a crash",
    };
    format!(
        "{} optimizer steps ({:.2} epochs) in {:.0} s, ended {ended}; the weights are those of step {}.",
        summary.steps, summary.epochs, summary.train_seconds, summary.best_step
    )
}

/// Settings that only the task has, with their values.
fn task_settings(task: &Task, metrics: &Metrics) -> Vec<(&'static str, String)> {
    match task {
        Task::TextClassification(settings) => {
            let weights = match &settings.class_weights {
                ClassWeights::Auto => "automatic".to_owned(),
                ClassWeights::None => "none".to_owned(),
                ClassWeights::Balanced => "balanced".to_owned(),
                ClassWeights::ByHand(by_label) => {
                    by_label.iter().map(|(label, weight)| format!("{label} {weight}")).collect::<Vec<_>>().join(", ")
                }
            };
            vec![("label smoothing", settings.label_smoothing.to_string()), ("class weights", collapsed(&weights))]
        }
        Task::LanguageModelling(settings) => match metrics.language_modelling().map(|metrics| metrics.objective) {
            Some(Objective::NextTokens) => Vec::new(),
            _ => vec![("share of words masked", settings.masked_share.to_string())],
        },
    }
}

/// The pre-trained model, as the card names it.
pub(super) struct Base {
    /// Its repository on the Hugging Face Hub, if it is known.
    pub repo: Option<String>,
    /// In Markdown.
    shown: String,
    /// In lower case; "unknown" if it is.
    pub licence: String,
}

impl Base {
    pub fn of(choice: &ModelChoice) -> Self {
        let id = match choice {
            ModelChoice::Catalogue(id) => id.as_str(),
            ModelChoice::Hub(HubModel { repo, commit, licence, .. }) => {
                let commit = commit.get(..8).unwrap_or(commit);
                let shown = format!("[{repo}](https://huggingface.co/{repo}) at commit {commit}");
                let licence = licence.clone().unwrap_or_else(|| "unknown".to_owned()).to_lowercase();
                return Self { repo: Some(repo.clone()), shown, licence };
            }
            ModelChoice::Folder(folder) => {
                // Only the folder's name: the rest of the path is private.
                let shown = format!("the model in the folder `{}`", file_name(folder));
                return Self { repo: None, shown, licence: "unknown".to_owned() };
            }
        };
        let Some(entry) = Catalogue::bundled().ok().and_then(|catalogue| catalogue.get(id)) else {
            return Self { repo: None, shown: id.to_owned(), licence: "unknown".to_owned() };
        };
        let repo = entry.sources.iter().find_map(|source| match source {
            Source::Hub { repo, .. } => Some(repo.clone()),
            Source::PythonPackage { .. } => None,
        });
        let shown = repo.as_ref().map_or_else(
            || entry.name.clone(),
            |repo| format!("{} ([{repo}](https://huggingface.co/{repo}))", entry.name),
        );
        Self { repo, shown, licence: entry.licence.to_lowercase() }
    }
}

/// The cleaning steps that are on, in the order they run: the field of the settings, and what the step does in words.
pub(super) fn cleaning_steps(cleaning: &CleaningSettings) -> Vec<(&'static str, String)> {
    let steps = [
        ("fix_mojibake", cleaning.fix_mojibake, "mojibake repaired"),
        ("strip_html", cleaning.strip_html, "HTML removed"),
        ("decode_entities", cleaning.decode_entities, "HTML entities decoded"),
        ("normalise_unicode", cleaning.normalise_unicode, "Unicode NFC"),
        ("remove_control", cleaning.remove_control, "control characters removed"),
        ("mask_urls", cleaning.mask_urls, "web addresses masked"),
        ("mask_emails", cleaning.mask_emails, "e-mail addresses masked"),
        ("mask_handles", cleaning.mask_handles, "@names masked"),
        ("mask_accounts", cleaning.mask_accounts, "card and account numbers masked"),
        ("mask_phones", cleaning.mask_phones, "phone numbers masked"),
        ("mask_orders", cleaning.mask_orders, "order numbers masked"),
        ("name_emoji", cleaning.name_emoji, "emoji named"),
        ("remove_emoji", cleaning.remove_emoji, "emoji removed"),
        ("collapse_repeats", cleaning.collapse_repeats, "repeated characters shortened"),
        ("patterns", cleaning.patterns.iter().any(|pattern| pattern.enabled), PATTERNS),
        ("collapse_whitespace", cleaning.collapse_whitespace, "whitespace collapsed"),
        ("drop_duplicates", cleaning.drop_duplicates, "duplicates dropped"),
        ("drop_conflicts", cleaning.drop_conflicts, "conflicting duplicates dropped"),
    ];
    let words = |words: &str| if words == PATTERNS { patterns(cleaning) } else { words.to_owned() };
    steps.into_iter().filter(|(_, on, _)| *on).map(|(field, _, step)| (field, words(step))).collect()
}

/// The person's own patterns: what each finds, and its replacement.
fn patterns(cleaning: &CleaningSettings) -> String {
    let code = |text: &str| format!("`{}`", collapsed(text).replace('`', "'"));
    let used: Vec<&Pattern> = cleaning.patterns.iter().filter(|pattern| pattern.enabled).collect();
    let told = used.iter().take(PATTERNS_SHOWN).map(|pattern| {
        let kind = if pattern.regex { " (regular expression)" } else { "" };
        if pattern.replace.is_empty() {
            format!("{}{kind} removed", code(&pattern.find))
        } else {
            format!("{}{kind} replaced by {}", code(&pattern.find), code(&pattern.replace))
        }
    });
    let told: Vec<String> = told.collect();
    let more = used.len() - told.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more in `hone.ron`") };
    format!("{} ({}{more})", PATTERNS, told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{
        Baseline, BaselineName, ClassMetrics, ClassificationMetrics, Interval, LanguageModelMetrics, PrecisionRecall,
        TermCounts, WordCounts,
    };
    use crate::project::{ColumnRole, LanguageModellingSettings, MetricName, Project};
    use crate::storage::{RUN_SCHEMA_VERSION, RunComparison};

    fn settings() -> RunSettings {
        let mut project = Project { name: "Reviews: \"all\"".to_owned(), ..Project::default() };
        project.dataset.main = Some("/home/somebody/secret/reviews.csv".into());
        project.dataset.set_role("text", Some(ColumnRole::Text));
        project.dataset.set_role("mood", Some(ColumnRole::Label));
        RunSettings {
            schema_version: RUN_SCHEMA_VERSION,
            project,
            labels: vec!["good".to_owned(), "bad | ugly".to_owned()],
            data_hash: "d".to_owned(),
            split_hash: "s".to_owned(),
            rows: [80, 10, 20],
            model_sha256: "m".to_owned(),
            hone_version: "0.1.0".to_owned(),
            device: "CPU, bf16".to_owned(),
            pooling: None,
            trial: None,
            kept_from: None,
        }
    }

    fn summary(test: bool) -> RunSummary {
        let class =
            ClassMetrics { label: "bad | ugly".to_owned(), precision: 0.5, recall: 0.25, f1: 1.0 / 3.0, support: 7 };
        let metrics = ClassificationMetrics {
            rows: 20,
            accuracy: 0.85,
            macro_average: PrecisionRecall { precision: 0.7, recall: 0.6, f1: 0.65 },
            per_class: vec![class],
            ..ClassificationMetrics::default()
        };
        RunSummary {
            run: "r".to_owned(),
            started_at: 0,
            steps: 30,
            epochs: 3.0,
            train_seconds: 12.0,
            tokens_per_second: 1.0,
            peak_memory: 0,
            device: "CPU, bf16".to_owned(),
            stop_reason: StopReason::EarlyStopping,
            best_step: 20,
            validation: Metrics::Classification(metrics.clone()),
            test: test.then_some(Metrics::Classification(metrics)),
        }
    }

    fn card(settings: &RunSettings, test: bool) -> String {
        let (summary, comparison) = (summary(test), RunComparison::default());
        text(&Results { settings, summary: &summary, comparison: &comparison, calibrated: None, is_adapter: false })
    }

    #[test]
    fn the_card_of_a_language_model_compares_perplexity_before_and_after() {
        let metrics = |objective, nats| {
            let overall = WordCounts { tokens: 100, nats, words: 80, correct: 40 };
            let terms = WordCounts { tokens: 10, nats: nats / 5.0, words: 8, correct: 2 };
            let term = |term: &str, words: u64| TermCounts {
                term: term.to_owned(),
                counts: WordCounts {
                    tokens: words + 2,
                    nats: nats / 5.0 * words as f64 / 8.0,
                    words,
                    correct: words / 4,
                },
            };
            let by_term = vec![term("lien", 0), term("proviso", 8)];
            Metrics::LanguageModelling(LanguageModelMetrics { objective, documents: 12, overall, terms, by_term })
        };
        let mut settings = RunSettings { labels: Vec::new(), ..settings() };
        let new_words = vec!["proviso".to_owned(), "lessee".to_owned()];
        settings.project.task =
            Task::LanguageModelling(LanguageModellingSettings { new_words, ..LanguageModellingSettings::default() });
        settings.project.dataset.set_role("mood", None);
        let interval = Some(Interval { metric: MetricName::Perplexity, low: 6.5, high: 8.0 });
        let card = |objective| {
            let summary = RunSummary { validation: metrics(objective, 200.0), test: None, ..summary(false) };
            let before = Baseline::alone(BaselineName::Untrained, metrics(objective, 300.0));
            let comparison = RunComparison { interval, baselines: vec![before] };
            let (settings, summary) = (&settings, &summary);
            text(&Results { settings, summary, comparison: &comparison, calibrated: None, is_adapter: false })
        };
        let decoder = card(Objective::NextTokens);
        for part in [
            "pipeline_tag: text-generation",
            "A causal language model, obtained by continued pre-training from",
            "| | perplexity | word accuracy | words |",
            "| term | occurrences | correct before |",
            "pipeline(\"text-generation\", model=\"path/to/this/folder\")",
        ] {
            assert!(decoder.contains(part), "{part} is missing in\n{decoder}");
        }
        assert!(!decoder.contains("masked"), "{decoder}");
        let card = card(Objective::MaskedWords);
        for part in [
            "pipeline_tag: fill-mask",
            "A masked language model, obtained by continued pre-training from",
            "- type: perplexity\n      name: Perplexity at masked tokens\n      value: 7.389056",
            "On the 12 validation rows, which the model was not trained on; these were also used to pick the checkpoint",
            "| before training | 20.09 | 0.500 | 80 |\n| after training | 7.39 | 0.500 | 80 |",
            "| domain terms, after training | 54.60 | 0.250 | 8 |",
            "The 95% interval of the perplexity after training is 6.50 to 8.00 (bootstrap over the documents).",
            "Words added to the vocabulary: proviso, lessee.",
            "training texts than elsewhere: lien, proviso.",
            "| term | masked | correct before | correct after | perplexity before | perplexity after |",
            "| proviso | 8 | 2 | 2 | 403.43 | 54.60 |",
            "- text column: `text`\n",
            "| share of words masked | 0.15 |\n| seed |",
            "pipeline(\"fill-mask\", model=\"path/to/this/folder\")",
        ] {
            assert!(card.contains(part), "{part} is missing in\n{card}");
        }
        for part in ["Labels", "hone predict", "| lien |", "class weights", "label column"] {
            assert!(!card.contains(part), "{part} is in\n{card}");
        }
    }

    #[test]
    fn the_card_has_what_the_hub_reads() {
        let card = card(&settings(), true);
        let yaml = card.split("---\n").nth(1).unwrap();
        for line in [
            "license: apache-2.0",
            "base_model: sentence-transformers/all-MiniLM-L6-v2",
            "pipeline_tag: text-classification",
            "- name: \"Reviews: \\\"all\\\"\"",
            "      split: test",
            "      name: Macro F1\n      value: 0.650000",
        ] {
            assert!(yaml.contains(line), "{line} is missing in\n{yaml}");
        }
    }

    #[test]
    fn the_card_reports_metrics_and_usage() {
        let card = card(&settings(), true);
        for part in [
            "| bad \\| ugly | 0.500 | 0.250 | 0.333 | 7 |",
            "Accuracy 0.8500",
            "80 training, 10 validation, 20 test",
            "ended early",
            "those of step 20",
            "max_length=128",
            "hone predict",
        ] {
            assert!(card.contains(part), "{part} is missing in\n{card}");
        }
    }

    #[test]
    fn joined_columns_and_several_files_are_named() {
        let mut settings = settings();
        assert!(card(&settings, true).contains("- text column: `text`, label column: `mood`\n"));
        let dataset = &mut settings.project.dataset;
        dataset.more = vec!["/home/somebody/march.csv".into()];
        dataset.set_role("title", Some(ColumnRole::Joined));
        dataset.set_label_columns(&["good", "bad"].map(str::to_owned));
        let card = card(&settings, true);
        for part in [
            "- files: `reviews.csv`, `march.csv`\n",
            "- text: the column `text`, with `title` prepended, label columns: `good`, `bad`\n",
            "hone predict path/to/this/folder texts.csv --out predictions.csv",
        ] {
            assert!(card.contains(part), "{part} is missing in\n{card}");
        }
    }

    #[test]
    fn the_card_names_no_folder_of_the_machine() {
        let mut settings = settings();
        settings.project.model = ModelChoice::Folder("/home/somebody/models/mine".into());
        let card = card(&settings, true);
        assert!(!card.contains("somebody") && card.contains("`reviews.csv`") && card.contains("`mine`"));
        assert!(card.contains("license: unknown") && !card.contains("base_model"));
    }

    #[test]
    fn the_card_says_that_validation_metrics_are_optimistic() {
        let card = card(&settings(), false);
        assert!(card.contains("split: validation") && card.contains("the metrics are optimistic"));
    }
}
