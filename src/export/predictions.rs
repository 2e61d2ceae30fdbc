//! Exports the test predictions as CSV: the text, the model's answer, and its confidence or loss.

use std::path::Path;

use crate::evaluation::{Answer, Prediction, WordCounts};
use crate::export::spreadsheet::{as_written, begin_csv};
use crate::export::{ExportError, ExportSource};
use crate::progress::Watch;
use crate::storage::write_atomic;
use crate::words::counted;

/// Writes the predictions to `file`, reads them back and compares them. `raw` writes them for programs, not for spreadsheets.
pub(super) fn write(
    source: &ExportSource<'_>,
    raw: bool,
    file: &Path,
    watch: &mut Watch<'_>,
) -> Result<String, ExportError> {
    watch.begin("Writing the predictions")?;
    let (side, predictions) = source.predictions()?;
    if predictions.is_empty() {
        return Err(ExportError::NoPredictions(source.run.id()));
    }
    let labels = &source.settings.labels;
    write_atomic(file, |writer| write_csv(writer, &predictions, labels, raw))
        .map_err(ExportError::io("write", file))?;
    watch.begin("Comparing the predictions")?;
    compare(file, &predictions, labels, raw)?;
    let rows = predictions.len();
    let known = predictions.iter().filter(|prediction| prediction.label().is_some());
    let correct = known.clone().filter(|prediction| !prediction.is_wrong()).count();
    let correct = if known.count() > 0 { format!(", {correct} of them correct") } else { String::new() };
    let rows = counted(rows, "row", "rows");
    Ok(format!("Read back and compared with the {side} set: {rows}{correct}"))
}

fn write_csv(
    mut writer: impl std::io::Write,
    predictions: &[Prediction],
    labels: &[String],
    raw: bool,
) -> std::io::Result<()> {
    let as_written = begin_csv(&mut writer, raw)?;
    let cells = |cells: Vec<String>| cells.into_iter().map(|cell| as_written(&cell).into_owned()).collect::<Vec<_>>();
    let mut table = csv::Writer::from_writer(writer);
    let with_ids = has_ids(predictions);
    table.write_record(cells(head(with_ids, labels)))?;
    for prediction in predictions {
        table.write_record(cells(record(prediction, with_ids, labels)))?;
    }
    table.flush()
}

/// Whether there is a column of the rows' ids.
fn has_ids(predictions: &[Prediction]) -> bool {
    predictions.iter().any(|prediction| prediction.key.is_some())
}

fn head(with_ids: bool, labels: &[String]) -> Vec<String> {
    let mut head = vec!["row"];
    head.extend(with_ids.then_some("id"));
    head.push("text");
    if labels.is_empty() {
        head.extend(["predicted_tokens", "loss", "predicted_words", "correct_words"]);
        head.extend(["term_tokens", "term_loss", "term_words", "correct_terms"]);
    } else {
        head.extend(["label", "predicted", "correct", "confidence"]);
    }
    let probabilities = labels.iter().map(|label| format!("probability_{label}"));
    head.into_iter().map(str::to_owned).chain(probabilities).collect()
}

fn record(prediction: &Prediction, with_ids: bool, labels: &[String]) -> Vec<String> {
    let name = |id: u32| labels.get(id as usize).cloned().unwrap_or_default();
    let mut record = vec![prediction.id.to_string()];
    record.extend(with_ids.then(|| prediction.key.clone().unwrap_or_default()));
    record.push(prediction.text.clone());
    match &prediction.answer {
        Answer::Class(class) => {
            let known = prediction.label().is_some();
            let correct = if known { (!prediction.is_wrong()).to_string() } else { String::new() };
            record.push(prediction.label().map(name).unwrap_or_default());
            record.push(name(class.predicted));
            record.push(correct);
            record.push(class.confidence().to_string());
            record.extend(class.probabilities.iter().map(f32::to_string));
        }
        Answer::Words(words) => {
            record.extend(counts(&words.overall));
            record.extend(counts(&words.terms));
        }
    }
    record
}

fn counts(counts: &WordCounts) -> [String; 4] {
    let WordCounts { tokens, words, correct, .. } = counts;
    [tokens.to_string(), counts.loss().to_string(), words.to_string(), correct.to_string()]
}

/// Reads the file back; an error if a row is not as it was written.
fn compare(file: &Path, predictions: &[Prediction], labels: &[String], raw: bool) -> Result<(), ExportError> {
    let as_written = as_written(raw);
    let differs = |row: usize| ExportError::Differs(format!("row {} of {} is different", row + 1, file.display()));
    let unreadable = |error: csv::Error| ExportError::Differs(error.to_string());
    let mut table = csv::Reader::from_path(file).map_err(unreadable)?;
    let with_ids = has_ids(predictions);
    let mut rows = 0;
    for found in table.records() {
        let found = found.map_err(unreadable)?;
        let written = predictions.get(rows).ok_or_else(|| differs(rows))?;
        if !found.iter().eq(record(written, with_ids, labels).iter().map(|cell| as_written(cell))) {
            return Err(differs(rows));
        }
        rows += 1;
    }
    if rows == predictions.len() { Ok(()) } else { Err(differs(rows)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Target;
    use crate::evaluation::{ClassAnswer, WordsAnswer};

    fn prediction(text: &str, label: Option<u32>, answer: Answer) -> Prediction {
        let target = label.map_or(Target::None, Target::Class);
        Prediction { id: "main:3".parse().unwrap(), key: None, text: text.to_owned(), target, answer }
    }

    fn predictions() -> Vec<Prediction> {
        let one = |text: &str, label, predicted, probabilities: [f32; 2]| {
            prediction(text, label, Answer::Class(ClassAnswer { predicted, probabilities: probabilities.to_vec() }))
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

    fn written(predictions: &[Prediction], labels: &[String]) -> (tempfile::NamedTempFile, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_csv(file.reopen().unwrap(), predictions, labels, false).unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        (file, text)
    }

    #[test]
    fn class_predictions_are_read_back_as_written() {
        let (file, text) = written(&predictions(), &labels());
        compare(file.path(), &predictions(), &labels(), false).unwrap();
        let header = "\u{feff}row,text,label,predicted,correct,confidence,probability_good,\"probability_so, so\"\n";
        assert!(text.starts_with(header), "{text}");
        assert!(text.ends_with("main:3,unlabelled,,\"so, so\",,1,0.000000001,1\n"), "{text}");
    }

    #[test]
    fn cells_that_begin_as_formulas_do_are_harmless_unless_raw_is_asked_for() {
        let (file, text) = written(&predictions(), &labels());
        assert!(text.contains("main:3,'=1+1,"), "{text}");
        write_csv(file.reopen().unwrap(), &predictions(), &labels(), true).unwrap();
        let raw = std::fs::read_to_string(file.path()).unwrap();
        assert!(raw.starts_with("row,") && raw.contains("main:3,=1+1,"), "{raw}");
    }

    #[test]
    fn masked_words_have_their_loss_and_correct_words() {
        let overall = WordCounts { tokens: 4, nats: 6.0, words: 3, correct: 2 };
        let answer = Answer::Words(WordsAnswer { overall, terms: WordCounts::default() });
        let predictions = [prediction("some text", None, answer)];
        let (file, text) = written(&predictions, &[]);
        compare(file.path(), &predictions, &[], false).unwrap();
        assert!(
            text.starts_with("\u{feff}row,text,predicted_tokens,loss,predicted_words,correct_words,term_tokens,"),
            "{text}"
        );
        assert!(text.ends_with("main:3,some text,4,1.5,3,2,0,0,0,0\n"), "{text}");
    }

    #[test]
    fn rows_have_an_id_column_if_the_project_has_one() {
        let mut predictions = predictions();
        predictions[1].key = Some("HN-7".to_owned());
        let (file, text) = written(&predictions, &labels());
        compare(file.path(), &predictions, &labels(), false).unwrap();
        assert!(text.starts_with("\u{feff}row,id,text,") && text.contains("main:3,HN-7,'=1+1,"), "{text}");
        predictions[1].key = Some("HN-8".to_owned());
        assert!(compare(file.path(), &predictions, &labels(), false).is_err());
    }

    #[test]
    fn a_file_that_differs_is_refused() {
        let (file, _) = written(&predictions()[..2], &labels());
        let error = compare(file.path(), &predictions(), &labels(), false).unwrap_err();
        assert!(matches!(error, ExportError::Differs(_)));
        let mut other = predictions();
        other[1].answer = Answer::Class(ClassAnswer { predicted: 0, probabilities: vec![0.2, 0.9] });
        let (file, _) = written(&other, &labels());
        let error = compare(file.path(), &predictions(), &labels(), false).unwrap_err().to_string();
        assert!(error.contains("row 2 of"), "{error}");
    }
}
