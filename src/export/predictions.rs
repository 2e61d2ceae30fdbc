//! The predictions on test as CSV: what the model saw, said, and how sure it was.

use std::path::Path;

use crate::evaluation::Prediction;
use crate::export::{ExportError, Source, say};
use crate::progress::Watch;
use crate::storage::write_atomic;

/// Writes the predictions to `file`, and reads them again.
pub(super) fn write(source: &Source<'_>, file: &Path, watch: &mut Watch<'_>) -> Result<String, ExportError> {
    say(watch, "Writing the predictions")?;
    let (side, predictions) = source.predictions()?;
    if predictions.is_empty() {
        return Err(ExportError::NoPredictions(source.run.id()));
    }
    let labels = &source.settings.labels;
    write_atomic(file, |writer| write_csv(writer, &predictions, labels)).map_err(ExportError::io("write", file))?;
    say(watch, "Reading the predictions again")?;
    let (rows, right) = read_again(file, &predictions, labels)?;
    Ok(format!("Read again: all {rows} {side} rows as the model answered them, {right} of them right"))
}

fn write_csv(writer: impl std::io::Write, predictions: &[Prediction], labels: &[String]) -> std::io::Result<()> {
    let mut table = csv::Writer::from_writer(writer);
    let with_ids = has_ids(predictions);
    let id = with_ids.then(|| "id".to_owned());
    let fixed = ["text", "label", "predicted", "correct", "confidence"].map(str::to_owned);
    let fixed = std::iter::once("row".to_owned()).chain(id).chain(fixed);
    table.write_record(fixed.chain(labels.iter().map(|label| format!("probability_{label}"))))?;
    let name = |id: u32| labels.get(id as usize).cloned().unwrap_or_default();
    for prediction in predictions {
        let known = prediction.label.is_some();
        let correct = if known { (!prediction.is_wrong()).to_string() } else { String::new() };
        let id = with_ids.then(|| prediction.key.clone().unwrap_or_default());
        let fixed = [
            prediction.text.clone(),
            prediction.label.map(name).unwrap_or_default(),
            name(prediction.predicted),
            correct,
            prediction.confidence().to_string(),
        ];
        let fixed = std::iter::once(prediction.id.to_string()).chain(id).chain(fixed);
        table.write_record(fixed.chain(prediction.probabilities.iter().map(f32::to_string)))?;
    }
    table.flush()
}

/// Whether a column names the rows.
fn has_ids(predictions: &[Prediction]) -> bool {
    predictions.iter().any(|prediction| prediction.key.is_some())
}

/// Rows, and how many of them are right; an error when a row is not what was written.
fn read_again(file: &Path, predictions: &[Prediction], labels: &[String]) -> Result<(usize, usize), ExportError> {
    let differs = |row: usize| ExportError::Differs(format!("row {} of {} is another", row + 1, file.display()));
    let unreadable = |error: csv::Error| ExportError::Differs(error.to_string());
    let mut table = csv::Reader::from_path(file).map_err(unreadable)?;
    let (mut rows, mut right) = (0, 0);
    let ids = usize::from(has_ids(predictions));
    for record in table.records() {
        let record = record.map_err(unreadable)?;
        let written = predictions.get(rows).ok_or_else(|| differs(rows))?;
        let probabilities = record.iter().skip(6 + ids).map(str::parse::<f32>).collect::<Result<Vec<_>, _>>();
        let same = record.get(0) == Some(written.id.to_string().as_str())
            && (ids == 0 || record.get(1) == Some(written.key.as_deref().unwrap_or_default()))
            && record.get(1 + ids) == Some(written.text.as_str())
            && record.get(3 + ids) == labels.get(written.predicted as usize).map(String::as_str)
            && probabilities.is_ok_and(|read| read == written.probabilities);
        if !same {
            return Err(differs(rows));
        }
        right += usize::from(record.get(4 + ids) == Some("true"));
        rows += 1;
    }
    if rows == predictions.len() { Ok((rows, right)) } else { Err(differs(rows)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions() -> Vec<Prediction> {
        let one = |text: &str, label, predicted, probabilities: [f32; 2]| Prediction {
            id: "main:3".parse().unwrap(),
            key: None,
            text: text.to_owned(),
            label,
            predicted,
            probabilities: probabilities.to_vec(),
        };
        vec![
            one("a \"quoted\",\nbroken line", Some(0), 0, [0.123_456_79, 0.876_543_2]),
            one("=1+1", Some(1), 0, [0.1, 0.9]),
            one("unlabelled", None, 1, [1e-9, 1.0]),
        ]
    }

    fn labels() -> Vec<String> {
        vec!["good".to_owned(), "so, so".to_owned()]
    }

    #[test]
    fn written_and_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_csv(std::fs::File::create(file.path()).unwrap(), &predictions(), &labels()).unwrap();
        assert_eq!(read_again(file.path(), &predictions(), &labels()).unwrap(), (3, 1));
        let text = std::fs::read_to_string(file.path()).unwrap();
        let header = "row,text,label,predicted,correct,confidence,probability_good,\"probability_so, so\"\n";
        assert!(text.starts_with(header), "{text}");
        assert!(text.ends_with("main:3,unlabelled,,\"so, so\",,1,0.000000001,1\n"), "{text}");
    }

    #[test]
    fn rows_are_named_by_their_ids_where_there_are_any() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut predictions = predictions();
        predictions[1].key = Some("HN-7".to_owned());
        write_csv(std::fs::File::create(file.path()).unwrap(), &predictions, &labels()).unwrap();
        assert_eq!(read_again(file.path(), &predictions, &labels()).unwrap(), (3, 1));
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(text.starts_with("row,id,text,") && text.contains("main:3,HN-7,=1+1,"), "{text}");
        predictions[1].key = Some("HN-8".to_owned());
        assert!(read_again(file.path(), &predictions, &labels()).is_err());
    }

    #[test]
    fn a_file_that_differs_is_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_csv(std::fs::File::create(file.path()).unwrap(), &predictions()[..2], &labels()).unwrap();
        let error = read_again(file.path(), &predictions(), &labels()).unwrap_err();
        assert!(matches!(error, ExportError::Differs(_)));
        let mut other = predictions();
        other[1].probabilities[0] = 0.2;
        write_csv(std::fs::File::create(file.path()).unwrap(), &other, &labels()).unwrap();
        let error = read_again(file.path(), &predictions(), &labels()).unwrap_err().to_string();
        assert!(error.contains("row 2 of"), "{error}");
    }
}
