//! Rows -> training, validation and test: by chance, by time, or as a column says.

mod column;
mod grouped;
mod ordered;
mod random;

use std::collections::HashMap;

use crate::data::prepare::checks::too_many_labels;
use crate::data::prepare::near::Groups;
use crate::data::words::count;
use crate::data::{DataError, Example, Imported, NearGroups, Prepared, Side, cells_of, read_moments};
use crate::progress::Control;
use crate::project::{Project, Size, SourceFile, SplitMethod};

/// The sides in the order of shares: train, validation, test.
const SIDES: [Side; 3] = [Side::Train, Side::Validation, Side::Test];

/// What the main file's rows are to be divided into; a side with its own file gets none of them.
pub(in crate::data) struct Sizes {
    validation: Size,
    test: Size,
}

impl Sizes {
    pub(in crate::data) fn of(project: &Project, imported: &Imported) -> Self {
        let own = |size, has_file| if has_file { Size::NONE } else { size };
        Self {
            validation: own(project.split.validation, imported.validation.is_some()),
            test: own(project.split.test, imported.test.is_some()),
        }
    }

    /// Shares of so many rows for train, validation and test. `None` when they leave nothing for training or are no
    /// shares at all.
    pub(in crate::data) fn shares(&self, rows: usize) -> Option<[f64; 3]> {
        let [validation, test] = [self.validation, self.test].map(|size| size.share_of(rows));
        let train = 1.0 - validation - test;
        let fine = (0.0..1.0).contains(&validation) && (0.0..1.0).contains(&test) && train > 1e-9;
        fine.then_some([train, validation, test])
    }

    /// Numbers of rows that were asked for as such.
    fn totals(&self) -> [Option<usize>; 3] {
        let total = |size| if let Size::Rows(rows) = size { Some(rows as usize) } else { None };
        [None, total(self.validation), total(self.test)]
    }
}

/// What dividing looks at.
#[derive(Clone, Copy)]
pub(in crate::data) struct SplitInputs<'a> {
    pub project: &'a Project,
    pub imported: &'a Imported,
    /// Texts nearly the same, where they are kept together.
    pub near: Option<&'a NearGroups>,
    /// Stops dividing.
    pub control: &'a Control,
}

/// Puts the main file's rows on their sides, and adds what is worth knowing to the warnings, and what cannot be to the
/// blockers. Rows of a column that is no label column are left as they are.
///
/// # Errors
/// [`DataError::Cancelled`].
pub(in crate::data) fn divide(inputs: SplitInputs<'_>, prepared: &mut Prepared) -> Result<(), DataError> {
    let SplitInputs { project, imported, .. } = inputs;
    if too_many_labels(project, prepared).is_some() {
        return Ok(());
    }
    let rows = prepared.examples.iter().take_while(|example| example.id.file == SourceFile::Main).count();
    let shares = Sizes::of(project, imported).shares(rows);
    match (project.split.method, shares) {
        (SplitMethod::Random, Some(shares)) => {
            let every: Vec<usize> = (0..rows).collect();
            let totals = Sizes::of(project, imported).totals();
            by_chance(inputs, &every, (shares, totals), prepared)
        }
        (SplitMethod::Time, Some(shares)) => {
            by_time(inputs, rows, shares, prepared);
            Ok(())
        }
        (SplitMethod::Column, _) => by_column(inputs, rows, prepared),
        // Sizes that cannot be are told with the other blockers.
        (_, None) => Ok(()),
    }
}

/// Divides some rows of the main file by chance, groups of them whole. `totals` are numbers of rows asked for as such.
fn by_chance(
    inputs: SplitInputs<'_>,
    rows: &[usize],
    (shares, totals): ([f64; 3], [Option<usize>; 3]),
    prepared: &mut Prepared,
) -> Result<(), DataError> {
    let settings = &inputs.project.split;
    let labels: Vec<u32> = rows.iter().map(|&row| prepared.examples[row].class().unwrap_or_default()).collect();
    let classes = prepared.labels.len().max(1);
    let (sides, why) = if let Some(groups) = kept_together(inputs, rows, prepared) {
        let (labels, classes) = if settings.stratified { (labels, classes) } else { (vec![0; rows.len()], 1) };
        let sides = grouped::assign((&labels, classes), &groups, shares, settings.seed, inputs.control)?;
        (sides, if settings.stratified { OF_LABELLED_GROUPS } else { OF_GROUPS })
    } else {
        (random::assign(&labels, classes, shares, totals, settings.stratified, settings.seed), OF_LABELS)
    };
    for (&row, &side) in rows.iter().zip(&sides) {
        prepared.examples[row].side = side;
    }
    prepared.warnings.extend(size_warnings(&sides, shares, why).into_iter().map(|(_, warning)| warning));
    Ok(())
}

/// Each row's group; `None` where every row is a group of its own.
fn kept_together(inputs: SplitInputs<'_>, rows: &[usize], prepared: &mut Prepared) -> Option<Vec<u32>> {
    let examples = &prepared.examples;
    let mut groups = Groups::new(rows.len());
    let mut empty = 0;
    let column = inputs.project.dataset.group_column();
    let known = column.filter(|column| inputs.imported.main.table.column_index(column).is_some());
    if let Some(column) = known {
        let cells = cells_of(inputs.imported, examples, column);
        let mut first: HashMap<&str, u32> = HashMap::new();
        for (place, &row) in (0_u32..).zip(rows) {
            match cells[row].trim() {
                "" => empty += 1,
                value => groups.unite(*first.entry(value).or_insert(place), place),
            }
        }
    }
    if let Some(near) = inputs.near {
        let mut place_of = vec![u32::MAX; examples.len()];
        for (place, &row) in (0_u32..).zip(rows) {
            place_of[row] = place;
        }
        for group in near.groups() {
            let mut places = group.iter().map(|&row| place_of[row as usize]).filter(|&place| place != u32::MAX);
            if let Some(first) = places.next() {
                places.for_each(|place| groups.unite(first, place));
            }
        }
        // Texts too short to be compared can be the same to the letter.
        let mut first: HashMap<&str, u32> = HashMap::new();
        for (place, &row) in (0_u32..).zip(rows) {
            groups.unite(*first.entry(&examples[row].text).or_insert(place), place);
        }
    }
    if let (Some(column), true) = (column, empty > 0) {
        prepared.warnings.push(format!("{} no '{column}': each is taken as a group of its own", rows_have(empty)));
    }
    groups.numbers()
}

/// Why sides may be off the sizes asked for.
const OF_GROUPS: &str = "rows that stay together are not divided";
const OF_LABELLED_GROUPS: &str =
    "rows that stay together are not divided, and each label has rows on every side where it can";
const OF_LABELS: &str = "each label is divided for itself, with at least one row on every side";
const OF_MOMENTS: &str = "rows of the same time stay together";

/// A word on sides that came out much larger or smaller than was asked for, and why.
fn size_warnings(sides: &[Side], shares: [f64; 3], why: &str) -> Vec<(Side, String)> {
    let mut warnings = Vec::new();
    for (side, word) in [(Side::Validation, "validation"), (Side::Test, "test")] {
        let wanted = shares[side as usize] * sides.len() as f64;
        let found = sides.iter().filter(|&&of| of == side).count();
        let off = (found as f64 - wanted).abs();
        if off > wanted * 0.25 && off >= 5.0 {
            let word = capital(word);
            let has = count(found, "row");
            warnings.push((side, format!("{word} has {has} where about {wanted:.0} were asked for: {why}")));
        }
    }
    warnings
}

fn by_time(inputs: SplitInputs<'_>, rows: usize, shares: [f64; 3], prepared: &mut Prepared) {
    let column = inputs.project.dataset.time_column();
    let Some(column) = column.filter(|column| inputs.imported.main.table.column_index(column).is_some()) else {
        return;
    };
    // Which of day and month comes first is decided over all files, as the leakage report does.
    let dates = read_moments(&cells_of(inputs.imported, &prepared.examples, column));
    let wanted = |side: usize| match Sizes::of(inputs.project, inputs.imported).totals()[side] {
        Some(total) => total,
        None if shares[side] > 0.0 => ((shares[side] * rows as f64).round() as usize).max(1),
        None => 0,
    };
    let sides = ordered::assign(&dates.values[..rows], [wanted(1), wanted(2)]);
    for (example, &side) in prepared.examples.iter_mut().zip(&sides) {
        example.side = side;
    }
    let mut unread = (0..rows).filter(|&row| dates.values[row].is_none());
    if let Some(first) = unread.next() {
        let cells = cells_of(inputs.imported, &prepared.examples[first..=first], column);
        let cell = if cells[0].trim().is_empty() { "empty".to_owned() } else { format!("'{}'", shortened(cells[0])) };
        let unread = 1 + unread.count();
        prepared.warnings.push(format!(
            "{} no date in '{column}' that can be read: {} learnt from. The first is {}: {cell}",
            rows_have(unread),
            if unread == 1 { "it is" } else { "they are" },
            inputs.imported.row_name(prepared.examples[first].id),
        ));
    }
    if let Some(example) =
        dates.ambiguous.map(|row| cells_of(inputs.imported, &prepared.examples[row..=row], column)[0])
    {
        let order = if dates.day_first { "day, month, year" } else { "month, day, year" };
        prepared.warnings.push(format!(
            "Days and months cannot be told apart in '{column}': '{}' is read as {order}",
            shortened(example)
        ));
    }
    let missing = [(Side::Validation, "validation"), (Side::Test, "test")]
        .into_iter()
        .find(|&(side, _)| wanted(side as usize) > 0 && !sides.contains(&side));
    let off = size_warnings(&sides, shares, OF_MOMENTS).into_iter();
    let off = off.filter(|(side, _)| missing.is_none_or(|(missing, _)| missing != *side));
    prepared.warnings.extend(off.map(|(_, warning)| warning));
    if let Some((_, word)) = missing {
        prepared.warnings.push(format!(
            "'{column}' has too few different dates to give {word} rows of its own: rows of the same time stay together"
        ));
    }
}

fn by_column(inputs: SplitInputs<'_>, rows: usize, prepared: &mut Prepared) -> Result<(), DataError> {
    let column = inputs.project.dataset.split_column();
    let Some(column) = column.filter(|column| inputs.imported.main.table.column_index(column).is_some()) else {
        return Ok(());
    };
    let cells = cells_of(inputs.imported, &prepared.examples[..rows], column);
    let sides: Vec<Option<Side>> = cells.iter().map(|cell| column::named(cell)).collect();
    prepared.blockers.extend(unnamed(inputs.imported, column, &cells, &sides, &prepared.examples));
    for (example, side) in prepared.examples.iter_mut().zip(&sides) {
        example.side = side.unwrap_or(Side::Train);
    }
    // Files with a training and a test part alone are common: what decides when training is best comes from training.
    let has_validation = sides.contains(&Some(Side::Validation)) || inputs.imported.validation.is_some();
    let share = inputs.project.split.validation.share_of(rows);
    if has_validation || !prepared.blockers.is_empty() || !(share > 0.0 && share < 1.0) {
        return Ok(());
    }
    let training: Vec<usize> = (0..rows).filter(|&row| sides[row] == Some(Side::Train)).collect();
    let share = inputs.project.split.validation.share_of(training.len());
    if share < 1.0 {
        let before = prepared.warnings.len();
        let [_, total, _] = Sizes::of(inputs.project, inputs.imported).totals();
        by_chance(inputs, &training, ([1.0 - share, share, 0.0], [None, total, None]), prepared)?;
        let taken = training.iter().filter(|&&row| prepared.examples[row].side == Side::Validation).count();
        let word = format!(
            "'{column}' names no validation rows: {} of its {} training rows, taken by chance, are validation",
            taken,
            training.len()
        );
        prepared.warnings.insert(before, word);
    }
    Ok(())
}

/// What to do where a column names no validation rows, and more of them are wanted than there are training rows to take
/// them from.
pub(in crate::data) fn too_large(project: &Project, prepared: &Prepared) -> Option<String> {
    let size = project.split.validation;
    let main = prepared.examples.iter().filter(|example| example.id.file == SourceFile::Main);
    let rows = main.filter(|example| example.side == Side::Train).count();
    (project.split.method == SplitMethod::Column && size.share_of(rows) >= 1.0).then(|| {
        let rows = count(rows, "training row");
        format!("Its size ({size}) takes all of the {rows} there are, or more. Lower it in Prepare, or give a validation file")
    })
}

/// Blockers of values that name no side, and of empty ones.
fn unnamed(
    imported: &Imported,
    column: &str,
    cells: &[&str],
    sides: &[Option<Side>],
    examples: &[Example],
) -> Vec<String> {
    let unknown = |empty: bool| {
        (0..sides.len()).filter(move |&row| sides[row].is_none() && cells[row].trim().is_empty() == empty)
    };
    let mut blockers = Vec::new();
    if let Some(first) = unknown(false).next() {
        blockers.push(format!(
            "'{}' in the split column '{column}' of {} names no side ({}; {} in all). Known are {}, in any case. Change \
             the value in the file, exclude the rows, or split another way in Prepare",
            shortened(cells[first]),
            imported.main.name(),
            imported.row_name(examples[first].id),
            count(unknown(false).count(), "such row"),
            column::KNOWN
        ));
    }
    if let Some(first) = unknown(true).next() {
        blockers.push(format!(
            "The split column '{column}' of {} is empty in {} ({} in all). Fill it in in the file, exclude the rows, or \
             split another way in Prepare",
            imported.main.name(),
            imported.row_name(examples[first].id),
            count(unknown(true).count(), "such row")
        ));
    }
    blockers
}

fn rows_have(rows: usize) -> String {
    if rows == 1 { "1 row has".to_owned() } else { format!("{rows} rows have") }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A value as it stands in a message.
pub(in crate::data) fn shortened(value: &str) -> String {
    const MOST: usize = 40;
    let value = value.trim();
    if value.chars().count() <= MOST { value.to_owned() } else { value.chars().take(MOST).chain(['…']).collect() }
}
