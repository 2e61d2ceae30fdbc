//! The temperature that is kept with a model: in predictions, in exports, and where there is none.

use std::path::Path;

use hone::evaluation::Prediction;
use hone::storage::{MODEL_INFO_FILE, ModelFolderInfo, RunFolder, read_model_info, write_model_info};
use serde_json::Value;

use super::evaluated::{number, trained};
use super::{Place, TINY_BERT, reviews};

const TEXTS: [&str; 4] =
    ["I love this shoe", "It is okay so far on day 3", "I hate it broken", "odd words that fit nothing"];

/// The newest run's best checkpoint.
fn best(place: &Place) -> std::path::PathBuf {
    RunFolder::list(&place.path("shop")).unwrap()[0].folder.best()
}

/// The temperature in a model folder.
fn kept(folder: &Path) -> Option<f64> {
    read_model_info(folder).unwrap().unwrap().temperature
}

/// Asserts that the newest run has a temperature with its model, the one that `hone evaluate` shows, and returns it.
fn is_kept_as_shown(place: &Place) -> f64 {
    let evaluated = place.json(&["evaluate", "shop", "--json"]);
    let (kept, shown) = (kept(&best(place)).unwrap(), number(&evaluated["details"]["calibration"]["temperature"]));
    assert!((kept - shown).abs() < 1e-12 * shown, "{kept} and {shown}");
    kept
}

/// What `hone predict` with these arguments writes for [`TEXTS`]: the labels, and the probabilities of each row.
struct Predicted {
    json: Value,
    labels: Vec<String>,
    probabilities: Vec<Vec<f64>>,
}

impl Predicted {
    fn by(place: &Place, arguments: &[&str]) -> Self {
        place.write("new.csv", format!("review\n{}\n", TEXTS.join("\n")));
        let rest = ["new.csv", "--out", "out.csv", "--force", "--raw", "--json"];
        let json = place.json(&[&["predict"], arguments, &rest[..]].concat());
        let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
        for row in csv::Reader::from_path(place.path("out.csv")).unwrap().records().map(Result::unwrap) {
            labels.push(row[1].to_owned());
            probabilities.push(row.iter().skip(2).map(|cell| cell.parse().unwrap()).collect());
        }
        assert_eq!(labels.len(), TEXTS.len());
        Self { json, labels, probabilities }
    }

    /// Asserts that other predictions have the same labels, and their probabilities but for rounding.
    fn is_as(&self, other: &Self, what: &str) {
        assert_eq!(self.labels, other.labels, "{what}");
        let [own, others] = [self, other].map(|predicted| predicted.probabilities.concat());
        for (own, other) in own.iter().zip(&others) {
            assert!((own - other).abs() < 1e-5, "{what}: {own} instead of {other}");
        }
    }

    /// The same with every logit divided by `temperature`.
    fn at_temperature(&self, temperature: f64) -> Self {
        let temper = |row: &Vec<f64>| {
            let row: Vec<f64> = row.iter().map(|probability| probability.powf(1.0 / temperature)).collect();
            let sum: f64 = row.iter().sum();
            row.into_iter().map(|power| power / sum).collect()
        };
        let probabilities = self.probabilities.iter().map(temper).collect();
        Self { json: self.json.clone(), labels: self.labels.clone(), probabilities }
    }
}

#[test]
fn predictions_are_calibrated_with_the_temperature_that_evaluate_shows() {
    let place = trained();
    let saved = RunFolder::list(&place.path("shop")).unwrap()[0].folder.read_predictions("test").unwrap();
    let temperature = is_kept_as_shown(&place);
    assert!((temperature - 1.0).abs() > 0.01, "it changes something: {temperature}");
    let calibrated = Predicted::by(&place, &["shop"]);
    let uncalibrated = Predicted::by(&place, &["shop", "--uncalibrated"]);
    assert!((number(&calibrated.json["temperature"]) - temperature).abs() < 1e-12);
    assert_eq!(uncalibrated.json["temperature"], Value::Null);
    assert_ne!(calibrated.probabilities, uncalibrated.probabilities);
    let expected = uncalibrated.at_temperature(temperature);
    assert_eq!(calibrated.labels, expected.labels, "no label changes");
    for (found, expected) in calibrated.probabilities.concat().iter().zip(expected.probabilities.concat()) {
        // The file has six decimals.
        assert!((found - expected).abs() < 1e-4, "{found} instead of {expected}");
    }

    let said = place.good(&["predict", "shop", "new.csv"]);
    let sentence =
        format!("Probabilities are calibrated with the temperature {temperature:.2}, which was fitted on the");
    assert!(said.contains(&sentence) && said.contains("Add --uncalibrated"), "{said}");
    assert!(!place.good(&["predict", "shop", "new.csv", "--uncalibrated"]).contains("alibrated"));

    // What the run saved is uncalibrated, also when it is exported or evaluated again.
    place.good(&["export", "shop", "--format", "predictions", "--out", "test.csv", "--raw"]);
    let exported =
        csv::Reader::from_path(place.path("test.csv")).unwrap().records().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(exported.len(), saved.len());
    let again = RunFolder::list(&place.path("shop")).unwrap()[0].folder.read_predictions("test").unwrap();
    assert_eq!(again, saved);
    for (row, saved) in exported.iter().zip(&saved) {
        assert!(row.iter().any(|cell| cell == saved.confidence().to_string()), "{row:?} {saved:?}");
    }
    place.write("new.csv", format!("review\n\"{}\"\n", saved[0].text));
    place.good(&["predict", "shop", "new.csv", "--uncalibrated", "--out", "again.csv", "--raw"]);
    let row = csv::Reader::from_path(place.path("again.csv")).unwrap().records().next().unwrap().unwrap();
    let found: Vec<f32> = row.iter().skip(2).map(|cell| cell.parse().unwrap()).collect();
    assert!(found.iter().zip(saved[0].probabilities()).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {:?}", saved[0]);
}

#[test]
fn an_export_keeps_the_temperature_or_is_divided_by_it_whatever_the_head() {
    for (way, settings) in [
        ("instant", &["--set", "training.trained_layers=instant"][..]),
        ("token", &["--set", "task.pooling=Token", "--set", "lr=3e-3"]),
        ("lora", &["--set", "training.trained_layers=lora", "--set", "lr=1e-2"]),
    ] {
        let place = trained();
        place.good(&[&["train", "shop", "--set", "epochs=1"], settings].concat());
        let temperature = is_kept_as_shown(&place);
        let of_run = Predicted::by(&place, &["shop"]);

        place.good(&["export", "shop", "--format", "hf", "--out", "plain"]);
        assert_eq!(kept(&place.path("plain")), Some(temperature), "{way}");
        Predicted::by(&place, &["plain"]).is_as(&of_run, way);
        let card = place.read("plain/README.md");
        assert!(
            card.contains(&format!("dividing the logits by the temperature {temperature:.3} (fitted on the")),
            "{card}"
        );
        assert!(card.contains(&format!(" / {temperature:.6}).softmax(-1)")), "{card}");
        assert!(card.contains("and calibrates the probabilities:"), "{card}");

        let json = place.json(&["export", "shop", "--format", "hf", "--calibrated", "--out", "divided", "--json"]);
        let proof = json["proof"].as_str().unwrap();
        assert!(proof.contains(&format!("calibrated with the temperature {temperature:.3}")), "{proof}");
        assert_eq!(kept(&place.path("divided")), None, "{way}: it would be divided twice");
        let divided = Predicted::by(&place, &["divided"]);
        divided.is_as(&of_run, way);
        assert_eq!(divided.json["temperature"], Value::Null);
        Predicted::by(&place, &["divided", "--uncalibrated"]).is_as(&of_run, way);
        let card = place.read("divided/README.md");
        assert!(card.contains(&format!("are divided by the temperature {temperature:.3} (fitted on the")), "{card}");
        assert!(!card.contains(" / ") && !card.contains("and calibrates the probabilities"), "{card}");

        if way == "lora" {
            place.good(&["export", "shop", "--format", "adapter", "--out", "adapter"]);
            assert_eq!(kept(&place.path("adapter")), Some(temperature));
            Predicted::by(&place, &["adapter"]).is_as(&of_run, "adapter");
            assert!(place.read("adapter/README.md").contains(&format!(" / {temperature:.6}).softmax(-1)`")));
        }
    }
}

#[test]
fn with_too_few_validation_rows_there_is_no_temperature() {
    let place = Place::new();
    place.project();
    place.good(&["train", "shop", "--set", "epochs=1"]);
    assert_eq!(kept(&best(&place)), None);
    assert!(!place.read(&format!("shop/runs/{}/best/hone.ron", run(&place))).contains("temperature"));
    let predicted = Predicted::by(&place, &["shop"]);
    assert_eq!(predicted.json["temperature"], Value::Null);
    predicted.is_as(&Predicted::by(&place, &["shop", "--uncalibrated"]), "both are those of the network");
    assert!(!place.good(&["predict", "shop", "new.csv"]).contains("alibrated"));
    let refused = place.bad(1, &["export", "shop", "--format", "hf", "--calibrated", "--out", "divided"]);
    let why =
        "has no temperature to divide its last layer by: one is fitted on at least 20 validation rows, with a mistake";
    assert!(refused.contains(why), "{refused}");
    assert!(!place.path("divided").exists());
    for format in ["adapter", "safetensors", "predictions"] {
        let refused = place.bad(2, &["export", "shop", "--format", format, "--calibrated", "--out", "divided"]);
        assert!(
            refused.contains("--calibrated divides the last layer of a whole model, so it needs --format hf"),
            "{refused}"
        );
    }
}

#[test]
fn without_a_mistake_among_the_validation_rows_there_is_no_temperature() {
    let place = Place::new();
    // Two labels that no model confuses.
    let rows = (0..60).map(|row| format!("good good good good {row},yes\nbroken broken broken broken {row},no\n"));
    place.write("reviews.csv", format!("review,mood\n{}", rows.collect::<String>()));
    place.good(&["new", "shop", "--data", "reviews.csv", "--text", "review", "--label", "mood", "--model", TINY_BERT]);
    let instant = ["--set", "training.trained_layers=instant", "--set", "split.validation=0.3"];
    place.good(&[&["train", "shop"], &instant[..]].concat());
    let evaluated = place.json(&["evaluate", "shop", "--json"]);
    let validation = RunFolder::list(&place.path("shop")).unwrap()[0].folder.read_predictions("validation").unwrap();
    assert!(validation.len() > 20 && !validation.iter().any(Prediction::is_wrong), "{validation:#?}");
    assert_eq!(evaluated["details"]["calibration"], Value::Null);
    assert_eq!(kept(&best(&place)), None);
}

/// The id of the newest run.
fn run(place: &Place) -> String {
    RunFolder::list(&place.path("shop")).unwrap()[0].folder.id()
}

#[test]
fn a_model_of_an_earlier_version_is_used_as_before_and_a_damaged_temperature_is_refused() {
    let place = trained();
    let (best, temperature) = (best(&place), kept(&best(&place)).unwrap());
    let calibrated = Predicted::by(&place, &["shop"]);
    let info = read_model_info(&best).unwrap().unwrap();
    write_model_info(&best, &ModelFolderInfo { temperature: None, ..info }).unwrap();
    let before = Predicted::by(&place, &["shop"]);
    assert_eq!(before.json["temperature"], Value::Null);
    before.is_as(&Predicted::by(&place, &["shop", "--uncalibrated"]), "as before");
    place.good(&["export", "shop", "--format", "hf", "--out", "plain"]);
    Predicted::by(&place, &["plain"]).is_as(&before, "an export answers as the run does");
    let card = place.read("plain/README.md");
    assert!(card.contains(&format!("dividing the logits by the temperature {temperature:.3}")), "{card}");
    assert!(!card.contains("and calibrates the probabilities"), "{card}");
    // The run's predictions for its validation rows have it too.
    place.good(&["export", "shop", "--format", "hf", "--calibrated", "--out", "divided"]);
    Predicted::by(&place, &["divided"]).is_as(&calibrated, "divided");

    let text = std::fs::read_to_string(best.join(MODEL_INFO_FILE)).unwrap();
    let damaged = text.replacen('(', "(temperature: Some(-1.5),", 1);
    std::fs::write(best.join(MODEL_INFO_FILE), damaged).unwrap();
    let refused = place.bad(1, &["predict", "shop", "new.csv"]);
    assert!(refused.contains("the temperature is -1.5 instead of a number above 0"), "{refused}");
}

#[test]
fn a_run_that_was_cut_off_gets_its_temperature_with_its_results() {
    let place = trained();
    let temperature = is_kept_as_shown(&place);
    let best = best(&place);
    let info = read_model_info(&best).unwrap().unwrap();
    write_model_info(&best, &ModelFolderInfo { temperature: None, ..info }).unwrap();
    std::fs::remove_file(best.with_file_name("predictions.parquet")).unwrap();
    let again = is_kept_as_shown(&place);
    assert!((again - temperature).abs() < 1e-3 * temperature, "{again} and {temperature}");
}

#[test]
fn a_trial_that_becomes_a_run_has_its_temperature() {
    let place = trained();
    let search = ["search", "shop", "--over", "lr=1e-3..1e-2:log", "--trials", "2", "--json"];
    let settings = ["--set", "training.trained_layers=all", "--set", "epochs=1"];
    let outcome = place.json(&[&search[..], &settings].concat());
    let (study, trial) = (outcome["study"].as_str().unwrap(), outcome["best"]["run"].as_str().unwrap());
    // As an earlier version left it.
    let of_trial = place.path(&format!("shop/studies/{study}/runs/{trial}/best"));
    assert!(kept(&of_trial).is_some());
    let info = read_model_info(&of_trial).unwrap().unwrap();
    write_model_info(&of_trial, &ModelFolderInfo { temperature: None, ..info }).unwrap();
    let run = place.json(&["studies", "shop", "--study", study, "--keep", "--json"])["run"].clone();
    assert_eq!(best(&place), place.path(&format!("shop/runs/{}/best", run.as_str().unwrap())));
    is_kept_as_shown(&place);
}

#[test]
fn a_language_model_has_no_temperature_to_divide_by() {
    let place = Place::new();
    place.write("reviews.csv", reviews(20));
    let texts = ["--task", "adapt", "--data", "reviews.csv", "--text", "review", "--model", TINY_BERT];
    place.good(&[&["new", "legal"], &texts[..]].concat());
    place.good(&["train", "legal", "--set", "epochs=1"]);
    let refused = place.bad(1, &["export", "legal", "--format", "hf", "--calibrated", "--out", "divided"]);
    assert!(refused.contains("only a classifier has one"), "{refused}");
}
