//! The trials of a search as lines over parallel axes: one for each setting, and the score at the right.

use egui::{Align2, Color32, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::app::theme::Theme;
use crate::project::{SearchRange, StudyPlan};
use crate::storage::TrialRun;
use crate::words::score;
use crate::worker::{SearchResults, StudyResults};

/// Height of the axes.
const HEIGHT: f32 = 180.0;
/// Room for the names above and the ends below and above each axis.
const MARGIN: f32 = 40.0;

/// A trial as shares of each axis; those outside a range are left out.
struct Track {
    places: Vec<f32>,
    is_best: bool,
}

/// Draws the axes and the trials, the best on top. Draws nothing with fewer than two trials.
pub fn coordinates_ui(ui: &mut Ui, theme: &Theme, study: &StudyResults, search: &SearchResults) {
    let StudyPlan::Search(plan) = &study.settings.plan else { return };
    let value = |trial: &TrialRun| trial.summary.as_ref().and_then(|summary| summary.validation.get(search.metric));
    let values: Vec<f64> = study.trials.iter().filter_map(value).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.len() < 2 || high - low < 1e-9 {
        return;
    }
    let track = |trial: &TrialRun| {
        let place = |range: &SearchRange| {
            let [first, last] = range.axis();
            let place = range.place_in(&trial.project)?;
            // The middle of a choice's room.
            let middle = if matches!(range.values, crate::project::SearchValues::Choices(_)) { 0.5 } else { 0.0 };
            Some(((place + middle - first) / (last - first)) as f32)
        };
        let mut places: Vec<f32> = plan.over.iter().map(place).collect::<Option<_>>()?;
        places.push(((value(trial)? - low) / (high - low)) as f32);
        Some(Track { places, is_best: trial.trial.number == search.best })
    };
    let mut tracks: Vec<Track> = study.trials.iter().filter_map(track).collect();
    tracks.sort_by_key(|track| track.is_best);
    let mut axes: Vec<(String, [String; 2])> =
        plan.over.iter().map(|range| (range.setting.clone(), ends(range))).collect();
    axes.push((search.metric.title().to_owned(), [score(low), score(high)]));
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT + 2.0 * MARGIN), Sense::hover());
    let summary = format!(
        "{} trials over {}. The best score is {}",
        tracks.len(),
        plan.over.iter().map(|range| range.setting.as_str()).collect::<Vec<_>>().join(", "),
        score(search.score)
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &summary));
    paint(ui, theme, rect, &axes, &tracks);
}

/// The lowest and the highest value of an axis, as it is written.
fn ends(range: &SearchRange) -> [String; 2] {
    let [first, last] = range.axis();
    [range.value_at(first), range.value_at(last)]
}

fn paint(ui: &Ui, theme: &Theme, rect: Rect, axes: &[(String, [String; 2])], tracks: &[Track]) {
    let painter = ui.painter_at(rect);
    // Names are centred on their axes.
    let side = 60.0_f32.min(rect.width() / 6.0);
    let distance = (rect.width() - 2.0 * side) / (axes.len() - 1).max(1) as f32;
    let at = |axis: usize, share: f32| -> Pos2 {
        let bottom = rect.bottom() - MARGIN;
        pos2(rect.left() + side + distance * axis as f32, bottom - share.clamp(0.0, 1.0) * HEIGHT)
    };
    for track in tracks {
        let points: Vec<Pos2> = track.places.iter().enumerate().map(|(axis, share)| at(axis, *share)).collect();
        let last = track.places.last().copied().unwrap_or_default();
        let (width, color) = if track.is_best { (3.0, theme.palette.accent) } else { (1.2, shade(theme, last)) };
        painter.line(points.clone(), Stroke::new(width, color));
        if track.is_best {
            for point in points {
                painter.circle_filled(point, 4.0, color);
            }
        }
    }
    let (ink, muted, font) = (theme.palette.text, theme.palette.text_muted, theme.font(theme.text.small));
    for (axis, (name, [low, high])) in axes.iter().enumerate() {
        let (bottom, top) = (at(axis, 0.0), at(axis, 1.0));
        painter.line_segment([bottom, top], Stroke::new(1.0, theme.palette.border_strong));
        painter.text(top - vec2(0.0, 22.0), Align2::CENTER_BOTTOM, name, font.clone(), ink);
        painter.text(top - vec2(0.0, 6.0), Align2::CENTER_BOTTOM, high, font.clone(), muted);
        painter.text(bottom + vec2(0.0, 6.0), Align2::CENTER_TOP, low, font.clone(), muted);
    }
}

/// Better trials are darker.
fn shade(theme: &Theme, share: f32) -> Color32 {
    theme.palette.text_muted.gamma_multiply(0.25 + 0.6 * share.clamp(0.0, 1.0))
}
