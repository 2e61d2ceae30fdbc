//! The job that saves the curves of runs.

use std::path::PathBuf;

use crate::export::{self, CurvesFormat, CurvesOfRun};
use crate::project::{Project, TrainedLayers};
use crate::storage::{EvaluationPoint, ProjectFile, RunFolder, StepMetrics};
use crate::worker::titles::{listing_of, title};
use crate::worker::{Context, Job, JobError};

/// Saves the curves of runs of a project as a picture or a table. A run that is training has those so far.
#[derive(Clone, Debug)]
pub struct SaveCurves {
    /// The runs' folders.
    pub runs: Vec<PathBuf>,
    /// What to write.
    pub format: CurvesFormat,
    /// The file to write.
    pub output: PathBuf,
    /// Whether a file with that name may be replaced.
    pub may_replace: bool,
}

/// A run as it is read.
struct Read {
    name: String,
    trained: String,
    is_instant: bool,
    steps: Vec<StepMetrics>,
    evaluations: Vec<EvaluationPoint>,
}

impl Job for SaveCurves {
    type Answer = PathBuf;
    const TITLE: &'static str = "Saving the curves";

    fn run(self, context: &mut Context<'_>) -> Result<PathBuf, JobError> {
        let Self { runs, format, output, may_replace } = self;
        let mut read = Vec::with_capacity(runs.len());
        let mut project = String::new();
        for path in runs {
            context.control.look()?;
            let run = RunFolder::open(&path)?;
            project = project_name(&run);
            read.push(Read::of(&run)?);
        }
        let title = match read.as_slice() {
            [] => return Err(JobError::Failed("Choose a run whose curves to save.".to_owned())),
            [run] if run.trained.is_empty() => format!("{project} · {}", run.name),
            [run] => format!("{project} · {} · {}", run.name, run.trained),
            _ => project,
        };
        let curves: Vec<CurvesOfRun<'_>> = read.iter().map(Read::curves).collect();
        export::write_curves(&title, &curves, format, (&output, may_replace))?;
        Ok(output)
    }
}

impl Read {
    fn of(run: &RunFolder) -> Result<Self, JobError> {
        let (steps, evaluations) = run.read_metrics()?;
        // Its curves are of use without its settings.
        let settings = run.read_settings().ok();
        let project = settings.as_ref().map(|settings| &settings.project);
        let listing = listing_of(run)?;
        let mut name = title(run, listing.as_ref(), settings.as_ref());
        if let Some(own) = listing.map(|listing| listing.notes.name).filter(|own| !own.is_empty()) {
            name = format!("{name}, {own}");
        }
        Ok(Self {
            name,
            trained: project.map(Project::trained_in_words).unwrap_or_default(),
            is_instant: project.is_some_and(|project| project.training.trained_layers == TrainedLayers::Instant),
            steps,
            evaluations,
        })
    }

    fn curves(&self) -> CurvesOfRun<'_> {
        CurvesOfRun {
            name: self.name.clone(),
            is_instant: self.is_instant,
            steps: &self.steps,
            evaluations: &self.evaluations,
        }
    }
}

/// The name of a run's project, or of its folder.
fn project_name(run: &RunFolder) -> String {
    let folder = run.project_folder();
    let named = ProjectFile::read(folder).map(|(_, project)| project.name);
    named.unwrap_or_else(|_| folder.file_name().unwrap_or_default().to_string_lossy().into_owned())
}
