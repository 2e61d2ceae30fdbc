//! The app, and what happens in each frame.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::{CentralPanel, Context, Frame, Margin, Panel, Ui, UiBuilder};

use crate::storage::{AppSettings, ThemeChoice};

use crate::app::commands::UserCommand;
use crate::app::messages::CommandSender;
use crate::app::pick::Picker;
use crate::app::shell::{self, CommandPalette, Dialog, FocusKeeper, HelpWindow, MemoryMeter, Notices};
use crate::app::state::AppState;
use crate::app::steps::{StepStates, view_ui};
use crate::app::theme::{
    Theme, ThemeError, Tokens, Tone, follow_motion_of_system, newly_missing_scripts, use_system_fonts,
};
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
    /// The project to open; `None` opens the last one, or the sample.
    pub project: Option<PathBuf>,
    /// Theme, zoom, recent projects.
    pub settings: AppSettings,
    /// Whether settings are written when they change.
    pub keep_settings: bool,
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
    pub(super) meter: MemoryMeter,
    pub(super) keep_settings: bool,
    /// Whether the window may close, because all questions have been answered.
    pub(super) may_close: bool,
    pub(super) ctx: Context,
    title: String,
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
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        let waker = ctx.clone();
        // One frame a little later handles all messages up to then.
        let work = Work::new(move || waker.request_repaint_after(Duration::from_millis(30)))?;
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
            meter: MemoryMeter::default(),
            keep_settings: start.keep_settings,
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
        self.take_dropped_files(ctx);
        self.take_shortcuts(ctx);
        self.guard_closing(ctx);
        self.leave_when_stopped();
        for command in self.sender.take() {
            self.run_command(command);
        }
        let renewed = self.state.renew(now);
        let saved = self.autosave(now);
        if let Some(wait) = [renewed, saved].into_iter().flatten().min() {
            ctx.request_repaint_after(wait);
        }
        self.state.refresh_facts();
        if let Some((scripts, remedy)) = newly_missing_scripts(ctx) {
            self.tell(Tone::Warning, format!("No font for {scripts}"), format!("Some texts show boxes. {remedy}"));
        }
        self.show_title(ctx);
    }

    /// Draws the window.
    pub fn draw(&mut self, ui: &mut Ui) {
        let theme = self.themes[usize::from(ui.visuals().dark_mode)].clone();
        let context = self.state.step_context(&theme);
        let bar = Frame::new().fill(theme.palette.rail).inner_margin(Margin::symmetric(theme.space.m as i8, 0));
        Panel::top("menu").exact_size(theme.size.bar + 4.0).resizable(false).frame(bar).show(ui, |ui| {
            ui.add_space(2.0);
            let recent = &self.state.settings.recent;
            shell::menu_bar_ui(ui, &theme, &self.state.command_state(), recent, &mut self.sender);
        });
        let memory = self.meter.bytes();
        let notices = self.notices.unread();
        let status = Panel::bottom("status").exact_size(theme.size.bar).resizable(false).frame(bar);
        let status = status.show(ui, |ui| ui.available_rect_before_wrap()).inner;
        let ground = Frame::new().fill(theme.palette.panel);
        if let Some(context) = &context {
            let dirty = self.state.session.as_ref().is_some_and(crate::app::session::Session::is_dirty);
            let rail = Frame::new().fill(theme.palette.rail).inner_margin(Margin::same(theme.space.s as i8));
            let narrow = ui.available_width() < theme.size.narrow;
            let width = if narrow { theme.size.rail_narrow } else { theme.size.rail };
            Panel::left("rail").exact_size(width).resizable(false).frame(rail).show(ui, |ui| {
                egui::ScrollArea::vertical().id_salt("rail").auto_shrink(false).show(ui, |ui| {
                    shell::rail_ui(ui, context, dirty, self.state.view, &mut self.sender);
                });
            });
            CentralPanel::default().frame(ground).show(ui, |ui| {
                // The state of a step's widgets must not be shared with other steps.
                ui.scope_builder(UiBuilder::new().id_salt(format!("{:?}", self.state.view)), |ui| {
                    view_ui(ui, self.state.view, context, &mut self.states, &mut self.sender);
                });
            });
        } else {
            let recent = &self.state.settings.recent;
            CentralPanel::default().frame(ground).show(ui, |ui| {
                shell::welcome_ui(ui, &theme, recent, &mut self.sender);
            });
        }
        // Drawn last, so that Tab gets there after the page.
        let mut status = ui.new_child(UiBuilder::new().id_salt("status").max_rect(status));
        shell::status_bar_ui(&mut status, &theme, context.as_ref(), memory, notices, &mut self.sender);
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
                let mark = if session.is_dirty() { "• " } else { "" };
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
/// `None` opens the last project, or the sample.
///
/// # Errors
/// If no window can be opened.
pub fn run(project: Option<PathBuf>) -> Result<(), AppError> {
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Hone")
            .with_app_id("hone")
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([900.0, 600.0])
            .with_drag_and_drop(true),
        renderer: eframe::Renderer::Glow,
        // `use_system_fonts` does the same, but in the background and with emoji in colour.
        system_font_fallback: false,
        ..eframe::NativeOptions::default()
    };
    let start = Start { project, settings: AppSettings::load(), keep_settings: true };
    let create = |creation: &eframe::CreationContext<'_>| {
        let app = HoneApp::new(&creation.egui_ctx, start)?;
        follow_motion_of_system(&creation.egui_ctx);
        Ok(Box::new(app) as Box<dyn eframe::App>)
    };
    eframe::run_native("Hone", options, Box::new(create)).map_err(|error| AppError::Window(error.to_string()))
}

#[cfg(test)]
mod tests {
    use egui::{Key, Modifiers};
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::messages::{AppCommand, Edit};
    use crate::app::shell::Leaving;
    use crate::app::testing::{Window, app, hone, picture, press, results, settle};
    use crate::app::view::View;
    use crate::project::{CleaningSettings, Step};

    #[test]
    fn the_sample_project_opens_ready_to_train() {
        for (name, theme) in [("light", ThemeChoice::Light), ("dark", ThemeChoice::Dark)] {
            let (mut window, _folder) = app(theme, 2.0);
            settle(&mut window);
            window.get_by_label("Data, done");
            window.get_by_label("Prepare, done");
            for step in Step::ALL {
                let row = window.get_all_by_role(egui::Role::Tab).nth(step as usize).unwrap();
                row.click();
                settle(&mut window);
                window.check_accessibility();
                let tall = matches!(step, Step::Data | Step::Labels | Step::Prepare) && theme == ThemeChoice::Light;
                picture(&format!("step-{}-{}-{name}", step as usize + 1, step.title().to_lowercase()), &mut window);
                if tall {
                    window.set_size(egui::vec2(1280.0, 1700.0));
                    settle(&mut window);
                    picture(&format!("tall-{}", step.title().to_lowercase()), &mut window);
                    window.set_size(egui::vec2(1280.0, 800.0));
                }
            }
        }
    }

    /// Controls and texts that extend beyond the right edge of the window.
    fn cut_off(window: &Window) -> Vec<String> {
        use egui::Role;
        use egui_kittest::kittest::NodeT;
        let controls = [
            Role::Button,
            Role::CheckBox,
            Role::ComboBox,
            Role::TextInput,
            Role::RadioButton,
            Role::SpinButton,
            Role::Label,
        ];
        let right = window.ctx.content_rect().right();
        let nodes = window.root().children_recursive();
        nodes
            .filter(|node| controls.contains(&node.accesskit_node().role()) && node.rect().right() > right)
            .map(|node| format!("{:?} {:?} at {:?}", node.accesskit_node().label(), node.value(), node.rect()))
            .collect()
    }

    #[test]
    fn everything_fits_at_twice_and_at_four_fifths_the_size() {
        // The dark theme differs only in its colours, so only pictures need it.
        let themes: &[_] = match std::env::var_os("HONE_PICTURES") {
            Some(_) => &[ThemeChoice::Light, ThemeChoice::Dark],
            None => &[ThemeChoice::Light],
        };
        for &theme in themes {
            let (mut window, _folder) = app(theme, 1.0);
            settle(&mut window);
            hone(&mut window).state.work.answers.results.value = Some(results());
            if let Some(table) = std::env::var_os("HONE_PICTURES_TABLE") {
                hone(&mut window).run_command(AppCommand::OpenData(table.into()));
                settle(&mut window);
            }
            for zoom in [0.8, 1.0, 2.0] {
                hone(&mut window).state.settings.zoom = zoom;
                hone(&mut window).apply_settings();
                for view in Step::ALL.map(View::Step).into_iter().chain([View::TryIt]) {
                    hone(&mut window).state.view = view;
                    settle(&mut window);
                    let name = format!("{theme:?}-{zoom}-{view:?}").to_lowercase();
                    picture(&name.replace(['(', ')'], ""), &mut window);
                    let cut = cut_off(&window);
                    if zoom > 1.5 {
                        window.set_size(egui::vec2(640.0, 1600.0));
                        settle(&mut window);
                        picture(&format!("tall-{name}").replace(['(', ')'], ""), &mut window);
                        window.set_size(egui::vec2(640.0, 400.0));
                    }
                    // The table of the file scrolls sideways.
                    assert!(cut.is_empty() || view == View::Step(Step::Data), "{view:?} at {zoom}: {cut:#?}");
                }
            }
        }
    }

    #[test]
    fn dialogs_fit_at_twice_the_size() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        hone(&mut window).state.settings.zoom = 2.0;
        hone(&mut window).apply_settings();
        for dialog in [
            Dialog::new_project(std::path::Path::new("/home/someone/documents")),
            Dialog::SaveAs { folder: String::new(), error: Some("There is a project already".to_owned()) },
            Dialog::Unsaved { leaving: Leaving::Quit, restored: true },
            Dialog::Training(Leaving::Quit),
            Dialog::Shortcuts,
            Dialog::About,
            Dialog::Notifications,
        ] {
            let name = format!("{dialog:?}").to_lowercase();
            hone(&mut window).dialog = Some(dialog);
            settle(&mut window);
            picture(&format!("dialog-{}", name.split([' ', '(']).next().unwrap()), &mut window);
            let inside = window.ctx.content_rect();
            let buttons: Vec<_> = ["Close", "Cancel", "Continue training"]
                .into_iter()
                .filter_map(|name| window.query_by_role_and_label(egui::Role::Button, name))
                .map(|button| button.rect())
                .collect();
            assert!(
                !buttons.is_empty() && buttons.iter().all(|rect| inside.contains_rect(*rect)),
                "{name} {buttons:?}"
            );
        }
    }

    #[test]
    fn every_part_of_the_shell_answers_the_keyboard() {
        let (mut window, _folder) = app(ThemeChoice::Dark, 2.0);
        settle(&mut window);
        press(&mut window, Modifiers::COMMAND, Key::Num3);
        assert_eq!(hone(&mut window).state.view, View::Step(Step::Prepare));
        press(&mut window, Modifiers::COMMAND, Key::PageUp);
        assert_eq!(hone(&mut window).state.view, View::Step(Step::Labels));
        press(&mut window, Modifiers::COMMAND, Key::K);
        window.get_by_label("Search everything").type_text("go to mod");
        settle(&mut window);
        picture("palette", &mut window);
        press(&mut window, Modifiers::NONE, Key::Enter);
        assert_eq!(hone(&mut window).state.view, View::Step(Step::Model));
        press(&mut window, Modifiers::COMMAND, Key::Slash);
        assert!(window.query_by_label_contains("Everywhere: Tab").is_some());
        picture("shortcuts", &mut window);
        press(&mut window, Modifiers::NONE, Key::Escape);
        assert!(window.query_by_label_contains("Everywhere: Tab").is_none());
        window.get_by_label("File").click();
        settle(&mut window);
        picture("menu", &mut window);
    }

    #[test]
    fn an_edit_is_marked_undone_and_redone() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let off = CleaningSettings { strip_html: false, ..CleaningSettings::default() };
        hone(&mut window).run_command(AppCommand::Edit(Edit::Cleaning(off.clone())));
        settle(&mut window);
        assert!(hone(&mut window).title.starts_with("• Customer reviews"));
        press(&mut window, Modifiers::COMMAND, Key::Z);
        assert!(hone(&mut window).title.starts_with("Customer reviews"));
        press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
        let project = hone(&mut window).state.session.as_ref().unwrap().project().clone();
        assert_eq!(project.cleaning, off);
    }

    mod needs_renderer {
        use super::*;
        use crate::app::testing::snapshot_app;

        fn looks_as_accepted(name: &str, theme: ThemeChoice, step: Step) {
            let (mut window, _folder) = app(theme, 1.0);
            settle(&mut window);
            hone(&mut window).state.view = View::Step(step);
            settle(&mut window);
            snapshot_app(name, &mut window);
        }

        #[test]
        #[ignore = "needs a renderer (Debian package mesa-vulkan-drivers)"]
        fn the_labels_step_looks_like_its_accepted_picture() {
            looks_as_accepted("labels-dark", ThemeChoice::Dark, Step::Labels);
        }

        #[test]
        #[ignore = "needs a renderer (Debian package mesa-vulkan-drivers)"]
        fn the_prepare_step_looks_like_its_accepted_picture() {
            looks_as_accepted("prepare-light", ThemeChoice::Light, Step::Prepare);
        }
    }
}
