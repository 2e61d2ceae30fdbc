//! All metrics, and whether the probabilities of a classifier can be used.

use crate::chart::{Axis, Dash, Ink, LineChart, Mark, Point, Series};
use crate::evaluation::{ClassificationDetails, OverallScore, RankingCurves, ReliabilityBin, ThresholdScore};
use crate::export::report::document::{Block, Cell, Picture, Section, Table};
use crate::export::report::source::ReportOf;
use crate::glossary::Term;
use crate::words::{count, counted, percent, percent_of, score};

/// Width and height of pictures beside each other.
pub(super) const HALF: [f64; 2] = [392.0, 320.0];
/// Most labels whose curves are drawn; of more, those that rank worst.
const CURVES: usize = 6;
/// Radii of the points of a calibration chart: with few rows, and with all of them.
const RADII: [f64; 2] = [2.5, 7.0];
/// Probabilities below which rows are left undecided, in percent.
const THRESHOLDS: [u8; 6] = [0, 50, 60, 70, 80, 90];

/// All metrics, ranking, calibration and undecided rows.
pub(super) fn section(of: &ReportOf<'_>, details: &ClassificationDetails) -> Section {
    let mut blocks = vec![Block::Table(metrics(details))];
    blocks.push(Block::Heading("Ranking: does the probability of a label put its rows first?".to_owned()));
    blocks.extend(ranking(&details.curves));
    blocks.push(Block::Heading("Can the probabilities be taken at their word?".to_owned()));
    blocks.push(Block::Paragraph(details.calibration_in_words()));
    let (picture, table) = coverage(of, details);
    blocks.push(Block::Pictures(vec![calibration(details), picture]));
    blocks.push(Block::hint("How many rows have at least this confidence, and how many of them are right:"));
    blocks.push(Block::Table(table));
    Section { title: "All metrics".to_owned(), blocks }
}

/// A score, which may be below 0, with a minus sign in place of a hyphen.
fn signed(value: f64) -> String {
    if value < 0.0 { format!("−{}", score(-value)) } else { score(value) }
}

fn metrics(details: &ClassificationDetails) -> Table {
    let row = |overall: &OverallScore| {
        let title = overall.metric.title();
        let interval = overall.interval_95.map(|ends| ends.map(signed));
        let interval = interval.map(|[low, high]| format!("{low} to {high}")).unwrap_or_default();
        let explained = Term::titled(title).map(Term::text).unwrap_or_default();
        vec![Cell::from(title), signed(overall.value).into(), interval.into(), Cell::from(explained)]
    };
    let titles = ["Metric", ">Value", ">95% interval", "~What it says"];
    Table::new(&titles, details.overall.iter().map(row).collect())
}

fn ranking(curves: &[RankingCurves]) -> Vec<Block> {
    let area = |area: Option<f64>| Cell::from(area.map_or_else(|| "–".to_owned(), score));
    let row = |curves: &RankingCurves| {
        vec![Cell::from(curves.label.clone()), area(curves.roc_auc), area(curves.average_precision)]
    };
    let table = Table::new(&["Label", ">ROC AUC", ">Average precision"], curves.iter().map(row).collect());
    let mut shown: Vec<(usize, &RankingCurves)> =
        curves.iter().enumerate().filter(|(_, curves)| curves.roc_auc.is_some()).collect();
    if shown.len() > CURVES {
        let worst = |curves: &RankingCurves| curves.average_precision.unwrap_or(1.0);
        shown.sort_by(|(_, a), (_, b)| worst(a).total_cmp(&worst(b)));
        shown.truncate(CURVES);
        shown.sort_by_key(|(class, _)| *class);
    }
    if shown.is_empty() {
        return vec![Block::Table(table)];
    }
    let chart = |title: &str,
                 [x, y]: [&str; 2],
                 points: fn(&RankingCurves) -> &Vec<Point>,
                 area: fn(&RankingCurves) -> Option<f64>| {
        let line = |(index, (_, curves)): (usize, &(usize, &RankingCurves))| {
            let name = format!("{} {}", curves.label, area(curves).map(score).unwrap_or_default());
            Series::line(name, Ink::Series(index), points(curves).clone()).drawn(1.8, Dash::of(index))
        };
        let series: Vec<Series> = shown.iter().enumerate().map(line).collect();
        LineChart {
            title: title.to_owned(),
            x: Axis::share(x),
            y: Axis::share(y),
            series,
            size: HALF,
            description: "The areas are in the table".to_owned(),
        }
    };
    let roc_axes = ["False positive rate", "True positive rate"];
    let mut roc = chart("ROC, with the area below each curve", roc_axes, |curves| &curves.roc, |curves| curves.roc_auc);
    roc.series.insert(0, diagonal("Chance"));
    let found = ["Recall", "Precision"];
    let precision = chart(
        "Precision-recall, with average precision",
        found,
        |curves| &curves.precision_recall,
        |curves| curves.average_precision,
    );
    let caption = if curves.len() > CURVES { "The labels that rank worst." } else { "" };
    let picture = |chart: LineChart| Picture { drawing: chart.drawing(), caption: caption.to_owned(), table: None };
    vec![Block::Pictures(vec![picture(roc), picture(precision)]), Block::Table(table)]
}

/// What a curve is compared with.
fn diagonal(name: &str) -> Series {
    Series::line(name, Ink::Muted, vec![[0.0, 0.0], [1.0, 1.0]]).drawn(1.0, Dash::Dashes)
}

fn calibration(details: &ClassificationDetails) -> Picture {
    let filled =
        |bins: &[ReliabilityBin]| -> Vec<ReliabilityBin> { bins.iter().copied().filter(|bin| bin.rows > 0).collect() };
    let place = |bin: &ReliabilityBin| [bin.confidence, bin.accuracy];
    let before = filled(&details.reliability.bins);
    let rows: usize = before.iter().map(|bin| bin.rows).sum();
    let radius =
        |bin: &ReliabilityBin| RADII[0] + (RADII[1] - RADII[0]) * (bin.rows as f64 / rows.max(1) as f64).sqrt();
    let model = Series::line("This model", Ink::Series(0), before.iter().map(place).collect());
    let model =
        Series { radii: before.iter().map(radius).collect(), ..model.drawn(1.5, Dash::Solid).marked(Mark::Circle) };
    let mut series = vec![diagonal("Perfect")];
    series.extend(details.calibration.as_ref().map(|calibration| {
        let points = filled(&calibration.reliability.bins).iter().map(place).collect();
        let name = format!("With temperature {:.2}", calibration.temperature);
        Series::line(name, Ink::Series(1), points).drawn(1.5, Dash::Dots).marked(Mark::Diamond)
    }));
    series.push(model);
    let chart = LineChart {
        title: "Calibration".to_owned(),
        x: Axis::share("Probability of the predicted label"),
        y: Axis::share("Share right"),
        series,
        size: HALF,
        description: details.calibration_in_words(),
    };
    let row = |bin: &ReliabilityBin| {
        vec![Cell::from(score(bin.confidence)), score(bin.accuracy).into(), count(bin.rows).into()]
    };
    let table = Table::new(&[">Probability", ">Share right", ">Rows"], before.iter().map(row).collect());
    let caption = "Points on the dashed line are as sure as they are right. Larger points have more rows.".to_owned();
    Picture { drawing: chart.drawing(), caption, table: Some(table) }
}

/// What leaving unsure rows undecided gains, as a picture and for some thresholds.
fn coverage(of: &ReportOf<'_>, details: &ClassificationDetails) -> (Picture, Table) {
    let lowest = details.coverage.iter().map(|point| point.accuracy).fold(1.0, f64::min);
    // Not from 0, where no classifier is, and never a range that makes noise look like a trend.
    let low = ((lowest * 10.0).floor() / 10.0).clamp(0.0, 0.8);
    let points = details.coverage.iter().map(|point| [point.coverage, point.accuracy]).collect();
    let scores: Vec<(u8, ThresholdScore)> = THRESHOLDS
        .map(|least| (least, ThresholdScore::of(of.predictions, f32::from(least) / 100.0)))
        .into_iter()
        .filter(|(_, score)| score.decided > 0)
        .collect();
    let marks =
        scores.iter().filter_map(|(_, score)| Some([score.decided as f64 / score.rows as f64, score.accuracy()?]));
    let thresholds = Series::line("Thresholds in the table", Ink::Text, marks.collect());
    let series = vec![
        Series::line("Accuracy of the decided rows", Ink::Series(0), points),
        Series { line: None, mark: Some((Mark::Circle, 3.5)), ..thresholds },
    ];
    let chart = LineChart {
        title: "What leaving unsure rows to a person gains".to_owned(),
        x: Axis::share("Share of rows decided"),
        y: Axis { ends: Some([low, 1.0]), ..Axis::share("Share right of these") },
        series,
        size: HALF,
        description: "The table has the same for some thresholds".to_owned(),
    };
    let row = |(least, score): &(u8, ThresholdScore)| {
        let name = if *least == 0 { "all rows".to_owned() } else { format!("{least}% or more") };
        let decided = format!("{} ({})", count(score.decided), percent_of(score.decided, score.rows));
        vec![Cell::from(name), decided.into(), score.accuracy().map(percent).unwrap_or_default().into()]
    };
    let table = Table::new(&["Confidence", ">Rows decided", ">Right of these"], scores.iter().map(row).collect());
    let caption = match scores.iter().find(|(least, _)| *least == 80) {
        Some((_, score)) => format!(
            "With a confidence of 80% or more: {} ({}), of which {} are right.",
            counted(score.decided, "row", "rows"),
            percent_of(score.decided, score.rows),
            score.accuracy().map(percent).unwrap_or_default()
        ),
        None => "No row has a confidence of 80% or more.".to_owned(),
    };
    (Picture { drawing: chart.drawing(), caption, table: None }, table)
}
