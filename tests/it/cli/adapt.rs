//! Continued pre-training on one's own texts, from the terminal.

use super::*;

/// Contracts whose words follow from one another, so that a model can learn to fill them in.
fn write_contracts(place: &Place, count: usize) {
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
    assert!(result["validation"]["masked_accuracy"].as_f64() > result["before"]["masked_accuracy"].as_f64());
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
    assert!(bad.contains("predicts masked words, not labels. To predict labels, train a classifier"), "{bad}");
    assert!(!place.path("labels.csv").exists());
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
    assert!(written.contains("learning_rate: 5e-5,") && written.contains("epochs: 3,"), "{written}");
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
