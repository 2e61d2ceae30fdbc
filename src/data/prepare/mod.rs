//! Turns tables into examples: applies edits, cleans, labels, removes duplicates and splits.

pub mod checks;
pub mod clean;
pub mod copies;
pub mod copy_corrections;
pub mod corrections;
pub mod example;
pub mod likeness;
pub mod near;
pub mod near_groups;
pub mod prepared;
mod row;
pub mod split;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::data::prepare::clean::STEPS;
use crate::data::prepare::copies::same_texts;
use crate::data::prepare::copy_corrections::correct_copies;
use crate::data::prepare::corrections::moved_corrections;
use crate::data::prepare::prepared::BeforeSplit;
use crate::data::prepare::row::Row;
use crate::data::prepare::split::drawn::{DrawnSplit, SplitOrigin};
use crate::data::prepare::split::{SplitInputs, divide};
use crate::data::targets::classes::{ClassReader, RowClass};
use crate::data::{
    Cleaner, CleaningEffect, CleaningPart, DataError, DropReason, Example, Imported, ImportedFile, NearGroups,
    PatternError, Prepared, RowColumns, Side, Target, content_hash, table::hashing,
};
use crate::progress::{Cancelled, Watch};
use crate::project::{Edits, Project, RowEdit, RowId, SourceFile, SplitMethod};

/// Rows cleaned between two checks of the cancel switch.
const ROWS_PER_LOOK: usize = 16_384;
/// Samples kept of each cleaning step.
const SAMPLES: usize = 20;

/// Applies edits, cleans, labels, drops and splits the rows.
///
/// Separate validation and test files are used as they are: only rows without text or label, excluded rows and
/// rows of excluded labels are dropped; duplicates and conflicts are dropped only from the main file.
/// What makes training impossible is in [`Prepared::blockers`]; it is not an error.
///
/// # Errors
/// [`DataError::Cancelled`] when the watch is cancelled.
pub fn prepare(project: &Project, imported: &Imported, watch: &mut Watch) -> Result<Prepared, DataError> {
    prepare_with(RowsToSplit { project, imported, drawn: None }, &mut NearGroups::find, watch)
}

/// What rows are prepared from.
#[derive(Clone, Copy, Debug)]
pub struct RowsToSplit<'a> {
    /// The settings.
    pub project: &'a Project,
    /// The files as read.
    pub imported: &'a Imported,
    /// The split of the last run, which is kept if it was drawn with the same settings.
    pub drawn: Option<&'a DrawnSplit>,
}

/// A function that finds the near-duplicates among rows, or returns known ones.
pub type FindNear<'a> = dyn FnMut(&[Example], &mut Watch) -> Result<Arc<NearGroups>, DataError> + 'a;

/// [`prepare`], with a function that finds near-duplicates if the split keeps them together: comparing texts takes
/// longest.
///
/// # Errors
/// [`DataError::Cancelled`], and errors of `find_near`.
pub fn prepare_with(
    from: RowsToSplit<'_>,
    find_near: &mut FindNear<'_>,
    watch: &mut Watch,
) -> Result<Prepared, DataError> {
    let RowsToSplit { project, imported, .. } = from;
    let files: Vec<&ImportedFile> = imported.files().collect();
    let mut prepared = empty();
    prepared.warnings = checks::file_warnings(&files);
    prepared.warnings.extend(checks::part_warnings(project, &imported.main));
    prepared.blockers = checks::column_blockers(project, &files);
    if !prepared.blockers.is_empty() {
        return Ok(prepared);
    }
    let (cleaner, faults) = Cleaner::without_faults(&project.cleaning);
    prepared.moved_edits = moved_corrections(imported, project);
    let mut edits = Cow::Borrowed(&project.edits);
    if !prepared.moved_edits.is_empty() {
        edits.to_mut().follow(&prepared.moved_edits);
    }
    let mut rows = collect_rows(project, &edits, &files, &mut prepared);
    clean_rows(project, &cleaner, &mut rows, watch)?;
    correct_copies(project, &mut rows);
    drop_rows(project, &mut rows, &mut prepared);
    prepared.cleaning.splice(0..0, switch_effects(&rows));
    prepared.cleaning.extend(pattern_effects(project, &cleaner, &rows, &faults));
    prepared.blockers = checks::pattern_blockers(project, &faults, &outgrown(&rows), imported);
    prepared.pattern_faults = faults;
    take_examples(project, imported, rows, &mut prepared);
    prepared.data_hash = hashing::data_hash(&prepared.examples, &prepared.labels);
    prepared.before_split = BeforeSplit { blockers: prepared.blockers.clone(), warnings: prepared.warnings.clone() };
    split(from, prepared, find_near, watch)
}

/// Splits prepared rows again after only the settings of the split have changed, without cleaning, which takes much
/// longer.
///
/// # Errors
/// [`DataError::Cancelled`], and errors of `find_near`.
pub fn split_again(
    from: RowsToSplit<'_>,
    mut prepared: Prepared,
    find_near: &mut FindNear<'_>,
    watch: &mut Watch,
) -> Result<Prepared, DataError> {
    let RowsToSplit { project, imported, .. } = from;
    if !checks::column_blockers(project, &imported.files().collect::<Vec<_>>()).is_empty() {
        return Ok(prepared);
    }
    prepared.blockers.clone_from(&prepared.before_split.blockers);
    prepared.warnings.clone_from(&prepared.before_split.warnings);
    prepared.log_warnings.clear();
    prepared.near = None;
    for example in &mut prepared.examples {
        example.side = first_side(example.id.file);
    }
    split(from, prepared, find_near, watch)
}

/// Splits the main file's rows, which are all training rows so far, and adds blockers and warnings.
fn split(
    RowsToSplit { project, imported, drawn }: RowsToSplit<'_>,
    mut prepared: Prepared,
    find_near: &mut FindNear<'_>,
    watch: &mut Watch,
) -> Result<Prepared, DataError> {
    if project.split.keep_near_together && project.split.method == SplitMethod::Random {
        prepared.near = Some(find_near(&prepared.examples, watch)?);
    }
    let near = prepared.near.clone();
    let inputs = SplitInputs { project, imported, near: near.as_deref(), drawn, control: watch.control };
    divide(inputs, &mut prepared)?;
    prepared.split_hash = hashing::split_hash(&prepared.examples);
    checks::check(project, imported, &mut prepared);
    watch.look()?;
    Ok(prepared)
}

fn empty() -> Prepared {
    Prepared {
        labels: Vec::new(),
        examples: Vec::new(),
        dropped: Vec::new(),
        stale_edits: Vec::new(),
        moved_edits: Vec::new(),
        conflicts: Vec::new(),
        cleaning: Vec::new(),
        blockers: Vec::new(),
        warnings: Vec::new(),
        near: None,
        keys: Vec::new(),
        log_warnings: Vec::new(),
        pattern_faults: Vec::new(),
        before_split: BeforeSplit::default(),
        data_hash: String::new(),
        split_hash: String::new(),
        origin: SplitOrigin::default(),
    }
}

/// Reads texts and labels, and applies the person's edits.
fn collect_rows<'a>(
    project: &'a Project,
    edits: &'a Edits,
    files: &[&'a ImportedFile],
    prepared: &mut Prepared,
) -> Vec<Row<'a>> {
    let settings = &project.dataset;
    let classes = ClassReader::of(project);
    let mut rows = Vec::with_capacity(files.iter().map(|file| file.table.len()).sum());
    let mut edits_seen = 0;
    for ImportedFile { table, .. } in files {
        let Some(columns) = RowColumns::of(table, settings) else { continue };
        for (index, &record) in table.records.iter().enumerate() {
            let id = RowId { file: table.file, record };
            let (raw, found) = (columns.text(index), columns.label(index));
            let edit = edits.rows.get(&id);
            edits_seen += usize::from(edit.is_some());
            let is_current = |edit: &&RowEdit| edit.content_hash == content_hash(&raw, found.text());
            let applied = edit.filter(is_current);
            if edit.is_some() && applied.is_none() {
                prepared.stale_edits.push(id);
            }
            let RowClass { label, relabelled, fault } = classes.read(found, applied.and_then(RowEdit::label));
            let excluded = applied.is_some_and(|edit| edit.excluded);
            let dropped = if excluded { Some(DropReason::Excluded) } else { fault };
            rows.push(Row {
                id,
                index,
                raw,
                label,
                relabelled,
                edited: applied.is_some(),
                text: String::new(),
                changed_by: 0,
                patterns: Vec::new(),
                outgrown: None,
                dropped,
            });
        }
    }
    if edits_seen < edits.rows.len() {
        let present: HashSet<RowId> = rows.iter().map(|row| row.id).collect();
        prepared.stale_edits.extend(edits.rows.keys().filter(|id| !present.contains(id)));
    }
    prepared.stale_edits.sort_by_key(|id| (id.file, id.record));
    rows
}

fn clean_rows(project: &Project, cleaner: &Cleaner, rows: &mut [Row], watch: &mut Watch) -> Result<(), DataError> {
    let is_on = |pattern: usize| project.cleaning.patterns[pattern].enabled;
    let total = rows.len();
    for (chunk, part) in rows.chunks_mut(ROWS_PER_LOOK).enumerate() {
        watch.advance("Cleaning texts", chunk * ROWS_PER_LOOK, total, "rows")?;
        let control = watch.control;
        part.par_iter_mut().try_for_each(|row| {
            for (index, step) in STEPS.iter().enumerate() {
                // A text can be megabytes long.
                control.look()?;
                row.changed_by |= u16::from(step.changes(&row.raw)) << index;
            }
            row.text = if cleaner.keeps(row.changed_by) {
                row.raw.clone().into_owned()
            } else {
                cleaner.clean_and_tell(&row.raw, |effect| {
                    row.patterns.push(effect.pattern as u16);
                    if effect.after.is_none() && is_on(effect.pattern) {
                        row.outgrown.get_or_insert(effect.pattern as u16);
                    }
                })
            };
            // Spaces alone are no text even where white space is kept.
            if row.dropped.is_none() && row.text.trim().is_empty() {
                row.dropped = Some(DropReason::EmptyText);
            }
            Ok::<_, Cancelled>(())
        })?;
    }
    Ok(())
}

/// Finds conflicts and duplicates, and drops them from the main file if the settings say so.
fn drop_rows(project: &Project, rows: &mut [Row], prepared: &mut Prepared) {
    let copies = copies(rows);
    let has_conflict = |group: &&Vec<usize>| group.iter().any(|&row| rows[row].label != rows[group[0]].label);
    let conflicts: Vec<&Vec<usize>> = copies.iter().filter(has_conflict).collect();
    prepared.conflicts = conflicts.iter().map(|group| group.iter().map(|&row| rows[row].id).collect()).collect();
    let in_main = |&row: &usize| rows[row].id.file == SourceFile::Main;
    let conflicting: Vec<usize> = conflicts.into_iter().flatten().copied().filter(in_main).collect();
    // A row is dropped for one reason, and counted where that is: with the conflicts, or with the copies of excluded rows.
    let dropped: HashSet<usize> = conflicting.iter().copied().filter(|_| project.cleaning.drop_conflicts).collect();
    let repeated = copies.iter().flat_map(|group| repeats(rows, group)).filter(|row| !dropped.contains(row));
    let is_copy = |&row: &usize| rows[row].dropped == Some(DropReason::Duplicate);
    let mut droppable: Vec<usize> = repeated.chain((0..rows.len()).filter(is_copy)).filter(in_main).collect();
    droppable.sort_unstable();
    for (switch, found) in [("drop_duplicates", &droppable), ("drop_conflicts", &conflicting)] {
        let samples = found.iter().take(SAMPLES).map(|&row| (rows[row].id, rows[row].text.clone(), String::new()));
        let part = CleaningPart::Switch(switch);
        prepared.cleaning.push(CleaningEffect { part, rows: found.len(), samples: samples.collect() });
    }
    let drop = |rows: &mut [Row], found: &[usize], reason| {
        for &row in found {
            rows[row].dropped.get_or_insert(reason);
        }
    };
    if project.cleaning.drop_conflicts {
        drop(rows, &conflicting, DropReason::Conflict);
    }
    if project.cleaning.drop_duplicates {
        drop(rows, &droppable, DropReason::Duplicate);
    }
}

/// Groups of usable rows of one file with the same cleaned text, in order of appearance.
fn copies(rows: &[Row]) -> Vec<Vec<usize>> {
    let usable: Vec<usize> = (0..rows.len()).filter(|&row| rows[row].dropped.is_none()).collect();
    let texts: Vec<&str> = usable.iter().map(|&row| rows[row].text.as_str()).collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for group in same_texts(&texts) {
        let group: Vec<usize> = group.into_iter().map(|place| usable[place as usize]).collect();
        let of_files = group.chunk_by(|&a, &b| rows[a].id.file == rows[b].id.file);
        groups.extend(of_files.filter(|group| group.len() > 1).map(<[usize]>::to_vec));
    }
    groups.sort_unstable();
    groups
}

/// Rows of a group of copies with the same label as an earlier one.
fn repeats<'r>(rows: &'r [Row], group: &'r [usize]) -> impl Iterator<Item = usize> + 'r {
    let mut seen = HashSet::new();
    group.iter().copied().filter(move |&row| !seen.insert(rows[row].label))
}

fn switch_effects(rows: &[Row]) -> Vec<CleaningEffect> {
    let effect = |(index, step): (usize, &crate::data::prepare::clean::CleaningStep)| {
        let changed = || rows.iter().filter(|row| row.changed_by & (1 << index) != 0);
        let sample = |row: &Row| (row.id, row.raw.clone().into_owned(), (step.apply)(&row.raw).into_owned());
        CleaningEffect {
            part: CleaningPart::Switch(step.switch),
            rows: changed().count(),
            samples: changed().take(SAMPLES).map(sample).collect(),
        }
    };
    STEPS.par_iter().enumerate().map(effect).collect()
}

/// Effects of the patterns that can be used.
fn pattern_effects(project: &Project, cleaner: &Cleaner, rows: &[Row], faults: &[PatternError]) -> Vec<CleaningEffect> {
    let mut counts = vec![0; project.cleaning.patterns.len()];
    let mut samples = vec![Vec::new(); counts.len()];
    for row in rows.iter().filter(|row| !row.patterns.is_empty()) {
        for &pattern in &row.patterns {
            counts[pattern as usize] += 1;
        }
        if row.patterns.iter().all(|&pattern| samples[pattern as usize].len() == SAMPLES) {
            continue;
        }
        cleaner.clean_and_tell(&row.raw, |effect| {
            let samples = &mut samples[effect.pattern];
            if let Some(after) = effect.after.filter(|_| samples.len() < SAMPLES) {
                samples.push((row.id, effect.before.to_owned(), after.to_owned()));
            }
        });
    }
    let usable = |(pattern, _): &(usize, _)| !faults.iter().any(|fault| fault.number == pattern + 1);
    let effects = counts.into_iter().zip(samples).enumerate().filter(usable);
    effects
        .map(|(pattern, (rows, samples))| CleaningEffect { part: CleaningPart::Pattern(pattern), rows, samples })
        .collect()
}

/// Patterns that would make texts too long: place, rows, and the first of them.
fn outgrown(rows: &[Row]) -> Vec<(usize, usize, RowId)> {
    let mut outgrown: BTreeMap<usize, (usize, RowId)> = BTreeMap::new();
    for row in rows {
        if let Some(pattern) = row.outgrown {
            outgrown.entry(pattern as usize).or_insert((0, row.id)).0 += 1;
        }
    }
    outgrown.into_iter().map(|(pattern, (rows, first))| (pattern, rows, first)).collect()
}

/// Numbers the labels, and separates examples from dropped rows. All rows of the main file become training rows at
/// first.
fn take_examples(project: &Project, imported: &Imported, rows: Vec<Row>, prepared: &mut Prepared) {
    let used = rows.iter().filter(|row| row.dropped.is_none());
    let present: BTreeSet<&str> = used.map(|row| row.label).collect();
    prepared.labels = ClassReader::of(project).ordered(&present);
    let class: HashMap<&str, u32> = prepared.labels.iter().map(String::as_str).zip(0..).collect();
    prepared.examples.reserve(rows.len());
    for row in rows {
        match row.dropped {
            Some(reason) => prepared.dropped.push((row.id, reason)),
            None => prepared.examples.push(Example {
                id: row.id,
                row: row.index,
                text: row.text,
                target: class.get(row.label).copied().map_or(Target::None, Target::Class),
                side: first_side(row.id.file),
                relabelled: row.relabelled,
            }),
        }
    }
    if project.dataset.id_column().is_some() {
        let key = |id| imported.key(&project.dataset, id).map(str::to_owned);
        prepared.keys = prepared.examples.iter().map(|example| key(example.id)).collect();
    }
}

/// The side of a file's rows before the split.
fn first_side(file: SourceFile) -> Side {
    match file {
        SourceFile::Main => Side::Train,
        SourceFile::Validation => Side::Validation,
        SourceFile::Test => Side::Test,
    }
}
