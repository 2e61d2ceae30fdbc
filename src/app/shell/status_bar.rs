//! The status bar: device, memory, current work, notifications and network traffic.

use std::time::{Duration, Instant};

use egui::{ProgressBar, RichText, Ui};

use crate::fetch::bytes_transferred;
use crate::models::Compute;

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::spinner;
use crate::words::bytes;

/// Least width of a title that is cut.
const LEAST: f32 = 80.0;
/// Width of the bar of the current work.
const BAR: f32 = 120.0;
/// How often memory is measured.
const EVERY: Duration = Duration::from_secs(2);

/// Memory used by this process.
pub struct MemoryMeter {
    /// `None` where the system does not report it.
    system: Option<sysinfo::System>,
    at: Option<Instant>,
    bytes: u64,
}

impl Default for MemoryMeter {
    fn default() -> Self {
        Self { system: sysinfo::System::new().ok(), at: None, bytes: 0 }
    }
}

impl MemoryMeter {
    /// Resident memory in bytes; measured at most every two seconds.
    pub fn bytes(&mut self) -> u64 {
        if self.at.is_none_or(|at| at.elapsed() > EVERY) {
            self.at = Some(Instant::now());
            if let (Some(system), Ok(pid)) = (&mut self.system, sysinfo::get_current_pid()) {
                let only = sysinfo::ProcessesToUpdate::Some(&[pid]);
                let what = sysinfo::ProcessRefreshKind::nothing().with_memory();
                system.refresh_processes_specifics(only, false, what);
                self.bytes = system.process(pid).map_or(0, sysinfo::Process::memory);
            }
        }
        self.bytes
    }
}

/// Whether the project's changes are saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// All are.
    Yes,
    /// They will be in a moment.
    Soon,
    /// They can't be.
    No,
}

/// Draws the status bar. `memory` is in bytes; `notices` is the number of unread notifications.
pub fn status_bar_ui(
    ui: &mut Ui,
    theme: &Theme,
    project: Option<(&StepContext<'_>, Saved)>,
    memory: u64,
    notices: usize,
    sender: &mut CommandSender,
) {
    let ctx = project.map(|(ctx, _)| ctx);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = theme.space.l;
        item(ui, theme, icons::CPU, &device(ctx), "Device and number format used for training");
        item(ui, theme, icons::MEMORY, &bytes(memory), "Memory Hone is using now");
        if let Some((ctx, saved)) = project {
            saved_ui(ui, ctx, saved);
            activity(ui, ctx, room_beside(ui, theme, notices));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            network(ui, theme);
            let text = if notices == 0 { icons::BELL.to_owned() } else { format!("{} {notices}", icons::BELL) };
            let text = if notices == 0 { theme.small(text) } else { theme.small(text).color(theme.palette.accent) };
            let button = egui::Button::new(text).frame_when_inactive(false).small();
            let response = ui.add(button).accessible_name(format!("Notifications, {notices} unread"));
            if response.on_hover_text(UserCommand::Notifications.tooltip()).clicked() {
                sender.user(UserCommand::Notifications);
            }
        });
    });
}

/// Width left beside what is at the right end of the bar.
fn room_beside(ui: &Ui, theme: &Theme, notices: usize) -> f32 {
    let bell = if notices == 0 { icons::BELL.to_owned() } else { format!("{} {notices}", icons::BELL) };
    let network = format!("{} {}", icons::SHIELD_CHECK, sent().0);
    let taken: f32 = [bell, network].iter().map(|text| width(ui, theme, text) + theme.space.l).sum();
    // The button has a margin.
    ui.available_width() - taken - 2.0 * ui.spacing().button_padding.x
}

/// Width of a small text.
fn width(ui: &Ui, theme: &Theme, text: &str) -> f32 {
    ui.painter().layout_no_wrap(text.to_owned(), theme.font(theme.text.small), theme.palette.text).size().x
}

/// Says that changes are saved, since there is no button for it. A narrow window has the icon alone.
fn saved_ui(ui: &mut Ui, ctx: &StepContext<'_>, saved: Saved) {
    let theme = ctx.theme;
    let (icon, says, hover) = match saved {
        Saved::Yes => (icons::CHECK, "All changes saved", "Hone saves every change by itself, in"),
        Saved::Soon => (icons::FLOPPY_DISK, "Saving…", "Hone saves every change by itself, in"),
        Saved::No => (icons::WARNING, "Not saved", "The last changes couldn't be saved in"),
    };
    let hover = format!("{says}. {hover} {}", ctx.folder.display());
    let narrow = ui.ctx().content_rect().width() < theme.size.narrow;
    let text = if narrow { icon.to_owned() } else { format!("{icon} {says}") };
    ui.label(theme.small(text)).accessible_name(says).on_hover_text(hover);
}

fn device(ctx: Option<&StepContext<'_>>) -> String {
    let running = ctx.and_then(|ctx| ctx.live).filter(|live| live.is_going()).and_then(|live| live.start.as_ref());
    let chosen = || {
        let training = ctx.map(|ctx| (ctx.project.training.device, ctx.project.training.precision));
        let (device, precision) = training.unwrap_or_default();
        Compute::name(device, precision)
    };
    running.map_or_else(chosen, |start| start.device.clone())
}

/// How much was sent, and what to say about that on hover.
fn sent() -> (String, String) {
    let (received, sent) = bytes_transferred();
    let hover = format!(
        "{} sent and {} received since Hone started. Your data never leaves this machine: \
         Hone uses the network only to find and download models",
        amount(sent),
        amount(received)
    );
    (if sent == 0 { "Nothing sent".to_owned() } else { format!("{} sent", amount(sent)) }, hover)
}

/// Shows how much was sent, because nothing may leave this machine unless the person asks for it.
fn network(ui: &mut Ui, theme: &Theme) {
    let (text, hover) = sent();
    item(ui, theme, icons::SHIELD_CHECK, &text, &hover);
}

fn amount(count: u64) -> String {
    if count == 0 { "0 bytes".to_owned() } else { bytes(count) }
}

fn activity(ui: &mut Ui, ctx: &StepContext<'_>, room: f32) {
    let theme = ctx.theme;
    if let Some(live) = ctx.live.filter(|live| live.is_going()) {
        progress(ui, theme, (&live.stage(), room), live.share_done(), live.time_left());
    } else if let Some(fetch) = &ctx.answers.fetch.running {
        progress(ui, theme, ("Downloading", room), fetch.progress.fraction(), fetch.progress.time_left());
    } else if let Some(job) = ctx.job.or(ctx.preview) {
        progress(ui, theme, (job.title, room), job.progress.fraction(), job.progress.time_left());
    }
}

/// Draws a title and how far it is. In a narrow window the bar goes first, then the time left, and then the title is cut.
fn progress(ui: &mut Ui, theme: &Theme, (title, room): (&str, f32), share: Option<f32>, left: Option<String>) {
    let gap = theme.space.s;
    let percent = share.map(|fraction| format!("{:.0}%", fraction * 100.0));
    let mut rest = room - percent.as_ref().map_or(theme.text.small, |percent| width(ui, theme, percent)) - gap;
    if rest < 0.0 {
        return;
    }
    let named = width(ui, theme, title);
    let mut fits = |wanted: f32| {
        let fits = named + wanted + gap <= rest;
        rest -= if fits { wanted + gap } else { 0.0 };
        fits
    };
    let left = left.filter(|left| fits(width(ui, theme, left)));
    let has_bar = share.is_some() && fits(BAR);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        ui.scope(|ui| {
            if named > rest && rest < LEAST {
                return;
            }
            ui.set_max_width(rest);
            let title_text = RichText::new(title).size(theme.text.small).color(theme.palette.text);
            announce(&ui.add(egui::Label::new(title_text).truncate()), title, share);
        });
        if let Some(fraction) = share.filter(|_| has_bar) {
            let bar = ProgressBar::new(fraction).desired_width(BAR).desired_height(6.0).fill(theme.palette.accent);
            ui.add(bar).accessible_name(title);
        }
        match percent {
            Some(percent) => ui.label(theme.small(percent)),
            None => spinner(ui, theme.text.small, theme.palette.accent, title),
        };
        if let Some(left) = left {
            ui.label(theme.small(left));
        }
    });
}

/// Lets a screen reader say what is going on when it begins and after every tenth of it.
fn announce(response: &egui::Response, title: &str, fraction: Option<f32>) {
    let text =
        fraction.map_or_else(|| title.to_owned(), |done| format!("{title}, {:.0}%", (done * 10.0).floor() * 10.0));
    response.ctx.accesskit_node_builder(response.id, |node| {
        node.set_live(egui::accesskit::Live::Polite);
        node.set_label(text);
    });
}

fn item(ui: &mut Ui, theme: &Theme, icon: &str, text: &str, hover: &str) {
    ui.label(theme.small(format!("{icon} {text}"))).on_hover_text(hover);
}

#[cfg(test)]
mod tests {
    use crate::app::layout::check::faults;
    use crate::app::live_run::LiveRun;
    use crate::app::testing::{app, hone, picture, settle};
    use crate::progress::Progress;
    use crate::storage::ThemeChoice;

    #[test]
    fn the_work_in_the_bar_leaves_room_for_the_rest() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let stage = "Evaluating on the validation set".to_owned();
        let progress = Progress { stage, done: 3, total: Some(8), eta_seconds: Some(4_800.0), ..Progress::default() };
        let live = LiveRun { progress: Some(progress), ..LiveRun::default() };
        for (width, height) in [(1280.0, 800.0), (800.0, 600.0), (640.0, 400.0), (400.0, 300.0)] {
            window.set_size(egui::vec2(width, height));
            settle(&mut window);
            hone(&mut window).state.work.answers.live = Some(live.clone());
            window.run_steps(4);
            picture(&format!("status-{width}"), &mut window);
            assert_eq!(faults(&window), Vec::<String>::new(), "{width} x {height}");
            hone(&mut window).state.work.answers.live = None;
        }
    }
}
