//! What a model said of one row.

use serde::{Deserialize, Serialize};

use crate::project::RowId;

/// What a model said of one text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The row.
    pub id: RowId,
    /// What the id column says of it, where one was chosen.
    #[serde(default)]
    pub key: Option<String>,
    /// The text as the model saw it.
    pub text: String,
    /// True label's class id, where known.
    pub label: Option<u32>,
    /// Class id with the highest probability.
    pub predicted: u32,
    /// Softmax probabilities, `[labels]`.
    pub probabilities: Vec<f32>,
}

impl Prediction {
    /// Probability of the predicted class.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        self.probabilities.get(self.predicted as usize).copied().unwrap_or(0.0)
    }

    /// Whether a true label is known and it is another one.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.label.is_some_and(|label| label != self.predicted)
    }
}
