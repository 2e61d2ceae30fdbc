//! Measures frame times while a table of a million rows scrolls: the work of the window, and the shapes it sends to the
//! graphics card.
//!
//! `HONE_FRAMES=/path/to/table.csv cargo nextest run --release --run-ignored only --no-capture scrolls_smoothly`
//! measures another table than the generated one.

use std::time::Duration;

use egui::epaint::{ClippedShape, Shape};
use egui::{Context, Event, Key, Modifiers, Pos2, Vec2, pos2, vec2};

use crate::app::app::HoneApp;
use crate::app::frame_times::{BUDGET, frame, report, wheel, with_rows};

/// Frames measured per way of scrolling.
const FRAMES: usize = 600;
/// Position of the pointer, over the table.
const OVER_ROWS: Pos2 = pos2(700.0, 800.0);
/// The window, tall enough for the whole table.
const SIZE: Vec2 = vec2(1280.0, 1100.0);

/// The largest row number that was drawn.
fn largest_row(shapes: &[ClippedShape]) -> u64 {
    shapes.iter().filter_map(row_number).max().unwrap_or_default()
}

/// The number in the first column of the table.
fn row_number(shape: &ClippedShape) -> Option<u64> {
    let Shape::Text(text) = &shape.shape else { return None };
    // Nothing else is clipped to a cell of this size.
    let cell = shape.clip_rect.size();
    let in_table = text.pos.x < 340.0 && (cell.x - 84.0).abs() < 1.0 && cell.y < 40.0;
    in_table.then(|| text.galley.text().trim().replace(',', "").parse().ok()).flatten()
}

fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = Context::default();
    let mut app = with_rows(&ctx, folder.path(), SIZE);
    let rows = app.state.work.answers.prepared().unwrap().examples.len();
    let mut slowest = Duration::ZERO;
    for (name, points) in [("by a line", 33.0), ("by a page", 400.0), ("far", 30_000.0)] {
        let (mut times, mut reached) = (Vec::new(), 0);
        for _ in 0..FRAMES {
            let (took, shapes) = frame(&ctx, &mut app, SIZE, vec![Event::PointerMoved(OVER_ROWS), wheel(-points)]);
            times.push(took);
            reached = reached.max(largest_row(&shapes));
        }
        slowest = slowest.max(report(&format!("{name}, to row {reached}"), times));
        assert!(reached > (FRAMES as u64 / 2).min(rows as u64 / 2), "the table did not scroll: {reached}");
    }
    slowest = slowest.max(by_keyboard(&ctx, &mut app));
    assert!(slowest < BUDGET, "too slow: {slowest:.2?}");
}

/// From row to row with the details open, starting at the end.
fn by_keyboard(ctx: &Context, app: &mut HoneApp) -> Duration {
    let press = |key| Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE };
    app.states.choose_first_row(&app.state);
    frame(ctx, app, SIZE, vec![press(Key::End)]);
    let times = (0..FRAMES).map(|_| frame(ctx, app, SIZE, vec![press(Key::ArrowUp)]).0).collect();
    report("by keyboard, details open", times)
}

mod by_hand {
    #[test]
    #[ignore = "a measurement: run it alone, in release, on a quiet machine"]
    fn a_million_rows_scrolls_smoothly() {
        super::measure();
    }
}
