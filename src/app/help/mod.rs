//! The help: pages for the steps, explanations of the charts, and a glossary. No network is needed.

mod charts;
mod pages;

use egui::{Context, Id};

pub use crate::glossary::Term;
pub use charts::Chart;
pub use pages::{Page, Part};

/// Something the help explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A page about a step.
    Page(Page),
    /// A chart or table.
    Chart(Chart),
    /// A term of the glossary.
    Term(Term),
}

/// Everything the help explains: pages, charts, then terms.
pub fn topics() -> impl Iterator<Item = Topic> {
    let charts = Chart::ALL.iter().copied().map(Topic::Chart);
    let terms = Term::ALL.iter().copied().map(Topic::Term);
    Page::ALL.into_iter().map(Topic::Page).chain(charts).chain(terms)
}

/// The topics that contain every word of a query: those whose title starts with it first, then those with the words in
/// their title.
#[must_use]
pub fn search(query: &str) -> Vec<Topic> {
    let query = query.trim().to_lowercase();
    let words: Vec<&str> = query.split_whitespace().collect();
    let has = |text: &str| {
        let text = text.to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    let mut found: Vec<Topic> =
        topics().filter(|topic| has(topic.title()) || has(&format!("{} {}", topic.title(), topic.text()))).collect();
    found.sort_by_key(|topic| (!topic.title().to_lowercase().starts_with(&query), !has(topic.title())));
    found
}

/// The terms of the glossary in a sentence, also in the plural.
#[must_use]
pub fn terms_in(sentence: &str) -> Vec<Term> {
    let sentence = sentence.to_lowercase();
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '-';
    let has = |title: &str| {
        sentence.match_indices(title).any(|(at, _)| {
            let after = &sentence[at + title.len()..];
            let after = after.strip_prefix('s').unwrap_or(after);
            !sentence[..at].ends_with(is_part) && !after.starts_with(is_part)
        })
    };
    let mut terms: Vec<Term> = Term::ALL.iter().copied().filter(|term| has(&term.title().to_lowercase())).collect();
    // "TF-IDF baseline" is more than "baseline".
    let titles: Vec<&str> = terms.iter().map(|term| term.title()).collect();
    terms.retain(|term| {
        let title = term.title();
        let is_part = titles
            .iter()
            .any(|other| *other != title && other.to_lowercase().ends_with(&format!(" {}", title.to_lowercase())));
        !is_part
    });
    terms
}

impl Topic {
    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Page(page) => page.title(),
            Self::Chart(chart) => chart.title(),
            Self::Term(term) => term.title(),
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Page(page) => page.text(),
            Self::Chart(chart) => chart.text(),
            Self::Term(term) => term.text(),
        }
    }

    /// What kind of topic it is.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Page(_) => "Page",
            Self::Chart(_) => "What am I looking at?",
            Self::Term(_) => "Glossary",
        }
    }
}

/// Asks for a topic. Any widget may: help changes nothing in the project, so it needs no command.
pub fn ask_for(ctx: &Context, topic: Topic) {
    ctx.data_mut(|data| data.insert_temp(place(), topic));
}

/// The topic that was asked for since the last call.
#[must_use]
pub fn asked_for(ctx: &Context) -> Option<Topic> {
    ctx.data_mut(|data| {
        let topic = data.get_temp(place());
        data.remove::<Topic>(place());
        topic
    })
}

fn place() -> Id {
    Id::unique("the topic of the help that was asked for")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::app::view::View;
    use crate::project::Step;

    /// Words that fit on a screen.
    const SCREEN: usize = 260;

    #[test]
    fn every_step_has_a_page_and_no_page_is_longer_than_a_screen() {
        for view in View::ALL {
            assert!(Page::ALL.contains(&Page::of(view)), "{view:?}");
        }
        for page in Page::ALL {
            let words = page.text().split_whitespace().count();
            assert!((40..=SCREEN).contains(&words), "{} has {words} words", page.title());
            assert!(!page.title().is_empty() && page.parts().count() > 3, "{page:?}");
        }
        for (title, text) in topics().skip(Page::ALL.len()).map(|topic| (topic.title(), topic.text())) {
            let words = text.split_whitespace().count();
            assert!((4..=80).contains(&words) && text.ends_with(['.', ')']), "{title} has {words} words");
        }
    }

    #[test]
    fn titles_are_unique_within_their_kind() {
        let mut seen = HashSet::new();
        assert!(topics().all(|topic| seen.insert((topic.kind(), topic.title()))), "two topics have the same title");
        assert_eq!(Term::titled("Macro-F1"), Some(Term::MacroF1));
        assert_eq!(Chart::titled("no such chart"), None);
    }

    /// The source of the window, without the help.
    fn source(folder: &std::path::Path) -> String {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let of = |path: std::path::PathBuf| {
            if path.ends_with("help") {
                String::new()
            } else if path.is_dir() {
                source(&path)
            } else {
                std::fs::read_to_string(path).unwrap()
            }
        };
        entries.map(of).collect()
    }

    #[test]
    fn every_chart_that_is_explained_is_on_screen() {
        let source = source(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app"));
        for chart in Chart::ALL {
            assert!(source.contains(&format!("\"{}", chart.title())), "nothing is called {}", chart.title());
        }
    }

    #[test]
    fn the_search_finds_titles_before_texts() {
        assert_eq!(search("warm")[0], Topic::Term(Term::WarmUp));
        assert!(search("overfitting").contains(&Topic::Page(Page::Step(Step::Train))));
        assert_eq!(search("confusion matrix")[0].title(), "Confusion matrix");
        assert!(search("no such thing at all").is_empty());
        assert_eq!(search("").len(), topics().count());
    }

    #[test]
    fn a_term_and_its_plural_are_one_entry() {
        assert_eq!((Term::titled("Epochs"), Term::titled("Epoch")), (Some(Term::Epoch), Some(Term::Epoch)));
        let plural = |title: &str| Term::ALL.iter().any(|term| term.title().strip_suffix('s') == Some(title));
        assert!(!Term::ALL.iter().any(|term| plural(term.title())), "a term is listed in the singular and the plural");
    }

    #[test]
    fn terms_are_found_in_sentences_as_whole_words() {
        assert_eq!(
            terms_in("3 epochs over 90 texts, max length 128 tokens."),
            [Term::Epoch, Term::MaxLength, Term::Token]
        );
        assert_eq!(terms_in("TF-IDF baseline: macro-F1 0.5"), [Term::MacroF1, Term::TfIdf]);
        assert_eq!(terms_in("The stepmother lost her footing"), []);
    }

    #[test]
    fn a_topic_that_was_asked_for_is_given_once() {
        let ctx = Context::default();
        ask_for(&ctx, Topic::Term(Term::Seed));
        assert_eq!((asked_for(&ctx), asked_for(&ctx)), (Some(Topic::Term(Term::Seed)), None));
    }
}
