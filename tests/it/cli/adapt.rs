//! Continued pre-training on one's own texts, from the terminal.

use super::*;

/// Contracts whose words follow from one another, so that a model can learn to fill them in.
pub fn write_contracts(place: &Place, count: usize) {
    let (parties, things) = (["lessee", "lessor", "tenant"], ["rent", "deposit", "charge", "fee"]);
    for number in 0..count {
        let (party, thing) = (parties[number % 3], things[number % 4]);
        let clause = format!("the {party} shall pay the {thing} to the other party. the {thing} is due each month.\n");
        place.write(&format!("contracts/{number}.txt"), format!("{number}. {}", clause.repeat(1 + number % 3)));
    }
}

fn new_project(place: &Place, more: &[&str]) -> String {
    write_contracts(place, 40);
    let settings = [
        "training.epochs=8",
        "training.optimizer.learning_rate=0.003",
        "training.batch_size=4",
        "training.max_length=32",
        // They are all nearly the same.
        "split.keep_near_together=false",
    ];
    let mut arguments = vec!["new", "legal", "--task", "adapt", "--data", "contracts", "--model", TINY_BERT];
    for setting in &settings {
        arguments.extend(["--set", setting]);
    }
    arguments.extend(more);
    place.good(&arguments)
}

fn best_folder(place: &Place) -> String {
    let run = fs::read_dir(place.path("legal/runs")).unwrap().next().unwrap().unwrap();
    run.path().join("best").display().to_string()
}

#[test]
fn perplexity_on_held_out_documents_falls_and_the_model_can_be_fine_tuned() {
    let place = Place::new();
    let made = new_project(&place, &[]);
    assert!(made.contains("Text: text.\n") && !made.contains("Label"), "{made}");
    assert!(
        made.contains("three or more pieces: ") && made.contains("lessor (26)") && made.contains("\"lessor\""),
        "{made}"
    );
    let result = place.json(&["train", "legal", "--json"]);
    let perplexity = |scores: &Value| scores["perplexity"].as_f64().unwrap();
    let (before, after) = (perplexity(&result["before"]), perplexity(&result["validation"]));
    assert!(after < before / 4.0, "{before} {after}");
    assert!(result["validation"]["masked_accuracy"].as_f64() >= result["before"]["masked_accuracy"].as_f64());
    assert_eq!((&result["rows"]["test"], &result["validation"]["documents"]), (&Value::from(0), &Value::from(4)));
    assert!(result["validation"]["masked_words"].as_u64() > Some(4));
    let best = best_folder(&place);
    let config: Value = serde_json::from_str(&fs::read_to_string(format!("{best}/config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"], serde_json::json!(["BertForMaskedLM"]));
    assert!(config.get("id2label").is_none());
    place.write("reviews.csv", reviews(20));
    // By the project that made it, which means its newest model.
    let columns = ["--text", "review", "--label", "mood", "--model", "legal", "--set", "training.epochs=1"];
    place.good(&[&["new", "shop", "--data", "reviews.csv"], &columns[..]].concat());
    assert!(
        place
            .read("shop/project.ron")
            .contains(Path::new(&best).parent().unwrap().file_name().unwrap().to_str().unwrap())
    );
    assert!(place.json(&["train", "shop", "--json"])["validation"]["accuracy"].is_number());
    let bad = place.bad(1, &["predict", &best, "reviews.csv", "--text", "review", "--out", "labels.csv"]);
    assert!(bad.contains("it predicts words, not labels. To predict labels, train a classifier"), "{bad}");
    assert!(!place.path("labels.csv").exists());
}

#[test]
fn a_classifier_is_trained_in_every_way_on_a_model_that_was_adapted_with_an_adapter() {
    let place = Place::new();
    // Its language model head is new, so the adapter has one that no classifier has a place for.
    new_project(&place, &["--set", "training.trained_layers=Lora", "--set", "training.epochs=1"]);
    place.good(&["train", "legal"]);
    place.write("reviews.csv", reviews(20));
    for way in ["All", "Top(1)", "Lora", "Head", "Instant"] {
        let trained = format!("training.trained_layers={way}");
        let columns = ["--text", "review", "--label", "mood", "--model", "legal", "--force"];
        let settings = ["--set", "training.epochs=1", "--set", &trained];
        place.good(&[&["new", "shop", "--data", "reviews.csv"][..], &columns, &settings].concat());
        let result = place.json(&["train", "shop", "--json"]);
        assert!(result["validation"]["accuracy"].is_number(), "{way}: {result}");
        let exported = format!("exported-{way}");
        place.good(&["export", "shop", "--format", "hf", "--out", &exported]);
        place.good(&["predict", &exported, "reviews.csv", "--text", "review", "--out", "labels.csv", "--force"]);
    }
}

#[test]
fn each_domain_term_has_its_scores_before_and_after() {
    let place = Place::new();
    new_project(&place, &["--set", "split.validation=0.6", "--set", r#"task.new_words=["lessee"]"#]);
    let result = place.json(&["train", "legal", "--json"]);
    let after = &result["validation"];
    let terms = after["by_term"].as_array().unwrap();
    let sum = |key: &str| terms.iter().map(|term| term[key].as_f64().unwrap()).sum::<f64>();
    assert!(!terms.is_empty() && terms.iter().all(|term| term["masked_words"].as_u64() > Some(0)), "{terms:?}");
    assert!((sum("masked_words") - after["terms"]["masked_words"].as_f64().unwrap()).abs() < 0.5);
    let mean = sum("nats") / sum("masked_tokens");
    assert!((mean - after["terms"]["loss"].as_f64().unwrap()).abs() < 1e-9);
    assert_eq!(result["before"]["by_term"].as_array().unwrap().len(), terms.len(), "the same words are masked");
    let interval: Vec<f64> = serde_json::from_value(result["perplexity_interval_95"].clone()).unwrap();
    let perplexity = after["perplexity"].as_f64().unwrap();
    assert!(interval[0] < perplexity && perplexity < interval[1], "{interval:?} {perplexity}");
    place.good(&["export", "legal", "--format", "hf", "--out", "exported"]);
    let card = place.read("exported/README.md");
    assert!(card.contains("Words added to the vocabulary: lessee."), "{card}");
    let term = terms[0]["term"].as_str().unwrap();
    assert!(card.contains(&format!("\n| {term} | ")) && card.contains("The 95% interval of the perplexity"), "{card}");
}

#[test]
fn a_new_project_has_the_hyperparameters_of_its_task() {
    let place = Place::new();
    write_contracts(&place, 3);
    place.good(&["new", "legal", "--task", "adapt", "--data", "contracts", "--model", TINY_BERT]);
    let written = place.read("legal/project.ron");
    assert!(written.contains("learning_rate: 0.0003,") && written.contains("epochs: 5,"), "{written}");
    place.project();
    let written = place.read("shop/project.ron");
    assert!(written.contains("learning_rate: 0.0001,") && written.contains("epochs: 3,"), "{written}");
}

#[test]
fn the_same_run_again_gives_the_same_perplexity() {
    let place = Place::new();
    new_project(&place, &["--set", "training.epochs=1"]);
    let run = || place.json(&["train", "legal", "--json"])["validation"]["perplexity"].as_f64().unwrap();
    assert_eq!(run().to_bits(), run().to_bits());
}

#[test]
fn new_words_become_tokens_of_the_trained_model() {
    let place = Place::new();
    new_project(&place, &["--set", r#"task.new_words=["lessee", "lessor", "the"]"#, "--set", "training.epochs=1"]);
    place.good(&["train", "legal"]);
    let best = best_folder(&place);
    let vocabulary = fs::read_to_string(format!("{best}/vocab.txt")).unwrap();
    let added: Vec<&str> = vocabulary.lines().skip(316).collect();
    assert!(added.starts_with(&["lessee", "lessor"]), "{added:?}");
    let config: Value = serde_json::from_str(&fs::read_to_string(format!("{best}/config.json")).unwrap()).unwrap();
    assert_eq!(config["vocab_size"], Value::from(316 + added.len()));
    let bad = place.bad(1, &["train", "legal", "--set", r#"task.new_words=["res judicata"]"#]);
    assert!(bad.contains("'res judicata' is not one word"), "{bad}");
}

#[test]
fn a_task_that_does_not_exist_and_a_label_where_there_is_none_are_refused() {
    let place = Place::new();
    write_contracts(&place, 3);
    let bad = place.bad(2, &["new", "legal", "--task", "summarise", "--data", "contracts"]);
    assert!(bad.contains("use classify or adapt"), "{bad}");
    let bad = place.bad(2, &["new", "legal", "--task", "adapt", "--data", "contracts", "--label", "file"]);
    assert!(bad.contains("has no labels. Remove --label"), "{bad}");
    let inspected = place.good(&["inspect", "contracts", "--task", "adapt"]);
    assert!(inspected.contains("Words per text") && !inspected.contains("share"), "{inspected}");
    assert!(inspected.contains(" distinct words among 99 words in 3 texts"), "{inspected}");
}

#[test]
fn an_adapted_model_is_evaluated_on_its_test_documents_and_on_others() {
    let place = Place::new();
    new_project(&place, &["--set", "split.test=0.2", "--set", "training.epochs=1"]);
    let trained = place.json(&["train", "legal", "--json"]);
    let evaluated = place.json(&["evaluate", "legal", "--json"]);
    for score in ["documents", "masked_words", "perplexity", "masked_accuracy", "terms"] {
        assert_eq!(evaluated[score], trained["test"][score], "{score}");
    }
    assert!(evaluated["documents"].as_u64() > Some(3) && evaluated["perplexity"].as_f64() > Some(1.0));
    for number in 0..10 {
        place.write(&format!("others/{number}.md"), "the tenant shall pay the deposit each month.\n".repeat(4));
    }
    place.write("others/blank.txt", " ");
    let others = place.hone(&["evaluate", "legal", "--data", "others", "--json"]);
    let scores: Value = serde_json::from_str(&others.out).unwrap();
    assert_eq!(scores["documents"], 10);
    assert!(scores["terms"]["masked_words"].as_u64() > Some(0), "{scores}");
    assert!(
        others.err.contains("1 row could not be read and will be skipped. The first is on line 11: 'blank.txt'"),
        "{}",
        others.err
    );
    // Without the run's training texts, the terms are not known.
    fs::remove_dir_all(place.path("contracts")).unwrap();
    let others = place.hone(&["evaluate", "legal", "--data", "others", "--json"]);
    let without: Value = serde_json::from_str(&others.out).unwrap();
    assert!(others.err.contains("domain terms are not scored separately"), "{}", others.err);
    assert_eq!((&without["perplexity"], &without["terms"]), (&scores["perplexity"], &Value::Null));
    place.write("unknown.csv", "text\n\u{2603} \u{2602}\n");
    let bad = place.bad(1, &["evaluate", "legal", "--data", "unknown.csv"]);
    assert!(bad.contains("The model knows none of the words in these texts"), "{bad}");
}

#[test]
fn the_best_model_of_a_study_has_the_scores_of_domain_terms_that_a_trained_one_has() {
    let place = Place::new();
    new_project(&place, &["--set", "split.test=0.2", "--set", "training.epochs=1"]);
    let search = place.json(&["search", "legal", "--over", "lr=1e-3|3e-3", "--trials", "2", "--json"]);
    place.good(&["studies", "legal", "--study", search["study"].as_str().unwrap(), "--keep"]);
    let best = place.json(&["best", "legal", "--trials", "2", "--json"]);
    let kept = place.json(&["runs", "legal", "--json"])["runs"].clone();
    for (kept, study) in [(&kept[0], best), (&kept[1], search)] {
        let sets = study["best"]["settings"].as_object().unwrap().iter();
        let sets = sets.flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={}", value.as_str().unwrap())]);
        let train: Vec<String> = ["train", "legal", "--json"].map(str::to_owned).into_iter().chain(sets).collect();
        let trained = place.json(&train.iter().map(String::as_str).collect::<Vec<_>>());
        for side in ["validation", "test"] {
            assert!(!kept[side]["by_term"].as_array().unwrap().is_empty(), "{kept}");
            for score in ["documents", "masked_words", "perplexity", "terms", "by_term"] {
                assert_eq!(kept[side][score], trained[side][score], "{side}: {score}");
            }
        }
    }
}

#[test]
fn a_run_without_test_documents_says_what_to_evaluate() {
    let place = Place::new();
    new_project(&place, &["--set", "training.epochs=1"]);
    place.good(&["train", "legal"]);
    let bad = place.bad(1, &["evaluate", "legal"]);
    assert!(bad.contains("This run has no test set. Evaluate it on a file or folder of other texts."), "{bad}");
}

#[test]
fn texts_of_unknown_words_alone_are_refused_before_training() {
    let place = Place::new();
    let texts = (0..40).map(|row| format!("\u{5951}\u{7d04} {}\n", "\u{66f8}".repeat(row + 1)));
    let texts: String = texts.collect();
    place.write("texts.csv", format!("text\n{texts}"));
    let near = ["--set", "split.keep_near_together=false"];
    let new = ["new", "legal", "--task", "adapt", "--data", "texts.csv", "--text", "text", "--model", TINY_BERT];
    place.good(&[&new[..], &near].concat());
    for arguments in [&["train", "legal"][..], &["train", "legal", "--dry-run"]] {
        let bad = place.bad(1, arguments);
        assert!(bad.contains("the model knows none of the words in the training texts"), "{bad}");
    }
    assert!(place.good(&["runs", "legal"]).contains("No runs yet"));
}

#[test]
fn settings_of_another_task_and_models_that_are_none_are_refused() {
    let place = Place::new();
    new_project(&place, &[]);
    let bad = place.bad(2, &["train", "legal", "--set", "class_weights=balanced"]);
    assert!(bad.contains("'class_weights' is a setting of projects with --task classify."), "{bad}");
    let bad = place.bad(2, &["train", "legal", "--set", "schema_version=1"]);
    assert!(bad.contains("There is no setting 'schema_version'"), "{bad}");
    place.project();
    let new = |model| ["new", "more", "--data", "reviews.csv", "--text", "review", "--label", "mood", "--model", model];
    let bad = place.bad(1, &new("legal"));
    assert!(bad.contains("has no trained model yet. Train it first: hone train [folder]/legal"), "{bad}");
    assert!(place.bad(1, &new("shop")).contains("is a project that classifies texts"));
    assert!(!place.path("more").exists());
}

#[test]
fn a_best_metric_that_the_task_does_not_have_is_refused() {
    let place = Place::new();
    place.project();
    let changed = place.read("shop/project.ron").replace("best_metric: None", "best_metric: Some(Perplexity)");
    assert!(changed.contains("Perplexity"));
    place.write("shop/project.ron", changed);
    let bad = place.bad(1, &["train", "shop"]);
    assert!(bad.contains("The setting best metric cannot be perplexity"), "{bad}");
    assert!(place.good(&["runs", "shop"]).contains("No runs yet"));
}

#[test]
fn a_model_whose_tokens_do_not_fit_is_refused_by_its_own_name() {
    let place = Place::new();
    write_contracts(&place, 40);
    let files = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"];
    for name in files {
        place.write(&format!("model/{name}"), fs::read(Path::new(TINY_BERT).join(name)).unwrap());
    }
    place.good(&[
        "new",
        "legal",
        "--task",
        "adapt",
        "--data",
        "contracts",
        "--model",
        "model",
        "--set",
        "max_length=32",
    ]);
    let tokenizer = place.read("model/tokenizer.json");
    let with_token = |id: u64| {
        let mut changed: Value = serde_json::from_str(&tokenizer).unwrap();
        changed["model"]["vocab"]["zz"] = Value::from(id);
        place.write("model/tokenizer.json", changed.to_string());
    };
    for new_words in ["task.new_words=[]", r#"task.new_words=["lessee"]"#] {
        with_token(5000);
        let bad = place.bad(1, &["train", "legal", "--set", new_words]);
        assert!(
            bad.contains("[folder]/model does not fit its tokenizer, which needs embeddings for 5001 tokens"),
            "{bad}"
        );
        with_token(u64::from(u32::MAX));
        let bad = place.bad(1, &["train", "legal", "--set", new_words]);
        assert!(bad.contains("[folder]/model/tokenizer.json could not be loaded: it has a token with the id"), "{bad}");
    }
    place.write("model/tokenizer.json", &tokenizer);
    place.write("model/config.json", place.read("model/config.json").replace("\"bert\"", "\"t5\""));
    let bad = place.bad(1, &["train", "legal", "--set", r#"task.new_words=["lessee"]"#]);
    assert!(bad.contains("[folder]/model/config.json is a model of type \"t5\""), "{bad}");
    assert!(place.good(&["runs", "legal"]).contains("No runs yet"));
}

#[test]
fn a_project_that_is_refused_is_not_created() {
    let place = Place::new();
    write_contracts(&place, 3);
    place.write("model/config.json", fs::read(Path::new(TINY_BERT).join("config.json")).unwrap());
    let bad = place.bad(1, &["new", "legal", "--task", "adapt", "--data", "contracts", "--model", "model"]);
    assert!(bad.contains("There is no tokenizer.json or vocab.txt in [folder]/model"), "{bad}");
    assert!(!place.path("legal").exists());
    place.write("scans/deed.pdf", "%PDF");
    let bad = place.bad(1, &["new", "legal", "--task", "adapt", "--data", "scans"]);
    assert!(bad.contains("None of the documents in [folder]/scans could be read. 'deed.pdf': PDF files"), "{bad}");
    assert!(!place.path("legal").exists());
}

#[test]
fn a_run_that_failed_is_listed_with_the_metrics_of_its_task() {
    let place = Place::new();
    new_project(&place, &["--set", "training.optimizer.learning_rate=1e30"]);
    place.bad(1, &["train", "legal"]);
    let runs = place.good(&["runs", "legal"]);
    assert!(runs.contains("validation perplexity") && !runs.contains("macro-F1"), "{runs}");
}
