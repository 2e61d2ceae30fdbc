//! Models of the Hugging Face Hub in the terminal, from a Hub on this machine.

use insta::assert_snapshot;
use serde_json::json;

use crate::cli::{Ended, Place, steady, words};
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
        let told: String = ended.err.lines().map(|line| format!("! {line}\n")).collect();
        let code = if ended.code == Some(0) { String::new() } else { format!("exit code {}\n", ended.code.unwrap()) };
        steady(&format!("$ {line}\n{}{told}{code}", ended.out)).replace(&hub.url(), "[hub]")
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
        @r""
    );
    assert_snapshot!(terminal(&place, &hub, "hone models search owner/tiny --json"), @r"");
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
            "
        ),
        @r""
    );
    let project = place.read("shop/project.ron");
    assert!(project.contains("repo: \"owner/tiny\"") && project.contains("5eed5eed"), "{project}");
    // Training needs the network no more.
    assert_snapshot!(place.terminal_without_numbers("hone train shop --set epochs=1 --dry-run"), @r"");
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
        @r""
    );
    assert_snapshot!(place.terminal("hone models search bert"), @r"");
}
