//! What makes training impossible (blockers) and what a person should know (warnings), with what to do about each.

use std::collections::BTreeMap;

use crate::data::prepare::split::drawn::SplitOrigin;
use crate::data::prepare::split::sizes::SplitSizes;
use crate::data::prepare::split::too_large;
use crate::data::targets::label_checks::{
    balance_warnings, conflict_warning, label_blockers, listed_warning, marked_warnings, missing_labels, text_as_label,
    too_many_labels, unseen_labels,
};
use crate::data::{DropReason, Imported, ImportedFile, PatternError, Prepared, Side};
use crate::project::{Project, RowId, SourceFile, SplitMethod};
use crate::words::{counted, joined, lower_first, quoted, upper_first};

/// With this many rows, some can be set aside for validation and test, whatever their labels.
const ENOUGH_ROWS: usize = 20;

/// Blockers for missing columns, file by file, and for files without a column in common with the others.
pub(in crate::data) fn column_blockers(project: &Project, files: &[&ImportedFile]) -> Vec<String> {
    let settings = &project.dataset;
    let mut blockers = Vec::new();
    for rule in project.task.roles().iter().filter(|rule| rule.is_needed()) {
        if settings.column_of(rule.role).is_none() {
            let role = rule.role.title().to_lowercase();
            let columns = files.first().map(|file| quoted(&file.table.names)).unwrap_or_default();
            blockers.push(format!("No {role} column is chosen. Choose one of: {columns}"));
        }
    }
    for (role, column) in settings.used_columns() {
        let role = role.title().to_lowercase();
        for file in files.iter().filter(|file| file.table.column_index(column).is_none()) {
            blockers.push(format!(
                "{} has no column '{column}' for the {role}. It has: {}. Choose another column, or another file",
                file.name(),
                quoted(&file.table.names)
            ));
        }
    }
    if blockers.is_empty() {
        blockers.extend(text_as_label(settings));
    }
    for (file, stranger) in files.iter().flat_map(|file| file.strangers().map(move |stranger| (file, stranger))) {
        blockers.push(format!(
            "{} has no column in common with {}: it has {}. Remove the file, or rename its columns to match",
            stranger.name,
            file.parts[0].name,
            quoted(&stranger.names)
        ));
    }
    blockers
}

/// Blockers for columns that the split needs and the main file does not have.
fn split_column_blockers(project: &Project, file: &ImportedFile) -> Vec<String> {
    let (dataset, method) = (&project.dataset, project.split.method);
    let (role, column, needed) = match method {
        SplitMethod::Random => ("group", dataset.group_column(), false),
        SplitMethod::Time => ("time", dataset.time_column(), true),
        SplitMethod::Column => ("split", dataset.split_column(), true),
    };
    match column {
        None if needed => {
            let kind = if method == SplitMethod::Time { "is split by time" } else { "is split by a column" };
            let columns = quoted(&file.table.names);
            vec![format!(
                "The data {kind}, but no {role} column is chosen. Choose one in Prepare, or split at random. The columns are: \
                 {columns}"
            )]
        }
        Some(column) if file.table.column_index(column).is_none() => vec![format!(
            "{} has no column '{column}' for the {role}. It has: {}. Choose another column in Prepare, or none",
            file.name(),
            quoted(&file.table.names)
        )],
        _ => Vec::new(),
    }
}

/// Warnings about parts of a folder that are not used, and about files, among several, without a column that is used.
pub(in crate::data) fn part_warnings(project: &Project, file: &ImportedFile) -> Vec<String> {
    let settings = &project.dataset;
    if !file.other_parts.is_empty() && settings.validation.is_none() && settings.test.is_none() {
        return vec![format!(
            "{} also has files for {}, which are not used. To use them, choose the folder as the validation and the test file \
             too (in the terminal: --validation and --test)",
            file.name(),
            parts_in_words(&file.other_parts)
        )];
    }
    if !file.is_several() {
        return Vec::new();
    }
    let stands_in_files = |column: &str| file.table.column_index(column).is_some_and(|at| at < file.own_columns());
    let mut warnings = Vec::new();
    for (role, column) in settings.used_columns().filter(|(_, column)| stands_in_files(column)) {
        let role = role.title().to_lowercase();
        for part in file.parts.iter().filter(|part| !part.has(column)) {
            warnings.push(format!(
                "{} has no column '{column}', so the {role} of {} is empty. It has: {}",
                part.name,
                counted(part.rows, "row", "rows"),
                quoted(&part.names)
            ));
        }
    }
    warnings
}

/// Parts of a split, such as `validation and test`.
#[must_use]
pub fn parts_in_words(parts: &[SourceFile]) -> String {
    let name = |part: &SourceFile| match part {
        SourceFile::Main => "training",
        SourceFile::Validation => "validation",
        SourceFile::Test => "test",
    };
    joined(&parts.iter().map(|part| name(part).to_owned()).collect::<Vec<_>>())
}

/// Blockers for patterns that are on: those that cannot be used, and those that would make texts too long (place, rows,
/// the first row).
pub(in crate::data) fn pattern_blockers(
    project: &Project,
    faults: &[PatternError],
    outgrown: &[(usize, usize, RowId)],
    imported: &Imported,
) -> Vec<String> {
    let patterns = &project.cleaning.patterns;
    let is_on = |number: usize| patterns.get(number - 1).is_some_and(|pattern| pattern.enabled);
    let faults = faults.iter().filter(|fault| is_on(fault.number)).map(|fault| {
        let message = fault.to_string();
        format!("{} (in Prepare)", upper_first(&message))
    });
    let outgrown = outgrown.iter().map(|&(place, rows, first)| {
        format!(
            "Pattern {} would make {} more than four times as long (the first: {}). Shorten its replacement, or turn it off in \
             Prepare",
            place + 1,
            counted(rows, "text", "texts"),
            imported.row_name(first)
        )
    });
    faults.chain(outgrown).collect()
}

/// Warnings about how the files could be read.
pub(in crate::data) fn file_warnings(files: &[&ImportedFile]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (file, place) in files.iter().flat_map(|file| (0..file.parts.len()).map(move |place| (file, place))) {
        let part = &file.parts[place];
        if part.format.undecodable() > 0 {
            warnings.push(format!(
                "{}: {} could not be decoded as {} and became \u{FFFD}. If texts look wrong, choose another encoding in Data",
                part.name,
                counted(part.format.undecodable() as usize, "character", "characters"),
                part.format.encoding().unwrap_or_default()
            ));
        }
        if let Some(first) = file.bad_rows_of(place).next() {
            warnings.push(format!(
                "{}: {} could not be read and will be ignored. The first is row {} (line {}): {}",
                part.name,
                counted(part.bad_rows, "row", "rows"),
                file.place(first.record).1,
                first.line,
                lower_first(&first.reason)
            ));
        }
    }
    warnings
}

/// Adds blockers and warnings about the finished examples.
pub(in crate::data) fn check(project: &Project, imported: &Imported, prepared: &mut Prepared) {
    let mut blockers = split_column_blockers(project, &imported.main);
    if prepared.examples.iter().all(|example| example.id.file != SourceFile::Main) {
        blockers.push(no_rows(project, &imported.main, SourceFile::Main, prepared));
    } else if blockers.is_empty() {
        if project.classification().is_some() {
            blockers.extend(label_blockers(project, imported, prepared));
        }
        // Rows are not split if the column does not contain labels.
        if too_many_labels(project, prepared).is_none() {
            blockers.extend(side_blockers(project, imported, prepared));
        }
        if blockers.is_empty() {
            blockers.extend(unseen_labels(project, imported, prepared));
            prepared.warnings.extend(missing_labels(project, imported, prepared));
        }
        prepared.log_warnings = project
            .classification()
            .map(|settings| balance_warnings(&settings.class_weights, prepared))
            .unwrap_or_default();
    }
    prepared.log_warnings.extend(unmeasured_warnings(imported, prepared));
    prepared.log_warnings.extend(conflict_warning(project, prepared));
    prepared.log_warnings.extend(listed_warning(project, prepared));
    prepared.warnings.extend(row_warnings(project, imported, prepared));
    prepared.blockers.extend(blockers);
}

fn no_rows(project: &Project, file: &ImportedFile, which: SourceFile, prepared: &Prepared) -> String {
    if file.table.is_empty() {
        let bad = if file.bad_rows.is_empty() { "has a header but no rows" } else { "has no row that could be read" };
        return format!("{} {bad}. Choose a file with one row for each text", file.name());
    }
    let mut reasons: BTreeMap<DropReason, usize> = BTreeMap::new();
    for (_, reason) in prepared.dropped.iter().filter(|(id, _)| id.file == which) {
        *reasons.entry(*reason).or_default() += 1;
    }
    let reasons: Vec<String> = reasons.iter().map(|(reason, rows)| format!("{rows} {}", in_words(*reason))).collect();
    let what = if project.classification().is_some() { "the columns, the labels" } else { "the text column" };
    format!("{} has no usable rows: {}. Check {what} and the cleaning", file.name(), reasons.join(", "))
}

fn in_words(reason: DropReason) -> &'static str {
    match reason {
        DropReason::Excluded => "excluded by you",
        DropReason::EmptyText => "without text",
        DropReason::EmptyLabel => "without a label",
        DropReason::NoneOfLabels => "marked in no label column",
        DropReason::SeveralLabels => "with several labels",
        DropReason::ExcludedLabel => "with an excluded label",
        DropReason::Duplicate => "repeated",
        DropReason::Conflict => "with conflicting labels",
    }
}

/// Blockers for impossible sizes, and for sides without rows.
fn side_blockers(project: &Project, imported: &Imported, prepared: &Prepared) -> Vec<String> {
    let mut blockers = Vec::new();
    let rows = prepared.examples.iter().filter(|example| example.id.file == SourceFile::Main).count();
    if project.split.method != SplitMethod::Column && SplitSizes::of(project, imported).shares(rows).is_none() {
        blockers.push(format!(
            "The sizes of validation ({}) and test ({}) leave none of {} for training. Reduce them in Prepare",
            project.split.validation,
            project.split.test,
            counted(rows, "row", "rows")
        ));
        return blockers;
    }
    let sides = [
        (Side::Validation, &imported.validation, SourceFile::Validation),
        (Side::Test, &imported.test, SourceFile::Test),
    ];
    for (side, file, which) in sides {
        if prepared.side(side).next().is_some() {
            continue;
        }
        match file {
            Some(file) => blockers.push(no_rows(project, file, which, prepared)),
            None if side == Side::Validation => {
                let what_to_do =
                    too_large(project, prepared).or_else(|| kept_together(project, prepared)).unwrap_or_else(|| {
                        "Increase the size of the validation set in Prepare, or add a validation file".to_owned()
                    });
                blockers.push(format!(
                    "There are no validation rows. They are needed to choose the best checkpoint. {what_to_do}"
                ));
            }
            None => {}
        }
    }
    blockers
}

/// What to do if groups that stay together leave no rows to set aside.
fn kept_together(project: &Project, prepared: &Prepared) -> Option<String> {
    let group = project.dataset.group_column();
    let is_few = prepared.examples.len() < ENOUGH_ROWS || !project.split.validation.is_some();
    let reason = match (project.split.keep_near_together, group) {
        _ if project.split.method != SplitMethod::Random || is_few => return None,
        (true, Some(group)) => format!("near-duplicates and rows with the same '{group}'"),
        (true, None) => "near-duplicates".to_owned(),
        (false, Some(group)) => format!("rows with the same '{group}'"),
        (false, None) => return None,
    };
    Some(format!(
        "The split keeps {reason} together, and there are so many that no rows are left for validation. Turn that off in Prepare, \
         exclude the copies, or add a validation file"
    ))
}

/// Warnings about rows of validation and test files that cannot be evaluated.
fn unmeasured_warnings(imported: &Imported, prepared: &Prepared) -> Vec<String> {
    let mut warnings = Vec::new();
    for (file, which) in [(&imported.validation, SourceFile::Validation), (&imported.test, SourceFile::Test)] {
        let Some(file) = file else { continue };
        let dropped = |reason| prepared.dropped.iter().filter(|row| row.0.file == which && row.1 == reason).count();
        for reason in [DropReason::EmptyText, DropReason::EmptyLabel] {
            let rows = dropped(reason);
            if rows > 0 {
                warnings.push(format!(
                    "{}: {} {} cannot be evaluated",
                    file.name(),
                    counted(rows, "row", "rows"),
                    in_words(reason)
                ));
            }
        }
    }
    warnings
}

fn row_warnings(project: &Project, imported: &Imported, prepared: &Prepared) -> Vec<String> {
    let mut warnings = if project.dataset.has_column_per_label() { marked_warnings(prepared) } else { Vec::new() };
    if !prepared.stale_edits.is_empty() {
        warnings.push(format!(
            "{} not applied, because the file or the label column has changed: the row is gone or has other content (the first: \
             {})",
            counted(prepared.stale_edits.len(), "correction was", "corrections were"),
            imported.row_name(prepared.stale_edits[0])
        ));
    }
    if prepared.origin == SplitOrigin::DrawnAgain {
        warnings.push(
            "The split is not that of the last run, because its settings or the rows have changed. Results of older runs are not \
             comparable with those of the next one"
                .to_owned(),
        );
    }
    let wants_test_rows = project.task.kind().sets_a_test_set_aside();
    if wants_test_rows && prepared.side(Side::Test).next().is_none() && imported.test.is_none() {
        warnings.push(
            "There are no test rows. Metrics come from the validation set, which was also used to pick the checkpoint, so they \
             are optimistic"
                .to_owned(),
        );
    }
    warnings
}
