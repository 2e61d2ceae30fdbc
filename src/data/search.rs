//! Finding rows, and how long texts are.

use rayon::prelude::*;

use super::Prepared;

/// Positions in [`Prepared::examples`] of the rows whose text holds `query`, in any case, and whose class id is
/// `label`, where one is given. An empty query fits every text.
#[must_use]
pub fn filter_rows(prepared: &Prepared, query: &str, label: Option<u32>) -> Vec<usize> {
    let query = query.trim().to_lowercase();
    let fits = |text: &str| {
        query.is_empty()
            || if query.is_ascii() && text.is_ascii() {
                text.as_bytes().windows(query.len()).any(|part| part.eq_ignore_ascii_case(query.as_bytes()))
            } else {
                text.to_lowercase().contains(&query)
            }
    };
    let examples = prepared.examples.par_iter().enumerate();
    examples
        .filter(|(_, example)| label.is_none_or(|label| example.label == label) && fits(&example.text))
        .map(|(row, _)| row)
        .collect()
}

/// Words of each example, in the order of [`Prepared::examples`]: cheap, for a first look at lengths.
#[must_use]
pub fn word_counts(prepared: &Prepared) -> Vec<usize> {
    prepared.examples.par_iter().map(|example| example.text.split_whitespace().count()).collect()
}

/// One bar of a length histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthBin {
    /// Shortest length counted here.
    pub from: usize,
    /// One more than the longest length counted here.
    pub to: usize,
    /// Texts of such a length.
    pub texts: usize,
}

/// At most `bins` bars of equal width from the shortest to the longest of `lengths`; none without lengths.
#[must_use]
pub fn length_histogram(lengths: &[usize], bins: usize) -> Vec<LengthBin> {
    let (Some(&shortest), Some(&longest)) = (lengths.iter().min(), lengths.iter().max()) else { return Vec::new() };
    let width = (longest - shortest + 1).div_ceil(bins.max(1));
    let bars = (longest - shortest) / width + 1;
    let mut histogram: Vec<LengthBin> = (0..bars)
        .map(|bar| LengthBin { from: shortest + bar * width, to: shortest + (bar + 1) * width, texts: 0 })
        .collect();
    for length in lengths {
        histogram[(length - shortest) / width].texts += 1;
    }
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histogram_counts_every_text_once() {
        let histogram = length_histogram(&[1, 2, 3, 10, 10], 3);
        assert_eq!(histogram.len(), 3);
        assert_eq!(histogram[0], LengthBin { from: 1, to: 5, texts: 3 });
        assert_eq!(histogram.iter().map(|bin| bin.texts).sum::<usize>(), 5);
        assert_eq!(length_histogram(&[7], 10), [LengthBin { from: 7, to: 8, texts: 1 }]);
        assert!(length_histogram(&[], 10).is_empty());
    }
}
