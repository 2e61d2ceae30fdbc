//! Rows without labels, which a language model learns from.

use std::collections::HashSet;

use hone::data::{DropReason, Side, Target};
use hone::project::{ColumnRole, Task, TaskKind};

use super::{prepared, project};

/// Documents, some of them equal; one has no text.
fn documents() -> String {
    let mut rows = "text,label\n".to_owned();
    for row in 0..100 {
        rows += &format!("Document number {row} is about the {row} clauses of lease {}.,x{row}\n", row * 7);
    }
    rows + "Document number 3 is about the 3 clauses of lease 21.,again\n,empty\n"
}

#[test]
fn a_language_model_needs_no_label_and_holds_out_whole_documents() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &documents(), None, None);
    project.task = Task::new(TaskKind::LanguageModelling);
    project.dataset.set_columns_of(ColumnRole::Label, &[]);
    project.split.test = 0.0.into();
    // The documents differ only by their numbers: as near-duplicates they would be one group.
    project.split.keep_near_together = false;
    let (imported, ready) = prepared(&project, folder.path());
    assert_eq!(ready.blockers, [] as [String; 0]);
    assert!(ready.labels.is_empty() && ready.counts().is_empty() && ready.conflicts.is_empty());
    assert!(ready.examples.iter().all(|example| example.target == Target::None && example.class().is_none()));
    let dropped: Vec<DropReason> = ready.dropped.iter().map(|(_, reason)| *reason).collect();
    assert_eq!(dropped, [DropReason::Duplicate, DropReason::EmptyText]);
    assert_eq!(ready.examples.len(), 100);
    let [train, validation, test] = ready.sides();
    assert_eq!((train + validation, test), (100, 0));
    assert!((5..=20).contains(&validation), "{validation} of 100 documents are held out");
    let texts = |side| ready.side(side).map(|example| example.text.as_str()).collect::<HashSet<_>>();
    assert!(texts(Side::Train).is_disjoint(&texts(Side::Validation)));

    // Language modelling ignores a label column, even if one is chosen.
    project.dataset.set_role("label", Some(ColumnRole::Label));
    let labelled = prepared(&project, folder.path()).1;
    assert_eq!((&labelled.data_hash, &labelled.split_hash), (&ready.data_hash, &ready.split_hash));
    assert!(!imported.main.table.is_empty());
}

#[test]
fn a_language_model_needs_a_text_column() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &documents(), None, None);
    project.task = Task::new(TaskKind::LanguageModelling);
    project.dataset.columns.clear();
    let blockers = prepared(&project, folder.path()).1.blockers;
    assert_eq!(blockers.len(), 1);
    assert!(blockers[0].starts_with("No text column is chosen"), "{}", blockers[0]);
}

#[test]
fn a_guessed_label_is_taken_for_classification_only() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> = (0..60).map(|row| format!("a text of number {row},{}", ["good", "bad"][row % 2])).collect();
    let rows = rows.join("\n");
    let project = project(folder.path(), &format!("text,label\n{rows}"), None, None);
    let (imported, _) = prepared(&project, folder.path());
    for (task, label) in [(TaskKind::TextClassification, Some("label")), (TaskKind::LanguageModelling, None)] {
        let mut dataset = project.dataset.as_read();
        imported.fill_in(task, &mut dataset);
        assert_eq!((dataset.text_column(), dataset.label_column()), (Some("text"), label));
    }
}
