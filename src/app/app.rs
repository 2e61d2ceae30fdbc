//! The app, and what happens in each frame.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{CentralPanel, Context, Frame, Margin, Panel, Ui, UiBuilder};

use crate::fetch::FetchSettings;
use crate::storage::{AppSettings, ThemeChoice, projects_folder};

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::desktop_news::{self, DesktopNews};
use crate::app::messages::CommandSender;
use crate::app::pick::Picker;
use crate::app::shell::{self, CommandPalette, Dialog, FocusKeeper, HelpWindow, MemoryMeter, Notices, Saved};
use crate::app::spoken::{Spoken, set_region};
use crate::app::state::AppState;
use crate::app::steps::{StepStates, view_ui};
use crate::app::theme::{
    Theme, ThemeError, Tokens, Tone, follow_motion_of_system, newly_missing_scripts, use_system_fonts,
};
use crate::app::view::View;
use crate::app::window_place::viewport;
use crate::app::work::Work;

/// Why the window could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The theme file is not valid.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The workers could not be started.
    #[error("Could not start the worker threads: {0}. Close other programs and start Hone again.")]
    Worker(#[from] std::io::Error),
    /// No window can be opened here.
    #[error(
        "Could not open a window: {0}. Hone needs a display with OpenGL 2.0 or newer; without one, \
         use the terminal: `hone train PROJECT`."
    )]
    Window(String),
}

/// How the window starts.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The project to open; `None` shows the start page, or the project that was open when Hone crashed.
    pub project: Option<PathBuf>,
    /// Where new projects are created, unless the person chooses another folder.
    pub projects: PathBuf,
    /// Theme, zoom, recent projects.
    pub settings: AppSettings,
    /// Whether settings are written when they change.
    pub keep_settings: bool,
    /// Where models are looked for, downloaded from and kept; `None`: where the environment says.
    pub models: Option<FetchSettings>,
}

/// The state that the window keeps between frames.
pub struct HoneApp {
    pub(super) themes: [Theme; 2],
    pub(super) state: AppState,
    pub(super) states: StepStates,
    pub(super) sender: CommandSender,
    pub(super) picker: Picker,
    pub(super) palette: CommandPalette,
    pub(super) help: HelpWindow,
    pub(super) dialog: Option<Dialog>,
    pub(super) notices: Notices,
    pub(super) news: DesktopNews,
    pub(super) meter: MemoryMeter,
    pub(super) keep_settings: bool,
    /// Where new projects are created, unless the person chooses another folder.
    pub(super) projects: PathBuf,
    /// This program, which goes on with runs in the background.
    pub(super) program: PathBuf,
    /// Whether the window may close, because all questions have been answered.
    pub(super) may_close: bool,
    pub(super) ctx: Context,
    pub(super) title: String,
}

impl HoneApp {
    /// Creates the app, applies the theme and opens the first project.
    ///
    /// # Errors
    /// If the theme file is not valid, or no thread can be started.
    pub fn new(ctx: &Context, start: Start) -> Result<Self, AppError> {
        let themes = Theme::pair(&Tokens::bundled()?);
        Theme::install(ctx, &themes);
        use_system_fonts(ctx);
        ctx.add_plugin(FocusKeeper::default());
        ctx.add_plugin(Spoken);
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        let waker = ctx.clone();
        // One frame a little later handles all messages up to then.
        let work = Work::new(start.models, move || waker.request_repaint_after(Duration::from_millis(30)))?;
        let mut app = Self {
            themes,
            state: AppState::new(work, start.settings),
            states: StepStates::default(),
            sender: CommandSender::default(),
            picker: Picker::default(),
            palette: CommandPalette::default(),
            help: HelpWindow::default(),
            dialog: None,
            notices: Notices::default(),
            news: DesktopNews::default(),
            meter: MemoryMeter::default(),
            keep_settings: start.keep_settings,
            projects: start.projects,
            // A path that is not there any more is an error when it is used.
            program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("hone")),
            may_close: false,
            ctx: ctx.clone(),
            title: String::new(),
        };
        app.apply_settings();
        app.open_first(start.project);
        Ok(app)
    }

    /// Handles events and saves edits, which must also happen while the window is hidden.
    pub fn update(&mut self, ctx: &Context) {
        let now = Instant::now();
        self.take_in(now);
        if let Some(picked) = self.picker.poll() {
            self.on_picked(picked);
        }
        self.state.text_field = FocusKeeper::text_field(ctx);
        self.state.rows_in_use = crate::app::widgets::rows_in_use(ctx);
        self.take_dropped_files(ctx);
        self.take_shortcuts(ctx);
        self.guard_closing(ctx);
        self.leave_when_stopped();
        for command in self.sender.take() {
            self.run_command(command);
        }
        let renewed = self.state.renew(now);
        let saved = self.autosave(now);
        let polled = [self.state.poll_runs(now), self.state.poll_studies(now)];
        if let Some(wait) = [renewed, saved].into_iter().chain(polled).flatten().min() {
            ctx.request_repaint_after(wait);
        }
        self.state.refresh_facts();
        self.state.note_page();
        if let Some((scripts, remedy)) = newly_missing_scripts(ctx) {
            self.tell(Tone::Warning, format!("No font for {scripts}"), format!("Some texts show boxes. {remedy}"));
        }
        self.show_title(ctx);
        self.news.tell(ctx, desktop_news::show);
    }

    /// Draws the window.
    pub fn draw(&mut self, ui: &mut Ui) {
        let theme = self.themes[usize::from(ui.visuals().dark_mode)].clone();
        let context = self.state.step_context(&theme);
        let bar = Frame::new().fill(theme.palette.rail).inner_margin(Margin::symmetric(theme.space.m as i8, 0));
        Panel::top("menu").exact_size(theme.size.bar + 4.0).resizable(false).frame(bar).show(ui, |ui| {
            set_region(ui, Role::Group, "Menus");
            ui.add_space(2.0);
            let recent = self.state.recent();
            shell::menu_bar_ui(ui, &theme, &self.state.command_state(), recent, &mut self.sender);
        });
        let memory = self.meter.bytes();
        let notices = self.notices.unread();
        let status = Panel::bottom("status").exact_size(theme.size.bar).resizable(false).frame(bar);
        let status = status.show(ui, |ui| ui.available_rect_before_wrap()).inner;
        if let Some(context) = &context {
            let unsaved = self.state.session.as_ref().is_some_and(crate::app::session::Session::is_unsaved);
            rail_panel(ui, context, unsaved, self.state.view, &mut self.sender);
            page_panels(ui, context, self.state.view, &mut self.states, &mut self.sender);
        } else {
            CentralPanel::default().frame(Frame::new().fill(theme.palette.panel)).show(ui, |ui| {
                set_region(ui, Role::Main, "Start");
                shell::start_page_ui(ui, &theme, self.state.recent(), &mut self.sender);
            });
        }
        // Drawn last, so that Tab gets there after the page.
        let mut status = ui.new_child(UiBuilder::new().id_salt("status").max_rect(status));
        set_region(&status, Role::Group, "Status");
        let project = context.as_ref().zip(self.state.session.as_ref().map(saved));
        shell::status_bar_ui(&mut status, &theme, project, memory, notices, &mut self.sender);
        self.draw_above(ui, &theme);
    }

    /// Draws dialogs and everything else above the page.
    fn draw_above(&mut self, ui: &Ui, theme: &Theme) {
        self.help.ui(ui.ctx(), theme);
        self.palette.ui(ui, theme, &self.state.command_state(), &self.state.searched(), &mut self.sender);
        let answer = shell::dialogs_ui(ui, theme, &mut self.dialog, &self.notices, &mut self.sender);
        if let Some(answer) = answer {
            self.on_answer(answer);
        }
        self.notices.toasts_ui(ui, theme);
        if ui.input(|input| !input.raw.hovered_files.is_empty()) {
            shell::drop_hint_ui(ui, theme);
        }
    }

    /// Whether the workers are idle and nothing is due.
    #[cfg(test)]
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state.is_idle() && !crate::app::theme::fonts_are_loading(&self.ctx)
    }

    /// The open project.
    ///
    /// # Panics
    /// If no project is open.
    #[cfg(test)]
    pub fn project(&self) -> &crate::project::Project {
        self.state.session.as_ref().map(crate::app::session::Session::project).unwrap()
    }

    /// The prepared rows.
    #[cfg(test)]
    #[must_use]
    pub fn prepared(&self) -> Option<std::sync::Arc<crate::data::Prepared>> {
        self.state.work.answers.prepared().cloned()
    }

    /// Applies the chosen theme and zoom.
    pub(super) fn apply_settings(&self) {
        let settings = &self.state.settings;
        self.ctx.set_theme(match settings.theme {
            ThemeChoice::System => egui::ThemePreference::System,
            ThemeChoice::Light => egui::ThemePreference::Light,
            ThemeChoice::Dark => egui::ThemePreference::Dark,
        });
        self.ctx.set_zoom_factor(settings.zoom);
    }

    fn take_shortcuts(&mut self, ctx: &Context) {
        if self.dialog.is_some() {
            return;
        }
        let typing = ctx.text_edit_focused();
        // Longer shortcuts first, since Ctrl+Shift+S would also match Ctrl+S.
        let mut all: Vec<_> = UserCommand::ALL
            .into_iter()
            .flat_map(|command| command.shortcuts().into_iter().map(move |shortcut| (command, shortcut)))
            .collect();
        all.sort_by_key(|(_, shortcut)| std::cmp::Reverse(shortcut.modifiers.shift));
        for (command, shortcut) in all {
            if command.is_of_text_fields() {
                continue;
            }
            // While a person types, undo and redo apply to the text field.
            if typing && matches!(command, UserCommand::Undo | UserCommand::Redo) {
                continue;
            }
            if ctx.input_mut(|input| input.consume_shortcut(&shortcut)) {
                self.sender.user(command);
            }
        }
    }

    fn show_title(&mut self, ctx: &Context) {
        let title = match &self.state.session {
            Some(session) => {
                let mark = if session.is_unsaved() { "• " } else { "" };
                format!("{mark}{} — Hone", session.project().name)
            }
            None => "Hone".to_owned(),
        };
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

fn saved(session: &crate::app::session::Session) -> Saved {
    match (session.is_dirty(), session.is_unsaved()) {
        (false, _) => Saved::Yes,
        (true, false) => Saved::Soon,
        (true, true) => Saved::No,
    }
}

/// The rail, beside the page.
fn rail_panel(ui: &mut Ui, ctx: &StepContext<'_>, unsaved: bool, view: View, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let frame = Frame::new().fill(theme.palette.rail).inner_margin(Margin::same(theme.space.s as i8));
    let narrow = ui.available_width() < theme.size.narrow;
    let width = if narrow { theme.size.rail_narrow } else { theme.size.rail };
    Panel::left("rail").exact_size(width).resizable(false).frame(frame).show(ui, |ui| {
        set_region(ui, Role::Navigation, "Steps");
        let room = ui.available_height();
        egui::ScrollArea::vertical().id_salt("rail").auto_shrink(false).show(ui, |ui| {
            shell::rail_ui(ui, ctx, (unsaved, room), view, sender);
        });
    });
}

/// The page and the footer below it.
fn page_panels(ui: &mut Ui, ctx: &StepContext<'_>, view: View, states: &mut StepStates, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let ground = Frame::new().fill(theme.palette.panel);
    let height = shell::footer_height(theme);
    let margin = Margin::symmetric(theme.space.xl as i8, 0);
    let footer = Panel::bottom("footer").exact_size(height).resizable(false).frame(ground.inner_margin(margin));
    let footer = footer.show(ui, |ui| ui.available_rect_before_wrap()).inner;
    CentralPanel::default().frame(ground).show(ui, |ui| {
        set_region(ui, Role::Main, view.title());
        // The state of a step's widgets must not be shared with other steps.
        ui.scope_builder(UiBuilder::new().id_salt(format!("{view:?}")), |ui| {
            view_ui(ui, view, ctx, states, sender);
        });
    });
    // Drawn after the page, so that Tab and a screen reader get there after it.
    let mut footer = ui.new_child(UiBuilder::new().id_salt("footer").max_rect(footer));
    set_region(&footer, Role::Group, "What is open, and the way on");
    shell::footer_ui(&mut footer, ctx, view, sender);
}

impl eframe::App for HoneApp {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.update(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

/// Opens the window and returns when it is closed. `project` is a project's folder, or its `project.ron`;
/// `None` shows the start page, or the project that was open when Hone crashed.
///
/// # Errors
/// If no window can be opened.
pub fn run(project: Option<PathBuf>) -> Result<(), AppError> {
    let settings = AppSettings::load();
    let options = eframe::NativeOptions {
        viewport: viewport(settings.window).with_title("Hone").with_app_id("hone").with_drag_and_drop(true),
        renderer: eframe::Renderer::Glow,
        // `use_system_fonts` does the same, but in the background and with emoji in colour.
        system_font_fallback: false,
        ..eframe::NativeOptions::default()
    };
    let start = Start { project, projects: projects_folder(), settings, keep_settings: true, models: None };
    let create = |creation: &eframe::CreationContext<'_>| {
        let app = HoneApp::new(&creation.egui_ctx, start)?;
        follow_motion_of_system(&creation.egui_ctx);
        Ok(Box::new(app) as Box<dyn eframe::App>)
    };
    eframe::run_native("Hone", options, Box::new(create)).map_err(|error| AppError::Window(error.to_string()))
}
