//! The learning curves of runs: as charts, as pictures, and as a table of every step.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::chart::{
    Axis, Dash, Drawing, Ink, LOSS_SMOOTHING, LineChart, Mark, Numbers, Palette, Point, Series, Smoother, SvgFor,
};
use crate::export::ExportError;
use crate::export::spreadsheet::begin_csv;
use crate::project::MetricName;
use crate::storage::{EvaluationPoint, StepMetrics, check_output, write_atomic, write_new};
use crate::words::{joined, score};

/// Most runs whose curves a picture shows: as many as there are marks and colours.
pub const MOST_DRAWN: usize = 8;
/// Width and height of a chart in a picture.
const SIZE: [f64; 2] = [440.0, 320.0];
/// Pixels of a PNG picture for each point.
const SCALE: f64 = 2.0;

/// A run with its curves.
#[derive(Clone, Debug)]
pub struct CurvesOfRun<'a> {
    /// What it is called.
    pub name: String,
    /// Whether it is an instant model, whose steps are strengths of regularisation.
    pub is_instant: bool,
    /// Metrics of every step.
    pub steps: &'a [StepMetrics],
    /// Evaluations on the validation set.
    pub evaluations: &'a [EvaluationPoint],
}

/// A file that curves are written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurvesFormat {
    /// A picture that stays sharp at any size.
    Svg,
    /// A picture of pixels.
    Png,
    /// A table of every step and evaluation.
    Csv,
}

impl CurvesFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Png, Self::Csv];

    /// Its name in menus.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Svg => "SVG picture",
            Self::Png => "PNG picture",
            Self::Csv => "CSV table",
        }
    }

    /// Its file extension.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Csv => "csv",
        }
    }

    /// The format that a file's name asks for, if it does.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_string_lossy().to_lowercase();
        Self::ALL.into_iter().find(|format| format.extension() == extension)
    }
}

/// The scores to plot beside the loss: those on a scale from 0 to 1.
#[must_use]
pub fn score_names(evaluations: &[EvaluationPoint]) -> Vec<MetricName> {
    let figures = evaluations.last().map(|point| point.metrics.figures()).unwrap_or_default();
    figures.into_iter().map(|(name, _)| name).filter(|name| name.is_share()).collect()
}

/// Writes the curves of runs to a file: a picture of the loss and the validation metrics, or a table with the values of every step.
///
/// # Errors
/// [`ExportError::NoCurves`], [`ExportError::TooManyRuns`], [`ExportError::Picture`]; [`ExportError::Storage`] if the output is inside
/// a run, or something that must not be replaced; [`ExportError::Io`].
pub fn write_curves(
    title: &str,
    runs: &[CurvesOfRun<'_>],
    format: CurvesFormat,
    (output, may_replace): (&Path, bool),
) -> Result<(), ExportError> {
    check_output(output, may_replace)?;
    if let Some(run) = runs.iter().find(|run| run.steps.is_empty() && run.evaluations.is_empty()) {
        return Err(ExportError::NoCurves(run.name.clone()));
    }
    let bytes = match format {
        CurvesFormat::Csv => None,
        _ if runs.len() > MOST_DRAWN => return Err(ExportError::TooManyRuns(MOST_DRAWN)),
        CurvesFormat::Svg => Some(picture(title, runs).svg(SvgFor::File(&Palette::pair()?[0])).into_bytes()),
        CurvesFormat::Png => Some(picture(title, runs).png(&Palette::pair()?[0], SCALE)?),
    };
    let write = |file: &mut BufWriter<&File>| match &bytes {
        Some(bytes) => file.write_all(bytes),
        None => write_table(runs, file),
    };
    let written = if may_replace { write_atomic(output, write) } else { write_new(output, write) };
    written.map_err(ExportError::io("write", output))
}

fn picture(title: &str, runs: &[CurvesOfRun<'_>]) -> Drawing {
    let charts = curve_charts(runs, SIZE);
    Drawing::beside(title, charts.iter().map(LineChart::drawing).collect())
}

/// The charts of the loss and of the validation metrics; without those that have nothing to show.
pub(super) fn curve_charts(runs: &[CurvesOfRun<'_>], size: [f64; 2]) -> Vec<LineChart> {
    let charts = match runs {
        [run] => [loss_of_run(run, size), scores_of_run(run, size)],
        runs => [losses(runs, size), scores(runs, size)],
    };
    charts.into_iter().filter(|chart| !chart.is_empty()).collect()
}

/// The steps of a run, from the first.
fn along(run: &CurvesOfRun<'_>) -> Axis {
    let last = run.steps.last().map(|step| step.step).max(run.evaluations.last().map(|point| point.step));
    let title = if run.is_instant { "Regularisation, from strong to weak" } else { "Step" };
    Axis { title: title.to_owned(), ends: Some([0.0, last.unwrap_or(1).max(1) as f64]), numbers: Numbers::Counts }
}

/// The epochs of the longest run.
fn epochs(runs: &[CurvesOfRun<'_>]) -> Axis {
    let steps = runs.iter().filter_map(|run| Some(run.steps.last()?.epoch));
    let evaluations = runs.iter().filter_map(|run| Some(run.evaluations.last()?.epoch));
    let last = steps.chain(evaluations).fold(0.0, f64::max);
    Axis { title: "Epoch".to_owned(), ends: (last > 0.0).then_some([0.0, last]), ..Axis::default() }
}

fn loss_of_run(run: &CurvesOfRun<'_>, size: [f64; 2]) -> LineChart {
    let raw: Vec<Point> = run.steps.iter().map(|step| [step.step as f64, step.loss]).collect();
    let validation = evaluated(run, |point| [point.step as f64, point.metrics.loss()]);
    let validation =
        Series::line("Validation", Ink::Series(1), validation).drawn(1.5, Dash::Dashes).marked(Mark::Circle);
    let series = if run.is_instant {
        vec![Series::line("Training", Ink::Series(0), raw).drawn(1.5, Dash::Solid).marked(Mark::Square), validation]
    } else {
        let smoothed = smoothed(run, |step| step.step as f64);
        vec![
            Series::line("Training", Ink::Series(0), raw).drawn(1.0, Dash::Solid).faint(),
            Series::line("Training, smoothed", Ink::Series(0), smoothed),
            validation,
        ]
    };
    let ends = [
        run.steps.last().map(|step| format!("training {}", score(step.loss))),
        run.evaluations.last().map(|point| format!("validation {}", score(point.metrics.loss()))),
    ];
    let ends: Vec<String> = ends.into_iter().flatten().collect();
    let description = format!("At the end: {}", joined(&ends));
    LineChart { title: "Loss".to_owned(), x: along(run), y: Axis::default(), series, size, description }
}

fn scores_of_run(run: &CurvesOfRun<'_>, size: [f64; 2]) -> LineChart {
    let names = score_names(run.evaluations);
    let of = |name: MetricName| {
        let points = run.evaluations.iter().filter_map(|point| Some([point.step as f64, point.metrics.get(name)?]));
        points.collect::<Vec<Point>>()
    };
    let mut series: Vec<Series> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let line = Series::line(name.title(), Ink::Series(index + 1), of(*name)).drawn(1.5, Dash::of(index));
            line.marked(Mark::of(index))
        })
        .collect();
    let best = run.evaluations.iter().rev().find(|point| point.is_best);
    if let (Some(best), Some(name)) = (best, names.first()) {
        let place = best.metrics.get(*name).map(|value| [best.step as f64, value]);
        let star = Series::line("Best, kept", Ink::Text, place.into_iter().collect());
        series.push(Series { line: None, mark: Some((Mark::Asterisk, 7.0)), ..star });
    }
    let ends: Vec<String> = run.evaluations.last().map_or_else(Vec::new, |last| {
        let said = |name: &MetricName| Some(format!("{} {}", name.in_a_sentence(), score(last.metrics.get(*name)?)));
        names.iter().filter_map(said).collect()
    });
    let description = format!("At the end: {}", joined(&ends));
    let title = "Validation metrics".to_owned();
    LineChart { title, x: along(run), y: Axis::default(), series, size, description }
}

fn losses(runs: &[CurvesOfRun<'_>], size: [f64; 2]) -> LineChart {
    let series = runs.iter().enumerate().flat_map(|(index, run)| {
        let training = Series::line("Training", Ink::Series(index), smoothed(run, |step| step.epoch));
        let validation = evaluated(run, |point| [point.epoch, point.metrics.loss()]);
        let validation = Series::line(run.name.clone(), Ink::Series(index), validation);
        [
            training.drawn(1.2, Dash::Solid).faint().without_name(),
            validation.drawn(1.5, Dash::of(index)).marked(Mark::of(index)),
        ]
    });
    let title = "Loss: line for training, marks for validation".to_owned();
    let description = ends(runs, |point| Some(point.metrics.loss()));
    LineChart { title, x: epochs(runs), y: Axis::default(), series: series.collect(), size, description }
}

fn scores(runs: &[CurvesOfRun<'_>], size: [f64; 2]) -> LineChart {
    let metric = runs.iter().find_map(|run| Some(run.evaluations.last()?.metrics.figures().first()?.0));
    let metric = metric.unwrap_or(MetricName::MacroF1);
    let series = runs.iter().enumerate().map(|(index, run)| {
        let of = |point: &EvaluationPoint| Some([point.epoch, point.metrics.get(metric)?]);
        let points = run.evaluations.iter().filter_map(of).collect();
        let line = Series::line(run.name.clone(), Ink::Series(index), points);
        line.drawn(1.5, Dash::of(index)).marked(Mark::of(index))
    });
    let title = format!("{} on the validation set", metric.title());
    let description = ends(runs, |point| point.metrics.get(metric));
    LineChart { title, x: epochs(runs), y: Axis::default(), series: series.collect(), size, description }
}

fn ends(runs: &[CurvesOfRun<'_>], value: impl Fn(&EvaluationPoint) -> Option<f64>) -> String {
    let said =
        runs.iter().filter_map(|run| Some(format!("{} ends at {}", run.name, score(value(run.evaluations.last()?)?))));
    joined(&said.collect::<Vec<_>>())
}

fn smoothed(run: &CurvesOfRun<'_>, x: impl Fn(&StepMetrics) -> f64) -> Vec<Point> {
    let mut smoother = Smoother::new(LOSS_SMOOTHING);
    run.steps.iter().map(|step| [x(step), smoother.next(step.loss)]).collect()
}

fn evaluated(run: &CurvesOfRun<'_>, point: impl Fn(&EvaluationPoint) -> Point) -> Vec<Point> {
    run.evaluations.iter().map(point).collect()
}

/// A row for every step, and for every evaluation, in order: neither thinned nor smoothed.
fn write_table(runs: &[CurvesOfRun<'_>], file: &mut BufWriter<&File>) -> io::Result<()> {
    let as_written = begin_csv(file, false)?;
    let mut table = csv::Writer::from_writer(file);
    let mut metrics: Vec<MetricName> = Vec::new();
    for point in runs.iter().flat_map(|run| run.evaluations) {
        metrics.extend(point.metrics.figures().into_iter().map(|(name, _)| name));
    }
    metrics.sort();
    metrics.dedup();
    let columns = [
        "run",
        "step",
        "epoch",
        "training_loss",
        "learning_rate",
        "gradient_norm",
        "tokens",
        "train_seconds",
        "memory_bytes",
    ];
    let column =
        |name: &MetricName| format!("validation_{}", name.in_a_sentence().to_lowercase().replace([' ', '-'], "_"));
    let head =
        columns.iter().map(|name| (*name).to_owned()).chain(metrics.iter().map(column)).chain(["best".to_owned()]);
    table.write_record(head)?;
    for run in runs {
        let name = as_written(&run.name).into_owned();
        let mut points = run.evaluations.iter().peekable();
        let mut write = |step: Option<&StepMetrics>, point: Option<&EvaluationPoint>| {
            table.write_record(row(&name, step, point, &metrics))
        };
        for step in run.steps {
            while let Some(earlier) = points.next_if(|point| point.step < step.step) {
                write(None, Some(earlier))?;
            }
            write(Some(step), points.next_if(|point| point.step == step.step))?;
        }
        points.try_for_each(|point| write(None, Some(point)))?;
    }
    table.flush()
}

fn row(name: &str, step: Option<&StepMetrics>, point: Option<&EvaluationPoint>, metrics: &[MetricName]) -> Vec<String> {
    let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let number = step.map(|step| step.step).or(point.map(|point| point.step));
    let epoch = step.map(|step| step.epoch).or(point.map(|point| point.epoch));
    let mut cells = vec![
        name.to_owned(),
        number.map(|number| number.to_string()).unwrap_or_default(),
        text(epoch),
        text(step.map(|step| step.loss)),
        text(step.map(|step| step.learning_rate)),
        text(step.map(|step| step.grad_norm)),
        step.map(|step| step.tokens.to_string()).unwrap_or_default(),
        text(step.map(|step| step.train_seconds)),
        step.filter(|step| step.memory > 0).map(|step| step.memory.to_string()).unwrap_or_default(),
    ];
    cells.extend(metrics.iter().map(|metric| text(point.and_then(|point| point.metrics.get(*metric)))));
    cells.push(point.map(|point| u8::from(point.is_best).to_string()).unwrap_or_default());
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{ClassificationMetrics, Metrics};

    fn steps(number: u64) -> Vec<StepMetrics> {
        let step = |step| StepMetrics {
            step,
            epoch: step as f64 / 10.0,
            loss: 1.0 / step as f64,
            learning_rate: 1e-5,
            grad_norm: 2.0,
            tokens: 64,
            train_seconds: step as f64,
            memory: 0,
        };
        (1..=number).map(step).collect()
    }

    fn evaluation(step: u64, right: usize) -> EvaluationPoint {
        let labels = ["bad", "good"].map(str::to_owned);
        let truth: Vec<u32> = (0..40).map(|row| row % 2).collect();
        let predicted: Vec<u32> =
            truth.iter().enumerate().map(|(row, &truth)| if row < right { truth } else { 1 - truth }).collect();
        let metrics = Metrics::Classification(ClassificationMetrics::compute(&labels, &truth, &predicted, 0.5));
        EvaluationPoint { step, epoch: step as f64 / 10.0, metrics, is_best: right > 30 }
    }

    fn written(runs: &[CurvesOfRun<'_>], name: &str) -> Result<Vec<u8>, ExportError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        write_curves("Shop", runs, CurvesFormat::of(&path).unwrap(), (&path, false))?;
        Ok(std::fs::read(path).unwrap())
    }

    fn run<'a>(name: &str, steps: &'a [StepMetrics], evaluations: &'a [EvaluationPoint]) -> CurvesOfRun<'a> {
        CurvesOfRun { name: name.to_owned(), is_instant: false, steps, evaluations }
    }

    #[test]
    fn a_table_has_every_step_and_every_evaluation_in_order() {
        let (steps, evaluations) = (steps(4), [evaluation(2, 30), evaluation(4, 36), evaluation(5, 33)]);
        let bytes = written(&[run("=Run 1", &steps, &evaluations)], "curves.csv").unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
        let head = "run,step,epoch,training_loss,learning_rate,gradient_norm,tokens,train_seconds,memory_bytes,\
                    validation_macro_f1,validation_accuracy,validation_loss,best";
        assert_eq!((lines[0], lines.len()), (head, 6));
        assert_eq!(lines[1], "'=Run 1,1,0.1,1,0.00001,2,64,1,,,,,");
        assert!(lines[2].starts_with("'=Run 1,2,0.2,0.5,") && lines[2].ends_with(",0.75,0.5,0"), "{}", lines[2]);
        assert!(lines[4].ends_with(",0.9,0.5,1"), "{}", lines[4]);
        assert!(lines[5].starts_with("'=Run 1,5,0.5,,,,,,,"), "an evaluation whose step is not known: {}", lines[5]);
    }

    #[test]
    fn pictures_are_written_as_their_names_say() {
        let (steps, evaluations) = (steps(40), [evaluation(20, 30), evaluation(40, 36)]);
        let one = [run("Run 1", &steps, &evaluations)];
        let svg = String::from_utf8(written(&one, "curves.svg").unwrap()).unwrap();
        for part in ["Shop", "Training, smoothed", "Validation metrics", "Macro-F1", "Best, kept"] {
            assert!(svg.contains(part), "{part} is missing in {svg}");
        }
        assert!(written(&one, "curves.PNG").unwrap().starts_with(b"\x89PNG"));
        let two = [run("Run 1", &steps, &evaluations), run("Run 2, lower rate", &steps, &evaluations[..1])];
        let svg = String::from_utf8(written(&two, "curves.svg").unwrap()).unwrap();
        assert!(svg.contains("Run 2, lower rate") && svg.contains("Macro-F1 on the validation set"), "{svg}");
    }

    #[test]
    fn runs_without_curves_too_many_of_them_and_existing_files_are_refused() {
        let (some, evaluations) = (steps(4), [evaluation(2, 30)]);
        let error = written(&[run("Run 7", &[], &[])], "a.svg").unwrap_err().to_string();
        assert_eq!(error, "Run 7 has no curves yet, because it ended before its first step. Choose another run.");
        let many: Vec<CurvesOfRun<'_>> = (0..9).map(|_| run("Run", &some, &evaluations)).collect();
        let error = written(&many, "a.png").unwrap_err().to_string();
        assert!(error.contains("at most 8 runs") && written(&many, "a.csv").is_ok(), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.svg");
        std::fs::write(&path, "precious").unwrap();
        let one = [run("Run 1", &some, &evaluations)];
        let refused = write_curves("Shop", &one, CurvesFormat::Svg, (&path, false)).unwrap_err();
        assert!(refused.to_string().contains("an existing file"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        write_curves("Shop", &one, CurvesFormat::Svg, (&path, true)).unwrap();
        assert_eq!(CurvesFormat::of(Path::new("a.pdf")), None);
    }
}
