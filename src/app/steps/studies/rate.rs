//! The learning-rate finder.

use std::ops::RangeInclusive;

use egui::{Role, Ui, WidgetInfo};
use egui_plot::{AxisHints, GridMark, Line, Plot, PlotPoints, VLine};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::studies::blocked::why_not;
use crate::app::studies_command::StudiesCommand;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{Action, SlotActions, button, button_if, section, slot_ui};
use crate::project::TrainedLayers;
use crate::worker::RateCurve;

/// Height of the curve.
const HEIGHT: f32 = 180.0;
/// How far the shown losses go above the usual one, as a share of what the loss falls by.
const ABOVE_USUAL: f64 = 1.5;
/// The same at least, as a share of the usual loss, where it hardly falls.
const LEAST_ABOVE: f64 = 0.2;
/// Room below and above the shown losses, as a share of them.
const MARGIN: f64 = 0.05;

/// Draws the finder: a button, and then the curve and the suggestion.
pub fn rate_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let hint = "Trains a few steps with rising rates, and looks where the loss falls and where it explodes. Nothing of it is kept";
    section(ui, theme, "Learning-rate finder", hint, |ui| {
        let slot = &ctx.answers.rate;
        let command = |command| AppCommand::Studies(command);
        let actions = SlotActions {
            title: "Finding a learning rate",
            stop: Action { label: "Stop", hover: "", command: command(StudiesCommand::StopRate) },
            again: command(StudiesCommand::FindRate),
        };
        if slot_ui(ui, theme, slot, actions, sender) {
            return;
        }
        // One of other settings says little about these.
        let known = slot.about(ctx.project).and_then(|slot| slot.value.as_ref());
        if let Some(curve) = known {
            curve_ui(ui, theme, curve);
            suggestion(ui, ctx, curve, sender);
        }
        let is_instant = ctx.project.training.trained_layers == TrainedLayers::Instant;
        let blocked = if is_instant { Some("Instant has no learning rate") } else { why_not(ctx) };
        let name = if known.is_some() { "Try again" } else { "Find a learning rate" };
        let find = button_if(ui, theme, blocked.is_none(), icons::CHART_LINE_UP, name);
        if find.on_disabled_hover_text(blocked.unwrap_or_default()).clicked() {
            sender.send(AppCommand::Studies(StudiesCommand::FindRate));
        }
    });
}

fn suggestion(ui: &mut Ui, ctx: &StepContext<'_>, curve: &RateCurve, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let now = ctx.project.training.optimizer.learning_rate;
    let Some(rate) = curve.suggested else {
        let text = "The loss never fell clearly, so no rate is suggested. More rows, or a larger batch size, make it less noisy";
        ui.add(egui::Label::new(text).wrap());
        return;
    };
    let text = format!("Suggested: {rate:e}, ten times below the rate at which the loss was least. Now it is {now:e}");
    ui.add(egui::Label::new(text).wrap());
    if rate.to_bits() != now.to_bits() && button(ui, theme, icons::CHECK, &format!("Use {rate:e}")).clicked() {
        sender.send(AppCommand::Studies(StudiesCommand::Use(vec![format!("lr={rate:e}")])));
    }
}

/// The losses that are shown: the steps at the end, where the loss explodes, would leave no height for the others. `None` if all are
/// the same.
fn shown_losses(curve: &RateCurve) -> Option<RangeInclusive<f64>> {
    let losses = || curve.points.iter().flat_map(|point| [point.loss, point.smoothed]);
    let least = losses().fold(f64::INFINITY, f64::min);
    let most = losses().fold(f64::NEG_INFINITY, f64::max);
    // The first loss is that of one batch, which may be far below the others. Few steps explode, so the median is a usual loss.
    let mut smoothed: Vec<f64> = curve.points.iter().map(|point| point.smoothed).collect();
    smoothed.sort_by(f64::total_cmp);
    let usual = curve.points.first()?.smoothed.max(smoothed[smoothed.len() / 2]);
    let top = usual + (ABOVE_USUAL * (usual - least)).max(LEAST_ABOVE * usual.abs());
    let top = top.min(most);
    let margin = MARGIN * (top - least);
    (margin > 0.0).then_some(least - margin..=top + margin)
}

/// The loss over the logarithm of the rate.
fn curve_ui(ui: &mut Ui, theme: &Theme, curve: &RateCurve) {
    let smoothed: Vec<[f64; 2]> = curve.points.iter().map(|point| [point.rate.log10(), point.smoothed]).collect();
    let single: Vec<[f64; 2]> = curve.points.iter().map(|point| [point.rate.log10(), point.loss]).collect();
    let powers = |mark: GridMark, _: &std::ops::RangeInclusive<f64>| {
        if (mark.value - mark.value.round()).abs() < 1e-9 { format!("1e{}", mark.value.round()) } else { String::new() }
    };
    let font = theme.font(theme.text.small);
    let axis =
        |hints: AxisHints<'static>| hints.tick_label_color(theme.palette.text_muted).tick_label_font(font.clone());
    let response = Plot::new("learning rates")
        .height(HEIGHT)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .show_grid([false, true])
        .custom_x_axes(vec![axis(AxisHints::new_x()).label(theme.small("Learning rate")).formatter(powers)])
        .custom_y_axes(vec![axis(AxisHints::new_y()).label(theme.small("Loss")).min_thickness(44.0)])
        .show(ui, |plot| {
            if let Some(losses) = shown_losses(curve) {
                plot.set_plot_bounds_y(losses);
            }
            plot.line(Line::new("Each step", PlotPoints::from(single)).color(theme.palette.text_faint).width(1.0));
            plot.line(Line::new("Smoothed", PlotPoints::from(smoothed)).color(theme.palette.accent).width(2.0));
            if let Some(rate) = curve.suggested {
                plot.vline(VLine::new("Suggested", rate.log10()).color(theme.palette.success));
            }
        })
        .response;
    let summary = match curve.suggested {
        Some(rate) => format!("The loss over the learning rate. {rate:e} is suggested"),
        None => "The loss over the learning rate. None is suggested".to_owned(),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &summary));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_that_explode_leave_the_others_their_height() {
        let curve = |losses: &[f64]| {
            let rates = (0..).map(|step| 1e-7 * 1.5_f64.powi(step));
            RateCurve::of(&rates.zip(losses.iter().copied()).collect::<Vec<_>>())
        };
        let (low, high) = shown_losses(&curve(&[1.0, 1.0, 0.8, 0.6, 0.6, 5.0, 90.0])).unwrap().into_inner();
        assert!(low < 0.6 && low > 0.5, "the least is shown: {low}");
        assert!(high > 1.6 && high < 1.7, "the first loss and 1.5 times its fall: {high}");
        // One that never falls, and one that never explodes.
        let (low, high) = shown_losses(&curve(&[1.0, 1.0, 1.0, 9.0])).unwrap().into_inner();
        assert!(low < 1.0 && high > 1.2 && high < 1.3, "{low} {high}");
        let (low, high) = shown_losses(&curve(&[1.0, 0.9, 0.7, 0.8])).unwrap().into_inner();
        assert!(low < 0.7 && low > 0.6 && high > 1.0 && high < 1.1, "all of it: {low} {high}");
        // The first batch is far below all that follow.
        let (low, high) = shown_losses(&curve(&[0.8, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 9.0])).unwrap().into_inner();
        assert!(low < 0.8 && high > 1.2 && high < 2.0, "the usual loss is shown: {low} {high}");
        assert_eq!(shown_losses(&curve(&[])), None);
    }
}
