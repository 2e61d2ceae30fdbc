//! Sentences with terms of the field: the glossary is one hover away.

use egui::{Label, Response, Ui};

use crate::app::help::{Term, terms_in};
use crate::app::theme::Theme;

/// Widest explanation.
const WIDTH: f32 = 420.0;

/// A sentence that wraps. Hovering it explains its terms.
pub fn explained(ui: &mut Ui, theme: &Theme, sentence: &str) -> Response {
    let response = ui.add(Label::new(sentence).wrap());
    let terms = terms_in(sentence);
    if terms.is_empty() { response } else { response.on_hover_ui(|ui| terms_ui(ui, theme, &terms)) }
}

fn terms_ui(ui: &mut Ui, theme: &Theme, terms: &[Term]) {
    ui.set_max_width(WIDTH);
    for term in terms {
        ui.label(theme.strong(term.title()));
        ui.add(Label::new(term.text()).wrap());
    }
}

/// What to say about a name on hover: what is special here, and what the glossary says about it.
#[must_use]
pub fn hover_text(name: &str, special: &str) -> String {
    let term = Term::titled(name).map_or("", Term::text);
    let parts = [special, term].into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing;

    #[test]
    fn hovering_a_sentence_explains_its_terms() {
        let theme = testing::theme(false);
        let sentence = "TF-IDF baseline: macro-F1 0.567.";
        let mut harness = testing::window(false, (), |ui, ()| {
            explained(ui, &theme, sentence);
        });
        harness.get_by_label(sentence).hover();
        harness.run_steps(60);
        harness.get_by_label(Term::MacroF1.text());
        harness.get_by_label(Term::TfIdf.text());
    }

    #[test]
    fn a_name_of_the_glossary_is_explained_by_it() {
        assert_eq!(hover_text("Seed", ""), Term::Seed.text());
        assert_eq!(hover_text("Seed", "Draws the split"), format!("Draws the split\n\n{}", Term::Seed.text()));
        assert_eq!(hover_text("File", ""), "");
    }
}
