//! Test data for the window: results of a real classifier, quickly trained on the sample reviews.
//!
//! It is a softmax regression on hashed words. It does not use candle, so that the window is tested alone, yet its curves,
//! probabilities and errors are realistic.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use egui_kittest::Harness;

use crate::app::answers::Answers;
use crate::app::app::{HoneApp, Start};
use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::theme::{Theme, Tokens};
use crate::data::{Imported, Prepared, Target};
use crate::evaluation::{
    Answer, Baseline, BaselineName, ClassAnswer, ClassProbabilities, ClassificationDetails, ClassificationMetrics,
    Metrics, Prediction, Tested, argmax, fit_temperature, macro_f1_difference, macro_f1_interval, majority_baseline,
};
use crate::fetch::{Endpoints, FetchSettings};
use crate::progress::{Control, Watch};
use crate::project::{
    ClassificationSettings, ColumnRole, DatasetSettings, Facts, LabelSettings, MetricName, Project, RowId, SourceFile,
    Task,
};
use crate::storage::{
    AppSettings, EvaluationPoint, RUN_SCHEMA_VERSION, RunComparison, RunSettings, RunSummary, StepMetrics, StopReason,
    ThemeChoice,
};
use crate::worker::{RowSource, RunResults, Survey};

const FEATURES: usize = 4096;
const EPOCHS: usize = 6;
const BATCH: usize = 16;
const CLASSES: usize = 3;
const PEAK: f64 = 2.0;

/// The light or the dark theme.
pub fn theme(dark: bool) -> Theme {
    let [light, dark_theme] = Theme::pair(&Tokens::bundled().unwrap());
    if dark { dark_theme } else { light }
}

/// The results of a run on the sample reviews.
pub fn results() -> Arc<RunResults> {
    static RESULTS: OnceLock<Arc<RunResults>> = OnceLock::new();
    RESULTS.get_or_init(|| Arc::new(Run::train().finish())).clone()
}

/// Writes a picture of the last frame to the folder in the environment variable `HONE_PICTURES`, if it is set.
pub fn picture<S>(name: &str, harness: &mut Harness<'_, S>) {
    let Some(folder) = std::env::var_os("HONE_PICTURES") else { return };
    let image = harness.render().unwrap_or_else(|error| panic!("{name} cannot be drawn: {error}"));
    image.save(PathBuf::from(folder).join(format!("{name}.png"))).unwrap();
}

/// Compares the frame with the picture in `tests/snapshots`.
pub fn widget_snapshot<S>(name: &str, harness: &mut Harness<'_, S>) {
    harness.run();
    harness.snapshot(name);
}

/// A file of the example data sets, in the folder `shared/data` beside the repository.
pub fn shared(path: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    assert!(path.exists(), "this test needs the example data sets: {} does not exist", path.display());
    path
}

/// A window of 1280 x 800 points at two pixels per point, with the theme installed.
pub fn window<'a, S>(dark: bool, state: S, ui: impl FnMut(&mut egui::Ui, &mut S) + 'a) -> Harness<'a, S>
where
    S: 'a,
{
    sized_window([1280.0, 800.0], 2.0, dark, state, ui)
}

/// A window of `size` points at `scale` pixels per point, with the theme installed.
pub fn sized_window<'a, S>(
    size: [f32; 2],
    scale: f32,
    dark: bool,
    state: S,
    ui: impl FnMut(&mut egui::Ui, &mut S) + 'a,
) -> Harness<'a, S>
where
    S: 'a,
{
    let themes = Theme::pair(&Tokens::bundled().unwrap());
    Harness::builder()
        .with_size(size)
        .with_pixels_per_point(scale)
        .with_theme(if dark { egui::Theme::Dark } else { egui::Theme::Light })
        .with_context_setup(move |ctx| Theme::install(ctx, &themes))
        .build_ui_state(ui, state)
}

struct Row {
    id: RowId,
    text: String,
    label: usize,
    words: Vec<usize>,
}

struct Run {
    rows: Vec<Row>,
    weights: Vec<[f64; CLASSES]>,
    steps: Vec<StepMetrics>,
    evaluations: Vec<EvaluationPoint>,
}

fn labels() -> Vec<String> {
    ["negative", "neutral", "positive"].map(str::to_owned).to_vec()
}

impl Run {
    fn train() -> Self {
        let mut run =
            Self { rows: read(), weights: vec![[0.0; CLASSES]; FEATURES], steps: vec![], evaluations: vec![] };
        let train: Vec<usize> = (0..run.rows.len()).filter(|row| row % 10 < 7).collect();
        let per_epoch = train.len().div_ceil(BATCH);
        let total = per_epoch * EPOCHS;
        for step in 0..total {
            let from = (step % per_epoch) * BATCH;
            let batch = &train[from..(from + BATCH).min(train.len())];
            let progress = step as f64 / total as f64;
            let rate = PEAK * (progress / 0.1).min((1.0 - progress) / 0.9);
            run.step(step, batch, rate, per_epoch);
            if (step + 1) % per_epoch == 0 {
                run.evaluate(step as u64 + 1, (step + 1) as f64 / per_epoch as f64);
            }
        }
        run
    }

    fn step(&mut self, step: usize, batch: &[usize], rate: f64, per_epoch: usize) {
        let (mut loss, mut norm, mut tokens) = (0.0, 0.0, 0);
        let mut changes: Vec<(usize, [f64; CLASSES])> = Vec::new();
        for &row in batch {
            let row = &self.rows[row];
            let probabilities = self.probabilities(&row.words);
            loss -= probabilities[row.label].max(1e-9).ln() / batch.len() as f64;
            tokens += row.words.len() as u64;
            let scale = 1.0 / (batch.len() as f64 * (row.words.len().max(1) as f64).sqrt());
            let gradient: [f64; CLASSES] =
                std::array::from_fn(|class| (probabilities[class] - f64::from(u8::from(class == row.label))) * scale);
            norm += gradient.iter().map(|value| value * value).sum::<f64>() * row.words.len() as f64;
            changes.extend(row.words.iter().map(|&word| (word, gradient)));
        }
        for (word, gradient) in changes {
            for (weight, slope) in self.weights[word].iter_mut().zip(gradient) {
                *weight -= rate * 8.0 * slope;
            }
        }
        self.steps.push(StepMetrics {
            step: step as u64 + 1,
            epoch: (step + 1) as f64 / per_epoch as f64,
            loss,
            learning_rate: rate * 2.5e-5,
            grad_norm: norm.sqrt(),
            tokens,
            train_seconds: (step + 1) as f64 * 0.31,
            memory: 1_000_000_000,
        });
    }

    fn probabilities(&self, words: &[usize]) -> [f64; CLASSES] {
        let scale = 1.0 / (words.len().max(1) as f64).sqrt();
        let logits: [f64; CLASSES] =
            std::array::from_fn(|class| words.iter().map(|&word| self.weights[word][class]).sum::<f64>() * scale);
        let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
        logits.map(|logit| logit.exp() / total)
    }

    fn predictions(&self, side: &[usize]) -> Vec<Prediction> {
        let rows = self.rows.iter().enumerate().filter(|(index, _)| side.contains(&(index % 10)));
        rows.map(|(_, row)| {
            let probabilities = self.probabilities(&row.words);
            Prediction {
                id: row.id,
                key: None,
                text: row.text.clone(),
                target: Target::Class(row.label as u32),
                answer: Answer::Class(ClassAnswer {
                    predicted: argmax(&probabilities),
                    probabilities: probabilities.map(|value| value as f32).to_vec(),
                }),
            }
        })
        .collect()
    }

    fn evaluate(&mut self, step: u64, epoch: f64) {
        let metrics = measure(&self.predictions(&[7]));
        let score = |metrics: &Metrics| metrics.get(MetricName::MacroF1).unwrap();
        let best = self.evaluations.iter().map(|point| score(&point.metrics)).fold(0.0, f64::max);
        let is_best = score(&metrics) > best;
        self.evaluations.push(EvaluationPoint { step, epoch, metrics, is_best });
    }

    fn finish(self) -> RunResults {
        let (validation, test) = (self.predictions(&[7]), self.predictions(&[8, 9]));
        let truth: Vec<u32> = test.iter().filter_map(Prediction::label).collect();
        let predicted: Vec<u32> = test.iter().filter_map(Prediction::predicted).collect();
        let learnt: Vec<u32> =
            (0..self.rows.len()).filter(|row| row % 10 < 7).map(|row| self.rows[row].label as u32).collect();
        let summary = RunSummary {
            run: "2026-11-23-1024".to_owned(),
            started_at: 1_795_429_440,
            steps: self.steps.len() as u64,
            epochs: EPOCHS as f64,
            train_seconds: self.steps.last().map_or(0.0, |step| step.train_seconds),
            tokens_per_second: 1300.0,
            peak_memory: 1_288_490_188,
            device: "CPU, f32".to_owned(),
            stop_reason: StopReason::Completed,
            best_step: self.evaluations.iter().rev().find(|point| point.is_best).map_or(0, |point| point.step),
            validation: measure(&validation),
            test: Some(measure(&test)),
        };
        let majority = majority_baseline(&labels(), &learnt, &truth);
        let names = labels();
        let tested = |predictions| Tested { labels: &names, predictions };
        RunResults {
            validation_details: ClassificationDetails::of(tested(&validation), None, 42),
            test_details: ClassificationDetails::of(tested(&test), Some(&validation), 42),
            temperature: fit_temperature(&ClassProbabilities::of(&validation, CLASSES)),
            folder: PathBuf::from("customer-reviews/runs/2026-11-23-1024"),
            settings: RunSettings {
                schema_version: RUN_SCHEMA_VERSION,
                project: project(),
                labels: labels(),
                data_hash: String::new(),
                split_hash: String::new(),
                rows: [learnt.len(), validation.len(), test.len()],
                model_sha256: String::new(),
                hone_version: "0.1.0".to_owned(),
                device: "CPU, f32".to_owned(),
                pooling: None,
                trial: None,
                kept_from: None,
            },
            summary,
            comparison: RunComparison {
                interval: macro_f1_interval(CLASSES, &truth, &predicted, 42),
                baselines: vec![Baseline {
                    name: BaselineName::MajorityClass,
                    difference: macro_f1_difference(CLASSES, &truth, [&predicted, &majority.predicted], 42),
                    metrics: Metrics::Classification(majority.metrics),
                }],
            },
            validation,
            test,
            steps: self.steps,
            evaluations: self.evaluations,
            difference: None,
        }
    }
}

/// The sample project.
pub fn project() -> Project {
    Project {
        name: "Customer reviews".to_owned(),
        dataset: DatasetSettings { main: Some(PathBuf::from("reviews.csv")), ..DatasetSettings::default() }
            .with_columns(&[("review", ColumnRole::Text), ("sentiment", ColumnRole::Label)]),
        task: Task::TextClassification(ClassificationSettings {
            labels: LabelSettings { order: labels(), ..LabelSettings::default() },
            ..ClassificationSettings::default()
        }),
        ..Project::default()
    }
}

fn read() -> Vec<Row> {
    let file = include_str!("../../projects/customer-reviews/reviews.csv");
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file.as_bytes());
    let labels = labels();
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let (Some(text), Some(label)) = (record.get(6), record.get(7)) else { continue };
        let Some(label) = labels.iter().position(|name| name == label) else { continue };
        if text.trim().is_empty() {
            continue;
        }
        let id = RowId { file: SourceFile::Main, record: index as u64 + 1 };
        rows.push(Row { id, text: text.to_owned(), label, words: words(text) });
    }
    rows
}

/// Hashes (FNV-1a) of a text's words.
fn words(text: &str) -> Vec<usize> {
    let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hashed = |word: &str| (word.bytes().fold(0xcbf2_9ce4_8422_2325, add) % FEATURES as u64) as usize;
    let lower = text.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(hashed).collect()
}

fn measure(predictions: &[Prediction]) -> Metrics {
    let truth: Vec<u32> = predictions.iter().filter_map(Prediction::label).collect();
    let predicted: Vec<u32> = predictions.iter().filter_map(Prediction::predicted).collect();
    let loss =
        predictions.iter().map(|row| -f64::from(row.probabilities()[row.label().unwrap() as usize]).max(1e-9).ln());
    let loss = loss.sum::<f64>() / predictions.len().max(1) as f64;
    Metrics::Classification(ClassificationMetrics::compute(&labels(), &truth, &predicted, loss))
}

/// The input of a step, owned by a test.
pub struct Scene {
    /// The theme.
    pub theme: Theme,
    /// The project.
    pub project: Project,
    /// Its folder.
    pub folder: PathBuf,
    /// The facts about it.
    pub facts: Facts,
    /// What was asked of the workers.
    pub answers: Answers,
    /// Folder of the chosen model.
    pub model_folder: Option<PathBuf>,
    /// The commands the step sent.
    pub sender: CommandSender,
    /// The commands of earlier frames, if the test collects them.
    pub asked: Vec<AppCommand>,
}

impl Scene {
    /// The sample project, trained.
    pub fn trained(dark: bool) -> Self {
        let mut scene = Self { facts: Facts { has_run: true, ..prepared_facts() }, ..Self::prepared(dark) };
        scene.answers.results.value = Some(results());
        scene
    }

    /// The sample project, ready to train.
    pub fn prepared(dark: bool) -> Self {
        let (imported, prepared) = (imported(), prepared());
        let survey = Arc::new(Survey::of(&prepared));
        let mut answers = Answers::default();
        answers.rows.value = Some(RowSource { project: Arc::new(project()), imported, prepared, survey });
        Self {
            theme: theme(dark),
            project: project(),
            folder: PathBuf::from("customer-reviews"),
            facts: prepared_facts(),
            answers,
            model_folder: None,
            sender: CommandSender::default(),
            asked: Vec::new(),
        }
    }

    /// Calls `draw` with the context of this scene.
    pub fn show(&mut self, draw: impl FnOnce(&StepContext<'_>, &mut CommandSender)) {
        let ctx = StepContext {
            model_folder: self.model_folder.as_deref(),
            ..StepContext::new(&self.theme, (&self.project, &self.folder), &self.facts, &self.answers)
        };
        draw(&ctx, &mut self.sender);
    }
}

/// The sample reviews, imported.
pub fn imported() -> Arc<Imported> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("projects/customer-reviews");
    let control = Control::default();
    let mut watch = Watch { control: &control, report: &mut |_| {} };
    Arc::new(crate::data::import(&project(), &folder, &mut watch).unwrap())
}

/// The sample reviews cleaned and split.
pub fn prepared() -> Arc<Prepared> {
    let control = Control::default();
    let mut watch = Watch { control: &control, report: &mut |_| {} };
    Arc::new(crate::data::prepare(&project(), &imported(), &mut watch).unwrap())
}

fn prepared_facts() -> Facts {
    Facts {
        columns: Some(vec!["review".to_owned(), "sentiment".to_owned()]),
        prepared: true,
        model_available: true,
        ..Facts::default()
    }
}

/// The whole app on a copy of the sample project, in a window of 1280 x 800 points, as a person would see it.
///
/// It uses real workers. The copy lives as long as the returned folder.
pub fn app(theme: ThemeChoice, scale: f32) -> (Harness<'static, Option<HoneApp>>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let sample = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("projects/customer-reviews");
    let copy = folder.path().join("customer-reviews");
    std::fs::create_dir(&copy).unwrap();
    for name in ["project.ron", "reviews.csv"] {
        std::fs::copy(sample.join(name), copy.join(name)).unwrap();
    }
    (app_on(Some(copy), theme, scale), folder)
}

/// The models of this machine. The pages are drawn as where there is a network; no test uses it.
fn models() -> Option<FetchSettings> {
    let settings = FetchSettings::from_environment().ok()?;
    Some(FetchSettings { endpoints: Endpoints { offline: false, ..settings.endpoints }, ..settings })
}

/// The whole app on a project.
pub fn app_on(project: Option<PathBuf>, theme: ThemeChoice, scale: f32) -> Window {
    let settings = AppSettings { theme, ..AppSettings::default() };
    app_from(Start { project, settings, models: models(), ..Start::default() }, scale)
}

/// The whole app, started this way.
pub fn app_from(start: Start, scale: f32) -> Window {
    let draw = move |ui: &mut egui::Ui, app: &mut Option<HoneApp>| {
        let app = app.get_or_insert_with(|| HoneApp::new(ui.ctx(), start.clone()).unwrap());
        app.update(ui.ctx());
        // The whole window, without the margin that kittest adds.
        let all = ui.ctx().content_rect();
        let mut window = ui.new_child(egui::UiBuilder::new().max_rect(all));
        window.set_clip_rect(all);
        app.draw(&mut window);
    };
    // Texts may have letters that no installed font has.
    let builder = Harness::builder().allow_missing_glyphs();
    builder.with_size([1280.0, 800.0]).with_pixels_per_point(scale).build_ui_state(draw, None)
}

/// Compares the last frame with the picture in `tests/snapshots`, without the status bar, which differs between machines.
/// `UPDATE_SNAPSHOTS=1` replaces the picture: look at the new one first.
pub fn snapshot_app(name: &str, harness: &mut Harness<'_, Option<HoneApp>>) {
    let size = harness.ctx.content_rect().size();
    harness.mask(egui::Rect::from_min_max(egui::pos2(0.0, size.y - 30.0), size.to_pos2()));
    let options = egui_kittest::SnapshotOptions::new().threshold(1.0).max_failed_pixels(10_usize);
    harness.snapshot_options(name, &options);
}

/// Draws frames until the workers are idle, for at most a minute.
pub fn settle(harness: &mut Harness<'_, Option<HoneApp>>) {
    let begun = std::time::Instant::now();
    // A click is a press, a release and a command in the frame after.
    harness.run_steps(4);
    loop {
        harness.step();
        let busy = harness.state().as_ref().is_none_or(|app| !app.is_idle());
        if !busy {
            break;
        }
        // Only guards against hanging: a busy machine may take minutes over the real files.
        assert!(begun.elapsed().as_secs() < 300, "the workers are still busy after five minutes");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    harness.run_steps(3);
}

/// A window with the whole app in it.
pub type Window = Harness<'static, Option<HoneApp>>;

/// The app in a window.
pub fn hone(window: &mut Window) -> &mut HoneApp {
    window.state_mut().as_mut().unwrap()
}

/// Presses a key and waits until the app has settled.
pub fn press(window: &mut Window, modifiers: egui::Modifiers, key: egui::Key) {
    window.key_press_modifiers(modifiers, key);
    settle(window);
}

/// A file dropped onto the window.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

/// Drops a file onto the window, in the next frame.
pub fn drop_file(window: &mut Window, path: PathBuf) {
    window.input_mut().dropped_files.push(Arc::new(Dropped(path)));
}

/// Title of the newest notification. It may be gone from the screen already.
pub fn told(window: &mut Window) -> String {
    hone(window).notices.newest_first().next().map(|(notice, _)| notice.title.clone()).unwrap_or_default()
}
