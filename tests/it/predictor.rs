//! A loaded model predicts texts, and errors say clearly why one cannot be loaded.

use std::path::Path;

use hone::evaluation::{Answer, Metrics};
use hone::models::{HeadSpec, LoadOptions, Model};
use hone::predictor::{Predictor, PredictorError, Probabilities};
use hone::progress::{Cancelled, Control, Watch};
use hone::project::{Pattern, TaskKind};
use hone::storage::{ModelFolderInfo, write_model_info};
use tempfile::TempDir;

use crate::training::tiny_bert;

const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

fn quietly<T>(work: impl FnOnce(&mut Watch<'_>) -> T) -> T {
    work(&mut Watch { control: &Control::default(), report: &mut |_| () })
}

/// A copy of the tiny model, as Hone saves it.
fn copy(info: &ModelFolderInfo) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        std::fs::copy(tiny_bert().join(name), folder.path().join(name)).unwrap();
    }
    write_model_info(folder.path(), info).unwrap();
    folder
}

fn info() -> ModelFolderInfo {
    ModelFolderInfo { labels: LABELS.map(str::to_owned).to_vec(), max_length: 32, ..ModelFolderInfo::default() }
}

fn refusal(folder: &Path) -> (PredictorError, String) {
    let Err(error) = Predictor::load(folder) else { panic!("it must be refused") };
    let message = error.to_string();
    (error, message)
}

fn answers(model: &Predictor, texts: &[&str]) -> Vec<Option<Answer>> {
    quietly(|watch| model.answer(texts, Probabilities::Uncalibrated, watch)).unwrap().answers
}

#[test]
fn a_model_predicts_cleaned_texts_but_not_empty_ones() {
    let folder = copy(&info());
    let model = Predictor::load(folder.path()).unwrap();
    assert_eq!((model.labels(), model.folder()), (info().labels.as_slice(), folder.path()));
    let found = answers(&model, &["the <b>phone</b> is great", "<p> </p>", "the phone is great"]);
    assert_eq!((&found[0], &found[1]), (&found[2], &None), "tags are cleaned away");
    let class = found[0].as_ref().and_then(Answer::class).unwrap();
    assert!((class.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    assert!(class.probabilities.iter().all(|probability| *probability <= class.confidence()));
}

#[test]
fn a_model_from_elsewhere_gets_uncleaned_texts() {
    let model = Predictor::load(&tiny_bert()).unwrap();
    assert_eq!(model.labels(), LABELS);
    let found = answers(&model, &["the <b>phone</b> is great", "the phone is great"]);
    assert_ne!(found[0], found[1], "nothing is cleaned");
}

#[test]
fn scores_and_logits_agree_with_answers() {
    let model = Predictor::load(&tiny_bert()).unwrap();
    let texts = ["the phone is great", "it broke", "ok"];
    let found = answers(&model, &texts);
    let scored = quietly(|watch| model.score(&texts, &[0, 1, 2], watch)).unwrap();
    assert_eq!(scored.answers.into_iter().map(Some).collect::<Vec<_>>(), found);
    let correct =
        (0..).zip(&found).filter(|(label, answer)| answer.as_ref().unwrap().class().unwrap().predicted == *label);
    let Metrics::Classification(metrics) = scored.metrics else { panic!("it has classes") };
    assert!((metrics.accuracy - correct.count() as f64 / 3.0).abs() < 1e-12);
    let logits = model.logits(&texts, || Ok(())).unwrap();
    for (logits, answer) in logits.iter().zip(&found) {
        let highest = (0..3).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap() as u32;
        assert_eq!(highest, answer.as_ref().unwrap().class().unwrap().predicted);
    }
    let stopped = model.logits(&texts, || Err(Cancelled));
    assert!(matches!(stopped, Err(PredictorError::Cancelled)));
}

#[test]
fn only_answers_for_people_are_calibrated() {
    let folder = copy(&ModelFolderInfo { temperature: Some(0.5), ..info() });
    let model = Predictor::load(folder.path()).unwrap();
    let texts = ["the phone is great", "", "it broke"];
    let answer = |which| quietly(|watch| model.answer(&texts, which, watch)).unwrap().answers;
    let (calibrated, network) = (answer(Probabilities::Calibrated), answer(Probabilities::Uncalibrated));
    assert_eq!(model.temperature(Probabilities::Calibrated), Some(0.5));
    assert_eq!(model.temperature(Probabilities::Uncalibrated), None);
    for (calibrated, network) in calibrated.iter().flatten().zip(network.iter().flatten()) {
        let [calibrated, network] = [calibrated, network].map(|answer| answer.class().unwrap());
        assert_eq!(calibrated.predicted, network.predicted);
        let squares: Vec<f32> = network.probabilities.iter().map(|probability| probability * probability).collect();
        let sum: f32 = squares.iter().sum();
        for (found, square) in calibrated.probabilities.iter().zip(squares) {
            assert!((found - square / sum).abs() < 1e-6, "{calibrated:?} {network:?}");
        }
    }
    assert_eq!((&calibrated[1], &network[1]), (&None, &None));
    let scored = quietly(|watch| model.score(&[texts[0], texts[2]], &[0, 1], watch)).unwrap();
    assert!(scored.answers.iter().eq(network.iter().flatten()), "what evaluation measures is not calibrated");
}

#[test]
fn stopping_ends_the_predictions() {
    let model = Predictor::load(&tiny_bert()).unwrap();
    let control = Control::default();
    control.cancel();
    let stopped =
        model.answer(&["a text"], Probabilities::Uncalibrated, &mut Watch { control: &control, report: &mut |_| () });
    assert!(matches!(stopped, Err(PredictorError::Cancelled)));
}

#[test]
fn a_model_without_a_trained_head_is_refused() {
    let folder = copy(&ModelFolderInfo { labels: vec!["bad".to_owned(), "good".to_owned()], ..info() });
    for (labels, folder) in [("other labels", &folder), ("no labels", &copy(&ModelFolderInfo::default()))] {
        let (error, message) = refusal(folder.path());
        assert!(matches!(error, PredictorError::NoHead { .. }), "{labels}: {message}");
        assert!(message.contains("has no trained classification head. Train it first"), "{message}");
    }
}

#[test]
fn a_language_model_gives_logits_of_its_vocabulary_and_no_labels() {
    let info = ModelFolderInfo { task: TaskKind::LanguageModelling, labels: Vec::new(), ..info() };
    let (error, message) = refusal(copy(&info).path());
    assert!(matches!(error, PredictorError::NoHead { .. }), "{message}");
    assert!(message.contains("has no trained language model head"), "{message}");

    let folder = tempfile::tempdir().unwrap();
    let head = LoadOptions::new(HeadSpec::LanguageModel);
    let (model, report) = Model::load(&tiny_bert(), &head).unwrap();
    assert!(report.new_head);
    model.save_folder(&tiny_bert(), folder.path()).unwrap();
    write_model_info(folder.path(), &info).unwrap();
    let model = Predictor::load(folder.path()).unwrap();
    let logits = model.logits(&["the phone is great", "ok"], || Ok(())).unwrap();
    assert_eq!(logits.iter().map(Vec::len).collect::<Vec<_>>(), [316, 316]);
    let error = quietly(|watch| model.answer(&["the phone is great"], Probabilities::Uncalibrated, watch)).unwrap_err();
    assert!(error.to_string().contains("it predicts words, not labels"), "{error}");
}

/// A copy of a fixture as it would come from elsewhere, without `hone.ron`, its configuration changed.
fn from_elsewhere(fixture: &str, change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = tiny_bert().with_file_name(fixture);
    for name in ["model.safetensors", "tokenizer.json"] {
        std::fs::copy(source.join(name), folder.path().join(name)).unwrap();
    }
    let mut config = serde_json::from_slice(&std::fs::read(source.join("config.json")).unwrap()).unwrap();
    change(&mut config);
    std::fs::write(folder.path().join("config.json"), serde_json::to_vec(&config).unwrap()).unwrap();
    folder
}

#[test]
fn the_configuration_of_a_model_from_elsewhere_tells_what_it_predicts() {
    let folder = from_elsewhere("tiny-bert-mlm", |_| ());
    let model = Predictor::load(folder.path()).unwrap();
    assert_eq!((model.info().task, model.labels()), (TaskKind::LanguageModelling, &[][..]));
    assert_eq!(model.fill_blanks("the ____ shall give notice", 3).unwrap()[0].len(), 3);
    let error = quietly(|watch| model.answer(&["the court"], Probabilities::Uncalibrated, watch)).unwrap_err();
    assert!(matches!(error, PredictorError::NoLabels(_)), "{error}");
    assert!(error.to_string().contains("train a classifier that starts from it: `hone new` with `--model`"), "{error}");

    let unnamed = from_elsewhere("tiny-bert", |config| {
        config.remove("architectures");
        config.insert("problem_type".to_owned(), serde_json::Value::Null);
    });
    assert_eq!(Predictor::load(unnamed.path()).unwrap().labels(), LABELS);
}

#[test]
fn a_model_from_elsewhere_that_gives_no_single_label_is_refused() {
    let set = |key: &'static str, value: serde_json::Value| {
        let folder = from_elsewhere("tiny-bert", |config| {
            config.insert(key.to_owned(), value);
        });
        refusal(folder.path())
    };
    let (error, message) = set("architectures", serde_json::json!(["BertForQuestionAnswering"]));
    assert!(matches!(error, PredictorError::OtherHead { .. }), "{message}");
    assert!(message.contains("is a BertForQuestionAnswering, which Hone cannot predict with"), "{message}");
    let (error, message) = set("architectures", serde_json::json!(["BertModel"]));
    assert!(matches!(error, PredictorError::NoHead { .. }), "{message}");
    let (error, message) = set("problem_type", "regression".into());
    assert!(matches!(error, PredictorError::NotOneLabel { .. }), "{message}");
    assert!(message.contains("gives a number for each text, not one label"), "{message}");
    let (error, message) = set("id2label", serde_json::json!({"0": "LABEL_0"}));
    assert!(matches!(error, PredictorError::NotOneLabel { .. }), "one output is a number: {message}");
    assert!(set("problem_type", "multi_label_classification".into()).1.contains("gives any number of labels"));
    let (error, message) = set("id2label", serde_json::json!({}));
    assert!(matches!(error, PredictorError::NoLabelNames(_)), "{message}");
    assert!(message.contains("\"id2label\": {\"0\": \"negative\", \"1\": \"positive\"}"), "{message}");
}

#[test]
fn what_is_missing_or_damaged_is_named() {
    let folder = copy(&info());
    let path = |name: &str| folder.path().join(name);
    std::fs::remove_file(path("tokenizer.json")).unwrap();
    let (error, message) = refusal(folder.path());
    assert!(matches!(error, PredictorError::Data(_)) && message.contains("tokenizer"), "{message}");
    std::fs::write(path("model.safetensors"), "short").unwrap();
    let (error, message) = refusal(folder.path());
    assert!(matches!(error, PredictorError::Model(_)) && message.contains("damaged"), "{message}");
    std::fs::write(path("hone.ron"), "(max_length: many)").unwrap();
    let (error, message) = refusal(folder.path());
    assert!(matches!(error, PredictorError::Storage(_)) && message.contains("hone.ron"), "{message}");

    let mut info = info();
    info.cleaning.patterns = vec![Pattern { find: "gad((get".to_owned(), regex: true, ..Pattern::default() }];
    let (error, message) = refusal(copy(&info).path());
    assert!(matches!(error, PredictorError::Cleaning { .. }), "{message}");
    assert!(message.starts_with("In ") && message.contains("hone.ron, pattern 1 ('gad((get')"), "{message}");
}
