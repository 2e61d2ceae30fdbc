//! Measures what a closed project leaves behind: the memory of this process before a large project, with it, and after another
//! project is opened in its place.

use std::time::{Duration, Instant};

use crate::app::app::HoneApp;
use crate::app::frame_times;
use crate::app::messages::AppCommand;
use crate::app::testing::{app, hone, settle};
use crate::project::{Project, Step};
use crate::storage::{ProjectFile, ThemeChoice};

/// Rows of the large project.
const ROWS: usize = 300_000;
/// Memory that may stay, in bytes.
const STAYS: u64 = 200 << 20;

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let mut system = sysinfo::System::new().unwrap();
    let pid = sysinfo::get_current_pid().unwrap();
    let what = sysinfo::ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::Some(&[pid]), false, what);
    system.process(pid).unwrap().memory()
}

fn measure() {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    let begun = resident();
    hone(&mut window).run_command(AppCommand::OpenData(frame_times::table(folder.path(), ROWS)));
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
    settle(&mut window);
    let open = resident();
    let other = folder.path().join("other");
    drop(ProjectFile::create(&other, &Project::default(), false).unwrap());
    hone(&mut window).run_command(AppCommand::OpenProject(other));
    let closed = Instant::now();
    while closed.elapsed() < Duration::from_secs(5) {
        settle(&mut window);
    }
    assert!(window.state().as_ref().is_some_and(HoneApp::is_idle));
    let stays = resident();
    let mib = |bytes: u64| bytes >> 20;
    println!("before {} MiB, {ROWS} rows open {} MiB, closed {} MiB", mib(begun), mib(open), mib(stays));
    assert!(stays < begun + STAYS, "a closed project keeps {} MiB", mib(stays - begun));
}

mod by_hand {
    #[test]
    #[ignore = "a measurement: run it alone"]
    fn a_closed_project_gives_its_memory_back() {
        super::measure();
    }
}
