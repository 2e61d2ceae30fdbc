//! Problems of rows are found, and disappear once their remedy is applied.

mod labels;
mod language;

use super::*;
use hone::data::{
    Checks, Finding, FindingKind, LanguageSample, Likeness, Severity, Sources, TokenLengths, compare_texts, find,
    sort_findings,
};
use hone::project::{CleaningSettings, ColumnRole};

/// An English review. No two of the first hundred are near-duplicates.
pub fn review(number: usize) -> String {
    const WHO: [&str; 11] = [
        "My neighbour",
        "This kettle",
        "The delivery man",
        "Our old dog",
        "The second shoe",
        "A friend of mine",
        "The green box",
        "Her brother",
        "The whole family",
        "Their support",
        "The manual",
    ];
    const DOES: [&str; 13] = [
        "was waiting outside",
        "fell apart quickly",
        "looks wonderful",
        "never complained",
        "smells like rubber",
        "went missing",
        "arrived on time",
        "surprised everybody",
        "needs batteries",
        "costs too much",
        "sounded hollow",
        "stayed in the drawer",
        "got replaced",
    ];
    const WHEN: [&str; 17] = [
        "during breakfast",
        "before the holidays",
        "after three weeks",
        "in the kitchen",
        "without any warning",
        "at half price",
        "because of the weather",
        "under the sofa",
        "with a strange noise",
        "despite my letters",
        "for no reason",
        "over the weekend",
        "beside the window",
        "until yesterday",
        "thanks to luck",
        "against all odds",
        "since the spring",
    ];
    let (who, does, when) = (WHO[number % 11], DOES[number % 13], WHEN[number % 17]);
    format!("{who} {does} {when}, as number {number} shows.")
}

/// A file with this many rows, half of them good and half bad, all texts different, followed by `more`.
fn file(rows: usize, more: &str) -> String {
    let mut text = "text,label\n".to_owned();
    for row in 0..rows {
        text += &format!("\"{}\",{}\n", review(row), if row % 2 == 0 { "good" } else { "bad" });
    }
    text + more
}

struct Scene {
    folder: TempDir,
    project: Project,
}

impl Scene {
    fn new(main: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = super::project(folder.path(), main, None, None);
        Self { folder, project }
    }

    fn found(&self) -> Vec<Finding> {
        let (imported, prepared) = prepared(&self.project, self.folder.path());
        found(&self.project, &imported, &prepared)
    }

    fn kinds(&self) -> Vec<FindingKind> {
        self.found().iter().map(|finding| finding.kind).collect()
    }

    /// The only finding of a kind. It must have a count, rows and texts.
    fn one(&self, kind: FindingKind) -> Finding {
        let mut found = self.found();
        found.retain(|finding| finding.kind == kind);
        assert_eq!(found.len(), 1, "{kind:?} in {:?}", self.kinds());
        let finding = found.remove(0);
        assert!(!finding.rows.is_empty() && finding.count > 0 && finding.in_words().len() > 30, "{finding:?}");
        finding
    }

    /// Applies the remedy of a finding. The finding must then be gone, and no new one appear.
    fn mend(&mut self, kind: FindingKind) -> Finding {
        let (finding, before) = (self.one(kind), self.kinds());
        let remedy = finding.remedies.first().unwrap_or_else(|| panic!("no remedy for {finding:?}"));
        assert!(!remedy.title().is_empty());
        remedy.apply(&mut self.project);
        let after = self.found();
        let open = after.iter().filter(|finding| finding.severity != Severity::Handled);
        let open: Vec<FindingKind> = open.map(|finding| finding.kind).collect();
        assert!(!open.contains(&kind), "{after:?}");
        assert!(open.iter().all(|kind| before.contains(kind)), "{before:?} {open:?}");
        finding
    }
}

/// Finds problems in prepared rows, with estimated lengths.
pub fn found(project: &Project, imported: &Imported, prepared: &Prepared) -> Vec<Finding> {
    let likeness = watched(|watch| compare_texts(prepared, watch)).unwrap();
    found_with(project, (imported, prepared), &likeness, &TokenLengths::estimate(prepared), LanguageSample::MOST)
}

/// The same with these near-duplicates and lengths, and at most this many texts sampled for their language.
fn found_with(
    project: &Project,
    (imported, prepared): (&Imported, &Prepared),
    likeness: &Likeness,
    lengths: &TokenLengths,
    most: usize,
) -> Vec<Finding> {
    let languages = &watched(|watch| LanguageSample::of(prepared, most, watch)).unwrap();
    let sources = Sources {
        checks: Checks::All,
        project,
        imported,
        prepared,
        likeness,
        lengths,
        languages,
        model_language: None,
    };
    watched(|watch| find(&sources, watch)).unwrap()
}

fn ids(records: &[u64]) -> Vec<hone::project::RowId> {
    records.iter().map(|&record| hone::project::RowId { file: SourceFile::Main, record }).collect()
}

#[test]
fn good_rows_have_no_findings() {
    assert_eq!(Scene::new(&file(80, "")).found(), []);
}

#[test]
fn conflicting_labels_are_excluded() {
    let mut scene = Scene::new(&file(60, "Same here as there,good\nSame here as there,bad\n"));
    let finding = scene.mend(FindingKind::Conflicts);
    assert_eq!((finding.severity, finding.count, finding.rows), (Severity::Problem, 1, ids(&[61, 62])));
    let after = scene.one(FindingKind::Conflicts);
    assert_eq!(
        (after.severity, after.remedies),
        (Severity::Handled, Vec::new()),
        "what is left out is still to be seen"
    );
}

#[test]
fn conflicts_in_a_test_file_are_excluded_row_by_row() {
    let mut scene = Scene::new(&file(60, ""));
    let test = "text,label\nSame here as there,good\nSame here as there,bad\nQuite another one,good\n";
    std::fs::write(scene.folder.path().join("test.csv"), test).unwrap();
    scene.project.dataset.test = Some("test.csv".into());
    let finding = scene.mend(FindingKind::Conflicts);
    assert_eq!(finding.remedies[0].title(), "Exclude 2 rows");
    assert_eq!(scene.project.edits.corrections(), 2);
}

#[test]
fn duplicates_are_excluded_or_reported() {
    let copies = format!("\"{}\",good\n\"{}\",good\n", review(0), review(2));
    let mut scene = Scene::new(&file(60, &copies));
    let handled = scene.one(FindingKind::Duplicates);
    assert_eq!((handled.severity, handled.count, handled.remedies), (Severity::Handled, 2, Vec::new()));
    scene.project.cleaning.drop_duplicates = false;
    let finding = scene.mend(FindingKind::Duplicates);
    assert_eq!((finding.severity, finding.count, finding.rows), (Severity::Warning, 2, ids(&[61, 62])));
    assert!(scene.project.cleaning.drop_duplicates);
}

#[test]
fn one_of_several_near_duplicates_is_kept() {
    let like = "The parcel came on Monday and everything in it was just as described here";
    let more = format!("{like},good\n{like}!!,good\n{like} too,good\n");
    let mut scene = Scene::new(&file(60, &more));
    let finding = scene.mend(FindingKind::NearDuplicates);
    assert_eq!((finding.count, finding.rows), (3, ids(&[61, 62, 63])));
    assert_eq!(scene.project.edits.rows.keys().copied().collect::<Vec<_>>(), ids(&[62, 63]));
}

#[test]
fn rows_without_text_or_label_are_dropped() {
    let scene = Scene::new(&file(60, "<br>,good\n  ,bad\nNobody said what this is,\n"));
    let empty = scene.one(FindingKind::EmptyText);
    assert_eq!((empty.severity, empty.rows), (Severity::Handled, ids(&[61, 62])));
    assert!(empty.found.contains("1 of them because cleaning removed everything"), "{}", empty.found);
    let unlabelled = scene.one(FindingKind::MissingLabel);
    assert_eq!((unlabelled.severity, unlabelled.rows), (Severity::Handled, ids(&[63])));
}

#[test]
fn missing_values_in_other_columns_are_reported() {
    let mut rows = "text,label,region,note\n".to_owned();
    for row in 0..60 {
        let region = if row < 3 { "" } else { "north" };
        rows += &format!("\"{}\",{},{region},\n", review(row), ["good", "bad"][row % 2]);
    }
    let finding = Scene::new(&rows).one(FindingKind::MissingValues);
    assert_eq!((finding.severity, finding.count, finding.remedies), (Severity::Note, 60, Vec::new()));
    assert!(finding.found.contains("'note' (60, 100%), 'region' (3, 5%)"), "{}", finding.found);
}

#[test]
fn only_the_first_row_of_a_repeated_id_is_kept() {
    let mut rows = "review_id,user_id,text,label\n".to_owned();
    for row in 0..60 {
        // A user writes more than one review, so these are not repeats.
        let (id, user) = (if row == 50 { 7 } else { row }, row / 2);
        rows += &format!("r{id},u{user},\"{}\",{}\n", review(row), ["good", "bad"][row % 2]);
    }
    let mut scene = Scene::new(&rows);
    let finding = scene.mend(FindingKind::RepeatedIds);
    assert_eq!((finding.count, finding.rows), (1, ids(&[8, 51])));
    assert!(finding.found.contains("'review_id'"), "{}", finding.found);
    assert_eq!(scene.project.edits.rows.keys().copied().collect::<Vec<_>>(), ids(&[51]));
}

#[test]
fn columns_with_a_role_are_not_reported() {
    let mut rows = "order_id,note,text,label\n".to_owned();
    for row in 0..60 {
        let (id, note) = (if row == 50 { 7 } else { row }, if row < 3 { "" } else { "short" });
        rows += &format!("r{id},{note},\"{}\",{}\n", review(row), ["good", "bad"][row % 2]);
    }
    // Excluded columns have no missing values that matter.
    rows += "r70,,,good\nr71,,A text without any label at all here,\n";
    let mut scene = Scene::new(&rows);
    let gaps = scene.one(FindingKind::MissingValues);
    assert_eq!((gaps.count, gaps.rows), (3, ids(&[1, 2, 3])));
    assert!(gaps.found.contains("'note' (3, 5%)"), "{}", gaps.found);
    assert_eq!(scene.one(FindingKind::RepeatedIds).count, 1);
    scene.project.dataset.set_role("note", Some(ColumnRole::Ignored));
    assert!(!scene.kinds().contains(&FindingKind::MissingValues), "{:?}", scene.kinds());
    let mut ignored = scene.project.clone();
    ignored.dataset.set_role("order_id", Some(ColumnRole::Ignored));
    for role in [ColumnRole::Group, ColumnRole::Time, ColumnRole::Split] {
        scene.project.dataset.set_role("order_id", Some(role));
        assert!(!scene.kinds().contains(&FindingKind::RepeatedIds), "{role:?}: {:?}", scene.kinds());
    }
    scene.project = ignored;
    assert!(!scene.kinds().contains(&FindingKind::RepeatedIds), "{:?}", scene.kinds());
}

#[test]
fn personal_data_is_masked() {
    let more = "Write to ann.smith@example.com about the broken lamp please,good\n\
                Nobody answers when I call +44 20 7946 0958 in the evening,bad\n\
                They charged 4111 1111 1111 1111 twice for the same order,bad\n\
                Thanks to @lamps_and_more for the quick and kind answer,good\n";
    let mut scene = Scene::new(&file(60, more));
    let kinds = [FindingKind::Emails, FindingKind::Phones, FindingKind::Accounts, FindingKind::Handles];
    for (kind, record) in kinds.into_iter().zip(61..) {
        let severity = if kind == FindingKind::Handles { Severity::Note } else { Severity::Warning };
        let finding = scene.mend(kind);
        assert_eq!((finding.severity, finding.rows), (severity, ids(&[record])), "{kind:?}");
    }
    let cleaning = &scene.project.cleaning;
    assert!(cleaning.mask_emails && cleaning.mask_phones && cleaning.mask_accounts && cleaning.mask_handles);
    assert_eq!(scene.found(), []);
}

#[test]
fn long_texts_suggest_a_higher_max_length() {
    let mut scene = Scene::new(&file(80, ""));
    scene.project.training.max_length = 8;
    let finding = scene.mend(FindingKind::TooLong);
    assert_eq!(finding.count, 80);
    assert!(finding.in_words().contains("estimated from words"), "{}", finding.in_words());
    assert!((16..=24).contains(&scene.project.training.max_length), "{}", scene.project.training.max_length);
    // The longest first.
    let (_, prepared) = prepared(&scene.project, scene.folder.path());
    let words = |id| {
        let example = prepared.examples.iter().find(|example| example.id == id).unwrap();
        example.text.split_whitespace().count()
    };
    assert!(words(finding.rows[0]) > words(*finding.rows.last().unwrap()));
}

#[test]
fn characters_no_model_reads_are_reported_without_a_remedy() {
    let scene = Scene::new(&file(80, ""));
    let (imported, prepared) = prepared(&scene.project, scene.folder.path());
    let tokens = vec![100; prepared.examples.len()];
    let said = |limit| {
        let lengths = TokenLengths { tokens: tokens.clone(), limit: Some(limit), ..TokenLengths::default() };
        found_with(&scene.project, (&imported, &prepared), &Likeness::default(), &lengths, LanguageSample::MOST)
    };
    assert_eq!(said(512), [], "128 tokens are read");
    let finding = &said(64)[0];
    assert_eq!((finding.kind, finding.remedies.as_slice()), (FindingKind::TooLong, &[][..]));
    assert!(finding.in_words().contains("This model reads no more: shorten the texts"), "{}", finding.in_words());
}

#[test]
fn very_many_texts_are_sampled_and_the_message_says_so() {
    let scene = Scene::new(&file(80, ""));
    let (imported, prepared) = prepared(&scene.project, scene.folder.path());
    let tokenizer = hone::data::TextTokenizer::load(&crate::training::tiny_bert()).unwrap();
    let count = |most| watched(|watch| TokenLengths::count(&prepared, &tokenizer, (64, most), watch)).unwrap();
    let (all, mut some) = (count(1000), count(40));
    assert_eq!((all.sampled, some.sampled, some.estimated), (None, Some(40), false));
    assert_eq!(some.tokens.len(), prepared.examples.len());
    let sum = |lengths: &TokenLengths| lengths.tokens.iter().sum::<usize>() as f64;
    assert!((sum(&some) / sum(&all) - 1.0).abs() < 0.1, "{} {}", sum(&some), sum(&all));
    let same = all.tokens.iter().zip(&some.tokens).filter(|(all, some)| all == some).count();
    assert!(same >= 40, "those counted are as they are");

    some.tokens.fill(100);
    let found = found_with(&scene.project, (&imported, &prepared), &Likeness::default(), &some, LanguageSample::MOST);
    let said = "(counted in a sample of 40 texts, estimated from words in the others); the longest has about 100";
    assert!(found[0].found.contains(said), "{}", found[0].found);
}

#[test]
fn a_repeated_footer_is_found_and_removed() {
    let mut rows = "text,label\n".to_owned();
    for row in 0..60 {
        let footer = if row % 4 < 2 && row < 40 { "\n\nSent from my  phone" } else { "" };
        let text = review(row);
        rows += &format!("\"{}{footer}\",{}\n", text.trim_end_matches('.'), ["good", "bad"][row % 2]);
    }
    let mut scene = Scene::new(&rows);
    let finding = scene.mend(FindingKind::Boilerplate);
    assert_eq!((finding.severity, finding.count, finding.rows.len()), (Severity::Warning, 20, 20));
    assert!(finding.found.starts_with("“Sent from my phone” ends 20 otherwise"), "{finding:?}");
    let (_, prepared) = prepared(&scene.project, scene.folder.path());
    assert!(prepared.examples.iter().all(|example| !example.text.contains("phone") && !example.text.ends_with(' ')));
    assert_eq!(prepared.cleaning.last().map(|effect| effect.rows), Some(20), "{:?}", prepared.cleaning.last());
}

#[test]
fn a_sentence_that_reveals_the_label_is_reported() {
    let mut rows = "text,label\n".to_owned();
    for row in 0..60 {
        let (opening, label) = if row % 2 == 0 { ("", "good") } else { ("Complaint form number two. ", "bad") };
        rows += &format!("\"{opening}{}\",{label}\n", review(row));
    }
    let finding = Scene::new(&rows).one(FindingKind::Boilerplate);
    assert_eq!((finding.severity, finding.count), (Severity::Note, 30));
    assert!(finding.found.contains("begins 30") && finding.meaning.contains("100% of them are 'bad'"));
}

#[test]
fn a_sentence_that_begins_some_texts_and_ends_others_is_counted_in_all_of_them() {
    let mut rows = "text,label\n".to_owned();
    for row in 0..60 {
        let (opening, closing) = match row {
            0..6 => ("Complaint form number two. ", ""),
            6 => ("", " Complaint form number two."),
            _ => ("", ""),
        };
        rows += &format!("\"{opening}{}{closing}\",{}\n", review(row), ["good", "bad"][row % 2]);
    }
    let finding = Scene::new(&rows).one(FindingKind::Boilerplate);
    assert_eq!((finding.count, finding.rows), (7, ids(&[1, 2, 3, 4, 5, 6, 7])));
}

#[test]
fn findings_are_sorted_by_severity() {
    let more = "Same here as there,good\nSame here as there,bad\n,good\nThanks to @lamps_and_more for the kind answer,good\n\
                Write to ann.smith@example.com about the broken lamp please,good\n";
    let found = Scene::new(&file(60, more)).found();
    let severities: Vec<Severity> = found.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Problem, Severity::Warning, Severity::Note, Severity::Handled]);
}

#[test]
fn checks_before_and_after_the_split_together_equal_all_checks() {
    let like = "The parcel came on Monday and everything in it was just as described here";
    let more =
        format!("{like},good\n{like}!!,good\nSame here as there,good\nSame here as there,bad\n,good\nOdd one,odd\n");
    let scene = Scene::new(&file(60, &more));
    let (imported, prepared) = prepared(&scene.project, scene.folder.path());
    let likeness = watched(|watch| compare_texts(&prepared, watch)).unwrap();
    let lengths = TokenLengths::estimate(&prepared);
    let languages = watched(|watch| LanguageSample::of(&prepared, 1_000, watch)).unwrap();
    let found = |checks| {
        let (project, imported, prepared) = (&scene.project, &imported, &prepared);
        let (likeness, lengths, languages) = (&likeness, &lengths, &languages);
        let sources =
            Sources { checks, project, imported, prepared, likeness, lengths, languages, model_language: None };
        watched(|watch| find(&sources, watch)).unwrap()
    };
    let (mut both, after) = (found(Checks::Rows), found(Checks::Split));
    assert!(!both.is_empty() && !after.is_empty());
    both.extend(after);
    sort_findings(&mut both);
    assert_eq!(both, found(Checks::All));
}

#[test]
fn looking_for_problems_can_be_stopped() {
    let scene = Scene::new(&file(60, ""));
    let (imported, prepared) = prepared(&scene.project, scene.folder.path());
    let (likeness, lengths) = (Likeness::default(), TokenLengths::estimate(&prepared));
    let languages = LanguageSample::default();
    let sources = Sources {
        checks: Checks::All,
        project: &scene.project,
        imported: &imported,
        prepared: &prepared,
        likeness: &likeness,
        lengths: &lengths,
        languages: &languages,
        model_language: None,
    };
    for stage in ["Checking the columns", "Looking for personal", "Looking for repeated"] {
        let control = Control::default();
        let mut report = |progress: hone::progress::Progress| {
            if progress.stage.starts_with(stage) {
                control.cancel();
            }
        };
        let result = find(&sources, &mut Watch { control: &control, report: &mut report });
        assert!(matches!(result, Err(DataError::Cancelled)) || stage == "Looking for repeated", "{stage}");
    }
}

#[test]
fn findings_work_without_cleaning_and_without_rows() {
    let mut scene = Scene::new(&file(60, ""));
    scene.project.cleaning = CleaningSettings::none();
    assert_eq!(scene.found(), []);
    let mut empty = Scene::new("text,label\n");
    assert_eq!(empty.found(), []);
    empty.project.dataset.set_role("gone", Some(ColumnRole::Text));
    assert_eq!(empty.found(), []);
}
