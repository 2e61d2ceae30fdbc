//! Long work: the requests to the workers.
//!
//! One worker trains, downloads and exports; another reads, prepares and predicts typed texts, so that the data steps
//! respond while a model is trained; a third one analyses the data, so that nothing else waits for that; a fourth one asks the
//! Hugging Face Hub, which may be silent for a while; and a fifth one lists and compares runs, which nothing must delay.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::Receiver;

use crate::data::{Checks, Prepared, RowQuery};
use crate::fetch::{FetchSettings, HubName};
use crate::predictor::Sampling;
use crate::project::{DatasetSettings, ModelChoice, Project};
use crate::storage::{RecentProject, RunFolder};
use crate::worker::{
    ChangeRuns, CheckTrainingRows, Classify, CompareRuns, CompareTexts, CompareWays, ContinueText, ConvertGguf,
    CountLabels, CountTextTokens, CountTokens, CountValues, EstimateRun, Evaluate, Export, ExportFormat, FetchModel,
    FillBlanks, FindLeaks, FindProblems, FindRows, FindSlices, FindTerms, Import, JobError, LabelRows, ListRuns,
    LoadRun, LogLine, LookUpModel, Pending, Prepare, Probabilities, ProfileRows, ReadRecent, ReadToLabel, RunChange,
    RunEvent, RunResults, Said, SaveBadRows, SaveLabelledRows, SearchHub, SharedData, Train, Worker, WorkerOptions,
};

use crate::app::answers::{Answers, LabelColumns};
use crate::app::live_run::{LiveRun, RunEnd};
use crate::app::slot::{Ended, Slot};

/// The workers and their answers about the open project.
pub struct Work {
    pub(super) heavy: Worker,
    preview: Worker,
    pub(super) background: Worker,
    hub: Worker,
    pub(super) runs: Worker,
    /// Where models are looked for, downloaded from and kept.
    models: Option<FetchSettings>,
    /// What they have read, for each other.
    data: SharedData,
    pub(super) training: Option<Training>,
    /// Recent projects that can be opened, the last one first. They are of no project.
    pub recent: Slot<Vec<RecentProject>>,
    /// Their answers.
    pub answers: Answers,
}

/// The current run.
pub(super) struct Training {
    pub(super) pending: Pending<Arc<RunResults>>,
    events: Receiver<RunEvent>,
}

impl Work {
    /// Starts the workers. `models`: where models are looked for, downloaded from and kept; `None`: where the environment says.
    /// `wake` is called after each of the workers' messages.
    ///
    /// # Errors
    /// If the operating system cannot start the threads.
    pub fn new(models: Option<FetchSettings>, wake: impl Fn() + Send + Sync + Clone + 'static) -> io::Result<Self> {
        // Without a home folder, what needs one says so.
        let models = models.or_else(|| FetchSettings::from_environment().ok());
        let preview = WorkerOptions { background_priority: false, models: models.clone() };
        let background = WorkerOptions { background_priority: true, ..preview.clone() };
        // Training uses the data that was read for the screen.
        let data = SharedData::default();
        Ok(Self {
            heavy: Worker::spawn_with(background.clone(), data.clone(), wake.clone())?,
            preview: Worker::spawn_with(preview.clone(), data.clone(), wake.clone())?,
            background: Worker::spawn_with(background, data.clone(), wake.clone())?,
            hub: Worker::spawn_with(preview.clone(), data.clone(), wake.clone())?,
            runs: Worker::spawn_with(preview, data.clone(), wake)?,
            models,
            data,
            training: None,
            recent: Slot::default(),
            answers: Answers::default(),
        })
    }

    /// Forgets everything about the project that was open, abandons its jobs, and gives its memory back to the system.
    pub fn forget_project(&mut self) {
        self.training = None;
        self.answers = Answers::default();
        self.data.forget();
        for worker in [&self.heavy, &self.preview, &self.background, &self.hub, &self.runs] {
            worker.forget();
        }
    }

    /// Reads what a person recognises the recent projects by.
    pub fn read_recent(&mut self, folders: Vec<PathBuf>) {
        self.recent.ask(&self.preview, ReadRecent { folders });
    }

    // Data.

    /// Reads the project's files again.
    pub fn import(&mut self, project: &Project, folder: PathBuf) {
        self.forget_data();
        self.answers.imported.ask(&self.preview, Import { project: project.clone(), folder });
    }

    /// Forgets the data, since the project no longer has a file.
    pub fn forget_data(&mut self) {
        self.answers.imported.clear();
        self.answers.labels.clear();
        self.answers.forget_rows();
    }

    /// Counts the labels as they are in the files, unless that has been done.
    pub fn count_labels(&mut self, dataset: &DatasetSettings) {
        let Some(imported) = self.answers.imported.value.clone() else { return };
        let of = LabelColumns::of(&imported, dataset);
        if of.is_empty() || self.answers.labels.about(&of).is_some() {
            return;
        }
        self.answers.labels.ask_about(of, &self.preview, CountLabels { dataset: Box::new(dataset.clone()), imported });
    }

    /// Prepares the data again. The old rows stay on screen until the new ones are there.
    pub fn prepare(&mut self, project: &Project, folder: &Path) {
        let Some(imported) = self.answers.imported.value.clone() else { return };
        self.abandon_looking();
        let (project, folder) = (Arc::new(project.clone()), Some(folder.to_owned()));
        self.answers.rows.ask(&self.preview, Prepare { project, imported, folder });
    }

    /// Abandons the analysis of the rows, since newer rows are being prepared.
    fn abandon_looking(&mut self) {
        let answers = &mut self.answers;
        answers.likeness.abandon();
        answers.leakage.abandon();
        answers.findings.abandon();
        answers.profile.abandon();
        answers.tokens.abandon();
    }

    /// Forgets what is known about the old rows, and starts to analyse the new ones.
    pub fn look_at_new_rows(&mut self) {
        let Some(rows) = self.answers.rows.value.clone() else { return };
        let findings = std::mem::take(&mut self.answers.findings.value);
        self.answers.forget_what_rows_said();
        // The old findings stay until there are new ones.
        self.answers.findings.value = findings;
        let prepared = Arc::clone(&rows.prepared);
        self.answers.profile.ask(&self.background, ProfileRows { source: rows });
        self.compare(prepared);
    }

    /// Finds the near-duplicates among the rows.
    pub fn compare(&mut self, prepared: Arc<Prepared>) {
        self.answers.leakage.clear();
        self.answers.likeness.clear();
        self.answers.likeness.ask(&self.background, CompareTexts { prepared });
    }

    /// Finds leakage once the texts have been compared. The old report stays until then.
    pub fn find_leaks(&mut self) {
        let Some(rows) = self.answers.rows.value.clone() else { return };
        let (project, imported, prepared) = (rows.project, rows.imported, rows.prepared);
        self.answers.leakage.ask(&self.background, FindLeaks { project, imported, prepared });
    }

    /// Finds leakage again if other leaks are ignored now.
    pub fn ignore_leaks(&mut self, project: &Project) {
        let Some(rows) = &mut self.answers.rows.value else { return };
        if rows.project.split.ignored_leaks != project.split.ignored_leaks {
            Arc::make_mut(&mut rows.project).split.ignored_leaks.clone_from(&project.split.ignored_leaks);
            // If texts are still being compared, leakage is checked after that.
            self.answers.leakage.abandon();
            if self.answers.likeness.value.is_some() {
                self.find_leaks();
            }
        }
    }

    /// Finds problems of the rows once their texts have been compared. The old findings stay until then.
    pub fn find_problems(&mut self, project: &Project, folder: PathBuf) {
        let Some(rows) = self.answers.rows.value.clone() else { return };
        let Some(likeness) = self.answers.likeness.value.clone() else {
            if !self.answers.likeness.is_running() {
                self.compare(rows.prepared);
            }
            return;
        };
        let (project, imported, prepared) = (project.clone(), rows.imported, rows.prepared);
        let job = FindProblems { checks: Checks::All, project, folder, imported, prepared, likeness };
        self.answers.findings.ask(&self.background, job);
    }

    /// Stops finding problems of the rows.
    pub fn stop_looking(&mut self) {
        self.answers.likeness.stop();
        self.answers.findings.stop();
    }

    /// Stops comparing texts and finding leakage.
    pub fn stop_comparing(&mut self) {
        self.answers.likeness.stop();
        self.answers.leakage.stop();
    }

    /// Writes the unreadable rows to a CSV file.
    pub fn save_bad_rows(&mut self, output: PathBuf) {
        let Some(imported) = self.answers.imported.value.clone() else { return };
        self.answers.saved_rows.ask(&self.preview, SaveBadRows { imported, output, may_replace: true });
    }

    /// Searches the rows.
    pub fn find_rows(&mut self, query: RowQuery) {
        let Some(source) = self.answers.rows.value.clone() else { return };
        self.answers.found.ask(&self.preview, FindRows { source, query });
    }

    /// Counts the values of a column.
    pub fn count_values(&mut self, column: String) {
        let Some(source) = self.answers.rows.value.clone() else { return };
        self.answers.values.ask_about(column.clone(), &self.preview, CountValues { source, column });
    }

    /// Counts the texts' tokens for a model.
    pub fn count_tokens(&mut self, model: PathBuf) {
        let Some(prepared) = self.answers.prepared().cloned() else { return };
        self.answers.tokens.ask_about(model.clone(), &self.background, CountTokens { prepared, model });
    }

    /// Counts the tokens of one text.
    pub fn count_text_tokens(&mut self, text: String, model: PathBuf) {
        let of = (text.clone(), model.clone());
        self.answers.text_tokens.ask_about(of, &self.preview, CountTextTokens { text, model });
    }

    // Models and runs.

    /// Where models are looked for, downloaded from and kept; `None` if the system has no home folder.
    #[must_use]
    pub fn models(&self) -> Option<&FetchSettings> {
        self.models.as_ref()
    }

    /// Downloads a model, unless one is being downloaded.
    pub fn fetch(&mut self, model: ModelChoice) {
        if !self.answers.fetch.is_running() {
            self.answers.fetch.ask_about(model.clone(), &self.heavy, FetchModel { model });
        }
    }

    /// Turns a GGUF file into a model folder.
    pub fn convert(&mut self, file: PathBuf) {
        self.answers.converted.ask_about(file.clone(), &self.hub, ConvertGguf { file, out: None });
    }

    /// Searches the Hugging Face Hub.
    pub fn search_hub(&mut self, words: String) {
        self.answers.look_up.clear();
        self.answers.hub_search.ask_about(words.clone(), &self.hub, SearchHub { words });
    }

    /// Looks a model of the Hub up.
    pub fn look_up(&mut self, name: HubName) {
        self.answers.look_up.ask_about(name.clone(), &self.hub, LookUpModel { name });
    }

    /// Estimates the time, memory and disk space of a run with these settings. `may_fetch`: the person agreed to download the
    /// model.
    pub fn estimate_run(&mut self, project: &Project, folder: PathBuf, may_fetch: bool) {
        if !self.answers.forecast.is_running() && !self.answers.is_training() {
            let job = EstimateRun { project: project.clone(), folder, may_fetch };
            self.answers.forecast.ask_about(project.clone(), &self.heavy, job);
        }
    }

    /// Estimates a run for each way to train. The model must be on this machine.
    pub fn compare_ways(&mut self, project: &Project, folder: PathBuf) {
        if !self.answers.ways.is_running() && !self.answers.is_training() {
            let job = CompareWays { project: project.clone(), folder, may_fetch: false };
            self.answers.ways.ask_about(project.clone(), &self.heavy, job);
        }
    }

    /// Reads a finished run. What its model is to label is chosen again, and no other model's text is shown.
    pub fn load_run(&mut self, run: PathBuf) {
        self.answers.forget_file_to_label();
        self.answers.continued.clear();
        self.answers.classify.clear();
        self.answers.blanks.clear();
        self.answers.results.ask(&self.preview, LoadRun { run });
    }

    /// Lists the project's runs. `recent`: where to look for adapted models; `None` if there is no need to.
    pub fn list_runs(&mut self, folder: PathBuf, recent: Option<Vec<PathBuf>>) {
        let before = self.answers.runs.value.clone();
        self.answers.runs.ask(&self.runs, ListRuns { folder, before, recent });
    }

    /// Moves runs to the bin and back, or frees their disk space, unless that is being done.
    pub fn change_runs(&mut self, change: RunChange) {
        if !self.answers.run_change.is_running() {
            self.answers.run_change.ask(&self.runs, ChangeRuns { change });
        }
    }

    /// Compares runs with the first of them.
    pub fn compare_runs(&mut self, runs: Vec<PathBuf>) {
        self.answers.compared.ask_about(runs.clone(), &self.runs, CompareRuns { runs });
    }

    /// Predicts typed texts with the shown run's model.
    pub fn classify(&mut self, texts: Vec<String>) {
        let Some(results) = &self.answers.results.value else { return };
        let model = results.folder.join("best");
        self.answers.classify.ask(&self.preview, Classify { model, texts });
    }

    /// Fills the blanks of a typed text with the shown run's model, and with the model before training.
    pub fn fill_blanks(&mut self, text: String) {
        let Some((before, after)) = self.before_and_after() else { return };
        self.answers.blanks.ask(&self.preview, FillBlanks { before, after, text });
    }

    /// Continues a typed text with the shown run's model, and with the model before training.
    pub fn continue_text(&mut self, text: String, sampling: Sampling) {
        let Some((before, after)) = self.before_and_after() else { return };
        self.answers.continued.ask(&self.preview, ContinueText { before: Some(before), after, text, sampling });
    }

    /// The model before training with the project's folder, and the folder of the trained model, of the shown run.
    fn before_and_after(&self) -> Option<((ModelChoice, PathBuf), PathBuf)> {
        let results = self.answers.results.value.as_ref()?;
        let project_folder = results.folder.ancestors().nth(2).unwrap_or(&results.folder).to_owned();
        Some(((results.settings.project.model.clone(), project_folder), results.folder.join("best")))
    }

    /// Finds the terms of the texts.
    pub fn find_terms(&mut self, model: PathBuf) {
        let Some(rows) = self.answers.rows.value.clone() else { return };
        self.answers.terms.ask_about(model.clone(), &self.background, FindTerms { rows, model });
    }

    /// Evaluates the shown run on another file.
    pub fn evaluate(&mut self, data: PathBuf) {
        let Some(results) = self.answers.results.value.as_ref().filter(|_| self.answers.job().is_none()) else {
            return;
        };
        let job = Evaluate { run: results.folder.clone(), data: Some(data), reading: DatasetSettings::default() };
        self.answers.evaluated.ask(&self.heavy, job);
    }

    /// Looks for training rows that the shown run gets wrong.
    pub fn check_training_rows(&mut self) {
        let Some(results) = self.answers.results.value.as_ref().filter(|_| self.answers.job().is_none()) else {
            return;
        };
        let run = results.folder.clone();
        self.answers.training_mistakes.ask_about(run.clone(), &self.heavy, CheckTrainingRows { run });
    }

    /// Compares the slices of the shown run's rows.
    pub fn compare_slices(&mut self) {
        let Some(results) = self.answers.results.value.as_ref().filter(|_| self.answers.job().is_none()) else {
            return;
        };
        let run = results.folder.clone();
        self.answers.slices.ask_about(run.clone(), &self.heavy, FindSlices { run });
    }

    /// Reads a file whose rows are to be labelled with the shown run's model.
    pub fn read_file_to_label(&mut self, input: PathBuf) {
        let Some(results) = &self.answers.results.value else { return };
        let model = results.folder.join("best");
        self.answers.forget_file_to_label();
        self.read_to_label(ReadToLabel {
            model,
            input,
            reading: DatasetSettings::default(),
            text_column: None,
            may_guess: true,
        });
    }

    /// Reads a file whose rows are to be labelled. What was predicted for it as it was read before is forgotten.
    pub fn read_to_label(&mut self, question: ReadToLabel) {
        self.answers.forget_predictions();
        self.answers.to_label.ask(&self.preview, question);
    }

    /// Predicts the rows of the file that was read.
    pub fn label_rows(&mut self) {
        let Some(file) = self.answers.to_label.value.clone().filter(|_| self.answers.job().is_none()) else { return };
        self.answers.saved_labels.clear();
        self.answers.labelled.ask(&self.heavy, LabelRows { file, probabilities: Probabilities::Calibrated });
    }

    /// Writes the rows and their predictions to a file.
    pub fn save_labelled(&mut self, output: PathBuf, threshold: Option<f32>) {
        let Some(rows) = self.answers.labelled.value.clone().filter(|_| self.answers.job().is_none()) else { return };
        // The system's dialog asks before a file is replaced.
        let job = SaveLabelledRows { rows, output, may_replace: true, threshold, raw: false };
        self.answers.saved_labels.ask(&self.heavy, job);
    }

    /// Exports the shown run's model.
    pub fn export(&mut self, format: ExportFormat, output: PathBuf) {
        let Some(results) = self.answers.results.value.as_ref().filter(|_| self.answers.job().is_none()) else {
            return;
        };
        let job = Export { run: results.folder.clone(), format, output };
        self.answers.exported.ask_about(format, &self.heavy, job);
    }

    // Training.

    /// Starts training, or goes on with an interrupted run. `may_fetch`: the person agreed to download the model.
    pub fn train(&mut self, project: &Project, folder: PathBuf, may_fetch: bool, resumed: Option<RunFolder>) {
        if self.answers.is_training_or_studying() {
            return;
        }
        let (sender, events) = crossbeam_channel::unbounded();
        let pending = self.heavy.submit(Train { project: project.clone(), folder, may_fetch, resumed, events: sender });
        self.training = Some(Training { pending, events });
        self.answers.live = Some(LiveRun::default());
    }

    /// Pauses the run, or lets it continue. The run reports when it has.
    pub fn set_paused(&mut self, paused: bool) {
        if let Some(training) = &self.training {
            training.pending.set_paused(paused);
        }
    }

    /// Stops the run and keeps the best checkpoint so far. Called a second time, the run ends at once.
    pub fn stop_training(&mut self) {
        if let (Some(training), Some(live)) = (&mut self.training, &mut self.answers.live) {
            live.stops += 1;
            live.handed_over = false;
            training.pending.cancel();
        }
    }

    /// Ends the run at once, without evaluating its best checkpoint.
    pub fn end_training(&mut self) {
        self.stop_training();
        self.stop_training();
    }

    /// Handles the run's messages. Returns whether training has begun, and how the run ended.
    pub fn poll_training(&mut self) -> (bool, Option<Ended>) {
        let (Some(Training { pending, events }), Some(live)) = (&mut self.training, &mut self.answers.live) else {
            return (false, None);
        };
        let answer = pending.answer();
        let mut began = false;
        for said in pending.said() {
            match said {
                Said::Progress(progress) => live.progress = Some(progress),
                Said::Log(line) => live.log.push(line),
                Said::Event => {
                    if let Ok(event) = events.try_recv() {
                        began |= matches!(event, RunEvent::Started(_));
                        live.take_in(event);
                    }
                }
            }
        }
        let Some(answer) = answer else { return (began, None) };
        self.training = None;
        let (end, ended) = match answer {
            Ok(results) => {
                self.answers.results.clear();
                self.answers.results.value = Some(results);
                self.answers.evaluated.value = None;
                self.answers.classify.clear();
                self.answers.blanks.clear();
                self.answers.continued.clear();
                (RunEnd::Finished, Ended::Answered)
            }
            Err(JobError::Cancelled) => (RunEnd::Cancelled, Ended::Stopped),
            Err(JobError::Failed(message)) => {
                live.log.push(LogLine::warning(message.clone()));
                (RunEnd::Failed(message.clone()), Ended::Failed { title: "Training failed".to_owned(), message })
            }
        };
        live.finish(end);
        if ended == Ended::Answered {
            self.answers.forget_file_to_label();
        }
        (began, Some(ended))
    }
}
