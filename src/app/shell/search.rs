//! What the search over everything finds.

use std::path::{Path, PathBuf};

use egui::Context;

use crate::app::commands::{CommandState, UserCommand};
use crate::app::help::{self, Topic};
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::shortcuts::in_words;
use crate::app::sought;
use crate::project::{Project, Step};
use crate::storage::{RunListing, RunStatus};
use crate::words::{ago, score};

/// Settings by the names they have on their pages.
const SETTINGS: [(&str, Step); 45] = [
    ("Sheet", Step::Data),
    ("Separator", Step::Data),
    ("Encoding", Step::Data),
    ("Header", Step::Data),
    ("Split method", Step::Prepare),
    ("Size of the validation set", Step::Prepare),
    ("Size of the test set", Step::Prepare),
    ("Stratified", Step::Prepare),
    ("Near-duplicates", Step::Prepare),
    ("Seed of the split", Step::Prepare),
    ("Cleaning", Step::Prepare),
    ("Pre-trained model", Step::Model),
    ("Preset", Step::Model),
    ("Epochs", Step::Model),
    ("Batch size", Step::Model),
    ("Max length", Step::Model),
    ("Gradient accumulation", Step::Model),
    ("Group by length", Step::Model),
    ("Tokens in a batch", Step::Model),
    ("Trained part", Step::Model),
    ("Pooling", Step::Model),
    ("Learning rate", Step::Model),
    ("Schedule", Step::Model),
    ("Warm-up", Step::Model),
    ("Weight decay", Step::Model),
    ("Gradient clipping", Step::Model),
    ("Beta 1", Step::Model),
    ("Beta 2", Step::Model),
    ("Epsilon", Step::Model),
    ("Dropout", Step::Model),
    ("Label smoothing", Step::Model),
    ("Class weights", Step::Model),
    ("Evaluate every", Step::Model),
    ("Checkpoint every", Step::Model),
    ("Instant baseline", Step::Model),
    ("Best checkpoint by", Step::Model),
    ("Early stopping", Step::Model),
    ("Device", Step::Model),
    ("Number format", Step::Model),
    ("Recompute activations", Step::Model),
    ("Seed", Step::Model),
    ("Hugging Face folder", Step::Export),
    ("Weights file", Step::Export),
    ("Predictions", Step::Export),
    ("Report", Step::Export),
];

/// What can be found.
#[derive(Clone, Copy, Debug)]
pub struct Searched<'a> {
    /// The open project and its folder.
    pub project: Option<(&'a Project, &'a Path)>,
    /// Its labels, as they are used.
    pub labels: &'a [String],
    /// Its runs, newest first.
    pub runs: &'a [RunListing],
    /// Recent projects, newest first.
    pub recent: &'a [PathBuf],
}

/// Something that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hit<'a> {
    Command(UserCommand),
    Setting(&'static str, Step),
    Label(&'a str),
    Run(&'a RunListing),
    /// The project's folder and the path in it.
    File(&'a Path, &'a Path),
    Project(&'a Path),
    Help(Topic),
}

impl Hit<'_> {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Command(command) => command.menu().title(),
            Self::Setting(..) => "Setting",
            Self::Label(_) => "Label",
            Self::Run(_) => "Run",
            Self::File(..) => "File",
            Self::Project(_) => "Project",
            Self::Help(_) => "Help",
        }
    }

    pub(super) fn title(&self, state: &CommandState<'_>) -> String {
        match self {
            Self::Command(command) => command.title(state),
            _ => self.name(),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Command(command) => command.text().to_owned(),
            Self::Setting(name, _) => String::from(*name),
            Self::Label(name) => (*name).to_owned(),
            Self::Run(run) => run_name(run),
            Self::Help(topic) => topic.title().to_owned(),
            Self::File(_, path) | Self::Project(path) => {
                path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
            }
        }
    }

    /// What stands at the right: its keys, its page or its place.
    pub(super) fn detail(&self, ctx: &Context) -> String {
        match self {
            Self::Command(command) => command.shortcuts().first().map(|keys| in_words(ctx, *keys)).unwrap_or_default(),
            Self::Setting(_, step) => step.title().to_owned(),
            Self::Label(_) => Step::Labels.title().to_owned(),
            Self::Run(run) => run.folder.id(),
            Self::Help(topic) => topic.kind().to_owned(),
            Self::File(_, path) | Self::Project(path) => {
                path.parent().map(|folder| folder.display().to_string()).unwrap_or_default()
            }
        }
    }

    pub(super) fn explanation(&self) -> String {
        match self {
            Self::Command(command) => command.tooltip().to_owned(),
            Self::Setting(name, step) => format!("Go to {name} on the page {}", step.title()),
            Self::Label(name) => format!("Show the labels, where {name} is"),
            Self::Run(_) => "Evaluate this run".to_owned(),
            Self::File(_, path) => format!("Show {} in the file manager", path.display()),
            Self::Project(path) => format!("Open {}", path.display()),
            Self::Help(topic) => format!("Read about {}", topic.title()),
        }
    }

    pub(super) fn blocked(&self, state: &CommandState<'_>) -> Option<String> {
        match self {
            Self::Command(command) => command.blocked(state),
            Self::Setting(_, step) => UserCommand::GoTo(*step).blocked(state),
            _ => None,
        }
    }

    /// Goes there.
    pub(super) fn go(&self, ctx: &Context, sender: &mut CommandSender) {
        match self {
            Self::Command(command) => sender.user(*command),
            Self::Setting(name, step) => {
                sender.send(AppCommand::GoTo(*step));
                sought::seek(ctx, name);
            }
            Self::Label(_) => sender.send(AppCommand::GoTo(Step::Labels)),
            Self::Run(run) => {
                sender.send(AppCommand::LoadRun(run.folder.path().to_owned()));
                sender.send(AppCommand::GoTo(Step::Evaluate));
            }
            Self::File(folder, path) => sender.send(AppCommand::Reveal(folder.join(path))),
            Self::Help(topic) => help::ask_for(ctx, *topic),
            Self::Project(path) => sender.send(AppCommand::OpenProject((*path).to_owned())),
        }
    }
}

/// Goes to a setting on its page, by its name there.
pub fn go_to_setting(ctx: &Context, name: &str, sender: &mut CommandSender) {
    if let Some((name, step)) = SETTINGS.iter().find(|(known, _)| *known == name) {
        Hit::Setting(name, *step).go(ctx, sender);
    }
}

fn run_name(run: &RunListing) -> String {
    match &run.status {
        RunStatus::Finished(summary) => {
            let value = summary.validation.figures().first().map_or(f64::NAN, |(_, value)| *value);
            format!("Run {}, validation {}", ago(summary.started_at), score(value))
        }
        _ => run.folder.id(),
    }
}

/// Everything whose name contains every word of the query; what starts with it comes first. Without a query, the commands.
pub(super) fn search<'a>(query: &str, searched: &Searched<'a>) -> Vec<Hit<'a>> {
    let query = query.trim().to_lowercase();
    let words: Vec<&str> = query.split_whitespace().collect();
    let is_found = |hit: &Hit<'a>| {
        let text = format!("{} {}", hit.kind(), hit.name()).to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    let commands = UserCommand::ALL.into_iter().filter(|command| *command != UserCommand::Palette).map(Hit::Command);
    let mut found: Vec<Hit<'a>> =
        if words.is_empty() { commands.collect() } else { commands.chain(others(searched)).filter(is_found).collect() };
    found.sort_by_key(|hit| !hit.name().to_lowercase().starts_with(&query));
    found
}

fn others<'a>(searched: &Searched<'a>) -> impl Iterator<Item = Hit<'a>> {
    let steps = searched.project.map_or(&[][..], |(project, _)| project.task.steps());
    let settings = SETTINGS.into_iter().filter(move |(_, step)| steps.contains(step));
    let settings = settings.map(|(name, step)| Hit::Setting(name, step));
    let labels = searched.labels.iter().map(|label| Hit::Label(label));
    let finished = searched.runs.iter().filter(|run| matches!(run.status, RunStatus::Finished(_)));
    let files = searched
        .project
        .into_iter()
        .flat_map(|(project, folder)| project.dataset.files().map(move |file| Hit::File(folder, file)));
    let projects = searched.recent.iter().map(|folder| Hit::Project(folder));
    settings
        .chain(labels)
        .chain(finished.map(Hit::Run))
        .chain(files)
        .chain(projects)
        .chain(help::topics().map(Hit::Help))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Searched<'_> = Searched { project: None, labels: &[], runs: &[], recent: &[] };

    #[test]
    fn search_matches_every_word_and_ranks_prefix_matches_first() {
        assert_eq!(search("start tr", &NOTHING)[0], Hit::Command(UserCommand::Train));
        assert_eq!(search("sav", &NOTHING)[0], Hit::Command(UserCommand::KeepVersion));
        assert_eq!(search("theme:", &NOTHING).len(), 3);
        assert!(search("no such command", &NOTHING).is_empty());
        assert_eq!(search("", &NOTHING).len(), UserCommand::ALL.len() - 1);
    }

    #[test]
    fn settings_labels_files_and_projects_are_found() {
        let project = crate::app::testing::project();
        let (labels, recent) = (["neutral".to_owned()], [PathBuf::from("/home/a/tickets")]);
        let folder = Path::new("/home/a/reviews");
        let searched = Searched { project: Some((&project, folder)), labels: &labels, runs: &[], recent: &recent };
        assert_eq!(search("learning r", &searched)[0], Hit::Setting("Learning rate", Step::Model));
        assert_eq!(search("neutr", &searched)[0], Hit::Label("neutral"));
        assert!(search("overfitting", &searched).iter().any(|hit| matches!(hit, Hit::Help(_))));
        assert_eq!(search("reviews.csv", &searched), [Hit::File(folder, Path::new("reviews.csv"))]);
        assert_eq!(search("tickets", &searched), [Hit::Project(Path::new("/home/a/tickets"))]);
    }
}
