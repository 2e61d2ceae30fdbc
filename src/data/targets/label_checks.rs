//! What makes labels impossible to train on (blockers), and what a person should know about them (warnings).

use std::collections::{BTreeMap, HashSet};

use crate::data::prepare::split::sizes::SplitSizes;
use crate::data::targets::spelling::label_like;
use crate::data::{DropReason, Example, Imported, ImportedFile, Prepared, Side};
use crate::project::{ClassWeights, DatasetSettings, Project, SourceFile, SplitMethod, are_imbalanced};
use crate::words::{count, counted, joined, listed, plural, quoted};

/// Fewer training rows than this are too few to learn a label well.
pub(in crate::data) const FEW_ROWS: usize = 10;

/// A blocker for a column that is chosen as the text and as the label.
pub(in crate::data) fn text_as_label(settings: &DatasetSettings) -> Option<String> {
    let column = settings.read_columns().find(|&read| settings.label_columns().any(|label| label == read))?;
    Some(format!("'{column}' is chosen as the text and as the label. Choose two different columns"))
}

/// Whether a column with this many different values in this many rows can contain labels, and not IDs.
pub(in crate::data) fn are_labels(found: usize, rows: usize) -> bool {
    found <= 20 || found * 2 <= rows
}

/// Blockers for a single label, far too many labels, or labels with too few rows for every side of the split.
pub(in crate::data) fn label_blockers(project: &Project, imported: &Imported, prepared: &Prepared) -> Vec<String> {
    let column = project.dataset.label_columns().collect::<Vec<_>>().join("', '");
    let mut rows_of = vec![0; prepared.labels.len()];
    let main = || prepared.examples.iter().filter(|example| example.id.file == SourceFile::Main);
    main().filter_map(Example::class).for_each(|class| rows_of[class as usize] += 1);
    let rows: usize = rows_of.iter().sum();
    let found = rows_of.iter().filter(|&&rows| rows > 0).count();
    if found == 1 {
        let label = main().next().map_or("", |example| prepared.label_of(example));
        return vec![format!(
            "There is only one label: all {} rows are '{label}'. At least two are needed. Choose a label column other than \
             '{column}', or check the merged and excluded labels",
            count(rows)
        )];
    }
    if let Some(blocker) = too_many_labels(project, prepared) {
        return vec![blocker];
    }
    let Some(shares) = SplitSizes::of(project, imported).shares(rows) else { return Vec::new() };
    let sides: Vec<&str> = ["training", "validation", "test"]
        .into_iter()
        .zip(shares)
        .filter(|&(_, share)| share > 0.0)
        .map(|(side, _)| side)
        .collect();
    let few: Vec<String> = prepared
        .labels
        .iter()
        .zip(&rows_of)
        .filter(|&(_, &rows)| rows > 0 && rows < sides.len())
        .map(|(label, &rows)| format!("'{label}' ({})", counted(rows, "row", "rows")))
        .collect();
    if few.is_empty() || project.split.method != SplitMethod::Random {
        return Vec::new();
    }
    vec![format!(
        "Too few rows to split: {}. Each label needs at least {}, one each for {}. Add rows, merge the label with another, \
         or exclude it in Labels",
        listed(&few),
        sides.len(),
        joined(&sides.iter().map(|side| (*side).to_owned()).collect::<Vec<_>>())
    )]
}

/// A blocker if most rows of the main file have a different label: such a column does not contain labels.
pub(in crate::data) fn too_many_labels(project: &Project, prepared: &Prepared) -> Option<String> {
    let main = prepared.examples.iter().take_while(|example| example.id.file == SourceFile::Main);
    let mut seen = vec![false; prepared.labels.len()];
    let rows = main.filter_map(Example::class).inspect(|&class| seen[class as usize] = true).count();
    let found = seen.iter().filter(|&&seen| seen).count();
    let column = project.dataset.label_columns().collect::<Vec<_>>().join("', '");
    (!are_labels(found, rows)).then(|| {
        format!(
            "'{column}' has {} different values in {} rows, so it does not look like a label column. Choose another one",
            count(found),
            count(rows)
        )
    })
}

/// Blockers for labels of validation or test rows that no training row has.
pub(in crate::data) fn unseen_labels(project: &Project, imported: &Imported, prepared: &Prepared) -> Vec<String> {
    let trained: HashSet<u32> = prepared.side(Side::Train).filter_map(Example::class).collect();
    let mut first: BTreeMap<(Side, u32), (&Example, usize)> = BTreeMap::new();
    let classed = prepared.examples.iter().filter_map(|example| Some((example, example.class()?)));
    for (example, class) in classed.filter(|(_, class)| !trained.contains(class)) {
        first.entry((example.side, class)).or_insert((example, 0)).1 += 1;
    }
    let known: Vec<String> = trained.iter().map(|&class| prepared.labels[class as usize].clone()).collect();
    let message = |(&(side, label), &(example, rows)): (&(Side, u32), &(&Example, usize))| {
        let label = &prepared.labels[label as usize];
        let row = imported.file(example.id.file).map(|file| file.row_name(example.id.record)).unwrap_or_default();
        let file = match example.id.file {
            SourceFile::Main => {
                let side = if side == Side::Test { "test" } else { "validation" };
                let split = match project.split.method {
                    SplitMethod::Random => "Turn on the stratified split",
                    SplitMethod::Time | SplitMethod::Column => "Split at random",
                };
                return format!(
                    "The label '{label}' is in the {side} set ({}, the first: {row}) but not in the training set. {split}, merge the \
                     label with another, or exclude it in Labels",
                    counted(rows, "row", "rows")
                );
            }
            SourceFile::Validation => imported.validation.as_ref(),
            SourceFile::Test => imported.test.as_ref(),
        };
        let like = label_like(label, &known).map(|like| format!(" It looks like '{like}'.")).unwrap_or_default();
        format!(
            "The label '{label}' in {} ({}, the first: {row}) is not in the training set, so the model can never predict it.{like} Correct \
             it, merge it with another label, or exclude it in Labels",
            file.map(ImportedFile::name).unwrap_or_default(),
            counted(rows, "row", "rows")
        )
    };
    first.iter().map(message).collect()
}

/// Warnings about labels without validation or test rows, and why.
pub(in crate::data) fn missing_labels(project: &Project, imported: &Imported, prepared: &Prepared) -> Vec<String> {
    let why = match project.split.method {
        SplitMethod::Time => "it does not occur in that period",
        SplitMethod::Column => "the split column assigns no such rows to it",
        SplitMethod::Random if !project.split.stratified => "the split is not stratified",
        SplitMethod::Random => "its rows are in too few groups",
    };
    let counts = prepared.counts();
    let sides = [
        (Side::Validation, "validation", imported.validation.is_none()),
        (Side::Test, "test", imported.test.is_none()),
    ];
    let mut warnings = Vec::new();
    for (side, word, is_split) in sides {
        let used = is_split && counts.iter().any(|label| label[side as usize] > 0);
        let missing = counts.iter().zip(&prepared.labels).filter(|(rows, _)| rows[0] > 0 && rows[side as usize] == 0);
        let missing: Vec<&str> = missing.map(|(_, label)| label.as_str()).collect();
        if used && !missing.is_empty() {
            warnings.push(format!(
                "No {word} row has the label {}: {why}. There will be no {word} metrics for {}",
                quoted(&missing),
                plural(missing.len(), "this label", "these labels")
            ));
        }
    }
    warnings
}

/// What to do about labels whose numbers of rows differ strongly, as sentences without the last full stop.
pub(in crate::data) fn imbalance_advice(weights: &ClassWeights) -> &'static str {
    match weights {
        ClassWeights::None => {
            "A model favours the labels it sees most. Look at macro-F1 rather than accuracy, and try balanced class weights"
        }
        ClassWeights::Auto | ClassWeights::Balanced | ClassWeights::ByHand(_) => {
            "Rare labels get a higher weight in training. Look at macro-F1 rather than accuracy, and label more rows of the rare ones"
        }
    }
}

pub(in crate::data) fn balance_warnings(weights: &ClassWeights, prepared: &Prepared) -> Vec<String> {
    let mut warnings = Vec::new();
    let counts: Vec<(usize, &String)> =
        prepared.counts().iter().map(|sides| sides[0]).zip(&prepared.labels).filter(|&(rows, _)| rows > 0).collect();
    let (Some(&(most, frequent)), Some(&(least, rare))) =
        (counts.iter().max_by_key(|(rows, _)| rows), counts.iter().min_by_key(|(rows, _)| rows))
    else {
        return warnings;
    };
    if are_imbalanced([most, least]) {
        warnings.push(format!(
            "The labels are very imbalanced: '{frequent}' has {}, '{rare}' only {}. {}",
            counted(most, "training row", "training rows"),
            count(least),
            imbalance_advice(weights)
        ));
    }
    let few: Vec<String> =
        counts.iter().filter(|(rows, _)| *rows < FEW_ROWS).map(|(rows, label)| format!("'{label}' ({rows})")).collect();
    if !few.is_empty() {
        warnings.push(format!("Few training rows: {}. Metrics of such labels are unreliable", listed(&few)));
    }
    let mut spellings: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for label in &prepared.labels {
        spellings.entry(label.to_lowercase()).or_default().push(label);
    }
    for same in spellings.values().filter(|same| same.len() > 1) {
        warnings.push(format!(
            "The labels {} differ only in capitals. Merge them in Labels if they mean the same",
            quoted(same)
        ));
    }
    warnings
}

pub(in crate::data) fn conflict_warning(project: &Project, prepared: &Prepared) -> Option<String> {
    let texts = prepared.conflicts.len();
    (texts > 0 && !project.cleaning.drop_conflicts).then(|| {
        let texts = counted(texts, "text occurs", "texts occur");
        format!("{texts} with different labels. Correct the labels in Labels, or drop these rows in Prepare")
    })
}

/// A warning about cells that list several labels.
pub(in crate::data) fn listed_warning(project: &Project, prepared: &Prepared) -> Option<String> {
    let several = prepared.dropped.iter().filter(|row| row.1 == DropReason::SeveralLabels).count();
    (several > 0 && !project.dataset.has_column_per_label()).then(|| {
        let rows = counted(several, "row lists", "rows list");
        format!("{rows} several labels. Hone drops such rows because each text needs exactly one label")
    })
}

/// Warnings about rows without exactly one mark in the label columns.
pub(in crate::data) fn marked_warnings(prepared: &Prepared) -> Vec<String> {
    let rows = |reason| prepared.dropped.iter().filter(|row| row.1 == reason).count();
    let (none, several) = (rows(DropReason::NoneOfLabels), rows(DropReason::SeveralLabels));
    let mut warnings = Vec::new();
    if several > 0 {
        warnings.push(format!(
            "{} marked in several label columns, or with something other than 1. Hone drops such rows because each text needs \
             exactly one label. Correct them in the file, or use a single label column",
            counted(several, "row is", "rows are")
        ));
    }
    if none > 0 {
        warnings.push(format!(
            "{} no mark in any label column, so Hone drops {}",
            counted(none, "row has", "rows have"),
            plural(none, "it", "them")
        ));
    }
    warnings
}
