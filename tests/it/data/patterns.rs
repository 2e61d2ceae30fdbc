//! The person's own find-and-replace patterns in prepared data: their changes are counted, and their errors reported.

use super::*;
use hone::data::{CleaningEffect, CleaningPart};
use hone::project::Pattern;

fn pattern(find: &str, replace: &str) -> Pattern {
    Pattern { find: find.to_owned(), replace: replace.to_owned(), ..Pattern::default() }
}

fn regex(find: &str, replace: &str) -> Pattern {
    Pattern { regex: true, ..pattern(find, replace) }
}

const MAIN: &str =
    "text,label\n<b>Order</b> 12 came late,bad\nOrder 345 was fine,good\n\"Nothing\nto say\",good\nsoso,bad\n";

fn prepared_with(patterns: Vec<Pattern>) -> Prepared {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), MAIN, None, None);
    project.cleaning.patterns = patterns;
    prepared(&project, folder.path()).1
}

fn texts(prepared: &Prepared) -> Vec<&str> {
    prepared.examples.iter().map(|example| example.text.as_str()).collect()
}

fn effects(prepared: &Prepared) -> Vec<&CleaningEffect> {
    let is_pattern = |effect: &&CleaningEffect| matches!(effect.part, CleaningPart::Pattern(_));
    prepared.cleaning.iter().filter(is_pattern).collect()
}

#[test]
fn each_pattern_is_counted_on_the_result_of_those_before_it() {
    let off = Pattern { enabled: false, ..pattern("late", "soon") };
    let ready =
        prepared_with(vec![regex(r"order (\d+)", "#$1"), pattern("#345", "it"), off, pattern("nothing to", "x")]);
    assert_eq!(texts(&ready), ["#12 came late", "it was fine", "x say", "soso"]);
    let effects = effects(&ready);
    assert_eq!(effects.iter().map(|effect| effect.rows).collect::<Vec<_>>(), [2, 1, 1, 1]);
    let (id, before, after) = &effects[1].samples[0];
    assert_eq!((id.record, before.as_str(), after.as_str()), (2, "#345 was fine", "it was fine"));
    assert_eq!(effects[2].samples[0].2, "#12 came soon", "what it would do");
    assert_eq!(ready.blockers.iter().filter(|blocker| blocker.contains("attern")).count(), 0);
}

#[test]
fn patterns_change_the_hash_of_the_data() {
    let (plain, changed) = (prepared_with(Vec::new()), prepared_with(vec![pattern("soso", "so-so")]));
    assert_ne!(plain.data_hash, changed.data_hash);
    assert_eq!(prepared_with(vec![pattern("absent", "x")]).data_hash, plain.data_hash);
}

#[test]
fn a_pattern_that_removes_everything_leaves_rows_without_text() {
    let ready = prepared_with(vec![regex("(?s).+", "")]);
    assert_eq!((ready.examples.len(), ready.dropped.len()), (0, 4));
    assert!(ready.blockers[0].contains("4 without text"), "{:?}", ready.blockers);
}

#[test]
fn wrong_patterns_block_training_and_the_rest_is_prepared() {
    let wrong = regex("fine (", "");
    let ready = prepared_with(vec![pattern("Order", "X"), wrong.clone()]);
    assert_eq!(
        ready.blockers[0],
        "Pattern 2 ('fine (') cannot be used (character 6): unclosed group. Correct it, or turn off \
         \"Regular expression\" to find the text literally (in Prepare)"
    );
    assert_eq!(texts(&ready)[1], "X 345 was fine", "the others run");
    assert_eq!((effects(&ready).len(), ready.pattern_faults.len()), (1, 1));
    // The error of one that is off is shown beside it, and does not block training.
    let off = prepared_with(vec![Pattern { enabled: false, ..wrong }]);
    assert_eq!((off.blockers.iter().any(|blocker| blocker.contains("attern")), off.pattern_faults.len()), (false, 1));
    let large = prepared_with(vec![regex(r"(?:\w{900}){900}", "")]);
    assert!(large.blockers[0].contains("it is too large. Make it shorter"), "{:?}", large.blockers);
}

#[test]
fn a_pattern_that_would_make_texts_far_too_long_is_refused() {
    let ready = prepared_with(vec![pattern("o", &"long ".repeat(300))]);
    assert!(
        ready.blockers[0].starts_with("Pattern 1 would make 4 texts more than four times as long (the first: row 1)"),
        "{:?}",
        ready.blockers
    );
    assert_eq!(texts(&ready)[3], "soso", "and stays as it was");
    let off = Pattern { enabled: false, ..pattern("o", &"long ".repeat(300)) };
    assert!(!prepared_with(vec![off]).blockers.iter().any(|blocker| blocker.contains("attern")));
}

#[test]
fn a_hundred_patterns_are_applied_to_thousands_of_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &balanced(&["a", "b"], 2_000), None, None);
    project.cleaning.patterns = (0..100).map(|number| regex(&format!("(text|of)+ {number}( |$)"), "$1 ")).collect();
    let ready = prepared(&project, folder.path()).1;
    assert_eq!(effects(&ready).len(), 100);
}
