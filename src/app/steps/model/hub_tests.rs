//! Choosing models in the window, with real workers and a Hub on this machine: those that a search finds, those that Hone
//! suggests, and files.

use std::path::{Path, PathBuf};

use egui::{Key, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use serde_json::json;

use crate::app::app::Start;
use crate::app::messages::{AppCommand, Edit};
use crate::app::shell::Leaving;
use crate::app::steps::model::hub_tests::hub_server::{COMMIT, HubRepo, json_resource, publish_search, refusal};
use crate::app::steps::model::hub_tests::server::{Resource, Server};
use crate::app::testing::{Window, app_from, drop_file, hone, picture, settle};
use crate::fetch::{Endpoints, FetchSettings, ModelFolders};
use crate::project::{HubModel, ModelChoice, Step, TrainedLayers};
use crate::storage::{AppSettings, ProjectFile, ThemeChoice};

#[allow(dead_code, reason = "the tests of downloads use more of it")]
#[path = "../../../../tests/it/fetch/hub_server.rs"]
mod hub_server;
#[allow(dead_code, reason = "the tests of downloads use more of it")]
#[path = "../../../../tests/it/fetch/server.rs"]
mod server;

const FIELD: &str = "Search the Hugging Face Hub, or paste owner/name";
const TINY: &str = "owner/tiny-bert";

/// A window on a copy of the sample project, whose models come from a Hub on this machine.
struct Scene {
    window: Window,
    hub: Server,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self::with(AppSettings::default(), |_| {})
    }

    fn with(settings: AppSettings, change: impl FnOnce(&mut FetchSettings)) -> Self {
        let (hub, folder) = (Server::start(), tempfile::tempdir().unwrap());
        let project = folder.path().join("customer-reviews");
        std::fs::create_dir(&project).unwrap();
        for name in ["project.ron", "reviews.csv"] {
            let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("projects/customer-reviews");
            std::fs::copy(sample.join(name), project.join(name)).unwrap();
        }
        let endpoints = Endpoints { hub: hub.url(), token: None, python_index: None, offline: false };
        let folders = ModelFolders { hub_cache: folder.path().join("hub"), own: folder.path().join("own") };
        let mut models = FetchSettings { endpoints, folders };
        change(&mut models);
        let start = Start { project: Some(project), settings, models: Some(models), ..Start::default() };
        let mut window = app_from(start, 1.0);
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::GoTo(Step::Model));
        window.set_size(vec2(1280.0, 2000.0));
        settle(&mut window);
        Self { window, hub, folder }
    }

    fn publish(self, repos: &[HubRepo]) -> Self {
        for repo in repos {
            repo.publish(&self.hub);
        }
        publish_search(&self.hub, repos);
        self
    }

    /// Types into the field of the search.
    fn type_words(&mut self, words: &str) {
        self.window.get_by_label(FIELD).click();
        self.window.run_steps(2);
        self.window.get_by_label(FIELD).type_text(words);
        self.window.run_steps(2);
    }

    fn search(&mut self, words: &str) {
        self.type_words(words);
        self.window.key_press(Key::Enter);
        settle(&mut self.window);
    }

    fn click(&mut self, label: &str) {
        self.window.get_by_label(label).click();
        settle(&mut self.window);
    }

    fn shows(&self, part: &str) -> bool {
        self.window.query_all_by_label_contains(part).next().is_some()
    }

    fn model(&mut self) -> ModelChoice {
        hone(&mut self.window).project().model.clone()
    }
}

fn t5() -> HubRepo {
    HubRepo::with_names("google-t5/t5-small", "t5", &["config.json", "model.safetensors", "tokenizer.json"])
}

#[test]
fn a_model_is_found_pinned_and_downloaded() {
    let mut scene = Scene::new().publish(&[t5(), HubRepo::tiny(TINY)]);
    scene.type_words("tiny");
    assert!(scene.hub.asked().is_empty(), "nothing is asked while someone types");
    scene.window.key_press(Key::Enter);
    settle(&mut scene.window);
    scene.window.get_by_label("2 models for \"tiny\". Those that Hone can train come first");
    scene.window.get_by_label("Hone can train it");
    scene.window.get_by_label("Hone can't train t5 models yet");
    assert!(scene.window.get_by_label("Use google-t5/t5-small").accesskit_node().is_disabled());
    picture("hub-found", &mut scene.window);

    scene.click(&format!("Use {TINY}"));
    let ModelChoice::Hub(HubModel { repo, commit, files, .. }) = scene.model() else { panic!("{:?}", scene.model()) };
    assert_eq!((repo.as_str(), commit.as_str(), files.len()), (TINY, COMMIT, 5));
    assert!(scene.shows("Chosen") && scene.shows("bert from the Hugging Face Hub, pinned to commit 5eed5eed"));
    assert!(scene.hub.ranges("model.safetensors").is_empty(), "nothing large is downloaded before someone asks");
    picture("hub-chosen", &mut scene.window);

    scene.click(&format!("Download {TINY}"));
    scene.window.get_by_label("on this machine");
    let expected = scene.folder.path().join("hub/models--owner--tiny-bert/snapshots").join(COMMIT);
    assert_eq!(hone(&mut scene.window).state.model_folder, Some(expected));
    picture("hub-downloaded", &mut scene.window);

    // Leaving saves what the second of rest that precedes a save would leave unsaved.
    hone(&mut scene.window).leave(Leaving::Quit);
    let (_, saved) = ProjectFile::read(&scene.folder.path().join("customer-reviews")).unwrap();
    assert!(matches!(saved.model, ModelChoice::Hub(model) if model.repo == TINY));
}

#[test]
fn another_revision_of_the_chosen_model_can_be_chosen() {
    let repo = HubRepo::tiny(TINY);
    let mut scene = Scene::new().publish(std::slice::from_ref(&repo));
    scene.search("tiny");
    scene.click(&format!("Use {TINY}"));
    scene.window.get_by_label("Download the chosen model");
    scene.hub.put(&format!("/api/models/{TINY}/revision/v2"), json_resource(&repo.info()));
    hone(&mut scene.window).run_command(AppCommand::SearchHub(format!("{TINY}@v2")));
    settle(&mut scene.window);
    scene.window.get_by_label(&format!("Use {TINY}@v2"));
    assert!(!scene.shows("Download the chosen model"));
}

#[test]
fn undo_returns_to_the_model_before() {
    let mut scene = Scene::new().publish(&[HubRepo::tiny(TINY)]);
    let before = scene.model();
    scene.search(TINY);
    scene.click(&format!("Use {TINY}"));
    assert_ne!(scene.model(), before);
    hone(&mut scene.window).run_command(AppCommand::User(crate::app::commands::UserCommand::Undo));
    settle(&mut scene.window);
    assert_eq!(scene.model(), before);
}

#[test]
fn a_model_that_does_not_exist_is_an_error_in_place() {
    let mut scene = Scene::new();
    scene.hub.put("/api/models/owner/none/revision/main", refusal(401, "RepoNotFound", "Repository not found"));
    scene.search("owner/none");
    scene.window.get_by_label("The search failed");
    assert!(scene.shows("There is no model owner/none on the Hugging Face Hub"));
    picture("hub-none", &mut scene.window);
    HubRepo::tiny("owner/none").publish(&scene.hub);
    scene.click("Try again");
    scene.window.get_by_label("Use owner/none");
}

#[test]
fn a_gated_model_says_what_to_do_below_its_row() {
    let repo = HubRepo::tiny(TINY).saying("gated", json!("manual"));
    let mut scene = Scene::new().publish(std::slice::from_ref(&repo));
    scene.hub.put(&repo.path_of("config.json"), refusal(403, "GatedRepo", "restricted"));
    scene.search("tiny");
    scene.window.get_by_label("Gated");
    let before = scene.model();
    scene.click(&format!("Use {TINY}"));
    scene.window.get_by_label(&format!("{TINY} cannot be used"));
    assert!(scene.shows("is gated: its authors want you to accept their terms first") && scene.model() == before);
    picture("hub-gated", &mut scene.window);
}

#[test]
fn words_that_nothing_has_say_so() {
    let mut scene = Scene::new().publish(&[]);
    scene.search("nothing");
    scene
        .window
        .get_by_label("No model on the Hub has \"nothing\" in its name. Check the spelling, or paste owner/name");
}

#[test]
fn many_models_are_shown_when_asked_for() {
    let repos: Vec<HubRepo> = (0..9).map(|at| HubRepo::tiny(&format!("owner/tiny-{at}"))).collect();
    let mut scene = Scene::new().publish(&repos);
    scene.search("tiny");
    assert!(scene.window.query_by_label("Use owner/tiny-8").is_none());
    scene.click("Show 4 more models");
    scene.window.get_by_label("Use owner/tiny-8");
}

#[test]
fn a_silent_hub_blocks_nothing_and_can_be_stopped() {
    let mut scene = Scene::new();
    scene.hub.put("/api/models", Resource { body: vec![b'['; 9], stall: Some(1), ..Resource::default() });
    scene.type_words("bert");
    scene.window.get_by_label("Search").click();
    scene.window.run_steps(6);
    assert!(scene.shows("Searching the Hugging Face Hub"));
    // Other work goes on meanwhile.
    let tiny = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
    hone(&mut scene.window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(tiny))));
    scene.window.run_steps(6);
    assert!(hone(&mut scene.window).state.work.answers.hub_search.is_running());
    scene.click("Stop searching");
    assert!(scene.shows("The search was stopped"));
}

#[test]
fn offline_says_so_and_asks_nobody() {
    let mut scene = Scene::with(AppSettings::default(), |models| models.endpoints.offline = true);
    scene.window.get_by_label("Hone is offline");
    assert!(scene.shows("HF_HUB_OFFLINE") && scene.window.query_by_label(FIELD).is_none());
    assert!(scene.hub.asked().is_empty());
    picture("hub-offline", &mut scene.window);
}

#[test]
fn a_damaged_pin_is_called_so() {
    let mut scene = Scene::new().publish(&[HubRepo::tiny(TINY)]);
    scene.search("tiny");
    scene.click(&format!("Use {TINY}"));
    let ModelChoice::Hub(mut model) = scene.model() else { panic!("no model of the Hub") };
    "../../up".clone_into(&mut model.files[0].path);
    hone(&mut scene.window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Hub(model))));
    settle(&mut scene.window);
    scene.window.get_by_label("The chosen model cannot be used");
    assert!(scene.shows("is not the path of a file in the model's folder"));
}

const DISTILBERT: &str = "DistilBERT base (uncased)";
const DISTILBERT_REPO: &str = "distilbert/distilbert-base-uncased";

#[test]
fn a_suggested_model_is_looked_up_pinned_and_downloaded() {
    let mut scene = Scene::new().publish(&[HubRepo::tiny(DISTILBERT_REPO)]);
    assert!(scene.shows("Start here") && scene.shows(&format!("Choose and look up {DISTILBERT}")));
    assert!(scene.hub.asked().is_empty(), "showing a model asks nobody");
    scene.click(DISTILBERT);
    let ModelChoice::Hub(HubModel { repo, commit, files, .. }) = scene.model() else { panic!("{:?}", scene.model()) };
    assert_eq!((repo.as_str(), commit.as_str(), files.len()), (DISTILBERT_REPO, COMMIT, 5));
    scene.click(&format!("Download {DISTILBERT}"));
    let expected = format!("hub/models--distilbert--distilbert-base-uncased/snapshots/{COMMIT}");
    assert_eq!(hone(&mut scene.window).state.model_folder, Some(scene.folder.path().join(expected)));
    picture("suggested-chosen", &mut scene.window);
    // The group with the chosen model is shown first; the others are one click away.
    scene.click("GPT");
    assert!(scene.shows("Models that write text, such as GPT-2 and Llama") && !scene.shows(DISTILBERT));
    picture("suggested-gpt", &mut scene.window);
}

#[test]
fn a_suggested_model_that_is_gone_is_an_error_in_place() {
    let mut scene = Scene::new();
    let before = scene.model();
    let path = format!("/api/models/{DISTILBERT_REPO}/revision/main");
    scene.hub.put(&path, refusal(401, "RepoNotFound", "Repository not found"));
    scene.click(DISTILBERT);
    scene.window.get_by_label(&format!("{DISTILBERT} cannot be used"));
    assert!(scene.shows("There is no model distilbert/distilbert-base-uncased on the Hugging Face Hub"));
    assert_eq!(scene.model(), before);
    picture("suggested-gone", &mut scene.window);
    HubRepo::tiny(DISTILBERT_REPO).publish(&scene.hub);
    scene.click("Try again");
    assert!(matches!(scene.model(), ModelChoice::Hub(model) if model.repo == DISTILBERT_REPO));
}

#[test]
fn a_suggested_model_that_the_search_shows_has_one_error() {
    let repo = HubRepo::tiny(DISTILBERT_REPO).saying("gated", json!("manual"));
    let mut scene = Scene::new().publish(std::slice::from_ref(&repo));
    scene.hub.put(&repo.path_of("config.json"), refusal(403, "GatedRepo", "restricted"));
    scene.search("distilbert");
    scene.click(&format!("Use {DISTILBERT_REPO}"));
    scene.window.get_by_label(&format!("{DISTILBERT_REPO} cannot be used"));
    assert!(scene.window.query_by_label(&format!("{DISTILBERT} cannot be used")).is_none());
}

#[test]
fn offline_a_suggested_model_can_be_chosen_if_it_is_on_this_machine() {
    let mut scene = Scene::with(AppSettings::default(), |models| {
        models.endpoints.offline = true;
        let snapshot =
            models.folders.hub_cache.join("models--distilbert--distilbert-base-uncased/snapshots").join(COMMIT);
        std::fs::create_dir_all(&snapshot).unwrap();
        for (file, bytes) in HubRepo::tiny(DISTILBERT_REPO).files {
            std::fs::write(snapshot.join(file), bytes).unwrap();
        }
    });
    assert!(scene.window.get_by_label("LEGAL-BERT small").accesskit_node().is_disabled());
    assert!(scene.shows("offline: not on this machine"));
    scene.click(DISTILBERT);
    assert!(matches!(scene.model(), ModelChoice::Hub(model) if model.repo == DISTILBERT_REPO));
    let (notice, _) = hone(&mut scene.window).notices.newest_first().next().unwrap();
    assert!(notice.body.contains("HF_HUB_OFFLINE is set, so distilbert/distilbert-base-uncased is used"), "{notice:?}");
    assert!(hone(&mut scene.window).state.model_folder.is_some() && scene.hub.asked().is_empty());
    picture("suggested-offline", &mut scene.window);
}

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

#[test]
fn a_gpt_gets_the_presets_of_its_kind_and_undo_returns_to_those_before() {
    let mut scene = Scene::new();
    let training = |scene: &mut Scene| hone(&mut scene.window).project().training.clone();
    let before = training(&mut scene);
    let choose = |scene: &mut Scene, name: &str| {
        let model = ModelChoice::Folder(fixture("networks").join(name));
        hone(&mut scene.window).run_command(AppCommand::Edit(Edit::Model(model)));
        settle(&mut scene.window);
    };
    choose(&mut scene, "gpt2-classifier");
    let adapted = training(&mut scene);
    assert_eq!((adapted.trained_layers, adapted.batch_tokens), (TrainedLayers::Lora, Some(1024)));
    // The sample project has its own number of epochs, and the learning rate of small encoders.
    assert_eq!((adapted.epochs, adapted.optimizer.learning_rate.to_bits()), (4, 2e-4_f64.to_bits()));
    assert!(scene.shows("For GPT models, Quick, Balanced and Thorough train a small adapter (LoRA)"));
    picture("gpt-presets", &mut scene.window);
    scene.click("Reset to Balanced");
    assert_eq!(training(&mut scene).optimizer.learning_rate.to_bits(), 2e-4_f64.to_bits());
    choose(&mut scene, "bert-classifier");
    let balanced = training(&mut scene);
    assert_eq!((balanced.trained_layers, balanced.batch_size, balanced.batch_tokens), (TrainedLayers::All, 32, None));
    assert!(!scene.shows("For GPT models, Quick"));
    for _ in 0..3 {
        hone(&mut scene.window).run_command(AppCommand::User(crate::app::commands::UserCommand::Undo));
        settle(&mut scene.window);
    }
    assert_eq!(training(&mut scene), before);
}

#[test]
fn a_model_that_was_fine_tuned_says_what_becomes_of_its_head() {
    let mut scene = Scene::new();
    let model = ModelChoice::Folder(fixture("networks/bert-classifier"));
    hone(&mut scene.window).run_command(AppCommand::Edit(Edit::Model(model)));
    settle(&mut scene.window);
    scene.window.get_by_label("Already fine-tuned for the same 3 labels: training continues from there");
    let mut labels = hone(&mut scene.window).project().labels().clone();
    labels.excluded.insert("neutral".to_owned());
    hone(&mut scene.window).run_command(AppCommand::Edit(Edit::Labels(labels)));
    std::thread::sleep(std::time::Duration::from_millis(600));
    settle(&mut scene.window);
    scene.window.get_by_label(
        "It was fine-tuned for 3 other labels (negative, neutral, positive): it keeps what it knows of language, and learns \
         your labels from scratch",
    );
    picture("earlier-labels", &mut scene.window);
}

#[test]
fn a_gguf_file_is_converted_and_chosen() {
    let mut scene = Scene::new();
    drop_file(&mut scene.window, fixture("gguf/tiny.gguf"));
    scene.window.run_steps(2);
    settle(&mut scene.window);
    let ModelChoice::Folder(folder) = scene.model() else { panic!("{:?}", scene.model()) };
    let own = scene.folder.path().join("own/converted");
    assert!(folder.starts_with(&own) && folder.file_name().unwrap().to_string_lossy().starts_with("tiny-"));
    crate::models::ModelConfig::read(&folder).unwrap();
    assert_eq!(hone(&mut scene.window).state.model_folder.as_ref(), Some(&folder));
    assert_eq!(hone(&mut scene.window).project().training.trained_layers, TrainedLayers::Lora, "it is a Llama");
    picture("gguf-chosen", &mut scene.window);
    // The same file is not converted twice, and nothing else is left.
    let weights = || folder.join("model.safetensors").metadata().unwrap().modified().unwrap();
    let written = weights();
    hone(&mut scene.window).run_command(AppCommand::ConvertModel(fixture("gguf/tiny.gguf")));
    settle(&mut scene.window);
    assert_eq!((weights(), std::fs::read_dir(&own).unwrap().count()), (written, 1));
}

#[test]
fn a_gguf_file_that_cannot_be_converted_is_an_error_in_place() {
    let mut scene = Scene::new();
    let before = scene.model();
    let whole = std::fs::read(fixture("gguf/tiny.gguf")).unwrap();
    let file = scene.folder.path().join("half.gguf");
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    hone(&mut scene.window).run_command(AppCommand::ConvertModel(file.clone()));
    settle(&mut scene.window);
    scene.window.get_by_label("half.gguf could not be converted");
    assert!(scene.shows("cannot be used") && scene.model() == before);
    picture("gguf-damaged", &mut scene.window);
    let own = scene.folder.path().join("own/converted");
    assert_eq!(std::fs::read_dir(&own).map_or(0, Iterator::count), 0, "nothing is left of it");
    std::fs::write(&file, whole).unwrap();
    scene.click("Try again");
    assert!(matches!(scene.model(), ModelChoice::Folder(folder) if folder.starts_with(&own)));
}

/// Models with names and facts like those on the Hub, and the files of the tiny model.
fn like_real_ones() -> Vec<HubRepo> {
    let tiny = |name: &str, licence: &str, downloads: u64, numbers: u64| {
        HubRepo::tiny(name)
            .saying("cardData", json!({"license": licence}))
            .saying("downloads", json!(downloads))
            .saying("safetensors", json!({"parameters": {"F32": numbers}, "total": numbers}))
    };
    let whole = ["config.json", "model.safetensors", "tokenizer.json"];
    vec![
        tiny("FacebookAI/xlm-roberta-base", "mit", 11_420_775, 278_885_778),
        tiny("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "apache-2.0", 18_204_111, 117_653_760),
        tiny("meta-llama/Llama-3.2-1B", "llama3.2", 2_034_551, 1_235_814_400).saying("gated", json!("manual")),
        HubRepo::with_names("google-t5/t5-small", "t5", &whole).saying("downloads", json!(4_120_009)),
        HubRepo::with_names("TheBloke/Mistral-7B-Instruct-v0.2-GGUF", "", &["m.Q4_K_M.gguf"]),
        HubRepo::with_names(
            "almanach/camembert-base",
            "camembert",
            &["config.json", "pytorch_model.bin", "spiece.model"],
        ),
        tiny("distilbert/distilbert-base-german-cased", "apache-2.0", 45_118, 67_032_576),
    ]
}

fn make_pictures() {
    let sizes = [([1024.0, 640.0], 1.0), ([1280.0, 800.0], 1.0), ([1920.0, 1080.0], 1.0), ([1920.0, 1080.0], 2.0)];
    for (theme, look) in [(ThemeChoice::Light, "light"), (ThemeChoice::Dark, "dark")] {
        for (pixels, zoom) in sizes {
            let settings = AppSettings { theme, zoom, ..AppSettings::default() };
            let mut scene = Scene::with(settings, |_| {}).publish(&like_real_ones());
            scene.search("base");
            scene.click("Use FacebookAI/xlm-roberta-base");
            let name = format!("hub-{look}-{}-{zoom}", pixels[0]);
            scene.window.set_size(vec2(pixels[0] / zoom, pixels[1] / zoom));
            settle(&mut scene.window);
            picture(&format!("{name}-top"), &mut scene.window);
            for label in ["Hugging Face Hub", "Show 2 more models"] {
                scene.window.get_by_label(label).scroll_to_me();
                settle(&mut scene.window);
                picture(&format!("{name}-{}", label.replace(' ', "-")), &mut scene.window);
            }
        }
    }
}

fn make_pictures_of_models() {
    let sizes = [([1024.0, 640.0], 1.0), ([1280.0, 800.0], 1.0), ([1920.0, 1080.0], 1.0), ([1920.0, 1080.0], 2.0)];
    for (theme, look) in [(ThemeChoice::Light, "light"), (ThemeChoice::Dark, "dark")] {
        for (pixels, zoom) in sizes {
            let settings = AppSettings { theme, zoom, ..AppSettings::default() };
            let mut scene = Scene::with(settings, |_| {}).publish(&[HubRepo::tiny(DISTILBERT_REPO)]);
            scene.window.set_size(vec2(pixels[0] / zoom, pixels[1] / zoom));
            settle(&mut scene.window);
            let name = format!("models-{look}-{}-{zoom}", pixels[0]);
            picture(&format!("{name}-start"), &mut scene.window);
            scene.click("Other languages");
            picture(&format!("{name}-languages"), &mut scene.window);
            let gpt = ModelChoice::Folder(fixture("networks/gpt2-classifier"));
            hone(&mut scene.window).run_command(AppCommand::Edit(Edit::Model(gpt)));
            settle(&mut scene.window);
            scene.window.get_by_label_contains("Already fine-tuned for the same 3").scroll_to_me();
            settle(&mut scene.window);
            picture(&format!("{name}-own"), &mut scene.window);
            scene.window.get_by_label_contains("For GPT models, Quick").scroll_to_me();
            settle(&mut scene.window);
            picture(&format!("{name}-presets"), &mut scene.window);
        }
    }
}

mod by_hand {
    #[test]
    #[ignore = "makes pictures to look at, and checks nothing"]
    fn pictures_of_the_models() {
        super::make_pictures_of_models();
    }

    #[test]
    #[ignore = "makes pictures to look at, and checks nothing"]
    fn pictures_of_the_hub_search() {
        super::make_pictures();
    }
}
