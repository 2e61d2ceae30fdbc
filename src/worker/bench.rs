//! Jobs that time parts of training.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::data::{self, TextTokenizer};
use crate::models::{Compute, HeadSpec, LoadOptions, Model};
use crate::project::{DatasetSettings, DeviceChoice, ModelChoice, Precision, Project, TaskKind, TrainedLayers};
use crate::training::{self, StepBench, StepFigures};
use crate::worker::other_file::column;
use crate::worker::{Context, Job, JobError, LogLevel};

/// Times training steps of a model.
#[derive(Clone, Debug)]
pub struct BenchStep {
    /// The model; it must be on this machine.
    pub model: ModelChoice,
    /// What the model is trained for.
    pub task: TaskKind,
    /// What to time.
    pub bench: StepBench,
    /// The device to use.
    pub device: DeviceChoice,
    /// Precision of the matrix products.
    pub precision: Precision,
    /// What is trained.
    pub trained: TrainedLayers,
    /// Whether the backward pass computes activations again.
    pub recompute: bool,
}

/// Times of training steps.
#[derive(Clone, Debug)]
pub struct StepTimes {
    /// The times.
    pub figures: StepFigures,
    /// Device and precision, for example "CPU, f32".
    pub device: String,
}

impl Job for BenchStep {
    type Answer = StepTimes;
    const TITLE: &'static str = "Timing training steps";

    fn run(self, context: &mut Context<'_>) -> Result<StepTimes, JobError> {
        let folder = context.local_model(&self.model)?;
        let compute = Compute::choose(self.device, self.precision)?;
        let device = compute.to_string();
        if let Some(warning) = compute.warning() {
            context.log(LogLevel::Warning, warning);
        }
        let options = LoadOptions { compute, trained: self.trained, ..LoadOptions::new(head(self.task)) };
        let model = Model::load(&folder, &options)?.0.recomputing(self.recompute);
        let figures = context.watched(|watch| training::bench_step(&model, self.bench, watch))?;
        Ok(StepTimes { figures, device })
    }
}

/// The head whose step is timed.
fn head(task: TaskKind) -> HeadSpec {
    match task {
        TaskKind::TextClassification => {
            HeadSpec::Classification { labels: ["first", "second", "third"].map(str::to_owned).to_vec() }
        }
        TaskKind::LanguageModelling => HeadSpec::LanguageModel,
    }
}

/// Times tokenising a file's texts, as training does it.
#[derive(Clone, Debug)]
pub struct BenchTokenise {
    /// The model whose tokenizer is used; it must be on this machine.
    pub model: ModelChoice,
    /// The file.
    pub file: PathBuf,
    /// Its text column; if `None`, it is guessed.
    pub text_column: Option<String>,
    /// The most tokens kept of a text.
    pub max_length: usize,
}

/// How long tokenising took.
#[derive(Clone, Debug, PartialEq)]
pub struct TokeniseTimes {
    /// Number of texts.
    pub rows: usize,
    /// Number of tokens kept.
    pub tokens: usize,
    /// Time of tokenising alone, in seconds.
    pub seconds: f64,
}

impl Job for BenchTokenise {
    type Answer = TokeniseTimes;
    const TITLE: &'static str = "Timing the tokenizer";

    fn run(self, context: &mut Context<'_>) -> Result<TokeniseTimes, JobError> {
        let tokenizer = TextTokenizer::load(&context.local_model(&self.model)?)?;
        let dataset = DatasetSettings { main: Some(self.file.clone()), ..DatasetSettings::default() };
        let project = Project { dataset, ..Project::default() };
        let imported = context.watched(|watch| data::import(&project, Path::new("."), watch))?;
        let table = &imported.main.table;
        let Some(name) = self.text_column.or_else(|| imported.guessed_text.clone()) else {
            let file = self.file.display();
            return Err(JobError::Failed(format!("No column of {file} looks like the text. Name it with --text.")));
        };
        let column = column(&imported.main, &name)?;
        let texts: Vec<&str> = (0..table.len()).map(|row| table.cell(column, row)).collect();
        let begun = Instant::now();
        let mut tokens = 0;
        for chunk in texts.chunks(TextTokenizer::TEXTS_PER_LOOK) {
            tokens += tokenizer.encode_batch(chunk, self.max_length)?.iter().map(Vec::len).sum::<usize>();
        }
        Ok(TokeniseTimes { rows: texts.len(), tokens, seconds: begun.elapsed().as_secs_f64() })
    }
}
