//! The predicted probability of each label, as a bar and a percentage.

use egui::{Align2, Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::app::theme::{Theme, icons};
use crate::words::{counted, percent_fine};

/// Most bars shown; with more labels, the most likely ones are shown.
const MOST: usize = 10;
/// Width of the percentage with the space before it.
const FIGURE: f32 = 60.0;
/// Least width of a label's name.
const LEAST_NAME: f32 = 40.0;

/// The predicted label, and the true one if known.
#[derive(Clone, Copy, Debug)]
pub struct Chosen {
    /// Class id with the highest probability.
    pub predicted: u32,
    /// True class id.
    pub truth: Option<u32>,
}

/// How bars are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BarShape {
    /// The bar below its name.
    #[default]
    Below,
    /// The bar beside its name, where height is short.
    Beside,
}

impl BarShape {
    fn height(self) -> f32 {
        match self {
            Self::Below => 44.0,
            Self::Beside => 24.0,
        }
    }

    /// Between two bars.
    fn gap(self) -> f32 {
        match self {
            Self::Below => 8.0,
            Self::Beside => 2.0,
        }
    }

    /// Height of the bars of so many labels, with the space after each.
    #[must_use]
    pub fn height_of(self, labels: usize) -> f32 {
        let others = if labels > MOST { 24.0 } else { 0.0 };
        labels.min(MOST) as f32 * (self.height() + self.gap()) + others
    }
}

/// Draws one bar per label. `keys` shows the number key of each label before its name.
pub fn probability_bars_ui(
    ui: &mut Ui,
    theme: &Theme,
    labels: &[String],
    probabilities: &[f32],
    chosen: Chosen,
    (keys, shape): (bool, BarShape),
) {
    ui.spacing_mut().item_spacing.y = shape.gap();
    for class in shown(probabilities) {
        let Some(label) = labels.get(class) else { continue };
        let probability = probabilities.get(class).copied().unwrap_or(0.0);
        let is_predicted = class == chosen.predicted as usize;
        let is_true = chosen.truth == u32::try_from(class).ok();
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), shape.height()), Sense::hover());
        let notes: Vec<&str> = [is_predicted.then_some("predicted"), is_true.then_some("label in the file")]
            .into_iter()
            .flatten()
            .collect();
        let name = format!("{label}: {} {}", percent_fine(f64::from(probability)), notes.join(", "));
        response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, name.trim_end()));
        let key = keys.then(|| class + 1).filter(|&key| key <= 9);
        paint(ui, theme, rect, &Bar { label, probability, is_predicted, is_true, key }, shape);
    }
    if labels.len() > MOST {
        let others = counted(labels.len() - MOST, "less likely label", "less likely labels");
        ui.label(theme.small(format!("and {others}")));
    }
}

struct Bar<'a> {
    label: &'a str,
    probability: f32,
    is_predicted: bool,
    is_true: bool,
    key: Option<usize>,
}

fn paint(ui: &Ui, theme: &Theme, rect: Rect, bar: &Bar<'_>, shape: BarShape) {
    let palette = &theme.palette;
    let ink = if bar.is_predicted { palette.text } else { palette.text_muted };
    let line = match shape {
        BarShape::Below => rect.top() + 12.0,
        BarShape::Beside => rect.center().y,
    };
    let figure = percent_fine(f64::from(bar.probability));
    let font = egui::TextStyle::Body.resolve(ui.style());
    ui.painter_at(rect).text(pos2(rect.right(), line), Align2::RIGHT_CENTER, figure, font, ink);
    let (text_end, track) = match shape {
        BarShape::Below => {
            let track = Rect::from_min_max(pos2(rect.left(), rect.top() + 26.0), pos2(rect.right(), rect.top() + 34.0));
            (rect.right() - FIGURE, track)
        }
        BarShape::Beside => {
            let (left, right) = (rect.right() - FIGURE - rect.width() * 0.3, rect.right() - FIGURE);
            let track = Rect::from_min_max(pos2(left, line - 4.0), pos2(right, line + 4.0));
            (left - theme.space.s, track)
        }
    };
    paint_name(ui, theme, bar, (rect.left(), text_end, line), ink);
    let painter = ui.painter_at(rect);
    painter.rect_filled(track, 4.0, palette.hover);
    let length = track.width() * bar.probability.clamp(0.0, 1.0);
    let color: Color32 = if bar.is_predicted { palette.accent } else { palette.border_strong };
    if length >= 1.0 {
        painter.rect_filled(Rect::from_min_size(track.min, vec2(length.max(4.0), track.height())), 4.0, color);
    }
}

/// Paints the key, the name and what the label is, from `left` to `end` at the height `line`. A long name is shortened, so
/// that the rest fits.
fn paint_name(ui: &Ui, theme: &Theme, bar: &Bar<'_>, (left, end, line): (f32, f32, f32), ink: Color32) {
    let (palette, painter) = (&theme.palette, ui.painter());
    let small = theme.font(theme.text.small);
    let mut left = left;
    if let Some(key) = bar.key {
        let key_rect = Rect::from_min_size(pos2(left, line - 10.0), vec2(20.0, 20.0));
        painter.rect_filled(key_rect, theme.radius.small, palette.hover);
        painter.text(key_rect.center(), Align2::CENTER_CENTER, key.to_string(), small.clone(), palette.text);
        left += 28.0;
    }
    let notes = [
        bar.is_predicted.then(|| format!("{} predicted", icons::TARGET)),
        bar.is_true.then(|| format!("{} label in the file", icons::TAG)),
    ];
    let note_ink = if bar.is_predicted { palette.accent } else { palette.text_muted };
    let notes: Vec<_> =
        notes.into_iter().flatten().map(|note| painter.layout_no_wrap(note, small.clone(), note_ink)).collect();
    let taken: f32 = notes.iter().map(|note| note.size().x + theme.space.s).sum();
    let font = if bar.is_predicted {
        egui::FontId::new(theme.text.body, crate::app::theme::strong_family())
    } else {
        theme.font(theme.text.body)
    };
    let mut job = egui::text::LayoutJob::simple_singleline(bar.label.to_owned(), font, ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width((end - left - taken).max(LEAST_NAME));
    for text in std::iter::once(painter.layout_job(job)).chain(notes) {
        let size = text.size();
        painter.galley(pos2(left, line - size.y / 2.0), text, ink);
        left += size.x + theme.space.s;
    }
}

/// Class ids to show: all in order if there are few, else the most likely first.
fn shown(probabilities: &[f32]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..probabilities.len()).collect();
    if classes.len() > MOST {
        classes.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        classes.truncate(MOST);
    }
    classes
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing;

    #[test]
    fn bars_are_named_with_label_share_and_role() {
        let theme = testing::theme(true);
        let labels = ["negative", "neutral"].map(str::to_owned);
        let chosen = Chosen { predicted: 1, truth: Some(0) };
        let harness = testing::window(false, (), |ui, ()| {
            probability_bars_ui(ui, &theme, &labels, &[0.25, 0.75], chosen, (true, BarShape::Below));
        });
        harness.get_by_label("negative: 25.0% label in the file");
        harness.get_by_label("neutral: 75.0% predicted");
    }

    #[test]
    fn only_the_most_likely_of_many_labels_are_shown() {
        let probabilities: Vec<f32> = (0..20_u8).map(|class| f32::from(class) / 190.0).collect();
        assert_eq!(shown(&probabilities), (10..20).rev().collect::<Vec<_>>());
        assert_eq!(shown(&probabilities[..3]), [0, 1, 2]);
    }

    mod needs_renderer {
        use super::*;

        #[test]
        #[ignore = "needs a renderer (Debian package mesa-vulkan-drivers)"]
        fn the_bars_match_their_snapshot() {
            let theme = testing::theme(false);
            let labels = ["negative", "neutral", "positive"].map(str::to_owned);
            let chosen = Chosen { predicted: 2, truth: Some(0) };
            let mut harness = testing::sized_window([460.0, 180.0], 1.0, false, (), |ui, ()| {
                probability_bars_ui(ui, &theme, &labels, &[0.078, 0.029, 0.893], chosen, (true, BarShape::Below));
            });
            testing::widget_snapshot("probability_bars", &mut harness);
        }
    }
}
