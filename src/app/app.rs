//! The frame: what the window holds between frames, and what happens in each.

use std::path::PathBuf;
use std::time::Instant;

use egui::{CentralPanel, Context, Frame, Margin, Panel, Ui};

use crate::project::{Facts, Project, Step};

use super::context::{ClassifyState, StepContext};
use super::history::History;
use super::messages::{AppCommand, CommandSender, Edit};
use super::shell;
use super::steps::{StepStates, View, view_ui};
use super::theme::{Theme, ThemeError, Tokens};

/// The window could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The theme does not hold what it should.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// No window can be opened here.
    #[error(
        "Could not open a window: {0}. Hone needs a display with OpenGL 2.0 or newer; without one, \
         use the terminal: `hone train PROJECT`."
    )]
    Window(String),
}

/// Everything the window holds between frames.
pub struct HoneApp {
    themes: [Theme; 2],
    project: Project,
    folder: PathBuf,
    facts: Facts,
    history: History,
    classify: ClassifyState,
    view: View,
    states: StepStates,
    sender: CommandSender,
}

impl HoneApp {
    /// Makes the app and gives egui its look.
    ///
    /// # Errors
    /// When the theme file is not what it should be.
    pub fn new(ctx: &Context) -> Result<Self, AppError> {
        let themes = Theme::pair(&Tokens::bundled()?);
        Theme::install(ctx, &themes);
        Ok(Self {
            themes,
            project: Project::default(),
            folder: PathBuf::new(),
            facts: Facts::default(),
            history: History::default(),
            classify: ClassifyState::default(),
            view: View::Step(Step::Data),
            states: StepStates::default(),
            sender: CommandSender::default(),
        })
    }

    /// Draws the window.
    pub fn draw(&mut self, ui: &mut Ui) {
        let theme = &self.themes[usize::from(ui.visuals().dark_mode)];
        let context = StepContext {
            theme,
            project: &self.project,
            folder: &self.folder,
            facts: &self.facts,
            imported: None,
            import_error: None,
            prepared: None,
            preview: None,
            model_folder: None,
            fetch: None,
            live: None,
            results: None,
            evaluated: None,
            job: None,
            exports: &[],
            classify: &self.classify,
        };
        Panel::left("rail")
            .exact_size(theme.size.rail)
            .resizable(false)
            .frame(Frame::new().fill(theme.palette.rail).inner_margin(Margin::same(theme.space.m as i8)))
            .show(ui, |ui| shell::rail_ui(ui, &context, self.view, &mut self.sender));
        CentralPanel::default().frame(Frame::new().fill(theme.palette.panel)).show(ui, |ui| {
            view_ui(ui, self.view, &context, &mut self.states, &mut self.sender);
        });
        for command in self.sender.take() {
            self.run_command(command);
        }
    }

    fn run_command(&mut self, command: AppCommand) {
        match command {
            AppCommand::Edit(edit) => self.apply(edit),
            AppCommand::GoTo(step) => self.view = View::Step(step),
            _ => {}
        }
    }

    fn apply(&mut self, edit: Edit) {
        self.history.record(edit.title(), &self.project, Instant::now());
        match edit {
            Edit::Name(name) => self.project.name = name,
            Edit::Dataset(dataset) => self.project.dataset = dataset,
            Edit::Labels(labels) => self.project.labels = labels,
            Edit::Cleaning(cleaning) => self.project.cleaning = cleaning,
            Edit::Split(split) => self.project.split = split,
            Edit::Model(model) => self.project.model = model,
            Edit::Training(training) => self.project.training = training,
            Edit::Rows(rows) => {
                for (id, row) in rows {
                    match row {
                        Some(row) => self.project.edits.rows.insert(id, row),
                        None => self.project.edits.rows.remove(&id),
                    };
                }
            }
        }
    }
}

impl eframe::App for HoneApp {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }
}

/// Opens the window and returns when it is closed. `project` is a project's folder, or its `project.ron`.
///
/// # Errors
/// When no window can be opened here.
pub fn run(_project: Option<PathBuf>) -> Result<(), AppError> {
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Hone")
            .with_app_id("hone")
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([900.0, 600.0])
            .with_drag_and_drop(true),
        ..eframe::NativeOptions::default()
    };
    eframe::run_native("Hone", options, Box::new(|creation| Ok(Box::new(HoneApp::new(&creation.egui_ctx)?))))
        .map_err(|error| AppError::Window(error.to_string()))
}
