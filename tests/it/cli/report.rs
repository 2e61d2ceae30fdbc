//! `hone report` and `hone curves`: files about runs for other people and other programs.

use std::fs;
use std::time::Duration;

use hone::worker::{CurvesFormat, SaveCurves, SaveReport, Worker};
use serde_json::Value;

use crate::cli::evaluated::{number, trained};
use crate::cli::{Place, TINY_BERT};

const PATIENCE: Duration = Duration::from_mins(1);

/// A number as reports write it.
fn score(value: &Value) -> String {
    format!("{:.3}", number(value))
}

/// The page without its markup, each run of white space as one space.
fn visible(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let (mut text, mut in_tag) = (String::new(), false);
    for letter in body.chars() {
        match letter {
            '<' => {
                in_tag = true;
                text.push(' ');
            }
            '>' => in_tag = false,
            letter if !in_tag => text.push(letter),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The cells of the row of a Markdown table that begins with `name`.
fn row(text: &str, name: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.starts_with(&format!("| {name} |")));
    let line = line.unwrap_or_else(|| panic!("no row '{name}' in\n{text}"));
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn a_report_has_the_numbers_that_evaluate_gives() {
    let place = trained();
    let evaluated = place.json(&["evaluate", "shop", "--slices", "--json"]);
    place.good(&["report", "shop", "--out", "report.md"]);
    let text = place.read("report.md");
    for metric in ["accuracy", "macro_f1", "cohens_kappa", "matthews_correlation", "log_loss", "brier_score"] {
        let known = &evaluated["details"]["overall"][metric];
        let title = match metric {
            "macro_f1" => "Macro-F1",
            "cohens_kappa" => "Cohen's kappa",
            "matthews_correlation" => "Matthews correlation",
            "log_loss" => "Log loss",
            "brier_score" => "Brier score",
            _ => "Accuracy",
        };
        let interval = format!("{} to {}", score(&known["interval_95"][0]), score(&known["interval_95"][1]));
        assert_eq!(row(&text, title)[1..3], [score(&known["value"]), interval], "{metric}");
    }
    for class in evaluated["per_class"].as_array().unwrap() {
        let cells = row(&text, class["label"].as_str().unwrap());
        assert_eq!(cells[1], class["support"].to_string());
        for (cell, metric) in cells[2..].iter().zip(["precision", "recall", "f1"]) {
            assert!(cell.starts_with(&format!("{} (", score(&class[metric]))), "{metric}: {cells:?}");
        }
    }
    let micro = row(&text, "Micro average");
    assert_eq!(
        micro[1..4],
        [score(&evaluated["micro_f1"]), score(&evaluated["micro_f1"]), score(&evaluated["micro_f1"])]
    );
    assert_eq!(row(&text, "Weighted average")[3], score(&evaluated["weighted_f1"]));
    for (label, counts) in ["1", "3", "5"].iter().zip(evaluated["confusion"]["counts"].as_array().unwrap()) {
        let counts: Vec<String> = counts.as_array().unwrap().iter().map(ToString::to_string).collect();
        assert!(text.contains(&format!("| {label} | {} |", counts.join(" | "))), "{label}: {counts:?} in\n{text}");
    }
    let worst = &evaluated["slices"]["slices"][0];
    let cells = row(&text, "shop: odd");
    assert_eq!((&cells[1], &cells[4]), (&worst["rows"].to_string(), &score(&worst["macro_f1"])));
    let temperature = format!("a temperature of {:.2}", number(&evaluated["details"]["calibration"]["temperature"]));
    assert!(text.contains(&temperature), "{temperature} in\n{text}");
    // The page says the same.
    place.good(&["report", "shop", "1", "--out", "report.html"]);
    let page = place.read("report.html");
    let said = visible(&page);
    for curves in evaluated["details"]["curves"].as_array().unwrap() {
        let label = curves["label"].as_str().unwrap();
        let (area, precision) = (score(&curves["roc_auc"]), score(&curves["average_precision"]));
        assert!(said.contains(&format!("{label} {area} {precision}")), "{label} {area} {precision} in {said}");
    }
    for part in [
        "How good is it?",
        "Macro-F1 beside the baselines",
        "The most confident mistakes",
        "Where it does worse",
        "SHA-256 of the rows",
        "hone train again",
    ] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    assert!(page.matches("<svg").count() >= 6 && !page.contains("<script"), "pictures inside, no scripts");
}

#[test]
fn the_commands_of_a_report_train_the_same_model_again() {
    let place = trained();
    let first = place.json(&["evaluate", "shop", "--json"]);
    place.good(&["report", "shop", "--out", "report.md"]);
    let text = place.read("report.md");
    let code = text.split("```sh\n").nth(1).unwrap().split("\n```").next().unwrap().replace("\\\n", " ");
    for line in code.lines() {
        // Only the folder's name is in the report.
        let line = line.replace("--model tiny-bert", "--model TINY_BERT");
        let words = crate::cli::words(line.strip_prefix("hone").unwrap());
        place.good(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let again = place.json(&["evaluate", "again", "--json"]);
    assert_eq!(again["details"], first["details"], "{code}");
    let hash = |project: &str| place.json(&["runs", project, "--json"])["runs"][0]["trained_with"]["data_hash"].clone();
    assert_eq!(hash("again"), hash("shop"));
}

#[test]
fn texts_in_a_report_are_never_markup() {
    let place = Place::new();
    let mut file = "review,mood\n".to_owned();
    for row in 0..60 {
        let mood = ["<b>good</b>", "bad | *ugly*"][row % 2];
        file.push_str(&format!(
            "<script>alert({row})</script> ](javascript:1) {} {row},{mood}\n",
            ["fine", "awful"][row / 2 % 2]
        ));
    }
    place.write("reviews.csv", file);
    let new = ["new", "shop", "--data", "reviews.csv", "--text", "review", "--label", "mood", "--model", TINY_BERT];
    let kept = ["--set", "cleaning.strip_html=false", "--set", "split.keep_near_together=false"];
    place.good(&[&new[..], &kept, &["--set", "training.trained_layers=Instant"]].concat());
    place.good(&["train", "shop"]);
    place.good(&["report", "shop", "--out", "report.html"]);
    let page = place.read("report.html");
    assert!(page.contains("&lt;script&gt;alert(") && page.contains("&lt;b&gt;good"), "{page}");
    assert!(!page.contains("<script") && !page.contains("<b>good"), "{page}");
    place.good(&["report", "shop", "--out", "report.md"]);
    let text = place.read("report.md");
    assert!(text.contains("&lt;script\\>") && text.contains("\\](javascript") && !text.contains("<script"), "{text}");
    assert!(text.contains("bad \\| \\*ugly\\*"), "{text}");
}

#[test]
fn without_its_data_a_report_says_what_is_missing() {
    let place = trained();
    fs::remove_file(place.path("stars.csv")).unwrap();
    place.good(&["report", "shop", "--out", "report.md"]);
    let text = place.read("report.md");
    assert!(text.contains("Parts of the rows were not compared.") && text.contains("is not known."), "{text}");
    assert!(text.contains("## By label") && text.contains("stars.csv"), "the rest is there:\n{text}");
}

#[test]
fn reports_that_cannot_be_written_are_refused_and_nothing_is_replaced() {
    let place = trained();
    place.write("mine.html", "precious");
    let bad = place.bad(1, &["report", "shop", "--out", "mine.html"]);
    assert!(bad.contains("an existing file"), "{bad}");
    assert_eq!(place.read("mine.html"), "precious");
    place.good(&["report", "shop", "--out", "mine.html", "--force"]);
    assert!(place.read("mine.html").contains("How good is it?"));
    let bad = place.bad(1, &["report", "shop", "--out", "report.pdf"]);
    assert!(bad.contains("A report is written as HTML or Markdown."), "{bad}");
    let bad = place.bad(1, &["report", "shop", "7"]);
    assert!(bad.contains("no run '7'"), "{bad}");
    let run = place.json(&["runs", "shop", "--json"])["runs"][0]["run"].as_str().unwrap().to_owned();
    let bad = place.bad(1, &["report", "shop", "--out", &format!("shop/runs/{run}/report.html")]);
    assert!(bad.contains(&run), "{bad}");
    // A file stands where a folder must be.
    let bad = place.bad(1, &["report", "shop", "--out", "mine.html/report.html"]);
    assert!(bad.contains("Could not write"), "{bad}");
    for _ in 0..2 {
        place.good(&["report", "shop"]);
    }
    let exports = |name: &str| place.path(&format!("shop/exports/{name}")).is_file();
    assert!(exports("shop-report.html") && exports("shop-report-2.html"), "each has its own name");
    fs::remove_file(place.path(&format!("shop/runs/{run}/predictions.parquet"))).unwrap();
    let bad = place.bad(1, &["report", "shop", "--out", "again.html"]);
    assert!(bad.contains("predictions"), "{bad}");
    assert!(!place.path("again.html").exists());
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_not_writable_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let place = trained();
    let locked = place.path("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    // Nothing is locked for a superuser.
    if fs::write(locked.join("probe"), "").is_ok() {
        return;
    }
    for arguments in [["report", "shop", "--out", "locked/report.html"], ["curves", "shop", "--out", "locked/a.svg"]] {
        let bad = place.bad(1, &arguments);
        assert!(bad.contains("Could not write") && bad.contains("locked"), "{bad}");
    }
}

#[test]
fn a_report_on_an_adapted_model_has_its_own_metrics() {
    let place = Place::new();
    let texts: String = (0..80)
        .map(|row| format!("The lessee shall pay the rent of month {row} to the lessor.\n"))
        .collect::<Vec<_>>()
        .concat();
    place.write("clauses.csv", format!("text\n{texts}"));
    let new = ["new", "terms", "--task", "adapt", "--data", "clauses.csv", "--text", "text", "--model", TINY_BERT];
    place.good(
        &[&new[..], &["--set", "epochs=2", "--set", "split.test=0.3", "--set", "split.keep_near_together=false"]]
            .concat(),
    );
    place.good(&["train", "terms"]);
    let evaluated = place.json(&["evaluate", "terms", "--json"]);
    place.good(&["report", "terms", "--out", "report.md"]);
    let text = place.read("report.md");
    let perplexity = format!("**{:.2}** perplexity", number(&evaluated["perplexity"]));
    for part in [perplexity.as_str(), "## Before and after training", "## The hardest documents", "--task adapt"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(!text.contains("Confusion matrix") && !text.contains("macro-F1"), "{text}");
    place.good(&["report", "terms", "--out", "report.html"]);
    assert!(place.read("report.html").matches("<svg").count() >= 2);
}

#[test]
fn curves_of_runs_are_saved_as_picture_or_table() {
    let place = Place::new();
    place.project();
    for rate in ["1e-3", "1e-4"] {
        place.good(&["train", "shop", "--set", "epochs=2", "--set", &format!("lr={rate}")]);
    }
    place.good(&["curves", "shop", "--out", "newest.svg"]);
    let svg = place.read("newest.svg");
    assert!(svg.starts_with("<svg xmlns=") && svg.contains("Run 2") && svg.contains("Training, smoothed"), "{svg}");
    place.good(&["curves", "shop", "1", "2", "--out", "both.png"]);
    assert!(fs::read(place.path("both.png")).unwrap().starts_with(b"\x89PNG\r\n"));
    place.good(&["curves", "shop", "2", "1", "--out", "both.csv"]);
    let table = place.read("both.csv");
    let steps =
        fs::read_to_string(newest_metrics(&place)).unwrap().lines().filter(|line| line.contains("\"step\":{")).count();
    assert_eq!(table.lines().filter(|line| line.starts_with("Run 2,")).count(), steps, "{table}");
    assert!(table.lines().any(|line| line.starts_with("Run 1,")) && table.contains("validation_macro_f1"), "{table}");
    let bad = place.bad(2, &["curves", "shop", "--out", "curves.pdf"]);
    assert!(bad.contains("SVG, PNG or CSV"), "{bad}");
    let bad = place.bad(1, &["curves", "shop", "--out", "both.csv"]);
    assert!(bad.contains("an existing file"), "{bad}");
    let nine = ["1"; 9];
    let bad = place.bad(1, &[&["curves", "shop"][..], &nine, &["--out", "nine.svg"]].concat());
    assert!(bad.contains("at most 8 runs"), "{bad}");
    let bad = place.bad(1, &["curves", "shop", "5", "--out", "five.svg"]);
    assert!(bad.contains("no run '5'"), "{bad}");
}

#[test]
fn reports_and_curves_of_a_trial_name_its_study() {
    let place = Place::new();
    place.project();
    let study = place.json(&["cv", "shop", "--folds", "2", "--set", "epochs=1", "--json"]);
    let id = study["study"].as_str().unwrap();
    let run = place.path(&format!("shop/studies/{id}/runs/{}", study["folds"][1]["run"].as_str().unwrap()));
    let worker = Worker::spawn(|| ()).unwrap();
    let report = SaveReport { run: run.clone(), output: place.path("report.md"), may_replace: false };
    worker.submit(report).wait(PATIENCE).unwrap().unwrap();
    let text = place.read("report.md");
    assert!(text.contains(&format!("Cross-validation {id}: fold 2 of 2")), "{text}");
    fs::remove_file(place.path(&format!("shop/studies/{id}/study.ron"))).unwrap();
    let (output, format) = (place.path("curves.csv"), CurvesFormat::Csv);
    worker.submit(SaveCurves { runs: vec![run], format, output, may_replace: false }).wait(PATIENCE).unwrap().unwrap();
    let table = place.read("curves.csv");
    assert!(table.contains(&format!("Trial 2 of the study {id},")), "{table}");
    let mut lines = table.trim_start_matches('\u{feff}').lines().map(|line| line.split(','));
    let column = lines.next().unwrap().position(|name| name == "memory_bytes").unwrap();
    let memory: u64 = lines.next().unwrap().nth(column).unwrap().parse().unwrap();
    assert!(memory > 1 << 20, "the memory was measured from the first step on: {memory}");
}

/// The metrics of the newest run.
fn newest_metrics(place: &Place) -> std::path::PathBuf {
    let run = place.json(&["runs", "shop", "--json"])["runs"][0]["run"].as_str().unwrap().to_owned();
    place.path(&format!("shop/runs/{run}/metrics.jsonl"))
}
