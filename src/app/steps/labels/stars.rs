//! Star ratings: which ones become negative, neutral and positive.

use std::collections::BTreeMap;

use egui::{CollapsingHeader, Grid, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::steps::labels::label_change::preview_ui;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{banner, button, card};
use crate::data::LabelCounts;
use crate::project::{Sentiment, StarScale};
use crate::words::{count, counted};

/// A choice that is not applied yet.
#[derive(Debug, Default)]
pub struct StarsState {
    choice: Option<(StarScale, BTreeMap<String, Sentiment>)>,
}

/// Draws the choice, if the labels are ratings.
pub fn stars_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    LabelCounts { rows: found, stars, .. }: &LabelCounts,
    state: &mut StarsState,
    sender: &mut CommandSender,
) {
    let Some(scale) = stars else { return };
    let settings = ctx.project.labels();
    let now = scale.chosen(settings);
    if now.is_none() && !settings.mapping.is_empty() {
        // Labels that the person renamed or merged stay as they are.
        return;
    }
    if state.choice.as_ref().is_none_or(|(of, _)| of != scale) {
        let choice = now.clone().unwrap_or_else(|| scale.usual_choice());
        state.choice = Some((scale.clone(), choice));
    }
    let Some((_, choice)) = &mut state.choice else { return };
    if let Some(now) = now {
        card(ui, ctx.theme, |ui| {
            CollapsingHeader::new("Map stars to labels").id_salt("stars").show(ui, |ui| {
                choices(ui, ctx, scale, found, choice);
                if *choice != now {
                    preview_ui(ui, ctx, &preview(scale, found, choice), |ui| {
                        if button(ui, ctx.theme, icons::CHECK, "Update labels").clicked() {
                            sender.edit(Edit::Labels(settings.with_stars(choice)));
                        }
                        if button(ui, ctx.theme, icons::X, "Cancel").clicked() {
                            *choice = now;
                        }
                    });
                }
            });
        });
        return;
    }
    let body = "Choose a label for each rating. Nothing changes until you press the button, and you can undo it";
    banner(ui, ctx.theme, Tone::Accent, "These look like star ratings", body, |ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().interact_size.y = ctx.theme.size.row;
            ui.add_space(ctx.theme.space.s);
            choices(ui, ctx, scale, found, choice);
            ui.add_space(ctx.theme.space.xs);
            ui.add(egui::Label::new(preview(scale, found, choice)).wrap());
            ui.add_space(ctx.theme.space.xs);
            if button(ui, ctx.theme, icons::STAR, "Convert stars to sentiment").clicked() {
                sender.edit(Edit::Labels(settings.with_stars(choice)));
            }
        });
    });
}

/// One line per rating, with its row count and the three labels it can become.
fn choices(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    scale: &StarScale,
    found: &BTreeMap<String, u64>,
    choice: &mut BTreeMap<String, Sentiment>,
) {
    let theme = ctx.theme;
    Grid::new("stars").num_columns(5).spacing([theme.space.m, theme.space.xs]).show(ui, |ui| {
        for (label, stars) in &scale.ratings {
            ui.label(theme.strong(label)).on_hover_text(format!("{stars} of {}", scale.top));
            let rows = found.get(label).copied().unwrap_or_default();
            ui.label(theme.small(counted(rows, "row", "rows")));
            let Some(now) = choice.get_mut(label) else { continue };
            for sentiment in Sentiment::ALL {
                let response = ui.selectable_value(now, sentiment, sentiment.name());
                response.accessible_name(format!("{label} is {}", sentiment.name()));
            }
            ui.end_row();
        }
    });
}

/// The row count each label will have.
fn preview(scale: &StarScale, found: &BTreeMap<String, u64>, choice: &BTreeMap<String, Sentiment>) -> String {
    let of = |sentiment: Sentiment| {
        let ratings = scale.ratings.iter().filter(|(label, _)| choice.get(label) == Some(&sentiment));
        let rows: Vec<u64> = ratings.filter_map(|(label, _)| found.get(label).copied()).collect();
        let parts: Vec<String> = rows.iter().map(|rows| count(*rows)).collect();
        let sum = counted(rows.iter().sum::<u64>(), "row", "rows");
        match parts.len() {
            0 | 1 => format!("{}: {sum}", sentiment.name()),
            _ => format!("{}: {} = {sum}", sentiment.name(), parts.join(" + ")),
        }
    };
    Sentiment::ALL.map(of).join("  ·  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preview_shows_the_row_count_of_each_label() {
        let found: BTreeMap<String, u64> =
            [("1", 10), ("2", 5), ("3", 7), ("4", 1_000), ("5", 2)].map(|(star, rows)| (star.to_owned(), rows)).into();
        let scale = StarScale::of(found.keys().map(String::as_str)).unwrap();
        let mut choice = scale.usual_choice();
        assert_eq!(
            preview(&scale, &found, &choice),
            "negative: 10 + 5 = 15 rows  ·  neutral: 7 rows  ·  positive: 1,000 + 2 = 1,002 rows"
        );
        choice.insert("3".to_owned(), Sentiment::Negative);
        assert!(preview(&scale, &found, &choice).starts_with("negative: 10 + 5 + 7 = 22 rows  ·  neutral: 0 rows"));
    }
}
