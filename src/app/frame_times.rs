//! Measures frame times: the work of the window, and the shapes it sends to the graphics card.
//!
//! `HONE_FRAMES=/path/to/table.csv` measures another table than the generated one.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::{Context, RawInput, Rect, pos2, vec2};

use crate::app::app::{HoneApp, Start};
use crate::app::messages::AppCommand;
use crate::app::testing::results;
use crate::app::view::View;
use crate::project::{Project, Step};
use crate::storage::{AppSettings, ProjectFile, ThemeChoice};

/// Rows of the generated table.
const ROWS: usize = 15_000;
/// Frames measured per view.
const FRAMES: usize = 60;
/// The time for everything, including painting, at sixty frames per second.
const BUDGET: Duration = Duration::from_millis(16);

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

/// One frame as eframe makes it, without painting.
pub(super) fn frame(ctx: &Context, app: &mut HoneApp) -> Duration {
    let screen_rect = Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1280.0, 800.0)));
    let begun = Instant::now();
    let mut output = ctx.run_ui(RawInput { screen_rect, ..RawInput::default() }, |ui| {
        app.update(ui.ctx());
        app.draw(ui);
    });
    // Textures are sent to the graphics card unchanged.
    output.textures_delta.clear();
    let meshes = ctx.tessellate(output.shapes, output.pixels_per_point);
    assert!(!meshes.is_empty());
    begun.elapsed()
}

fn settle(ctx: &Context, app: &mut HoneApp) {
    let begun = Instant::now();
    for _ in 0..5 {
        frame(ctx, app);
    }
    while !app.is_idle() {
        frame(ctx, app);
        assert!(begun.elapsed().as_secs() < 120, "the workers are still busy");
        std::thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..5 {
        frame(ctx, app);
    }
}

fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let project_folder = folder.path().join("project");
    drop(ProjectFile::create(&project_folder, &Project::default(), false).unwrap());
    let ctx = Context::default();
    let settings = AppSettings { theme: ThemeChoice::Light, ..AppSettings::default() };
    let start = Start { project: Some(project_folder), settings, ..Start::default() };
    let mut app = HoneApp::new(&ctx, start).unwrap();
    app.run_command(AppCommand::OpenData(table(folder.path(), ROWS)));
    settle(&ctx, &mut app);
    app.state.work.answers.results.value = Some(results());
    let views = Step::ALL.map(View::Step).into_iter().chain([View::TryIt]);
    let mut slow = Vec::new();
    for view in views {
        app.state.view = view;
        settle(&ctx, &mut app);
        let mut times: Vec<Duration> = (0..FRAMES).map(|_| frame(&ctx, &mut app)).collect();
        times.sort_unstable();
        let (median, worst) = (times[FRAMES / 2], times[FRAMES - 1]);
        println!("{view:?}: median {median:.2?}, worst {worst:.2?}");
        if median > BUDGET {
            slow.push(view);
        }
    }
    assert!(slow.is_empty(), "too slow for 60 frames a second: {slow:?}");
}

mod by_hand {
    #[test]
    #[ignore = "a measurement: run it alone, in release, on a quiet machine"]
    fn frames_of_each_step_with_many_rows_are_fast() {
        super::measure();
    }
}
