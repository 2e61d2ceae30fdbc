//! Roles of columns: guessed roles, titles, and one-hot label columns.

use super::*;
use hone::data::{DropReason, RowColumns};
use hone::project::ColumnRole;

/// A project with a file just opened: all columns are guessed.
pub(super) fn guessed(path: &Path) -> (Project, Imported) {
    let mut project = Project::default();
    project.dataset.main = Some(path.to_owned());
    let imported = watched(|watch| import(&project, Path::new(""), watch)).unwrap();
    imported.fill_in(project.task.kind(), &mut project.dataset);
    (project, imported)
}

pub(super) fn roles(project: &Project, imported: &Imported) -> Vec<(String, ColumnRole)> {
    let names = imported.main.table.names.iter();
    names.filter_map(|name| Some((name.clone(), project.dataset.role_of(name)?))).collect()
}

#[test]
fn column_roles_of_the_sample_and_of_typical_exports_are_guessed() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("projects/customer-reviews/reviews.csv");
    let (project, imported) = guessed(&sample);
    let dataset = &project.dataset;
    assert_eq!((dataset.id_column(), dataset.time_column()), (Some("order_id"), Some("date")));
    assert_eq!((dataset.text_column(), dataset.label_column()), (Some("review"), Some("sentiment")));
    assert!(dataset.joined_columns().next().is_none() && imported.guessed.label_columns.is_empty());

    let mut amazon =
        "customer_id,review_id,product_title,star_rating,review_headline,review_body,review_date,split,,Unnamed: 0\n"
            .to_owned();
    let mut tickets = "Ticket ID\tSubject\tDescription\tRequester\tTopic\tUser\tCreated at\n".to_owned();
    for row in 0..40 {
        let (split, day) = (["train", "test", "dev"][row % 3], row % 28 + 1);
        amazon += &format!(
            "{},R{row},Lamp,{},Headline {row},The lamp number {row} is bright,2015-08-{day:02},{split},,{row}\n",
            row % 11,
            row % 5 + 1
        );
        tickets += &format!(
            "{row}\tHelp {row}\tMy login number {row} does not work at all\tme\t{}\tu{}\t{day}/03/2026 10:15\n",
            ["login", "bill"][row % 2],
            row % 7
        );
    }
    let (_folder, path) = written("amazon.csv", amazon);
    let (project, imported) = guessed(&path);
    let named = |found: Vec<(String, ColumnRole)>| {
        found.into_iter().map(|(name, role)| format!("{name} {}", role.title())).collect::<Vec<_>>()
    };
    assert_eq!(
        named(roles(&project, &imported)),
        [
            "customer_id Group",
            "review_id Id",
            "star_rating Label",
            "review_headline Title",
            "review_body Text",
            "review_date Time",
            "split Split",
            "column_9 Ignored",
            "Unnamed: 0 Ignored",
        ]
    );
    let (_folder, path) = written("tickets.tsv", tickets);
    let (project, imported) = guessed(&path);
    assert_eq!(
        named(roles(&project, &imported)),
        ["Ticket ID Id", "Subject Title", "Description Text", "Topic Label", "Created at Time"],
        "seven users are too few for sides of any size"
    );
    // If one of many users wrote a third of the rows, all of these would be on one side.
    let mut shared = "text\tlabel\tuser\n".to_owned();
    for row in 0..60 {
        let user = if row % 3 == 0 { 0 } else { row % 20 };
        shared += &format!("What came on day {row} is as it was\t{}\tu{user}\n", ["good", "bad"][row % 2]);
    }
    let (_folder, path) = written("shared.tsv", shared);
    assert_eq!(guessed(&path).0.dataset.group_column(), None);
}

#[test]
fn a_project_saved_with_its_columns_keeps_them_as_they_are() {
    let rows = "id,title,text,label\n1,A,first one here,x\n2,B,second one here,y\n";
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), rows, None, None);
    let before = project.dataset.clone();
    let imported = watched(|watch| import(&project, folder.path(), watch)).unwrap();
    imported.fill_in(project.task.kind(), &mut project.dataset);
    assert_eq!(project.dataset, before);
    let text = ron::to_string(&before).unwrap();
    for unused in ["more", "Joined", "Group", "Ignored"] {
        assert!(!text.contains(unused), "only what is used is written: {text}");
    }
    let short: DatasetSettings = ron::from_str("(main: Some(\"a.csv\"), columns: [(\"text\", Text)])").unwrap();
    assert_eq!((short.more.len(), short.read_columns().count()), (0, 1));
}

#[test]
fn joined_texts_are_cleaned_trained_on_and_corrected() {
    let mut rows = "id,title,text,label\n".to_owned();
    for row in 0..20 {
        for label in ["good", "bad"] {
            rows += &format!("{row}{label},<b>Title {row}</b>,text {row} of {label},{label}\n");
        }
    }
    rows += "last,,only a text,good\ntitle,Only a title,,bad\n";
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &rows, None, None);
    project.dataset.set_role("title", Some(ColumnRole::Joined));
    project.dataset.set_role("id", Some(ColumnRole::Id));
    project.cleaning.collapse_whitespace = false;
    let (imported, ready) = prepared(&project, folder.path());
    let texts: Vec<&str> = ready.examples.iter().map(|row| row.text.as_str()).collect();
    assert!(texts[0].contains("Title 0") && texts[0].ends_with("\ntext 0 of good"), "{:?}", texts[0]);
    assert_eq!(texts[texts.len() - 2], "only a text");
    assert_eq!(texts[texts.len() - 1].trim(), "Only a title");
    assert_eq!(ready.keys[0].as_deref(), Some("0good"));

    let columns = RowColumns::of(&imported.main.table, &project.dataset).unwrap();
    let hash = columns.hash(0);
    let correct = |project: &mut Project, hash: &str| {
        let edit = hone::project::RowEdit { content_hash: hash.to_owned(), excluded: true, ..Default::default() };
        project.edits.rows = [(ready.examples[0].id, edit)].into();
        prepared(project, folder.path()).1.stale_edits.len()
    };
    assert_eq!(correct(&mut project, &hash), 0);
    let mut after = project.dataset.clone();
    after.set_role("title", None);
    let edits = hone::data::carried_corrections(&imported, &project, &after);
    project.dataset = after;
    assert_eq!(correct(&mut project, &hash), 1, "another text, read behind our back, is another row");
    project.edits = edits;
    assert_eq!(prepared(&project, folder.path()).1.stale_edits, [], "the row is the same one, read otherwise");

    project.dataset.set_role("subject", Some(ColumnRole::Joined));
    let blockers = prepared(&project, folder.path()).1.blockers;
    assert!(blockers[0].contains("main.csv has no column 'subject' for the text"), "{blockers:?}");
}

#[test]
fn one_hot_label_columns_are_recognised_and_used_only_when_chosen() {
    let mut rows = "text,verified,positive,neutral,negative\n".to_owned();
    let marks = ["1,0,0", "0,1,0", "0,0,1"];
    for row in 0..60 {
        rows += &format!("text number {row},{},{}\n", ["yes", "no"][row / 3 % 2], marks[row % 3]);
    }
    rows += "two of them,yes,1,1,0\nnone of them,no,0,0,0\nsomething else,no,0,maybe,0\n";
    let (_folder, path) = written("rows.csv", rows);
    let (mut project, imported) = guessed(&path);
    assert_eq!(imported.guessed.label_columns, ["positive", "neutral", "negative"]);
    assert_eq!((project.dataset.label_columns().count(), imported.guessed_label.as_deref()), (0, None));
    project.dataset.set_label_columns(&imported.guessed.label_columns);
    let (_, ready) = prepared(&project, Path::new(""));
    assert_eq!(ready.labels, ["negative", "neutral", "positive"]);
    assert_eq!((ready.examples.len(), ready.counts()[0].iter().sum::<usize>()), (60, 20));
    let dropped = |reason| ready.dropped.iter().filter(|row| row.1 == reason).count();
    assert_eq!((dropped(DropReason::SeveralLabels), dropped(DropReason::NoneOfLabels)), (2, 1));
    let warned = ready.warnings.iter().any(|warning| warning.contains("each text needs exactly one label"));
    assert!(warned, "{:?}", ready.warnings);

    // A person can choose the label of the row.
    let id = ready.dropped.iter().find(|row| row.1 == DropReason::SeveralLabels).unwrap().0;
    let edit = hone::project::RowEdit {
        content_hash: hone::data::content_hash("two of them", ""),
        ..hone::project::RowEdit::relabelled("positive")
    };
    project.edits.rows.insert(id, edit);
    assert_eq!(prepared(&project, Path::new("")).1.examples.len(), 61);
}

#[test]
fn rows_with_several_labels_are_not_used_as_if_they_had_one() {
    let mut rows = "text,rude,threat,spam\n".to_owned();
    for row in 0..60 {
        rows += &format!("text number {row},{},{},{}\n", row % 2, row / 2 % 2, row / 4 % 2);
    }
    let (_folder, path) = written("rows.csv", rows);
    assert!(guessed(&path).1.guessed.label_columns.is_empty());
}

#[test]
fn corrections_survive_a_change_of_columns() {
    let mut rows = "title,text,mood,mood_2,topic\n".to_owned();
    for row in 0..40 {
        let mood = ["good", "bad"][row % 2];
        rows += &format!("Title {row},text number {row},{mood},{mood},{}\n", ["food", "room"][row / 2 % 2]);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &rows, None, None);
    project.dataset.set_role("mood", Some(ColumnRole::Label));
    let (imported, ready) = prepared(&project, folder.path());
    let columns = RowColumns::of(&imported.main.table, &project.dataset).unwrap();
    let edit = |row: usize| hone::project::RowEdit { content_hash: columns.hash(row), ..Default::default() };
    let id = |row: usize| ready.examples[row].id;
    let target = hone::project::RowEdit::relabelled("bad").target;
    let relabelled = hone::project::RowEdit { target, ..edit(0) };
    let stale = hone::project::RowEdit { content_hash: "of another row".to_owned(), ..edit(2) };
    let excluded = hone::project::RowEdit { excluded: true, ..edit(1) };
    project.edits.rows = [(id(0), relabelled), (id(1), excluded), (id(2), stale)].into();
    let changed = |project: &Project, change: &dyn Fn(&mut DatasetSettings)| {
        let mut next = project.clone();
        change(&mut next.dataset);
        next.edits = hone::data::carried_corrections(&imported, project, &next.dataset);
        let stale = prepare_of(&next, &imported).stale_edits;
        (next, stale)
    };
    let joined = |dataset: &mut DatasetSettings| dataset.set_role("title", Some(ColumnRole::Joined));
    // The third was stale before, and still is.
    let (with_title, found) = changed(&project, &joined);
    assert_eq!(found, [id(2)]);
    let mood_2 = |dataset: &mut DatasetSettings| dataset.set_role("mood_2", Some(ColumnRole::Label));
    assert_eq!(changed(&with_title, &mood_2).1, [id(2)], "the label column has the same labels");
    let topic = |dataset: &mut DatasetSettings| dataset.set_role("topic", Some(ColumnRole::Label));
    let (of_topics, found) = changed(&with_title, &topic);
    assert_eq!(found, [id(0), id(2)], "no topic is bad; the row left out stays so");
    let mood = |dataset: &mut DatasetSettings| dataset.set_role("mood", Some(ColumnRole::Label));
    assert_eq!(changed(&of_topics, &mood).1, [id(2)], "back with its label it is a correction again");
    // Without a text, then with another one.
    let none = |dataset: &mut DatasetSettings| dataset.set_role("text", None);
    let title = |dataset: &mut DatasetSettings| dataset.set_role("title", Some(ColumnRole::Text));
    assert_eq!(changed(&changed(&project, &none).0, &title).1, [id(2)]);
}

fn prepare_of(project: &Project, imported: &Imported) -> hone::data::Prepared {
    watched(|watch| hone::data::prepare(project, imported, watch)).unwrap()
}
