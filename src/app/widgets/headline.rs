//! The headline of a run: macro-F1 with its interval next to the baselines, and what it means in words.

use egui::{Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::app::help::Term;
use crate::app::theme::Theme;
use crate::app::widgets::explained::{explain_terms, explained};
use crate::app::widgets::layout::{is_narrow, row_or_column};
use crate::evaluation::{FEWEST_ROWS, Headline};
use crate::words::{of_hundred, score};

/// Draws the headline in the available width.
pub fn headline_ui(ui: &mut Ui, theme: &Theme, headline: Headline<'_>) {
    let f1 = headline.metrics.macro_average.f1;
    row_or_column(ui, is_narrow(ui), |ui| {
        ui.vertical(|ui| {
            ui.set_width(250.0);
            ui.label(theme.display(of_hundred(headline.metrics.accuracy)));
            ui.label(theme.strong("predictions are right")).on_hover_text(Term::Accuracy.text());
            ui.add_space(theme.space.s);
            ui.label(format!("Macro-F1 {}", score(f1))).on_hover_text(Term::MacroF1.text());
            if let Some((low, high)) = headline.interval {
                ui.label(theme.muted(format!("95% interval {} to {}", score(low), score(high))))
                    .on_hover_text(Term::Interval.text());
            } else if headline.metrics.rows < FEWEST_ROWS {
                ui.label(theme.muted("Too few rows for an interval"));
            }
        });
        ui.add_space(theme.space.l);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = theme.space.s;
            for sentence in headline.sentences() {
                explained(ui, sentence);
            }
            ui.add_space(theme.space.xs);
            scale_ui(ui, theme, headline);
        });
    });
}

/// A scale from 0 to 1 with the interval, the score and the baselines.
fn scale_ui(ui: &mut Ui, theme: &Theme, headline: Headline<'_>) {
    let palette = &theme.palette;
    // Names of baselines with similar scores stand below each other.
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 80.0), Sense::hover());
    let f1 = headline.metrics.macro_average.f1;
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Meter, true, format!("Macro-F1 {} on a scale from 0 to 1", score(f1)))
    });
    explain_terms(response, "95% interval, majority baseline, TF-IDF baseline, instant baseline, macro-F1");
    let line =
        Rect::from_min_max(pos2(rect.left() + 8.0, rect.top() + 18.0), pos2(rect.right() - 8.0, rect.top() + 26.0));
    let at = |value: f64| line.left() + line.width() * value.clamp(0.0, 1.0) as f32;
    let painter = ui.painter();
    painter.rect_filled(line, 4.0, palette.hover);
    if let Some((low, high)) = headline.interval {
        let band = Rect::from_min_max(pos2(at(low), line.top()), pos2(at(high), line.bottom()));
        painter.rect_filled(band, 4.0, palette.accent.gamma_multiply(0.45));
    }
    let small = theme.font(theme.text.small);
    let ends = ["0", "1"].map(|end| painter.layout_no_wrap(end.to_owned(), small.clone(), palette.text_muted));
    let [first, last] = &ends;
    let mut taken = vec![
        Rect::from_min_size(line.left_bottom() + vec2(0.0, 6.0), first.size()),
        Rect::from_min_size(line.right_bottom() + vec2(-last.size().x, 6.0), last.size()),
    ];
    for (end, place) in ends.iter().zip(&taken) {
        painter.galley(place.min, end.clone(), palette.text_muted);
    }
    let baselines = [(headline.baseline, "majority"), (headline.tfidf, "TF-IDF"), (headline.instant, "instant")];
    for (baseline, name) in baselines {
        let Some(baseline) = baseline else { continue };
        let x = at(baseline.macro_average.f1);
        painter.vline(x, line.top() - 4.0..=line.bottom() + 4.0, Stroke::new(2.0, palette.text_muted));
        let name = painter.layout_no_wrap(name.to_owned(), small.clone(), palette.text_muted);
        let half = name.size().x / 2.0;
        let middle = x.clamp(rect.left() + half, (rect.right() - half).max(rect.left() + half));
        let mut place = Rect::from_min_size(pos2(middle - half, line.bottom() + 6.0), name.size());
        // A name that would be written over another one goes a line lower.
        while taken.iter().any(|other| other.expand(3.0).intersects(place)) && place.bottom() < rect.bottom() + 40.0 {
            place = place.translate(vec2(0.0, name.size().y + 4.0));
        }
        painter.galley(place.min, name, palette.text_muted);
        taken.push(place);
    }
    painter.circle(pos2(at(f1), line.center().y), 7.0, palette.accent, Stroke::new(2.0, palette.card));
    let name = painter.layout_no_wrap("this model".to_owned(), small.clone(), palette.text);
    // The name stays inside, even at either end of the scale.
    let half = name.size().x / 2.0;
    let middle = at(f1).clamp(rect.left() + half, (rect.right() - half).max(rect.left() + half));
    painter.galley(pos2(middle - half, line.top() - 6.0 - name.size().y), name, palette.text);
}
