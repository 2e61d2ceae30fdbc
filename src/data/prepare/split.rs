//! Splits rows into training, validation and test rows: at random, by time, or by a column.

pub(in crate::data) mod column;
pub(in crate::data) mod drawn;
mod folds;
mod grouped;
pub(in crate::data) mod held_out;
mod kept;
mod ordered;
mod part_of_rows;
mod random;
pub(in crate::data) mod row_keys;
pub(in crate::data) mod sizes;

use std::collections::HashMap;

use crate::data::prepare::copies::same_texts;
use crate::data::prepare::near::DisjointSets;
use crate::data::prepare::split::drawn::{DrawnFrom, DrawnSplit, SplitOrigin};
use crate::data::prepare::split::random::Order;
use crate::data::prepare::split::row_keys::RowKeys;
use crate::data::prepare::split::sizes::SplitSizes;
use crate::data::targets::label_checks::too_many_labels;
use crate::data::{DataError, Example, Imported, NearGroups, Prepared, Side, cells_of, read_moments};
use crate::progress::Control;
use crate::project::{Project, RowKey, SourceFile, SplitMethod};
use crate::words::{cell_value, count, counted, plural, upper_first};

/// The inputs of the split.
#[derive(Clone, Copy)]
pub(in crate::data) struct SplitInputs<'a> {
    pub project: &'a Project,
    pub imported: &'a Imported,
    /// Near-duplicates, if they are kept together.
    pub near: Option<&'a NearGroups>,
    /// The split of the last run.
    pub drawn: Option<&'a DrawnSplit>,
    /// Cancels the split.
    pub control: &'a Control,
}

/// Splits the main file's rows, and adds warnings and blockers. Does nothing if the label column does not contain
/// labels.
///
/// # Errors
/// [`DataError::Cancelled`].
pub(in crate::data) fn divide(inputs: SplitInputs<'_>, prepared: &mut Prepared) -> Result<(), DataError> {
    let SplitInputs { project, imported, .. } = inputs;
    if too_many_labels(project, prepared).is_some() {
        return Ok(());
    }
    let rows = prepared.examples.iter().take_while(|example| example.id.file == SourceFile::Main).count();
    let shares = SplitSizes::of(project, imported).shares(rows);
    let known = known_rows(inputs, prepared);
    match (project.split.method, shares) {
        (SplitMethod::Random, Some(shares)) => {
            let every: Vec<usize> = (0..rows).collect();
            let totals = SplitSizes::of(project, imported).totals();
            by_chance(inputs, &every, (shares, totals), &known, prepared)
        }
        (SplitMethod::Time, Some(shares)) => {
            by_time(inputs, rows, shares, &known, prepared);
            Ok(())
        }
        (SplitMethod::Column, _) => by_column(inputs, rows, &known, prepared),
        // Impossible sizes are reported with the other blockers.
        (_, None) => Ok(()),
    }
}

/// The keys of the main file's rows, and their sides in the last run, if it was split by the same settings.
#[derive(Default)]
struct KnownRows {
    keys: Vec<RowKeys>,
    sides: Option<Vec<Option<Side>>>,
}

fn known_rows(inputs: SplitInputs<'_>, prepared: &mut Prepared) -> KnownRows {
    let SplitInputs { project, imported, drawn, .. } = inputs;
    if drawn.is_none() && project.split.method == SplitMethod::Time {
        // Dates alone decide: no row has to be found again.
        prepared.origin = SplitOrigin::First;
        return KnownRows::default();
    }
    let keys = RowKeys::of(project, imported, &prepared.examples);
    let sides = drawn.filter(|drawn| drawn.from == DrawnFrom::of(project, imported)).map(|drawn| drawn.sides_of(&keys));
    let sides = sides.filter(|sides| sides.iter().any(Option::is_some));
    prepared.origin = match (&sides, drawn) {
        (Some(sides), _) => SplitOrigin::Kept { joined: sides.iter().filter(|side| side.is_none()).count() },
        (None, Some(_)) => SplitOrigin::DrawnAgain,
        (None, None) => SplitOrigin::First,
    };
    KnownRows { keys, sides }
}

/// Splits some rows of the main file at random, without dividing groups. `totals` are sizes given as numbers of rows.
fn by_chance(
    inputs: SplitInputs<'_>,
    rows: &[usize],
    (shares, totals): ([f64; 3], [Option<usize>; 3]),
    known: &KnownRows,
    prepared: &mut Prepared,
) -> Result<(), DataError> {
    let settings = &inputs.project.split;
    let drawn: Vec<u64> = rows.iter().map(|&row| known.keys[row].drawn(settings.seed)).collect();
    let groups = kept_together(inputs, rows, &known.keys, prepared);
    if let Some(sides) = &known.sides {
        let before: Vec<Option<Side>> = rows.iter().map(|&row| sides[row]).collect();
        let sides = kept::assign(&before, groups.as_deref(), &drawn, shares);
        rows.iter().zip(sides).for_each(|(&row, side)| prepared.examples[row].side = side);
        return Ok(());
    }
    let order = match settings.row_key {
        RowKey::Position => Order::Shuffled(settings.seed),
        RowKey::Content => Order::Drawn(&drawn),
    };
    let stratum_of: Vec<u32> = rows.iter().map(|&row| prepared.examples[row].target.stratum()).collect();
    let strata = prepared.strata();
    let (sides, why) = if let Some(groups) = groups {
        let (stratum_of, strata) = if settings.stratified { (stratum_of, strata) } else { (vec![0; rows.len()], 1) };
        let sides = grouped::assign((&stratum_of, strata), &groups, shares, totals, order, inputs.control)?;
        (sides, if settings.stratified { OF_LABELLED_GROUPS } else { OF_GROUPS })
    } else {
        (random::assign(&stratum_of, strata, shares, totals, settings.stratified, order), OF_LABELS)
    };
    for (&row, &side) in rows.iter().zip(&sides) {
        prepared.examples[row].side = side;
    }
    prepared.warnings.extend(size_warnings(&sides, shares, why).into_iter().map(|(_, warning)| warning));
    Ok(())
}

/// Each row's group; `None` if every row is its own group.
fn kept_together(
    inputs: SplitInputs<'_>,
    rows: &[usize],
    keys: &[RowKeys],
    prepared: &mut Prepared,
) -> Option<Vec<u32>> {
    let examples = &prepared.examples;
    let mut groups = DisjointSets::new(rows.len());
    if inputs.project.split.row_key == RowKey::Content {
        // Rows that cannot be told apart cannot be on two sides.
        let mut first: HashMap<RowKeys, u32> = HashMap::new();
        for (place, &row) in (0_u32..).zip(rows) {
            groups.unite(*first.entry(keys[row]).or_insert(place), place);
        }
    }
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
        // Texts too short to compare can still be exact copies.
        let texts: Vec<&str> = rows.iter().map(|&row| examples[row].text.as_str()).collect();
        for group in same_texts(&texts) {
            for &place in &group[1..] {
                groups.unite(group[0], place);
            }
        }
    }
    if let (Some(column), true) = (column, empty > 0) {
        prepared
            .warnings
            .push(format!("{} no '{column}', so each is its own group", counted(empty, "row has", "rows have")));
    }
    groups.numbers()
}

/// Why a side may have another size than requested.
const OF_GROUPS: &str = "rows that stay together are never split up";
const OF_LABELLED_GROUPS: &str =
    "rows that stay together are never split up, and each label gets rows in every split if possible";
const OF_LABELS: &str = "each label is split separately, with at least one row in every split";
const OF_MOMENTS: &str = "rows with the same date stay together";

/// Warnings about sides that are much larger or smaller than requested, and why.
fn size_warnings(sides: &[Side], shares: [f64; 3], why: &str) -> Vec<(Side, String)> {
    let mut warnings = Vec::new();
    for (side, word) in [(Side::Validation, "validation"), (Side::Test, "test")] {
        let wanted = shares[side as usize] * sides.len() as f64;
        let found = sides.iter().filter(|&&of| of == side).count();
        let off = (found as f64 - wanted).abs();
        if off > wanted * 0.25 && off >= 5.0 {
            let word = upper_first(word);
            let has = counted(found, "row", "rows");
            warnings.push((side, format!("{word} has {has}, but about {wanted:.0} were requested: {why}")));
        }
    }
    warnings
}

fn by_time(inputs: SplitInputs<'_>, rows: usize, shares: [f64; 3], known: &KnownRows, prepared: &mut Prepared) {
    let column = inputs.project.dataset.time_column();
    let Some(column) = column.filter(|column| inputs.imported.main.table.column_index(column).is_some()) else {
        return;
    };
    // All files together decide whether days or months come first, as in the leakage report.
    let dates = read_moments(&cells_of(inputs.imported, &prepared.examples, column));
    let wanted = |side: usize| match SplitSizes::of(inputs.project, inputs.imported).totals()[side] {
        Some(total) => total,
        None if shares[side] > 0.0 => ((shares[side] * rows as f64).round() as usize).max(1),
        None => 0,
    };
    let sides = match &known.sides {
        Some(known) => ordered::join(&dates.values[..rows], known),
        None => ordered::assign(&dates.values[..rows], [wanted(1), wanted(2)]),
    };
    for (example, &side) in prepared.examples.iter_mut().zip(&sides) {
        example.side = side;
    }
    let mut unread = (0..rows).filter(|&row| dates.values[row].is_none());
    if let Some(first) = unread.next() {
        let cells = cells_of(inputs.imported, &prepared.examples[first..=first], column);
        let cell = if cells[0].trim().is_empty() { "empty".to_owned() } else { format!("'{}'", cell_value(cells[0])) };
        let unread = 1 + unread.count();
        prepared.warnings.push(format!(
            "{} no readable date in '{column}' and {} to the training set. The first is {}: {cell}",
            counted(unread, "row has", "rows have"),
            plural(unread, "goes", "go"),
            inputs.imported.row_name(prepared.examples[first].id),
        ));
    }
    if let Some(example) =
        dates.ambiguous.map(|row| cells_of(inputs.imported, &prepared.examples[row..=row], column)[0])
    {
        let order = if dates.day_first { "day, month, year" } else { "month, day, year" };
        prepared
            .warnings
            .push(format!("Days and months are ambiguous in '{column}': '{}' is read as {order}", cell_value(example)));
    }
    let missing = [(Side::Validation, "validation"), (Side::Test, "test")]
        .into_iter()
        .find(|&(side, _)| wanted(side as usize) > 0 && !sides.contains(&side));
    let off = if known.sides.is_some() { Vec::new() } else { size_warnings(&sides, shares, OF_MOMENTS) };
    let off = off.into_iter().filter(|(side, _)| missing.is_none_or(|(missing, _)| missing != *side));
    prepared.warnings.extend(off.map(|(_, warning)| warning));
    if let Some((_, word)) = missing {
        prepared.warnings.push(format!(
            "'{column}' has too few different dates for a {word} set: rows with the same date stay together"
        ));
    }
}

fn by_column(
    inputs: SplitInputs<'_>,
    rows: usize,
    known: &KnownRows,
    prepared: &mut Prepared,
) -> Result<(), DataError> {
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
    // Many files have only a training and a test part. The validation set then comes from the training part.
    let has_validation = sides.contains(&Some(Side::Validation)) || inputs.imported.validation.is_some();
    let share = inputs.project.split.validation.share_of(rows);
    if has_validation || !prepared.blockers.is_empty() || !(share > 0.0 && share < 1.0) {
        return Ok(());
    }
    let training: Vec<usize> = (0..rows).filter(|&row| sides[row] == Some(Side::Train)).collect();
    let share = inputs.project.split.validation.share_of(training.len());
    if share < 1.0 {
        let before = prepared.warnings.len();
        let [_, total, _] = SplitSizes::of(inputs.project, inputs.imported).totals();
        by_chance(inputs, &training, ([1.0 - share, share, 0.0], [None, total, None]), known, prepared)?;
        let taken = training.iter().filter(|&&row| prepared.examples[row].side == Side::Validation).count();
        let word = format!(
            "'{column}' has no validation rows: {} of its {} training rows, chosen at random, are used for validation",
            count(taken),
            count(training.len())
        );
        prepared.warnings.insert(before, word);
    }
    Ok(())
}

/// What to do if a split column has no validation rows and the requested size exceeds its training rows.
pub(in crate::data) fn too_large(project: &Project, prepared: &Prepared) -> Option<String> {
    let size = project.split.validation;
    let main = prepared.examples.iter().filter(|example| example.id.file == SourceFile::Main);
    let rows = main.filter(|example| example.side == Side::Train).count();
    (project.split.method == SplitMethod::Column && size.share_of(rows) >= 1.0).then(|| {
        let rows = counted(rows, "training row", "training rows");
        format!(
            "The requested size ({size}) leaves none of the {rows} for training. Decrease it in Prepare, or add a validation file"
        )
    })
}

/// Blockers for values that are not names of sides, and for empty ones.
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
            "'{}' in the split column '{column}' of {} is not the name of a split ({}; {} in all). Use {}, in upper or lower case. \
             Change the value in the file, exclude the rows, or choose another split method in Prepare",
            cell_value(cells[first]),
            imported.main.name(),
            imported.row_name(examples[first].id),
            counted(unknown(false).count(), "such row", "such rows"),
            column::KNOWN
        ));
    }
    if let Some(first) = unknown(true).next() {
        blockers.push(format!(
            "The split column '{column}' of {} is empty in {} ({} in all). Fill it in, exclude the rows, or choose another split method \
             in Prepare",
            imported.main.name(),
            imported.row_name(examples[first].id),
            counted(unknown(true).count(), "such row", "such rows")
        ));
    }
    blockers
}
