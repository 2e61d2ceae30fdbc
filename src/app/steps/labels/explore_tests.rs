//! Tests of the row browser of the Labels step, in a real window.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use crate::app::commands::UserCommand;
use crate::app::messages::{AppCommand, Edit};
use crate::app::testing::{Window, app, hone, picture, press, settle};
use crate::data::{RowQuery, RowSet, Sort, SortBy};
use crate::project::{ModelChoice, Step};
use crate::storage::ThemeChoice;
use crate::words::counted;

/// The Labels step of the sample project, with room for all of it.
fn labels_step(theme: ThemeChoice) -> (Window, tempfile::TempDir) {
    let (mut window, folder) = app(theme, 1.0);
    window.set_size(egui::vec2(1280.0, 3200.0));
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
    settle(&mut window);
    (window, folder)
}

fn type_words(window: &mut Window, words: &str) {
    let search = window.get_by_label("Search the texts");
    search.focus();
    window.get_by_label("Search the texts").type_text(words);
    settle(window);
}

/// Records of the rows shown first.
fn shown(window: &mut Window) -> Vec<u64> {
    let answers = &hone(window).state.work.answers;
    let source = answers.rows.value.as_ref().unwrap();
    let found = answers.found.value.as_ref().unwrap();
    found.rows.iter().map(|&place| source.rows().id(place).unwrap().record).collect()
}

#[test]
fn the_worker_searches_the_rows_and_a_late_answer_is_dropped() {
    let (mut window, _folder) = labels_step(ThemeChoice::Light);
    let prepared = hone(&mut window).prepared().unwrap();
    let holding = |words: &str| prepared.examples.iter().filter(|row| row.text.to_lowercase().contains(words)).count();
    let (some, fewer) = (holding("t"), holding("terrible"));
    assert!(some > fewer && fewer > 0, "{some} {fewer}");
    type_words(&mut window, "Terrible");
    window.get_by_label(&counted(fewer as u64, "row", "rows"));

    // Two questions at once: only the newer one is answered.
    let app = hone(&mut window);
    let query = |words: &str| RowQuery { words: words.to_owned(), ..RowQuery::default() };
    app.run_command(AppCommand::FindRows(Box::new(query("t"))));
    app.run_command(AppCommand::FindRows(Box::new(RowQuery { label: Some(0), ..query("terrible") })));
    while !hone(&mut window).is_idle() {
        window.step();
        let found = hone(&mut window).state.work.answers.found.value.as_ref().map(|found| found.question.query.clone());
        assert_ne!(found.map(|query| query.words).as_deref(), Some("t"));
    }
}

#[test]
fn an_invalid_pattern_shows_an_error_and_keeps_the_rows() {
    let (mut window, _folder) = labels_step(ThemeChoice::Dark);
    window.get_by_label("Regular expression").click();
    settle(&mut window);
    type_words(&mut window, "terrible|awful");
    let found = shown(&mut window).len();
    assert!(found > 0);
    let text = counted(found as u64, "row", "rows");
    window.get_by_label(&text);
    type_words(&mut window, "|(");
    window.get_by_label("A bracket ( is never closed, at character 16");
    window.get_by_label(&format!("Still showing {text}"));
    picture("inspect-bad-pattern", &mut window);
    window.check_accessibility();
    type_words(&mut window, "great)");
    assert!(window.query_by_label_contains("is never closed").is_none());
    assert!(shown(&mut window).len() > found);
    window.get_by_label("Clear filters").click();
    settle(&mut window);
    let all = hone(&mut window).prepared().unwrap().examples.len();
    assert!(window.query_all_by_label(&counted(all as u64, "row", "rows")).next().is_some());
}

#[test]
fn a_selected_row_shows_its_details_and_can_be_corrected() {
    let (mut window, _folder) = labels_step(ThemeChoice::Light);
    let prepared = hone(&mut window).prepared().unwrap();
    let id = prepared.examples[1].id;
    window.get_by_label_contains(&format!("Row {}, ", id.record)).click();
    settle(&mut window);
    window.get_by_label(&format!("Row {}", id.record));
    window.get_by_label("Label in the file");
    window.check_accessibility();
    picture("inspect-detail", &mut window);
    // The focus is on the row clicked; the keys move the selection once it is given up.
    window.ctx.memory_mut(|memory| memory.surrender_focus(memory.focused().unwrap_or(egui::Id::NULL)));
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    let next = prepared.examples[2].id;
    window.get_by_label(&format!("Row {}", next.record));
    press(&mut window, Modifiers::NONE, Key::End);
    window.get_by_label(&format!("Row {}", prepared.examples.last().unwrap().id.record));
    press(&mut window, Modifiers::NONE, Key::Home);
    let first = prepared.examples[0].id;

    window.get_by_label("Relabel").click();
    settle(&mut window);
    let other = prepared.labels.iter().find(|label| prepared.label_of(&prepared.examples[0]) != label.as_str());
    window.get_by_role_and_label(egui::Role::Button, other.unwrap()).click();
    settle(&mut window);
    settle(&mut window);
    let edit = hone(&mut window).project().edits.rows[&first].clone();
    assert_eq!(edit.label(), other.map(String::as_str));
    window.get_by_label(&format!("relabelled as {}", other.unwrap()));
    window.get_by_label("Relabelled  1").click();
    settle(&mut window);
    assert_eq!(shown(&mut window), [first.record]);
    hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
    settle(&mut window);
    assert!(hone(&mut window).project().edits.rows.is_empty());

    window.get_by_label("Exclude").click();
    settle(&mut window);
    settle(&mut window);
    assert!(hone(&mut window).project().edits.rows[&first].excluded);
    window.get_by_label("excluded by you");
    window.get_by_label("Remove correction").click();
    settle(&mut window);
    assert!(hone(&mut window).project().edits.rows.is_empty());
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Label in the file").is_none());
}

#[test]
fn heads_order_the_rows_and_words_find_theirs() {
    let (mut window, _folder) = labels_step(ThemeChoice::Light);
    window.get_by_label("Sort by Words").click();
    settle(&mut window);
    window.get_by_label("Sort by Words").click();
    settle(&mut window);
    let answers = &hone(&mut window).state.work.answers;
    let (source, found) = (answers.rows.value.as_ref().unwrap(), answers.found.value.as_ref().unwrap());
    assert_eq!(found.question.query.sort, Sort { by: SortBy::Length, descending: true });
    let words: Vec<u32> = found.rows.iter().map(|&place| source.survey.words[place as usize]).collect();
    assert!(words.is_sorted_by(|a, b| a >= b) && words[0] > words[words.len() - 1]);

    // After sorting, the table begins at the first row again.
    let longest = format!("Row {}, ", shown(&mut window)[0]);
    window.get_by_label_contains(&longest).click();
    settle(&mut window);
    window.ctx.memory_mut(|memory| memory.surrender_focus(memory.focused().unwrap_or(egui::Id::NULL)));
    press(&mut window, Modifiers::NONE, Key::End);
    assert!(window.query_by_label_contains(&longest).is_none(), "the end is visible");
    press(&mut window, Modifiers::NONE, Key::Escape);
    window.get_by_label("Sort by Text").click();
    settle(&mut window);
    window.get_by_label("Sort by Words").click();
    settle(&mut window);
    window.get_by_label("Sort by Words").click();
    settle(&mut window);
    assert!(window.query_by_label_contains(&longest).is_some(), "the longest row is visible");

    let profile = hone(&mut window).state.work.answers.profile.value.clone().unwrap();
    let word = profile.terms.labels[0][0].word.clone();
    window.get_by_label(&format!("Search {word}")).click();
    settle(&mut window);
    let found = hone(&mut window).state.work.answers.found.value.clone().unwrap();
    assert_eq!((found.question.query.words, found.question.query.sort), (word, Sort::default()));
    assert!(!found.rows.is_empty());
}

#[test]
fn clicking_a_column_with_missing_values_shows_its_rows() {
    let (mut window, _folder) = labels_step(ThemeChoice::Light);
    let profile = hone(&mut window).state.work.answers.profile.value.clone().unwrap();
    let column = profile.columns.iter().find(|column| column.missing > 0).expect("the sample has missing values");
    window.get_by_label(&format!("Rows without {}", column.name)).click();
    settle(&mut window);
    let found = hone(&mut window).state.work.answers.found.value.clone().unwrap();
    assert_eq!((found.question.query.set, found.rows.len()), (RowSet::All, column.missing));
    let values = &hone(&mut window).state.work.answers.values;
    assert_eq!(values.of.as_ref(), Some(&column.name));
    assert!(values.value.as_ref().unwrap().contains(&(String::new(), column.missing)));
}

#[test]
fn tokens_are_counted_once_the_model_is_downloaded() {
    let (mut window, folder) = labels_step(ThemeChoice::Light);
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
    hone(&mut window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(tiny))));
    settle(&mut window);
    settle(&mut window);
    let most = hone(&mut window).project().training.max_length;
    let lengths = hone(&mut window).state.work.answers.tokens.value.clone().unwrap();
    assert_eq!(lengths.counted(), hone(&mut window).prepared().unwrap().examples.len());
    match lengths.over(most) {
        0 => window.get_by_label_contains(&format!("No text is longer than {most} tokens")),
        _ => window.get_by_label_contains(&format!("longer than {most} tokens")),
    };
    picture("inspect-tokens", &mut window);
    let broken = folder.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    for file in ["config.json", "model.safetensors"] {
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        std::fs::copy(tiny.join(file), broken.join(file)).unwrap();
    }
    hone(&mut window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(broken))));
    settle(&mut window);
    settle(&mut window);
    window.get_by_label_contains("There is no tokenizer.json or vocab.txt");
    window.get_by_label("Try again");
}

#[test]
fn a_row_whose_tokens_cannot_be_counted_says_so_once() {
    let (mut window, folder) = labels_step(ThemeChoice::Light);
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
    let copied = |name: &str, files: &[&str]| {
        let copy = folder.path().join(name);
        std::fs::create_dir(&copy).unwrap();
        for file in files {
            std::fs::copy(tiny.join(file), copy.join(file)).unwrap();
        }
        copy
    };
    let choose = |window: &mut Window, model: PathBuf| {
        hone(window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(model))));
        settle(window);
        settle(window);
    };
    let counted = |window: &mut Window| {
        let asked = &hone(window).state.work.answers.text_tokens;
        (asked.of.clone().unwrap().1, asked.value, asked.failed.clone())
    };
    let notices = hone(&mut window).notices.len();
    choose(&mut window, copied("broken", &["config.json", "model.safetensors"]));
    let id = hone(&mut window).prepared().unwrap().examples[1].id;
    window.get_by_label_contains(&format!("Row {}, ", id.record)).click();
    settle(&mut window);
    assert!(matches!(counted(&mut window).2, Some(why) if why.contains("tokenizer.json")));
    window.get_by_label("Retry counting tokens");
    window.run_steps(20);
    assert!(hone(&mut window).is_idle(), "a failed count is not retried on its own");
    assert_eq!(hone(&mut window).notices.len(), notices);
    window.check_accessibility();
    picture("inspect-no-tokens", &mut window);
    // The same text with another model: the old model's number is not shown.
    choose(&mut window, tiny.clone());
    let (model, tokens, _) = counted(&mut window);
    assert!(model == tiny && tokens.is_some_and(|tokens| tokens > 2));
}

#[test]
fn near_duplicates_are_shown_once_the_texts_are_compared() {
    let (mut window, _folder) = labels_step(ThemeChoice::Light);
    let likeness = hone(&mut window).state.work.answers.likeness.value.take().unwrap();
    let prepared = hone(&mut window).prepared().unwrap();
    let id = likeness.groups.iter().flatten().next().copied().expect("the sample has near-duplicates");
    let text = &prepared.examples.iter().find(|row| row.id == id).unwrap().text;
    type_words(&mut window, &text.chars().take(30).collect::<String>());
    window.get_by_label_contains(&format!("Row {}, ", id.record)).click();
    window.run_steps(4);
    window.get_by_label("Label in the file");
    assert!(window.query_by_label_contains("near-duplicate of row").is_none());
    hone(&mut window).state.work.answers.likeness.value = Some(likeness);
    window.run_steps(2);
    window.get_by_label_contains("near-duplicate of row");
}

#[test]
fn rows_of_several_files_show_the_name_of_their_file() {
    let (mut window, folder) = labels_step(ThemeChoice::Light);
    let write = |name: &str, from: usize, rows: usize| {
        let mut text = String::from("text,label\n");
        for row in from..from + rows {
            writeln!(text, "what came on day {row} is as it was,{}", ["good", "bad"][row % 2]).unwrap();
        }
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let files = vec![write("march.csv", 0, 4), write("april.csv", 4, 60)];
    hone(&mut window).run_command(AppCommand::OpenFiles(files));
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
    settle(&mut window);
    window.get_by_label_contains("Row 4 of march.csv, ");
    window.get_by_label_contains("Row 3 of april.csv, ").click();
    settle(&mut window);
    window.get_by_label("Row 3 of april.csv");
    picture("inspect-several", &mut window);
}

mod by_hand {
    use super::*;

    /// Pictures of another table than the sample: `HONE_PICTURES_TABLE=/path/to/table.csv`.
    #[test]
    #[ignore = "needs HONE_PICTURES=FOLDER and HONE_PICTURES_TABLE=FILE"]
    fn pictures_of_another_table_can_be_made() {
        let table = PathBuf::from(std::env::var_os("HONE_PICTURES_TABLE").expect("HONE_PICTURES_TABLE names a file"));
        for (name, theme) in [("light", ThemeChoice::Light), ("dark", ThemeChoice::Dark)] {
            let (mut window, _folder) = app(theme, 1.0);
            settle(&mut window);
            hone(&mut window).run_command(AppCommand::OpenData(table.clone()));
            settle(&mut window);
            hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
            for (zoom, size) in [(1.0, [1280.0, 2600.0]), (2.0, [640.0, 3000.0])] {
                hone(&mut window).state.settings.zoom = zoom;
                hone(&mut window).apply_settings();
                window.set_size(egui::vec2(size[0], size[1]));
                settle(&mut window);
                if let Some(clear) = window.query_by_label("Clear filters") {
                    clear.click();
                    settle(&mut window);
                }
                picture(&format!("inspect-table-{name}-{zoom}"), &mut window);
                let id = hone(&mut window).prepared().unwrap().examples[3].id;
                window.get_by_label_contains(&format!("Row {}, ", id.record)).click();
                settle(&mut window);
                type_words(&mut window, if zoom < 1.5 { "flight" } else { "" });
                picture(&format!("inspect-table-{name}-{zoom}-row"), &mut window);
            }
        }
    }
}
