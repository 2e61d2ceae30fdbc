//! Statistics of all rows: text lengths, typical words of each label, dates, languages and missing values.

use egui::{Button, Grid, RichText, Sense, Ui, Vec2};
use egui_plot::{Bar, BarChart, Plot};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::labels::explore::ExploreState;
use crate::app::steps::labels::row_filters::RowFilters;
use crate::app::widgets::{Action, SlotActions, section, slot_ui, ticks};
use crate::data::{FileLanguages, LengthBin, Terms, Timeline, TokenHistogram};
use crate::project::SourceFile;
use crate::words::{count, counted, percent_fine};
use crate::worker::{ColumnFill, Profile, RowSource};

/// Most labels whose words are listed.
const LABELS: usize = 8;
/// Most languages listed for a file.
const LANGUAGES: usize = 6;
/// A language is listed if at least one in this many texts is in it.
const LEAST: usize = 1_000;
/// Most columns listed.
const COLUMNS: usize = 30;

/// Draws the sections.
pub fn profile_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    source: &RowSource,
    state: &mut ExploreState,
    sender: &mut CommandSender,
) {
    lengths(ui, ctx, source, sender);
    let Some(profile) = &ctx.answers.profile.value else {
        section(ui, ctx.theme, "Words, dates and languages", "", |ui| {
            ui.label(ctx.theme.muted("Analysing the texts…"));
        });
        return;
    };
    let Profile { terms, columns, timelines, languages } = &**profile;
    words(ui, ctx, source, terms, state);
    for timeline in timelines {
        over_time(ui, ctx, source, timeline);
    }
    columns_ui(ui, ctx, columns, state);
    languages_ui(ui, ctx, languages);
}

fn lengths(ui: &mut Ui, ctx: &StepContext<'_>, source: &RowSource, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let most = ctx.project.training.max_length;
    let tokens = ctx.model_folder.and_then(|model| ctx.answers.tokens.about(&model.to_owned()));
    if let (Some(model), None) = (ctx.model_folder, tokens) {
        sender.send(AppCommand::CountTokens(model.to_owned()));
    }
    let counted_tokens = tokens.and_then(|tokens| tokens.value.as_ref());
    let hint = if counted_tokens.is_some() {
        "Tokens per text after cleaning, as the chosen model tokenises it. Special tokens included".to_owned()
    } else {
        format!(
            "Words per text after cleaning. A word is about 1.3 tokens. Texts over the max length of {most} tokens (set in Model) are truncated"
        )
    };
    section(ui, theme, "Text length", &hint, |ui| {
        if let Some(lengths) = counted_tokens {
            ui.label(theme.strong(cut_in_words(lengths, most)));
            let all = lengths.counted();
            if all < lengths.texts {
                let note = format!(
                    "Counted on a sample of {} of {}, spread evenly over the files",
                    count(all as u64),
                    counted(lengths.texts as u64, "text", "texts")
                );
                ui.label(theme.small(note));
            }
            histogram(ui, ctx, &lengths.histogram, "token", Some(most));
            return;
        }
        histogram(ui, ctx, &source.survey.lengths, "word", None);
        let Some(tokens) = tokens else {
            ui.label(theme.small("Download the chosen model to count its tokens instead"));
            return;
        };
        if let Some(model) = &tokens.of {
            let actions = SlotActions {
                title: "Counting tokens",
                stop: Action { label: "Stop counting", hover: "", command: AppCommand::StopCountingTokens },
                again: AppCommand::CountTokens(model.clone()),
            };
            slot_ui(ui, theme, tokens, actions, sender);
        }
    });
}

/// Says how many texts are longer than `most` tokens. For a sample it gives only their share.
fn cut_in_words(lengths: &TokenHistogram, most: usize) -> String {
    let (over, all) = (lengths.over(most), lengths.counted());
    let share = percent_fine(over as f64 / all.max(1) as f64);
    match over {
        0 if all < lengths.texts => format!("No text in the sample is longer than {most} tokens"),
        _ if all < lengths.texts => format!("{share} of the texts are longer than {most} tokens and will be truncated"),
        0 => format!("No text is longer than {most} tokens"),
        1 => format!("1 text, {share}, is longer than {most} tokens and will be truncated"),
        _ => format!("{} texts, {share}, are longer than {most} tokens and will be truncated", count(over as u64)),
    }
}

fn histogram(ui: &mut Ui, ctx: &StepContext<'_>, bins: &[LengthBin], unit: &str, limit: Option<usize>) {
    let theme = ctx.theme;
    let bars = bins.iter().map(|bin| {
        let middle = (bin.from + bin.to - 1) as f64 / 2.0;
        let name =
            if bin.to - bin.from == 1 { bin.from.to_string() } else { format!("{} to {}", bin.from, bin.to - 1) };
        Bar::new(middle, bin.texts as f64)
            .width((bin.to - bin.from) as f64 * 0.85)
            .name(format!("{name} {unit}s: {}", counted(bin.texts as u64, "text", "texts")))
            .fill(theme.chart(0))
    });
    let chart = BarChart::new("Texts", bars.collect())
        .color(theme.chart(0))
        .element_formatter(Box::new(|bar, _| bar.name.clone()));
    let response = plot(ctx, "lengths")
        // Keeps the axis from showing fractions of a word when all texts have the same length.
        .include_x(0.0)
        .include_x(10.0)
        .show(ui, |plot| {
            plot.bar_chart(chart);
            let reached = bins.last().is_some_and(|last| limit.is_some_and(|limit| limit < last.to));
            if let Some(limit) = limit.filter(|_| reached) {
                let line = egui_plot::VLine::new(format!("max length: {limit}"), limit as f64 + 0.5);
                plot.vline(line.color(theme.palette.danger).style(egui_plot::LineStyle::dashed_dense()));
            }
        });
    response.response.accessible_name("Histogram of text lengths");
}

/// A plot that cannot be dragged or zoomed.
fn plot<'a>(ctx: &StepContext<'_>, id: &str) -> Plot<'a> {
    Plot::new(id.to_owned())
        .height(150.0)
        .show_background(false)
        .grid_color(ctx.theme.palette.grid)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_crosshair(false)
        .show_x(false)
        .show_y(false)
        .include_y(0.0)
        .set_margin_fraction(egui::vec2(0.01, 0.05))
        .y_axis_min_width(36.0)
        // Counts of rows: whole numbers, and always more than a 0.
        .y_grid_spacer(|input| ticks(&input, 4.0, 1.0))
}

fn words(ui: &mut Ui, ctx: &StepContext<'_>, source: &RowSource, terms: &Terms, state: &mut ExploreState) {
    let theme = ctx.theme;
    let hint = "Words that are far more frequent with one label than with the others. Click a word to see its rows";
    section(ui, theme, "Typical words of each label", hint, |ui| {
        let all = source.prepared.examples.len();
        let of = if terms.texts < all {
            format!(
                "a sample of {} of {}, spread evenly over the files",
                count(terms.texts as u64),
                counted(all as u64, "text", "texts")
            )
        } else {
            counted(all as u64, "text", "texts")
        };
        let vocabulary = counted(terms.vocabulary as u64, "distinct word", "distinct words");
        ui.label(theme.small(format!("{vocabulary} among {} in {of}", counted(terms.words, "word", "words"))));
        for (label, terms) in source.prepared.labels.iter().zip(&terms.labels).take(LABELS) {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = theme.space.xs;
                ui.spacing_mut().item_spacing.y = theme.space.xs;
                ui.label(theme.strong(label));
                if terms.is_empty() {
                    ui.label(theme.muted("No word stands out"));
                }
                for term in terms {
                    let hover = format!(
                        "{} in {label}, {} in all other labels (z = {:.1}). Click to see the rows",
                        counted(term.count[0], "time", "times"),
                        counted(term.count[1], "time", "times"),
                        term.score
                    );
                    let word = Button::new(RichText::new(&term.word).size(theme.text.small)).small();
                    if ui.add(word).on_hover_text(hover).accessible_name(format!("Search {}", term.word)).clicked() {
                        state.filters = RowFilters::word(&term.word);
                        state.to_rows = true;
                    }
                }
            });
        }
        let more = source.prepared.labels.len().saturating_sub(LABELS);
        if more > 0 {
            ui.label(theme.small(format!("And {}", counted(more, "more label", "more labels"))));
        }
    });
}

fn over_time(ui: &mut Ui, ctx: &StepContext<'_>, source: &RowSource, timeline: &Timeline) {
    let theme = ctx.theme;
    let Timeline { column, shown: [first, last], unit, periods, undated, .. } = timeline;
    let hint = format!("Rows per {} by {column}, from {first} to {last}", unit.word());
    section(ui, theme, &format!("Over time: {column}"), &hint, |ui| {
        let labels = &source.prepared.labels;
        let series = labels.len().min(Timeline::SERIES);
        let has_others = labels.len() > Timeline::SERIES;
        let name = |at: usize| if has_others && at + 1 == series { "others" } else { labels[at].as_str() };
        let mut charts: Vec<BarChart> = Vec::new();
        for at in 0..series {
            let bars = (0..periods.len()).map(|period| {
                let rows = periods[period].rows[at];
                Bar::new(period as f64, f64::from(rows)).width(0.9).fill(theme.chart(at)).name(format!(
                    "{}, {}: {}",
                    periods[period].name,
                    name(at),
                    counted(rows, "row", "rows")
                ))
            });
            let below: Vec<&BarChart> = charts.iter().collect();
            let chart = BarChart::new(name(at), bars.collect())
                .color(theme.chart(at))
                .element_formatter(Box::new(|bar, _| bar.name.clone()))
                .stack_on(&below);
            charts.push(chart);
        }
        let names: Vec<String> = periods.iter().map(|period| period.name.clone()).collect();
        let response = plot(ctx, &format!("over time {column}"))
            .x_axis_formatter(move |mark, _| {
                let whole = mark.value.fract().abs() < 1e-6 && mark.value >= 0.0;
                if whole { names.get(mark.value as usize).cloned().unwrap_or_default() } else { String::new() }
            })
            .show(ui, |plot| charts.into_iter().for_each(|chart| plot.bar_chart(chart)));
        response.response.accessible_name(format!("Rows over time by {column}"));
        ui.horizontal_wrapped(|ui| {
            for at in 0..series {
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(theme.text.small), Sense::hover());
                ui.painter().circle_filled(rect.center(), rect.width() * 0.35, theme.chart(at));
                ui.label(theme.small(name(at)));
                ui.add_space(theme.space.s);
            }
        });
        if timeline.earlier + timeline.later > 0 {
            ui.label(theme.small(far_in_words(timeline)));
        }
        if *undated > 0 {
            ui.label(theme.small(format!("{} without a readable date", counted(*undated as u64, "row", "rows"))));
        }
        if timeline.ambiguous {
            let order = if timeline.day_first { "day-first" } else { "month-first" };
            ui.label(
                theme.small(format!("Every date is valid both day-first and month-first. Hone reads them {order}")),
            );
        }
    });
}

/// Says how many rows are not drawn because their dates are far from all others.
fn far_in_words(Timeline { earlier, later, range: [first, last], .. }: &Timeline) -> String {
    match (*earlier as u64, *later as u64) {
        (earlier, 0) => format!("Not shown: {} earlier, back to {first}", counted(earlier, "row", "rows")),
        (0, later) => format!("Not shown: {} later, up to {last}", counted(later, "row", "rows")),
        (earlier, later) => {
            format!("Not shown: {} rows earlier or later, from {first} to {last}", count(earlier + later))
        }
    }
}

fn columns_ui(ui: &mut Ui, ctx: &StepContext<'_>, columns: &[ColumnFill], state: &mut ExploreState) {
    let theme = ctx.theme;
    let hint = "Share of all readable rows. Click a column to see the rows where it is empty";
    section(ui, theme, "Missing values", hint, |ui| {
        let missing: Vec<&ColumnFill> = columns.iter().filter(|column| column.missing > 0).collect();
        let full = columns.len() - missing.len();
        if missing.is_empty() {
            ui.label(theme.muted("No values are missing"));
            return;
        }
        Grid::new("missing values").num_columns(3).spacing([theme.space.xl, theme.space.xs]).show(ui, |ui| {
            for column in missing.iter().take(COLUMNS) {
                let name = format!("Rows without {}", column.name);
                if ui.link(&column.name).on_hover_text("Show these rows").accessible_name(name).clicked() {
                    state.filters = RowFilters::missing(&column.name);
                    state.to_rows = true;
                }
                let share = percent_fine(column.missing as f64 / column.rows.max(1) as f64);
                ui.label(theme.strong(share));
                ui.label(theme.muted(counted(column.missing as u64, "row", "rows")));
                ui.end_row();
            }
        });
        if missing.len() > COLUMNS {
            let more = counted(missing.len() - COLUMNS, "more column", "more columns");
            ui.label(theme.small(format!("And {more}")));
        }
        if full > 0 {
            let text = format!("{} no missing values", counted(full as u64, "other column has", "other columns have"));
            ui.label(theme.small(text));
        }
    });
}

fn languages_ui(ui: &mut Ui, ctx: &StepContext<'_>, files: &[FileLanguages]) {
    let theme = ctx.theme;
    let hint = "Detected from letter sequences. Texts too short or too mixed to identify count as unsure";
    section(ui, theme, "Languages", hint, |ui| {
        for languages in files {
            let share = |texts: usize| percent_fine(texts as f64 / languages.texts.max(1) as f64);
            let named = |texts: usize| texts * LEAST >= languages.texts;
            let shown = languages.languages.iter().take(LANGUAGES).take_while(|(_, texts)| named(*texts));
            let mut parts: Vec<String> =
                shown.map(|(language, texts)| format!("{} {}", language.name, share(*texts))).collect();
            let others: usize = languages.languages.iter().skip(parts.len()).map(|(_, texts)| texts).sum();
            if others > 0 {
                parts.push(format!("others {}", share(others)));
            }
            if languages.unsure() > 0 {
                parts.push(format!("unsure {}", share(languages.unsure())));
            }
            if files.len() > 1 {
                ui.label(theme.strong(match languages.file {
                    SourceFile::Main => "Main file",
                    SourceFile::Validation => "Validation file",
                    SourceFile::Test => "Test file",
                }));
            }
            ui.add(egui::Label::new(parts.join("  ·  ")).wrap());
            ui.label(theme.small(format!("Of {}", counted(languages.texts as u64, "text checked", "texts checked"))));
        }
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::testing::prepared;
    use crate::data::TextTokenizer;
    use crate::progress::{Control, Watch};

    #[test]
    fn a_sample_reports_a_share_and_not_a_count() {
        let (prepared, control) = (prepared(), Control::default());
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        let tokenizer = TextTokenizer::load(&tiny).unwrap();
        let count = |most| {
            let mut watch = Watch { control: &control, report: &mut |_| {} };
            TokenHistogram::count(&prepared, &tokenizer, (most, 40), &mut watch).unwrap()
        };
        let (all, sample) = (count(usize::MAX), count(50));
        assert_eq!((sample.counted(), sample.texts), (50, all.counted()));
        let number = all.over(2).to_string();
        assert!(cut_in_words(&all, 2).starts_with(&format!("{number} texts, 100.0%, are longer than 2 tokens")));
        assert_eq!(cut_in_words(&sample, 2), "100.0% of the texts are longer than 2 tokens and will be truncated");
        assert_eq!(cut_in_words(&sample, 100_000), "No text in the sample is longer than 100000 tokens");
        assert_eq!(cut_in_words(&all, 100_000), "No text is longer than 100000 tokens");
    }

    #[test]
    fn the_axis_of_a_chart_has_numbers_besides_0() {
        for most in [1.0, 3.0, 9.0, 60.0, 999.0, 12_345.0] {
            let input = egui_plot::GridInput { bounds: (-0.05 * most, 1.05 * most), base_step_size: 0.1 };
            let marks = ticks(&input, 4.0, 1.0);
            let above = marks.iter().filter(|mark| mark.value > 0.0 && mark.value <= most).count();
            assert!((1..=6).contains(&above), "{most}: {marks:?}");
            assert!(marks.iter().all(|mark| mark.value.fract() == 0.0), "{most}: {marks:?}");
        }
    }

    #[test]
    fn rows_with_outlying_dates_are_reported() {
        let timeline = |earlier, later| Timeline {
            column: "day".to_owned(),
            day_first: false,
            ambiguous: false,
            range: ["0001-01-01", "9999-12-31"].map(str::to_owned),
            shown: ["2024-01-01", "2024-03-28"].map(str::to_owned),
            earlier,
            later,
            unit: crate::data::Unit::Week,
            periods: Vec::new(),
            undated: 0,
        };
        assert_eq!(far_in_words(&timeline(0, 1)), "Not shown: 1 row later, up to 9999-12-31");
        assert_eq!(far_in_words(&timeline(2, 0)), "Not shown: 2 rows earlier, back to 0001-01-01");
        assert_eq!(far_in_words(&timeline(2, 1)), "Not shown: 3 rows earlier or later, from 0001-01-01 to 9999-12-31");
    }
}
