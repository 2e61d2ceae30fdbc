//! Renaming, merging, ordering, colouring and excluding labels. Each function returns new label settings.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use crate::project::LabelSettings;

/// A label the model will learn, and the labels in the file that map to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRow {
    /// Name.
    pub name: String,
    /// Number of rows with it, not counting row corrections.
    pub rows: u64,
    /// Labels in the file that map to it, with their row counts.
    pub sources: Vec<(String, u64)>,
    /// Its rows are excluded.
    pub excluded: bool,
}

/// The labels of a file under these settings: included ones first, in their order.
#[must_use]
pub fn label_rows(found: &BTreeMap<String, u64>, settings: &LabelSettings) -> Vec<LabelRow> {
    let mut rows: Vec<LabelRow> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (source, &count) in found {
        let name = settings.resolve(source);
        let place = *places.entry(name).or_insert_with(|| {
            let excluded = settings.excluded.contains(name);
            rows.push(LabelRow { name: name.to_owned(), rows: 0, sources: Vec::new(), excluded });
            rows.len() - 1
        });
        rows[place].rows += count;
        rows[place].sources.push((source.clone(), count));
    }
    let order: HashMap<&str, usize> =
        settings.order.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
    // Sort keys are computed once per label, because there may be as many labels as rows.
    let key = |row: LabelRow| {
        let place = order.get(row.name.as_str()).copied().unwrap_or(usize::MAX);
        (row.excluded, place, row.name.parse::<f64>().ok(), row)
    };
    let mut rows: Vec<_> = rows.into_iter().map(key).collect();
    rows.sort_by(|a, b| {
        let used = (a.0, a.1).cmp(&(b.0, b.1));
        used.then_with(|| by_number(a.2, b.2)).then_with(|| a.3.name.cmp(&b.3.name))
    });
    rows.into_iter().map(|(.., row)| row).collect()
}

/// Compares numbers by value, so that -1, 0 and 1 sort in this order.
fn by_number(a: Option<f64>, b: Option<f64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Renames a label. If the name is taken, the two are merged.
#[must_use]
pub fn rename(settings: &LabelSettings, rows: &[LabelRow], from: &str, to: &str) -> LabelSettings {
    let mut next = settings.clone();
    let (to, is_label) = (to.trim(), |name: &str| rows.iter().any(|row| row.name == name));
    if is_label(from) && is_label(to) {
        next.merge(from, to);
    } else if is_label(from) && !to.is_empty() {
        next.rename(from, to);
    }
    next
}

/// Moves a label up (-1) or down (1) among the included labels.
#[must_use]
pub fn reorder(settings: &LabelSettings, rows: &[LabelRow], name: &str, by: isize) -> LabelSettings {
    let mut order: Vec<String> = rows.iter().filter(|row| !row.excluded).map(|row| row.name.clone()).collect();
    let from = order.iter().position(|other| other == name);
    let to = from.and_then(|from| from.checked_add_signed(by)).filter(|&to| to < order.len());
    if let (Some(from), Some(to)) = (from, to) {
        order.swap(from, to);
    }
    LabelSettings { order, ..settings.clone() }
}

/// Excludes a label's rows, or includes them again.
#[must_use]
pub fn set_excluded(settings: &LabelSettings, name: &str, excluded: bool) -> LabelSettings {
    let mut next = settings.clone();
    if excluded {
        next.excluded.insert(name.to_owned());
    } else {
        next.excluded.remove(name);
    }
    next
}

/// Sets a label's colour; `None` resets it to the theme's.
#[must_use]
pub fn set_colour(settings: &LabelSettings, name: &str, colour: Option<[u8; 3]>) -> LabelSettings {
    let mut next = settings.clone();
    match colour {
        Some(colour) => next.colours.insert(name.to_owned(), colour),
        None => next.colours.remove(name),
    };
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{content_hash, import, prepare};
    use crate::progress::{Control, Watch};
    use crate::project::{ColumnRole, Project, RowEdit, RowId, SourceFile, StarScale};

    fn found() -> BTreeMap<String, u64> {
        [("bad", 10), ("good", 30), ("ok", 5)].map(|(name, rows)| (name.to_owned(), rows)).into()
    }

    fn names(settings: &LabelSettings) -> Vec<String> {
        label_rows(&found(), settings).into_iter().map(|row| row.name).collect()
    }

    #[test]
    fn labels_can_be_renamed_and_merged() {
        let settings = LabelSettings::default();
        let renamed = rename(&settings, &label_rows(&found(), &settings), "ok", "neutral");
        assert_eq!(names(&renamed), ["bad", "good", "neutral"]);
        let merged = rename(&renamed, &label_rows(&found(), &renamed), "neutral", "bad");
        let rows = label_rows(&found(), &merged);
        assert_eq!((rows.len(), rows[0].rows, rows[0].sources.len()), (2, 15, 2));
        let back = rename(&renamed, &label_rows(&found(), &renamed), "neutral", "ok");
        assert_eq!(names(&back), ["bad", "good", "ok"]);
        assert_eq!(rename(&settings, &label_rows(&found(), &settings), "ok", "  "), settings);
    }

    #[test]
    fn corrections_follow_a_renamed_label() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("stars.csv"), "text,stars\na fine day,4\na poor day,2\nso so,3\n").unwrap();
        let (control, mut report) = (Control::default(), |_| {});
        let mut watch = Watch { control: &control, report: &mut report };
        let mut project = Project::default();
        project.dataset.main = Some("stars.csv".into());
        project.dataset.set_role("text", Some(ColumnRole::Text));
        project.dataset.set_role("stars", Some(ColumnRole::Label));
        let scale = StarScale::of(["1", "2", "3", "4", "5"]).unwrap();
        *project.labels_mut().unwrap() = LabelSettings::default().with_stars(&scale.usual_choice());
        let imported = import(&project, folder.path(), &mut watch).unwrap();
        let id = RowId { file: SourceFile::Main, record: imported.main.table.records[2] };
        let hash = content_hash("so so", "3");
        let edit = RowEdit { content_hash: hash, ..RowEdit::relabelled("negative") };
        project.edits.rows.insert(id, edit);
        let found: BTreeMap<String, u64> = ["2", "3", "4"].map(|label| (label.to_owned(), 1)).into();
        for (from, to) in [("negative", "bad"), ("bad", "poor")] {
            let renamed = rename(project.labels(), &label_rows(&found, project.labels()), from, to);
            *project.labels_mut().unwrap() = renamed;
            let prepared = prepare(&project, &imported, &mut watch).unwrap();
            let corrected = prepared.examples.iter().find(|example| example.id == id).unwrap();
            assert_eq!(prepared.label_of(corrected), to);
            assert!(!prepared.labels.iter().any(|label| label == from), "{:?}", prepared.labels);
        }
    }

    #[test]
    fn numeric_labels_sort_by_value_and_50_000_labels_are_fast() {
        let found = ["1", "0", "-1", "10"].map(|label| (label.to_owned(), 1)).into();
        let rows = label_rows(&found, &LabelSettings::default());
        let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["-1", "0", "1", "10"]);
        let found: BTreeMap<String, u64> = (0..50_000).map(|label| (format!("id {label}"), 1)).collect();
        assert_eq!(label_rows(&found, &LabelSettings::default()).len(), 50_000);
    }

    #[test]
    fn labels_can_be_reordered_and_excluded() {
        let settings = LabelSettings::default();
        let moved = reorder(&settings, &label_rows(&found(), &settings), "ok", -1);
        assert_eq!(names(&moved), ["bad", "ok", "good"]);
        assert_eq!(names(&reorder(&moved, &label_rows(&found(), &moved), "bad", -1)), ["bad", "ok", "good"]);
        let without = set_excluded(&moved, "bad", true);
        assert_eq!(names(&without), ["ok", "good", "bad"]);
        let renamed = rename(&without, &label_rows(&found(), &without), "bad", "poor");
        assert!(label_rows(&found(), &renamed).iter().any(|row| row.name == "poor" && row.excluded));
        assert_eq!(set_excluded(&without, "bad", false), moved);
    }

    #[test]
    fn a_renamed_label_keeps_its_colour_and_a_merged_one_loses_it() {
        let rows = |settings: &LabelSettings| label_rows(&found(), settings);
        let coloured = set_colour(&LabelSettings::default(), "ok", Some([1, 2, 3]));
        let renamed = rename(&coloured, &rows(&coloured), "ok", "neutral");
        assert_eq!(renamed.colours, [("neutral".to_owned(), [1, 2, 3])].into());
        let both = set_colour(&renamed, "bad", Some([4, 5, 6]));
        let merged = rename(&both, &rows(&both), "neutral", "bad");
        assert_eq!(merged.colours, [("bad".to_owned(), [4, 5, 6])].into());
        assert!(set_colour(&merged, "bad", None).colours.is_empty());
    }
}
