//! Scores a model batch by batch. Of the logits, only each row's answer and loss are kept.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::evaluation::{
    Answer, ClassAnswer, ClassificationMetrics, LanguageModelMetrics, Metrics, TermCounts, WordCounts, WordsAnswer,
};
use crate::ops::log_sum_of_exponentials;
use crate::project::Objective;

/// The logits of a batch, or of a part of it, at the positions the task reads, and the targets there.
#[derive(Clone, Copy, Debug)]
pub struct BatchLogits<'a> {
    /// Logits, `[positions][classes]`, or `[positions][vocabulary]`.
    pub logits: &'a [Vec<f32>],
    /// The row of each position, `[positions]`.
    pub rows: &'a [usize],
    /// The target class or token at each position, `[positions]`; empty if unknown.
    pub wanted: &'a [u32],
    /// The word of each position, `[positions]`; empty unless the task is language modelling.
    pub words: &'a [ScoredWord],
}

/// The word that a position belongs to. The positions of a word are consecutive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScoredWord {
    /// Whether the word begins here.
    pub begins: bool,
    /// Its number among the domain's own terms, if it is one.
    pub term: Option<u32>,
}

/// Metrics over all rows, and the answer to each.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// The metrics. Rows without a target are not included.
    pub metrics: Metrics,
    /// The model's answers, `[rows]`.
    pub answers: Vec<Answer>,
}

/// Turns batches of logits into metrics and answers. Batches may come in any order: sums are taken in row order, so the
/// result doesn't depend on how rows were batched.
#[derive(Clone, Debug)]
pub enum Scorer {
    /// Text classification: one position per row.
    Classes(ClassScorer),
    /// Language modelling: the masked positions of each document.
    Words(WordScorer),
}

/// Scores class predictions.
#[derive(Clone, Debug)]
pub struct ClassScorer {
    labels: Vec<String>,
    rows: Vec<Option<ScoredRow>>,
}

/// The result of a row.
#[derive(Clone, Debug)]
struct ScoredRow {
    answer: ClassAnswer,
    /// The true class and the cross-entropy in nats, if it is known.
    truth: Option<(u32, f64)>,
}

/// Scores predictions of words.
#[derive(Clone, Debug)]
pub struct WordScorer {
    objective: Objective,
    documents: Vec<WordsAnswer>,
    /// The domain's own terms.
    terms: Vec<String>,
    /// Counts of each row and term. In order, so that sums do not depend on how rows were batched.
    by_term: BTreeMap<(usize, u32), WordCounts>,
    /// The word of the last position.
    word: WordSoFar,
}

/// A word whose tokens were scored so far. The rest of them may be in the next part of the batch.
#[derive(Clone, Copy, Debug, Default)]
struct WordSoFar {
    term: Option<u32>,
    /// Whether all of them were predicted correctly.
    is_correct: bool,
}

impl Scorer {
    /// A scorer for `rows` class predictions.
    #[must_use]
    pub fn classes(labels: &[String], rows: usize) -> Self {
        Self::Classes(ClassScorer { labels: labels.to_vec(), rows: vec![None; rows] })
    }

    /// A scorer for the words of `rows` documents that a model with this objective predicts. `terms` are the domain's own, by
    /// their number in [`ScoredWord`].
    #[must_use]
    pub fn words(objective: Objective, rows: usize, terms: &[String]) -> Self {
        let documents = vec![WordsAnswer::default(); rows];
        let (terms, word) = (terms.to_vec(), WordSoFar::default());
        Self::Words(WordScorer { objective, documents, terms, by_term: BTreeMap::new(), word })
    }

    /// Adds a batch, or its parts one after another.
    ///
    /// # Panics
    /// If a row or term is not below their number, or a wanted class or token has no logit: a bug of the caller.
    pub fn add(&mut self, batch: &BatchLogits<'_>) {
        match self {
            Self::Classes(scorer) => scorer.add(batch),
            Self::Words(scorer) => scorer.add(batch),
        }
    }

    /// The metrics and answers, after all batches were added. A row that was in no batch gets an empty answer.
    #[must_use]
    pub fn finish(self) -> Scored {
        match self {
            Self::Classes(scorer) => scorer.finish(),
            Self::Words(scorer) => scorer.finish(),
        }
    }
}

impl ClassScorer {
    fn add(&mut self, batch: &BatchLogits<'_>) {
        for (position, (&row, logits)) in batch.rows.iter().zip(batch.logits).enumerate() {
            let total = log_sum_exp(logits);
            let probabilities = logits.iter().map(|&logit| (f64::from(logit) - total).exp() as f32).collect();
            let loss = |&label: &u32| (label, total - f64::from(logits[label as usize]));
            let answer = ClassAnswer { predicted: argmax(logits), probabilities };
            self.rows[row] = Some(ScoredRow { answer, truth: batch.wanted.get(position).map(loss) });
        }
    }

    fn finish(self) -> Scored {
        let known = self.rows.iter().flatten().filter_map(|row| Some((row.truth?, row.answer.predicted)));
        let (truth, predicted): (Vec<(u32, f64)>, Vec<u32>) = known.unzip();
        let (truth, losses): (Vec<u32>, Vec<f64>) = truth.into_iter().unzip();
        let loss = losses.iter().sum::<f64>() / losses.len().max(1) as f64;
        let metrics = ClassificationMetrics::compute(&self.labels, &truth, &predicted, loss);
        let empty = || ClassAnswer { predicted: 0, probabilities: Vec::new() };
        let answers = self.rows.into_iter().map(|row| Answer::Class(row.map_or_else(empty, |row| row.answer)));
        Scored { metrics: Metrics::Classification(metrics), answers: answers.collect() }
    }
}

impl WordScorer {
    fn add(&mut self, batch: &BatchLogits<'_>) {
        // Vocabularies are large: positions are computed in parallel and added in order.
        let positions = batch.logits.par_iter().zip(batch.wanted);
        let positions: Vec<(f64, bool)> = positions
            .map_init(Vec::new, |scratch, (logits, &wanted)| {
                let nats = log_sum_of_exponentials(logits, scratch) - f64::from(logits[wanted as usize]);
                (nats, argmax(logits) == wanted)
            })
            .collect();
        for (place, (nats, is_correct)) in positions.into_iter().enumerate() {
            let word = batch.words.get(place).copied().unwrap_or(ScoredWord { begins: true, term: None });
            let was_correct = !word.begins && self.word.is_correct;
            let term = if word.begins { word.term } else { self.word.term };
            self.word = WordSoFar { term, is_correct: is_correct && (word.begins || was_correct) };
            // A word counts as correct until a token of it is wrong.
            let add = |counts: &mut WordCounts| {
                counts.tokens += 1;
                counts.nats += nats;
                counts.words += u64::from(word.begins);
                counts.correct += u64::from(word.begins && is_correct);
                counts.correct -= u64::from(was_correct && !is_correct);
            };
            let row = batch.rows[place];
            let document = &mut self.documents[row];
            add(&mut document.overall);
            if let Some(term) = term {
                add(&mut document.terms);
                add(self.by_term.entry((row, term)).or_default());
            }
        }
    }

    fn finish(self) -> Scored {
        let terms = self.terms.into_iter();
        let mut by_term: Vec<TermCounts> = terms.map(|term| TermCounts { term, ..TermCounts::default() }).collect();
        for ((_, term), counts) in self.by_term {
            by_term[term as usize].counts += counts;
        }
        let metrics = LanguageModelMetrics::of(self.objective, &self.documents, by_term);
        let answers = self.documents.into_iter().map(Answer::Words).collect();
        Scored { metrics: Metrics::LanguageModelling(metrics), answers }
    }
}

/// The class with the highest logit or probability: the first one in a tie, 0 if there is none.
#[must_use]
pub fn argmax<T: PartialOrd>(scores: &[T]) -> u32 {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = class;
        }
    }
    best as u32
}

/// Logarithm of the sum of exponentials, in double precision.
fn log_sum_exp(logits: &[f32]) -> f64 {
    let highest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    highest + logits.iter().map(|&logit| (f64::from(logit) - highest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch<'a>(logits: &'a [Vec<f32>], rows: &'a [usize], wanted: &'a [u32]) -> BatchLogits<'a> {
        BatchLogits { logits, rows, wanted, words: &[] }
    }

    #[test]
    fn class_probabilities_and_loss_are_stable_for_extreme_logits() {
        let mut scorer = Scorer::classes(&["a", "b", "c"].map(str::to_owned), 1);
        scorer.add(&batch(&[vec![1000.0, 1000.0, -1000.0]], &[0], &[]));
        let scored = scorer.finish();
        assert_eq!(scored.answers[0].class().unwrap().probabilities, [0.5, 0.5, 0.0]);
        assert_eq!(scored.metrics.rows(), 0, "there is no target");
        let mut scorer = Scorer::classes(&["a", "b"].map(str::to_owned), 2);
        scorer.add(&batch(&[vec![0.0, 200.0], vec![3.0, 3.0]], &[0, 1], &[0, 1]));
        let loss = scorer.finish().metrics.loss();
        assert!((loss - f64::midpoint(200.0, std::f64::consts::LN_2)).abs() < 1e-9);
        assert_eq!((argmax(&[1.0, 3.0, 3.0]), argmax(&[2.0]), argmax::<f32>(&[])), (1, 0, 0));
    }

    #[test]
    fn the_order_of_batches_changes_no_bit() {
        let labels = ["a", "b"].map(str::to_owned);
        let logit = |number: u16| (f32::from(number) * 0.7).sin() * 9.0;
        let logits: Vec<Vec<f32>> = (0..100).map(|row| vec![logit(2 * row), logit(2 * row + 1)]).collect();
        let wanted: Vec<u32> = (0..100).map(|row| row % 2).collect();
        let mut at_once = Scorer::classes(&labels, 100);
        at_once.add(&batch(&logits, &(0..100).collect::<Vec<_>>(), &wanted));
        let mut one_by_one = Scorer::classes(&labels, 100);
        for row in (0..100).rev() {
            one_by_one.add(&batch(&logits[row..=row], &[row], &wanted[row..=row]));
        }
        assert_eq!(at_once.finish(), one_by_one.finish());
    }

    #[test]
    fn masked_words_count_as_correct_only_if_every_token_is() {
        // Document 1 has a term of two tokens (the second wrong) and a correct word; document 0 a correct term.
        let word = |begins, term| ScoredWord { begins, term };
        let logits = [[9.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 0.0, 9.0], [0.0, 9.0, 0.0]].map(Vec::from);
        let words = [word(true, Some(2)), word(false, Some(2)), word(true, None), word(true, Some(0))];
        let scorer = Scorer::words(Objective::MaskedWords, 2, &["lien", "proviso", "lessee"].map(str::to_owned));
        let (rows, wanted) = ([1, 1, 1, 0], [0, 2, 2, 1]);
        let scored_in = |ends: &[usize]| {
            let (mut scorer, mut first) = (scorer.clone(), 0);
            for &end in ends {
                let part = first..end;
                let (rows, wanted, words) = (&rows[part.clone()], &wanted[part.clone()], &words[part.clone()]);
                scorer.add(&BatchLogits { logits: &logits[part], rows, wanted, words });
                first = end;
            }
            scorer.finish()
        };
        for ends in [&[1, 2, 3, 4][..], &[3, 4]] {
            assert_eq!(scored_in(ends), scored_in(&[4]), "parts that end within a word");
        }
        let Scored { metrics: Metrics::LanguageModelling(metrics), answers } = scored_in(&[4]) else { panic!() };
        assert_eq!((metrics.documents, metrics.overall.tokens, metrics.overall.words), (2, 4, 3));
        assert_eq!((metrics.overall.correct, metrics.terms.words, metrics.terms.correct), (2, 2, 1));
        let right = (1.0 + 2.0 * (-9.0_f64).exp()).ln();
        assert!((metrics.overall.nats - (4.0 * right + 9.0)).abs() < 1e-5, "{metrics:?}");
        assert!((metrics.overall.perplexity() - (right + 9.0 / 4.0).exp()).abs() < 1e-4);
        let [lien, proviso, lessee] = metrics.by_term.as_slice() else { panic!("three terms") };
        assert_eq!((lien.term.as_str(), lien.counts.words, lien.counts.correct), ("lien", 1, 1));
        assert_eq!((lessee.counts.tokens, lessee.counts.words, lessee.counts.correct), (2, 1, 0));
        assert_eq!((proviso.counts, metrics.term("proviso")), (WordCounts::default(), None));
        assert_eq!(metrics.term("court"), None);
        assert_eq!(metrics.term("lessee"), Some(&lessee.counts));
        let sum = lien.counts.nats + lessee.counts.nats;
        assert!((sum - metrics.terms.nats).abs() < 1e-12, "{metrics:?}");
        let of_first = answers[0].words().unwrap();
        assert_eq!((of_first.overall.words, of_first.terms.correct), (1, 1));
    }
}
