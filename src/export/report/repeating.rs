//! How to repeat the run: the commands, and what to compare.

use crate::export::model_card::file_name;
use crate::export::report::document::{Block, Section};
use crate::export::report::source::ReportOf;
use crate::project::{ColumnRole, DatasetSettings, ModelChoice, NetworkKind, Project, TaskKind, setting_arguments};
use crate::words::{counted, shell_word};

/// The commands of a terminal that train the same model again.
pub(super) fn section(of: &ReportOf<'_>) -> Section {
    let settings = of.settings;
    let mut blocks = vec![Block::hint("With the same data file, in a terminal:")];
    blocks.push(Block::Code(commands(&settings.project)));
    let corrections = settings.project.edits.corrections();
    if corrections > 0 {
        blocks.push(Block::Paragraph(format!(
            "The project also has corrections of {}, which these commands do not make. They are in its project.ron, and in the \
             run's settings.ron.",
            counted(corrections, "row", "rows")
        )));
    }
    if matches!(settings.project.model, ModelChoice::Folder(_)) {
        blocks.push(Block::paragraph("The model is a folder of this machine: give its path."));
    }
    let facts = [
        ("Run", of.summary.run.clone()),
        ("Hone", settings.hone_version.clone()),
        ("Device", settings.device.clone()),
        ("Seed of training", settings.project.training.seed.to_string()),
        ("Seed of the split", settings.project.split.seed.to_string()),
        ("SHA-256 of the rows", settings.data_hash.clone()),
        ("SHA-256 of the split", settings.split_hash.clone()),
        ("SHA-256 of the model's weights", settings.model_sha256.clone()),
    ];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    blocks.push(Block::Facts(facts.map(|(name, value)| (name.to_owned(), value)).collect()));
    Section { title: "How to repeat it".to_owned(), blocks }
}

/// `hone new`, with what is not the default, and `hone train`.
fn commands(project: &Project) -> String {
    let folder = "again";
    let dataset = &project.dataset;
    let mut words = vec!["hone new".to_owned(), folder.to_owned()];
    let mut option = |name: &str, value: &str| words.push(format!("{name} {}", shell_word(value)));
    if project.task.kind() == TaskKind::LanguageModelling {
        option("--task", "adapt");
    }
    dataset.main_files().for_each(|path| option("--data", &file_name(path)));
    dataset.validation.iter().for_each(|path| option("--validation", &file_name(path)));
    dataset.test.iter().for_each(|path| option("--test", &file_name(path)));
    for (column, role) in &dataset.columns {
        let name = match role {
            ColumnRole::Text => "--text",
            ColumnRole::Joined => "--title",
            ColumnRole::Label => "--label",
            ColumnRole::Group => "--group",
            ColumnRole::Time => "--time",
            ColumnRole::Id => "--id",
            ColumnRole::Split => "--split-column",
            ColumnRole::Ignored => continue,
        };
        option(name, column);
    }
    option("--model", &model(&project.model));
    // What is read from the file is part of the settings; where it is, is not.
    let files = |of: &DatasetSettings| DatasetSettings {
        main: dataset.main.clone(),
        more: dataset.more.clone(),
        validation: dataset.validation.clone(),
        test: dataset.test.clone(),
        columns: dataset.columns.clone(),
        ..of.clone()
    };
    let usual = Project::new(project.task.kind());
    let usual = Project {
        name: project.name.clone(),
        dataset: files(&usual.dataset),
        model: project.model.clone(),
        edits: project.edits.clone(),
        ..usual
    };
    // `hone new` begins with the presets of the model's kind, which is not known here: what any kind sets otherwise is given.
    let mut settings = Vec::new();
    for network in NetworkKind::ALL {
        let training = usual.training.moved(project.task.kind(), NetworkKind::OF_DEFAULT_MODEL, network);
        let given = setting_arguments(&Project { training, ..usual.clone() }, project);
        settings.extend(given.into_iter().filter(|setting| !settings.contains(setting)).collect::<Vec<_>>());
    }
    words.extend(settings.iter().map(|setting| format!("--set {}", shell_word(setting))));
    format!("{}\nhone train {folder}", words.join(" \\\n    "))
}

fn model(choice: &ModelChoice) -> String {
    match choice {
        ModelChoice::Catalogue(id) => id.clone(),
        ModelChoice::Hub(model) => format!("{}@{}", model.repo, model.commit),
        ModelChoice::Folder(folder) => file_name(folder),
    }
}
