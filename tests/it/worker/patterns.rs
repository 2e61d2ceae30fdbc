//! Patterns are stored with the model they were used for, and findings use the model's tokenizer.

use super::*;
use hone::data::{Checks, FindingKind};
use hone::project::Pattern;
use hone::storage::{MODEL_INFO_FILE, read_model_info, write_model_info};
use hone::worker::{Classify, CompareTexts, Evaluate, Export, ExportFormat, FindProblems};

fn probabilities(bench: &Bench, model: &Path, texts: &[&str]) -> Vec<Vec<f32>> {
    let texts = texts.iter().map(|&text| text.to_owned()).collect();
    let answers = bench.ask(Classify { model: model.to_owned(), texts }).answers;
    answers.into_iter().map(|answer| answer.map(|class| class.probabilities).unwrap_or_default()).collect()
}

#[test]
fn patterns_are_stored_with_the_model() {
    let mut bench = Bench::new(|_| ());
    let pattern =
        |find: &str, replace: &str| Pattern { find: find.into(), replace: replace.into(), ..Pattern::default() };
    bench.project.cleaning.patterns = vec![
        Pattern { regex: true, ..pattern(r"gad(get|jet)s?\b", "phone") },
        Pattern { enabled: false, ..pattern("phone", "shirt") },
        pattern("Sent from here", ""),
    ];
    let best = bench.train().folder.join("best");
    let texts = ["the Gadget is great\nSENT from\nhere", "the phone is great", "Sent from here"];
    let own = probabilities(&bench, &best, &texts);
    assert_eq!(own[0], own[1], "replaced and removed as in training");
    assert!(own[2].is_empty(), "nothing is left of it");

    let run = best.parent().unwrap().to_owned();
    let output = bench.path("export");
    let export = Export { run: run.clone(), format: ExportFormat::HuggingFace, output: output.clone() };
    bench.ask(export);
    assert_eq!(probabilities(&bench, &output, &texts), own, "an export answers as the run does");
    let card = std::fs::read_to_string(output.join("README.md")).unwrap();
    let told = r"custom find-and-replace patterns (`gad(get|jet)s?\b` (regular expression) replaced by `phone`; `Sent from here` \
                 removed)";
    let told = told.split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>().join(" ");
    assert!(card.contains(&told), "{told} is missing in\n{card}");
    // The patterns are applied to the run's own test rows too.
    let evaluate = Evaluate { run, data: Some(bench.path("reviews.csv")), reading: DatasetSettings::default() };
    bench.ask(evaluate);

    // A file written by hand, or before there were patterns.
    let info = output.join(MODEL_INFO_FILE);
    let text = std::fs::read_to_string(&info).unwrap();
    std::fs::write(&info, text.replace("gad(get", "gad((get")).unwrap();
    let texts = || vec!["the phone is great".to_owned()];
    // The modification times of the weights and of this file decide whether a model is loaded again.
    let copy = bench.path("copy");
    std::fs::rename(&output, &copy).unwrap();
    let message = bench.refused(Classify { model: copy.clone(), texts: texts() });
    assert!(
        message.contains("hone.ron, pattern 1 ('gad((get|jet)s?\\b') cannot be used (character 4): unclosed group"),
        "{message}"
    );
    std::fs::write(copy.join(MODEL_INFO_FILE), &text).unwrap();
    let mut old = read_model_info(&copy).unwrap().unwrap();
    old.cleaning.patterns.clear();
    write_model_info(&copy, &old).unwrap();
    assert!(
        !std::fs::read_to_string(copy.join(MODEL_INFO_FILE)).unwrap().contains("patterns"),
        "as before there were any"
    );
    let plain = probabilities(&bench, &copy, &["the phone is great", "the gadget is great"]);
    assert_eq!((&plain[0], plain[0] == plain[1]), (&own[1], false));
}

#[test]
fn text_lengths_come_from_the_models_tokenizer() {
    let mut bench = Bench::new(|training| training.max_length = 5);
    let ask = |bench: &Bench, project: &Project| {
        let imported = import(&bench.worker, project, bench.folder.path());
        let prepared = prepare(&bench.worker, project, &imported);
        let likeness = bench.ask(CompareTexts { prepared: Arc::clone(&prepared) });
        let (project, folder) = (project.clone(), bench.folder.path().to_owned());
        bench.ask(FindProblems { checks: Checks::All, project, folder, imported, prepared, likeness })
    };
    let found = ask(&bench, &bench.project);
    let long = found.iter().find(|finding| finding.kind == FindingKind::TooLong).unwrap();
    assert_eq!(long.count, 120);
    assert!(!long.found.contains("estimate"), "{}", long.found);
    bench.project.model = ModelChoice::Folder(bench.path("no-model"));
    let found = ask(&bench, &bench.project);
    let long = found.iter().find(|finding| finding.kind == FindingKind::TooLong).unwrap();
    assert!(long.found.contains("estimated from words until the model is on this machine"), "{}", long.found);
}
