//! Label a file, through the window.

use std::path::Path;
use std::sync::Arc;

use egui_kittest::kittest::Queryable;

use super::classify_text::tests::open;
use crate::app::commands::UserCommand;
use crate::app::messages::{AppCommand, Edit, LabelledOutput, Pick};
use crate::app::testing::{Scene, Window, app, hone, imported, picture, results, settle};
use crate::app::view::View;
use crate::evaluation::{ClassAnswer, ThresholdScore};
use crate::project::{DatasetSettings, ModelChoice};
use crate::storage::ThemeChoice;
use crate::words::percent_of;
use crate::worker::{FileToLabel, LabelledRows, ReadToLabel};

fn file() -> Arc<FileToLabel> {
    let asked = ReadToLabel {
        model: "customer-reviews/runs/2026-11-23-1024/best".into(),
        input: "new/reviews.csv".into(),
        reading: DatasetSettings::default(),
        text_column: None,
        may_guess: true,
    };
    let file = imported().main.clone();
    let columns = Ok(vec![file.table.column_index("review").unwrap()]);
    Arc::new(FileToLabel { asked, file, columns, notes: Vec::new() })
}

/// The sample reviews, with the predictions of the test rows in turn, at that temperature; the second row has no text.
fn labelled(temperature: Option<f64>) -> Arc<LabelledRows> {
    let (file, results) = (file(), results());
    let classes: Vec<&ClassAnswer> = results.test.iter().filter_map(|row| row.answer.class()).collect();
    let answers = (0..file.file.table.len()).map(|row| (row != 1).then(|| classes[row % classes.len()].clone()));
    let (labels, answers) = (results.settings.labels.clone(), answers.collect());
    Arc::new(LabelledRows { file, labels, answers, truncated: 2, max_length: 128, temperature })
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
        let rows = labelled(None);
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
        let theme = if dark { "dark" } else { "light" };
        picture(&format!("label-file-{theme}"), &mut harness);
        harness.set_size(egui::vec2(640.0, 1800.0));
        harness.run();
        picture(&format!("label-file-{theme}-narrow"), &mut harness);
        harness.set_size(egui::vec2(1280.0, 1800.0));
        harness.run();
        harness.get_by_label("Save as…").click();
        harness.run();
        let output = LabelledOutput { name: "reviews-labelled.csv".to_owned(), least_percent: Some(80) };
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::Pick(Pick::LabelledOutput(output))]);
    }
}

#[test]
fn calibrated_probabilities_are_told_and_the_threshold_is_explained_by_rows_at_the_same_temperature() {
    let shown = |temperature| {
        let mut scene = Scene::trained(false);
        (scene.answers.to_label.value, scene.answers.labelled.value) = (Some(file()), Some(labelled(temperature)));
        let mut harness = open(scene, false);
        harness.set_size(egui::vec2(1280.0, 1800.0));
        harness.run();
        let note = "Probabilities are calibrated with the temperature 3.00, which was fitted on the validation rows.";
        assert_eq!(harness.query_by_label(note).is_some(), temperature.is_some());
        harness.get_by_label("Leave unsure rows undecided").click();
        harness.run();
        harness
    };
    let decided = |temperature| ThresholdScore::at_temperature(&results().test, 0.8, temperature);
    let flat = Some(3.0);
    assert_ne!(decided(None), decided(flat));
    for temperature in [None, flat] {
        let score = decided(temperature);
        let share = match score.decided {
            0 => "no row reached 80%".to_owned(),
            decided => format!("{} of rows were at 80% or more", percent_of(decided, score.rows)),
        };
        shown(temperature).get_by_label_contains(&share);
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
    std::fs::write(&input, "id,code\n1,It broke\n2,\n3,Loved\n").unwrap();
    hone(&mut window).use_path(Pick::FileToLabel, input.clone());
    settle(&mut window);
    window.get_by_label("Which column has the texts?");
    window.get_by_role_and_label(egui::Role::ComboBox, "Text column").click();
    settle(&mut window);
    window.get_by_label("code").click();
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

/// A file with three rows, whose texts are in a column of this name.
fn rows_in(folder: &Path, name: &str, column: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    let rows = "1,It broke on day two and nobody answers\n2,I love it and use it every day\n3,It is fine I guess\n";
    std::fs::write(&path, format!("id,{column}\n{rows}")).unwrap();
    path
}

#[test]
fn the_only_column_of_texts_is_read_whatever_its_name_and_can_be_changed() {
    let (mut window, folder) = trained();
    let input = rows_in(folder.path(), "new.csv", "message");
    hone(&mut window).use_path(Pick::FileToLabel, input);
    settle(&mut window);
    window.get_by_label_contains("There is no column 'review'. Hone reads the texts from 'message'");
    assert!(window.query_by_label("Which column has the texts?").is_none());
    window.get_by_label("Label 3 rows").scroll_to_me();
    settle(&mut window);
    window.get_by_label("Label 3 rows").click();
    settle(&mut window);
    let save = window.get_by_label("Share of negative").rect();
    let page = crate::app::widgets::page_rect(&window.ctx).unwrap();
    assert!(page.contains_rect(save), "the result is scrolled into view: {save:?} in {page:?}");
    window.get_by_role_and_label(egui::Role::ComboBox, "Text column");
}

#[test]
fn predictions_that_are_not_saved_are_not_lost_without_a_question() {
    let (mut window, folder) = trained();
    let label = |window: &mut Window| {
        let input = rows_in(folder.path(), "new.csv", "review");
        hone(window).use_path(Pick::FileToLabel, input);
        settle(window);
        hone(window).run_command(AppCommand::LabelRows);
        settle(window);
    };
    let has_rows = |window: &mut Window| hone(window).state.work.answers.labelled.value.is_some();
    label(&mut window);
    hone(&mut window).state.view = View::Step(crate::project::Step::Data);
    hone(&mut window).run_command(AppCommand::User(UserCommand::Quit));
    settle(&mut window);
    window.get_by_label("Quit without saving the predictions?");
    picture("predictions-unsaved", &mut window);
    window.get_by_label("Show the predictions").click();
    settle(&mut window);
    assert!(!hone(&mut window).may_close && has_rows(&mut window));
    assert_eq!(hone(&mut window).state.view, View::TryIt);

    let other = rows_in(folder.path(), "other.csv", "review");
    hone(&mut window).use_path(Pick::FileToLabel, other.clone());
    settle(&mut window);
    window.get_by_label("Label another file without saving the predictions?");
    window.get_by_label("Cancel").click();
    settle(&mut window);
    assert!(has_rows(&mut window));
    hone(&mut window).use_path(Pick::FileToLabel, other);
    settle(&mut window);
    window.get_by_label("Discard and go on").click();
    settle(&mut window);
    assert!(!has_rows(&mut window));
    window.get_by_label("other.csv");

    label(&mut window);
    hone(&mut window).run_command(AppCommand::User(UserCommand::StartPage));
    settle(&mut window);
    window.get_by_label("Close this project without saving the predictions?");
    window.key_press(egui::Key::Escape);
    settle(&mut window);
    let how = LabelledOutput { name: "out.csv".to_owned(), least_percent: None };
    hone(&mut window).use_path(Pick::LabelledOutput(how), folder.path().join("out.csv"));
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::User(UserCommand::Quit));
    settle(&mut window);
    assert!(hone(&mut window).dialog.is_none() && hone(&mut window).may_close, "saved predictions need no question");
}

#[test]
fn a_project_opens_on_try_it_if_it_was_left_there() {
    let (mut window, folder) = trained();
    hone(&mut window).run_command(AppCommand::User(UserCommand::StartPage));
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::OpenProject(folder.path().join("customer-reviews")));
    settle(&mut window);
    assert_eq!(hone(&mut window).state.view, View::TryIt);
    window.get_by_label("Label a file");
}
