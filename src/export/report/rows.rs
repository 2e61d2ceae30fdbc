//! What was done with the rows of the data, and every setting.

use crate::export::model_card::{cleaning_steps, training_settings};
use crate::export::report::document::{Block, Cell, Section, Table};
use crate::export::report::source::ReportOf;
use crate::project::{Size, SplitMethod, SplitSettings};
use crate::storage::chosen_settings;
use crate::words::{count, counted, full_stop, joined, percent, upper_first};

/// Most warnings that are listed.
const WARNINGS: usize = 12;

/// Cleaning, rows left out, corrections and the split.
pub(super) fn section(of: &ReportOf<'_>) -> Section {
    let project = &of.settings.project;
    let steps = cleaning_steps(&project.cleaning);
    let cleaned = of.rows.as_ref().map(|rows| rows.cleaned.as_slice()).unwrap_or_default();
    let mut blocks = vec![Block::Paragraph(split(&project.split, project.dataset.test.is_some()))];
    let corrections = project.edits.corrections();
    if corrections > 0 {
        let rows = counted(corrections, "row was", "rows were");
        blocks.push(Block::Paragraph(format!("{rows} relabelled, excluded or included by hand.")));
    }
    blocks.extend(cleaning(&steps, cleaned));
    match &of.rows {
        Ok(rows) => {
            if !rows.left_out.is_empty() {
                let all: usize = rows.left_out.iter().map(|(_, rows)| rows).sum();
                blocks.push(Block::Heading(format!("{} left out", counted(all, "row was", "rows were"))));
                let cells = rows.left_out.iter();
                let cells = cells.map(|(reason, rows)| vec![Cell::from(reason.title()), count(*rows).into()]).collect();
                blocks.push(Block::Table(Table::new(&["Why", ">Rows"], cells)));
            }
            if !rows.warnings.is_empty() {
                blocks.push(Block::Heading("Warnings about the data".to_owned()));
                let warnings = rows.warnings.iter().take(WARNINGS).map(|warning| full_stop(warning));
                blocks.push(Block::List(warnings.collect()));
            }
        }
        Err(why) => {
            let says = format!("How many rows were cleaned or left out is not known. {}", full_stop(why));
            blocks.push(Block::Paragraph(says));
        }
    }
    Section { title: "The data".to_owned(), blocks }
}

/// The cleaning steps: those that changed rows with how many, and those that found nothing to change.
fn cleaning(steps: &[(&str, String)], cleaned: &[(&str, usize)]) -> Vec<Block> {
    if steps.is_empty() {
        return vec![Block::paragraph("The texts were not cleaned.")];
    }
    let changed = |field: &str| cleaned.iter().find(|(known, _)| *known == field).map(|(_, rows)| *rows);
    let row = |(field, step): &&(&str, String)| {
        vec![Cell::from(upper_first(step)), Cell::from(changed(field).map(count).unwrap_or_default())]
    };
    let (idle, others): (Vec<_>, Vec<_>) = steps.iter().partition(|(field, _)| changed(field) == Some(0));
    let mut blocks = vec![Block::Heading("Cleaning of the texts".to_owned())];
    if !others.is_empty() {
        blocks.push(Block::Table(Table::new(&["Step", ">Rows changed"], others.iter().map(row).collect())));
    }
    if !idle.is_empty() {
        let named: Vec<String> = idle.iter().map(|(_, step)| step.clone()).collect();
        blocks.push(Block::Hint(format!("On, but without anything to change: {}.", joined(&named))));
    }
    blocks
}

fn split(split: &SplitSettings, has_test_file: bool) -> String {
    if has_test_file {
        return "The test rows are those of a file of their own.".to_owned();
    }
    let size = |size: Size| match size {
        Size::Share(share) => format!("{} of the rows", percent(share)),
        Size::Rows(rows) => counted(rows, "row", "rows"),
    };
    let sizes = format!("{} for validation, {} for testing", size(split.validation), size(split.test));
    match split.method {
        SplitMethod::Random => {
            let stratified = if split.stratified { ", with the same share of each label" } else { "" };
            let near = if split.keep_near_together { ", and near-duplicates kept together" } else { "" };
            format!("The rows were split at random (seed {}): {sizes}{stratified}{near}.", split.seed)
        }
        SplitMethod::Time => format!("The rows were split by time, the newest for testing: {sizes}."),
        SplitMethod::Column => "The rows were split as a column of the data says.".to_owned(),
    }
}

/// Every setting of training, and those that are not the default.
pub(super) fn settings(of: &ReportOf<'_>) -> Section {
    let facts = training_settings(of.settings, of.summary);
    let facts = facts.into_iter().map(|(name, value)| (upper_first(name), value)).collect();
    let mut blocks = vec![Block::Facts(facts)];
    let chosen = chosen_settings(&of.settings.project);
    if chosen.is_empty() {
        blocks.push(Block::paragraph("All settings are the defaults."));
    } else {
        blocks.push(Block::Heading("Not the default".to_owned()));
        blocks.push(Block::List(chosen));
    }
    Section { title: "Settings".to_owned(), blocks }
}
