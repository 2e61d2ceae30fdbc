//! Measures frame times while a table of a million rows scrolls: the work of the window, and the shapes it sends to the
//! graphics card.
//!
//! `HONE_FRAMES=/path/to/table.csv cargo nextest run --release --run-ignored only --no-capture scrolls_smoothly`
//! measures another table than the generated one.

use std::time::{Duration, Instant};

use egui::epaint::{ClippedShape, Shape};
use egui::{
    Context, Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase, Vec2, pos2,
    vec2,
};

use crate::app::app::{HoneApp, Start};
use crate::app::frame_times;
use crate::app::messages::AppCommand;
use crate::project::{Project, Step};
use crate::storage::{AppSettings, ProjectFile, ThemeChoice};

/// Rows of the generated table.
const ROWS: usize = 1_000_000;
/// Frames measured per way of scrolling.
const FRAMES: usize = 600;
/// Half of a frame at sixty frames per second, so that painting has the other half.
const BUDGET: Duration = Duration::from_millis(8);
/// Position of the pointer, over the table.
const OVER_ROWS: Pos2 = pos2(700.0, 800.0);
/// The window, tall enough for the whole table.
const SIZE: Vec2 = vec2(1280.0, 1100.0);

/// One frame as eframe makes it, without painting, and the largest row number in it.
fn frame(ctx: &Context, app: &mut HoneApp, events: Vec<Event>) -> (Duration, u64) {
    let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, SIZE));
    let input = RawInput { screen_rect, events, ..RawInput::default() };
    let begun = Instant::now();
    let mut output = ctx.run_ui(input, |ui| {
        app.update(ui.ctx());
        app.draw(ui);
    });
    let drawn = begun.elapsed();
    // Textures are sent to the graphics card unchanged.
    output.textures_delta.clear();
    let number = output.shapes.iter().filter_map(row_number).max().unwrap_or_default();
    let begun = Instant::now();
    let meshes = ctx.tessellate(output.shapes, output.pixels_per_point);
    assert!(!meshes.is_empty());
    (drawn + begun.elapsed(), number)
}

/// The number in the first column of the table.
fn row_number(shape: &ClippedShape) -> Option<u64> {
    let Shape::Text(text) = &shape.shape else { return None };
    // Nothing else is clipped to a cell of this size.
    let cell = shape.clip_rect.size();
    let in_table = text.pos.x < 340.0 && (cell.x - 84.0).abs() < 1.0 && cell.y < 40.0;
    in_table.then(|| text.galley.text().trim().replace(',', "").parse().ok()).flatten()
}

fn wait(ctx: &Context, app: &mut HoneApp, ready: impl Fn(&HoneApp) -> bool) {
    let begun = Instant::now();
    while !ready(app) {
        frame(ctx, app, Vec::new());
        assert!(begun.elapsed().as_secs() < 900, "the workers are still busy");
        std::thread::sleep(Duration::from_millis(50));
    }
    for _ in 0..10 {
        frame(ctx, app, Vec::new());
    }
}

fn report(name: &str, mut times: Vec<Duration>, reached: u64) -> Duration {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{name}: median {:.2?}, p99 {:.2?}, worst {:.2?}, up to row {reached}", at(0.5), at(0.99), at(1.0));
    at(0.99)
}

fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let project_folder = folder.path().join("project");
    drop(ProjectFile::create(&project_folder, &Project::default(), false).unwrap());
    let ctx = Context::default();
    let settings = AppSettings { theme: ThemeChoice::Light, ..AppSettings::default() };
    let start = Start { project: Some(project_folder), settings, ..Start::default() };
    let mut app = HoneApp::new(&ctx, start).unwrap();
    let begun = Instant::now();
    app.run_command(AppCommand::OpenData(frame_times::table(folder.path(), ROWS)));
    wait(&ctx, &mut app, |app| app.state.work.answers.rows.value.is_some());
    println!("read and prepared after {:.1?}", begun.elapsed());
    app.run_command(AppCommand::GoTo(Step::Labels));
    wait(&ctx, &mut app, |app| app.state.work.answers.profile.value.is_some());
    println!("profiled after {:.1?}", begun.elapsed());
    // Comparing all texts takes long and is not measured here.
    app.state.work.stop_comparing();
    wait(&ctx, &mut app, HoneApp::is_idle);
    let rows = app.state.work.answers.prepared().unwrap().examples.len();
    let mut slowest = Duration::ZERO;
    for (name, points) in [("by a line", 33.0), ("by a page", 400.0), ("far", 30_000.0)] {
        let (mut times, mut reached) = (Vec::new(), 0);
        for _ in 0..FRAMES {
            let delta = vec2(0.0, -points);
            let (unit, modifiers) = (MouseWheelUnit::Point, Modifiers::NONE);
            let (phase, source) = (TouchPhase::Move, MouseWheelSource::Unknown);
            let wheel = Event::MouseWheel { unit, delta, phase, source, modifiers };
            let (took, number) = frame(&ctx, &mut app, vec![Event::PointerMoved(OVER_ROWS), wheel]);
            times.push(took);
            reached = reached.max(number);
        }
        slowest = slowest.max(report(name, times, reached));
        assert!(reached > (FRAMES as u64 / 2).min(rows as u64 / 2), "the table did not scroll: {reached}");
    }
    slowest = slowest.max(by_keyboard(&ctx, &mut app));
    assert!(slowest < BUDGET, "too slow: {slowest:.2?}");
}

/// From row to row with the details open, starting at the end.
fn by_keyboard(ctx: &Context, app: &mut HoneApp) -> Duration {
    let press = |key| Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE };
    app.states.choose_first_row(&app.state);
    frame(ctx, app, vec![press(Key::End)]);
    let (mut times, mut reached) = (Vec::new(), 0);
    for _ in 0..FRAMES {
        let (took, number) = frame(ctx, app, vec![press(Key::ArrowUp)]);
        times.push(took);
        reached = reached.max(number);
    }
    report("by keyboard, details open", times, reached)
}

mod by_hand {
    #[test]
    #[ignore = "a measurement: run it alone, in release, on a quiet machine"]
    fn a_million_rows_scrolls_smoothly() {
        super::measure();
    }
}
