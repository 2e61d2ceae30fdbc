//! Training the tiny model, through the public interface.

mod advice;
mod bad_settings;
mod learning;
mod resuming;
mod stopping;
mod ways;

use std::path::{Path, PathBuf};

use hone::data::{Pooling, Prepared, Side, TextTokenizer, import, prepare};
use hone::models::{LoadOptions, Model};
use hone::progress::{Control, Watch};
use hone::project::{
    ClassificationSettings, ColumnRole, DeviceChoice, ModelChoice, Precision, Project, Task, TrainingSettings,
};
use hone::storage::{RunFolder, RunStatus, RunSummary, StepMetrics, StopReason, StopRequest, read_model_info};
use hone::tasks::{self, Samples};
use hone::training::{ToScore, TrainError, TrainInputs, TrainingEvent, predict, train};

pub fn tiny_bert() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert")
}

/// Rows with two labels that differ by one word; three of four are good.
pub fn write_reviews(folder: &Path, rows: usize) {
    let things = ["phone", "shirt", "cable", "dress", "book"];
    let text: String = (0..rows)
        .map(|row| {
            let (thing, number) = (things[row % things.len()], row);
            match row % 4 {
                0 => format!("the {thing} {number} is bad and broken,bad\n"),
                _ => format!("the {thing} {number} is great and perfect,good\n"),
            }
        })
        .collect();
    std::fs::write(folder.join("reviews.csv"), format!("text,label\n{text}")).unwrap();
}

/// A project that the tiny model learns in a second.
pub fn project() -> Project {
    let mut project = Project { model: ModelChoice::Folder(tiny_bert()), ..Project::default() };
    project.dataset.main = Some(PathBuf::from("reviews.csv"));
    project.dataset.set_role("text", Some(ColumnRole::Text));
    project.dataset.set_role("label", Some(ColumnRole::Label));
    // The texts are alike on purpose: as near-duplicates they would be a few large groups.
    project.split.keep_near_together = false;
    project.training = TrainingSettings {
        epochs: 2,
        batch_size: 16,
        max_length: 32,
        early_stopping: None,
        // The same on every machine, so that the metrics can be compared with those of a loaded model.
        device: DeviceChoice::Cpu,
        precision: Precision::F32,
        ..TrainingSettings::default()
    };
    project.training.optimizer.learning_rate = 2e-3;
    project
}

struct Bench {
    folder: tempfile::TempDir,
    prepared: Prepared,
    /// The folder of the model.
    model: PathBuf,
}

/// The results of a run.
struct Outcome {
    run: Result<RunSummary, TrainError>,
    events: Vec<TrainingEvent>,
}

impl Bench {
    fn new(rows: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_reviews(folder.path(), rows);
        let prepared = quietly(|watch| {
            let imported = import(&project(), folder.path(), watch).unwrap();
            prepare(&project(), &imported, watch).unwrap()
        });
        Self { folder, prepared, model: tiny_bert() }
    }

    fn train_with(&self, project: &Project, control: &Control, listen: &mut dyn FnMut(&TrainingEvent)) -> Outcome {
        self.train_or_resume(project, None, control, listen)
    }

    fn train_or_resume(
        &self,
        project: &Project,
        resumed: Option<&RunFolder>,
        control: &Control,
        listen: &mut dyn FnMut(&TrainingEvent),
    ) -> Outcome {
        let mut events = Vec::new();
        let (prepared, model_folder) = (&self.prepared, self.model.as_path());
        let inputs =
            TrainInputs { project, project_folder: self.folder.path(), prepared, model_folder, resumed, study: None };
        let run = train(inputs, control, &mut |event| {
            listen(&event);
            events.push(event);
        });
        Outcome { run, events }
    }

    fn train(&self, change: impl FnOnce(&mut TrainingSettings)) -> Outcome {
        self.train_task(|_, settings| change(settings))
    }

    fn train_task(&self, change: impl FnOnce(&mut ClassificationSettings, &mut TrainingSettings)) -> Outcome {
        let mut project = project();
        let mut task = project.classification().unwrap().clone();
        change(&mut task, &mut project.training);
        project.task = Task::TextClassification(task);
        self.train_with(&project, &Control::default(), &mut |_| ())
    }

    fn runs(&self) -> usize {
        RunFolder::list(self.folder.path()).unwrap().len()
    }

    fn newest(&self) -> RunFolder {
        RunFolder::list(self.folder.path()).unwrap().remove(0).folder
    }
}

impl Outcome {
    fn summary(&self) -> &RunSummary {
        self.run.as_ref().unwrap()
    }

    fn error(&self) -> String {
        self.run.as_ref().unwrap_err().to_string()
    }

    fn steps(&self) -> Vec<&StepMetrics> {
        self.events
            .iter()
            .filter_map(|event| match event {
                TrainingEvent::Step(step) => Some(step),
                _ => None,
            })
            .collect()
    }

    fn losses(&self) -> Vec<u64> {
        self.steps().iter().map(|step| step.loss.to_bits()).collect()
    }

    fn evaluations(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, TrainingEvent::Evaluation(_))).count()
    }
}

fn quietly<T>(work: impl FnOnce(&mut Watch) -> T) -> T {
    work(&mut Watch { control: &Control::default(), report: &mut |_| () })
}

/// The newest run's best checkpoint, and the test texts as its tokens.
fn best_model(bench: &Bench) -> (Model, Vec<Vec<u32>>) {
    let best = bench.newest().best();
    let options = LoadOptions::classifier(bench.prepared.labels.clone());
    let (model, report) = Model::load(&best, &options).unwrap();
    assert!(!report.new_head && report.missing.is_empty());
    let texts: Vec<&str> = bench.prepared.side(Side::Test).map(|example| example.text.as_str()).collect();
    let ids = TextTokenizer::load(&best).unwrap().encode_batch(&texts, 32).unwrap();
    (model, ids)
}

/// Probabilities that a model gives tokenised texts, `[texts][labels]`.
fn probabilities(model: &Model, ids: &[Vec<u32>]) -> Vec<Vec<f32>> {
    let (task, samples) =
        (tasks::classifier(model.labels(), Pooling::First), Samples::of_texts(ids.to_vec(), Vec::new()));
    let what = ToScore { task: &*task, samples: &samples, rows: ids.len() };
    let scored = quietly(|watch| predict(model, what, watch)).unwrap();
    scored.answers.iter().map(|answer| answer.class().unwrap().probabilities.clone()).collect()
}

/// The newest run's probabilities of the test rows, row after row.
fn kept_predictions(bench: &Bench) -> Vec<f32> {
    let kept = bench.newest().read_predictions("test").unwrap();
    kept.iter().flat_map(|row| row.probabilities().to_vec()).collect()
}

mod needs_gpu {
    use super::*;
    use crate::needs::gpu;

    #[test]
    #[ignore = "needs a GPU, and a build with the feature `cuda` or `metal`"]
    fn a_gpu_trains_as_the_cpu_does() {
        let [bench, other] = [Bench::new(80), Bench::new(80)];
        let run = |bench: &Bench, device| bench.train(|settings| settings.device = device);
        let (processor, there) = (run(&other, DeviceChoice::Cpu), run(&bench, gpu()));
        assert!(there.summary().device.ends_with("GPU, f32"), "{}", there.summary().device);
        assert_eq!(processor.steps().len(), there.steps().len());
        for (one, other) in processor.steps().iter().zip(there.steps()) {
            assert!((one.loss - other.loss).abs() < 1e-2, "{one:?} {other:?}");
            assert!((one.grad_norm - other.grad_norm).abs() < 2e-2 * one.grad_norm.max(1.0), "{one:?} {other:?}");
        }
        // A model trained on the GPU predicts the same on the CPU.
        let (model, ids) = best_model(&bench);
        let found = probabilities(&model, &ids).concat();
        for (found, kept) in found.iter().zip(kept_predictions(&bench)) {
            assert!((found - kept).abs() < 1e-4, "{found} {kept}");
        }
    }
}
