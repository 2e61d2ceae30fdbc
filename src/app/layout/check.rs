//! Finds what does not fit in a frame: cut off, covered or overlapping texts, overlapping buttons, bars cut off in a panel,
//! widgets outside the window.

use std::collections::HashMap;

use egui::epaint::{ClippedShape, RectShape, Shape, TextShape};
use egui::{Order, Rect, Role};
use egui_kittest::kittest::NodeT;
use egui_kittest::{Harness, Node};

use crate::app::widgets::page_rect;

/// Rectangles may touch, and be rounded to pixels.
const SLACK: f32 = 1.5;
/// A narrower box is a scroll bar, or a line.
const BAR: f32 = 4.0;

/// A text in a frame.
struct Text {
    words: String,
    /// Its letters, row by row.
    rows: Vec<Rect>,
    /// What can be seen of it.
    clip: Rect,
    /// It was shortened with "…".
    elided: bool,
    /// The rectangle around what can be seen.
    around: Rect,
}

impl Text {
    fn of(shape: &TextShape, clip: Rect) -> Option<Self> {
        let rows = shape.galley.rows.iter();
        let rows: Vec<Rect> = rows
            .map(|row| row.row.visuals.mesh_bounds.translate(shape.pos.to_vec2() + row.pos.to_vec2()))
            .filter(Rect::is_positive)
            .collect();
        let turned = shape.angle != 0.0;
        let words = shape.galley.text().to_owned();
        let around = rows.iter().map(|row| row.intersect(clip)).filter(Rect::is_positive);
        let around = around.fold(Rect::NOTHING, Rect::union);
        (!rows.is_empty() && !turned).then_some(Self { words, rows, clip, elided: shape.galley.elided, around })
    }

    /// The rows that can be seen, as far as they can.
    fn seen(&self) -> impl Iterator<Item = Rect> + '_ {
        self.rows.iter().map(|row| row.intersect(self.clip)).filter(Rect::is_positive)
    }

    fn name(&self) -> String {
        format!("text {:?}", self.words.chars().take(140).collect::<String>())
    }

    fn is_cut(&self) -> bool {
        let across = self.rows.iter().filter(|row| row.y_range().intersection(self.clip.y_range()).span() > 0.0);
        let mut across =
            across.map(|row| row.left() < self.clip.left() - SLACK || row.right() > self.clip.right() + SLACK);
        // A row at the end of a list that scrolls is cut on one side.
        let (top, bottom) = (self.clip.top() - SLACK, self.clip.bottom() + SLACK);
        let is_flat = self.rows.iter().any(|row| row.top() < top && row.bottom() > bottom);
        across.any(|cut| cut) || is_flat
    }
}

fn overlap(a: Rect, b: Rect) -> bool {
    let both = a.intersect(b);
    both.width() > SLACK && both.height() > SLACK
}

/// The texts of a frame that nothing was painted over, and those that were partly painted over.
fn texts(shapes: &[ClippedShape]) -> (Vec<Text>, Vec<String>) {
    let (mut texts, mut covered) = (Vec::new(), Vec::new());
    let mut stack: Vec<(&Shape, Rect)> =
        shapes.iter().rev().map(|clipped| (&clipped.shape, clipped.clip_rect)).collect();
    while let Some((shape, clip)) = stack.pop() {
        match shape {
            Shape::Vec(shapes) => stack.extend(shapes.iter().rev().map(|shape| (shape, clip))),
            Shape::Text(shape) => texts.extend(Text::of(shape, clip)),
            Shape::Rect(RectShape { rect, fill, .. }) if fill.a() == 255 => {
                let over = rect.intersect(clip);
                // A scroll bar lies over what it scrolls.
                if over.height().min(over.width()) < BAR {
                    continue;
                }
                texts.retain(|text: &Text| {
                    if !overlap(text.around, over) {
                        return true;
                    }
                    let mut under = text.seen().filter(|row| overlap(*row, over)).peekable();
                    if under.peek().is_none() {
                        return true;
                    }
                    if !under.all(|row| over.expand(SLACK).contains_rect(row)) {
                        covered.push(format!("{} is partly painted over by a box at {over:?}", text.name()));
                    }
                    false
                });
            }
            _ => {}
        }
    }
    (texts, covered)
}

/// A widget in a frame.
struct Widget {
    name: String,
    rect: Rect,
    /// What can be seen of it.
    seen: Rect,
    clicks: bool,
}

/// The rectangle of a node; the root has none.
fn bounds(node: &Node<'_>) -> Option<Rect> {
    node.accesskit_node().raw_bounds().map(|_| node.rect())
}

/// A rectangle as a key: equal for equal rectangles, whatever the rounding.
fn key(rect: Rect) -> [i32; 4] {
    [rect.left(), rect.top(), rect.right(), rect.bottom()].map(|side| (side * 2.0).round() as i32)
}

/// The widgets with an accessible name.
fn widgets<S>(harness: &Harness<'_, S>) -> Vec<Widget> {
    let nodes = harness.root().children_recursive();
    let named: HashMap<[i32; 4], String> = nodes
        .filter_map(|node| {
            let (rect, node) = (bounds(&node)?, node.accesskit_node());
            // The edge of a column lies over both of its neighbours.
            if node.role() == Role::Splitter {
                return None;
            }
            let name = node.label().or_else(|| node.value()).filter(|name| !name.is_empty())?;
            Some((key(rect), format!("{:?} {:?}", node.role(), name.chars().take(60).collect::<String>())))
        })
        .collect();
    harness.ctx.viewport(|viewport| {
        let widgets = &viewport.prev_pass.widgets;
        let mut layers: Vec<_> = widgets.layers().filter(|(layer, _)| layer.order <= Order::Middle).collect();
        layers.sort_by_key(|(layer, _)| layer.order);
        let all = layers.into_iter().flat_map(|(_, widgets)| widgets);
        all.filter_map(|widget| {
            let name = named.get(&key(widget.rect))?.clone();
            let clicks = widget.sense.senses_click();
            Some(Widget { name, rect: widget.rect, seen: widget.interact_rect, clicks })
        })
        .collect()
    })
}

/// Rectangles of what scrolls sideways, or holds any text a person types or a file has.
struct Exempt {
    sideways: Vec<Rect>,
    typed: Vec<Rect>,
    values: Vec<Rect>,
}

impl Exempt {
    fn of<S>(harness: &Harness<'_, S>) -> Self {
        let rects = |wanted: &dyn Fn(&Node<'_>) -> bool| -> Vec<Rect> {
            let nodes = harness.root().children_recursive().filter(|node| wanted(node));
            nodes.filter_map(|node| bounds(&node)).map(|rect| rect.expand(SLACK)).collect()
        };
        let scrolls_sideways = |node: &Node<'_>| node.accesskit_node().scroll_x_max().is_some_and(|most| most > 0.0);
        Self {
            // The cells at its edges are clipped a little beyond it.
            sideways: rects(&scrolls_sideways).into_iter().map(|area| area.expand(20.0)).collect(),
            typed: rects(&|node| matches!(node.accesskit_node().role(), Role::TextInput | Role::MultilineTextInput)),
            values: rects(&|node| {
                let role = node.accesskit_node().role();
                matches!(role, Role::Button | Role::ComboBox | Role::CheckBox | Role::RadioButton)
            }),
        }
    }

    fn is_in(rects: &[Rect], rect: Rect) -> bool {
        rects.iter().any(|outer| outer.contains_rect(rect))
    }

    /// Whether a widget can be scrolled into view sideways.
    fn can_be_reached(&self, widget: &Widget) -> bool {
        self.sideways.iter().any(|area| {
            let at = widget.rect.center().y;
            let ends = [widget.seen.left(), widget.seen.right()];
            area.y_range().expand(60.0).contains(at) && ends.into_iter().any(|end| area.x_range().contains(end))
        })
    }
}

/// Describes everything in the last frame that does not fit.
pub fn faults<S>(harness: &Harness<'_, S>) -> Vec<String> {
    let (texts, mut found) = texts(&harness.output().shapes);
    let (widgets, exempt) = (widgets(harness), Exempt::of(harness));
    let window = harness.ctx.content_rect();
    for text in &texts {
        let all = text.around;
        let sideways =
            |area: &Rect| area.y_range().contains(text.clip.center().y) && area.x_range().contains(text.clip.right());
        let free = exempt.sideways.iter().any(sideways) || Exempt::is_in(&exempt.typed, all);
        if text.is_cut() && !free {
            found.push(format!("{} is cut off by its box {:?}", text.name(), text.clip));
        }
        if text.elided && !free && Exempt::is_in(&exempt.values, all) {
            found.push(format!("{} does not fit on its button", text.name()));
        }
    }
    found.extend(overlapping_texts(&texts));
    found.extend(texts_over_buttons(&texts, &widgets));
    for widget in widgets.iter().filter(|widget| !exempt.can_be_reached(widget)) {
        let (across, seen) = (widget.rect.x_range(), widget.seen.x_range());
        let is_cut = seen.min > across.min + SLACK || seen.max < across.max - SLACK;
        let in_window = widget.rect.left() >= window.left() - SLACK && widget.rect.right() <= window.right() + SLACK;
        if is_cut || !in_window {
            found.push(format!("{} is cut off: {seen:?} of {across:?} can be seen", widget.name));
        }
    }
    found.extend(overlapping_buttons(&widgets));
    found.extend(bars_cut_off(&widgets, page_rect(&harness.ctx)));
    found
}

/// Bars that are on the page and yet cut off: a part of the page hides them, and a person who compares bars misses one.
fn bars_cut_off(widgets: &[Widget], page: Option<Rect>) -> Vec<String> {
    let bars = widgets.iter().filter(|widget| widget.name.starts_with("ProgressIndicator"));
    let on_page = |bar: &&Widget| {
        page.is_some_and(|page| {
            let page = page.expand(SLACK).y_range();
            page.contains(bar.rect.top()) && page.contains(bar.rect.bottom())
        })
    };
    let cut = bars.filter(on_page).filter(|bar| bar.seen.height() < bar.rect.height() - SLACK);
    cut.map(|bar| format!("{} is cut off: {:?} of {:?} can be seen", bar.name, bar.seen, bar.rect)).collect()
}

fn overlapping_texts(texts: &[Text]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        for other in texts[place + 1..].iter().filter(|other| overlap(text.around, other.around)) {
            if text.seen().any(|row| other.seen().any(|below| overlap(row, below))) {
                found.push(format!("{} overlaps {}", text.name(), other.name()));
            }
        }
    }
    found
}

/// Texts that are partly on a button.
fn texts_over_buttons(texts: &[Text], widgets: &[Widget]) -> Vec<String> {
    let mut found = Vec::new();
    for widget in widgets.iter().filter(|widget| widget.clicks && widget.seen.is_positive()) {
        for text in texts {
            let beyond = |row: Rect| overlap(row, widget.seen) && !widget.rect.expand(SLACK).contains_rect(row);
            if overlap(text.around, widget.seen) && text.seen().any(beyond) {
                found.push(format!("{} overlaps {}", text.name(), widget.name));
            }
        }
    }
    found
}

fn overlapping_buttons(widgets: &[Widget]) -> Vec<String> {
    let clicked: Vec<&Widget> = widgets.iter().filter(|widget| widget.clicks && widget.seen.is_positive()).collect();
    let mut found = Vec::new();
    for (place, widget) in clicked.iter().enumerate() {
        for other in &clicked[place + 1..] {
            // A row that can be clicked holds buttons.
            let nested = widget.rect.contains_rect(other.rect) || other.rect.contains_rect(widget.rect);
            if overlap(widget.seen, other.seen) && !nested {
                found.push(format!("{} overlaps {}", widget.name, other.name));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use egui::{Color32, Sense, Ui, pos2, vec2};

    use super::*;
    use crate::app::testing::sized_window;
    use crate::app::widgets::page_scroll;

    fn found(ui: impl FnMut(&mut Ui, &mut ())) -> String {
        let mut harness = sized_window([400.0, 300.0], 1.0, false, (), ui);
        harness.run_steps(3);
        faults(&harness).join("\n")
    }

    fn button(ui: &mut Ui, name: &str, at: [f32; 2]) {
        let rect = Rect::from_min_size(at.into(), vec2(120.0, 30.0));
        ui.put(rect, egui::Button::new(name));
    }

    #[test]
    fn a_page_that_fits_has_no_faults() {
        let found = found(|ui, ()| {
            ui.label("A line of text");
            ui.horizontal(|ui| ui.button("Open").clicked() || ui.button("Close").clicked());
            egui::ScrollArea::vertical().max_height(60.0).show(ui, |ui| {
                for line in 0..20 {
                    ui.label(format!("Line {line}"));
                }
            });
        });
        assert_eq!(found, "");
    }

    #[test]
    fn a_text_that_is_wider_than_its_box_is_found() {
        let found = found(|ui, ()| {
            let clip = Rect::from_min_size(ui.cursor().min, vec2(60.0, 30.0));
            let text =
                ui.painter().layout_no_wrap("A long line of text".to_owned(), egui::FontId::default(), Color32::RED);
            ui.painter().with_clip_rect(clip).galley(clip.min, text, Color32::RED);
        });
        assert!(found.contains(r#"text "A long line of text" is cut off"#), "{found}");
    }

    #[test]
    fn a_text_over_another_text_or_a_button_is_found() {
        let found = found(|ui, ()| {
            button(ui, "Download", [120.0, 200.0]);
            for (text, at) in
                [("Legend", pos2(20.0, 100.0)), ("Title", pos2(30.0, 104.0)), ("Licence", pos2(100.0, 215.0))]
            {
                ui.painter().text(at, egui::Align2::LEFT_TOP, text, egui::FontId::default(), Color32::RED);
            }
        });
        assert!(found.contains(r#"text "Legend" overlaps text "Title""#), "{found}");
        assert!(found.contains(r#"text "Licence" overlaps Button "Download""#), "{found}");
    }

    #[test]
    fn buttons_that_overlap_or_leave_the_window_are_found() {
        let found = found(|ui, ()| {
            button(ui, "Left", [20.0, 100.0]);
            button(ui, "Right", [100.0, 110.0]);
            button(ui, "Far", [330.0, 200.0]);
        });
        assert!(found.contains(r#"Button "Left" overlaps Button "Right""#), "{found}");
        assert!(found.contains(r#"Button "Far" is cut off"#), "{found}");
    }

    #[test]
    fn a_bar_that_a_panel_hides_is_found_and_one_below_the_page_is_not() {
        let bars = |ui: &mut Ui| {
            for name in ["First", "Second", "Third"] {
                let (_, response) = ui.allocate_exact_size(vec2(200.0, 44.0), Sense::hover());
                response.widget_info(|| egui::WidgetInfo::labeled(Role::ProgressIndicator, true, name));
            }
        };
        let in_panel = found(|ui, ()| {
            page_scroll(ui, "page", |ui| {
                egui::ScrollArea::vertical().max_height(70.0).show(ui, bars);
            });
        });
        assert!(!in_panel.contains("First"), "{in_panel}");
        for hidden in ["Second", "Third"] {
            assert!(in_panel.contains(&format!("ProgressIndicator {hidden:?} is cut off")), "{in_panel}");
        }
        let below = found(|ui, ()| {
            page_scroll(ui, "page", |ui| {
                ui.add_space(220.0);
                bars(ui);
            });
        });
        assert_eq!(below, "");
    }

    #[test]
    fn a_text_under_a_box_is_found() {
        let found = found(|ui, ()| {
            ui.painter().text(
                pos2(20.0, 50.0),
                egui::Align2::LEFT_TOP,
                "Covered",
                egui::FontId::default(),
                Color32::RED,
            );
            let (area, _) = ui.allocate_exact_size(vec2(40.0, 80.0), Sense::hover());
            ui.painter().rect_filled(area.translate(vec2(20.0, 10.0)), 0.0, Color32::GREEN);
        });
        assert!(found.contains(r#"text "Covered" is partly painted over"#), "{found}");
    }
}
