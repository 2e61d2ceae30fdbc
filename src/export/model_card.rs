//! `README.md` of an exported model: a Hugging Face model card with the numbers that were measured.

use std::fmt::{self, Write};
use std::path::Path;

use crate::evaluation::ClassificationMetrics;
use crate::fetch::{Catalogue, Source};
use crate::project::{ClassWeights, CleaningSettings, ModelChoice, Pattern};
use crate::storage::{RunSettings, RunSummary, StopReason};

/// What the person's own patterns are called among the cleaning steps.
const PATTERNS: &str = "own find-and-replace patterns";
/// Patterns written out.
const PATTERNS_SHOWN: usize = 20;

/// The card.
pub(super) fn text(settings: &RunSettings, summary: &RunSummary) -> String {
    let mut card = String::new();
    // Writing to a string cannot fail.
    let _ = write_card(&mut card, settings, summary);
    card
}

fn write_card(card: &mut String, settings: &RunSettings, summary: &RunSummary) -> fmt::Result {
    let base = Base::of(&settings.project.model);
    let (side, metrics) = match &summary.test {
        Some(test) => ("test", test),
        None => ("validation", &summary.validation),
    };
    header(card, settings, &base, side, metrics)?;
    writeln!(card, "# {}\n", one_line(&settings.project.name))?;
    writeln!(
        card,
        "A text classifier with {} labels, fine-tuned from {} with Hone {}.\n",
        settings.labels.len(),
        base.shown,
        settings.hone_version
    )?;
    results(card, settings, summary, side, metrics)?;
    data(card, settings)?;
    training(card, settings, summary)?;
    usage(card, settings)
}

/// The YAML that the Hub reads. Texts are written as JSON strings, which YAML understands.
fn header(
    card: &mut String,
    settings: &RunSettings,
    base: &Base,
    side: &str,
    metrics: &ClassificationMetrics,
) -> fmt::Result {
    let name = &settings.project.name;
    writeln!(card, "---\nlicense: {}", base.licence)?;
    if let Some(repo) = &base.repo {
        writeln!(card, "base_model: {repo}")?;
    }
    writeln!(
        card,
        "pipeline_tag: text-classification\nlibrary_name: transformers\ntags:\n- text-classification\n- hone"
    )?;
    if metrics.rows == 0 {
        return writeln!(card, "---\n");
    }
    writeln!(card, "metrics:\n- accuracy\n- f1\nmodel-index:\n- name: {}\n  results:", quoted(name))?;
    writeln!(card, "  - task:\n      type: text-classification\n      name: Text classification")?;
    writeln!(
        card,
        "    dataset:\n      type: private\n      name: {}\n      split: {side}",
        quoted(&data_name(settings))
    )?;
    writeln!(card, "    metrics:")?;
    let figures = [
        ("accuracy", "Accuracy", metrics.accuracy),
        ("f1", "Macro F1", metrics.macro_average.f1),
        ("precision", "Macro precision", metrics.macro_average.precision),
        ("recall", "Macro recall", metrics.macro_average.recall),
    ];
    for (kind, shown, value) in figures {
        writeln!(card, "    - type: {kind}\n      name: {shown}\n      value: {value:.6}")?;
    }
    writeln!(card, "---\n")
}

fn results(
    card: &mut String,
    settings: &RunSettings,
    summary: &RunSummary,
    side: &str,
    metrics: &ClassificationMetrics,
) -> fmt::Result {
    writeln!(card, "## Results\n")?;
    if metrics.rows == 0 {
        writeln!(card, "The run was cut off, and its figures with it: measure the model on rows of your own.")?;
        return writeln!(card, "\nLabels, in the order of the logits: {}.\n", settings.labels.join(", "));
    }
    let chosen_by = if side == "validation" {
        "; they chose the best checkpoint, so the figures are a little too good"
    } else {
        ""
    };
    writeln!(card, "On the {} {side} rows, which the model was not trained on{chosen_by}:", metrics.rows)?;
    writeln!(card, "\n| | precision | recall | F1 | rows |\n| --- | --- | --- | --- | --- |")?;
    for class in &metrics.per_class {
        let label = one_line(&class.label).replace('|', "\\|");
        let (precision, recall, f1) = (class.precision, class.recall, class.f1);
        writeln!(card, "| {label} | {precision:.3} | {recall:.3} | {f1:.3} | {} |", class.support)?;
    }
    for (name, mean) in [("macro average", metrics.macro_average), ("weighted average", metrics.weighted_average)] {
        let (precision, recall, f1) = (mean.precision, mean.recall, mean.f1);
        writeln!(card, "| {name} | {precision:.3} | {recall:.3} | {f1:.3} | {} |", metrics.rows)?;
    }
    writeln!(card, "\nAccuracy {:.4}, mean cross-entropy {:.4}.", metrics.accuracy, metrics.loss)?;
    if summary.test.is_some() {
        let validation = &summary.validation;
        writeln!(
            card,
            "On the {} validation rows: accuracy {:.4}, macro F1 {:.4}.",
            validation.rows, validation.accuracy, validation.macro_average.f1
        )?;
    }
    writeln!(card, "\nLabels, in the order of the logits: {}.\n", settings.labels.join(", "))
}

fn data(card: &mut String, settings: &RunSettings) -> fmt::Result {
    let [train, validation, test] = settings.rows;
    let dataset = &settings.project.dataset;
    writeln!(card, "## Training data\n")?;
    let files: Vec<String> = dataset.main_files().map(|path| format!("`{}`", file_name(path))).collect();
    writeln!(card, "- {}: {}", if files.len() == 1 { "file" } else { "files" }, files.join(", "))?;
    let read: Vec<&str> = dataset.read_columns().collect();
    let text = match read.as_slice() {
        [] | [_] => format!("text column: `{}`", dataset.text_column),
        [joined @ .., text] => {
            format!("text: the column `{text}`, with `{}` put before the text", joined.join("`, `"))
        }
    };
    let label = dataset.labelled_by().collect::<Vec<_>>().join("`, `");
    writeln!(
        card,
        "- {text}, label {}: `{label}`",
        if dataset.label_columns.is_empty() { "column" } else { "columns" }
    )?;
    writeln!(card, "- rows: {train} training, {validation} validation, {test} test")?;
    writeln!(card, "- SHA-256 of the rows: `{}`", settings.data_hash)?;
    writeln!(card, "- SHA-256 of the split: `{}`", settings.split_hash)?;
    let steps = cleaning_steps(&settings.project.cleaning);
    let steps = if steps.is_empty() { "none".to_owned() } else { steps.join(", ") };
    writeln!(card, "- cleaning of the texts: {steps}\n")
}

fn training(card: &mut String, settings: &RunSettings, summary: &RunSummary) -> fmt::Result {
    let chosen = &settings.project.training;
    let optimizer = &chosen.optimizer;
    let ended = match summary.stop_reason {
        StopReason::Completed => "after the last epoch",
        StopReason::EarlyStopping => "early, as the metric improved no more",
        StopReason::Stopped => "stopped by hand",
        StopReason::CutOff => "before its time, by an error or a crash",
    };
    let weights = match &chosen.class_weights {
        ClassWeights::None => "none".to_owned(),
        ClassWeights::Balanced => "balanced".to_owned(),
        ClassWeights::ByHand(by_label) => {
            by_label.iter().map(|(label, weight)| format!("{label} {weight}")).collect::<Vec<_>>().join(", ")
        }
    };
    let rows = [
        ("epochs", chosen.epochs.to_string()),
        ("batch size", chosen.batch_size.to_string()),
        ("gradient accumulation", chosen.gradient_accumulation.to_string()),
        ("longest text in tokens", chosen.max_length.to_string()),
        ("learning rate", optimizer.learning_rate.to_string()),
        ("schedule", format!("{:?}", chosen.schedule).to_lowercase()),
        ("warm-up", chosen.warmup.to_string()),
        ("weight decay", optimizer.weight_decay.to_string()),
        ("Adam betas, epsilon", format!("{}, {}, {:e}", optimizer.beta1, optimizer.beta2, optimizer.epsilon)),
        ("largest gradient norm", optimizer.max_grad_norm.to_string()),
        ("dropout", chosen.dropout.map_or_else(|| "the model's own".to_owned(), |dropout| dropout.to_string())),
        ("label smoothing", chosen.label_smoothing.to_string()),
        ("class weights", one_line(&weights)),
        ("seed", chosen.seed.to_string()),
    ];
    // Runs of earlier versions did not write it down: it was the processor, in 32 bits.
    let device = if summary.device.is_empty() { "CPU, f32" } else { &summary.device };
    writeln!(card, "## Training\n\n| setting | value |\n| --- | --- |")?;
    for (name, value) in rows {
        writeln!(card, "| {name} | {value} |")?;
    }
    writeln!(card, "| computed on | {device} |")?;
    if device.contains("bf16") {
        writeln!(
            card,
            "\nMatrix products were of numbers rounded to bf16, in training and in every figure here. Computed in another \
             arithmetic, as other tools do unless told, answers can differ a little."
        )?;
    }
    writeln!(
        card,
        "\n{} optimizer steps ({:.2} epochs) in {:.0} s, ended {ended}; the weights are those of step {}.\n",
        summary.steps, summary.epochs, summary.train_seconds, summary.best_step
    )
}

fn usage(card: &mut String, settings: &RunSettings) -> fmt::Result {
    let length = settings.project.training.max_length;
    writeln!(
        card,
        "## How to use it\n\nWith [transformers](https://huggingface.co/docs/transformers), from this folder:\n\n\
         ```python\nfrom transformers import pipeline\n\n\
         classify = pipeline(\"text-classification\", model=\"path/to/this/folder\", top_k=None)\n\
         print(classify(\"your text\", truncation=True, max_length={length}))\n```\n"
    )?;
    // Naming the text column lets joined columns be missing; the model learnt to read them.
    let named = if settings.project.dataset.joined_columns.is_empty() { " --text text" } else { "" };
    writeln!(
        card,
        "With Hone, which also cleans each text as the training texts were cleaned:\n\n\
         ```sh\nhone predict path/to/this/folder texts.csv{named} --out predictions.csv\n```"
    )
}

/// The pre-trained model, as the card names it.
struct Base {
    repo: Option<String>,
    shown: String,
    licence: String,
}

impl Base {
    fn of(choice: &ModelChoice) -> Self {
        let id = match choice {
            ModelChoice::Catalogue(id) => id.as_str(),
            ModelChoice::Folder(folder) => {
                // Only the folder's name: the rest of the path is nobody's business.
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

fn cleaning_steps(cleaning: &CleaningSettings) -> Vec<String> {
    let steps = [
        (cleaning.fix_mojibake, "wrongly decoded characters repaired"),
        (cleaning.strip_html, "HTML removed"),
        (cleaning.decode_entities, "HTML entities decoded"),
        (cleaning.normalise_unicode, "Unicode NFC"),
        (cleaning.remove_control, "control characters removed"),
        (cleaning.mask_urls, "web addresses masked"),
        (cleaning.mask_emails, "e-mail addresses masked"),
        (cleaning.mask_handles, "@names masked"),
        (cleaning.mask_accounts, "card and account numbers masked"),
        (cleaning.mask_phones, "telephone numbers masked"),
        (cleaning.mask_orders, "order numbers masked"),
        (cleaning.name_emoji, "emoji named"),
        (cleaning.remove_emoji, "emoji removed"),
        (cleaning.collapse_repeats, "repeated letters and marks shortened"),
        (cleaning.patterns.iter().any(|pattern| pattern.enabled), PATTERNS),
        (cleaning.collapse_whitespace, "white space collapsed"),
        (cleaning.drop_duplicates, "duplicates left out"),
        (cleaning.drop_conflicts, "texts with two labels left out"),
    ];
    let words = |words: &str| if words == PATTERNS { patterns(cleaning) } else { words.to_owned() };
    steps.into_iter().filter(|(on, _)| *on).map(|(_, step)| words(step)).collect()
}

/// The person's own patterns, with what they find and put in.
fn patterns(cleaning: &CleaningSettings) -> String {
    let code = |text: &str| format!("`{}`", one_line(text).replace('`', "'"));
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

fn data_name(settings: &RunSettings) -> String {
    settings.project.dataset.main.as_deref().map(file_name).unwrap_or_default()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{ClassMetrics, PrecisionRecall};
    use crate::project::Project;
    use crate::storage::RUN_SCHEMA_VERSION;

    fn settings() -> RunSettings {
        let mut project = Project { name: "Reviews: \"all\"".to_owned(), ..Project::default() };
        project.dataset.main = Some("/home/somebody/secret/reviews.csv".into());
        project.dataset.text_column = "text".to_owned();
        project.dataset.label_column = "mood".to_owned();
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
            validation: metrics.clone(),
            test: test.then_some(metrics),
        }
    }

    #[test]
    fn the_card_has_what_the_hub_reads() {
        let card = text(&settings(), &summary(true));
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
    fn the_card_tells_the_measured_numbers_and_how_to_use_it() {
        let card = text(&settings(), &summary(true));
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
        assert!(text(&settings, &summary(true)).contains("- text column: `text`, label column: `mood`\n"));
        let dataset = &mut settings.project.dataset;
        dataset.more = vec!["/home/somebody/march.csv".into()];
        dataset.joined_columns = vec!["title".to_owned()];
        dataset.set_label_columns(&["good", "bad"].map(str::to_owned));
        let card = text(&settings, &summary(true));
        for part in [
            "- files: `reviews.csv`, `march.csv`\n",
            "- text: the column `text`, with `title` put before the text, label columns: `good`, `bad`\n",
            "hone predict path/to/this/folder texts.csv --out predictions.csv",
        ] {
            assert!(card.contains(part), "{part} is missing in\n{card}");
        }
    }

    #[test]
    fn no_path_of_the_machine_is_told() {
        let mut settings = settings();
        settings.project.model = ModelChoice::Folder("/home/somebody/models/mine".into());
        let card = text(&settings, &summary(true));
        assert!(!card.contains("somebody") && card.contains("`reviews.csv`") && card.contains("`mine`"));
        assert!(card.contains("license: unknown") && !card.contains("base_model"));
    }

    #[test]
    fn validation_figures_are_said_to_be_so() {
        let card = text(&settings(), &summary(false));
        assert!(card.contains("split: validation") && card.contains("a little too good"));
    }
}
