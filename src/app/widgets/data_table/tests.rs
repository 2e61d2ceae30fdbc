//! A table in a window: what stays in place, what is selected and copied, and where its last rows are.

use std::borrow::Cow;

use egui::epaint::{ClippedShape, Shape};
use egui::{
    Event, Key, Label, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, Rect, Role, TouchPhase, Ui,
    Vec2, pos2, vec2,
};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use super::*;
use crate::app::testing;
use crate::storage::{TableLayout, TableLayouts};

/// Rows that only have their numbers, and a wide column after the text.
struct Numbers;

impl TableRows for Numbers {
    fn name(&self, row: usize) -> String {
        format!("Row {row}: text of {row}")
    }

    fn text(&self, row: usize, column: usize) -> Cow<'_, str> {
        Cow::Owned(match column {
            0 => row.to_string(),
            1 => format!("shop {}", row % 7),
            2 => format!("text\tof\n{row}"),
            _ => "=1+1".to_owned(),
        })
    }

    fn header_ui(&mut self, ui: &mut Ui, column: usize) {
        ui.add(Label::new(["Row", "shop", "text", "note"][column]).truncate());
    }

    fn cell_ui(&mut self, ui: &mut Ui, row: usize, column: usize) {
        ui.add(Label::new(self.text(row, column).replace(['\t', '\n'], " ")).truncate());
    }
}

/// What the window of a test keeps.
#[derive(Default)]
struct Shown {
    rows: usize,
    width: f32,
    layouts: TableLayouts,
    selection: RowSelection,
    sender: CommandSender,
}

impl Shown {
    /// Does what the app does with the commands, and returns the copied texts.
    fn take(&mut self) -> Vec<String> {
        let mut texts = Vec::new();
        for command in self.sender.take() {
            match command {
                AppCommand::KeepTable(table, layout) => drop(self.layouts.insert(table, layout)),
                AppCommand::CopyRows { text, .. } => texts.push(text),
                other => panic!("{other:?}"),
            }
        }
        texts
    }
}

type Window = Harness<'static, Shown>;

/// A table in a window of 1280 x 800 points, below something whose height is no whole number.
fn window(rows: usize, width: f32) -> Window {
    let theme = testing::theme(false);
    let state = Shown { rows, width, ..Shown::default() };
    let mut window = testing::sized_window([1280.0, 800.0], 1.0, false, state, move |ui, shown| {
        ui.add_space(13.3);
        let points = ColumnWidth::Points;
        let columns = [
            TableColumn::new("#row", "Row", points(90.0)).pinned(),
            TableColumn::new("shop", "shop", points(120.0)),
            TableColumn::new("text", "text", ColumnWidth::Rest(300.0)).pinned(),
            TableColumn::new("note", "note", points(400.0)),
        ];
        let Shown { rows, width, layouts, selection, sender } = shown;
        let table = DataTable {
            name: "Numbers",
            key: "numbers",
            columns: &columns,
            rows: *rows,
            height: 500.0,
            layouts,
            scroll_to: None,
        };
        ui.set_max_width(*width);
        data_table_ui(ui, &theme, &table, &mut Numbers, selection, sender);
    });
    window.run_steps(4);
    window
}

fn table(window: &Window) -> Rect {
    window.get_by_role_and_label(Role::Table, "Numbers").rect()
}

fn row(window: &Window, row: usize) -> Rect {
    window.get_by_label(&format!("Row {row}: text of {row}")).rect()
}

fn selected(window: &Window) -> Vec<usize> {
    window.state().selection.iter().collect()
}

/// Where a text is drawn in the frame, and what of it can be seen.
fn text(window: &Window, wanted: &str) -> Option<Rect> {
    let find = |ClippedShape { clip_rect, shape, .. }: &ClippedShape| match shape {
        Shape::Text(text) if text.galley.text() == wanted => Some(text.visual_bounding_rect().intersect(*clip_rect)),
        _ => None,
    };
    window.output().shapes.iter().filter_map(find).find(Rect::is_positive)
}

fn turn(window: &mut Window, at: Pos2, delta: Vec2) {
    window.event(Event::PointerMoved(at));
    let (unit, modifiers) = (MouseWheelUnit::Point, Modifiers::NONE);
    let (phase, source) = (TouchPhase::Move, MouseWheelSource::Unknown);
    window.event(Event::MouseWheel { unit, delta, phase, source, modifiers });
    window.run_steps(30);
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(3);
}

#[test]
fn the_header_and_the_row_numbers_stay_in_place() {
    let mut window = window(1_000, 500.0);
    let (area, head) = (table(&window), text(&window, "Row").unwrap());
    assert!(text(&window, "=1+1").is_none(), "the last column is beyond the edge");
    turn(&mut window, area.center(), vec2(-2_000.0, 0.0));
    assert!(text(&window, "=1+1").is_some() && text(&window, "shop 0").is_none(), "the table is at its right end");
    let number = text(&window, "3").unwrap();
    assert!(number.left() < area.left() + 90.0 && area.contains_rect(number), "{number:?} in {area:?}");
    turn(&mut window, area.center(), vec2(0.0, -3_000.0));
    assert!(text(&window, "3").is_none());
    assert_eq!(text(&window, "Row"), Some(head));
    assert!(text(&window, "100").is_some_and(|number| number.left() < area.left() + 90.0));
    window.get_by_role_and_label(Role::ColumnHeader, "note");
}

#[test]
fn only_visible_rows_and_columns_are_laid_out() {
    let window = window(1_000_000, 600.0);
    let rows = window.query_all_by_role(Role::Row).count();
    assert!((15..25).contains(&rows), "{rows} rows, with the header");
}

#[test]
fn the_last_of_a_million_rows_can_be_seen_and_clicked() {
    let mut window = window(1_000_000, 1_000.0);
    window.get_by_label("Row 0: text of 0").click();
    window.run_steps(3);
    press(&mut window, Modifiers::NONE, Key::End);
    window.run_steps(60);
    assert_eq!(selected(&window), [999_999]);
    let area = table(&window);
    let last = row(&window, 999_999);
    assert!(area.expand(0.5).contains_rect(last), "{last:?} in {area:?}");
    let height = last.height();
    for above in 1..10 {
        let rect = row(&window, 999_999 - above);
        let top = last.top() - above as f32 * height;
        assert!((rect.top() - top).abs() < 0.01 && (rect.height() - height).abs() < 0.01, "{above} above: {rect:?}");
        let number = text(&window, &(999_999 - above).to_string()).unwrap();
        assert!((number.center().y - rect.center().y).abs() < 4.0, "{number:?} in {rect:?}");
        window.get_by_label(&format!("Row {0}: text of {0}", 999_999 - above)).click();
        window.run_steps(4);
        assert_eq!(selected(&window), [999_999 - above], "the row that is clicked is selected");
    }
}

#[test]
fn rows_are_selected_with_shift_and_ctrl_and_the_keys() {
    let mut window = window(200, 1_000.0);
    let click = |window: &mut Window, row: usize, modifiers| {
        window.get_by_label(&format!("Row {row}: text of {row}")).click_modifiers(modifiers);
        window.run_steps(3);
    };
    click(&mut window, 2, Modifiers::NONE);
    click(&mut window, 5, Modifiers::SHIFT);
    assert_eq!(selected(&window), [2, 3, 4, 5]);
    click(&mut window, 4, Modifiers::COMMAND);
    click(&mut window, 8, Modifiers::COMMAND);
    assert_eq!(selected(&window), [2, 3, 5, 8]);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(selected(&window), [9]);
    press(&mut window, Modifiers::SHIFT, Key::ArrowUp);
    press(&mut window, Modifiers::SHIFT, Key::ArrowUp);
    assert_eq!(selected(&window), [7, 8, 9]);
    press(&mut window, Modifiers::SHIFT, Key::End);
    assert_eq!(window.state().selection.len(), 191);
    press(&mut window, Modifiers::COMMAND, Key::A);
    assert_eq!(window.state().selection.len(), 200);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(selected(&window).is_empty());
}

#[test]
fn selected_rows_are_copied_with_the_names_of_the_columns() {
    let mut window = window(20, 1_000.0);
    window.get_by_label("Row 1: text of 1").click();
    window.run_steps(3);
    window.get_by_label("Row 2: text of 2").click_modifiers(Modifiers::SHIFT);
    window.run_steps(3);
    window.event(Event::Copy);
    window.run_steps(2);
    let all = "Row\tshop\ttext\tnote\n1\tshop 1\ttext of 1\t'=1+1\n2\tshop 2\ttext of 2\t'=1+1";
    assert_eq!(window.state_mut().take(), [all]);
    let shown = [("shop".to_owned(), false)].into();
    window.state_mut().layouts.insert("numbers".to_owned(), TableLayout { shown, ..TableLayout::default() });
    window.run_steps(2);
    window.get_by_label("Row 2: text of 2").click_secondary();
    window.run_steps(3);
    window.get_by_label("Copy 2 rows").click();
    window.run_steps(3);
    assert_eq!(window.state_mut().take(), ["Row\ttext\tnote\n1\ttext of 1\t'=1+1\n2\ttext of 2\t'=1+1"]);
    ask_table(&window.ctx, TableAsk::SelectAll);
    window.run_steps(2);
    assert_eq!(window.state().selection.len(), 20);
}

#[test]
fn columns_are_hidden_and_shown_in_their_menu() {
    let mut window = window(20, 1_000.0);
    let choose = |window: &mut Window, name: &str| {
        window.get_by_label("Choose columns").click();
        window.run_steps(3);
        window.get_by_label(name).click();
        window.run_steps(3);
        window.state_mut().take();
        window.key_press(Key::Escape);
        window.run_steps(4);
    };
    let tick = |window: &mut Window, name: &str| {
        window.get_by_label("Choose columns").click();
        window.run_steps(3);
        window.get_by_role_and_label(Role::CheckBox, name).click();
        window.run_steps(3);
        window.state_mut().take();
        assert!(window.query_by_role_and_label(Role::CheckBox, name).is_some(), "the menu stays open");
        window.key_press(Key::Escape);
        window.run_steps(4);
    };
    tick(&mut window, "shop");
    assert!(text(&window, "shop 3").is_none());
    assert!(window.query_by_role_and_label(Role::ColumnHeader, "shop").is_none());
    assert!(window.query_by_role_and_label(Role::ColumnHeader, "note").is_some());
    choose(&mut window, "Show all columns");
    assert!(text(&window, "shop 3").is_some());
    window.get_by_label("Choose columns").click();
    window.run_steps(3);
    let pinned = window.get_by_role_and_label(Role::CheckBox, "text");
    assert!(pinned.accesskit_node().is_disabled(), "the text is always shown");
}

/// Drags from one point to another.
fn drag(window: &mut Window, from: Pos2, to: Pos2) {
    window.event(Event::PointerMoved(from));
    window.run_steps(2);
    let button = |pos, pressed| {
        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
        Event::PointerButton { pos, button, pressed, modifiers }
    };
    window.event(button(from, true));
    for step in 1..=5 {
        window.event(Event::PointerMoved(from + (to - from) * (step as f32 / 5.0)));
        window.step();
    }
    window.event(button(to, false));
    window.run_steps(4);
}

#[test]
fn a_dragged_width_is_kept_and_the_text_makes_room() {
    let mut window = window(20, 1_200.0);
    let head = |window: &Window, name| window.get_by_role_and_label(Role::ColumnHeader, name).rect();
    let before = (head(&window, "text").left(), head(&window, "note").right());
    let edge = pos2(head(&window, "shop").right() + 8.0, head(&window, "shop").center().y);
    drag(&mut window, edge, edge + vec2(60.0, 0.0));
    window.state_mut().take();
    window.run_steps(3);
    let width = window.state().layouts["numbers"].widths["shop"];
    assert!((width - 180.0).abs() < 3.0, "{width}");
    let after = (head(&window, "text").left(), head(&window, "note").right());
    assert!((after.0 - before.0 - 60.0).abs() < 3.0, "{before:?} {after:?}");
    assert!((after.1 - before.1).abs() < 3.0, "the text is narrower now, and nothing else: {before:?} {after:?}");
    // Another window begins with the kept layout.
    let mut other = self::window(20, 1_200.0);
    other.state_mut().layouts = window.state().layouts.clone();
    other.run_steps(3);
    assert_eq!(head(&other, "text"), head(&window, "text"));
}

#[test]
fn a_double_click_on_an_edge_fits_the_column() {
    let mut window = window(20, 1_200.0);
    let head = window.get_by_role_and_label(Role::ColumnHeader, "note").rect();
    let edge = pos2(head.right() + 8.0, head.center().y);
    window.event(Event::PointerMoved(edge));
    window.run_steps(2);
    for _ in 0..2 {
        // Both in one frame, so that the second click is soon enough.
        let click = [true, false].map(|pressed| {
            let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
            Event::PointerButton { pos: edge, button, pressed, modifiers }
        });
        window.input_mut().events.extend(click);
        window.step();
    }
    window.run_steps(4);
    window.state_mut().take();
    let width = window.state().layouts["numbers"].widths["note"];
    assert!((40.0..120.0).contains(&width), "{width} for a short text, not 400");
}

/// The vertical lines of a frame that cross a height.
fn lines_at(window: &Window, y: f32) -> Vec<f32> {
    let line = |shape: &ClippedShape| match &shape.shape {
        Shape::LineSegment { points: [from, to], stroke } if (from.x - to.x).abs() < 0.01 && stroke.width > 0.0 => {
            (from.y.min(to.y) < y && y < from.y.max(to.y)).then_some(from.x)
        }
        _ => None,
    };
    window.output().shapes.iter().filter_map(line).collect()
}

#[test]
fn columns_are_parted_by_lines_and_there_is_none_beside_the_scroll_bar() {
    let window = window(1_000, 1_200.0);
    let (area, head) = (table(&window), text(&window, "Row").unwrap());
    for y in [head.center().y, row(&window, 2).center().y] {
        let lines = lines_at(&window, y);
        assert!(lines.len() >= 3, "{lines:?}");
        assert!(lines.iter().all(|x| *x < area.right() - 30.0), "{lines:?} in {area:?}");
    }
}

#[test]
fn an_empty_box_in_the_menu_of_columns_has_an_outline() {
    let mut window = window(10, 1_200.0);
    window.get_by_label("Choose columns").click();
    window.run_steps(6);
    let tick = window.get_by_role_and_label(Role::CheckBox, "note");
    tick.click();
    window.run_steps(4);
    window.event(Event::PointerMoved(pos2(1_270.0, 790.0)));
    window.run_steps(20);
    let place = window.get_by_role_and_label(Role::CheckBox, "note").rect();
    let strong = testing::theme(false).palette.border_strong;
    let outlined = window.output().shapes.iter().any(|shape| match &shape.shape {
        Shape::Rect(rect) => place.contains_rect(rect.rect) && rect.stroke.color == strong && rect.stroke.width >= 1.0,
        _ => false,
    });
    assert!(outlined, "no outline in {place:?}");
}
