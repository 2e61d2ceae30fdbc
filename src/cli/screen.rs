//! Progress on standard error: a bar on a terminal, plain lines in a log.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::table::scores;
use crate::progress::Progress;
use crate::storage::{EvaluationPoint, StepMetrics};
use crate::training::{Advice, AdviceKind};
use crate::words::{count, printable, upper_first};
use crate::worker::{LogLevel, LogLine, RunEvent, RunStart};

/// Time between two plain progress lines.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Where progress is shown.
pub(super) struct Screen {
    surface: Surface,
    training: Option<Training>,
}

enum Surface {
    /// Redrawn in place; `None` between jobs.
    Bar(Option<ProgressBar>),
    /// A line from time to time.
    Plain { out: Box<dyn Write>, stage: String, last: Instant },
}

/// A running training.
struct Training {
    total_steps: u64,
    eta_seconds: Option<f64>,
    /// The advice that was shown.
    advised: Vec<AdviceKind>,
}

impl Screen {
    /// A bar when standard error is a terminal, else plain lines.
    pub(super) fn for_standard_error() -> Self {
        if std::io::stderr().is_terminal() {
            Self { surface: Surface::Bar(None), training: None }
        } else {
            Self::plain(Box::new(std::io::stderr()))
        }
    }

    /// Plain lines into `out`.
    pub(super) fn plain(out: Box<dyn Write>) -> Self {
        Self { surface: Surface::Plain { out, stage: String::new(), last: Instant::now() }, training: None }
    }

    /// Shows a line of a job's log.
    pub(super) fn log(&mut self, line: &LogLine) {
        match line.level {
            LogLevel::Info => self.line(&line.message),
            LogLevel::Warning => self.line(&format!("Warning: {}", line.message)),
        }
    }

    /// Shows the events of a run.
    pub(super) fn run_event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Started(start) => self.run_started(start),
            RunEvent::Steps(steps) => {
                if let Some(step) = steps.last() {
                    self.step(step);
                }
            }
            RunEvent::Evaluation(evaluation) => self.line(&evaluation_line(evaluation)),
            RunEvent::Paused(paused) => self.line(if *paused { "Paused" } else { "Resumed" }),
            RunEvent::Advice(advice) => self.advice(advice),
        }
    }

    /// Shows the events of one of several runs at a time: a line for each that matters.
    pub(super) fn event_of(&mut self, title: &str, event: &RunEvent) {
        match event {
            RunEvent::Started(start) => self.line(&format!("{title}: {}", start_line(start))),
            RunEvent::Evaluation(evaluation) => self.line(&format!("{title}: {}", evaluation_line(evaluation))),
            RunEvent::Steps(_) | RunEvent::Paused(_) | RunEvent::Advice(_) => {}
        }
    }

    /// Prints a permanent line.
    pub(super) fn line(&mut self, text: &str) {
        let text = printable(text);
        match &mut self.surface {
            Surface::Bar(Some(bar)) => bar.suspend(|| write_line(&mut std::io::stderr(), &text)),
            Surface::Bar(None) => write_line(&mut std::io::stderr(), &text),
            Surface::Plain { out, .. } => write_line(out, &text),
        }
    }

    /// Removes the bar when the job is done.
    pub(super) fn clear(&mut self) {
        self.training = None;
        if let Surface::Bar(bar) = &mut self.surface
            && let Some(bar) = bar.take()
        {
            bar.finish_and_clear();
        }
    }

    fn run_started(&mut self, start: &RunStart) {
        self.line(&upper_first(&start_line(start)));
        self.training = Some(Training { total_steps: start.total_steps, eta_seconds: None, advised: Vec::new() });
    }

    /// Shows each kind of advice once.
    fn advice(&mut self, advice: &[Advice]) {
        for advice in advice {
            let Some(training) = &mut self.training else { return };
            if !training.advised.contains(&advice.kind) {
                training.advised.push(advice.kind);
                self.line(&format!("{}. {}", advice.kind.title(), advice.says));
            }
        }
    }

    fn step(&mut self, step: &StepMetrics) {
        let Some(training) = &self.training else { return };
        let progress = Progress {
            stage: format!("Training: epoch {:.2}, loss {:.4}", step.epoch, step.loss),
            done: step.step,
            total: Some(training.total_steps),
            unit: "steps",
            eta_seconds: training.eta_seconds,
        };
        self.draw(&progress);
    }

    /// Shows how far a job is.
    pub(super) fn progress(&mut self, progress: &Progress) {
        match &mut self.training {
            // Shown with the next step's loss.
            Some(training) if progress.unit == "steps" => training.eta_seconds = progress.eta_seconds,
            _ => self.draw(progress),
        }
    }

    fn draw(&mut self, progress: &Progress) {
        match &mut self.surface {
            Surface::Bar(bar) => {
                let bar = bar.get_or_insert_with(new_bar);
                bar.set_style(bar_style(progress.total.is_some()));
                bar.set_length(progress.total.unwrap_or(0));
                bar.set_position(progress.done);
                bar.set_prefix(printable(&progress.stage));
                bar.set_message(amount(progress));
            }
            Surface::Plain { out, stage, last } => {
                let kind = stage_kind(&progress.stage);
                if *stage == kind && last.elapsed() < PLAIN_INTERVAL {
                    return;
                }
                if *stage == kind || progress.done > 0 {
                    write_line(out, &format!("{}: {}", printable(&progress.stage), amount(progress)));
                } else {
                    write_line(out, &printable(&progress.stage));
                }
                kind.clone_into(stage);
                *last = Instant::now();
            }
        }
    }
}

/// The part of a stage's name that stays the same during the stage.
fn stage_kind(stage: &str) -> &str {
    stage.split(':').next().unwrap_or(stage)
}

/// `120 of 360 steps, 41 s left`.
fn amount(progress: &Progress) -> String {
    // Half a second or less is as good as done.
    let left = progress.time_left().filter(|_| progress.eta_seconds.is_some_and(|left| left >= 0.5));
    left.map_or_else(|| progress.amount(), |left| format!("{}, {left}", progress.amount()))
}

/// `run 2026-11-23-102415-06af: 126 training, 18 validation and 36 test rows; 20 steps; CPU, f32`.
fn start_line(start: &RunStart) -> String {
    let [train, validation, test] = start.settings.rows.map(|rows| count(rows as u64));
    format!(
        "run {}: {train} training, {validation} validation and {test} test rows; {} steps; {}",
        start.run,
        count(start.total_steps),
        start.device
    )
}

fn evaluation_line(evaluation: &EvaluationPoint) -> String {
    format!(
        "Epoch {:.2}, step {}: validation {}{}",
        evaluation.epoch,
        count(evaluation.step),
        scores(&evaluation.metrics),
        if evaluation.is_best { " (best so far)" } else { "" }
    )
}

fn new_bar() -> ProgressBar {
    let bar = ProgressBar::no_length().with_style(bar_style(false));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn bar_style(known: bool) -> ProgressStyle {
    let template = if known { "{prefix} [{bar:24}] {msg}" } else { "{spinner} {prefix} {msg}" };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

/// Ignores errors: progress that cannot be shown is no reason to fail.
fn write_line(out: &mut dyn Write, text: &str) {
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_units_and_time_left() {
        let rows = Progress { done: 12_000, unit: "rows", eta_seconds: Some(61.0), ..Progress::default() };
        assert_eq!(amount(&rows), "12,000 rows, 1 min 01 s left");
        assert_eq!(amount(&Progress { eta_seconds: Some(0.2), ..rows }), "12,000 rows");
    }

    #[test]
    fn each_kind_of_advice_is_shown_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut screen = Screen::plain(Box::new(file.reopen().unwrap()));
        screen.training = Some(Training { total_steps: 9, eta_seconds: None, advised: Vec::new() });
        let advice = |kind| Advice { kind, says: "Change it.".to_owned(), setting: "Learning rate" };
        screen.run_event(&RunEvent::Advice(vec![advice(AdviceKind::Overfitting)]));
        screen.run_event(&RunEvent::Advice(Vec::new()));
        screen.run_event(&RunEvent::Advice(vec![advice(AdviceKind::Plateau), advice(AdviceKind::Overfitting)]));
        assert_eq!(
            std::fs::read_to_string(file.path()).unwrap(),
            "The model is overfitting. Change it.\nThe run no longer improves. Change it.\n"
        );
    }

    #[test]
    fn a_log_gets_one_line_per_stage() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut screen = Screen::plain(Box::new(file.reopen().unwrap()));
        for done in 0..1_000 {
            let stage = "Reading rows".to_owned();
            screen.progress(&Progress { stage, done, unit: "rows", ..Progress::default() });
        }
        screen.progress(&Progress { stage: "Splitting".to_owned(), ..Progress::default() });
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "Reading rows\nSplitting\n");
    }
}
