//! What a card says about the temperature of a classifier.

use std::fmt::{self, Write};

use crate::evaluation::{Calibration, ClassificationMetrics};

/// The temperature of an exported classifier.
#[derive(Clone, Copy)]
pub(in crate::export) struct Calibrated<'a> {
    pub temperature: f64,
    /// Whether the last layer of the export is divided by it.
    pub is_divided: bool,
    /// Whether the export's `hone.ron` holds it, so that Hone divides by it.
    pub is_kept: bool,
    /// The calibration error of the test rows, and the same at the temperature; `None` without test rows.
    pub on_test_rows: Option<&'a (f64, Calibration)>,
}

impl Calibrated<'_> {
    /// In the results: what it changes on the test rows, whose `metrics` are uncalibrated.
    pub fn write_results(&self, card: &mut String, metrics: &ClassificationMetrics) -> fmt::Result {
        let temperature = self.temperature;
        let rows = self.on_test_rows.map_or_else(String::new, |(_, calibration)| format!("{} ", calibration.fitted_on));
        let fitted = format!("{temperature:.3} (fitted on the {rows}validation rows)");
        match (self.is_divided, self.on_test_rows) {
            (false, Some((before, Calibration { calibration_error: after, .. }))) => writeln!(
                card,
                "Expected calibration error {before:.4} (15 bins). The probabilities are not calibrated: dividing the logits by the \
                 temperature {fitted} before the softmax gives {after:.4}."
            ),
            (false, None) => writeln!(
                card,
                "The probabilities are not calibrated: divide the logits by the temperature {fitted} before the softmax."
            ),
            (true, on_test_rows) => {
                write!(
                    card,
                    "The probabilities are calibrated: the weights and biases of the last layer are divided by the temperature \
                     {fitted}."
                )?;
                let Some((before, Calibration { log_loss, calibration_error, .. })) = on_test_rows else {
                    return writeln!(card);
                };
                let loss = metrics.loss;
                writeln!(
                    card,
                    " On the test rows, this changes the mean cross-entropy from {loss:.4} to {log_loss:.4}, and the expected \
                     calibration error (15 bins) from {before:.4} to {calibration_error:.4}."
                )
            }
        }
    }

    /// After the code that uses a whole model: how Python gets calibrated probabilities, of at most `max_length` tokens.
    pub fn write_python(&self, card: &mut String, max_length: usize) -> fmt::Result {
        if self.is_divided {
            return Ok(());
        }
        let temperature = self.temperature;
        writeln!(
            card,
            "\nThe pipeline's probabilities are not calibrated. For calibrated ones, divide the logits by the temperature:\n\n\
             ```python\nimport torch\nfrom transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n\
             folder = \"path/to/this/folder\"\n\
             model = AutoModelForSequenceClassification.from_pretrained(folder).eval()\n\
             tokens = AutoTokenizer.from_pretrained(folder)(\"your text\", truncation=True, max_length={max_length}, return_tensors=\"pt\")\n\
             with torch.no_grad():\n    print((model(**tokens).logits / {temperature:.6}).softmax(-1))\n```"
        )
    }

    /// After code that gets logits, which Python calls `name`.
    pub fn write_division(&self, card: &mut String, name: &str) -> fmt::Result {
        let temperature = self.temperature;
        let probabilities = if self.is_divided {
            format!("torch.as_tensor({name}).softmax(-1)")
        } else {
            format!("(torch.as_tensor({name}) / {temperature:.6}).softmax(-1)")
        };
        writeln!(card, "\nCalibrated probabilities are `{probabilities}`.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Reliability;

    fn said(is_divided: bool, has_test_rows: bool) -> String {
        let calibration = Calibration {
            temperature: 1.25,
            fitted_on: 40,
            log_loss: 0.3,
            brier_score: 0.2,
            calibration_error: 0.01,
            reliability: Reliability::default(),
        };
        let on_test_rows = (0.08, calibration);
        let on_test_rows = has_test_rows.then_some(&on_test_rows);
        let calibrated = Calibrated { temperature: 1.25, is_divided, is_kept: !is_divided, on_test_rows };
        let (metrics, mut card) = (ClassificationMetrics { loss: 0.5, ..Default::default() }, String::new());
        calibrated.write_results(&mut card, &metrics).unwrap();
        calibrated.write_python(&mut card, 64).unwrap();
        calibrated.write_division(&mut card, "scores").unwrap();
        card
    }

    #[test]
    fn a_temperature_to_divide_by_is_told_with_its_use_in_python() {
        let card = said(false, true);
        for part in [
            "Expected calibration error 0.0800 (15 bins).",
            "dividing the logits by the temperature 1.250 (fitted on the 40 validation rows) before the softmax gives 0.0100.",
            "max_length=64",
            "print((model(**tokens).logits / 1.250000).softmax(-1))",
            "`(torch.as_tensor(scores) / 1.250000).softmax(-1)`",
        ] {
            assert!(card.contains(part), "{part} is missing in\n{card}");
        }
        let without = said(false, false);
        assert!(
            without.contains("divide the logits by the temperature 1.250 (fitted on the validation rows)"),
            "{without}"
        );
    }

    #[test]
    fn a_divided_last_layer_needs_no_code() {
        let card = said(true, true);
        for part in [
            "divided by the temperature 1.250 (fitted on the 40 validation rows).",
            "the mean cross-entropy from 0.5000 to 0.3000",
            "(15 bins) from 0.0800 to 0.0100.",
            "`torch.as_tensor(scores).softmax(-1)`",
        ] {
            assert!(card.contains(part), "{part} is missing in\n{card}");
        }
        assert!(!card.contains("```") && !said(true, false).contains("cross-entropy"), "{card}");
    }
}
