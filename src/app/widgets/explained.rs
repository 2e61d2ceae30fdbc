//! Sentences with terms of the field: the glossary is one hover away.

use egui::{Label, Response, RichText, Ui};

use crate::app::help::{Term, terms_in};
use crate::app::theme::strong_family;

/// Widest explanation.
const WIDTH: f32 = 420.0;

/// A sentence that wraps. Hovering it explains its terms.
pub fn explained(ui: &mut Ui, sentence: impl Into<RichText>) -> Response {
    let sentence = sentence.into();
    let text = sentence.text().to_owned();
    let response = ui.add(Label::new(sentence).wrap());
    explain_terms(response, &text)
}

/// Explains the terms of a text on hover.
pub fn explain_terms(response: Response, text: &str) -> Response {
    // Looking for terms takes longer than drawing, and only what is hovered is explained.
    if !response.hovered() {
        return response;
    }
    let terms = terms_in(text);
    if terms.is_empty() { response } else { response.on_hover_ui(|ui| terms_ui(ui, &terms)) }
}

fn terms_ui(ui: &mut Ui, terms: &[Term]) {
    ui.set_max_width(WIDTH);
    for term in terms {
        ui.label(RichText::new(term.title()).family(strong_family()));
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
        let sentence = "TF-IDF baseline: macro-F1 0.567.";
        let mut harness = testing::window(false, (), |ui, ()| {
            explained(ui, sentence);
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
