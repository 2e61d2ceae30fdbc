//! `hone predict`.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::cli::CliError;
use crate::cli::args::PredictArguments;
use crate::cli::job_runner::JobRunner;
use crate::cli::model_commands::model_folder;
use crate::cli::new::reading;
use crate::cli::outcome::print_json;
use crate::cli::shell::absolute;
use crate::cli::table::table;
use crate::evaluation::ClassAnswer;
use crate::words::{count, counted, one_line, percent, percent_of};
use crate::worker::{
    LabelRows, LabelledCounts, LabelledRows, Probabilities, ReadToLabel, SaveLabelledRows, SavedPredictions,
    calibration_note, check_labelled_output,
};

/// Rows shown where nothing is written.
const SHOWN: usize = 10;
/// Characters of a text shown in a row.
const TEXT: usize = 60;

/// Predicts a label for every row of a file. Without an output file, shows the counts and the first rows.
pub(super) fn run(arguments: &PredictArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let output = arguments.out.as_deref();
    check_arguments(arguments)?;
    let model = model_folder(&arguments.model, arguments.run.as_deref())?;
    let input = absolute(&arguments.file);
    let output = output.map(absolute);
    if let Some(output) = &output {
        check_labelled_output(&model, &input, output, arguments.force)?;
    }
    let reading = reading(&[], &arguments.reading);
    let mut jobs = JobRunner::begin()?;
    let read =
        ReadToLabel { model: model.clone(), input, reading, text_column: arguments.text.clone(), may_guess: false };
    let file = jobs.run(read)?;
    let probabilities = if arguments.uncalibrated { Probabilities::Uncalibrated } else { Probabilities::Calibrated };
    let rows = jobs.run(LabelRows { file, probabilities })?;
    let threshold = arguments.threshold;
    let save = |output| SaveLabelledRows {
        rows: Arc::clone(&rows),
        output,
        may_replace: arguments.force,
        threshold,
        raw: arguments.raw,
    };
    let saved = output.map(|output| jobs.run(save(output))).transpose()?;
    let counts = rows.counts(threshold);
    if arguments.json {
        return print_json(out, &as_json(&rows, &counts, saved.as_ref(), threshold, &model));
    }
    let predicted = counted(counts.predicted(), "row", "rows");
    let model = model.display();
    match &saved {
        Some(saved) => {
            writeln!(out, "Wrote predictions for {predicted} to {}, with the model in {model}.", saved.path.display())?;
        }
        None => writeln!(out, "Predicted {predicted} with the model in {model}. Add --out FILE to write them.")?,
    }
    let calibrated = rows.temperature.map(|temperature| {
        format!("{} Add --uncalibrated for those of the network itself.", calibration_note(temperature))
    });
    let notes = calibrated.into_iter().chain(rows.notes()).chain(saved.as_ref().and_then(SavedPredictions::note));
    for note in notes {
        writeln!(out, "{note}")?;
    }
    write!(out, "\n{}", counts_table(&rows.labels, &counts))?;
    if saved.is_none() {
        write!(out, "\n{}", first_rows(&rows, threshold))?;
    }
    Ok(())
}

/// Checks what can be checked before anything is read.
fn check_arguments(arguments: &PredictArguments) -> Result<(), CliError> {
    let Some(output) = &arguments.out else {
        if arguments.force || arguments.raw {
            let message = "--force and --raw say how to write the file of --out. Add --out";
            return Err(CliError::Usage(message.to_owned()));
        }
        return Ok(());
    };
    // A link that leads nowhere is something too.
    if output.symlink_metadata().is_ok() && !arguments.force {
        let message =
            format!("'{}' already exists. Choose another --out, or add --force to replace it", output.display());
        return Err(CliError::Failed(message));
    }
    Ok(())
}

fn as_json(
    rows: &LabelledRows,
    counts: &LabelledCounts,
    saved: Option<&SavedPredictions>,
    threshold: Option<f32>,
    model: &Path,
) -> Value {
    let labels = rows.labels.iter().zip(&counts.labels).map(|(label, rows)| (label.clone(), json!(rows)));
    json!({
        "path": saved.map(|saved| &saved.path), "rows": counts.predicted(), "empty": counts.empty,
        "labels": labels.collect::<Map<_, _>>(), "threshold": threshold, "undecided": counts.undecided,
        "truncated": rows.truncated, "only_label": rows.only_label(), "model": model, "temperature": rows.temperature,
    })
}

/// Rows and share of each label, and of the rows without one.
fn counts_table(labels: &[String], counts: &LabelledCounts) -> String {
    let all = counts.predicted() + counts.empty;
    let line = |name: &str, rows: u64| vec![name.to_owned(), count(rows), percent_of(rows as usize, all as usize)];
    let mut lines: Vec<_> = labels.iter().zip(&counts.labels).map(|(label, &rows)| line(label, rows)).collect();
    for (name, rows) in [("(undecided)", counts.undecided), ("(no text)", counts.empty)] {
        lines.extend((rows > 0).then(|| line(name, rows)));
    }
    table(&["predicted", ">rows", ">share"], &lines)
}

fn first_rows(rows: &LabelledRows, threshold: Option<f32>) -> String {
    let line = |(row, answer): (usize, &Option<ClassAnswer>)| {
        let (label, sure) = match answer {
            None => ("(no text)", String::new()),
            Some(answer) => {
                let label = rows.labels[answer.predicted as usize].as_str();
                let label = if answer.is_decided(threshold) { label } else { "(undecided)" };
                (label, percent(f64::from(answer.confidence())))
            }
        };
        let text = one_line(&rows.file.text(row), TEXT);
        vec![count(rows.file.file.table.records[row]), label.to_owned(), sure, text]
    };
    let lines: Vec<_> = rows.answers.iter().enumerate().take(SHOWN).map(line).collect();
    table(&[">row", "predicted", ">probability", "text"], &lines)
}
