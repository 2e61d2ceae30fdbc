//! What is wrong with rows is found, and found no more once its remedy was applied.

use super::*;
use hone::data::{Finding, FindingKind, Severity, Sources, TokenLengths, compare_texts, find};
use hone::project::{ClassWeights, CleaningSettings, ColumnRole};

/// An English review; no two of the first hundred are nearly the same.
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

/// A file of so many rows, half of them good and half bad, every text its own, and then `more`.
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

    /// The one finding of a kind; it says how many, has rows, and what to do.
    fn one(&self, kind: FindingKind) -> Finding {
        let mut found = self.found();
        found.retain(|finding| finding.kind == kind);
        assert_eq!(found.len(), 1, "{kind:?} in {:?}", self.kinds());
        let finding = found.remove(0);
        assert!(!finding.rows.is_empty() && finding.count > 0 && finding.message.len() > 30, "{finding:?}");
        finding
    }

    /// Applies the remedy of a finding, which must then be gone, and no other with it come up.
    fn mend(&mut self, kind: FindingKind) -> Finding {
        let (finding, before) = (self.one(kind), self.kinds());
        let remedy = finding.remedy.clone().unwrap_or_else(|| panic!("no remedy for {finding:?}"));
        assert!(!remedy.title.is_empty());
        remedy.change.apply(&mut self.project);
        let after = self.found();
        let open = after.iter().filter(|finding| finding.severity != Severity::Handled);
        let open: Vec<FindingKind> = open.map(|finding| finding.kind).collect();
        assert!(!open.contains(&kind), "{after:?}");
        assert!(open.iter().all(|kind| before.contains(kind)), "{before:?} {open:?}");
        finding
    }
}

/// What is found in prepared rows, with lengths estimated.
pub fn found(project: &Project, imported: &Imported, prepared: &Prepared) -> Vec<Finding> {
    let likeness = watched(|watch| compare_texts(prepared, watch)).unwrap();
    let lengths = TokenLengths::estimate(prepared);
    let sources = Sources { project, imported, prepared, likeness: &likeness, lengths: &lengths };
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
    assert_eq!((after.severity, after.remedy), (Severity::Handled, None), "what is left out is still to be seen");
}

#[test]
fn conflicts_in_a_test_file_are_excluded_row_by_row() {
    let mut scene = Scene::new(&file(60, ""));
    let test = "text,label\nSame here as there,good\nSame here as there,bad\nQuite another one,good\n";
    std::fs::write(scene.folder.path().join("test.csv"), test).unwrap();
    scene.project.dataset.test = Some("test.csv".into());
    let finding = scene.mend(FindingKind::Conflicts);
    assert_eq!(finding.remedy.unwrap().title, "Leave out 2 rows");
    assert_eq!(scene.project.edits.corrections(), 2);
}

#[test]
fn duplicates_are_excluded_or_reported() {
    let copies = format!("\"{}\",good\n\"{}\",good\n", review(0), review(2));
    let mut scene = Scene::new(&file(60, &copies));
    let handled = scene.one(FindingKind::Duplicates);
    assert_eq!((handled.severity, handled.count, &handled.remedy), (Severity::Handled, 2, &None));
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
    assert!(empty.message.contains("1 of them because nothing is left after cleaning"), "{}", empty.message);
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
    assert_eq!((finding.severity, finding.count, finding.remedy), (Severity::Note, 60, None));
    assert!(finding.message.contains("'note' (60, 100%), 'region' (3, 5%)"), "{}", finding.message);
}

#[test]
fn only_the_first_row_of_a_repeated_id_is_kept() {
    let mut rows = "review_id,user_id,text,label\n".to_owned();
    for row in 0..60 {
        // A user writes more than one review; that is no repeat.
        let (id, user) = (if row == 50 { 7 } else { row }, row / 2);
        rows += &format!("r{id},u{user},\"{}\",{}\n", review(row), ["good", "bad"][row % 2]);
    }
    let mut scene = Scene::new(&rows);
    let finding = scene.mend(FindingKind::RepeatedIds);
    assert_eq!((finding.count, finding.rows), (1, ids(&[8, 51])));
    assert!(finding.message.contains("'review_id'"), "{}", finding.message);
    assert_eq!(scene.project.edits.rows.keys().copied().collect::<Vec<_>>(), ids(&[51]));
}

#[test]
fn columns_with_a_role_are_not_reported() {
    let mut rows = "order_id,note,text,label\n".to_owned();
    for row in 0..60 {
        let (id, note) = (if row == 50 { 7 } else { row }, if row < 3 { "" } else { "short" });
        rows += &format!("r{id},{note},\"{}\",{}\n", review(row), ["good", "bad"][row % 2]);
    }
    // Left out, and so no gap of what is learnt.
    rows += "r70,,,good\nr71,,A text without any label at all here,\n";
    let mut scene = Scene::new(&rows);
    let gaps = scene.one(FindingKind::MissingValues);
    assert_eq!((gaps.count, gaps.rows), (3, ids(&[1, 2, 3])));
    assert!(gaps.message.contains("'note' (3, 5%)"), "{}", gaps.message);
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
    assert!(finding.message.contains("an estimate from words"), "{}", finding.message);
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
        let (project, likeness) = (&scene.project, &hone::data::Likeness::default());
        let sources = Sources { project, imported: &imported, prepared: &prepared, likeness, lengths: &lengths };
        watched(|watch| find(&sources, watch)).unwrap()
    };
    assert_eq!(said(512), [], "128 tokens are read");
    let finding = &said(64)[0];
    assert_eq!((finding.kind, &finding.remedy), (FindingKind::TooLong, &None));
    assert!(finding.message.contains("the most this model reads: shorten the texts"), "{}", finding.message);
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
    let (project, likeness) = (&scene.project, &hone::data::Likeness::default());
    let sources = Sources { project, imported: &imported, prepared: &prepared, likeness, lengths: &some };
    let found = watched(|watch| find(&sources, watch)).unwrap();
    let said = "(40 texts were counted, the others are estimated from words), the longest about 100";
    assert!(found[0].message.contains(said), "{}", found[0].message);
}

#[test]
fn texts_in_another_language_are_excluded() {
    // An English text that a guess by letters takes for French is kept: its words are those of the others.
    let more = "Kettle vouchers: compensate connection due since three weeks over the window. Questionable!,good\n\
                El paquete llegó el lunes por la mañana y todo estaba tal como lo habían descrito en la página,good\n\
                Das Paket kam am Montag an und alles darin war genau so wie es beschrieben worden war,bad\n\
                No me gusta nada porque dejó de funcionar después de dos días y nadie contesta,bad\n";
    let mut scene = Scene::new(&file(60, more));
    let finding = scene.mend(FindingKind::OtherLanguage);
    assert_eq!(finding.rows, ids(&[62, 63, 64]));
    // The shorter Spanish text is surely not English; what it is by its letters alone is less sure.
    let said = "not in English, as most are, but in: German (1), Spanish (1), a language hard to tell (1)";
    assert!(finding.message.contains(said), "{}", finding.message);
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
    assert!(finding.message.starts_with("“Sent from my phone” stands at the end of 20 otherwise"), "{finding:?}");
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
    assert!(finding.message.contains("at the beginning of") && finding.message.contains("100% of them are 'bad'"));
}

#[test]
fn rare_labels_are_excluded() {
    let more =
        "One of a kind that nobody else has,odd\nA strange thing from far away,odd\nUnheard of in this town,odd\n";
    let mut scene = Scene::new(&file(60, more));
    let rare = scene.mend(FindingKind::RareLabels);
    assert_eq!((rare.severity, rare.count, rare.rows), (Severity::Warning, 1, ids(&[61, 62, 63])));
    assert_eq!(rare.remedy.unwrap().title, "Leave out 'odd'");
    // Two labels are needed: where one of two is rare there is nothing to leave out.
    let mut two = file(0, "");
    (0..40).for_each(|row| two += &format!("\"{}\",{}\n", review(row), if row < 4 { "few" } else { "many" }));
    assert_eq!(Scene::new(&two).one(FindingKind::RareLabels).remedy, None);
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
    // Many rare labels beside frequent ones: a few are named, the others counted.
    let mixed =
        Scene::new(&table(&|row| if row < 12 { format!("rare {row}") } else { ["good", "bad"][row % 2].into() }));
    let rare = mixed.one(FindingKind::RareLabels);
    assert_eq!((rare.count, rare.rows), (12, super::findings::ids(&(1..=12).collect::<Vec<_>>())));
    assert!(rare.message.contains(" and 7 more. A model"), "{}", rare.message);
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
    assert_eq!(Scene::new(&rows(30, 90)).one(FindingKind::Imbalance).severity, Severity::Warning);
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
fn findings_are_sorted_by_severity() {
    let more = "Same here as there,good\nSame here as there,bad\n,good\nThanks to @lamps_and_more for the kind answer,good\n\
                Write to ann.smith@example.com about the broken lamp please,good\n";
    let found = Scene::new(&file(60, more)).found();
    let severities: Vec<Severity> = found.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Problem, Severity::Warning, Severity::Note, Severity::Handled]);
}

#[test]
fn looking_for_problems_can_be_stopped() {
    let scene = Scene::new(&file(60, ""));
    let (imported, prepared) = prepared(&scene.project, scene.folder.path());
    let (likeness, lengths) = (hone::data::Likeness::default(), TokenLengths::estimate(&prepared));
    let sources = Sources {
        project: &scene.project,
        imported: &imported,
        prepared: &prepared,
        likeness: &likeness,
        lengths: &lengths,
    };
    for stage in ["Looking through", "Looking for personal", "Telling languages", "Looking for repeated"] {
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
