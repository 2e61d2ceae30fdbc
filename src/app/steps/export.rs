//! The Export step: the trained model and its predictions, each verified before it is reported as done.

use std::path::{Path, PathBuf};

use egui::{Align, Checkbox, Event, Frame, Layout, Margin, RichText, TextEdit, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Pick};
use crate::app::steps::run_header::run_header_ui;
use crate::app::tasks::{predictions_hint, python_code, terminal_code};
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{
    Action, Anchor, anchor, banner, button, button_if, card, card_grid, empty_state, heading_ui, icon_button,
    is_sought, is_wide, page, primary_button, running_card, section,
};
use crate::evaluation::FEWEST_ROWS;
use crate::export::adapter_code;
use crate::models::is_adapter;
use crate::project::{Step, TrainedLayers};
use crate::storage::{RunSettings, free_path};
use crate::worker::{ExportFormat, RunResults};

/// State kept between frames.
#[derive(Debug, Default)]
pub struct ExportStepState {
    /// Typed paths, by format; empty for the suggested one.
    typed: [String; OFFERS.len()],
    /// Whether the last layer of the Hugging Face folder is divided by the temperature, if there is one.
    calibrated: bool,
    code: Code,
    paths: ExportPaths,
}

/// Where exports go unless another path is typed. The disk is checked only when something may have changed: on entering
/// the step, after an export, and when the window gets the focus.
#[derive(Debug, Default)]
struct ExportPaths {
    /// Folder, run, number of exports so far, and whether one is running.
    of: Option<(PathBuf, String, usize, bool)>,
    /// The frame in which they were last shown.
    shown_in: u64,
    /// An unused path for each offer.
    free: [PathBuf; OFFERS.len()],
    /// The last exported folder.
    exported: Option<PathBuf>,
}

impl ExportPaths {
    fn refresh(&mut self, ui: &Ui, ctx: &StepContext<'_>, run: &str) {
        let pass = ui.ctx().cumulative_pass_nr();
        let came_here = pass > self.shown_in + 1;
        self.shown_in = pass;
        let turned_to = ui.input(|input| input.events.iter().any(|event| matches!(event, Event::WindowFocused(true))));
        let of = (ctx.folder.to_owned(), run.to_owned(), ctx.exports.len(), ctx.job.is_some());
        if !came_here && !turned_to && self.of.as_ref() == Some(&of) {
            return;
        }
        self.of = Some(of);
        self.free = OFFERS.map(|offer| suggestion(ctx.folder, offer.what));
        self.exported = ctx.exports.iter().rev().map(|(_, path, _)| path).find(|path| path.is_dir()).cloned();
    }

    /// The folder the sample code names: the exported one, or else the suggested one.
    fn model(&self) -> &Path {
        let suggested = OFFERS.iter().position(|offer| offer.what == Offered::As(ExportFormat::HuggingFace));
        self.exported.as_deref().unwrap_or(&self.free[suggested.unwrap_or_default()])
    }
}

/// Narrower cards have the path above the buttons.
const NARROW: f32 = 520.0;

/// Which sample code is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Code {
    #[default]
    Terminal,
    Transformers,
}

/// What is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offered {
    /// The model or its predictions, in this format.
    As(ExportFormat),
    /// A report for people.
    Report,
}

/// An export, with its texts.
struct Offer {
    what: Offered,
    icon: &'static str,
    name: &'static str,
    /// What it contains and where it can be used.
    text: fn(&RunSettings) -> &'static str,
    action: &'static str,
}

const OFFERS: [Offer; 5] = [
    Offer {
        what: Offered::As(ExportFormat::HuggingFace),
        icon: icons::PACKAGE,
        name: "Hugging Face folder",
        text: |settings| match settings.embedding_pooling() {
            Some(_) => {
                "Weights, tokenizer, config and a model card. Loads unchanged in sentence-transformers and in Hone"
            }
            None => "Weights, tokenizer, config and a model card. Loads unchanged in transformers and in Hone",
        },
        action: "Export folder",
    },
    Offer {
        what: Offered::As(ExportFormat::Safetensors),
        icon: icons::FILE,
        name: "Weights file",
        text: |_| "All weights of the model as one safetensors file, without its tokenizer",
        action: "Export weights file",
    },
    Offer {
        what: Offered::As(ExportFormat::Adapter),
        icon: icons::PACKAGE,
        name: "Adapter",
        text: |_| "Only the adapter and the head, as a small folder for the Python library peft. Needs the base model too",
        action: "Export adapter",
    },
    Offer {
        what: Offered::As(ExportFormat::Predictions),
        icon: icons::FILE_CSV,
        name: "Predictions",
        text: |settings| predictions_hint(settings.project.task.kind()),
        action: "Export predictions",
    },
    Offer {
        what: Offered::Report,
        icon: icons::FILE_TEXT,
        name: "Report",
        text: |_| "How good the model is and how it was trained, in one HTML file with pictures to mail or print; or as .md",
        action: "Write report",
    },
];

impl Offered {
    /// Asks for a place to save it.
    fn pick(self) -> Pick {
        match self {
            Self::As(format) => Pick::ExportTo(format),
            Self::Report => Pick::Report,
        }
    }

    /// Saves it there.
    fn save(self, output: PathBuf) -> AppCommand {
        match self {
            Self::As(format) => AppCommand::Export { format, output },
            Self::Report => AppCommand::SaveReport(output),
        }
    }
}

/// Draws the step.
pub fn export_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut ExportStepState, sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Export.title(), Step::Export.purpose(), |ui| {
        let Some(results) = ctx.results else {
            let body = "After training, you can save the weights and the predictions here";
            empty_state(ui, ctx.theme, icons::EXPORT, "No trained model yet", body, |ui| {
                if primary_button(ui, ctx.theme, icons::ARROW_RIGHT, "Go to Train", Ok(())).clicked() {
                    sender.send(AppCommand::GoTo(Step::Train));
                }
            });
            return;
        };
        run_header_ui(ui, ctx, results, sender);
        if let Some(job) = ctx.job {
            let stop = Action { label: "Stop", hover: "", command: AppCommand::StopJob };
            running_card(ui, ctx.theme, job, Some(stop), sender);
        }
        state.paths.refresh(ui, ctx, &results.summary.run);
        let offered = offered(results);
        // Four are two rows of two.
        let most = if offered.len() > 3 { 2 } else { offered.len() };
        let across = if is_wide(ui, ctx.theme) { most } else { 1 };
        card_grid(ui, ctx.theme, "offers", (across, offered.len()), |ui, card, spare| {
            let ExportStepState { typed, calibrated, paths, .. } = &mut *state;
            let place = offered[card];
            let choices = (&mut typed[place], calibrated);
            offer_card(ui, ctx, choices, results, (&OFFERS[place], &paths.free[place], spare), sender);
        });
        done(ui, ctx, sender);
        sample_code(ui, ctx, &mut state.code, state.paths.model(), results);
    });
}

/// Places in [`OFFERS`] of what the run can be exported as.
fn offered(results: &RunResults) -> Vec<usize> {
    let has_adapter = results.settings.project.training.trained_layers == TrainedLayers::Lora;
    let is_offered = |place: &usize| OFFERS[*place].what != Offered::As(ExportFormat::Adapter) || has_adapter;
    (0..OFFERS.len()).filter(is_offered).collect()
}

fn offer_card(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (typed, calibrated): (&mut String, &mut bool),
    results: &RunResults,
    (offer, suggested, spare): (&Offer, &Path, f32),
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let is_sought = offer.what == Offered::As(ExportFormat::HuggingFace) && is_sought(ui, Anchor::ExportFolder);
    if is_sought {
        anchor(ui, Anchor::ExportFolder);
    }
    card(ui, theme, |ui| {
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(offer.icon).size(theme.text.title).color(theme.palette.accent));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                heading_ui(ui, theme, offer.name);
                ui.add(egui::Label::new(theme.muted((offer.text)(&results.settings))).wrap());
            });
        });
        ui.add_space(theme.space.xs + spare);
        let what = calibrated_ui(ui, offer.what, calibrated, results);
        let narrow = ui.available_width() < NARROW;
        if narrow {
            path_field(ui, typed, offer, suggested, is_sought);
            ui.horizontal_wrapped(|ui| {
                choose_button(ui, ctx, (offer, what), sender);
                export_button(ui, ctx, typed, (offer, what, suggested), sender);
            });
            return;
        }
        let size = egui::vec2(ui.available_width(), theme.size.control + 2.0);
        ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            export_button(ui, ctx, typed, (offer, what, suggested), sender);
            choose_button(ui, ctx, (offer, what), sender);
            path_field(ui, typed, offer, suggested, is_sought);
        });
    });
}

/// For the Hugging Face folder of a classifier, whether its last layer is divided by the temperature. Returns what is exported then.
fn calibrated_ui(ui: &mut Ui, what: Offered, calibrated: &mut bool, results: &RunResults) -> Offered {
    if what != Offered::As(ExportFormat::HuggingFace) || results.settings.project.classification().is_none() {
        return what;
    }
    let hover = match results.temperature {
        Some(temperature) => format!(
            "Divides the last layer by the temperature, {temperature:.2}, so that every program gets calibrated probabilities. \
             The labels stay the same"
        ),
        None => format!("A temperature is fitted on at least {FEWEST_ROWS} validation rows, with a mistake among them"),
    };
    let mut is_on = *calibrated && results.temperature.is_some();
    let check = ui.add_enabled(
        results.temperature.is_some(),
        Checkbox::new(&mut is_on, "Calibrated probabilities in every program"),
    );
    if check.on_hover_text(&hover).on_disabled_hover_text(&hover).changed() {
        *calibrated = is_on;
    }
    if is_on { Offered::As(ExportFormat::CalibratedHuggingFace) } else { what }
}

/// Exports to the typed path or, without one, to the suggested path. Only the first offer is what most people want.
fn export_button(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    typed: &str,
    (offer, what, suggested): (&Offer, Offered, &Path),
    sender: &mut CommandSender,
) {
    let enabled = if ctx.job.is_some() { Err("Wait until the current job has finished") } else { Ok(()) };
    let clicked = if offer.what == Offered::As(ExportFormat::HuggingFace) {
        primary_button(ui, ctx.theme, icons::EXPORT, offer.action, enabled).clicked()
    } else {
        let button = button_if(ui, ctx.theme, enabled.is_ok(), icons::EXPORT, offer.action);
        button.on_disabled_hover_text(enabled.err().unwrap_or_default()).clicked()
    };
    if clicked {
        let output = if typed.trim().is_empty() { suggested.to_owned() } else { PathBuf::from(typed.trim()) };
        sender.send(what.save(output));
    }
}

fn choose_button(ui: &mut Ui, ctx: &StepContext<'_>, (offer, what): (&Offer, Offered), sender: &mut CommandSender) {
    let choose = button(ui, ctx.theme, icons::FOLDER, "Choose…");
    let choose = choose.accessible_name(format!("Choose where to save: {}", offer.name));
    if choose.on_hover_text("Choose where to save, then export").clicked() {
        sender.send(AppCommand::Pick(what.pick()));
    }
}

/// Where the export goes. `is_sought`: a person asked for this export, so that they can type the path now.
fn path_field(ui: &mut Ui, typed: &mut String, offer: &Offer, suggested: &Path, is_sought: bool) {
    let field = TextEdit::singleline(typed).hint_text(suggested.display().to_string());
    let field = ui.add(field.align(egui::Align2::LEFT_CENTER).desired_width(ui.available_width()));
    if is_sought {
        field.request_focus();
    }
    field.accessible_name(format!("Save to: {}", offer.name));
}

/// An unused path: `exports/<project>-<what>` in the project's folder, numbered if it exists.
fn suggestion(folder: &Path, what: Offered) -> PathBuf {
    let (name, extension) = match what {
        Offered::As(ExportFormat::HuggingFace | ExportFormat::CalibratedHuggingFace) => ("model", ""),
        Offered::As(ExportFormat::Adapter) => ("adapter", ""),
        Offered::As(ExportFormat::Safetensors) => ("weights", ".safetensors"),
        Offered::As(ExportFormat::Predictions | ExportFormat::RawPredictions) => ("predictions", ".csv"),
        Offered::Report => ("report", ".html"),
    };
    let project = folder.file_name().unwrap_or_default().to_string_lossy();
    free_path(&folder.join("exports"), &format!("{project}-{name}"), extension)
}

fn done(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    for (what, path, proof) in ctx.exports.iter().rev() {
        let proof = if proof.is_empty() { String::new() } else { format!("\nVerified: {proof}") };
        banner(ui, theme, Tone::Success, what, &format!("{}{proof}", path.display()), |ui| {
            if button(ui, theme, icons::FOLDER_OPEN, "Show in folder").clicked() {
                sender.send(AppCommand::Reveal(path.clone()));
            }
            if button(ui, theme, icons::COPY, "Copy path").clicked() {
                ui.ctx().copy_text(path.display().to_string());
            }
        });
    }
}

fn sample_code(ui: &mut Ui, ctx: &StepContext<'_>, code: &mut Code, model: &Path, results: &RunResults) {
    let (theme, task) = (ctx.theme, results.settings.project.task.kind());
    let is_lora = results.settings.project.training.trained_layers == TrainedLayers::Lora;
    section(ui, theme, "Use the model", "Load the exported folder in a terminal or in Python", |ui| {
        let text = match code {
            Code::Terminal => terminal_code(task, model),
            Code::Transformers if is_lora && is_adapter(model) => {
                adapter_code(&results.settings, results.objective(), &format!("{:?}", model.display().to_string()))
            }
            Code::Transformers => python_code(&results.settings, results.objective(), model),
        };
        ui.horizontal_wrapped(|ui| {
            ui.selectable_value(code, Code::Terminal, "Terminal");
            ui.selectable_value(code, Code::Transformers, "Python");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if icon_button(ui, theme, icons::COPY, "Copy code").clicked() {
                    ui.ctx().copy_text(text.clone());
                }
            });
        });
        let frame = Frame::new().fill(theme.palette.sunken).corner_radius(theme.radius.medium);
        frame.inner_margin(Margin::same(theme.space.m as i8)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(egui::Label::new(RichText::new(&text).monospace()).wrap().selectable(true));
        });
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::slot::Running;
    use crate::app::testing::{Scene, picture, window};
    use crate::progress::Progress;

    fn open(scene: Scene, dark: bool) -> Harness<'static, (Scene, ExportStepState)> {
        window(dark, (scene, ExportStepState::default()), |ui, (scene, state)| {
            scene.show(|ctx, sender| export_step_ui(ui, ctx, state, sender));
        })
    }

    #[test]
    fn each_format_is_exported_to_its_own_path() {
        let mut harness = open(Scene::trained(false), false);
        harness.run();
        picture("export-light", &mut harness);
        for offer in OFFERS.iter().filter(|offer| offer.what != Offered::As(ExportFormat::Adapter)) {
            harness.get_by_label(offer.action).click();
            harness.run();
        }
        harness.get_by_label("Choose where to save: Predictions").click();
        harness.run();
        let asked = harness.state_mut().0.sender.take();
        let path = |end: &str| PathBuf::from(format!("customer-reviews/exports/customer-reviews-{end}"));
        let export = |format, end| AppCommand::Export { format, output: path(end) };
        assert_eq!(
            asked,
            [
                export(ExportFormat::HuggingFace, "model"),
                export(ExportFormat::Safetensors, "weights.safetensors"),
                export(ExportFormat::Predictions, "predictions.csv"),
                AppCommand::SaveReport(path("report.html")),
                AppCommand::Pick(Pick::ExportTo(ExportFormat::Predictions)),
            ]
        );
    }

    #[test]
    fn the_disk_is_checked_on_focus_and_after_an_export_but_not_in_every_frame() {
        let folder = tempfile::tempdir().unwrap();
        let mut scene = Scene::trained(false);
        scene.folder = folder.path().join("shop");
        let mut harness = open(scene, false);
        harness.run();
        let free = |harness: &Harness<'_, (Scene, ExportStepState)>| harness.state().1.paths.free[1].clone();
        let first = free(&harness);
        assert!(first.ends_with("shop/exports/shop-weights.safetensors"));
        std::fs::create_dir_all(folder.path().join("shop/exports")).unwrap();
        std::fs::write(&first, "").unwrap();
        harness.run_steps(3);
        assert_eq!(free(&harness), first, "the disk is not checked in every frame");
        harness.event(Event::WindowFocused(true));
        harness.run();
        let second = free(&harness);
        assert!(second.ends_with("exports/shop-weights-2.safetensors"));
        std::fs::write(&second, "").unwrap();
        harness.state_mut().0.answers.exports.push(("Weights file".to_owned(), second, String::new()));
        harness.run();
        assert!(free(&harness).ends_with("exports/shop-weights-3.safetensors"));
    }

    #[test]
    fn a_typed_path_is_used() {
        let mut harness = open(Scene::trained(true), true);
        harness.run();
        harness.get_by_label("Save to: Hugging Face folder").focus();
        harness.run();
        harness.get_by_label("Save to: Hugging Face folder").type_text("/tmp/mine");
        harness.run();
        harness.get_by_label("Export folder").click();
        harness.run();
        let expected = AppCommand::Export { format: ExportFormat::HuggingFace, output: PathBuf::from("/tmp/mine") };
        assert_eq!(harness.state_mut().0.sender.take(), [expected]);
    }

    #[test]
    fn a_folder_is_exported_calibrated_if_the_run_has_a_temperature() {
        let mut harness = open(Scene::trained(false), false);
        let check = |harness: &Harness<'_, (Scene, ExportStepState)>| {
            harness.get_by_role_and_label(egui::Role::CheckBox, "Calibrated probabilities in every program").click();
        };
        harness.run();
        check(&harness);
        harness.run();
        harness.get_by_label("Export folder").click();
        harness.get_by_label("Choose where to save: Hugging Face folder").click();
        harness.run();
        let output = PathBuf::from("customer-reviews/exports/customer-reviews-model");
        let format = ExportFormat::CalibratedHuggingFace;
        let asked = harness.state_mut().0.sender.take();
        assert_eq!(asked, [AppCommand::Export { format, output }, AppCommand::Pick(Pick::ExportTo(format))]);
        // Another run, with too few validation rows.
        let results = &mut harness.state_mut().0.answers.results.value;
        *results = results.as_deref().map(|run| Arc::new(RunResults { temperature: None, ..run.clone() }));
        harness.run();
        check(&harness);
        harness.run();
        harness.get_by_label("Export folder").click();
        harness.run();
        let asked = harness.state_mut().0.sender.take();
        assert!(matches!(asked[..], [AppCommand::Export { format: ExportFormat::HuggingFace, .. }]), "{asked:?}");
    }

    #[test]
    fn a_finished_export_shows_how_it_was_verified() {
        let mut scene = Scene::trained(true);
        let proof = "158 test rows re-read: largest difference of a logit 0.0000021";
        let path = PathBuf::from("customer-reviews/exports/2026-11-23-1024-model");
        scene.answers.exports.push(("Hugging Face folder exported".to_owned(), path.clone(), proof.to_owned()));
        scene.answers.exported.running = Some(Running {
            title: "Exporting",
            progress: Progress {
                stage: "Comparing with the model".to_owned(),
                done: 60,
                total: Some(158),
                unit: "rows",
                eta_seconds: Some(8.0),
            },
        });
        let mut harness = open(scene, true);
        harness.set_size(egui::vec2(1280.0, 1000.0));
        harness.run();
        picture("export-dark", &mut harness);
        harness.get_by_label_contains(proof);
        harness.get_by_label("Show in folder").scroll_to_me();
        harness.run();
        harness.get_by_label("Show in folder").click();
        harness.run();
        harness.get_by_label("Stop").click();
        harness.run();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::Reveal(path), AppCommand::StopJob]);
    }
}
