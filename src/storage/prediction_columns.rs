//! Predictions as columns, by task.
//!
//! Every task has `side`, `row` (as `main:12`) and `text` first, and last `id`, the row's value in the project's id column. Between them:
//! text classification has `label`, `predicted`, then `probability_<label>` for each label in class-id order; language modelling has the
//! counts over the words to predict (`tokens`, `nats`, `words`, `correct`) and the same over domain terms (`term_tokens` and so on).

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Float32Array, Float64Array, PrimitiveArray, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{Field, Schema};

use crate::data::Target;
use crate::evaluation::{Answer, ClassAnswer, Prediction, WordCounts, WordsAnswer};

pub(super) const ID: &str = "id";
const PROBABILITY: &str = "probability_";
const TOKENS: &str = "tokens";
const TERM: &str = "term_";

/// Columns in order, with their fields.
#[derive(Default)]
struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    fn push(&mut self, name: impl Into<String>, nullable: bool, array: impl Array + 'static) {
        self.fields.push(Field::new(name, array.data_type().clone(), nullable));
        self.arrays.push(Arc::new(array));
    }
}

/// One batch of the predictions of a split.
pub(super) fn to_batch(side: &str, predictions: &[Prediction], labels: &[String]) -> Result<RecordBatch, String> {
    let mut columns = Columns::default();
    columns.push("side", false, StringArray::from(vec![side; predictions.len()]));
    columns.push("row", false, texts(predictions.iter().map(|prediction| prediction.id.to_string())));
    columns.push("text", false, texts(predictions.iter().map(|prediction| &prediction.text)));
    if labels.is_empty() {
        push_masked_words(&mut columns, predictions)?;
    } else {
        push_classes(&mut columns, predictions, labels)?;
    }
    let keys: StringArray = predictions.iter().map(|prediction| prediction.key.as_deref()).collect();
    columns.push(ID, true, keys);
    RecordBatch::try_new(Arc::new(Schema::new(columns.fields)), columns.arrays).map_err(|error| error.to_string())
}

fn texts(values: impl Iterator<Item = impl AsRef<str>>) -> StringArray {
    StringArray::from_iter_values(values)
}

fn push_classes(columns: &mut Columns, predictions: &[Prediction], labels: &[String]) -> Result<(), String> {
    let name = |id: u32| {
        labels.get(id as usize).map(String::as_str).ok_or_else(|| format!("there is no label with class id {id}"))
    };
    let answer = |prediction: &Prediction| -> Result<ClassAnswer, String> {
        let class = prediction.answer.class().ok_or_else(|| format!("row {} has no predicted label", prediction.id))?;
        let (got, wanted) = (class.probabilities.len(), labels.len());
        if got == wanted {
            Ok(class.clone())
        } else {
            Err(format!("row {} has {got} probabilities for {wanted} labels", prediction.id))
        }
    };
    let answers: Vec<ClassAnswer> = predictions.iter().map(answer).collect::<Result<_, _>>()?;
    let truth: Vec<Option<&str>> =
        predictions.iter().map(|prediction| prediction.label().map(name).transpose()).collect::<Result<_, _>>()?;
    let predicted: Vec<&str> = answers.iter().map(|answer| name(answer.predicted)).collect::<Result<_, _>>()?;
    columns.push("label", true, StringArray::from(truth));
    columns.push("predicted", false, StringArray::from(predicted));
    for (class, label) in labels.iter().enumerate() {
        let values = answers.iter().map(|answer| answer.probabilities[class]);
        columns.push(format!("{PROBABILITY}{label}"), false, Float32Array::from_iter_values(values));
    }
    Ok(())
}

fn push_masked_words(columns: &mut Columns, predictions: &[Prediction]) -> Result<(), String> {
    let answer = |prediction: &Prediction| {
        prediction.answer.words().copied().ok_or_else(|| format!("row {} has no predicted words", prediction.id))
    };
    let answers: Vec<WordsAnswer> = predictions.iter().map(answer).collect::<Result<_, _>>()?;
    let overall: Vec<WordCounts> = answers.iter().map(|answer| answer.overall).collect();
    let terms: Vec<WordCounts> = answers.iter().map(|answer| answer.terms).collect();
    push_counts(columns, "", &overall);
    push_counts(columns, TERM, &terms);
    Ok(())
}

fn push_counts(columns: &mut Columns, prefix: &str, counts: &[WordCounts]) {
    let whole = |value: fn(&WordCounts) -> u64| UInt64Array::from_iter_values(counts.iter().map(value));
    let nats = Float64Array::from_iter_values(counts.iter().map(|counts| counts.nats));
    columns.push(format!("{prefix}{TOKENS}"), false, whole(|counts| counts.tokens));
    columns.push(format!("{prefix}nats"), false, nats);
    columns.push(format!("{prefix}words"), false, whole(|counts| counts.words));
    columns.push(format!("{prefix}correct"), false, whole(|counts| counts.correct));
}

/// A column of text.
pub(super) fn text_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray, String> {
    column(batch, name)?.as_string_opt::<i32>().ok_or_else(|| format!("the column '{name}' is not text"))
}

fn number_column<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a PrimitiveArray<T>, String> {
    column(batch, name)?.as_primitive_opt::<T>().ok_or_else(|| format!("the column '{name}' is not {}", T::DATA_TYPE))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, String> {
    batch.column_by_name(name).ok_or_else(|| format!("the column '{name}' is missing"))
}

/// Adds the rows of a batch to `predictions`.
pub(super) fn from_batch(batch: &RecordBatch, predictions: &mut Vec<Prediction>) -> Result<(), String> {
    let (targets, answers) = if batch.column_by_name(TOKENS).is_some() {
        (vec![Target::None; batch.num_rows()], masked_words(batch)?)
    } else {
        classes(batch)?
    };
    let (row, text) = (text_column(batch, "row")?, text_column(batch, "text")?);
    let key = batch.column_by_name(ID).map(|_| text_column(batch, ID)).transpose()?;
    for (index, (target, answer)) in targets.into_iter().zip(answers).enumerate() {
        predictions.push(Prediction {
            id: row.value(index).parse()?,
            key: key.filter(|key| !key.is_null(index)).map(|key| key.value(index).to_owned()),
            text: text.value(index).to_owned(),
            target,
            answer,
        });
    }
    Ok(())
}

/// True classes and answers of a batch of class predictions.
fn classes(batch: &RecordBatch) -> Result<(Vec<Target>, Vec<Answer>), String> {
    let schema = batch.schema();
    let labels: Vec<&str> = schema.fields().iter().filter_map(|field| field.name().strip_prefix(PROBABILITY)).collect();
    let class_id = |label: &str| {
        let found = labels.iter().position(|known| *known == label);
        found.map(|id| id as u32).ok_or_else(|| format!("there is no probability for the label '{label}'"))
    };
    let probabilities: Vec<&PrimitiveArray<Float32Type>> =
        labels.iter().map(|label| number_column(batch, &format!("{PROBABILITY}{label}"))).collect::<Result<_, _>>()?;
    let (truth, predicted) = (text_column(batch, "label")?, text_column(batch, "predicted")?);
    let (mut targets, mut answers) = (Vec::new(), Vec::new());
    for index in 0..batch.num_rows() {
        let class = (!truth.is_null(index)).then(|| class_id(truth.value(index))).transpose()?;
        targets.push(class.map_or(Target::None, Target::Class));
        answers.push(Answer::Class(ClassAnswer {
            predicted: class_id(predicted.value(index))?,
            probabilities: probabilities.iter().map(|column| column.value(index)).collect(),
        }));
    }
    Ok((targets, answers))
}

fn masked_words(batch: &RecordBatch) -> Result<Vec<Answer>, String> {
    let (overall, terms) = (counts(batch, "")?, counts(batch, TERM)?);
    let answers = overall.into_iter().zip(terms);
    Ok(answers.map(|(overall, terms)| Answer::Words(WordsAnswer { overall, terms })).collect())
}

fn counts(batch: &RecordBatch, prefix: &str) -> Result<Vec<WordCounts>, String> {
    let whole = |name: &str| number_column::<UInt64Type>(batch, &format!("{prefix}{name}"));
    let (tokens, words, correct) = (whole(TOKENS)?, whole("words")?, whole("correct")?);
    let nats = number_column::<Float64Type>(batch, &format!("{prefix}nats"))?;
    let of_row = |row| WordCounts {
        tokens: tokens.value(row),
        nats: nats.value(row),
        words: words.value(row),
        correct: correct.value(row),
    };
    Ok((0..batch.num_rows()).map(of_row).collect())
}
