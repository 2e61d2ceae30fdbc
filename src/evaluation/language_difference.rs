//! Whether one language model is better than another, by the documents that both were tested on.

use std::cmp::Ordering;

use crate::evaluation::run_difference::paired;
use crate::evaluation::{Interval, Prediction, WordCounts, WordsAnswer, perplexity_difference};
use crate::words::{count, counted, perplexity};

/// Seed of the paired bootstrap.
const SEED: u64 = 1;

/// How a run of language modelling compares with another. Documents are paired by their text.
#[derive(Clone, Debug, PartialEq)]
pub struct LanguageDifference {
    /// The other run's number.
    pub earlier: u64,
    /// Documents that both runs were tested on.
    pub documents: usize,
    /// Documents that only this run was tested on.
    pub only_this: usize,
    /// Documents that only the other run was tested on.
    pub only_earlier: usize,
    /// Whether both had to predict the same number of tokens in every document. Otherwise their tokenizers or masks differ, and
    /// so does what their perplexities measure.
    pub same_tokens: bool,
    /// Perplexity on the documents of both: of this one, of the other one.
    pub perplexity: [f64; 2],
    /// 95% interval of the perplexity of this run less that of the other; `None` with too few documents, or other tokens.
    pub interval: Option<Interval>,
}

impl LanguageDifference {
    /// Compares the run `this` with run number `number`, whose predictions are `earlier`. `None` if one of them is no language
    /// model.
    #[must_use]
    pub fn new(this: &[Prediction], number: u64, earlier: &[Prediction]) -> Option<Self> {
        let pairs = paired(this, earlier);
        let answers = |prediction: &Prediction| prediction.answer.words().copied();
        let both = pairs.iter().map(|(new, old)| Some((answers(new)?, answers(old)?)));
        let both: Vec<(WordsAnswer, WordsAnswer)> = both.collect::<Option<_>>()?;
        if this.iter().chain(earlier).any(|prediction| prediction.answer.words().is_none()) {
            return None;
        }
        let same_tokens = both.iter().all(|(new, old)| new.overall.tokens == old.overall.tokens);
        let (new, old): (Vec<WordsAnswer>, Vec<WordsAnswer>) = both.into_iter().unzip();
        let interval = same_tokens.then(|| perplexity_difference([&new, &old], SEED)).flatten();
        Some(Self {
            earlier: number,
            documents: pairs.len(),
            only_this: this.len() - pairs.len(),
            only_earlier: earlier.len() - pairs.len(),
            same_tokens,
            perplexity: [&new, &old].map(|answers| overall(answers).perplexity()),
            interval,
        })
    }

    /// Whether this run is better, worse, or neither by more than chance. `None` if that cannot be told.
    #[must_use]
    pub fn is_better(&self) -> Option<Ordering> {
        self.interval.map(|interval| match interval {
            // A lower perplexity is better.
            _ if interval.high < 0.0 => Ordering::Greater,
            _ if interval.low > 0.0 => Ordering::Less,
            _ => Ordering::Equal,
        })
    }

    /// Whether this run is better, in sentences.
    #[must_use]
    pub fn says(&self) -> String {
        let other = format!("run {}", self.earlier);
        if self.documents == 0 {
            return format!("It cannot be compared with {other}: they were tested on different documents.");
        }
        if !self.same_tokens {
            return format!(
                "It cannot be compared with {other}: they had to predict different tokens, because their tokenizers or masked \
                 words differ."
            );
        }
        let verdict = match self.is_better() {
            Some(Ordering::Greater) => format!("Better than {other}"),
            Some(Ordering::Less) => format!("Worse than {other}"),
            Some(Ordering::Equal) => format!("About as good as {other}"),
            None => format!("Too few documents to tell whether it is better than {other}"),
        };
        let [now, before] = self.perplexity.map(perplexity);
        let documents = counted(self.documents, "document", "documents");
        let on = if self.only_this + self.only_earlier == 0 {
            format!("on the same {documents}")
        } else {
            let (this, earlier) = (count(self.only_this), count(self.only_earlier));
            format!("on the {documents} that both have ({this} only in this run, {earlier} only in the other)")
        };
        let signed = |value: f64| format!("{}{}", if value < 0.0 { "−" } else { "+" }, perplexity(value.abs()));
        let by = self.interval.map_or_else(String::new, |interval| {
            let (low, high) = (signed(interval.low), signed(interval.high));
            format!(" The difference is {low} to {high} (95% interval); lower is better.")
        });
        format!("{verdict}: perplexity {now}, {before} before, {on}.{by}")
    }
}

fn overall(answers: &[WordsAnswer]) -> WordCounts {
    let mut sum = WordCounts::default();
    for answer in answers {
        sum += answer.overall;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Target;
    use crate::evaluation::Answer;
    use crate::project::{RowId, SourceFile};

    /// Documents of so many tokens each, with these losses.
    fn documents(tokens: u64, losses: &[f64]) -> Vec<Prediction> {
        let document = |(record, &loss): (u64, &f64)| Prediction {
            id: RowId { file: SourceFile::Main, record },
            key: None,
            text: format!("Document {record}"),
            target: Target::None,
            answer: Answer::Words(WordsAnswer {
                overall: WordCounts { tokens, nats: loss * tokens as f64, words: tokens, correct: 0 },
                terms: WordCounts::default(),
            }),
        };
        (0..).zip(losses).map(document).collect()
    }

    fn losses(lower: f64) -> Vec<f64> {
        (0..40_u8).map(|number| 2.0 + f64::from(number % 5) / 2.0 - lower).collect()
    }

    fn compared(this: &[Prediction], earlier: &[Prediction]) -> LanguageDifference {
        LanguageDifference::new(this, 3, earlier).unwrap()
    }

    #[test]
    fn a_lower_perplexity_on_the_same_documents_is_better() {
        let (this, earlier) = (documents(10, &losses(0.2)), documents(10, &losses(0.0)));
        let difference = compared(&this, &earlier);
        assert_eq!(difference.is_better(), Some(Ordering::Greater));
        // exp(3) = 20.09 and exp(2.8) = 16.44. Every document differs alike, so the interval leaves out zero, although the
        // documents differ much more from each other.
        let said = difference.says();
        assert!(
            said.starts_with("Better than run 3: perplexity 16.44, 20.09 before, on the same 40 documents."),
            "{said}"
        );
        assert!(said.ends_with("(95% interval); lower is better.") && said.contains("is −"), "{said}");
        assert_eq!(compared(&earlier, &this).is_better(), Some(Ordering::Less));
        assert!(compared(&this, &this).says().starts_with("About as good as run 3: "));
    }

    #[test]
    fn other_documents_and_other_tokens_are_said() {
        let this = documents(10, &losses(0.0));
        let few = compared(&this[..10], &this);
        assert!(few.says().starts_with("Too few documents to tell whether it is better than run 3"), "{}", few.says());
        assert!(few.says().contains("(0 only in this run, 30 only in the other)"), "{}", few.says());
        let other = compared(&this, &documents(12, &losses(0.0)));
        assert!(other.interval.is_none() && other.says().contains("tokenizers or masked words differ"));
        assert!(compared(&this, &[]).says().ends_with("they were tested on different documents."));
    }
}
