//! Label a file, through the window.

use std::path::Path;
use std::sync::Arc;

use egui_kittest::kittest::Queryable;

use super::classify_text::tests::open;
use crate::app::commands::UserCommand;
use crate::app::messages::{AppCommand, Edit, LabelledOutput, Pick};
use crate::app::testing::{Scene, Window, app, hone, imported, picture, results, settle};
use crate::app::view::View;
use crate::evaluation::ClassAnswer;
use crate::project::{DatasetSettings, ModelChoice};
use crate::storage::ThemeChoice;
use crate::worker::{FileToLabel, LabelledRows, ReadToLabel};

fn file() -> Arc<FileToLabel> {
    let asked = ReadToLabel {
        model: "customer-reviews/runs/2026-11-23-1024/best".into(),
        input: "new/reviews.csv".into(),
        reading: DatasetSettings::default(),
        text_column: None,
    };
    let file = imported().main.clone();
    let columns = Ok(vec![file.table.column_index("review").unwrap()]);
    Arc::new(FileToLabel { asked, file, columns, notes: Vec::new() })
}

/// The sample reviews, with the predictions of the test rows in turn; the second row has no text.
fn labelled() -> Arc<LabelledRows> {
    let (file, results) = (file(), results());
    let classes: Vec<&ClassAnswer> = results.test.iter().filter_map(|row| row.answer.class()).collect();
    let answers = (0..file.file.table.len()).map(|row| (row != 1).then(|| classes[row % classes.len()].clone()));
    let (labels, answers) = (results.settings.labels.clone(), answers.collect());
    Arc::new(LabelledRows { file, labels, answers, truncated: 2, max_length: 128 })
}

#[test]
fn a_file_is_chosen_and_its_rows_are_seen_before_they_are_labelled() {
    let mut harness = open(Scene::trained(false), false);
    harness.set_size(egui::vec2(1280.0, 1200.0));
    harness.run();
    picture("try-empty", &mut harness);
    harness.get_by_label("Choose a file…").click();
    harness.run();
    assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::Pick(Pick::FileToLabel)]);
    harness.state_mut().0.answers.to_label.value = Some(file());
    harness.run();
    picture("label-file-read", &mut harness);
    harness.get_by_role_and_label(egui::Role::ComboBox, "Separator");
    harness.get_by_role_and_label(egui::Role::ComboBox, "Text column");
    harness.get_by_label(&format!("Label {} rows", file().file.table.len())).click();
    harness.run();
    assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::LabelRows]);
}

#[test]
fn a_file_without_the_text_column_asks_for_it() {
    let mut scene = Scene::trained(false);
    let why = "a.csv has no column 'review'. Its columns: a, b. If 'a' is the text, add --text a.";
    let missing = FileToLabel { columns: Err(why.to_owned()), ..(*file()).clone() };
    scene.answers.to_label.value = Some(Arc::new(missing));
    let mut harness = open(scene, false);
    harness.set_size(egui::vec2(1280.0, 1200.0));
    harness.run();
    harness.get_by_label("Which column has the texts?");
    assert!(harness.query_by_label_contains("--text").is_none());
    harness.get_by_role_and_label(egui::Role::ComboBox, "Text column").click();
    harness.run_steps(9);
    harness.get_by_label("shop").click();
    harness.run_steps(9);
    let asked = harness.state_mut().0.sender.take();
    let [AppCommand::ReadToLabel(question)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(question.text_column.as_deref(), Some("shop"));
}

#[test]
fn counts_and_rows_are_shown_before_anything_is_written_and_the_threshold_is_saved_with_them() {
    for dark in [false, true] {
        let mut scene = Scene::trained(dark);
        let rows = labelled();
        (scene.answers.to_label.value, scene.answers.labelled.value) = (Some(file()), Some(Arc::clone(&rows)));
        let mut harness = open(scene, dark);
        harness.set_size(egui::vec2(1280.0, 1800.0));
        harness.run();
        harness.get_by_label("Share of negative");
        harness.get_by_label("Share of no text");
        harness.get_by_role_and_label(egui::Role::Table, "Rows to label");
        harness.get_by_label_contains("Row 2, no text: ");
        harness.get_by_label("Leave unsure rows undecided").click();
        harness.run();
        let undecided = rows.counts(Some(0.8)).undecided;
        assert!(undecided > 1);
        harness.get_by_label_contains(&format!("{undecided} rows fall below 80% and will be marked 'undecided'."));
        harness.get_by_label_contains("On the test set, ");
        harness.get_by_label("Least confident first").click();
        harness.run();
        picture(&format!("label-file-{}", if dark { "dark" } else { "light" }), &mut harness);
        harness.get_by_label("Save as…").click();
        harness.run();
        let output = LabelledOutput { name: "reviews-labelled.csv".to_owned(), least_percent: Some(80) };
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::Pick(Pick::LabelledOutput(output))]);
    }
}

/// The app with a model trained on the sample, on Try it.
fn trained() -> (Window, tempfile::TempDir) {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    let mut training = hone(&mut window).project().training.clone();
    training.epochs = 1;
    hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
    hone(&mut window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(model))));
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::User(UserCommand::Train));
    settle(&mut window);
    hone(&mut window).state.view = View::TryIt;
    settle(&mut window);
    (window, folder)
}

#[test]
fn a_file_is_read_labelled_and_saved_in_the_window() {
    let (mut window, folder) = trained();
    window.set_size(egui::vec2(1280.0, 1400.0));
    let input = folder.path().join("new.csv");
    std::fs::write(&input, "id,body\n1,It broke on day two\n2,\n3,I love it\n").unwrap();
    hone(&mut window).use_path(Pick::FileToLabel, input.clone());
    settle(&mut window);
    window.get_by_label("Which column has the texts?");
    window.get_by_role_and_label(egui::Role::ComboBox, "Text column").click();
    settle(&mut window);
    window.get_by_label("body").click();
    settle(&mut window);
    window.get_by_label("Label 3 rows").click();
    settle(&mut window);
    window.get_by_label("Share of no text");
    window.check_accessibility();
    for name in ["out.xlsx", "out.parquet", "out.csv"] {
        let output = folder.path().join(name);
        let how = LabelledOutput { name: name.to_owned(), least_percent: Some(99) };
        hone(&mut window).use_path(Pick::LabelledOutput(how), output.clone());
        settle(&mut window);
        window.get_by_label_contains(&format!("Saved predictions for 2 rows to {}", output.display()));
        window.get_by_label("Open the folder");
        assert!(output.is_file());
    }
    picture("label-file-saved", &mut window);
    hone(&mut window)
        .use_path(Pick::LabelledOutput(LabelledOutput { name: String::new(), least_percent: None }), input);
    settle(&mut window);
    window.get_by_label("The predictions could not be saved");
}
