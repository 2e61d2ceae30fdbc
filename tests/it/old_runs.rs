//! A run that version 1 trained (the sample project) is read, shown and exported as the types of today.

use std::path::{Path, PathBuf};

use hone::evaluation::{BaselineName, Metrics, Prediction};
use hone::project::MetricName;
use hone::storage::{RunFolder, RunOutcome, StopReason};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/run-v1")
}

fn run() -> RunFolder {
    RunFolder::find(&folder(), None).unwrap()
}

#[test]
#[allow(clippy::float_cmp, reason = "numbers are read to the last bit")]
fn its_metrics_and_baselines_are_those_it_was_written_with() {
    let RunOutcome::Finished(summary) = run().outcome() else { panic!("it is finished") };
    assert_eq!((summary.steps, summary.best_step, summary.stop_reason), (136, 136, StopReason::Completed));
    assert_eq!((summary.validation.rows(), summary.measured().rows()), (78, 155));
    assert_eq!(summary.validation.loss(), 0.708_271_533_411_323_2);
    assert_eq!(summary.validation.get(MetricName::MacroF1), Some(0.774_291_938_997_821_4));
    assert_eq!(summary.validation.get(MetricName::Accuracy), Some(0.769_230_769_230_769_3));
    assert_eq!(summary.validation.get(MetricName::Perplexity), None);
    let (steps, evaluations) = run().read_metrics().unwrap();
    assert_eq!((steps.len(), evaluations.len()), (136, 4));
    assert_eq!(evaluations[3].metrics, summary.validation);
    let comparison = run().read_comparison().unwrap();
    let interval = comparison.interval.unwrap();
    assert_eq!((interval.low, interval.high), (0.765_583_785_890_145_3, 0.885_489_225_258_330_1));
    let names: Vec<BaselineName> = comparison.baselines.iter().map(|baseline| baseline.name).collect();
    assert_eq!(names, [BaselineName::MajorityClass, BaselineName::TfIdf]);
    let majority = comparison.baseline(BaselineName::MajorityClass).unwrap();
    assert_eq!((majority.rows(), majority.loss()), (155, 1.080_116_394_149_028_8));
}

#[test]
fn its_settings_are_read() {
    let settings = run().read_settings().unwrap();
    assert_eq!((settings.rows, settings.labels.as_slice()), ([543, 78, 155], &labels()[..]));
    assert_eq!(settings.project.dataset.main, Some(folder().join("reviews.csv")));
}

#[test]
fn its_predictions_are_read_and_written_with_the_same_bytes() {
    let kept = |side| run().read_predictions(side).unwrap();
    let (validation, test) = (kept("validation"), kept("test"));
    assert_eq!((validation.len(), test.len()), (78, 155));
    let correct = test.iter().filter(|prediction| !prediction.is_wrong()).count();
    let RunOutcome::Finished(summary) = run().outcome() else { panic!("it is finished") };
    let accuracy = summary.test.as_ref().and_then(Metrics::classification).unwrap().accuracy;
    assert!((correct as f64 / 155.0 - accuracy).abs() < 1e-12);
    assert!(test.iter().all(|prediction: &Prediction| prediction.probabilities().len() == 3));

    let temp = tempfile::tempdir().unwrap();
    let again = RunFolder::create(temp.path()).unwrap();
    again.write_predictions("validation", &validation, &labels()).unwrap();
    again.write_predictions("test", &test, &labels()).unwrap();
    let bytes = |run: &RunFolder| std::fs::read(run.predictions_path()).unwrap();
    assert!(bytes(&again) == bytes(&run()), "other tools read the same file as before");
}

fn labels() -> [String; 3] {
    ["negative", "neutral", "positive"].map(str::to_owned)
}
