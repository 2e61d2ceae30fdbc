//! Verifies an export: it is loaded as any tool would load it, and must give the same logits as the model.

use std::path::Path;

use crate::export::{ExportError, ExportSource};
use crate::predictor::{Predictor, PredictorError};
use crate::progress::Watch;
use crate::project::{CleaningSettings, Precision};
use crate::storage::{ModelFolderInfo, read_model_info};

/// Largest difference of a logit that counts as equal.
const LIMIT: f32 = 1e-5;
/// Rows compared.
const ROWS: usize = 64;

/// Compares the logits of the export in `folder` with those of the run's best checkpoint, divided by the temperature that the export's
/// last layer was divided by, if it was.
///
/// Each uses its own tokenizer, so the tokenizers are compared too. Returns the result as a sentence.
pub(super) fn same_answers(
    source: &ExportSource<'_>,
    divided_by: Option<f64>,
    folder: &Path,
    watch: &mut Watch<'_>,
) -> Result<String, ExportError> {
    watch.begin("Reopening the export")?;
    let (texts, what) = questions(source)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut logits = |folder: &Path| {
        let model = load(source, folder)?;
        Ok::<_, ExportError>(model.logits(&texts, || watch.begin("Comparing the export with the model"))?)
    };
    let (trained, mut exported) = (logits(&source.run.best())?, logits(folder)?);
    let mut limit = LIMIT;
    if let Some(temperature) = divided_by {
        // As large as those of the trained model, so that the limit holds for any temperature. Quotients are rounded, which shows
        // more the larger the logits are.
        for logit in exported.iter_mut().flatten() {
            *logit = (f64::from(*logit) * temperature) as f32;
        }
        limit *= trained.iter().flatten().fold(1.0, |largest: f32, logit| largest.max(logit.abs()));
    }
    let difference = largest_difference(&trained, &exported, limit)?;
    let rounding = format!("differ by at most {difference:.1e}; up to {limit:.0e} is rounding");
    let differs = match divided_by {
        Some(temperature) => format!(
            "the labels are the same, and the probabilities are those calibrated with the temperature {temperature:.3} (raw scores \
             times the temperature {rounding})"
        ),
        None if difference == 0.0 => "the answers are identical".to_owned(),
        None => format!("the answers are the same (raw scores {rounding})"),
    };
    Ok(format!("Reopened and compared with the trained model on {} {what}: {differs}", texts.len()))
}

/// Up to [`ROWS`] texts, evenly spread over the run's predictions, and a description of them.
///
/// For a run without predictions they are its label names, or the project's name: any texts show whether two models are
/// the same.
fn questions(source: &ExportSource<'_>) -> Result<(Vec<String>, String), ExportError> {
    let (side, predictions) = source.predictions()?;
    if predictions.is_empty() {
        let settings = &source.settings;
        if settings.labels.is_empty() {
            return Ok((vec![settings.project.name.clone()], "text (the project's name)".to_owned()));
        }
        return Ok((settings.labels.clone(), "texts (the label names)".to_owned()));
    }
    let count = predictions.len().min(ROWS);
    let texts = (0..count).map(|at| predictions[at * predictions.len() / count].text.clone()).collect();
    Ok((texts, format!("{side} rows")))
}

/// Loads the model in `folder`, set up as the run's best checkpoint: an export of the weights alone has no `hone.ron`.
fn load(source: &ExportSource<'_>, folder: &Path) -> Result<Predictor, ExportError> {
    let settings = &source.settings;
    let info = read_model_info(&source.run.best())?.unwrap_or_else(|| ModelFolderInfo {
        task: settings.project.task.kind(),
        cleaning: CleaningSettings::none(),
        max_length: settings.project.training.max_length,
        precision: Precision::F32,
        ..ModelFolderInfo::default()
    });
    // The labels of the run's predictions and of its card.
    let info = ModelFolderInfo { labels: settings.labels.clone(), ..info };
    Predictor::load_with(folder, info).map_err(|error| match error {
        PredictorError::NoHead { folder, .. } => {
            ExportError::Differs(format!("{} does not have the head of the trained model", folder.display()))
        }
        error => error.into(),
    })
}

/// The largest difference; an error if one is over the limit or not a number.
fn largest_difference(one: &[Vec<f32>], other: &[Vec<f32>], limit: f32) -> Result<f32, ExportError> {
    let mut largest = 0.0_f32;
    for (row, (one, other)) in one.iter().zip(other).enumerate() {
        for (one, other) in one.iter().zip(other) {
            let difference = (one - other).abs();
            if difference.is_nan() || difference > limit {
                return Err(ExportError::Differs(format!("a logit of row {} is {other} instead of {one}", row + 1)));
            }
            largest = largest.max(difference);
        }
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_over_the_limit_is_refused() {
        let one = vec![vec![1.0, 2.0], vec![3.0, 4.0]];
        let largest_difference = |one: &[Vec<f32>], other: &[Vec<f32>]| largest_difference(one, other, LIMIT);
        assert!(largest_difference(&one, &one).is_ok_and(|difference| difference.abs() < f32::MIN_POSITIVE));
        let near = vec![vec![1.0, 2.000_001], vec![3.0, 4.0]];
        assert!(largest_difference(&one, &near).unwrap() > 0.0);
        let far = vec![vec![1.0, 2.0], vec![3.0, 4.001]];
        assert!(largest_difference(&one, &far).unwrap_err().to_string().contains("row 2 is 4.001 instead of 4"));
        let nothing = vec![vec![1.0, f32::NAN], vec![3.0, 4.0]];
        assert!(largest_difference(&one, &nothing).is_err());
    }
}
