//! The files of runs that version 1 trained are read into the current types. `cli/old_projects.rs` tests what can be
//! done with such runs.

use std::path::{Path, PathBuf};

use hone::evaluation::{BaselineName, Metrics, Prediction};
use hone::project::MetricName;
use hone::storage::{RunFolder, RunOutcome, RunSummary};
use serde_json::Value;

/// A run of version 1, and the output of `hone train --json` for it at the time.
struct Old {
    run: RunFolder,
    printed: Value,
}

fn old_runs() -> [Old; 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/projects-v1");
    ["plain", "columns"].map(|name| {
        let printed = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let printed: Value = serde_json::from_str(&printed).unwrap();
        Old { run: RunFolder::find(&folder.join(name), None).unwrap(), printed: printed["train"].clone() }
    })
}

impl Old {
    fn summary(&self) -> RunSummary {
        match self.run.outcome() {
            RunOutcome::Finished(summary) => summary,
            other => panic!("{other:?}"),
        }
    }

    fn labels(&self) -> Vec<String> {
        self.run.read_settings().unwrap().labels
    }

    fn number(&self, path: &str) -> f64 {
        self.printed.pointer(path).and_then(Value::as_f64).unwrap()
    }
}

/// Equal except for the last bit, which reading JSON may change.
fn same(found: Option<f64>, printed: f64) {
    assert!(found.is_some_and(|found| (found - printed).abs() <= 2.0 * f64::EPSILON * printed), "{found:?} {printed}");
}

#[test]
fn metrics_and_baselines_are_those_that_were_printed() {
    for old in old_runs() {
        let summary = old.summary();
        assert_eq!(summary.steps, old.printed["steps"].as_u64().unwrap());
        let test = summary.test.as_ref().unwrap();
        for (metrics, side) in [(&summary.validation, "validation"), (test, "test")] {
            let printed = |score: &str| old.number(&format!("/{side}/{score}"));
            same(metrics.get(MetricName::Loss), printed("loss"));
            same(metrics.get(MetricName::MacroF1), printed("macro_f1"));
            same(metrics.get(MetricName::Accuracy), printed("accuracy"));
            same(Some(metrics.rows() as f64), printed("rows"));
            assert_eq!(metrics.get(MetricName::Perplexity), None);
        }
        assert_eq!(summary.measured(), test);
        let (steps, evaluations) = old.run.read_metrics().unwrap();
        assert_eq!(steps.len() as u64, summary.steps);
        let best = evaluations.iter().find(|point| point.step == summary.best_step).unwrap();
        same(Some(best.metrics.loss()), summary.validation.loss());
        let confusion = |metrics: &Metrics| metrics.classification().unwrap().confusion.clone();
        assert_eq!(confusion(&best.metrics), confusion(&summary.validation));

        let comparison = old.run.read_comparison().unwrap();
        let printed = old.printed["macro_f1_interval_95"].as_array();
        assert_eq!(comparison.interval.is_some(), printed.is_some());
        if let (Some(interval), Some(printed)) = (comparison.interval, printed) {
            same(Some(interval.low), printed[0].as_f64().unwrap());
            same(Some(interval.high), printed[1].as_f64().unwrap());
        }
        let baseline = |name| comparison.baseline(name).map(Metrics::loss);
        same(baseline(BaselineName::MajorityClass), old.number("/majority_baseline/loss"));
        same(baseline(BaselineName::TfIdf), old.number("/tfidf_baseline/loss"));
        let names: Vec<BaselineName> = comparison.baselines.iter().map(|baseline| baseline.name).collect();
        assert_eq!(names, [BaselineName::MajorityClass, BaselineName::TfIdf]);
    }
}

#[test]
fn predictions_are_read_and_written_with_the_same_bytes() {
    for old in old_runs() {
        let [validation, test] = ["validation", "test"].map(|side| old.run.read_predictions(side).unwrap());
        let correct = test.iter().filter(|prediction| !prediction.is_wrong()).count();
        same(Some(correct as f64 / test.len() as f64), old.number("/test/accuracy"));
        let labels = old.labels();
        assert!(test.iter().all(|prediction: &Prediction| prediction.probabilities().len() == labels.len()));

        let folder = tempfile::tempdir().unwrap();
        let again = RunFolder::create(folder.path()).unwrap().0;
        again.write_predictions("validation", &validation, &labels).unwrap();
        again.write_predictions("test", &test, &labels).unwrap();
        let bytes = |path: PathBuf| std::fs::read(path).unwrap();
        let same = bytes(again.predictions_path()) == bytes(old.run.predictions_path());
        assert!(same, "other tools read the same file as before");
    }
}
