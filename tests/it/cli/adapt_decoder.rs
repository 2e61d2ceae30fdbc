//! Continued pre-training of models that predict the next token, from the terminal.

use serde::Deserialize;

use super::adapt::write_contracts;
use super::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// What `tests/peers/make_tiny_decoders.py` wrote: `transformers`' answers.
#[derive(Deserialize)]
struct Expected {
    text: String,
    tokens: u64,
    nats: f64,
    continued: String,
}

fn expected(network: &str) -> Vec<Expected> {
    serde_json::from_slice(&fs::read(format!("{FIXTURES}/{network}/expected.json")).unwrap()).unwrap()
}

fn new_project(place: &Place, network: &str, more: &[&str]) {
    write_contracts(place, 40);
    let settings = [
        "training.epochs=6",
        "training.optimizer.learning_rate=0.003",
        "training.batch_size=4",
        "training.max_length=32",
        "training.precision=F32",
        // They are all nearly the same.
        "split.keep_near_together=false",
    ];
    let model = format!("{FIXTURES}/{network}");
    let mut arguments = vec!["new", "legal", "--task", "adapt", "--data", "contracts", "--model", &model];
    for setting in &settings {
        arguments.extend(["--set", setting]);
    }
    arguments.extend(more);
    place.good(&arguments);
}

#[test]
fn perplexity_falls_and_the_adapted_model_is_evaluated_exported_and_fine_tuned() {
    for (network, class) in [("tiny-gpt2", "GPT2LMHeadModel"), ("tiny-llama", "LlamaForCausalLM")] {
        let place = Place::new();
        new_project(&place, network, &["--set", "split.test=0.2"]);
        let trained = place.json(&["train", "legal", "--json"]);
        let perplexity = |scores: &Value| scores["perplexity"].as_f64().unwrap();
        let (before, after) = (perplexity(&trained["before"]), perplexity(&trained["test"]));
        assert!(after < before / 4.0, "{network}: {before} {after}");
        assert!(trained["test"]["word_accuracy"].as_f64() > trained["before"]["word_accuracy"].as_f64(), "{trained}");
        assert!(trained["test"]["terms"]["words"].as_u64() > Some(0), "{trained}");
        assert_eq!(trained["before"]["tokens"], trained["test"]["tokens"]);
        let evaluated = place.json(&["evaluate", "legal", "--json"]);
        for score in ["documents", "tokens", "perplexity", "word_accuracy", "terms"] {
            assert_eq!(evaluated[score], trained["test"][score], "{score}");
        }
        place.good(&["export", "legal", "--format", "hf", "--out", "exported"]);
        let config: Value = serde_json::from_str(&place.read("exported/config.json")).unwrap();
        assert_eq!(config["architectures"], serde_json::json!([class]));
        let card = place.read("exported/README.md");
        assert!(card.contains("A causal language model") && !card.contains("masked"), "{card}");
        let told = place.json(&["continue", "legal", "the tenant shall", "--json"]);
        assert_ne!(told["before"], told["after"], "{told}");
        let again = place.json(&["continue", "exported", "the tenant shall", "--json"]);
        assert_eq!((&again["after"], &again["before"]), (&told["after"], &Value::Null));
        place.write("reviews.csv", reviews(20));
        let columns = ["--text", "review", "--label", "mood", "--model", "legal", "--set", "training.epochs=1"];
        place.good(&[&["new", "shop", "--data", "reviews.csv"], &columns[..]].concat());
        assert!(place.json(&["train", "shop", "--json"])["validation"]["accuracy"].is_number());
        let bad = place.bad(1, &["continue", "shop", "good"]);
        assert!(bad.contains("does not predict the next token, so it cannot continue a text"), "{bad}");
    }
}

#[test]
fn the_nats_and_the_likeliest_tokens_of_a_text_are_those_of_transformers() {
    for network in ["tiny-gpt2", "tiny-llama"] {
        let place = Place::new();
        let settings = ["--set", "training.epochs=1", "--set", "training.optimizer.learning_rate=1e-12"];
        new_project(&place, network, &[&settings[..], &["--set", "training.max_length=64"]].concat());
        let untrained = place.json(&["train", "legal", "--json"]);
        assert!(untrained["validation"]["perplexity"].as_f64() > Some(1.0));
        for Expected { text, tokens, nats, continued } in expected(network) {
            place.write("text.csv", format!("text\n\"{text}\"\n"));
            let scores = place.json(&["evaluate", "legal", "--data", "text.csv", "--json"]);
            assert_eq!(scores["tokens"], tokens, "{network}: {text}");
            let got = scores["loss"].as_f64().unwrap() * tokens as f64;
            assert!((got - nats).abs() < 1e-3, "{network}: {text}: {got} {nats}");
            let model = format!("{FIXTURES}/{network}");
            let told = place.json(&["continue", &model, &text, "--tokens", "8", "--json"]);
            assert_eq!(told["after"]["continuation"], continued.trim_end_matches('\u{FFFD}'), "{network}: {text}");
        }
    }
}

#[test]
fn a_converted_model_overwrites_nothing() {
    let place = Place::new();
    let file = format!("{FIXTURES}/gguf/tiny.gguf");
    place.good(&["models", "convert", &file, "--out", "model"]);
    assert!(place.path("model/model.safetensors").is_file());
    place.write("kept/notes.txt", "mine");
    for (out, why) in [("kept", "is not empty"), ("model", "is not empty"), ("kept/notes.txt", "already exists")] {
        let bad = place.bad(1, &["models", "convert", &file, "--out", out]);
        assert!(bad.contains(why) && bad.contains("so that nothing is overwritten"), "{bad}");
    }
    assert_eq!((place.read("kept/notes.txt").as_str(), place.path("kept/config.json").exists()), ("mine", false));
}

#[test]
fn an_adapter_of_a_decoder_learns_too() {
    let place = Place::new();
    new_project(&place, "tiny-llama", &["--set", "training.trained_layers=Lora", "--set", "lr=0.02"]);
    let trained = place.json(&["train", "legal", "--json"]);
    let perplexity = |scores: &Value| scores["perplexity"].as_f64().unwrap();
    let (before, after) = (perplexity(&trained["before"]), perplexity(&trained["validation"]));
    assert!(after < before / 2.0, "{before} {after}");
    let told = place.good(&["continue", "legal", "the tenant shall", "--tokens", "5"]);
    assert!(told.starts_with("Before training: the tenant shall"), "{told}");
    assert!(told.contains("\nAfter training:  the tenant shall"), "{told}");
}

#[test]
fn drawn_tokens_depend_on_the_seed_alone() {
    let place = Place::new();
    let model = format!("{FIXTURES}/tiny-gpt2");
    let told = |seed| {
        let drawn = ["--temperature", "0.9", "--seed", seed, "--json"];
        place.json(&[&["continue", &model, "the rent"], &drawn[..]].concat())["after"].clone()
    };
    assert_eq!(told("4"), told("4"));
    assert_ne!(told("4"), told("5"));
    let bad = place.bad(2, &["continue", &model, "the rent", "--temperature=-1"]);
    assert!(bad.contains("use a number from 0, such as 0.8"), "{bad}");
    let bad = place.bad(1, &["continue", &model, "  "]);
    assert!(bad.contains("There is no text to continue"), "{bad}");
    let encoder = format!("{FIXTURES}/tiny-bert-mlm");
    let bad = place.bad(1, &["continue", &encoder, "good"]);
    assert!(bad.contains("does not predict the next token"), "{bad}");
}

#[test]
fn what_a_decoder_cannot_do_is_said() {
    let place = Place::new();
    new_project(&place, "tiny-gpt2", &["--set", "task.masked_share=0.3"]);
    let trained = place.hone(&["train", "legal", "--set", "training.epochs=1", "--json"]);
    assert!(trained.err.contains("predicts each next token, so the masked share is not used"), "{}", trained.err);
    let bad = place.bad(1, &["train", "legal", "--set", "training.trained_layers=Head"]);
    assert!(bad.contains("so its head has nothing to train"), "{bad}");
    let bad = place.bad(1, &["train", "legal", "--set", r#"task.new_words=["lessee"]"#]);
    assert!(bad.contains("its tokenizer is not WordPiece"), "{bad}");
}
