//! How a page uses its width: columns, rows of cards of one height, and which part of it scrolls.

use egui::{Id, Rect, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};

use crate::app::theme::Theme;

/// Whether there is too little width for two cards side by side.
#[must_use]
pub fn is_narrow(ui: &Ui) -> bool {
    ui.available_width() < 640.0
}

/// Whether there is enough width to show a list and what is chosen in it beside each other.
#[must_use]
pub fn is_wide(ui: &Ui, theme: &Theme) -> bool {
    ui.ctx().content_rect().width() >= theme.size.wide
}

/// Draws in a row, or in a column if a row does not fit.
pub fn row_or_column<R>(ui: &mut Ui, narrow: bool, contents: impl FnOnce(&mut Ui) -> R) -> R {
    if narrow { ui.vertical(contents).inner } else { ui.horizontal_top(contents).inner }
}

/// Draws columns of these widths beside each other, and returns their heights. Whatever one holds, the others stay in place.
pub fn columns(ui: &mut Ui, gap: f32, widths: &[f32], mut draw: impl FnMut(&mut Ui, usize)) -> Vec<f32> {
    let start = ui.cursor().min;
    let bottom = ui.max_rect().bottom().max(start.y);
    let mut left = start.x;
    let mut heights = Vec::with_capacity(widths.len());
    for (place, &width) in widths.iter().enumerate() {
        let rect = Rect::from_min_max(pos2(left, start.y), pos2(left + width, bottom));
        let layout = egui::Layout::top_down(egui::Align::Min);
        let mut column = ui.new_child(UiBuilder::new().id_salt(("column", place)).max_rect(rect).layout(layout));
        draw(&mut column, place);
        // With the space that a card leaves below itself.
        let end = column.cursor().top() - column.spacing().item_spacing.y;
        heights.push((end - start.y).max(column.min_rect().height()));
        left += width + gap;
    }
    let tallest = heights.iter().copied().fold(0.0, f32::max);
    ui.allocate_rect(Rect::from_min_size(start, vec2((left - gap - start.x).max(0.0), tallest)), Sense::hover());
    heights
}

/// The heights that cards have of themselves, as measured in the last frame.
#[derive(Clone, Debug, Default, PartialEq)]
struct Heights {
    width: f32,
    cards: Vec<f32>,
}

impl Heights {
    fn of(ui: &Ui, id: Id) -> Self {
        let width = ui.available_width();
        let known: Self = ui.data(|data| data.get_temp(id)).unwrap_or_default();
        if (known.width - width).abs() < 0.5 { known } else { Self { width, cards: Vec::new() } }
    }

    /// How much a card is lower than the tallest of its row.
    fn spare(&self, row: std::ops::Range<usize>, card: usize) -> f32 {
        let tallest = self.cards.get(row).unwrap_or_default().iter().copied().fold(0.0, f32::max);
        self.cards.get(card).map_or(0.0, |height| (tallest - height).max(0.0))
    }

    /// Keeps the heights, and draws the frame again if they changed.
    fn keep(self, ui: &Ui, id: Id, cards: Vec<f32>) {
        let same = self.cards.len() == cards.len() && self.cards.iter().zip(&cards).all(|(a, b)| (a - b).abs() < 0.5);
        if same {
            return;
        }
        ui.data_mut(|data| data.insert_temp(id, Self { cards, ..self }));
        ui.ctx().request_discard("cards of one row have one height");
    }
}

/// Draws cards in rows of equal height. `draw` gets the card's number and how many points it must add to be as tall as the
/// others of its row.
pub fn card_grid(
    ui: &mut Ui,
    theme: &Theme,
    salt: &str,
    (across, count): (usize, usize),
    mut draw: impl FnMut(&mut Ui, usize, f32),
) {
    let (gap, id) = (theme.space.m, ui.scope_id().with(salt));
    let known = Heights::of(ui, id);
    let width = (ui.available_width() - gap * (across as f32 - 1.0)) / across as f32;
    let mut heights = Vec::with_capacity(count);
    for first in (0..count).step_by(across.max(1)) {
        let row = first..(first + across).min(count);
        let spares: Vec<f32> = row.clone().map(|card| known.spare(row.clone(), card)).collect();
        let drawn = ui.push_id(first, |ui| {
            columns(ui, gap, &vec![width; row.len()], |ui, place| draw(ui, first + place, spares[place]))
        });
        heights.extend(drawn.inner.iter().zip(&spares).map(|(height, spare)| height - spare));
        // A card leaves space below itself, and egui adds as much to it, and to the row.
        ui.add_space(gap - 3.0 * theme.space.s);
    }
    known.keep(ui, id, heights);
}

/// How many of `count` cards go in a row: as many as fit, or down to half of that where it leaves fewer holes in the last row.
#[must_use]
pub fn cards_across(ui: &Ui, gap: f32, least: f32, count: usize) -> usize {
    let fit = ((ui.available_width() + gap) / (least + gap)).floor().max(1.0) as usize;
    fewest_holes(fit, count)
}

fn fewest_holes(fit: usize, count: usize) -> usize {
    let most = fit.min(count.max(1));
    let holes = |across: usize| count.next_multiple_of(across) - count;
    (most.div_ceil(2).max(2)..=most).rev().min_by_key(|across| holes(*across)).unwrap_or(most)
}

/// Two cards side by side, as tall as each other, or one below the other if there is too little width. `share` is the share
/// of the width that the left one gets. Each gets the number of points it must add to be as tall as the other.
pub fn side_by_side<S>(
    ui: &mut Ui,
    theme: &Theme,
    (salt, share): (&str, f32),
    state: &mut S,
    mut left: impl FnMut(&mut Ui, &mut S, f32),
    mut right: impl FnMut(&mut Ui, &mut S, f32),
) {
    if is_narrow(ui) {
        left(ui, state, 0.0);
        right(ui, state, 0.0);
        return;
    }
    let (gap, id) = (theme.space.m, ui.scope_id().with(salt));
    let known = Heights::of(ui, id);
    let room = ui.available_width() - gap;
    let spares = [known.spare(0..2, 0), known.spare(0..2, 1)];
    let drawn = columns(ui, gap, &[room * share, room * (1.0 - share)], |ui, place| match place {
        0 => left(ui, state, spares[0]),
        _ => right(ui, state, spares[1]),
    });
    known.keep(ui, id, drawn.iter().zip(spares).map(|(height, spare)| height - spare).collect());
}

/// Begins a new row, where rows wrap, if a widget of this width no longer fits on this one. Widgets that are made of others do
/// not wrap by themselves.
pub fn make_room(ui: &mut Ui, width: f32) {
    if ui.layout().main_wrap() && ui.available_size_before_wrap().x < width {
        ui.end_row();
    }
}

/// Makes a card's contents higher by some points, so that it is as high as its neighbours.
pub fn fill(ui: &mut Ui, spare: f32) {
    let end = ui.min_rect().left_bottom();
    ui.expand_to_include_rect(Rect::from_min_max(end, end + vec2(0.0, spare)));
}

/// What a page says about its scrolling to what is in it.
#[derive(Clone, Copy, Debug, Default)]
struct PageScroll {
    /// There is more below.
    goes_on: bool,
    /// The height of what can be seen.
    height: f32,
    /// Where it can be seen.
    #[cfg(test)]
    rect: Option<Rect>,
}

const PAGE: &str = "scrolling of the page";

const TOP: &str = "the page begins at its top";

/// Lets the next page that is drawn begin at its top, wherever it was scrolled to when it was last shown.
pub fn begin_at_top(ctx: &egui::Context) {
    ctx.data_mut(|data| data.insert_temp(Id::unique(TOP), true));
}

/// Scrolls the contents of a page, and keeps for them how far it goes on.
pub fn page_scroll<R>(ui: &mut Ui, salt: impl egui::AsIdSalt, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let height = ui.available_height();
    let goes_on = page_goes_on(ui.ctx());
    let page = PageScroll {
        goes_on,
        height,
        #[cfg(test)]
        rect: None,
    };
    ui.data_mut(|data| data.insert_temp(Id::unique(PAGE), page));
    let mut area = ScrollArea::vertical().id_salt(salt).auto_shrink([false, false]);
    if ui.data_mut(|data| data.remove_temp::<bool>(Id::unique(TOP))).is_some() {
        area = area.vertical_scroll_offset(0.0);
    }
    let shown = area.show(ui, contents);
    let goes_on = shown.content_size.y - shown.state.clamped_offset().y - shown.inner_rect.height() > 1.0;
    #[cfg(test)]
    let page = PageScroll { rect: Some(shown.inner_rect), ..page };
    ui.data_mut(|data| data.insert_temp(Id::unique(PAGE), PageScroll { goes_on, ..page }));
    shown.inner
}

/// Whether there is more of the page below what can be seen.
#[must_use]
pub fn page_goes_on(ctx: &egui::Context) -> bool {
    ctx.data(|data| data.get_temp::<PageScroll>(Id::unique(PAGE))).is_some_and(|page| page.goes_on)
}

/// Where the page can be seen.
#[cfg(test)]
pub fn page_rect(ctx: &egui::Context) -> Option<Rect> {
    ctx.data(|data| data.get_temp::<PageScroll>(Id::unique(PAGE)))?.rect
}

/// The height of the page that can be seen.
#[must_use]
pub fn page_height(ui: &Ui) -> f32 {
    ui.data(|data| data.get_temp::<PageScroll>(Id::unique(PAGE))).map_or(0.0, |page| page.height)
}

/// Draws the list or table at the end of a page. The wheel first scrolls the page to its end, and then the list, as if they
/// were one.
pub fn after_page<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let turned = ui.input(|input| input.smooth_scroll_delta.y);
    let goes_on = page_goes_on(ui.ctx());
    if turned >= 0.0 || !goes_on {
        return contents(ui);
    }
    ui.input_mut(|input| input.smooth_scroll_delta.y = 0.0);
    let drawn = contents(ui);
    ui.input_mut(|input| input.smooth_scroll_delta.y += turned);
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_fill_their_rows() {
        let across = [(1, 5, 1), (2, 5, 2), (4, 5, 3), (4, 6, 3), (4, 7, 4), (5, 6, 3), (4, 3, 3), (3, 0, 1)];
        for (fit, count, expected) in across {
            assert_eq!(fewest_holes(fit, count), expected, "{count} cards where {fit} fit");
        }
    }
}
