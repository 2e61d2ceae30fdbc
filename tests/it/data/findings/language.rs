//! Finds texts in another language than most.

use super::*;

#[test]
fn texts_in_another_language_are_excluded() {
    // An English text whose letters suggest French is kept, because its words are common in the others.
    let more = "Kettle vouchers: compensate connection due since three weeks over the window. Questionable!,good\n\
                El paquete llegó el lunes por la mañana y todo estaba tal como lo habían descrito en la página,good\n\
                Das Paket kam am Montag an und alles darin war genau so wie es beschrieben worden war,bad\n\
                No me gusta nada porque dejó de funcionar después de dos días y nadie contesta,bad\n";
    let mut scene = Scene::new(&file(60, more));
    let finding = scene.mend(FindingKind::OtherLanguage);
    assert_eq!(finding.rows, ids(&[62, 63, 64]));
    // The shorter Spanish text is certainly not English, but its letters alone do not show which language it is.
    let said = "3 texts seem not in English, but in: German (1), Spanish (1), a language that is hard to identify (1)";
    assert!(finding.in_words().contains(said), "{}", finding.in_words());
}

#[test]
fn languages_of_many_texts_are_sampled_and_the_finding_says_so() {
    let mut rows = file(60, "");
    for number in 0..60 {
        rows +=
            &format!("\"Das Paket Nummer {number} kam am Montag an und alles darin war so wie beschrieben\",good\n");
    }
    rows += &(60..240).fold(String::new(), |rows, row| rows + &format!("\"{}\",bad\n", review(row)));
    let scene = Scene::new(&rows);
    let (imported, prepared) = prepared(&scene.project, scene.folder.path());
    let lengths = TokenLengths::estimate(&prepared);
    let found = |most| {
        let found = found_with(&scene.project, (&imported, &prepared), &Likeness::default(), &lengths, most);
        found.into_iter().find(|finding| finding.kind == FindingKind::OtherLanguage).unwrap()
    };
    let (all, some) = (found(1_000), found(100));
    assert!(all.found.starts_with("60 texts seem not in English, but in: German (60)"), "{}", all.found);
    assert!(some.found.starts_with("In a sample of 100 texts, 20 seem not in English"), "{}", some.found);
    assert!(some.meaning.ends_with("All 300 texts may contain about 60 of them"), "{}", some.meaning);
    assert!(some.rows.iter().all(|row| all.rows.contains(row)) && some.rows.len() == some.count);
}
