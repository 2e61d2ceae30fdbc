//! Files about runs that a person asks for: reports and curves.

use std::path::{Path, PathBuf};

use crate::app::app::HoneApp;
use crate::app::messages::CurvesFile;
use crate::app::slot::Ended;
use crate::app::work::Work;
use crate::worker::{CurvesFormat, ReportFormat, SaveCurves, SaveReport};

/// What was written, where, and what proves that it is right.
type Written = (&'static str, PathBuf, String);

impl Work {
    /// Writes a report on the shown run. A name without a known ending gets that of a web page.
    pub fn save_report(&mut self, output: PathBuf) {
        let Some(results) = self.answers.results.value.as_ref().filter(|_| self.answers.job().is_none()) else {
            return;
        };
        let output = if ReportFormat::of(&output).is_some() { output } else { with_ending(&output, "html") };
        // The system's dialog asks before a file is replaced.
        let job = SaveReport { run: results.folder.clone(), output, may_replace: true };
        self.answers.report.ask(&self.background, job);
    }

    /// Saves the curves of runs. The ending of the file's name counts; without one that is known, it gets that of the format.
    pub fn save_curves(&mut self, CurvesFile { runs, format }: CurvesFile, output: PathBuf) {
        let named = CurvesFormat::of(&output);
        let output = if named.is_some() { output } else { with_ending(&output, format.extension()) };
        let job = SaveCurves { runs, format: named.unwrap_or(format), output, may_replace: true };
        self.answers.saved_curves.ask(&self.runs, job);
    }
}

/// The path with an ending more.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}

impl HoneApp {
    /// What was written about runs since the last call, and how that ended.
    pub(super) fn take_in_run_files(&mut self) -> (Vec<Written>, [Option<Ended>; 2]) {
        let answers = &mut self.state.work.answers;
        let ended = [answers.report.poll(), answers.saved_curves.poll()];
        let files = [("Report", answers.report.value.take()), ("Curves", answers.saved_curves.value.take())];
        let written = files.into_iter().filter_map(|(what, path)| Some((what, path?, String::new())));
        (written.collect(), ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::{app, hone, settle, told};
    use crate::storage::ThemeChoice;

    #[test]
    fn a_path_gets_its_ending_and_keeps_what_it_has() {
        assert_eq!(with_ending(Path::new("a/report.v2"), "html"), Path::new("a/report.v2.html"));
        assert_eq!(with_ending(Path::new("curves"), "svg"), Path::new("curves.svg"));
    }

    #[test]
    fn curves_that_cannot_be_saved_are_told() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let file = CurvesFile { runs: vec![folder.path().join("gone")], format: CurvesFormat::Svg };
        hone(&mut window).state.work.save_curves(file, folder.path().join("curves.svg"));
        settle(&mut window);
        assert_eq!(told(&mut window), "Saving the curves failed");
        assert!(!folder.path().join("curves.svg").exists());
    }
}
