//! The RON files: a project, and what its runs and models record. A project that can be read stays the same when saved.
#![no_main]

use hone::storage::{MODEL_INFO_FILE, PROJECT_FILE, ProjectFile, RunFolder, read_model_info};
use hone_fuzz::written;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = written(PROJECT_FILE, bytes);
    let folder = path.parent().expect("the file is in a folder");
    if let Ok((_, project)) = ProjectFile::read(&path) {
        let copy = folder.join("copy");
        let file = ProjectFile::create(&copy, &project, true).expect("a project can be saved");
        let (_, again) = ProjectFile::read(&copy).expect("a saved project can be read");
        drop(file);
        // NaN does not equal itself.
        assert_eq!(format!("{project:?}"), format!("{again:?}"));
    }
    written(MODEL_INFO_FILE, bytes);
    _ = read_model_info(folder);
    for name in ["settings.ron", "status.ron", "figures.ron", "metrics.jsonl"] {
        written(name, bytes);
    }
    let run = RunFolder::open(folder).expect("the folder exists");
    _ = run.read_settings();
    _ = run.read_status();
    _ = run.read_comparison();
    _ = run.read_metrics();
});
