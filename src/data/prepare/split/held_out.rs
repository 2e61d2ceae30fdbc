//! The rows of one run of a study, divided from a project's rows.

use crate::data::prepare::split::row_keys::RowKeys;
use crate::data::prepare::split::sizes::SplitSizes;
use crate::data::prepare::split::{KnownRows, SplitInputs, by_chance, folds, kept_together, ordered, part_of_rows};
use crate::data::{DataError, Example, Prepared, RowsToSplit, Side, cells_of, read_moments, table::hashing};
use crate::progress::Control;
use crate::project::{RowsUsed, SourceFile, SplitMethod};

/// The part of a project's rows that a run of a study uses; `prepared` are all of them.
///
/// A fold is divided as the project's rows are: with groups and near-duplicates together, each label alike in every fold, or by time. Its rows
/// become the test rows. Of the others, as many as in the project's split are validation rows, which choose the best
/// checkpoint. Rows of separate validation files stay validation rows. Those of a separate test file, or that a column marks as test
/// rows, are left out.
///
/// A part of the training rows has as many of each label, in proportion; see [`RowsUsed::Part`].
///
/// # Errors
/// [`DataError::TooFewForFolds`] if a fold would have no rows, [`DataError::Cancelled`].
pub fn rows_used(
    from: RowsToSplit<'_>,
    prepared: &Prepared,
    used: RowsUsed,
    control: &Control,
) -> Result<Prepared, DataError> {
    let mut part = prepared.clone();
    // Places of rows change, and the rows of a study are not compared again.
    let near = part.near.take();
    match used {
        RowsUsed::All => return Ok(prepared.clone()),
        RowsUsed::WithoutTest => retain(&mut part, |_, example| example.side != Side::Test),
        RowsUsed::Fold { number, of } => {
            let RowsToSplit { project, imported, .. } = from;
            let inputs = SplitInputs { project, imported, near: near.as_deref(), drawn: None, control };
            hold_out(inputs, &mut part, (number, of))?;
        }
        RowsUsed::Part { percent, draw } => {
            let RowsToSplit { project, imported, .. } = from;
            let inputs = SplitInputs { project, imported, near: near.as_deref(), drawn: None, control };
            let kept = part_of_rows::drawn(inputs, &mut part, (percent, draw));
            retain(&mut part, |row, _| kept[row]);
        }
    }
    part.split_hash = hashing::split_hash(&part.examples);
    Ok(part)
}

/// Leaves out rows, and their ids.
fn retain(prepared: &mut Prepared, keeps: impl Fn(usize, &Example) -> bool) {
    let kept: Vec<bool> = prepared.examples.iter().enumerate().map(|(row, example)| keeps(row, example)).collect();
    let mut each = kept.iter();
    prepared.examples.retain(|_| each.next() == Some(&true));
    if !prepared.keys.is_empty() {
        let mut each = kept.iter();
        prepared.keys.retain(|_| each.next() == Some(&true));
    }
}

/// Makes a fold the test rows, and leaves out rows that belong to no fold.
fn hold_out(inputs: SplitInputs<'_>, part: &mut Prepared, (number, of): (u32, u32)) -> Result<(), DataError> {
    let fixed_test = inputs.project.split.method == SplitMethod::Column;
    let pool: Vec<usize> = (0..part.examples.len())
        .filter(|&row| part.examples[row].id.file == SourceFile::Main)
        .filter(|&row| !(fixed_test && part.examples[row].side == Side::Test))
        .collect();
    let before = part.warnings.len();
    let sides = match inputs.project.split.method {
        SplitMethod::Time => by_time(inputs, &pool, part, (number, of)),
        SplitMethod::Random | SplitMethod::Column => by_groups(inputs, &pool, part, (number, of))?,
    };
    part.warnings.truncate(before);
    for (place, lacks) in [(Side::Test, "rows to test on"), (Side::Train, "rows to train on")] {
        if !sides.contains(&Some(place)) {
            return Err(DataError::TooFewForFolds { folds: of, number: number + 1, lacks });
        }
    }
    let mut side_of = vec![None; part.examples.len()];
    for (&row, side) in pool.iter().zip(sides) {
        side_of[row] = side;
    }
    for (row, example) in part.examples.iter_mut().enumerate() {
        match example.id.file {
            SourceFile::Main => example.side = side_of[row].unwrap_or(Side::Test),
            SourceFile::Validation => side_of[row] = Some(Side::Validation),
            SourceFile::Test => {}
        }
    }
    retain(part, |row, _| side_of[row].is_some());
    Ok(())
}

/// The number of validation rows among `rest` rows of the `pool` that are not tested: in the project's split, so many rows of the
/// pool are validation rows.
fn validation_share(inputs: SplitInputs<'_>, pool: usize, rest: usize) -> f64 {
    let sizes = SplitSizes::of(inputs.project, inputs.imported);
    let share = sizes.shares(pool).map_or(0.0, |[_, validation, _]| validation);
    (share * pool as f64 / rest.max(1) as f64).min(0.5)
}

/// The sides of the rows of the pool if folds are drawn.
fn by_groups(
    inputs: SplitInputs<'_>,
    pool: &[usize],
    part: &mut Prepared,
    (number, of): (u32, u32),
) -> Result<Vec<Option<Side>>, DataError> {
    let settings = &inputs.project.split;
    let keys = RowKeys::of(inputs.project, inputs.imported, &part.examples);
    let drawn: Vec<u64> = pool.iter().map(|&row| keys[row].drawn(settings.seed)).collect();
    let alone = || (0..pool.len() as u32).collect();
    let groups = kept_together(inputs, pool, &keys, part).unwrap_or_else(alone);
    let stratum = |&row: &usize| if settings.stratified { part.examples[row].target.stratum() } else { 0 };
    let stratum_of: Vec<u32> = pool.iter().map(stratum).collect();
    let strata = if settings.stratified { part.strata() } else { 1 };
    let folds = folds::assign((&stratum_of, strata), &groups, of as usize, &drawn, inputs.control)?;
    let mut rest = Vec::new();
    for (&row, &fold) in pool.iter().zip(&folds) {
        let is_tested = fold == number;
        part.examples[row].side = if is_tested { Side::Test } else { Side::Train };
        if !is_tested {
            rest.push(row);
        }
    }
    let share = validation_share(inputs, pool.len(), rest.len());
    if share > 0.0 {
        let known = KnownRows { keys, sides: None };
        by_chance(inputs, &rest, ([1.0 - share, share, 0.0], [None; 3]), &known, part)?;
    }
    Ok(pool.iter().map(|&row| Some(part.examples[row].side)).collect())
}

/// The sides of the rows of the pool if the folds follow one another in time: later rows are left out, and those without a
/// time are trained on.
fn by_time(inputs: SplitInputs<'_>, pool: &[usize], part: &Prepared, (number, of): (u32, u32)) -> Vec<Option<Side>> {
    let column = inputs.project.dataset.time_column().unwrap_or_default();
    let dates = read_moments(&cells_of(inputs.imported, &part.examples, column));
    let times: Vec<Option<i64>> = pool.iter().map(|&row| dates.values[row]).collect();
    let parts = folds::parts_of_time(&times, of as usize);
    let is_earlier = |place: &usize| parts[*place].is_none_or(|part| part <= number);
    let rest: Vec<usize> = (0..pool.len()).filter(is_earlier).collect();
    // The newest of the rows that are not tested, in proportion to the rows trained on.
    let share = SplitSizes::of(inputs.project, inputs.imported).shares(pool.len());
    let share = share.map_or(0.0, |[train, validation, _]| validation / (train + validation));
    let wanted = (share * rest.len() as f64).round() as usize;
    let of_rest: Vec<Option<i64>> = rest.iter().map(|&place| times[place]).collect();
    let sides_of_rest = ordered::assign(&of_rest, [wanted.max(usize::from(share > 0.0)), 0]);
    let mut sides: Vec<Option<Side>> =
        parts.iter().map(|&part| (part == Some(number + 1)).then_some(Side::Test)).collect();
    for (&place, side) in rest.iter().zip(sides_of_rest) {
        sides[place] = Some(side);
    }
    sides
}
