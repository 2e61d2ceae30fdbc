//! The confusion matrix: true labels down, predicted labels across, every cell a button.

use egui::{
    Align2, Color32, FontId, Key, Pos2, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::app::theme::Theme;
use crate::app::widgets::contrast::readable_on;
use crate::app::widgets::matrix_cells::{
    Cell, MatrixView, cell_name, cell_text, cell_value, column_total, explain, largest_value, row_total,
};
use crate::evaluation::ConfusionMatrix;
use crate::words::count;

/// State kept between frames.
#[derive(Clone, Debug, Default)]
pub struct MatrixState {
    /// What the cells show.
    pub view: MatrixView,
    /// The selected cell, marked by a frame.
    pub selected: Option<Cell>,
}

/// Sizes in points.
struct Geometry {
    /// Side lengths of a cell.
    cell: egui::Vec2,
    /// Width of the true labels' column.
    header_width: f32,
    /// Height of the predicted labels' row.
    header_height: f32,
    /// Width of the column of totals.
    total_width: f32,
    /// Labels.
    count: usize,
}

const HEADER_HEIGHT: f32 = 44.0;
const TOTAL_WIDTH: f32 = 56.0;
const LARGEST_CELL: f32 = 136.0;
const GAP: f32 = 2.0;
/// Most labels of a matrix that is shown whole, however narrow its cells become.
const WHOLE: usize = 10;
/// Narrowest cell that shows a part of its label in the header.
const NAMED: f32 = 40.0;
/// Narrowest cell of a whole matrix.
const SMALLEST_CELL: f32 = 14.0;

/// Draws the view switch and the matrix in the available width and at most `max_height` points.
/// Returns the cell that was clicked (or on which Enter was pressed) in this frame.
pub fn confusion_matrix_ui(
    ui: &mut Ui,
    theme: &Theme,
    matrix: &ConfusionMatrix,
    state: &mut MatrixState,
    max_height: f32,
) -> Option<Cell> {
    if matrix.labels.is_empty() {
        ui.label("No rows evaluated yet");
        return None;
    }
    ui.horizontal(|ui| {
        for (view, name, explanation) in MatrixView::ALL {
            ui.selectable_value(&mut state.view, view, name).on_hover_text(explanation);
        }
    });
    ui.add_space(theme.space.s);
    let geometry = Geometry::fit(ui, matrix);
    let mut clicked = None;
    if matrix.labels.len() <= WHOLE {
        let (area, _) = ui.allocate_exact_size(geometry.size(), Sense::hover());
        let viewport = Rect::from_min_size(Pos2::ZERO, geometry.size());
        clicked = cells_ui(ui, theme, matrix, state, &geometry, area, viewport);
        totals_ui(ui, theme, matrix, &geometry, area);
        headers_ui(ui, theme, matrix, &geometry, area, viewport);
        state.selected = clicked.or(state.selected);
        return clicked;
    }
    ScrollArea::both().id_salt("confusion matrix").max_height(max_height).auto_shrink([false, true]).show_viewport(
        ui,
        |ui, viewport| {
            let (area, _) = ui.allocate_exact_size(geometry.size(), Sense::hover());
            clicked = cells_ui(ui, theme, matrix, state, &geometry, area, viewport);
            totals_ui(ui, theme, matrix, &geometry, area);
            headers_ui(ui, theme, matrix, &geometry, area, viewport);
        },
    );
    if clicked.is_some() {
        state.selected = clicked;
    }
    clicked
}

impl Geometry {
    fn fit(ui: &Ui, matrix: &ConfusionMatrix) -> Self {
        let count = matrix.labels.len();
        let font = body_font(ui);
        let widest = matrix.labels.iter().map(|label| text_width(ui, label, &font)).fold(0.0, f32::max);
        let all = ui.available_width();
        let header_width = (widest + 36.0).clamp(72.0, (all * 0.3).clamp(72.0, 180.0));
        let room = all - header_width - TOTAL_WIDTH - 12.0;
        let least = if count <= WHOLE { SMALLEST_CELL } else { NAMED };
        let width = (room / count as f32).clamp(least, LARGEST_CELL);
        let height = width.clamp(32.0, 64.0);
        Self { cell: vec2(width, height), header_width, header_height: HEADER_HEIGHT, total_width: TOTAL_WIDTH, count }
    }

    /// Whether the columns are too narrow for labels.
    fn is_numbered(&self) -> bool {
        self.cell.x < NAMED
    }

    fn size(&self) -> egui::Vec2 {
        vec2(
            self.header_width + self.cell.x * self.count as f32 + self.total_width,
            self.header_height + self.cell.y * self.count as f32 + 28.0,
        )
    }

    fn cell_rect(&self, area: Rect, (row, column): Cell) -> Rect {
        let min = area.min
            + vec2(self.header_width + self.cell.x * column as f32, self.header_height + self.cell.y * row as f32);
        Rect::from_min_size(min, self.cell).shrink(GAP / 2.0)
    }

    /// Class ids of the visible cells, along x (axis 0) or y (axis 1).
    fn visible(&self, viewport: Rect, axis: usize) -> std::ops::Range<usize> {
        let (header, side) =
            if axis == 0 { (self.header_width, self.cell.x) } else { (self.header_height, self.cell.y) };
        let first = ((viewport.min[axis] - header) / side).floor().max(0.0) as usize;
        let last = ((viewport.max[axis] - header) / side).ceil().max(0.0) as usize;
        first.min(self.count)..last.min(self.count)
    }
}

fn cells_ui(
    ui: &mut Ui,
    theme: &Theme,
    matrix: &ConfusionMatrix,
    state: &MatrixState,
    geometry: &Geometry,
    area: Rect,
    viewport: Rect,
) -> Option<Cell> {
    let largest = largest_value(matrix, state.view);
    let mut clicked = None;
    for row in geometry.visible(viewport, 1) {
        for column in geometry.visible(viewport, 0) {
            let cell = (row, column);
            let rect = geometry.cell_rect(area, cell);
            let response = ui.interact(rect, ui.scope_id().with(("cell", row, column)), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, cell_name(matrix, cell)));
            let share = if largest > 0.0 { cell_value(matrix, state.view, cell) / largest } else { 0.0 };
            // The square root keeps small error counts visible next to large correct counts.
            paint_cell(ui, theme, &response, share.sqrt() as f32, &cell_text(matrix, state.view, cell));
            if state.selected == Some(cell) {
                ui.painter().rect_stroke(
                    rect,
                    theme.radius.small,
                    Stroke::new(2.0, theme.palette.text),
                    StrokeKind::Inside,
                );
            }
            if response.clicked() || (response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter))) {
                clicked = Some(cell);
            }
            response.on_hover_text(explain(matrix, cell)).on_hover_cursor(egui::CursorIcon::PointingHand);
        }
    }
    clicked
}

fn paint_cell(ui: &Ui, theme: &Theme, response: &Response, share: f32, text: &str) {
    let (fill, _) = theme.sequential(share);
    let painter = ui.painter();
    painter.rect_filled(response.rect, theme.radius.small, fill);
    // Where a number does not fit, its colour and its tooltip tell it.
    let galley = painter.layout_no_wrap(text.to_owned(), body_font(ui), readable_on(fill, theme));
    if galley.size().x <= response.rect.width() {
        painter.galley(response.rect.center() - galley.size() / 2.0, galley, theme.palette.text);
    }
    if response.has_focus() {
        painter.rect_stroke(
            response.rect,
            theme.radius.small,
            Stroke::new(2.0, theme.palette.accent),
            StrokeKind::Outside,
        );
    } else if response.hovered() {
        painter.rect_stroke(
            response.rect,
            theme.radius.small,
            Stroke::new(1.0, theme.palette.text_muted),
            StrokeKind::Inside,
        );
    }
}

/// Draws the headers, which stay visible while the cells scroll below them.
fn headers_ui(ui: &Ui, theme: &Theme, matrix: &ConfusionMatrix, geometry: &Geometry, area: Rect, viewport: Rect) {
    let corner = pos2(area.min.x + viewport.min.x.max(0.0), area.min.y + viewport.min.y.max(0.0));
    column_headers_ui(ui, theme, matrix, geometry, area, (viewport, corner.y));
    row_headers_ui(ui, theme, matrix, geometry, area, (viewport, corner));
    let painter = ui.painter();
    painter.rect_filled(
        Rect::from_min_size(corner, vec2(geometry.header_width - 2.0, geometry.header_height)),
        0.0,
        theme.palette.card,
    );
    let small = small_font(ui);
    let (right, ink) = (corner.x + geometry.header_width - 10.0, theme.palette.text_muted);
    let at = pos2(right, corner.y + geometry.header_height - 6.0);
    painter.text(at, Align2::RIGHT_BOTTOM, "True label", small.clone(), ink);
    let bottom = area.min.y + geometry.header_height + geometry.cell.y * geometry.count as f32;
    painter.text(pos2(right, bottom + 6.0), Align2::RIGHT_TOP, "Total", small, ink);
}

fn column_headers_ui(
    ui: &Ui,
    theme: &Theme,
    matrix: &ConfusionMatrix,
    geometry: &Geometry,
    area: Rect,
    (viewport, top): (Rect, f32),
) {
    let (painter, font, small) = (ui.painter(), body_font(ui), small_font(ui));
    painter.rect_filled(
        Rect::from_min_size(pos2(area.min.x, top), vec2(area.width(), geometry.header_height)),
        0.0,
        theme.palette.card,
    );
    for column in geometry.visible(viewport, 0) {
        let rect = geometry.cell_rect(area, (0, column));
        // A narrow column has the number that stands before the label of its row.
        let name = if geometry.is_numbered() { (column + 1).to_string() } else { matrix.labels[column].clone() };
        let galley = elided(ui, &name, &font, theme.palette.text, rect.width() - 4.0);
        let at = pos2(rect.center().x - galley.size().x / 2.0, top + geometry.header_height - galley.size().y - 4.0);
        painter.galley(at, galley, theme.palette.text);
    }
    let middle = geometry.header_width + geometry.cell.x * geometry.count as f32 / 2.0;
    let ink = theme.palette.text_muted;
    painter.text(pos2(area.min.x + middle, top), Align2::CENTER_TOP, "Predicted label", small.clone(), ink);
    let at = pos2(area.max.x - 4.0, top + geometry.header_height - 6.0);
    painter.text(at, Align2::RIGHT_BOTTOM, "Total", small, ink);
}

fn row_headers_ui(
    ui: &Ui,
    theme: &Theme,
    matrix: &ConfusionMatrix,
    geometry: &Geometry,
    area: Rect,
    (viewport, corner): (Rect, Pos2),
) {
    let (painter, font) = (ui.painter(), body_font(ui));
    painter.rect_filled(
        Rect::from_min_max(
            pos2(corner.x, corner.y + geometry.header_height),
            pos2(corner.x + geometry.header_width - 2.0, area.max.y),
        ),
        0.0,
        theme.palette.card,
    );
    for row in geometry.visible(viewport, 1) {
        let rect = geometry.cell_rect(area, (row, 0));
        let number = if geometry.is_numbered() { format!("{} ", row + 1) } else { String::new() };
        let name = format!("{number}{}", matrix.labels[row]);
        let galley = elided(ui, &name, &font, theme.palette.text, geometry.header_width - 20.0);
        let at =
            pos2(corner.x + geometry.header_width - galley.size().x - 10.0, rect.center().y - galley.size().y / 2.0);
        painter.galley(at, galley, theme.palette.text);
    }
}

fn totals_ui(ui: &Ui, theme: &Theme, matrix: &ConfusionMatrix, geometry: &Geometry, area: Rect) {
    let font = body_font(ui);
    let right = area.max.x - 4.0;
    let bottom = area.min.y + geometry.header_height + geometry.cell.y * geometry.count as f32 + 6.0;
    for class in 0..geometry.count {
        let beside = geometry.cell_rect(area, (class, 0)).center().y;
        let below = geometry.cell_rect(area, (0, class)).center().x;
        let painter = ui.painter();
        let ink = theme.palette.text_muted;
        painter.text(pos2(right, beside), Align2::RIGHT_CENTER, count(row_total(matrix, class)), font.clone(), ink);
        let total = painter.layout_no_wrap(count(column_total(matrix, class)), font.clone(), theme.palette.text_muted);
        if total.size().x <= geometry.cell.x {
            painter.galley(pos2(below - total.size().x / 2.0, bottom), total, theme.palette.text_muted);
        }
    }
    let all: u64 = (0..geometry.count).map(|class| row_total(matrix, class)).sum();
    ui.painter().text(pos2(right, bottom), Align2::RIGHT_TOP, count(all), font, theme.palette.text);
}

fn body_font(ui: &Ui) -> FontId {
    egui::TextStyle::Body.resolve(ui.style())
}

fn small_font(ui: &Ui) -> FontId {
    egui::TextStyle::Small.resolve(ui.style())
}

fn text_width(ui: &Ui, text: &str, font: &FontId) -> f32 {
    ui.painter().layout_no_wrap(text.to_owned(), font.clone(), Color32::PLACEHOLDER).size().x
}

/// One line of text, shortened with "…" if wider than `width`.
fn elided(ui: &Ui, text: &str, font: &FontId, color: Color32, width: f32) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font.clone(), color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    ui.painter().layout_job(job)
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing;

    fn matrix() -> ConfusionMatrix {
        ConfusionMatrix {
            labels: ["negative", "neutral", "positive"].map(str::to_owned).to_vec(),
            counts: vec![vec![831, 60, 27], vec![75, 205, 30], vec![21, 24, 191]],
        }
    }

    #[test]
    fn a_click_or_enter_selects_a_cell() {
        let matrix = matrix();
        let mut clicks = Vec::new();
        let theme = testing::theme(false);
        let mut state = MatrixState::default();
        {
            let mut harness = testing::window(false, (), |ui, ()| {
                clicks.extend(confusion_matrix_ui(ui, &theme, &matrix, &mut state, 400.0));
            });
            harness.get_by_label("True negative, predicted neutral: 60 rows").click();
            harness.run();
            harness.get_by_label("True neutral, predicted negative: 75 rows").focus();
            harness.run();
            harness.key_press(Key::Enter);
            harness.run();
        }
        assert_eq!(clicks.first(), Some(&(0, 1)));
        assert_eq!(clicks.last(), Some(&(1, 0)));
        assert_eq!(state.selected, Some((1, 0)));
    }

    #[test]
    fn only_visible_cells_are_laid_out() {
        let labels: Vec<String> = (0..150).map(|class| format!("class {class}")).collect();
        let matrix = ConfusionMatrix { counts: vec![vec![1; 150]; 150], labels };
        let theme = testing::theme(false);
        let mut state = MatrixState::default();
        let harness = testing::window(false, (), |ui, ()| {
            confusion_matrix_ui(ui, &theme, &matrix, &mut state, 300.0);
        });
        let cells = harness.query_all_by_role(Role::Button).count();
        assert!(cells < 400, "{cells} cells are laid out");
    }

    #[test]
    fn a_matrix_of_ten_labels_is_shown_whole_in_a_narrow_card() {
        let labels: Vec<String> = (0..10).map(|class| format!("a long name of class {class}")).collect();
        let matrix = ConfusionMatrix { counts: vec![vec![12; 10]; 10], labels };
        let theme = testing::theme(false);
        let state = MatrixState::default();
        let harness = testing::sized_window([300.0, 700.0], 1.0, false, state, |ui, state| {
            confusion_matrix_ui(ui, &theme, &matrix, state, 100.0);
        });
        let cells: Vec<_> =
            harness.query_all_by_role(Role::Button).filter(|cell| cell.rect().height() < 60.0).collect();
        assert!(cells.len() >= 100, "{} cells are shown", cells.len());
        let inside = harness.ctx.content_rect();
        assert!(cells.iter().all(|cell| inside.contains_rect(cell.rect())));
    }

    mod needs_renderer {
        use super::*;

        fn matches_the_snapshot(dark: bool, name: &str) {
            let matrix = matrix();
            let theme = testing::theme(dark);
            let state = MatrixState { selected: Some((1, 0)), ..MatrixState::default() };
            let mut harness = testing::sized_window([520.0, 340.0], 1.0, dark, state, |ui, state| {
                confusion_matrix_ui(ui, &theme, &matrix, state, 400.0);
            });
            testing::widget_snapshot(name, &mut harness);
        }

        #[test]
        #[ignore = "needs a renderer (Debian package mesa-vulkan-drivers)"]
        fn the_matrix_matches_its_light_snapshot() {
            matches_the_snapshot(false, "confusion_matrix_light");
        }

        #[test]
        #[ignore = "needs a renderer (Debian package mesa-vulkan-drivers)"]
        fn the_matrix_matches_its_dark_snapshot() {
            matches_the_snapshot(true, "confusion_matrix_dark");
        }
    }
}
