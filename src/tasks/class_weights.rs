//! Weight of each label in the loss.

use std::sync::Arc;

use crate::project::{ClassWeights, OutOfRange, are_imbalanced};

/// The weight of every label, `[labels]`; `None` when all count the same.
///
/// `Balanced` is scikit-learn's: rows / (labels x rows of the label), over the labels that have rows; a label
/// without rows gets 1.
///
/// # Errors
/// [`OutOfRange`] if a weight is given for an unknown label, or is not a positive number.
pub(super) fn class_weights(
    choice: &ClassWeights,
    labels: &[String],
    train: &[u32],
) -> Result<Option<Arc<[f32]>>, OutOfRange> {
    match choice {
        ClassWeights::None => Ok(None),
        ClassWeights::Auto => {
            let rows = rows_of(labels.len(), train);
            Ok(are_imbalanced(rows.iter().copied()).then(|| balanced(&rows).into()))
        }
        ClassWeights::Balanced => Ok(Some(balanced(&rows_of(labels.len(), train)).into())),
        ClassWeights::ByHand(weights) => {
            for (label, weight) in weights {
                if !labels.contains(label) {
                    let advice = format!("The labels are: {}.", labels.join(", "));
                    return Err(out_of_range(format!("set for '{label}', which is not a label"), advice));
                }
                if !(weight.is_finite() && *weight > 0.0) {
                    let advice = "Use a number above 0; 1 is the default.".to_owned();
                    return Err(out_of_range(format!("{weight} for the label '{label}'"), advice));
                }
            }
            Ok(Some(labels.iter().map(|label| weights.get(label).map_or(1.0, |&weight| weight as f32)).collect()))
        }
    }
}

fn out_of_range(value: String, advice: String) -> OutOfRange {
    OutOfRange { setting: "class weight", value, advice }
}

/// Rows of each label.
fn rows_of(labels: usize, train: &[u32]) -> Vec<usize> {
    let mut rows = vec![0; labels];
    for &label in train {
        rows[label as usize] += 1;
    }
    rows
}

fn balanced(rows: &[usize]) -> Vec<f32> {
    let all = rows.iter().sum::<usize>() as f64;
    let present = rows.iter().filter(|&&rows| rows > 0).count() as f64;
    let weight = |rows: usize| if rows == 0 { 1.0 } else { all / (present * rows as f64) };
    rows.iter().map(|&rows| weight(rows) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["bad", "good", "unused"].map(str::to_owned).to_vec()
    }

    #[test]
    fn balanced_equals_scikit_learn() {
        let weights = class_weights(&ClassWeights::Balanced, &names(), &[0, 1, 1, 1]).unwrap();
        // compute_class_weight("balanced", classes=[0, 1], y=[0, 1, 1, 1]) = [2.0, 0.6667]
        assert_eq!(weights.as_deref(), Some([2.0, 2.0 / 3.0, 1.0].as_slice()));
        assert_eq!(class_weights(&ClassWeights::None, &names(), &[0]).unwrap(), None);
        let rows = |rare: usize, frequent: usize| [vec![0; rare], vec![1; frequent]].concat();
        let auto = |train: &[u32]| class_weights(&ClassWeights::Auto, &names(), train).unwrap();
        assert_eq!(auto(&rows(2, 19)), None, "less than ten to one");
        assert_eq!(auto(&rows(2, 20)), class_weights(&ClassWeights::Balanced, &names(), &rows(2, 20)).unwrap());
        assert_eq!(auto(&rows(0, 20)), None, "a label without rows is not a rare one");
    }

    #[test]
    fn by_hand_is_checked() {
        let by_hand = |label: &str, weight: f64| {
            class_weights(&ClassWeights::ByHand([(label.to_owned(), weight)].into()), &names(), &[0, 1])
        };
        assert_eq!(by_hand("bad", 3.0).unwrap().as_deref(), Some([3.0, 1.0, 1.0].as_slice()));
        let message = by_hand("bda", 3.0).unwrap_err().to_string();
        assert!(message.contains("'bda'") && message.contains("bad, good, unused"), "{message}");
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(by_hand("bad", weight).unwrap_err().to_string().contains("above 0"));
        }
    }
}
