//! What a person should know of the rows: what is wrong with them, what would leak, lengths, words, languages, dates.

pub mod domain_terms;
pub mod findings;
pub mod languages;
pub mod leakage;
pub mod lengths;
pub mod terms;
pub mod timeline;

mod general_words;
