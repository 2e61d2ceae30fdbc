//! Evaluate beyond the headline: all metrics, ROC and precision-recall, calibration, and what leaving rows undecided gains.

use egui::{CollapsingHeader, Grid, Label, RichText, Slider, Ui};

use crate::app::help::Term;
use crate::app::spoken::set_cell;
use crate::app::theme::Theme;
use crate::app::widgets::{
    Entry, Sample, SharePlot, combo, dots, fill, line, reference, section, share_plot_ui, side_by_side,
};
use crate::evaluation::{ClassificationDetails, Prediction, RankingCurves, ReliabilityBin, ThresholdScore};
use crate::words::{count, counted, of_hundred, percent, percent_of, score};

/// Most other labels whose curves are drawn behind that of the chosen one.
const OTHERS: usize = 12;
/// Radii of the points of a calibration chart: with few rows, and with all of them.
const RADII: [f64; 2] = [2.5, 8.0];

/// Which curve of a label is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Curve {
    #[default]
    Roc,
    PrecisionRecall,
}

/// State kept between frames.
#[derive(Debug)]
pub struct DetailsState {
    curve: Curve,
    /// Class id of the label whose curve is shown.
    label: usize,
    /// Below this percentage, rows are left undecided.
    least_percent: u8,
}

impl Default for DetailsState {
    fn default() -> Self {
        Self { curve: Curve::default(), label: 0, least_percent: 80 }
    }
}

/// The title under which the cards are folded away.
const TITLE: &str = "All metrics, curves and calibration";

/// Draws the cards, folded away until a person opens them: the headline above says what most need, and the rows behind the
/// mistakes follow below.
pub(super) fn details_ui(
    ui: &mut Ui,
    theme: &Theme,
    state: &mut DetailsState,
    details: &ClassificationDetails,
    predictions: &[Prediction],
) {
    let header = CollapsingHeader::new(theme.strong(TITLE)).id_salt("evaluation details");
    let shown = header.show_unindented(ui, |ui| {
        ui.add_space(theme.space.xs);
        cards_ui(ui, theme, state, details, predictions);
    });
    // Below the cards there is room already.
    ui.add_space(theme.space.m * (1.0 - shown.openness));
}

/// Draws the cards, two beside each other where there is room.
fn cards_ui(
    ui: &mut Ui,
    theme: &Theme,
    state: &mut DetailsState,
    details: &ClassificationDetails,
    predictions: &[Prediction],
) {
    side_by_side(
        ui,
        theme,
        ("metrics and ranking", 0.5),
        state,
        |ui, _, spare| {
            section(ui, theme, "All metrics", "Hover over a name to see what it means", |ui| {
                metrics_ui(ui, theme, details);
                fill(ui, spare);
            });
        },
        |ui, state, spare| {
            section(ui, theme, "Ranking", "Does a label's probability put its rows first?", |ui| {
                ranking_ui(ui, theme, state, &details.curves, spare);
            });
        },
    );
    side_by_side(
        ui,
        theme,
        ("calibration and coverage", 0.5),
        state,
        |ui, _, spare| {
            section(ui, theme, "Calibration", "Are rows predicted with 80% right in 80 of 100?", |ui| {
                calibration_ui(ui, theme, details, spare);
            });
        },
        |ui, state, spare| {
            section(ui, theme, "Undecided rows", "Leave rows below a probability to a person", |ui| {
                coverage_ui(ui, theme, state, (details, predictions), spare);
            });
        },
    );
}

fn metrics_ui(ui: &mut Ui, theme: &Theme, details: &ClassificationDetails) {
    Grid::new("all metrics").num_columns(3).spacing([theme.space.l, theme.space.s]).show(ui, |ui| {
        for overall in &details.overall {
            let title = overall.metric.title();
            let name = ui.label(title);
            if let Some(term) = Term::titled(title) {
                name.on_hover_text(term.text());
            }
            set_cell(&ui.label(theme.strong(with_minus(overall.value))), title);
            if let Some([low, high]) = overall.interval_95 {
                let text = theme.muted(format!("{} to {}", with_minus(low), with_minus(high)));
                let interval = ui.label(text);
                set_cell(&interval, &format!("{title}, 95% interval"));
                interval.on_hover_text(Term::Interval.text());
            }
            ui.end_row();
        }
    });
}

/// A score, which may be below 0, with a minus sign in place of a hyphen.
fn with_minus(value: f64) -> String {
    if value < 0.0 { format!("−{}", score(-value)) } else { score(value) }
}

/// ROC or precision-recall of a label, with those of the other labels behind it.
fn ranking_ui(ui: &mut Ui, theme: &Theme, state: &mut DetailsState, curves: &[RankingCurves], spare: f32) {
    state.label = state.label.min(curves.len().saturating_sub(1));
    let Some(chosen) = curves.get(state.label) else { return };
    ui.horizontal_wrapped(|ui| {
        combo(ui, "Label of the curve", &chosen.label, 150.0, |ui| {
            for (class, curves) in curves.iter().enumerate() {
                ui.selectable_value(&mut state.label, class, &curves.label);
            }
        });
        ui.selectable_value(&mut state.curve, Curve::Roc, "ROC");
        ui.selectable_value(&mut state.curve, Curve::PrecisionRecall, "Precision-recall");
    });
    let axes = match state.curve {
        Curve::Roc => ["False positive rate", "True positive rate"],
        Curve::PrecisionRecall => ["Recall", "Precision"],
    };
    let is_roc = state.curve == Curve::Roc;
    let points = |curves: &RankingCurves| if is_roc { curves.roc.clone() } else { curves.precision_recall.clone() };
    let said = ranking_sentence(chosen, state.curve);
    let (muted, strong) = (theme.palette.text_muted.gamma_multiply(0.45), theme.chart(0));
    let legend: &[Entry] = match curves.len() {
        0..=1 => &[("This label", strong, Sample::Thick)],
        _ => &[("This label", strong, Sample::Thick), ("Other labels", muted, Sample::Line)],
    };
    let plot = SharePlot { name: "ranking", axes, range: [0.0, 1.0], legend, spare, summary: said.clone() };
    let others = curves.iter().enumerate().filter(|(class, _)| *class != state.label).take(OTHERS);
    let others: Vec<_> = others.map(|(_, curves)| line(&curves.label, points(curves), muted, 1.0)).collect();
    let of_chosen = line(&chosen.label, points(chosen), strong, 2.5);
    share_plot_ui(ui, theme, &plot, move |plot| {
        if is_roc {
            plot.line(reference(theme, [[0.0, 0.0], [1.0, 1.0]]));
        }
        for other in others {
            plot.line(other);
        }
        plot.line(of_chosen);
    });
    wrapped(ui, theme.muted(said));
}

fn ranking_sentence(curves: &RankingCurves, curve: Curve) -> String {
    let label = &curves.label;
    match (curve, curves.roc_auc, curves.average_precision) {
        (Curve::Roc, Some(area), _) => format!(
            "ROC AUC {}: a “{label}” row gets a higher probability of it than another row in {} pairs.",
            score(area),
            of_hundred(area)
        ),
        (Curve::PrecisionRecall, _, Some(precision)) => format!(
            "Average precision {}: so many of the rows down to a “{label}” row have the label, on average.",
            score(precision)
        ),
        _ => format!("No area: there must be rows with “{label}” and rows without."),
    }
}

/// Probabilities against shares of right predictions, before and after the temperature.
fn calibration_ui(ui: &mut Ui, theme: &Theme, details: &ClassificationDetails, spare: f32) {
    let (first, second) = (theme.chart(0), theme.chart(1));
    let all: &[Entry] = &[("This model", first, Sample::Points), ("With temperature", second, Sample::Dashes)];
    let said = details.calibration_in_words();
    let legend = if details.calibration.is_some() { all } else { &all[..1] };
    let axes = ["Probability of the predicted label", "Share right"];
    let plot = SharePlot { name: "calibration", axes, range: [0.0, 1.0], legend, spare, summary: said.clone() };
    let before = filled(&details.reliability.bins);
    let after = details.calibration.as_ref().map(|calibration| filled(&calibration.reliability.bins));
    let rows: usize = before.iter().map(|bin| bin.rows).sum();
    share_plot_ui(ui, theme, &plot, move |plot| {
        plot.line(reference(theme, [[0.0, 0.0], [1.0, 1.0]]));
        if let Some(after) = after {
            let name = "With temperature";
            if let [only] = &after[..] {
                // A line through one point cannot be seen.
                plot.points(dots(name, [place(only)], second, 4.0));
            }
            let dashes = line(name, after.iter().map(place), second, 1.5);
            plot.line(dashes.style(egui_plot::LineStyle::dashed_dense()));
        }
        plot.line(line("This model", before.iter().map(place), first, 1.5).allow_hover(false));
        for bin in &before {
            let name = counted(bin.rows, "row", "rows");
            let share = (bin.rows as f64 / rows as f64).sqrt();
            plot.points(dots(&name, [place(bin)], first, (RADII[0] + (RADII[1] - RADII[0]) * share) as f32));
        }
    });
    wrapped(ui, theme.muted(said));
}

fn filled(bins: &[ReliabilityBin]) -> Vec<ReliabilityBin> {
    bins.iter().copied().filter(|bin| bin.rows > 0).collect()
}

fn place(bin: &ReliabilityBin) -> [f64; 2] {
    [bin.confidence, bin.accuracy]
}

/// The share of rows that get a label against how many of these are right, and the threshold between.
fn coverage_ui(
    ui: &mut Ui,
    theme: &Theme,
    state: &mut DetailsState,
    (details, predictions): (&ClassificationDetails, &[Prediction]),
    spare: f32,
) {
    ui.horizontal_wrapped(|ui| {
        ui.label("Undecided below");
        ui.add(Slider::new(&mut state.least_percent, 0..=99).suffix("%")).accessible_name("Undecided below");
    });
    let above = ThresholdScore::of(predictions, f32::from(state.least_percent) / 100.0);
    let all = ThresholdScore::of(predictions, 0.0);
    let said = coverage_sentence(state.least_percent, above, all);
    let lowest = details.coverage.iter().map(|point| point.accuracy).fold(1.0, f64::min);
    // Not from 0, where no classifier is, and never a range that makes noise look like a trend.
    let low = ((lowest * 10.0).floor() / 10.0).clamp(0.0, 0.8);
    let axes = ["Share of rows decided", "Share right of these"];
    let plot = SharePlot { name: "coverage", axes, range: [low, 1.0], legend: &[], spare, summary: said.clone() };
    let curve = line("", details.coverage.iter().map(|point| [point.coverage, point.accuracy]), theme.chart(0), 2.0);
    let chosen = above.accuracy().map(|accuracy| [above.decided as f64 / above.rows as f64, accuracy]);
    let color = theme.palette.text;
    share_plot_ui(ui, theme, &plot, move |plot| {
        plot.line(curve);
        if let Some(chosen) = chosen {
            plot.points(dots("The threshold", [chosen], color, 6.0));
        }
    });
    wrapped(ui, theme.muted(said));
}

fn coverage_sentence(least: u8, above: ThresholdScore, all: ThresholdScore) -> String {
    match (above.accuracy(), all.accuracy()) {
        (Some(accuracy), Some(overall)) => format!(
            "{} of {} rows ({}) have {least}% or more. Of these, {} are right, against {} of all rows.",
            count(above.decided),
            count(above.rows),
            percent_of(above.decided, above.rows),
            percent(accuracy),
            percent(overall)
        ),
        _ => format!("No row has {least}% or more, so all would be left undecided."),
    }
}

fn wrapped(ui: &mut Ui, text: RichText) {
    ui.add(Label::new(text).wrap());
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing;
    use crate::evaluation::OverallMetric;

    #[test]
    fn every_metric_has_its_value_and_what_it_means() {
        for metric in [
            OverallMetric::Accuracy,
            OverallMetric::MacroF1,
            OverallMetric::WeightedF1,
            OverallMetric::BalancedAccuracy,
            OverallMetric::MatthewsCorrelation,
            OverallMetric::CohensKappa,
            OverallMetric::QuadraticKappa,
            OverallMetric::MeanAbsoluteError,
            OverallMetric::MacroRocAuc,
            OverallMetric::MacroAveragePrecision,
            OverallMetric::LogLoss,
            OverallMetric::BrierScore,
            OverallMetric::CalibrationError,
        ] {
            assert!(Term::titled(metric.title()).is_some(), "{metric:?} is not in the glossary");
        }
    }

    #[test]
    fn the_curve_of_a_label_and_a_threshold_can_be_chosen() {
        let theme = testing::theme(false);
        let results = testing::results();
        let state = DetailsState::default();
        let mut harness = testing::window(false, state, move |ui, state| {
            let details = results.test_details.as_ref().unwrap();
            details_ui(ui, &theme, state, details, &results.test);
        });
        harness.set_size(egui::vec2(1280.0, 1400.0));
        harness.run();
        assert!(harness.query_by_label("All metrics").is_none(), "folded away at first");
        harness.get_by_label(TITLE).click();
        harness.run();
        assert!(harness.get_all_by_label_contains("ROC AUC 0.").count() > 0);
        harness.get_by_label("Precision-recall").click();
        harness.run();
        assert!(harness.query_all_by_label_contains("Average precision 0.").count() > 0);
        assert!(harness.query_all_by_label_contains("80% or more").count() > 0);
        harness.state_mut().least_percent = 99;
        harness.run();
        assert!(harness.query_all_by_label_contains("99% or more").count() > 0);
        assert!(harness.query_all_by_label_contains("a temperature of").count() > 0);
    }

    #[test]
    fn a_threshold_that_no_row_reaches_is_said() {
        let all = ThresholdScore { rows: 60, decided: 60, right: 45 };
        let none = ThresholdScore { decided: 0, right: 0, ..all };
        assert_eq!(coverage_sentence(99, none, all), "No row has 99% or more, so all would be left undecided.");
        let above = ThresholdScore { rows: 60, decided: 30, right: 27 };
        assert_eq!(
            coverage_sentence(80, above, all),
            "30 of 60 rows (50%) have 80% or more. Of these, 90% are right, against 75% of all rows."
        );
    }
}
