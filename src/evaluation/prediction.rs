//! A model's prediction for one row.

use crate::data::Target;
use crate::evaluation::WordsAnswer;
use crate::evaluation::temper::temper;
use crate::project::RowId;

/// A model's answer, by task.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A class.
    Class(ClassAnswer),
    /// Results for the words that it was to predict.
    Words(WordsAnswer),
}

/// A predicted class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassAnswer {
    /// Class id with the highest probability.
    pub predicted: u32,
    /// Softmax probabilities, `[labels]`.
    pub probabilities: Vec<f32>,
}

/// A row with its target and the model's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The row.
    pub id: RowId,
    /// Its value in the id column, if one was chosen.
    pub key: Option<String>,
    /// The text as the model saw it.
    pub text: String,
    /// The correct answer, if known.
    pub target: Target,
    /// The model's answer.
    pub answer: Answer,
}

impl Answer {
    /// The class, if the task is text classification.
    #[must_use]
    pub fn class(&self) -> Option<&ClassAnswer> {
        match self {
            Self::Class(class) => Some(class),
            Self::Words(_) => None,
        }
    }

    /// The words that it was to predict, if the task is language modelling.
    #[must_use]
    pub fn words(&self) -> Option<&WordsAnswer> {
        match self {
            Self::Class(_) => None,
            Self::Words(words) => Some(words),
        }
    }

    /// The same answer with every logit divided by `temperature`, if it is a class; see [`ClassAnswer::at_temperature`].
    #[must_use]
    pub fn at_temperature(self, temperature: f64) -> Self {
        match self {
            Self::Class(class) => Self::Class(class.at_temperature(temperature)),
            Self::Words(words) => Self::Words(words),
        }
    }
}

impl ClassAnswer {
    /// Probability of the predicted class.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        self.probabilities.get(self.predicted as usize).copied().unwrap_or(0.0)
    }

    /// The same class with every logit divided by `temperature`: above 1, it is less sure.
    #[must_use]
    pub fn at_temperature(&self, temperature: f64) -> Self {
        let mut row: Vec<f64> = self.probabilities.iter().map(|&probability| f64::from(probability)).collect();
        temper(&mut row, temperature);
        let probabilities = row.into_iter().map(|probability| probability as f32).collect();
        Self { predicted: self.predicted, probabilities }
    }

    /// Whether the prediction counts with a least confidence; without one, every prediction does.
    #[must_use]
    pub fn is_decided(&self, threshold: Option<f32>) -> bool {
        threshold.is_none_or(|threshold| self.confidence() >= threshold)
    }
}

impl Prediction {
    /// The true label's class id; `None` if it is unknown or the task is not text classification.
    #[must_use]
    pub fn label(&self) -> Option<u32> {
        self.target.class()
    }

    /// The predicted class id; `None` if the task is not text classification.
    #[must_use]
    pub fn predicted(&self) -> Option<u32> {
        self.answer.class().map(|class| class.predicted)
    }

    /// Probabilities of the classes, `[labels]`; empty if the task is not text classification.
    #[must_use]
    pub fn probabilities(&self) -> &[f32] {
        self.answer.class().map_or(&[], |class| &class.probabilities)
    }

    /// Probability of the predicted class; 0 if the task is not text classification.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        self.answer.class().map_or(0.0, ClassAnswer::confidence)
    }

    /// Whether the true class is known and differs from the predicted one.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        matches!((self.label(), self.predicted()), (Some(label), Some(predicted)) if label != predicted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temperature_changes_the_probabilities_and_never_the_class() {
        let answer = ClassAnswer { predicted: 1, probabilities: vec![0.2, 0.8] };
        let flat = answer.at_temperature(2.0);
        assert_eq!(flat.predicted, 1);
        assert!((flat.confidence() - 2.0 / 3.0).abs() < 1e-6, "the square roots of 1 and 4: {flat:?}");
        // After rounding, both are the same.
        let close = ClassAnswer { predicted: 1, probabilities: vec![0.5, 0.5 + f32::EPSILON] }.at_temperature(20.0);
        assert_eq!(close, ClassAnswer { predicted: 1, probabilities: vec![0.5, 0.5] });
        let words = Answer::Words(WordsAnswer::default());
        assert_eq!(words.clone().at_temperature(2.0), words);
    }
}
