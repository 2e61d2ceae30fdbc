//! The proof of an export: it is loaded as anybody would load it, and asked the same questions as the model.

use std::path::Path;

use crate::data::{TextTokenizer, packed};
use crate::export::{ExportError, Source, say};
use crate::models::{LoadOptions, Mode, Model};
use crate::progress::Watch;

/// Largest difference of a logit that counts as the same.
const LIMIT: f32 = 1e-5;
/// Rows asked.
const ROWS: usize = 64;
/// Rows asked at once: little enough that a stop is heeded within a second.
const BATCH: usize = 8;

/// Compares the logits of the export in `folder` with those of the run's best checkpoint.
///
/// Each side reads its own tokenizer, so that is compared too. Returns the proof in words.
pub(super) fn same_answers(source: &Source<'_>, folder: &Path, watch: &mut Watch<'_>) -> Result<String, ExportError> {
    say(watch, "Opening the export again")?;
    let (texts, what) = questions(source)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let trained = logits(source, &source.run.best(), &texts, watch)?;
    let exported = logits(source, folder, &texts, watch)?;
    let difference = largest_difference(&trained, &exported)?;
    Ok(format!(
        "Opened again and compared with the trained model on {} {what}: the largest difference of a logit is {difference:.1e} \
         (limit {LIMIT:.0e})",
        texts.len()
    ))
}

/// Up to [`ROWS`] texts, spread evenly over the predictions that the run kept, and what they are.
///
/// A run that kept none is asked about its label names: any text tells whether two models are the same.
fn questions(source: &Source<'_>) -> Result<(Vec<String>, String), ExportError> {
    let (side, predictions) = source.predictions()?;
    if predictions.is_empty() {
        return Ok((source.settings.labels.clone(), "label names".to_owned()));
    }
    let count = predictions.len().min(ROWS);
    let texts = (0..count).map(|at| predictions[at * predictions.len() / count].text.clone()).collect();
    Ok((texts, format!("{side} rows")))
}

/// `[texts][labels]`.
fn logits(
    source: &Source<'_>,
    folder: &Path,
    texts: &[&str],
    watch: &mut Watch<'_>,
) -> Result<Vec<Vec<f32>>, ExportError> {
    let settings = &source.settings;
    let options = LoadOptions { dropout: Some(0.0), ..LoadOptions::classifier(settings.labels.clone()) };
    let (model, report) = Model::load(folder, &options)?;
    if report.new_head {
        return Err(ExportError::Differs(format!("{} has no head for these labels", folder.display())));
    }
    let length = settings.project.training.max_length.min(model.max_positions());
    let ids = TextTokenizer::load(folder)?.encode_batch(texts, length)?;
    let rows: Vec<usize> = (0..ids.len()).collect();
    let mut logits = Vec::with_capacity(rows.len());
    for batch in rows.chunks(BATCH) {
        say(watch, "Comparing the export with the model")?;
        let answers = model.forward(&packed(&ids, None, batch), Mode::Inference);
        logits.extend(answers.map_err(crate::models::ModelError::from)?);
    }
    Ok(logits)
}

/// An error where it is over the limit, or not a number.
fn largest_difference(one: &[Vec<f32>], other: &[Vec<f32>]) -> Result<f32, ExportError> {
    let mut largest = 0.0_f32;
    for (row, (one, other)) in one.iter().zip(other).enumerate() {
        for (one, other) in one.iter().zip(other) {
            let difference = (one - other).abs();
            if difference.is_nan() || difference > LIMIT {
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
        assert!(largest_difference(&one, &one).is_ok_and(|difference| difference.abs() < f32::MIN_POSITIVE));
        let near = vec![vec![1.0, 2.000_001], vec![3.0, 4.0]];
        assert!(largest_difference(&one, &near).unwrap() > 0.0);
        let far = vec![vec![1.0, 2.0], vec![3.0, 4.001]];
        assert!(largest_difference(&one, &far).unwrap_err().to_string().contains("row 2 is 4.001 instead of 4"));
        let nothing = vec![vec![1.0, f32::NAN], vec![3.0, 4.0]];
        assert!(largest_difference(&one, &nothing).is_err());
    }
}
