//! Measures frame times of every page with a million rows: the work of the window, and the shapes it sends to the graphics
//! card, while the pointer moves over the page and the wheel turns.
//!
//! `cargo nextest run --release --run-ignored only --no-capture frames_of_each_page`; `HONE_FRAMES=/path/to/table.csv` measures
//! another table than the generated one.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::epaint::ClippedShape;
use egui::{
    Context, Event, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase, Vec2, pos2, vec2,
};

use crate::app::app::{HoneApp, Start};
use crate::app::messages::AppCommand;
use crate::app::testing::results;
use crate::app::view::View;
use crate::project::{Project, Step};
use crate::storage::{AppSettings, ProjectFile, ThemeChoice};

/// Rows of the generated table.
const ROWS: usize = 1_000_000;
/// Frames measured per page.
const FRAMES: usize = 600;
/// Half of a frame at sixty frames per second, so that painting has the other half.
pub(super) const BUDGET: Duration = Duration::from_millis(8);
/// The window.
pub(super) const SIZE: Vec2 = vec2(1280.0, 800.0);

/// The table to measure: the one named in the environment, or a generated one.
pub(super) fn table(folder: &std::path::Path, rows: usize) -> PathBuf {
    if let Some(path) = std::env::var_os("HONE_FRAMES") {
        return path.into();
    }
    let mut text = String::from("text,label\n");
    for row in 0..rows {
        let label = ["good", "bad", "neither"][row % 3];
        writeln!(text, "\"Order {row} came late, <b>again</b>, and item {} was broken\",{label}", row % 97).unwrap();
    }
    let path = folder.join("rows.csv");
    std::fs::write(&path, text).unwrap();
    path
}

/// The wheel turned by this many points.
pub(super) fn wheel(points: f32) -> Event {
    let (unit, modifiers) = (MouseWheelUnit::Point, Modifiers::NONE);
    let (phase, source) = (TouchPhase::Move, MouseWheelSource::Unknown);
    Event::MouseWheel { unit, delta: vec2(0.0, points), phase, source, modifiers }
}

/// One frame as eframe makes it, without painting: how long it took, and what it drew.
pub(super) fn frame(ctx: &Context, app: &mut HoneApp, size: Vec2, events: Vec<Event>) -> (Duration, Vec<ClippedShape>) {
    let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, size));
    let begun = Instant::now();
    let mut output = ctx.run_ui(RawInput { screen_rect, events, ..RawInput::default() }, |ui| {
        app.update(ui.ctx());
        app.draw(ui);
    });
    // Textures are sent to the graphics card unchanged.
    output.textures_delta.clear();
    let drawn = begun.elapsed();
    let shapes = output.shapes.clone();
    let begun = Instant::now();
    let meshes = ctx.tessellate(output.shapes, output.pixels_per_point);
    assert!(!meshes.is_empty());
    (drawn + begun.elapsed(), shapes)
}

/// Draws frames until the app is ready.
pub(super) fn wait(ctx: &Context, app: &mut HoneApp, size: Vec2, ready: impl Fn(&HoneApp) -> bool) {
    let begun = Instant::now();
    while !ready(app) {
        frame(ctx, app, size, Vec::new());
        assert!(begun.elapsed().as_secs() < 900, "the workers are still busy");
        std::thread::sleep(Duration::from_millis(50));
    }
    for _ in 0..10 {
        frame(ctx, app, size, Vec::new());
    }
}

/// Prints the middle, the 99th percentile and the worst, and returns the 99th percentile.
pub(super) fn report(name: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{name}: median {:.2?}, p99 {:.2?}, worst {:.2?}", at(0.5), at(0.99), at(1.0));
    at(0.99)
}

/// The app with a million rows, read, prepared and profiled.
pub(super) fn with_rows(ctx: &Context, folder: &std::path::Path, size: Vec2) -> HoneApp {
    let project_folder = folder.join("project");
    drop(ProjectFile::create(&project_folder, &Project::default(), false).unwrap());
    let settings = AppSettings { theme: ThemeChoice::Light, ..AppSettings::default() };
    let start = Start { project: Some(project_folder), settings, ..Start::default() };
    let mut app = HoneApp::new(ctx, start).unwrap();
    let begun = Instant::now();
    app.run_command(AppCommand::OpenData(table(folder, ROWS)));
    wait(ctx, &mut app, size, |app| app.state.work.answers.rows.value.is_some());
    println!("read and prepared after {:.1?}", begun.elapsed());
    app.run_command(AppCommand::GoTo(Step::Labels));
    wait(ctx, &mut app, size, |app| app.state.work.answers.profile.value.is_some());
    println!("profiled after {:.1?}", begun.elapsed());
    // Comparing all texts takes long and is not measured here.
    app.state.work.stop_comparing();
    wait(ctx, &mut app, size, HoneApp::is_idle);
    app
}

fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = Context::default();
    let mut app = with_rows(&ctx, folder.path(), SIZE);
    app.state.work.answers.results.value = Some(results());
    let mut slow = Vec::new();
    for view in View::ALL {
        app.state.view = view;
        wait(&ctx, &mut app, SIZE, HoneApp::is_idle);
        let times = (0..FRAMES).map(|nth| {
            // Down the page and up again, while the pointer goes round over it.
            let turn = wheel(if nth % 200 < 100 { -60.0 } else { 60.0 });
            let angle = nth as f32 * 0.05;
            let pointer = pos2(SIZE.x * (0.58 + 0.3 * angle.cos()), SIZE.y * (0.5 + 0.3 * angle.sin()));
            frame(&ctx, &mut app, SIZE, vec![Event::PointerMoved(pointer), turn]).0
        });
        let times = times.collect();
        if report(view.title(), times) > BUDGET {
            slow.push(view);
        }
    }
    assert!(slow.is_empty(), "too slow: {slow:?}");
}

mod by_hand {
    #[test]
    #[ignore = "a measurement: run it alone, in release, on a quiet machine"]
    fn frames_of_each_page_with_a_million_rows_are_fast() {
        super::measure();
    }
}
