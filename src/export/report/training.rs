//! How training went: the curves, and what they show.

use crate::chart::{LOSS_SMOOTHING, LineChart, Smoother};
use crate::export::curves::{curve_charts, score_names};
use crate::export::model_card::how_it_ended;
use crate::export::report::document::{Block, Cell, Picture, Section, Table};
use crate::export::report::probabilities::HALF;
use crate::export::report::source::ReportOf;
use crate::project::MetricName;
use crate::words::{bytes, count, score};

/// Most evaluations in a table; of more, evenly spread ones.
const EVALUATIONS: usize = 24;

/// The curves and the advice.
pub(super) fn section(of: &ReportOf<'_>) -> Section {
    let mut blocks = vec![Block::Paragraph(how_it_ended(of.settings, of.summary))];
    let speed = format!("{} tokens/s", count(of.summary.tokens_per_second.max(0.0) as u64));
    let mut facts = vec![("Speed".to_owned(), speed)];
    if of.summary.peak_memory > 0 {
        facts.push(("Peak memory of the program".to_owned(), bytes(of.summary.peak_memory)));
    }
    blocks.push(Block::Facts(facts));
    let charts = curve_charts(&[of.curves()], HALF);
    let mut table = Some(evaluations(of)).filter(|table| !table.rows.is_empty());
    let pictures: Vec<Picture> = charts
        .iter()
        .map(LineChart::drawing)
        // The table says what both show.
        .map(|drawing| Picture { drawing, caption: String::new(), table: table.take() })
        .collect();
    if !pictures.is_empty() {
        blocks.push(Block::Pictures(pictures));
    }
    if !of.advice.is_empty() {
        blocks.push(Block::Heading("What the curves show".to_owned()));
        blocks.push(Block::List(
            of.advice.iter().map(|advice| format!("{}. {}", advice.kind.title(), advice.says)).collect(),
        ));
    }
    Section { title: "Training".to_owned(), blocks }
}

fn evaluations(of: &ReportOf<'_>) -> Table {
    let is_instant = of.curves().is_instant;
    let names: Vec<MetricName> = score_names(of.evaluations);
    let mut titles =
        vec![if is_instant { ">Strength" } else { ">Step" }, ">Epoch", ">Training loss", ">Validation loss"];
    let shown: Vec<String> = names.iter().map(|name| format!(">{}", name.title())).collect();
    titles.extend(shown.iter().map(String::as_str));
    titles.push("Best");
    let mut smoother = Smoother::new(if is_instant { 0.0 } else { LOSS_SMOOTHING });
    let losses: Vec<(u64, f64)> = of.steps.iter().map(|step| (step.step, smoother.next(step.loss))).collect();
    let loss_at = |step: u64| {
        let known = losses.partition_point(|(known, _)| *known <= step).checked_sub(1);
        known.map(|place| score(losses[place].1)).unwrap_or_default()
    };
    let kept = of.evaluations.iter().rposition(|point| point.is_best);
    let stride = of.evaluations.len().div_ceil(EVALUATIONS).max(1);
    let last = of.evaluations.len().saturating_sub(1);
    let is_shown = |place: usize| place.is_multiple_of(stride) || place == last || Some(place) == kept;
    let rows = of.evaluations.iter().enumerate().filter(|(place, _)| is_shown(*place)).map(|(place, point)| {
        let mut row: Vec<Cell> = vec![
            count(point.step).into(),
            format!("{:.2}", point.epoch).into(),
            loss_at(point.step).into(),
            score(point.metrics.loss()).into(),
        ];
        row.extend(names.iter().map(|name| Cell::from(point.metrics.get(*name).map(score).unwrap_or_default())));
        row.push(Cell::from(if Some(place) == kept { "kept" } else { "" }));
        row
    });
    Table::new(&titles, rows.collect())
}
