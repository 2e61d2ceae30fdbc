//! Models of the Hugging Face Hub in the terminal, from a Hub on this machine.

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use crate::cli::{Ended, Place, reviews, steady, words};
use crate::fetch::hub_server::{HubRepo, publish_search, refusal};
use crate::fetch::server::Server;

const DATA: &str = "review,mood\nI like it,good\nI hate it,bad\nVery nice,good\nVery bad,bad\nGreat,good\nAwful,bad\n";

/// What the terminal shows of command lines on a machine that reaches this Hub.
fn terminal(place: &Place, hub: &Server, lines: &str) -> String {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let shown = lines.map(|line| {
        let words = words(line.strip_prefix("hone").unwrap());
        let mut command = place.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        command.env_remove("HF_HUB_OFFLINE").env_remove("HF_TOKEN").env("HF_ENDPOINT", hub.url());
        command.env("NO_PROXY", "127.0.0.1").env("COLUMNS", "200");
        let ended = Ended::from(command.output().unwrap(), &place.path(""));
        let told: String = ended.err.lines().flat_map(|line| ["! ", line, "\n"]).collect();
        let code = if ended.code == Some(0) { String::new() } else { format!("exit code {}\n", ended.code.unwrap()) };
        steady(&format!("$ {line}\n{}{told}{code}", ended.out))
            .replace(&hub.url(), "[hub]")
            .replace(&format!("127.0.0.1:{}", hub.port), "[hub]")
    });
    shown.collect::<Vec<_>>().join("\n")
}

fn hub() -> Server {
    let hub = Server::start();
    let whole = ["config.json", "model.safetensors", "tokenizer.json"];
    let t5 = HubRepo::with_names("google-t5/t5-small", "t5", &whole);
    let tiny = HubRepo::tiny("owner/tiny").saying("safetensors", json!({"parameters": {"F32": 31_000}}));
    t5.publish(&hub);
    tiny.publish(&hub);
    publish_search(&hub, &[t5, tiny]);
    hub
}

#[test]
fn searching_lists_models_and_whether_hone_can_train_them() {
    let (place, hub) = (Place::new(), hub());
    assert_snapshot!(
        terminal(
            &place,
            &hub,
            "
            hone models search tiny bert
            hone models search google-t5/t5-small
            hone models search owner/none
            "
        ),
        @r#"
        $ hone models search tiny bert
        name                architecture  download  licence     downloads a month  Hone can train it
        owner/tiny          bert           121 KiB  apache-2.0          1,234,567  yes
        google-t5/t5-small  t5             unknown  mit                         7  no: Hone can't train t5 models yet

        Hone can train 1 model of these. To use one: hone models fetch owner/tiny
        ! Asking the Hugging Face Hub

        $ hone models search google-t5/t5-small
        name                architecture  download  licence  downloads a month  Hone can train it
        google-t5/t5-small  t5                28 B  mit                      7  no: Hone can't train t5 models yet

        Hone cannot train google-t5/t5-small: its architecture is t5, which Hone cannot train yet. Choose a model of one of these: bert, roberta, xlm-roberta, camembert, distilbert, electra, mpnet, deberta-v2, modernbert, gpt2, llama, mistral, qwen2 and qwen3.
        ! Asking the Hugging Face Hub

        $ hone models search owner/none
        ! Asking the Hugging Face Hub
        ! Error: There is no model owner/none on the Hugging Face Hub, or it is private. Check the spelling of owner/name. For a private model, set HF_TOKEN to an access token of an account that can read it, and start Hone again.
        exit code 1
        "#
    );
    let json = terminal(&place, &hub, "hone models search owner/tiny --json");
    for part in ["\"architecture\": \"bert\"", "\"bytes\": 126460", "\"can_train\": true", "\"downloads\": 1234567"] {
        assert!(json.contains(part), "{json}");
    }
}

#[test]
fn a_model_is_fetched_by_name_and_a_project_pinned_to_it() {
    let (place, hub) = (Place::new(), hub());
    place.write("data.csv", DATA);
    assert_snapshot!(
        terminal(
            &place,
            &hub,
            "
            hone models fetch owner/tiny
            hone models fetch google-t5/t5-small
            hone new shop --data data.csv --text review --label mood --model https://huggingface.co/owner/tiny
            hone new other --data data.csv --text review --label mood --model owner/none
            "
        ),
        @r#"
        $ hone models fetch owner/tiny
        [folder]/home/cache/huggingface/hub/models--owner--tiny/snapshots/5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed
        ! Asking the Hugging Face Hub
        ! Downloading owner/tiny
        ! Checking config.json
        ! Downloading owner/tiny: 9.1 KiB of 134 KiB
        ! Checking tokenizer.json
        ! Downloading owner/tiny: 9.4 KiB of 134 KiB
        ! Checking tokenizer_config.json
        ! Downloading owner/tiny: 10.9 KiB of 134 KiB
        ! Checking vocab.txt
        ! Downloading owner/tiny: 134 KiB of 134 KiB
        ! Checking model.safetensors

        $ hone models fetch google-t5/t5-small
        ! Asking the Hugging Face Hub
        ! Error: Hone cannot train google-t5/t5-small: its architecture is t5, which Hone cannot train yet. Choose a model of one of these: bert, roberta, xlm-roberta, camembert, distilbert, electra, mpnet, deberta-v2, modernbert, gpt2, llama, mistral, qwen2 and qwen3.
        exit code 1

        $ hone new shop --data data.csv --text review --label mood --model https://huggingface.co/owner/tiny
        Created project shop in shop with 6 rows.
        Text: review. Label: mood.
        Next: hone train shop
        ! Asking the Hugging Face Hub
        ! Reading the file
        ! Finding rows: 12 B of 90 B

        $ hone new other --data data.csv --text review --label mood --model owner/none
        ! Asking the Hugging Face Hub
        ! Error: There is no model owner/none on the Hugging Face Hub, or it is private. Check the spelling of owner/name. For a private model, set HF_TOKEN to an access token of an account that can read it, and start Hone again. No folder has this name.
        exit code 1
        "#
    );
    let project = place.read("shop/project.ron");
    assert!(project.contains("repo: \"owner/tiny\"") && project.contains("5eed5eed"), "{project}");
    // Training works without the network.
    let measured = place.terminal("hone train shop --set epochs=1 --dry-run");
    assert!(measured.contains("Memory") && !measured.contains("exit code"), "{measured}");
}

#[test]
fn a_suggested_model_is_fetched_by_its_id_and_used_offline_by_its_name() {
    let (place, hub) = (Place::new(), hub());
    place.write("data.csv", DATA);
    HubRepo::tiny("distilbert/distilbert-base-uncased").publish(&hub);
    let fetched = terminal(&place, &hub, "hone models fetch distilbert-base-uncased");
    assert!(fetched.contains("models--distilbert--distilbert-base-uncased/snapshots/5eed5eed"), "{fetched}");
    let listed = place.terminal("hone models list");
    let line = listed.lines().find(|line| line.contains("distilbert-base-uncased")).unwrap();
    assert!(line.starts_with("Small and fast") && line.ends_with("yes"), "{line}");
    // Without the network, by the id and by the name.
    for (folder, name) in [("id", "distilbert-base-uncased"), ("name", "distilbert/distilbert-base-uncased")] {
        let line = format!("hone new {folder} --data data.csv --text review --label mood --model {name}");
        let made = place.terminal(&line);
        let note = "! Note: HF_HUB_OFFLINE is set, so distilbert/distilbert-base-uncased is used as it is on this machine, \
                    at commit 5eed5eed.";
        assert!(made.contains(note) && !made.contains("exit code"), "{made}");
        assert!(place.read(&format!("{folder}/project.ron")).contains("repo: \"distilbert/distilbert-base-uncased\""));
    }
    let other = place.terminal("hone new none --data data.csv --text review --label mood --model roberta-base");
    assert!(other.contains("HF_HUB_OFFLINE forbids asking the Hugging Face Hub"), "{other}");
}

#[test]
fn a_gpt_begins_with_an_adapter_in_batches_by_tokens() {
    let (place, hub) = (Place::new(), hub());
    place.write("data.csv", DATA);
    let gpt = HubRepo::tiny("openai-community/gpt2");
    let config =
        r#"{"model_type": "gpt2", "vocab_size": 316, "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}"#;
    gpt.with("config.json", config).saying("config", json!({"model_type": "gpt2"})).publish(&hub);
    let new = "--data data.csv --text review --label mood --model gpt2";
    let made = terminal(
        &place,
        &hub,
        &format!("hone new gpt {new}\nhone new own {new} --set lr=5e-5 --set training.trained_layers=all"),
    );
    assert!(!made.contains("exit code"), "{made}");
    let project = place.read("gpt/project.ron");
    for setting in ["trained_layers: Lora", "learning_rate: 0.0002", "batch_size: 16", "batch_tokens: Some(1024)"] {
        assert!(project.contains(setting), "{setting}: {project}");
    }
    let presets = "The model is a GPT: training starts with an adapter (LoRA) at a learning rate of 2e-4, in batches of up to 16 \
                   texts and 1,024 tokens.";
    assert!(made.contains(presets), "{made}");
    let own = place.read("own/project.ron");
    assert!(!own.contains("Lora") && !own.contains("0.0002"), "{own}");
    let other = place.terminal("hone train gpt --set training.batch_tokens=many");
    assert!(other.contains("'many' is not valid for training.batch_tokens: it must be a whole number"), "{other}");
}

#[test]
fn an_exported_adapter_names_its_base_model_as_the_hub_does() {
    let (place, hub) = (Place::new(), hub());
    place.write("data.csv", reviews(20));
    let told = terminal(
        &place,
        &hub,
        "
        hone models fetch owner/tiny
        hone new shop --data data.csv --text review --label mood --model owner/tiny --set training.trained_layers=lora
        hone train shop --set epochs=1
        hone export shop --format adapter --out adapter
        hone export shop --format hf --out whole
        hone predict adapter data.csv --text review --out from-adapter.csv
        hone predict whole data.csv --text review --out from-whole.csv
        ",
    );
    assert!(!told.contains("exit code"), "{told}");
    let config: serde_json::Value = serde_json::from_str(&place.read("adapter/adapter_config.json")).unwrap();
    let base = (&config["base_model_name_or_path"], &config["revision"]);
    assert_eq!(base, (&json!("owner/tiny"), &json!("5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed")));
    assert_eq!(place.read("from-adapter.csv"), place.read("from-whole.csv"));
    // On a machine without the base model.
    fs::remove_dir_all(place.path("home/cache/huggingface")).unwrap();
    let refused = terminal(&place, &hub, "hone predict adapter data.csv --text review --out other.csv");
    assert!(
        refused.contains("hone models fetch owner/tiny@5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed`), or"),
        "{refused}"
    );
}

#[test]
fn names_are_ids_before_folders_before_models_of_the_hub() {
    let (place, hub) = (Place::new(), hub());
    place.write("data.csv", DATA);
    HubRepo::tiny("minilm-l6").publish(&hub);
    let tiny = std::path::Path::new(super::TINY_BERT);
    for file in ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"] {
        place.write(&format!("owner/tiny/{file}"), std::fs::read(tiny.join(file)).unwrap());
    }
    terminal(
        &place,
        &hub,
        "
        hone new id --data data.csv --text review --label mood --model minilm-l6
        hone new folder --data data.csv --text review --label mood --model owner/tiny
        ",
    );
    assert!(place.read("id/project.ron").contains("Catalogue(\"minilm-l6\")"));
    assert!(place.read("folder/project.ron").contains("Folder("));
    assert!(hub.asked().is_empty());
}

#[test]
fn what_the_hub_refuses_is_said_with_what_to_do() {
    let (place, hub) = (Place::new(), hub());
    let gated = HubRepo::tiny("owner/gated").saying("gated", json!("auto"));
    gated.publish(&hub);
    hub.put(&gated.path_of("config.json"), refusal(401, "GatedRepo", "restricted"));
    hub.put("/api/models", refusal(429, "", "slow down"));
    hub.put("/api/models/owner/tiny/revision/v9", refusal(404, "RevisionNotFound", "Invalid rev id"));
    assert_snapshot!(
        terminal(
            &place,
            &hub,
            "
            hone models fetch owner/gated
            hone models fetch owner/tiny@v9
            hone models fetch gpt-9
            hone models fetch ./nowhere/at/all
            hone models search bert
            "
        ),
        @r#"
        $ hone models fetch owner/gated
        ! Asking the Hugging Face Hub
        ! Error: owner/gated is gated: its authors want you to accept their terms first. Accept them on [hub]/owner/gated. Then create an access token on the Hub, set HF_TOKEN to it, and start Hone again.
        exit code 1

        $ hone models fetch owner/tiny@v9
        ! Asking the Hugging Face Hub
        ! Error: owner/tiny has no branch, tag or commit "v9". Check it on [hub]/owner/tiny, or leave it out.
        exit code 1

        $ hone models fetch gpt-9
        ! Asking the Hugging Face Hub
        ! Error: 'gpt-9' is neither a known model (hone models list) nor a folder. There is no model gpt-9 on the Hugging Face Hub, or it is private. Check the spelling of owner/name. For a private model, set HF_TOKEN to an access token of an account that can read it, and start Hone again.
        exit code 1

        $ hone models fetch ./nowhere/at/all
        ! Error: './nowhere/at/all' is neither a known model nor a folder, nor owner/name on the Hugging Face Hub. To see the known models: hone models list.
        exit code 1

        $ hone models search bert
        ! Asking the Hugging Face Hub
        ! Error: [hub] received too many requests from this network (status 429). Wait a few minutes and try again. With an access token in HF_TOKEN more are allowed.
        exit code 1
        "#
    );
    assert!(place.terminal("hone models search bert").contains("! Error: HF_HUB_OFFLINE forbids asking"));
}
