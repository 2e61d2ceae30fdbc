//! Metrics against scikit-learn's; see `tests/peers/classification_metrics.py`.

use hone::evaluation::{
    ClassificationMetrics, ConfusionMatrix, LabelledTexts, PrecisionRecall, bootstrap_macro_f1, majority_baseline,
    tfidf_baseline,
};
use hone::progress::{Control, Watch};
use serde_json::Value;

fn fixture() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/classification_metrics.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| u32::try_from(id.as_u64().unwrap()).unwrap()).collect()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("label {class}")).collect()
}

fn close(ours: PrecisionRecall, theirs: &[f64]) {
    for (ours, theirs) in [ours.precision, ours.recall, ours.f1].into_iter().zip(theirs) {
        assert!((ours - theirs).abs() < 1e-12, "{ours} {theirs}");
    }
}

#[test]
fn metrics_equal_scikit_learn() {
    for case in fixture()["cases"].as_array().unwrap() {
        let classes = usize::try_from(case["classes"].as_u64().unwrap()).unwrap();
        let (truth, predicted) = (ids(&case["truth"]), ids(&case["predicted"]));
        let metrics = ClassificationMetrics::compute(&names(classes), &truth, &predicted, 0.25);
        assert!((metrics.accuracy - case["accuracy"].as_f64().unwrap()).abs() < 1e-12);
        close(metrics.macro_average, &floats(&case["macro"]));
        close(metrics.weighted_average, &floats(&case["weighted"]));
        for (ours, theirs) in metrics.per_class.iter().zip(case["per_class"].as_array().unwrap()) {
            close(PrecisionRecall { precision: ours.precision, recall: ours.recall, f1: ours.f1 }, &floats(theirs));
            assert_eq!(Some(ours.support), theirs[3].as_u64());
        }
        assert_eq!(serde_json::to_value(&metrics.confusion.counts).unwrap(), case["confusion"]);
        assert_eq!((metrics.rows, metrics.loss), (truth.len() as u64, 0.25));
    }
}

#[test]
fn no_rows_give_zeros_and_no_panic() {
    let metrics = ClassificationMetrics::compute(&names(2), &[], &[], 0.0);
    assert_eq!((metrics.rows, metrics.accuracy, metrics.macro_average.f1), (0, 0.0, 0.0));
    assert_eq!(bootstrap_macro_f1(2, &[], &[], 100, 1), (0.0, 0.0));
    assert_eq!(majority_baseline(&[], &[], &[]).metrics.rows, 0);
    assert_eq!(ConfusionMatrix::compute(&names(2), &[0, 9], &[1, 0]).total(), 1);
}

#[test]
fn the_bootstrap_interval_agrees_with_numpy_and_repeats() {
    let fixture = &fixture()["bootstrap"];
    let (truth, predicted, theirs) = (ids(&fixture["truth"]), ids(&fixture["predicted"]), floats(&fixture["interval"]));
    let ours = bootstrap_macro_f1(3, &truth, &predicted, 10_000, 42);
    assert!((ours.0 - theirs[0]).abs() < 0.005 && (ours.1 - theirs[1]).abs() < 0.005, "{ours:?} {theirs:?}");
    assert_eq!(ours, bootstrap_macro_f1(3, &truth, &predicted, 10_000, 42));
    assert_ne!(ours, bootstrap_macro_f1(3, &truth, &predicted, 10_000, 43));
}

#[test]
fn the_majority_baseline_predicts_the_most_frequent_training_label() {
    let metrics = majority_baseline(&names(3), &[1, 1, 0, 2, 2, 1], &[0, 1, 1, 2]).metrics;
    assert_eq!(metrics.confusion.counts, [[0, 1, 0], [0, 2, 0], [0, 1, 0]]);
    assert!((metrics.accuracy - 0.5).abs() < 1e-12);
    // Shares with one row added to each: 2/9, 4/9, 3/9.
    let expected = -((2.0_f64 / 9.0).ln() + 2.0 * (4.0_f64 / 9.0).ln() + (3.0_f64 / 9.0).ln()) / 4.0;
    assert!((metrics.loss - expected).abs() < 1e-12);
}

#[test]
fn the_tfidf_baseline_equals_scikit_learn() {
    let fixture = &fixture()["tfidf"];
    let texts = |side: &str| -> Vec<String> { serde_json::from_value(fixture[side]["texts"].clone()).unwrap() };
    let (train, test) = (texts("train"), texts("test"));
    let (train, test): (Vec<&str>, Vec<&str>) =
        (train.iter().map(String::as_str).collect(), test.iter().map(String::as_str).collect());
    let (train_labels, test_labels) = (ids(&fixture["train"]["labels"]), ids(&fixture["test"]["labels"]));
    let (control, mut report) = (Control::default(), |_| {});
    let mut watch = Watch { control: &control, report: &mut report };
    let train = LabelledTexts { texts: &train, labels: &train_labels };
    let test = LabelledTexts { texts: &test, labels: &test_labels };
    let metrics = tfidf_baseline(train, test, &names(3), &mut watch).unwrap().metrics;
    let loss = fixture["loss"].as_f64().unwrap();
    assert!((metrics.loss - loss).abs() < 1e-3, "{} {loss}", metrics.loss);
    assert_eq!(serde_json::to_value(&metrics.confusion.counts).unwrap(), fixture["confusion"]);
    control.cancel();
    let mut watch = Watch { control: &control, report: &mut report };
    assert!(tfidf_baseline(train, test, &names(3), &mut watch).is_none());
}

#[test]
fn the_baseline_never_predicts_a_label_without_training_rows() {
    let (control, mut report) = (Control::default(), |_| {});
    let mut watch = Watch { control: &control, report: &mut report };
    let train = LabelledTexts { texts: &["good one", "bad one", "good two"], labels: &[0, 2, 0] };
    let test = LabelledTexts { texts: &["good", "never seen"], labels: &[0, 1] };
    let metrics = tfidf_baseline(train, test, &names(3), &mut watch).unwrap().metrics;
    assert!(metrics.per_class[1].recall.abs() < f64::EPSILON);
    assert!(metrics.loss.is_finite());
}

mod needs_shared {
    use super::*;
    use crate::needs::shared;

    #[test]
    #[ignore = "needs the example data sets in ../shared/data"]
    fn the_tfidf_baseline_on_airline_tweets_equals_scikit_learn() {
        let read = |name: &str| -> (Vec<String>, Vec<u32>) {
            let mut reader = csv::Reader::from_path(shared(&format!("airline_tweets/{name}"))).unwrap();
            let rows: Vec<(String, String)> = reader.deserialize().collect::<Result<_, _>>().unwrap();
            let label =
                |name: &str| ["negative", "neutral", "positive"].iter().position(|known| *known == name).unwrap();
            rows.into_iter().map(|(text, name)| (text, u32::try_from(label(&name)).unwrap())).unzip()
        };
        let (train, test) = (read("train.csv"), read("test.csv"));
        let (train_texts, test_texts): (Vec<&str>, Vec<&str>) =
            (train.0.iter().map(String::as_str).collect(), test.0.iter().map(String::as_str).collect());
        let (control, mut report) = (Control::default(), |_| {});
        let mut watch = Watch { control: &control, report: &mut report };
        let train = LabelledTexts { texts: &train_texts, labels: &train.1 };
        let test = LabelledTexts { texts: &test_texts, labels: &test.1 };
        let metrics = tfidf_baseline(train, test, &names(3), &mut watch).unwrap().metrics;
        let (accuracy, macro_f1) = (metrics.accuracy, metrics.macro_average.f1);
        // scikit-learn on the same rows: accuracy 0.7828, macro-F1 0.7372, loss 0.5795.
        assert!((accuracy - 0.7828).abs() < 0.003 && (macro_f1 - 0.7372).abs() < 0.003, "{accuracy} {macro_f1}");
        assert!((metrics.loss - 0.5795).abs() < 0.002, "{}", metrics.loss);
    }
}
