//! Exports of a run, read again independently.

use std::path::{Path, PathBuf};

use hone::data::{Pooling, Target, TextTokenizer, packed};
use hone::evaluation::{Answer, ClassAnswer, ClassificationMetrics, Metrics, Prediction};
use hone::export::{ExportError, ExportFormat, Exported, export};
use hone::models::{LoadOptions, Mode, Model};
use hone::progress::{Control, Watch};
use hone::project::{ModelChoice, Project};
use hone::storage::{
    ModelFolderInfo, RUN_SCHEMA_VERSION, RunFolder, RunSettings, RunStatus, RunSummary, StopReason, StorageError,
    read_model_info, write_model_info,
};

const TEXTS: [&str; 4] = ["Great product, works well!", "It broke after two days.", "ok", "I want a refund."];

struct Scene {
    folder: tempfile::TempDir,
    run: RunFolder,
    labels: Vec<String>,
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert")
}

fn load(folder: &Path, labels: &[String]) -> Model {
    let options = LoadOptions { seed: 1, ..LoadOptions::classifier(labels.to_vec()) };
    Model::load(folder, &options).unwrap().0
}

fn logits(folder: &Path, labels: &[String]) -> Vec<Vec<f32>> {
    let ids = TextTokenizer::load(folder).unwrap().encode_batch(&TEXTS, 32).unwrap();
    let rows: Vec<usize> = (0..ids.len()).collect();
    load(folder, labels).forward(&packed(&ids, Pooling::First, None, &rows), Mode::Inference).unwrap()
}

/// A finished run whose best checkpoint is the small BERT of the fixtures, with its real answers.
fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create(folder.path()).unwrap().0;
    let labels = ["negative", "neutral", "positive"].map(str::to_owned).to_vec();
    load(&fixture(), &labels).save_folder(&fixture(), &run.best()).unwrap();
    let info = ModelFolderInfo { labels: labels.clone(), max_length: 32, ..ModelFolderInfo::default() };
    write_model_info(&run.best(), &info).unwrap();
    run.write_settings(&settings(&labels)).unwrap();
    run.write_predictions("test", &predictions(&run, &labels), &labels).unwrap();
    run.write_status(&RunStatus::Finished(summary(&run, &labels))).unwrap();
    Scene { folder, run, labels }
}

fn settings(labels: &[String]) -> RunSettings {
    let mut project = Project { name: "Tiny".to_owned(), ..Project::default() };
    project.model = ModelChoice::Folder(fixture());
    project.training.max_length = 600;
    RunSettings {
        schema_version: RUN_SCHEMA_VERSION,
        project,
        labels: labels.to_vec(),
        data_hash: "d".to_owned(),
        split_hash: "s".to_owned(),
        rows: [10, 2, TEXTS.len()],
        model_sha256: "m".to_owned(),
        hone_version: "0.1.0".to_owned(),
        device: "CPU, f32".to_owned(),
        pooling: None,
        trial: None,
        kept_from: None,
    }
}

fn predictions(run: &RunFolder, labels: &[String]) -> Vec<Prediction> {
    let answers = logits(&run.best(), labels).into_iter().zip(TEXTS).enumerate();
    let one = |(at, (logits, text)): (usize, (Vec<f32>, &str))| {
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        let probabilities: Vec<f32> = logits.iter().map(|logit| logit.exp() / sum).collect();
        let predicted = (0..3).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b])).unwrap() as u32;
        let id = format!("main:{}", at + 1).parse().unwrap();
        let answer = Answer::Class(ClassAnswer { predicted, probabilities });
        Prediction { id, key: None, text: text.to_owned(), target: Target::Class(at as u32 % 3), answer }
    };
    answers.map(one).collect()
}

fn summary(run: &RunFolder, labels: &[String]) -> RunSummary {
    let predictions = predictions(run, labels);
    let truth: Vec<u32> = predictions.iter().filter_map(Prediction::label).collect();
    let predicted: Vec<u32> = predictions.iter().filter_map(Prediction::predicted).collect();
    let metrics = Metrics::Classification(ClassificationMetrics::compute(labels, &truth, &predicted, 0.5));
    RunSummary {
        run: run.id(),
        started_at: 0,
        steps: 3,
        epochs: 1.0,
        train_seconds: 1.0,
        tokens_per_second: 100.0,
        peak_memory: 0,
        device: "CPU, f32".to_owned(),
        stop_reason: StopReason::Completed,
        best_step: 3,
        validation: metrics.clone(),
        test: Some(metrics),
    }
}

impl Scene {
    fn export(&self, format: ExportFormat, output: &Path) -> Result<Exported, ExportError> {
        export(&self.run, format, output, &mut Watch { control: &Control::default(), report: &mut |_| {} })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Files beside the run: nothing unfinished may be left.
    fn names(&self) -> Vec<String> {
        let items = std::fs::read_dir(self.folder.path()).unwrap().flatten();
        let mut names: Vec<String> = items.map(|item| item.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn an_exported_folder_predicts_as_the_run_does_and_has_a_model_card() {
    let scene = scene();
    let output = scene.path("exports/tiny");
    let exported = scene.export(ExportFormat::HuggingFace, &output).unwrap();
    assert_eq!(exported.path, output);
    assert!(exported.proof.contains("on 4 test rows: the answers are identical"), "{}", exported.proof);
    assert_eq!(logits(&output, &scene.labels), logits(&scene.run.best(), &scene.labels));
    let card = std::fs::read_to_string(output.join("README.md")).unwrap();
    assert!(card.starts_with("---\nlicense: unknown\npipeline_tag: text-classification\n"), "{card}");
    assert!(card.contains("max_length=32)"), "what the model reads, not what was asked for: {card}");
    assert_eq!(read_model_info(&output).unwrap().unwrap().max_length, 32);
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(output.join("config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"][0], "BertForSequenceClassification");
    assert_eq!(config["id2label"]["2"], "positive");
    assert_eq!(scene.names(), ["exports", "runs"]);
}

#[test]
fn an_empty_folder_is_filled_and_a_full_one_refused() {
    let scene = scene();
    let output = scene.path("there");
    std::fs::create_dir(&output).unwrap();
    scene.export(ExportFormat::HuggingFace, &output).unwrap();
    assert!(output.join("model.safetensors").is_file());
    let error = scene.export(ExportFormat::HuggingFace, &output).unwrap_err();
    assert!(matches!(error, ExportError::Storage(StorageError::NotEmpty(_))), "{error}");
    assert!(error.to_string().contains("Choose a new or an empty folder"));
}

#[test]
fn one_file_holds_the_same_weights_and_the_label_names() {
    let scene = scene();
    let output = scene.path("weights.safetensors");
    let exported = scene.export(ExportFormat::Safetensors, &output).unwrap();
    assert!(exported.proof.contains("the answers are identical"), "{}", exported.proof);
    let bytes = std::fs::read(&output).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    assert_eq!(metadata["format"], "pt");
    assert_eq!(metadata["labels"], r#"["negative","neutral","positive"]"#);
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let best = std::fs::read(scene.run.best().join("model.safetensors")).unwrap();
    let best = safetensors::SafeTensors::deserialize(&best).unwrap();
    assert_eq!(tensors.len(), best.len());
    for (name, tensor) in best.tensors() {
        assert_eq!(tensors.tensor(&name).unwrap().data(), tensor.data(), "{name}");
    }
    assert!(tensors.tensor("bert.encoder.layer.0.attention.self.query.weight").is_ok());
}

#[test]
fn a_single_file_can_be_exported_into_a_folder() {
    let scene = scene();
    let exported = scene.export(ExportFormat::Safetensors, &scene.path("out")).unwrap();
    assert_eq!(exported.path, scene.path("out/model.safetensors"));
    let exported = scene.export(ExportFormat::Predictions, &scene.path("out2")).unwrap();
    assert_eq!(exported.path, scene.path("out2/predictions.csv"));
}

#[test]
fn exported_predictions_equal_those_of_the_run() {
    let scene = scene();
    let exported = scene.export(ExportFormat::Predictions, &scene.path("answers.csv")).unwrap();
    assert!(exported.proof.starts_with("Read back and compared with the test set: 4 rows, "), "{}", exported.proof);
    let text = std::fs::read_to_string(&exported.path).unwrap();
    assert_eq!(text.lines().count(), 5);
    assert!(text.lines().nth(1).unwrap().starts_with("main:1,\"Great product, works well!\",negative,"), "{text}");
}

#[test]
fn an_interrupted_run_is_exported_and_marked_as_such() {
    let scene = scene();
    scene.run.write_status(&RunStatus::Running).unwrap();
    let exported = scene.export(ExportFormat::HuggingFace, &scene.path("out")).unwrap();
    let card = std::fs::read_to_string(exported.path.join("README.md")).unwrap();
    assert!(card.contains("ended early because of an error or a crash") && card.contains("lost its metrics"), "{card}");
    assert!(!card.contains("model-index"), "no metrics are made up: {card}");
}

#[test]
fn a_run_without_a_model_is_refused() {
    let scene = scene();
    std::fs::remove_dir_all(scene.run.best()).unwrap();
    scene.run.write_status(&RunStatus::Running).unwrap();
    let error = scene.export(ExportFormat::HuggingFace, &scene.path("out")).unwrap_err().to_string();
    assert!(error.contains("has no trained model") && error.contains("Hone quit or crashed"), "{error}");
    scene.run.write_status(&RunStatus::Failed("The disk was full.".to_owned())).unwrap();
    let error = scene.export(ExportFormat::Safetensors, &scene.path("out")).unwrap_err();
    assert!(error.to_string().contains("The disk was full."), "{error}");
    assert_eq!(scene.names(), ["runs"]);
}

#[test]
fn a_damaged_checkpoint_leaves_nothing_behind() {
    let scene = scene();
    let weights = scene.run.best().join("model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    for (format, name) in [(ExportFormat::HuggingFace, "out"), (ExportFormat::Safetensors, "out.safetensors")] {
        let error = scene.export(format, &scene.path(name)).unwrap_err();
        assert!(matches!(error, ExportError::Model(_)), "{error}");
    }
    assert_eq!(scene.names(), ["runs"]);
}

#[test]
fn a_checkpoint_without_a_classification_head_is_not_exported() {
    let scene = scene();
    let mut settings = settings(&scene.labels);
    settings.labels[0] = "another".to_owned();
    scene.run.write_settings(&settings).unwrap();
    let error = scene.export(ExportFormat::HuggingFace, &scene.path("out")).unwrap_err();
    assert!(matches!(error, ExportError::Differs(_)), "{error}");
    assert_eq!(scene.names(), ["runs"]);
}

#[test]
fn a_cancelled_export_leaves_nothing_behind() {
    let scene = scene();
    for stage in ["Copying", "Reopening", "Comparing"] {
        let control = Control::default();
        let mut report = |progress: hone::progress::Progress| {
            if progress.stage.starts_with(stage) {
                control.cancel();
            }
        };
        let mut watch = Watch { control: &control, report: &mut report };
        let error = export(&scene.run, ExportFormat::HuggingFace, &scene.path("out"), &mut watch).unwrap_err();
        assert!(matches!(error, ExportError::Cancelled), "{stage}: {error}");
        assert_eq!(scene.names(), ["runs"], "{stage}");
    }
}

#[test]
fn an_unwritable_folder_is_an_error() {
    let scene = scene();
    std::fs::write(scene.path("file"), "").unwrap();
    let error = scene.export(ExportFormat::HuggingFace, &scene.path("file/out")).unwrap_err();
    assert!(matches!(error, ExportError::Storage(_)), "{error}");
    let error = scene.export(ExportFormat::Predictions, &scene.path("file/out.csv")).unwrap_err();
    assert!(matches!(error, ExportError::Storage(_)), "{error}");
    assert!(error.to_string().contains("or choose another path"), "{error}");
}
