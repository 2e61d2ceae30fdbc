//! Insight into the rows: problems, leakage, lengths, words, languages, dates.

pub mod domain_terms;
pub mod finding;
pub mod findings;
pub mod groups;
pub mod languages;
pub mod leakage;
pub mod lengths;
pub mod remedy;
pub mod terms;
pub mod timeline;
pub mod token_lengths;

mod general_words;
