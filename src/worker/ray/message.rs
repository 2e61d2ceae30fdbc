//! What this process and a job tell each other: the job's task, and the lines that it prints.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::project::{MetricName, Trial};
use crate::storage::{EvaluationPoint, RunSummary, StepMetrics};

/// What a line of a job begins with. Other lines are for people.
const MARK: &str = "hone-trial: ";

/// The task of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialTask {
    /// The trial.
    pub trial: Trial,
    /// Whether it sends the trained weights.
    pub weights: SentWeights,
}

/// Whether a trial sends its weights, which are large.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum SentWeights {
    /// They are not needed.
    Never,
    /// They are needed in any case.
    Always,
    /// They are needed if the validation score is not worse than this one, which another trial has.
    UnlessWorseThan(f64),
}

/// A line that a job prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TrialMessage {
    /// Training begins.
    Started {
        /// `settings.ron` of its run.
        settings: String,
        /// Planned number of optimizer steps.
        total_steps: u64,
        /// Optimizer steps per epoch.
        steps_per_epoch: u64,
    },
    /// Metrics of the steps since the last such line.
    Steps(Vec<StepMetrics>),
    /// An evaluation on the validation set.
    Evaluation(Box<EvaluationPoint>),
    /// A warning.
    Warning(String),
    /// The run is finished, and its files follow.
    Sending,
    /// The next part of a file.
    Piece {
        /// Its path below the run's folder, with `/`.
        file: String,
        /// Bytes, in base64.
        data: String,
    },
    /// That was all.
    Sent {
        /// SHA-256 of each file, in hexadecimal.
        sha256: BTreeMap<String, String>,
    },
    /// The trial failed, for a reason that another node would not change.
    Failed(String),
}

impl TrialTask {
    /// The task as one word of a command line.
    #[must_use]
    pub fn to_word(&self) -> String {
        // Plain data always becomes JSON.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads [the word](Self::to_word).
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(word).ok()?).ok()
    }
}

impl SentWeights {
    /// Whether a run with this outcome sends them.
    pub fn are_sent(self, metric: MetricName, summary: &RunSummary) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::UnlessWorseThan(other) => {
                summary.validation.get(metric).is_none_or(|score| !metric.is_better(other, score))
            }
        }
    }
}

impl TrialMessage {
    /// The next part of a file.
    #[must_use]
    pub fn piece(file: &str, bytes: &[u8]) -> Self {
        Self::Piece { file: file.to_owned(), data: URL_SAFE_NO_PAD.encode(bytes) }
    }

    /// The bytes of a [`Self::Piece`]; `None` if they are damaged.
    pub(super) fn bytes_of(data: &str) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(data).ok()
    }

    /// The line to print, without its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        // Plain data always becomes JSON.
        format!("{MARK}{}", serde_json::to_string(self).unwrap_or_default())
    }

    /// The message of a line; `None` of other lines.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        serde_json::from_str(line.strip_prefix(MARK)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::RowsUsed;

    #[test]
    fn tasks_and_messages_are_read_back() {
        let trial = Trial { number: 3, rows: RowsUsed::WithoutTest, settings: vec!["lr=1e-4 'x'".to_owned()] };
        let task = TrialTask { trial, weights: SentWeights::UnlessWorseThan(0.1 + 0.2) };
        let word = task.to_word();
        assert!(word.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter)), "{word}");
        assert_eq!(TrialTask::from_word(&word), Some(task));
        assert_eq!(TrialTask::from_word("x"), None);
        let message = TrialMessage::piece("best/model.safetensors", &[0, 255, 10]);
        let line = message.to_line();
        assert!(!line.contains('\n'));
        assert_eq!(TrialMessage::of_line(&line), Some(message));
        let TrialMessage::Piece { data, .. } = TrialMessage::of_line(&line).unwrap() else { panic!("{line}") };
        assert_eq!(TrialMessage::bytes_of(&data), Some(vec![0, 255, 10]));
        for other in ["Reading the file", "hone-trial: {", ""] {
            assert_eq!(TrialMessage::of_line(other), None);
        }
    }

    #[test]
    fn weights_that_cannot_be_the_best_are_not_sent() {
        let summary = |f1: f64| {
            let folder = tempfile::tempdir().unwrap();
            let run = crate::storage::RunFolder::create(folder.path()).unwrap().0;
            let mut metrics = crate::evaluation::ClassificationMetrics { loss: 1.0 - f1, ..Default::default() };
            metrics.macro_average.f1 = f1;
            let metrics = crate::evaluation::Metrics::Classification(metrics);
            run.append_evaluation(&EvaluationPoint { step: 1, epoch: 1.0, metrics, is_best: true }).unwrap();
            run.summary_so_far(crate::storage::StopReason::Completed)
        };
        let are_sent = |metric, f1| SentWeights::UnlessWorseThan(0.5).are_sent(metric, &summary(f1));
        assert!(are_sent(MetricName::MacroF1, 0.6) && are_sent(MetricName::MacroF1, 0.5));
        assert!(!are_sent(MetricName::MacroF1, 0.4));
        assert!(are_sent(MetricName::Loss, 0.6) && !are_sent(MetricName::Loss, 0.4), "a lower loss is better");
    }
}
