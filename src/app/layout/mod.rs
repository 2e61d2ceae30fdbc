//! Whether every page fits: at the usual sizes of a screen, with text at its normal, one and a half and double size, in both
//! themes. Nothing is rendered: a frame is laid out, and the rectangles of its texts and widgets are compared.

pub(super) mod check;

use egui::accesskit::Role;
use egui::{Event, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, pos2, vec2};
use egui_kittest::kittest::Queryable;

use crate::app::commands::UserCommand;
use crate::app::layout::check::faults;
use crate::app::messages::{AppCommand, Edit};
use crate::app::pictures::trained;
use crate::app::shell::Notices;
use crate::app::testing::{Window, hone, picture, settle};
use crate::app::view::View;
use crate::app::widgets::{page_goes_on, page_rect};
use crate::project::Step;
use crate::storage::ThemeChoice;

/// Sizes of the window in pixels.
const SIZES: [[f32; 2]; 6] =
    [[800.0, 600.0], [1024.0, 640.0], [1280.0, 800.0], [1920.0, 1080.0], [2560.0, 1440.0], [3840.0, 2160.0]];
/// Sizes of the text.
const ZOOMS: [f32; 3] = [1.0, 1.5, 2.0];
/// Height that shows a whole page, in points.
const WHOLE: f32 = 6_000.0;

fn pages() -> Vec<View> {
    View::ALL.to_vec()
}

fn show(window: &mut Window, page: View) {
    hone(window).run_command(match page {
        View::Step(step) => AppCommand::GoTo(step),
        View::TryIt => AppCommand::User(UserCommand::TryIt),
        View::Runs => AppCommand::User(UserCommand::Runs),
        View::Studies => AppCommand::User(UserCommand::Studies),
    });
    settle(window);
}

/// Changes the size of the window, and lays it out until nothing moves any more.
fn resize(window: &mut Window, width: f32, height: f32) {
    window.set_size(vec2(width, height));
    window.run_steps(3);
}

/// Lays out every page at every size, and describes everything that does not fit, with the number of layouts.
fn misfits(window: &mut Window) -> (Vec<String>, usize) {
    let (mut found, mut layouts) = (Vec::new(), 0);
    for page in pages() {
        show(window, page);
        for zoom in ZOOMS {
            for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
                let app = hone(window);
                (app.state.settings.zoom, app.state.settings.theme) = (zoom, theme);
                app.apply_settings();
                app.notices = Notices::default();
                window.run_steps(2);
                for [width, height] in SIZES {
                    layouts += 1;
                    resize(window, width / zoom, height / zoom);
                    let mut all = faults(window);
                    resize(window, width / zoom, WHOLE);
                    all.extend(faults(window));
                    all.sort();
                    all.dedup();
                    let place = format!("{} at {width} x {height}, {}%", page.title(), zoom * 100.0);
                    found.extend(all.into_iter().map(|fault| format!("{place}, {theme:?}: {fault}")));
                }
            }
        }
    }
    (found, layouts)
}

#[test]
fn every_page_fits_at_every_size_in_both_themes() {
    let (mut window, _folder) = trained();
    let (found, layouts) = misfits(&mut window);
    assert_eq!(layouts, 11 * 6 * 3 * 2, "pages x sizes x sizes of the text x themes");
    assert!(found.is_empty(), "{} misfits in {layouts} layouts:\n{}", found.len(), found.join("\n"));
}

#[test]
fn review_shows_all_bars_and_its_buttons_without_scrolling() {
    let (mut window, _folder) = trained();
    // A line at the top says that settings have changed.
    let mut training = hone(&mut window).project().training.clone();
    training.epochs += 1;
    hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
    show(&mut window, View::Step(Step::Review));
    hone(&mut window).notices = Notices::default();
    for [width, height] in [[800.0, 600.0], [1024.0, 640.0], [1280.0, 800.0], [1920.0, 1080.0]] {
        resize(&mut window, width, height);
        picture(&format!("review-{width}"), &mut window);
        window.get_by_label("1 change since this run");
        let page = page_rect(&window.ctx).unwrap();
        let mut wanted: Vec<_> =
            ["Keep (Space)", "Exclude (X)", "Undo (U)"].map(|name| window.get_by_label(name)).into();
        if width > 1000.0 {
            let labels = ["negative: ", "neutral: ", "positive: "];
            wanted.extend(labels.map(|label| {
                window.get_by(move |node| {
                    node.role() == Role::ProgressIndicator && node.label().is_some_and(|name| name.starts_with(label))
                })
            }));
        }
        for node in wanted {
            assert!(page.contains_rect(node.rect()), "{node:?} at {width} x {height} is not in {page:?}");
        }
        assert_eq!(faults(&window), Vec::<String>::new());
    }
}

/// Turns the wheel over a point until nothing moves, for at most `turns` frames.
fn turn_wheel(window: &mut Window, at: egui::Pos2, turns: usize) {
    for _ in 0..turns {
        window.event(Event::PointerMoved(at));
        window.event(Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: vec2(0.0, -120.0),
            phase: TouchPhase::Move,
            source: MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        });
        window.step();
    }
    window.run_steps(20);
}

#[test]
fn the_wheel_reaches_the_end_of_every_page_wherever_the_pointer_is() {
    let (mut window, _folder) = trained();
    // A notification over the page takes the wheel.
    hone(&mut window).notices = Notices::default();
    let mut stuck = Vec::new();
    for [width, height] in [[800.0, 600.0], [1280.0, 800.0]] {
        resize(&mut window, width, height);
        for page in pages() {
            for (across, down) in [(0.35, 0.5), (0.6, 0.4), (0.85, 0.7)] {
                // A taller window in between, so that the page begins at its top again.
                show(&mut window, page);
                resize(&mut window, width, WHOLE);
                resize(&mut window, width, height);
                turn_wheel(&mut window, pos2(width * across, height * down), 120);
                if page_goes_on(&window.ctx) {
                    let place = format!("pointer at {across} x {down} of {width} x {height}");
                    stuck.push(format!("{}: the wheel does not reach the end, {place}", page.title()));
                }
            }
        }
    }
    assert!(stuck.is_empty(), "{}", stuck.join("\n"));
}
