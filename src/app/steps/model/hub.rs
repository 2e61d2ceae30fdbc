//! Any model of the Hugging Face Hub: searched for, or named, and then chosen as it is now.
//!
//! Nothing is asked while someone types: a search begins with Enter or the button.

use egui::{Align, Key, Layout, RichText, TextEdit, Ui, vec2};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::model::facts::facts;
use crate::app::steps::model::suggested::look_up_ui;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{
    Action, SlotActions, badge, banner, button, button_if, columns, is_narrow, section, slot_ui,
};
use crate::fetch::{FetchSettings, HubListing, HubName};
use crate::project::ModelChoice;
use crate::words::{bytes, count, counted, parameters};

/// Models shown before a person asks for the others.
const FIRST: usize = 5;
/// Width that is left for a row's button.
const BUTTON: f32 = 150.0;
/// Name of the field.
const FIELD: &str = "Search the Hugging Face Hub, or paste owner/name";

/// State kept between frames.
#[derive(Debug, Default)]
pub struct HubSearch {
    text: String,
    /// The search whose models are all shown.
    all_of: Option<String>,
}

impl HubSearch {
    /// Whether a row of the search is about this model. The row then shows the progress of its lookup, and why that failed.
    pub fn shows(&self, ctx: &StepContext<'_>, name: &HubName) -> bool {
        let search = &ctx.answers.hub_search;
        let is_offline = ctx.models.is_some_and(|models| models.endpoints.offline);
        let is_drawn = !is_offline && search.running.is_none() && search.failed.is_none() && !search.stopped;
        let (Some(words), Some(found)) = (&search.of, &search.value) else { return false };
        is_drawn && self.rows(words, found).iter().any(|listing| listing.name == *name)
    }

    /// The models that are shown: the first ones, or all if a person asked for them.
    fn rows<'a>(&self, words: &str, found: &'a [HubListing]) -> &'a [HubListing] {
        let shows_all = self.all_of.as_deref() == Some(words);
        found.get(..FIRST).filter(|_| !shows_all).unwrap_or(found)
    }
}

/// Draws the search and what it found.
pub fn hub_search_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut HubSearch, sender: &mut CommandSender) {
    let (theme, models) = (ctx.theme, ctx.models);
    let host = models.map_or("huggingface.co", host);
    let hint = format!(
        "Use any model that Hone can train. What you type here is sent to {host} when you search; your data stays on this machine"
    );
    section(ui, theme, "Hugging Face Hub", &hint, |ui| {
        if models.is_some_and(|models| models.endpoints.offline) {
            let why =
                "The environment variable HF_HUB_OFFLINE forbids it. Unset it and start Hone again to search the Hub";
            banner(ui, theme, Tone::Neutral, "Hone is offline", why, |_| {});
            return;
        }
        field_ui(ui, ctx, state, sender);
        let Some(words) = &ctx.answers.hub_search.of else { return };
        ui.add_space(theme.space.s);
        let actions = SlotActions {
            title: "The search",
            stop: Action { label: "Stop searching", hover: "", command: AppCommand::StopSearchingHub },
            again: AppCommand::SearchHub(words.clone()),
        };
        if !slot_ui(ui, theme, &ctx.answers.hub_search, actions, sender)
            && let Some(found) = &ctx.answers.hub_search.value
        {
            found_ui(ui, ctx, state, (words, found), sender);
        }
    });
}

fn host(models: &FetchSettings) -> &str {
    let address = models.endpoints.hub.split_once("://").map_or(&*models.endpoints.hub, |(_, rest)| rest);
    address.split('/').next().unwrap_or(address)
}

fn field_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut HubSearch, sender: &mut CommandSender) {
    let theme = ctx.theme;
    ui.horizontal(|ui| {
        let margin = vec2(theme.space.s, 7.0);
        let beside = search_width(ui) + ui.spacing().item_spacing.x;
        let width = (ui.available_width() - beside).floor().max(120.0);
        let hint = format!("{}  {FIELD}", icons::MAGNIFYING_GLASS);
        let field = TextEdit::singleline(&mut state.text).id_salt("hub").hint_text(hint).desired_width(width);
        let field = ui.add(field.margin(margin)).accessible_name(FIELD);
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let words = state.text.trim();
        let search = button_if(ui, theme, !words.is_empty(), icons::MAGNIFYING_GLASS, "Search");
        let search = search.on_disabled_hover_text("Type a part of a model's name first").clicked();
        if (entered || search) && !words.is_empty() {
            sender.send(AppCommand::SearchHub(words.to_owned()));
        }
    });
}

/// Width of the button beside the field.
fn search_width(ui: &Ui) -> f32 {
    let text = RichText::new(format!("{}  Search", icons::MAGNIFYING_GLASS));
    let text = egui::WidgetText::from(text);
    let text = text.into_galley(ui, Some(egui::TextWrapMode::Extend), f32::INFINITY, egui::TextStyle::Button);
    text.size().x + 2.0 * ui.spacing().button_padding.x
}

fn found_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut HubSearch,
    (words, found): (&str, &[HubListing]),
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let title = match found.len() {
        0 => format!("No model on the Hub has \"{words}\" in its name. Check the spelling, or paste owner/name"),
        models => {
            format!("{} for \"{words}\". Those that Hone can train come first", counted(models, "model", "models"))
        }
    };
    ui.add(egui::Label::new(theme.muted(title)).wrap());
    ui.add_space(theme.space.xs);
    let shown = state.rows(words, found);
    for (place, listing) in shown.iter().enumerate() {
        if place > 0 {
            ui.separator();
        }
        ui.push_id(("model", place), |ui| row_ui(ui, ctx, listing, sender));
    }
    let others = found.len() - shown.len();
    if others > 0 {
        ui.add_space(theme.space.xs);
        let label = format!("Show {}", counted(others, "more model", "more models"));
        if button(ui, theme, icons::CARET_DOWN, &label).clicked() {
            state.all_of = Some(words.to_owned());
        }
    }
}

fn row_ui(ui: &mut Ui, ctx: &StepContext<'_>, listing: &HubListing, sender: &mut CommandSender) {
    let theme = ctx.theme;
    if is_narrow(ui) && ui.available_width() < 3.0 * BUTTON {
        facts_ui(ui, ctx, listing);
        use_ui(ui, ctx, listing, sender);
    } else {
        let gap = theme.space.m;
        let widths = [ui.available_width() - BUTTON - gap, BUTTON];
        let (size, layout) = (vec2(BUTTON, theme.size.control), Layout::top_down(Align::Max));
        columns(ui, gap, &widths, |ui, place| {
            if place == 0 {
                facts_ui(ui, ctx, listing);
            } else {
                ui.allocate_ui_with_layout(size, layout, |ui| use_ui(ui, ctx, listing, sender));
            }
        });
    }
    if ctx.answers.look_up.about(&listing.name).is_some() {
        look_up_ui(ui, ctx, (&listing.name, &listing.name.to_string()), sender);
    }
}

/// Name, architecture, size, licence, downloads, and whether Hone can train it.
fn facts_ui(ui: &mut Ui, ctx: &StepContext<'_>, listing: &HubListing) {
    let theme = ctx.theme;
    ui.spacing_mut().item_spacing.y = theme.space.xs;
    ui.add(egui::Label::new(theme.strong(listing.name.to_string())).wrap());
    ui.add(egui::Label::new(theme.small(facts_of(listing))).wrap());
    ui.horizontal_wrapped(|ui| {
        match &listing.untrainable {
            None => badge(ui, theme, Tone::Success, icons::CHECK_CIRCLE, "Hone can train it"),
            Some(why) => badge(ui, theme, Tone::Warning, icons::WARNING, &why.in_short())
                .on_hover_text(format!("Hone cannot train it: {why}")),
        };
        if listing.gated {
            let hover = "Its authors want you to accept their terms on its page first. You also need an access token in HF_TOKEN";
            badge(ui, theme, Tone::Neutral, icons::INFO, "Gated").on_hover_text(hover);
        }
    });
}

fn facts_of(listing: &HubListing) -> String {
    let architecture = listing.architecture.as_deref().unwrap_or("no architecture named").to_owned();
    let parameters = listing.parameters.map(|number| format!("{} parameters", parameters(number)));
    let size = listing.bytes.map_or_else(|| "size unknown".to_owned(), bytes);
    let licence = listing.licence.as_deref().unwrap_or("no licence named").to_owned();
    let downloads = listing.downloads.map(|number| format!("{} downloads a month", count(number)));
    facts([Some(architecture), parameters, Some(size), Some(licence), downloads])
}

fn use_ui(ui: &mut Ui, ctx: &StepContext<'_>, listing: &HubListing, sender: &mut CommandSender) {
    let theme = ctx.theme;
    // The project is pinned to a commit, which may not be that of a named revision.
    let is_chosen = !listing.name.has_revision()
        && matches!(&ctx.project.model, ModelChoice::Hub(model) if model.repo == listing.name.repo());
    if is_chosen {
        chosen_ui(ui, ctx, sender);
        return;
    }
    let can_train = listing.untrainable.is_none();
    let choose = button_if(ui, theme, can_train && !ctx.answers.look_up.is_running(), "", "Use this model");
    let choose = choose.accessible_name(format!("Use {}", listing.name)).on_hover_text(
        "Hone looks it up, and pins the project to the files as they are now. You download it afterwards",
    );
    let why = if can_train { "Another model is being looked up" } else { "Hone cannot train it" };
    if choose.on_disabled_hover_text(why).clicked() {
        sender.send(AppCommand::UseHubModel(listing.name.clone()));
    }
}

/// Says that the model is chosen, with a button that downloads it.
fn chosen_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    ui.label(RichText::new(format!("{} Chosen", icons::CHECK)).color(theme.ink(Tone::Success)));
    if ctx.model_folder.is_some() {
        return;
    }
    let download = button_if(ui, theme, !ctx.answers.fetch.is_running(), icons::DOWNLOAD_SIMPLE, "Download");
    // The card of the model has a button of the same name.
    let download = download.accessible_name("Download the chosen model");
    let download = download.on_hover_text("Download the model once. Training needs no network");
    if download.on_disabled_hover_text("A download is running").clicked() {
        sender.send(AppCommand::FetchModel(ctx.project.model.clone()));
    }
}
