//! Labels that are rare, unequal or spelt in several ways.

use super::*;
use hone::data::Remedy;
use hone::project::ClassWeights;

#[test]
fn rare_labels_are_excluded() {
    let more =
        "One of a kind that nobody else has,odd\nA strange thing from far away,odd\nUnheard of in this town,odd\n";
    let mut scene = Scene::new(&file(60, more));
    let rare = scene.mend(FindingKind::RareLabels);
    assert_eq!((rare.severity, rare.count, rare.rows), (Severity::Warning, 1, ids(&[61, 62, 63])));
    assert_eq!(rare.remedies, [Remedy::ExcludeLabels(vec!["odd".to_owned()])]);
    // Two labels are needed, so if one of two is rare, it cannot be excluded.
    let mut two = file(0, "");
    (0..40).for_each(|row| two += &format!("\"{}\",{}\n", review(row), if row < 4 { "few" } else { "many" }));
    assert_eq!(Scene::new(&two).one(FindingKind::RareLabels).remedies, []);
}

#[test]
fn a_column_without_labels_has_no_label_findings() {
    let of = |kinds: &[FindingKind]| {
        let labels = [FindingKind::RareLabels, FindingKind::Imbalance, FindingKind::LabelSpellings];
        kinds.iter().filter(|kind| labels.contains(kind)).count()
    };
    let table = |label: &dyn Fn(usize) -> String| {
        let row = |row: usize| format!("\"{}\",{}\n", review(row), label(row));
        format!("text,label\n{}", (0..60).map(row).collect::<String>())
    };
    let ids = Scene::new(&table(&|row| format!("id-{row}")));
    let (_, prepared) = prepared(&ids.project, ids.folder.path());
    assert!(prepared.blockers.iter().any(|blocker| blocker.contains("does not look like a label column")));
    assert_eq!(of(&ids.kinds()), 0, "{:?}", ids.kinds());
    assert_eq!(of(&Scene::new(&table(&|_| "only".to_owned())).kinds()), 0);
    // Of many rare labels, a few are named and the others counted.
    let mixed =
        Scene::new(&table(&|row| if row < 12 { format!("rare {row}") } else { ["good", "bad"][row % 2].into() }));
    let rare = mixed.one(FindingKind::RareLabels);
    assert_eq!((rare.count, rare.rows), (12, super::ids(&(1..=12).collect::<Vec<_>>())));
    assert!(rare.found.ends_with(" and 7 more"), "{}", rare.found);
}

#[test]
fn unequal_labels_suggest_class_weights() {
    let rows = |every: usize, all: usize| {
        let row =
            |row: usize| format!("\"{}\",{}\n", review(row), if row.is_multiple_of(every) { "few" } else { "many" });
        format!("text,label\n{}", (0..all).map(row).collect::<String>())
    };
    let mut scene = Scene::new(&rows(5, 90));
    let finding = scene.mend(FindingKind::Imbalance);
    assert_eq!((finding.severity, finding.rows.len()), (Severity::Note, 18));
    assert_eq!(scene.project.classification().unwrap().class_weights, ClassWeights::Balanced);
    let mut strong = Scene::new(&rows(30, 90));
    let weighted = strong.one(FindingKind::Imbalance);
    assert_eq!((weighted.severity, weighted.remedies.len()), (Severity::Warning, 0), "training weighs them by itself");
    strong.project.classification_mut().unwrap().class_weights = ClassWeights::None;
    let unweighted = strong.one(FindingKind::Imbalance);
    assert_eq!((unweighted.severity, unweighted.remedies.len()), (Severity::Warning, 1));
    assert!(!Scene::new(&rows(2, 90)).kinds().contains(&FindingKind::Imbalance));
}

#[test]
fn spellings_of_a_label_are_merged_into_the_most_frequent() {
    let mut rows = "text,label\n".to_owned();
    for row in 0..90 {
        let label = match row % 9 {
            0 => "Very-Good",
            1 => "very  good",
            2..5 => "very good",
            _ => "bad",
        };
        rows += &format!("\"{}\",{label}\n", review(row));
    }
    let mut scene = Scene::new(&rows);
    let finding = scene.mend(FindingKind::LabelSpellings);
    assert_eq!((finding.severity, finding.count, finding.rows.len()), (Severity::Problem, 2, 20));
    assert_eq!(prepared(&scene.project, scene.folder.path()).1.labels, ["bad", "very good"]);
}

#[test]
fn numbers_are_not_spellings_of_each_other() {
    let mut rows = "text,label\n".to_owned();
    for row in 0..90 {
        rows += &format!("\"{}\",{}\n", review(row), ["-1", "1", "+", "-", "1-1", "11"][row % 6]);
    }
    assert!(!Scene::new(&rows).kinds().contains(&FindingKind::LabelSpellings));
}

#[test]
fn misspelt_labels_placeholders_and_several_labels_in_a_cell_are_found() {
    let rows = |last: &str| {
        let label = |row: usize| ["positive", "negative"][row % 2];
        let row = |row: usize| format!("\"{}\",{}\n", review(row), label(row));
        format!("text,label\n{}{last}", (0..100).map(row).collect::<String>())
    };
    let misspelt = Scene::new(&rows("One of a kind that nobody has,postive\n")).mend(FindingKind::LabelSpellings);
    assert_eq!(misspelt.severity, Severity::Warning);
    assert_eq!(misspelt.found, "'positive' (50) and 'postive' (1) differ by one letter, which may be a mistake");
    assert_eq!(misspelt.remedies, [Remedy::MergeLabels(vec![("postive".to_owned(), "positive".to_owned())])]);
    let missing = Scene::new(&rows("One of a kind that nobody has,N/A\n")).mend(FindingKind::PlaceholderLabels);
    assert_eq!(
        (missing.found.as_str(), missing.rows),
        ("1 row has a label that stands for a missing one: 'N/A' (1)", ids(&[101]))
    );
    let last =
        "One of a kind that nobody has,positive;negative\nA strange thing from far,\"['positive', 'negative']\"\n";
    let several = Scene::new(&rows(last)).one(FindingKind::SeveralLabels);
    assert_eq!((several.count, several.rows), (2, ids(&[102, 101])));
    let expected = "1 row lists several labels, such as '['positive', 'negative']', so it is dropped; 1 label seems to be several \
                    labels in one cell, such as 'positive;negative'";
    assert_eq!(several.found, expected);
}

#[test]
fn texts_without_content_are_excluded() {
    let mut scene = Scene::new(&file(60, "N/A,good\nno comment,bad\n-,good\nN/A,bad\n"));
    scene.project.cleaning.drop_conflicts = true;
    let empty = scene.mend(FindingKind::PlaceholderTexts);
    assert_eq!(empty.found, "2 texts have no content: '-' (row 63), 'no comment' (row 62)");
    assert_eq!(empty.rows, ids(&[62, 63]));
}
