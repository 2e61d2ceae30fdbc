//! Filters and sorting of the rows, and the query they make for the worker.

use std::sync::Arc;

use egui::{ComboBox, DragValue, Response, RichText, TextEdit, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::labels::label_list::{DRAWN, more_labels};
use crate::app::theme::icons;
use crate::app::widgets::{button, make_room, number_field};
use crate::data::{RowQuery, RowSet, Side, Sort, Within};
use crate::project::RowId;
use crate::words::{counted, one_line};
use crate::worker::RowSource;

/// Width of a menu.
const CHOICE: f32 = 190.0;
/// Width of what is beside the search box.
const BESIDE: f32 = 372.0;
/// Most characters shown of a value in a menu.
const SHOWN: usize = 40;

/// The filters and the sorting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFilters {
    /// A list of rows from elsewhere, such as those of a finding.
    pub listed: Option<ListedRows>,
    /// The set of rows.
    pub set: RowSet,
    /// The search words.
    pub words: String,
    regex: bool,
    match_case: bool,
    within: Within,
    label: Option<u32>,
    side: Option<Side>,
    shortest: u32,
    /// Most words; 0 is no limit.
    longest: u32,
    /// The column shown next to the texts.
    pub column: Option<String>,
    value: String,
    /// Only rows with no value in the column.
    missing: bool,
    /// The sorting.
    pub sort: Sort,
}

/// A named list of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRows {
    /// Their name, for example the title of a finding.
    pub name: String,
    /// The rows.
    pub rows: Arc<Vec<RowId>>,
}

impl RowFilters {
    /// Filters that show only these rows.
    #[must_use]
    pub fn listed(name: &str, rows: &[RowId]) -> Self {
        let listed = ListedRows { name: name.to_owned(), rows: Arc::new(rows.to_vec()) };
        Self { set: RowSet::Listed, listed: Some(listed), ..Self::default() }
    }

    /// Filters that show only rows with this word.
    #[must_use]
    pub fn word(word: &str) -> Self {
        Self { words: word.to_owned(), ..Self::default() }
    }

    /// Filters that show all rows with no value in a column, excluded rows too.
    #[must_use]
    pub fn missing(column: &str) -> Self {
        Self { set: RowSet::All, column: Some(column.to_owned()), missing: true, ..Self::default() }
    }

    /// The query for the worker.
    #[must_use]
    pub fn query(&self) -> RowQuery {
        // White space around a pattern may be intended.
        let words = if self.regex { self.words.as_str() } else { self.words.trim() };
        let value = self.column.as_ref().filter(|_| self.missing || !self.value.trim().is_empty()).map(|column| {
            let value = if self.missing { "" } else { self.value.trim() };
            (column.clone(), value.to_owned())
        });
        let searched = !words.is_empty();
        let listed = self.listed.as_ref().filter(|_| self.set == RowSet::Listed);
        RowQuery {
            set: self.set,
            listed: listed.map(|listed| Arc::clone(&listed.rows)).unwrap_or_default(),
            within: if searched { self.within.clone() } else { Within::Text },
            words: words.to_owned(),
            regex: self.regex && searched,
            match_case: self.match_case && searched,
            label: self.label,
            side: self.side,
            shortest: (self.shortest > 0).then_some(self.shortest),
            longest: (self.longest > 0).then_some(self.longest),
            value,
            sort: self.sort.clone(),
        }
    }

    /// Whether no filter is set.
    #[must_use]
    fn are_open(&self) -> bool {
        RowQuery { sort: Sort::default(), set: RowSet::default(), ..self.query() } == RowQuery::default()
    }

    /// Drops filters on labels and columns that no longer exist.
    pub fn settle(&mut self, source: &RowSource) {
        let names = &source.imported.main.table.names;
        self.label = self.label.filter(|&label| (label as usize) < source.prepared.labels.len());
        self.column = self.column.take().filter(|column| names.contains(column));
        if matches!(&self.within, Within::Column(column) if !names.contains(column)) {
            self.within = Within::Text;
        }
        if matches!(&self.sort.by, crate::data::SortBy::Column(column) if !names.contains(column)) {
            self.sort = Sort::default();
        }
    }
}

/// Draws the search box and its options, followed by `shown`, the number of rows.
pub fn search_ui(ui: &mut Ui, ctx: &StepContext<'_>, source: &RowSource, filters: &mut RowFilters, shown: &str) {
    let theme = ctx.theme;
    ui.horizontal_wrapped(|ui| {
        let hint = match &filters.within {
            Within::Text => format!("{}  Search the texts", icons::MAGNIFYING_GLASS),
            Within::Column(column) => format!("{}  Search in {column}", icons::MAGNIFYING_GLASS),
            Within::AnyColumn => format!("{}  Search in all columns", icons::MAGNIFYING_GLASS),
        };
        let width = (ui.available_width() - BESIDE).clamp(140.0, 320.0);
        let edit = TextEdit::singleline(&mut filters.words).id_salt("words").hint_text(hint).desired_width(width);
        ui.add(edit.margin(egui::vec2(theme.space.s, 7.0))).accessible_name("Search the texts");
        ui.toggle_value(&mut filters.match_case, RichText::new(icons::TEXT_AA))
            .on_hover_text("Match case: US finds US but not us")
            .accessible_name("Match case");
        ui.toggle_value(&mut filters.regex, ".*")
            .on_hover_text(
                "Regular expression: late|delay finds either word, \\d+ finds numbers, ^@ finds texts that start with @",
            )
            .accessible_name("Regular expression");
        let within = match &filters.within {
            Within::Text => "in the text".to_owned(),
            Within::Column(column) => format!("in {}", one_line(column, SHOWN)),
            Within::AnyColumn => "in all columns".to_owned(),
        };
        make_room(ui, CHOICE);
        let combo = ComboBox::from_id_salt("within").selected_text(within).show_ui(ui, |ui| {
            ui.selectable_value(&mut filters.within, Within::Text, "in the text");
            ui.selectable_value(&mut filters.within, Within::AnyColumn, "in all columns");
            for column in &source.imported.main.table.names {
                let text = format!("in {}", one_line(column, SHOWN));
                ui.selectable_value(&mut filters.within, Within::Column(column.clone()), text);
            }
        });
        combo
            .response
            .accessible_name("Where to search")
            .on_hover_text("Columns are searched as they are in the file, before cleaning");
        // As high as the others, also on a line of its own.
        let margin = egui::Margin::symmetric(0, 6);
        egui::Frame::NONE.inner_margin(margin).show(ui, |ui| ui.label(theme.small(shown)));
    });
}

/// Draws the other filters.
pub fn filters_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    source: &RowSource,
    filters: &mut RowFilters,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    ui.horizontal_wrapped(|ui| {
        let labels = &source.prepared.labels;
        let name = |label: u32| labels.get(label as usize).map_or("?", String::as_str);
        let text = filters.label.map_or("All labels", name);
        make_room(ui, CHOICE);
        let combo = ComboBox::from_id_salt("label filter").selected_text(text).show_ui(ui, |ui| {
            ui.selectable_value(&mut filters.label, None, "All labels");
            for (label, name) in labels.iter().enumerate().take(DRAWN) {
                ui.selectable_value(&mut filters.label, Some(label as u32), name);
            }
            more_labels(ui, theme, labels);
        });
        combo.response.accessible_name("Filter by label");
        side_ui(ui, source, filters);
        let hover = "Number of words in the text. Drag, or click and type a number; 0 means no limit";
        for (value, name, prefix) in [
            (&mut filters.shortest, "Minimum words", "min words: "),
            (&mut filters.longest, "Maximum words", "max words: "),
        ] {
            number_field(ui, name, words(value, prefix)).on_hover_text(hover).accessible_name(name);
        }
        column_ui(ui, ctx, source, filters, sender);
        if !filters.are_open() && button(ui, theme, icons::X, "Clear filters").on_hover_text("Show all rows").clicked()
        {
            *filters = RowFilters { set: filters.set, sort: filters.sort.clone(), ..RowFilters::default() };
        }
    });
}

fn words<'a>(value: &'a mut u32, prefix: &str) -> DragValue<'a> {
    DragValue::new(value)
        .range(0..=1_000_000)
        .speed(0.5)
        .prefix(prefix.to_owned())
        .custom_formatter(|value, _| if value < 1.0 { "any".to_owned() } else { format!("{value:.0}") })
        .custom_parser(|text| if text.trim() == "any" { Some(0.0) } else { text.trim().parse().ok() })
}

fn side_ui(ui: &mut Ui, source: &RowSource, filters: &mut RowFilters) {
    let name = |side| match side {
        None => "All splits",
        Some(Side::Train) => "Training",
        Some(Side::Validation) => "Validation",
        Some(Side::Test) => "Test",
    };
    let sides = Side::ALL;
    make_room(ui, CHOICE);
    let combo = ComboBox::from_id_salt("side filter").selected_text(name(filters.side)).show_ui(ui, |ui| {
        ui.selectable_value(&mut filters.side, None, name(None));
        for (side, rows) in sides.into_iter().zip(source.survey.sides) {
            ui.add_enabled_ui(rows > 0, |ui| ui.selectable_value(&mut filters.side, Some(side), name(Some(side))));
        }
    });
    combo
        .response
        .accessible_name("Filter by split")
        .on_hover_text("Training, validation or test set, as split in Prepare");
}

/// A menu of columns to show, and a value to filter by.
fn column_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    source: &RowSource,
    filters: &mut RowFilters,
    sender: &mut CommandSender,
) {
    let text = filters.column.as_deref().map_or("Any column".to_owned(), |column| one_line(column, SHOWN));
    let before = filters.column.clone();
    make_room(ui, CHOICE);
    let combo = ComboBox::from_id_salt("column filter").selected_text(text).show_ui(ui, |ui| {
        ui.selectable_value(&mut filters.column, None, "Any column");
        for column in &source.imported.main.table.names {
            ui.selectable_value(&mut filters.column, Some(column.clone()), one_line(column, SHOWN));
        }
    });
    combo
        .response
        .accessible_name("Column to filter by")
        .on_hover_text("Show this column next to the text, and filter or sort by it");
    if filters.column != before {
        (filters.value, filters.missing) = (String::new(), false);
    }
    let Some(column) = filters.column.clone() else { return };
    let values = ctx.answers.values.about(&column);
    if values.is_none() {
        sender.send(AppCommand::CountValues(column));
    }
    let hint = if filters.missing { "no value" } else { "any value" };
    let edit = TextEdit::singleline(&mut filters.value).id_salt("value").hint_text(hint).desired_width(110.0);
    let typed = ui.add(edit.margin(egui::vec2(ctx.theme.space.s, 7.0))).accessible_name("Value in the column");
    if typed.changed() {
        filters.missing = false;
    }
    let popup: Response = ui
        .menu_button(icons::CARET_DOWN, |ui| {
            egui::ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
                if ui.selectable_label(filters.value.is_empty() && !filters.missing, "Any value").clicked() {
                    (filters.value, filters.missing) = (String::new(), false);
                    ui.close();
                }
                for (value, rows) in values.and_then(|values| values.value.as_ref()).into_iter().flatten() {
                    let name = if value.is_empty() { "No value".to_owned() } else { one_line(value, SHOWN) };
                    let text = format!("{name}  ·  {}", counted(*rows as u64, "row", "rows"));
                    if ui
                        .selectable_label(filters.value == *value && filters.missing == value.is_empty(), text)
                        .clicked()
                    {
                        (filters.value, filters.missing) = (value.clone(), value.is_empty());
                        ui.close();
                    }
                }
            });
        })
        .response;
    popup.accessible_name("Most frequent values").on_hover_text("The most frequent values of the column");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_become_a_query() {
        let filters = RowFilters::default();
        assert!(filters.are_open() && filters.query() == RowQuery::default());
        let missing = RowFilters::missing("day").query();
        assert_eq!((missing.set, missing.value), (RowSet::All, Some(("day".to_owned(), String::new()))));
        let plain = RowFilters { words: " late ".to_owned(), longest: 9, ..RowFilters::default() };
        assert_eq!((plain.query().words.as_str(), plain.query().longest), ("late", Some(9)));
        let pattern = RowFilters { regex: true, ..plain };
        assert_eq!(pattern.query().words, " late ");
        // Showing a column without a value does not filter.
        assert!(RowFilters { column: Some("day".to_owned()), ..RowFilters::default() }.are_open());
    }
}
