//! What each task shows in the steps that all tasks share: one file per task, and one match that lists them.

mod blanks;
mod classify_text;
mod continued_text;
mod evaluated_rows;
mod evaluation_details;
mod label_file;
#[cfg(test)]
mod label_file_tests;
mod language_modelling;
mod rows_to_label;
mod sample_code;
mod slices;
mod text_classification;
mod typed_text;

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::tasks::blanks::{BlanksState, blanks_ui};
use crate::app::tasks::classify_text::{ClassifyTextState, classify_text_ui};
use crate::app::tasks::continued_text::{ContinuedTextState, continued_text_ui};
use crate::app::theme::Theme;
use crate::evaluation::Metrics;
use crate::project::{Objective, TaskKind};
use crate::worker::RunResults;
use language_modelling::language_model_ui;
use text_classification::{ClassificationState, classification_ui};

pub use evaluated_rows::{EvaluatedRows, OfferedSlices};
pub use sample_code::{python_code, terminal_code};

/// What the Data step asks for: a title, and what the files must contain.
#[must_use]
pub fn wanted_data(task: TaskKind) -> (&'static str, &'static str) {
    match task {
        TaskKind::TextClassification => (
            "Open a table of texts and labels",
            "A CSV, TSV, JSON, Parquet, Arrow, XLSX, XLS or ODS file with a text column and a label column, or a folder \
             with one subfolder of text files per label",
        ),
        TaskKind::LanguageModelling => (
            "Open your texts",
            "A folder of documents (.docx, .txt, .md), or a CSV, TSV, JSON, Parquet, Arrow, XLSX, XLS or ODS file with a \
             text column",
        ),
    }
}

/// What Evaluate will show once a model is trained.
#[must_use]
pub fn evaluation_hint(task: TaskKind) -> &'static str {
    match task {
        TaskKind::TextClassification => {
            "After training, this page shows the model's metrics on rows it has never seen, overall and per label, with \
             the rows behind every mistake"
        }
        TaskKind::LanguageModelling => {
            "After training, this page shows how well the model predicts words in texts it was not trained on, before \
             and after training"
        }
    }
}

/// What the exported predictions contain.
#[must_use]
pub fn predictions_hint(task: TaskKind) -> &'static str {
    match task {
        TaskKind::TextClassification => "Test rows with true label, predicted label and all probabilities, as CSV",
        TaskKind::LanguageModelling => {
            "Held-out texts with their loss and the number of words predicted correctly, as CSV"
        }
    }
}

/// State kept between frames, by task.
#[derive(Debug, Default)]
pub struct EvaluatedRowsState {
    /// For text classification.
    pub classes: ClassificationState,
}

/// Draws the metrics and predictions of some rows as their task shows them.
pub fn evaluated_rows_ui(
    ui: &mut Ui,
    theme: &Theme,
    shown: &EvaluatedRows<'_>,
    state: &mut EvaluatedRowsState,
    sender: &mut CommandSender,
) {
    match shown.metrics {
        Metrics::Classification(metrics) => {
            classification_ui(ui, theme, shown, metrics, &mut state.classes, sender);
        }
        Metrics::LanguageModelling(metrics) => language_model_ui(ui, theme, shown, metrics),
    }
}

/// State of Try it kept between frames, by task.
#[derive(Debug, Default)]
pub struct TryItState {
    classify: ClassifyTextState,
    blanks: BlanksState,
    continued: ContinuedTextState,
}

/// Draws what the trained model of a run answers to what a person types.
pub fn answers_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut TryItState,
    results: &RunResults,
    sender: &mut CommandSender,
) {
    match results.settings.project.task.kind() {
        TaskKind::TextClassification => classify_text_ui(ui, ctx, &mut state.classify, results, sender),
        TaskKind::LanguageModelling => match results.objective() {
            Objective::MaskedWords => blanks_ui(ui, ctx, &mut state.blanks, results, sender),
            Objective::NextTokens => continued_text_ui(ui, ctx, &mut state.continued, sender),
        },
    }
}
