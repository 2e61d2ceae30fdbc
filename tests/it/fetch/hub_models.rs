//! Models of the Hub by name: looked up, searched for, pinned and downloaded, and what is said when that is not possible.

use std::path::PathBuf;

use hone::fetch::{FetchError, HubError, HubListing, HubName, Untrainable, entry_of, locate, look_up, search};
use hone::project::{HubModel, ModelChoice, Project};
use hone::storage::ProjectFile;
use serde_json::json;

use super::hub_server::{COMMIT, HubRepo, git_sha1, json_resource, publish_search, refusal, sha256};
use super::server::{Resource, Server};
use super::*;

const TINY: &str = "owner/tiny";

/// A Hub on this machine, and folders to keep models in.
struct Hub {
    server: Server,
    folder: tempfile::TempDir,
    settings: FetchSettings,
}

fn hub(repos: &[HubRepo]) -> Hub {
    let Scene { server, folder, settings, .. } = scene();
    for repo in repos {
        repo.publish(&server);
    }
    Hub { server, folder, settings }
}

impl Hub {
    fn look_up(&self, name: &str) -> Result<HubModel, HubError> {
        let (name, control) = (HubName::parse(name).unwrap(), Control::default());
        let found = look_up(&name, &self.settings, &mut Watch { control: &control, report: &mut |_| {} })?;
        assert_eq!(found.note, None);
        Ok(found.model)
    }

    fn refused(&self, name: &str) -> String {
        self.look_up(name).unwrap_err().to_string()
    }

    fn search(&self, words: &str) -> Result<Vec<HubListing>, HubError> {
        let control = Control::default();
        search(words, &self.settings, &mut Watch { control: &control, report: &mut |_| {} })
    }

    fn fetch(&self, model: &HubModel) -> Result<PathBuf, FetchError> {
        let (entry, control) = (entry_of(&ModelChoice::Hub(model.clone())).unwrap().unwrap(), Control::default());
        fetch(&entry, &self.settings, &mut Watch { control: &control, report: &mut |_| {} })
    }

    fn reason(&self, model: &HubModel) -> String {
        match self.fetch(model) {
            Err(FetchError::Failed { failures, .. }) => failures.last().unwrap().reason.clone(),
            other => panic!("expected the Hub to fail, got {other:?}"),
        }
    }
}

fn why_untrainable(repo: &HubRepo) -> (Untrainable, String) {
    let hub = hub(std::slice::from_ref(repo));
    publish_search(&hub.server, std::slice::from_ref(repo));
    match hub.look_up(&repo.name).unwrap_err() {
        HubError::Untrainable { repo: name, why } => {
            assert_eq!(name, repo.name);
            let found = hub.search("x").unwrap().remove(0);
            // What only the whole config.json tells is not known from the answer to a search.
            assert!(found.untrainable.as_ref() == Some(&why) || matches!(why, Untrainable::Config(_)), "{found:?}");
            let said = why.to_string();
            (why, said)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_model_is_pinned_to_its_commit_and_every_needed_file_to_its_hash() {
    let repo = HubRepo::tiny(TINY).with("README.md", "a card").with("onnx/model.onnx", "x").with("tf_model.h5", "x");
    let hub =
        hub(&[repo.with("modules.json", "[]").with("1_Pooling/config.json", "{}").with("pytorch_model.bin", "x")]);
    let model = hub.look_up(TINY).unwrap();
    assert_eq!((model.repo.as_str(), model.commit.as_str(), model.architecture.as_str()), (TINY, COMMIT, "bert"));
    assert_eq!(model.licence.as_deref(), Some("apache-2.0"));
    // 316 words, 64 positions and 2 types of 32 numbers, their normalisation, and two layers.
    let layer = 4 * 32 * 33 + 4 * 32 + 2 * 32 * 64 + 64 + 32;
    assert_eq!(model.parameters, (316 + 64 + 2 + 2) * 32 + 2 * layer);
    let paths: Vec<&str> = model.files.iter().map(|file| file.path.as_str()).collect();
    let expected = ["config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "modules.json"];
    assert_eq!(paths, [&expected[..], &["1_Pooling/config.json", "model.safetensors"]].concat());
    let weights = model.files.last().unwrap();
    assert_eq!((weights.bytes, weights.sha256.is_some(), weights.git_sha1.is_some()), (Some(126_460), true, false));
    assert!(model.files.iter().all(|file| file.bytes.is_some() && file.sha256.is_some() != file.git_sha1.is_some()));

    let folder = hub.fetch(&model).unwrap();
    assert!(folder.ends_with(format!("models--owner--tiny/snapshots/{COMMIT}")));
    assert_eq!(std::fs::read(folder.join("1_Pooling/config.json")).unwrap(), b"{}");
    assert!(!folder.join("README.md").exists() && !folder.join("pytorch_model.bin").exists());
    let choice = ModelChoice::Hub(model.clone());
    assert_eq!(locate(&choice, Path::new("."), Some(&hub.settings.folders)).unwrap(), Some(folder.clone()));
    hone::data::TextTokenizer::load(&folder).unwrap();
    hone::models::ModelConfig::read(&folder).unwrap();
    let asked = hub.server.asked().len();
    assert_eq!(hub.fetch(&model).unwrap(), folder);
    assert_eq!(hub.server.asked().len(), asked, "a model that is here asks nobody");
}

#[test]
fn the_pin_survives_in_the_project_file() {
    let hub = hub(&[HubRepo::tiny(TINY)]);
    let model = ModelChoice::Hub(hub.look_up(TINY).unwrap());
    let folder = hub.folder.path().join("project");
    let project = Project { model: model.clone(), ..Project::default() };
    ProjectFile::create(&folder, &project, false).unwrap();
    let (_, read) = ProjectFile::read(&folder).unwrap();
    assert_eq!(read.model, model);
    let text = std::fs::read_to_string(folder.join("project.ron")).unwrap();
    assert!(text.contains(COMMIT) && text.contains("owner/tiny") && text.contains("git_sha1"), "{text}");
}

#[test]
fn weights_in_several_files_are_chosen_by_their_index() {
    let index =
        json!({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}});
    let mut repo = HubRepo::tiny(TINY).with("model.safetensors.index.json", index.to_string());
    repo.files.retain(|(path, _)| path != "model.safetensors");
    let parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let whole = repo.clone().with(parts[0], "one").with(parts[1], "two").with("model-00003-of-00003.safetensors", "x");
    let model = hub(&[whole]).look_up(TINY).unwrap();
    let paths: Vec<&str> = model.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths[paths.len() - 3..], ["model.safetensors.index.json", parts[0], parts[1]]);

    let missing = hub(&[repo.clone().with(parts[0], "one")]).refused(TINY);
    assert!(missing.contains("names model-00002-of-00002.safetensors, which it does not have"), "{missing}");
    let outside = json!({"weight_map": {"a": "../../up.safetensors"}}).to_string();
    let (why, said) = why_untrainable(&repo.with("model.safetensors.index.json", outside));
    assert!(matches!(why, Untrainable::Config(_)) && said.contains("../../up.safetensors"), "{said}");
}

#[test]
fn the_commit_of_a_branch_is_kept_when_the_branch_moves_on() {
    let hub = hub(&[HubRepo::tiny(TINY)]);
    let model = hub.look_up(TINY).unwrap();
    hub.server.put(&HubRepo::tiny(TINY).api(), refusal(404, "RevisionNotFound", "moved on"));
    assert!(hub.fetch(&model).is_ok());
    assert!(
        hub.server
            .asked()
            .iter()
            .filter(|asked| asked.path.contains("/resolve/"))
            .all(|asked| asked.path.contains(COMMIT))
    );
}

#[test]
fn another_commit_on_this_machine_is_not_taken_for_the_pinned_one() {
    let hub = hub(&[HubRepo::tiny(TINY)]);
    let model = hub.look_up(TINY).unwrap();
    let folder = hub.fetch(&model).unwrap();
    let other = "0".repeat(40);
    std::fs::rename(&folder, folder.with_file_name(&other)).unwrap();
    let refs = folder.ancestors().nth(2).unwrap().join("refs");
    std::fs::create_dir_all(&refs).unwrap();
    std::fs::write(refs.join("main"), &other).unwrap();
    assert_eq!(locate(&ModelChoice::Hub(model), Path::new("."), Some(&hub.settings.folders)).unwrap(), None);
}

#[test]
fn every_file_with_a_wrong_hash_is_removed() {
    for file in ["vocab.txt", "model.safetensors"] {
        let repo = HubRepo::tiny(TINY);
        let hub = hub(std::slice::from_ref(&repo));
        let model = hub.look_up(TINY).unwrap();
        hub.server.change(&repo.path_of(file), |resource| resource.body[5] ^= 1);
        let reason = hub.reason(&model);
        assert!(reason.contains(&format!("{file} is not the expected file (")), "{reason}");
        assert_eq!(reason.contains("git's SHA-1"), file == "vocab.txt", "{reason}");
        let hash = if file == "vocab.txt" { git_sha1 } else { sha256 };
        let bytes = repo.files.iter().find(|(path, _)| path == file).map(|(_, bytes)| hash(bytes)).unwrap();
        assert!(!hub.settings.folders.hub_cache.join("models--owner--tiny/blobs").join(bytes).exists());
        assert!(parts(hub.folder.path()).is_empty());
    }
}

#[test]
fn a_small_file_that_is_damaged_on_this_machine_is_downloaded_again() {
    let hub = hub(&[HubRepo::tiny(TINY)]);
    let model = hub.look_up(TINY).unwrap();
    let vocabulary = hub.fetch(&model).unwrap().join("vocab.txt").canonicalize().unwrap();
    let whole = std::fs::read(&vocabulary).unwrap();
    std::fs::write(&vocabulary, whole.iter().map(|byte| byte ^ 1).collect::<Vec<u8>>()).unwrap();
    assert!(hub.fetch(&model).is_ok());
    assert!(std::fs::read(&vocabulary).unwrap() == whole);
}

#[test]
fn a_cut_download_resumes() {
    let repo = HubRepo::tiny(TINY);
    let hub = hub(std::slice::from_ref(&repo));
    let model = hub.look_up(TINY).unwrap();
    hub.server.change(&repo.path_of("model.safetensors"), |weights| weights.cut = Some((50_000, 2)));
    hub.fetch(&model).unwrap();
    assert_eq!(hub.server.ranges("model.safetensors"), ["", "bytes=50000-", "bytes=100000-"]);
}

#[test]
fn a_cut_answer_is_asked_for_again() {
    let repo = HubRepo::tiny(TINY);
    let hub = hub(std::slice::from_ref(&repo));
    hub.server.change(&repo.api(), |answer| answer.cut = Some((0, 1)));
    let error = hub.refused(TINY);
    assert!(error.contains("Could not reach the Hugging Face Hub") && error.contains("Check the network"), "{error}");
    assert!(hub.look_up(TINY).is_ok());
}

#[test]
fn a_model_that_does_not_exist_says_what_to_check() {
    let hub = hub(&[]);
    // The Hub answers 401 for models that may be private.
    for answer in [
        refusal(401, "RepoNotFound", "Repository not found"),
        refusal(401, "", "Invalid username or password."),
        refusal(404, "RepoNotFound", "Repository not found"),
    ] {
        hub.server.put("/api/models/owner/none/revision/main", answer);
        let error = hub.refused("owner/none");
        assert!(error.contains("There is no model owner/none") && error.contains("HF_TOKEN"), "{error}");
        assert!(hub.search("owner/none").unwrap_err().to_string().contains("There is no model owner/none"));
    }
}

#[test]
fn a_revision_that_does_not_exist_is_named() {
    let hub = hub(&[HubRepo::tiny(TINY)]);
    let gone = refusal(404, "RevisionNotFound", "Invalid rev id: v9");
    hub.server.put("/api/models/owner/tiny/revision/v9", gone);
    let error = hub.refused("owner/tiny@v9");
    assert!(error.contains("owner/tiny has no branch, tag or commit \"v9\""), "{error}");
    assert_eq!(hub.look_up(&format!("owner/tiny@{COMMIT}")).unwrap().commit, COMMIT);
}

#[test]
fn a_gated_model_says_where_its_terms_are() {
    let repo = HubRepo::tiny(TINY).saying("gated", json!("manual"));
    let mut hub = hub(std::slice::from_ref(&repo));
    let model = hub.look_up(TINY).unwrap();
    assert!(hub.search(TINY).unwrap()[0].gated);
    for status in [401, 403] {
        let gated = || refusal(status, "GatedRepo", "Access to model owner/tiny is restricted");
        hub.server.put(&repo.path_of("config.json"), gated());
        hub.settings.endpoints.token = None;
        let error = hub.refused(TINY);
        assert!(error.contains("owner/tiny is gated") && error.contains("create an access token"), "{error}");
        assert!(error.contains(&format!("{}/owner/tiny", hub.server.url())), "{error}");
        hub.settings.endpoints.token = Some("hf_secret".to_owned());
        assert!(hub.refused(TINY).contains("must be of the account that accepted them"));
        // A download says the same.
        assert!(hub.reason(&model).contains("owner/tiny is gated"));
    }
}

#[test]
fn a_wrong_token_and_too_many_requests_say_what_to_do() {
    let mut hub = hub(&[HubRepo::tiny(TINY)]);
    hub.server.put("/api/models", refusal(429, "", "Too many requests"));
    let error = hub.search("bert").unwrap_err().to_string();
    assert!(error.contains("Wait a few minutes") && error.contains("HF_TOKEN"), "{error}");
    hub.settings.endpoints.token = Some("hf_secret".to_owned());
    let wrong = refusal(401, "", "Invalid credentials in Authorization header");
    hub.server.put("/api/models", wrong);
    let error = hub.search("bert").unwrap_err().to_string();
    assert!(error.contains("does not accept your access token") && !error.contains("hf_secret"), "{error}");
    hub.server.put("/api/models", Resource { status: 503, ..Resource::default() });
    assert!(hub.search("bert").unwrap_err().to_string().contains("try again"));
}

#[test]
fn what_is_no_hub_is_called_so() {
    let hub = hub(&[]);
    hub.server.put(
        "/api/models/a/b/revision/main",
        Resource { body: b"<html>Log in</html>".to_vec(), ..Resource::default() },
    );
    let error = hub.refused("a/b");
    assert!(error.contains("did not answer as a Hugging Face Hub does: its answer is not JSON"), "{error}");
    assert!(error.contains("HF_ENDPOINT"), "{error}");
    hub.server.put("/api/models", json_resource(&json!({"error": 1})));
    assert!(matches!(hub.search("x").unwrap_err(), HubError::NotAHub { .. }));
    let mut bare = HubRepo::tiny(TINY).info();
    bare["siblings"] =
        json!([{"rfilename": "config.json"}, {"rfilename": "model.safetensors"}, {"rfilename": "vocab.txt"}]);
    hub.server.put("/api/models/a/b/revision/main", json_resource(&bare));
    hub.server
        .put(&HubRepo::tiny(TINY).path_of("config.json"), Resource { body: b"{}".to_vec(), ..Resource::default() });
    assert!(hub.refused("a/b").contains("no size and hash of config.json"), "{}", hub.refused("a/b"));
}

#[test]
fn a_configuration_that_differs_from_its_stated_hash_is_not_used() {
    let repo = HubRepo::tiny(TINY);
    let hub = hub(std::slice::from_ref(&repo));
    hub.server.change(&repo.path_of("config.json"), |config| config.body.push(b' '));
    assert!(hub.refused(TINY).contains("what it sends as config.json does not have the hash that it states"));
}

#[test]
fn offline_asks_nobody() {
    let mut hub = hub(&[HubRepo::tiny(TINY)]);
    let model = hub.look_up(TINY).unwrap();
    let asked = hub.server.asked().len();
    hub.settings.endpoints.offline = true;
    assert_eq!(hub.look_up(TINY), Err(HubError::Offline));
    assert_eq!(hub.search("bert"), Err(HubError::Offline));
    let error = hub.fetch(&model).unwrap_err();
    assert!(matches!(&error, FetchError::Offline { model } if model == TINY), "{error}");
    assert_eq!(hub.server.asked().len(), asked);
}

#[test]
fn without_the_hub_a_model_of_its_cache_is_used_and_that_is_said() {
    let mut hub = hub(&[HubRepo::tiny(TINY)]);
    let model = hub.look_up(TINY).unwrap();
    let folder = hub.fetch(&model).unwrap();
    let asked = hub.server.asked().len();
    let note_of = |hub: &Hub, name: &str| {
        let control = Control::default();
        let (name, watch) = (HubName::parse(name).unwrap(), &mut Watch { control: &control, report: &mut |_| {} });
        look_up(&name, &hub.settings, watch).map(|found| {
            assert_eq!((&found.model.commit, &found.model.files), (&model.commit, &model.files));
            assert_eq!((found.model.parameters, &found.model.architecture), (model.parameters, &model.architecture));
            found.note.unwrap()
        })
    };
    hub.settings.endpoints.offline = true;
    let short = &COMMIT[..8];
    let is_used = format!("so {TINY} is used as it is on this machine, at commit {short}");
    assert_eq!(note_of(&hub, TINY).unwrap(), format!("HF_HUB_OFFLINE is set, {is_used}"));
    assert_eq!(hub.server.asked().len(), asked);
    assert!(note_of(&hub, &format!("{TINY}@{COMMIT}")).is_ok());
    assert_eq!(note_of(&hub, &format!("{TINY}@v2")), Err(HubError::Offline), "another revision is another model");
    hub.settings.endpoints.offline = false;
    hub.settings.endpoints.hub = "http://127.0.0.1:9".to_owned();
    assert_eq!(note_of(&hub, TINY).unwrap(), format!("The Hugging Face Hub could not be reached, {is_used}"));
    assert!(matches!(note_of(&hub, "owner/other"), Err(HubError::Network(_))));

    // What the Hub says counts: a model that is gone is not used behind its back.
    hub.settings.endpoints.hub = hub.server.url();
    hub.server.put(&HubRepo::tiny(TINY).api(), refusal(401, "RepoNotFound", "Repository not found"));
    assert!(matches!(note_of(&hub, TINY), Err(HubError::NoSuchModel { .. })));
    hub.settings.endpoints.offline = true;
    // The snapshot that the branch names counts before others.
    let other = folder.with_file_name("0".repeat(40));
    copy_folder(&folder, &other);
    let refs = folder.ancestors().nth(2).unwrap().join("refs");
    std::fs::create_dir_all(&refs).unwrap();
    std::fs::write(refs.join("main"), COMMIT).unwrap();
    assert!(note_of(&hub, TINY).is_ok());
    std::fs::remove_dir_all(&other).unwrap();
    // A damaged file is not used.
    let vocabulary = folder.join("vocab.txt").canonicalize().unwrap();
    std::fs::write(&vocabulary, "damaged").unwrap();
    let error = note_of(&hub, TINY).unwrap_err().to_string();
    assert!(error.contains("vocab.txt cannot be used: it is damaged. Remove it"), "{error}");
    std::fs::remove_file(folder.join("model.safetensors")).unwrap();
    assert_eq!(note_of(&hub, TINY), Err(HubError::Offline), "a part of a model is no model");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn the_token_never_leaves_for_another_host() {
    let repo = HubRepo::tiny(TINY);
    let mut hub = hub(std::slice::from_ref(&repo));
    hub.settings.endpoints.token = Some("hf_secret".to_owned());
    let elsewhere = Server::start();
    let moved = |path: &str| {
        let location = format!("http://localhost:{}{path}", elsewhere.port);
        Resource { status: 302, headers: vec![("Location".to_owned(), location)], ..Resource::default() }
    };
    repo.publish(&elsewhere);
    publish_search(&elsewhere, std::slice::from_ref(&repo));
    for path in [repo.api(), repo.path_of("config.json"), "/api/models".to_owned()] {
        hub.server.put(&path, moved(&path));
    }
    assert_eq!(hub.look_up(TINY).unwrap().repo, TINY);
    assert_eq!(hub.search("tiny").unwrap().len(), 1);
    let with_token =
        |server: &Server| server.asked().iter().filter(|asked| asked.headers.contains_key("authorization")).count();
    assert_eq!((elsewhere.asked().len(), with_token(&elsewhere)), (3, 0));
    assert_eq!(with_token(&hub.server), hub.server.asked().len());
}

#[test]
fn a_renamed_model_gets_its_new_name() {
    let repo = HubRepo::tiny("openai-community/gpt2");
    let hub = hub(std::slice::from_ref(&repo));
    let headers = vec![("Location".to_owned(), repo.api())];
    hub.server.put("/api/models/gpt2/revision/main", Resource { status: 307, headers, ..Resource::default() });
    assert_eq!(hub.look_up("gpt2").unwrap().repo, "openai-community/gpt2");
}

#[test]
fn models_that_hone_cannot_train_say_why() {
    let whole = ["config.json", "model.safetensors", "tokenizer.json"];
    let cases: [(HubRepo, &str, &str); 9] = [
        (HubRepo::with_names("a/t5", "t5", &whole), "its architecture is t5", "bert"),
        (
            HubRepo::with_names("a/q", "llama", &whole).saying("tags", json!(["gptq"])),
            "quantised",
            "the model it was made from",
        ),
        (
            HubRepo::with_names("a/q", "llama", &whole)
                .saying("config", json!({"model_type": "llama", "quantization_config": {"quant_method": "awq"}})),
            "quantised",
            "the model it was made from",
        ),
        (HubRepo::with_names("a/g", "", &["m.Q4.gguf", "README.md"]), "only has GGUF", "hone models convert"),
        (
            HubRepo::with_names("a/l", "", &["adapter_config.json", "adapter_model.safetensors"])
                .saying("cardData", json!({"base_model": "a/base"})),
            "an adapter",
            "Choose its base model, a/base",
        ),
        (
            HubRepo::with_names("a/s", "camembert", &["config.json", "model.safetensors", "sentencepiece.bpe.model"]),
            "only there as sentencepiece.bpe.model",
            "save_pretrained",
        ),
        (
            HubRepo::with_names("a/n", "bert", &["config.json", "pytorch_model.bin"]),
            "no tokenizer.json",
            "another model",
        ),
        (HubRepo::with_names("a/f", "bert", &["config.json", "tf_model.h5", "vocab.txt"]), "tf_model.h5", "convert it"),
        (HubRepo::with_names("a/e", "", &["README.md"]), "no config.json", "another model"),
    ];
    for (repo, reason, advice) in cases {
        let (why, said) = why_untrainable(&repo);
        assert!(said.contains(reason) && said.contains(advice), "{said}");
        assert!(!why.in_short().is_empty() && why.in_short().len() < 40);
    }
}

#[test]
fn a_configuration_under_which_hone_computes_otherwise_is_refused_before_the_download() {
    let config = String::from_utf8(HubRepo::tiny(TINY).files[0].1.clone()).unwrap();
    for (from, to, reason) in [
        ("\"is_decoder\": false", "\"is_decoder\": true", "is_decoder true is not supported"),
        ("\"hidden_size\": 32", "\"hidden_size\": 33", "not divisible by 4"),
        ("{", "{{", "not valid JSON"),
    ] {
        let (why, said) = why_untrainable(&HubRepo::tiny(TINY).with("config.json", config.replacen(from, to, 1)));
        assert!(matches!(why, Untrainable::Config(_)) && said.contains(reason), "{said}");
    }
}

#[test]
fn a_search_lists_what_can_be_trained_first() {
    let hub = hub(&[]);
    let t5 = HubRepo::with_names("a/t5", "t5", &["config.json"]).saying("downloads", json!(99));
    let tiny = HubRepo::tiny(TINY).saying("safetensors", json!({"parameters": {"F32": 1000}, "total": 1000}));
    publish_search(&hub.server, &[t5, tiny, HubRepo::tiny("not a name")]);
    let found = hub.search(" tiny bert ").unwrap();
    let names: Vec<String> = found.iter().map(|model| model.name.to_string()).collect();
    assert_eq!(names, [TINY, "a/t5"]);
    let tiny = &found[0];
    assert_eq!((tiny.bytes, tiny.parameters, tiny.downloads), (Some(4000), Some(1000), Some(1_234_567)));
    assert_eq!((tiny.architecture.as_deref(), tiny.licence.as_deref()), (Some("bert"), Some("apache-2.0")));
    assert!(tiny.untrainable.is_none() && !tiny.gated);
    let asked = hub.server.asked().remove(0).path;
    assert!(asked.starts_with("/api/models?search=tiny%20bert&sort=downloads&limit=20&expand=config&"), "{asked}");
}

#[test]
fn a_pasted_address_finds_that_model_with_its_exact_size() {
    let hub = hub(&[HubRepo::tiny(TINY)]);
    let found = hub.search("https://huggingface.co/owner/tiny/tree/main").unwrap();
    assert_eq!((found.len(), found[0].bytes), (1, Some(126_460)));
    assert_eq!(found[0].name.to_string(), "owner/tiny@main");
    assert!(matches!(hub.search("a/b/c").unwrap_err(), HubError::Name(_)));
}
