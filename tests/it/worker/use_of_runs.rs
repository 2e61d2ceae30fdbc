//! Using finished runs: evaluating, classifying texts, predicting files, exporting.

use hone::storage::{ModelFolderInfo, read_model_info, write_model_info};
use hone::worker::{
    ChangeRuns, Classified, Classify, CompareRuns, Evaluate, Export, ExportFormat, FetchModel, JobError,
    LabelledCounts, ListRuns, LoadRun, ReadToLabel, RunChange, SavedPredictions,
};

use super::*;

#[test]
fn another_file_is_evaluated_with_the_columns_and_labels_of_the_run() {
    let bench = Bench::new(|training| training.epochs = 1);
    let results = bench.train();
    let other = bench.path("other.csv");
    let evaluate =
        || Evaluate { run: results.folder.clone(), data: Some(other.clone()), reading: DatasetSettings::default() };
    std::fs::write(&other, "label,text\ngood,this is great\nbad,this is bad\n,no label\ngood,\n").unwrap();
    let report = bench.ask(evaluate());
    assert_eq!((report.metrics.rows(), report.predictions.len()), (2, 2));
    assert_eq!(report.predictions[1].id.record, 2);

    std::fs::write(&other, "label,text\ngood,this is great\nfine,this is fine\n").unwrap();
    let message = bench.refused(evaluate());
    assert!(message.contains("'fine' (1 row, the first: row 2)") && message.contains("'bad', 'good'"), "{message}");
    std::fs::write(&other, "stars,text\n5,this is great\n1,this is bad\n").unwrap();
    let message = bench.refused(evaluate());
    assert!(message.contains("no column 'label'") && message.contains("stars, text"), "{message}");
    std::fs::write(&other, "label,text\n,this is great\n,this is bad\n").unwrap();
    assert!(bench.refused(evaluate()).contains("has no rows with both a text and a label"));
}

#[test]
fn texts_and_files_are_cleaned_as_in_training_before_they_are_classified() {
    let bench = Bench::new(|_| ());
    let best = bench.train().folder.join("best");
    let texts = ["the <b>phone</b> is great", "the phone is great", "<p> </p>"].map(str::to_owned).to_vec();
    let classify = || bench.ask(Classify { model: best.clone(), texts: texts.clone() });
    let Classified { labels, answers, .. } = classify();
    assert_eq!(labels, ["bad", "good"]);
    assert_eq!(answers[0], answers[1], "tags are cleaned away");
    let probabilities = &answers[0].as_ref().unwrap().probabilities;
    assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6 && answers[2].is_none());

    // The model is loaded again if its temperature has changed.
    let info = read_model_info(&best).unwrap().unwrap();
    for temperature in [None, Some(4.0)] {
        write_model_info(&best, &ModelFolderInfo { temperature, ..info.clone() }).unwrap();
        let found = classify();
        assert_eq!(found.temperature, temperature);
        let network = answers[0].clone().unwrap();
        assert_eq!(found.answers[0], Some(temperature.map_or(network.clone(), |t| network.at_temperature(t))));
    }
    write_model_info(&best, &info).unwrap();

    let (input, output) = (bench.path("new.csv"), bench.path("out/labelled.csv"));
    std::fs::write(&input, "id,predicted,text\n1,x,\"the phone, is great\"\n2,y,<br>\n3,z,bad\n").unwrap();
    let read = |input: &Path, column: Option<&str>| ReadToLabel {
        model: best.clone(),
        input: input.to_owned(),
        reading: DatasetSettings::default(),
        text_column: column.map(str::to_owned),
        may_guess: false,
    };
    let (rows, saved) = bench.label(read(&input, None), &output).unwrap();
    assert_eq!((rows.truncated, rows.max_length, rows.only_label()), (0, 32, None));
    let SavedPredictions { path, counts: LabelledCounts { labels, undecided, empty }, cut_cells } = saved;
    assert_eq!((path, labels.iter().sum::<u64>(), undecided, empty, cut_cells), (output.clone(), 2, 0, 1, 0));
    let written = std::fs::read_to_string(&output).unwrap();
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines[0], "id,predicted,text,predicted_2,probability_bad,probability_good");
    assert!(lines[1].starts_with("1,x,\"the phone, is great\",") && lines[1].split(',').count() == 7, "{written}");
    assert_eq!((lines[2], lines.len()), ("2,y,<br>,,,", 4));

    let message = bench.label(read(&input, None), &input).unwrap_err();
    assert!(message.contains("is the input file"), "{message}");
    let message = bench.label(read(&input, None), &bench.path("project.ron")).unwrap_err();
    assert!(message.contains("is a project"), "{message}");
    let learnt_from = bench.path("reviews.csv");
    let before = std::fs::read(&learnt_from).unwrap();
    let message = bench.label(read(&input, None), &learnt_from).unwrap_err();
    assert!(message.contains("is a data file of the project"), "{message}");
    assert_eq!(std::fs::read(&learnt_from).unwrap(), before);
    let message = bench.label(read(&input, Some("review")), &output).unwrap_err();
    assert!(message.contains("no column 'review'") && message.contains("id, predicted, text"), "{message}");
    let message = bench.label(read(&bench.path("none.csv"), None), &output).unwrap_err();
    assert!(message.contains("There is no file at"), "{message}");
}

#[test]
fn errors_name_the_missing_model_run_or_folder() {
    let mut bench = Bench::new(|_| ());
    let message = bench.refused(FetchModel { model: ModelChoice::Catalogue("bart-huge".into()) });
    assert!(message.contains("\"bart-huge\"") && message.contains("minilm-l6"), "{message}");
    let message = bench.refused(LoadRun { run: bench.path("runs/none") });
    assert!(message.contains("Could not open the run"), "{message}");
    let texts = vec!["a text".to_owned()];
    let message = bench.refused(Classify { model: bench.path("none"), texts: texts.clone() });
    assert!(message.contains("none"), "{message}");
    // A trained model that Hone did not make: it has labels but no cleaning, and predicts.
    assert_eq!(bench.ask(Classify { model: tiny_bert(), texts }).labels, ["negative", "neutral", "positive"]);

    bench.project.model = ModelChoice::Folder(bench.path("no-model"));
    let message = bench.refused(train_job(&bench.project, bench.folder.path()).0);
    assert!(message.contains("no-model"), "{message}");
}

#[test]
fn a_run_is_exported_and_the_export_is_checked() {
    let bench = Bench::new(|training| training.epochs = 1);
    let run = bench.train().folder.clone();
    let export = || {
        let (run, output) = (run.clone(), bench.path("export"));
        ask(&bench.worker, Export { run, format: ExportFormat::HuggingFace, output })
    };
    let exported = export().expect("the export must be made");
    assert!(exported.path.join("model.safetensors").is_file() && !exported.proof.is_empty());
    let Err(JobError::Failed(message)) = export() else { panic!("nothing is written over") };
    assert!(message.contains("is not empty"), "{message}");
}

#[test]
fn runs_are_listed_compared_deleted_and_restored() {
    let bench = Bench::new(|training| training.epochs = 1);
    let first = bench.train().folder.clone();
    let folder = bench.folder.path().to_owned();
    let list = |before| bench.ask(ListRuns { folder: folder.clone(), before, recent: Some(Vec::new()) });
    let listed = list(None);
    assert!(Arc::ptr_eq(&listed, &list(Some(Arc::clone(&listed)))), "nothing has changed");

    let compare = |runs: &[&PathBuf]| CompareRuns { runs: runs.iter().map(|run| (*run).clone()).collect() };
    let same = bench.ask(compare(&[&first, &first]));
    let says = same.differences[0].as_ref().unwrap().says();
    assert!(says.contains("on the same ") && same.settings.is_empty() && !same.curves[1].steps.is_empty(), "{says}");
    assert!(bench.refused(compare(&[&first])).contains("Choose two runs or more"));
    assert!(bench.refused(compare(&[&first, &bench.path("runs/none")])).contains("Could not open the run"));

    let run = listed.records.runs[0].listing.folder.clone();
    let change = |change| ChangeRuns { change };
    assert_eq!(bench.ask(change(RunChange::Delete(vec![run.clone()]))), "Moved 1 run to the bin");
    assert!(bench.refused(change(RunChange::Delete(vec![run]))).contains("is gone"));
    let now = list(Some(listed));
    assert_eq!((now.records.runs.len(), now.records.bin.len()), (0, 1));
    let binned = now.records.bin[0].listing.folder.clone();
    assert_eq!(bench.ask(change(RunChange::Restore(vec![binned]))), "Restored 1 run");
    assert_eq!(bench.ask(change(RunChange::EmptyBin(folder.clone()))), "Deleted 0 runs for good");
    assert!(list(None).freeable.is_empty(), "the newest run keeps its weights");
}
