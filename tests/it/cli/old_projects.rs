//! Projects and runs that were made when a project file had version 1: they open, and do what they did.
//!
//! `plain` has one label column; `columns` has a column for each label, a joined column, a group, an id, corrections,
//! weights of labels, patterns and renamed labels. What the program of that time printed is in `NAME.json` beside them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Place, TINY_BERT};
use hone::project::{ClassWeights, ColumnRole, MetricName, Project};
use hone::storage::{ProjectFile, RunFolder};

const OLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/projects-v1");

/// An old project in `shop`, with the model it was trained from, and what was printed then.
struct Old {
    place: Place,
    printed: Value,
}

impl Old {
    fn new(name: &str) -> Self {
        let place = Place::new();
        copy(&Path::new(OLD).join(name), &place.path("shop"));
        copy(Path::new(TINY_BERT), &place.path("shop/model"));
        let printed = fs::read_to_string(Path::new(OLD).join(format!("{name}.json"))).unwrap();
        place.write("new.csv", fs::read(Path::new(OLD).join("new.csv")).unwrap());
        Self { place, printed: serde_json::from_str(&printed).unwrap() }
    }

    fn project(&self) -> Project {
        ProjectFile::read(&self.place.path("shop")).unwrap().1
    }

    /// Evaluating, predicting, exporting and repeating the run give what they gave. `keeps_the_same`: the checkpoint of the same
    /// step is kept.
    fn does_what_it_did(&self, keeps_the_same: bool) {
        let Self { place, printed } = self;
        let runs = place.json(&["runs", "shop", "--json"]);
        assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
        assert_eq!(runs["runs"][0]["run"], printed["train"]["run"]);
        let evaluated = place.json(&["evaluate", "shop", "--json"]);
        same_scores(&evaluated, &printed["evaluate"]);
        place.good(&["predict", "shop", "new.csv", "--out", "predicted.csv"]);
        same_table(&place.read("predicted.csv"), printed["predict"].as_str().unwrap());
        place.good(&["export", "shop", "--format", "hf", "--out", "exported"]);
        let config: Value = serde_json::from_str(&place.read("exported/config.json")).unwrap();
        assert_eq!(config["id2label"], printed["exported"]["id2label"]);
        place.good(&["predict", "exported", "new.csv", "--out", "again.csv"]);
        assert_eq!(place.read("again.csv"), place.read("predicted.csv"));

        let repeated = place.json(&["train", "shop", "--json"]);
        for part in ["rows", "steps"] {
            assert_eq!(repeated[part], printed["train"][part], "{part}");
        }
        // Of evaluations with the same score, the first one was kept then, and that with the lowest loss is kept now.
        let is_kept_again = repeated["best_step"] == printed["train"]["best_step"];
        assert_eq!(is_kept_again, keeps_the_same);
        if is_kept_again {
            same_scores(&repeated["validation"], &printed["train"]["validation"]);
            same_scores(&repeated["test"], &printed["train"]["test"]);
        }
        let runs = RunFolder::list(&place.path("shop")).unwrap();
        let [new, old] = [0, 1].map(|run| runs[run].folder.read_metrics().unwrap());
        assert_eq!((new.0.len(), new.1.len()), (old.0.len(), old.1.len()));
        for (new, old) in new.0.iter().zip(&old.0) {
            assert!(new.step == old.step && is_near(new.loss, old.loss), "{new:?} {old:?}");
        }
        for (new, old) in new.1.iter().zip(&old.1) {
            assert!(new.step == old.step && is_near(new.metrics.loss(), old.metrics.loss()), "{new:?} {old:?}");
        }
        let [new, old] = [0, 1].map(|run| runs[run].folder.read_settings().unwrap());
        assert_eq!((&new.data_hash, &new.split_hash), (&old.data_hash, &old.split_hash));
        assert_eq!((new.project, new.labels, new.rows), (old.project, old.labels, old.rows));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// Equal but for the rounding of another processor.
fn is_near(now: f64, then: f64) -> bool {
    (now - then).abs() <= 1e-4 * then.abs().max(1.0)
}

fn same_scores(now: &Value, then: &Value) {
    assert_eq!(now["confusion"], then["confusion"]);
    for score in ["accuracy", "macro_f1", "loss"] {
        let [now, then] = [now, then].map(|of| of[score].as_f64().unwrap());
        assert!(is_near(now, then), "{score}: {now} now, {then} then");
    }
}

fn same_table(now: &str, then: &str) {
    let cells = |text: &str| -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    };
    let (now, then) = (cells(now), cells(then));
    assert_eq!(now.len(), then.len());
    for (now, then) in now.iter().flatten().zip(then.iter().flatten()) {
        match (now.parse(), then.parse()) {
            (Ok(now), Ok(then)) => assert!(is_near(now, then), "{now} now, {then} then"),
            _ => assert_eq!(now, then),
        }
    }
}

#[test]
fn an_old_project_with_one_label_column_gives_the_same_rows() {
    let old = Old::new("plain");
    let project = old.project();
    let columns = [("review", ColumnRole::Text), ("sentiment", ColumnRole::Label)];
    assert_eq!(project.dataset, project.dataset.clone().with_columns(&columns));
    assert_eq!((project.best_metric(), project.labels().order.len()), (MetricName::MacroF1, 0));
    old.does_what_it_did(true);
}

#[test]
fn an_old_project_with_columns_and_corrections_gives_the_same_rows() {
    let old = Old::new("columns");
    let project = old.project();
    let dataset = &project.dataset;
    assert!(dataset.label_columns().eq(["negative", "neutral", "positive"]));
    assert!(dataset.read_columns().eq(["product", "review"]));
    assert_eq!((dataset.group_column(), dataset.id_column()), (Some("shop"), Some("order_id")));
    assert_eq!(dataset.role_of("date"), Some(ColumnRole::Ignored));
    let task = project.classification().unwrap();
    assert_eq!(task.labels.order, ["positive", "mixed", "negative"]);
    assert_eq!((task.labels.resolve("neutral"), task.label_smoothing), ("mixed", 0.1));
    assert_eq!(task.class_weights, ClassWeights::ByHand([("mixed".to_owned(), 2.0)].into()));
    assert_eq!((project.best_metric(), project.cleaning.patterns.len()), (MetricName::Accuracy, 2));
    let edits: Vec<(Option<&str>, bool, bool)> =
        project.edits.rows.values().map(|edit| (edit.label(), edit.excluded, edit.kept)).collect();
    assert_eq!(edits, [(Some("positive"), false, false), (None, true, false), (None, false, true)]);
    old.does_what_it_did(false);
}

#[test]
fn an_old_project_is_saved_in_the_new_form_with_the_same_meaning() {
    for name in ["plain", "columns"] {
        let old = Old::new(name);
        let before = old.project();
        let opened = ProjectFile::open(&old.place.path("shop")).unwrap();
        opened.file.save(&opened.project).unwrap();
        assert_eq!((&opened.project, &old.project()), (&before, &before));
        let text = old.place.read("shop/project.ron");
        assert!(text.contains("schema_version: 2") && text.contains("TextClassification(("), "{text}");
    }
}

#[test]
fn a_damaged_old_project_says_where() {
    let old = Old::new("plain");
    let text = old.place.read("shop/project.ron");
    old.place.write("shop/project.ron", text.replace("epochs: 2", "epochs: two"));
    let line = 1 + text.lines().position(|line| line.contains("epochs: 2")).unwrap();
    let error = old.place.bad(1, &["train", "shop"]);
    assert!(error.contains(&format!("line {line}")), "{error}");
}
