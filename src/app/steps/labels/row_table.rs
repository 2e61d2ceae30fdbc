//! The table of rows. Only visible rows are laid out, however many there are.

use std::borrow::Cow;
use std::sync::{Arc, Weak};

use egui::{Align, Button, Label, RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::steps::labels::row_selection::{Selection, Shown};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{ColumnWidth, DataTable, TableColumn, TableRows, data_table_ui};
use crate::data::{Imported, RowNumber, RowView, Sort, SortBy};
use crate::project::{RowId, SourceFile};
use crate::words::{count, one_line};

/// Narrowest letter in points, to lay out no more letters than fit.
const LETTER: f32 = 3.0;
/// Characters of a text in the accessible name of its row.
const NAMED: usize = 120;
/// Width of a row number, and of a row number with its file.
const NUMBER: f32 = 84.0;
/// See [`NUMBER`].
const OF_FILE: f32 = 148.0;
/// Least width of the texts.
const TEXT: f32 = 200.0;
/// Narrowest table that shows the word count.
const ROOMY: f32 = 600.0;

/// What the table shows.
#[derive(Clone, Copy)]
pub struct TableView<'a> {
    /// All rows.
    pub rows: &'a RowView<'a>,
    /// The rows shown, in order.
    pub shown: Shown<'a>,
    /// A column of the file that is always shown, because the rows are filtered by it.
    pub column: Option<&'a str>,
    /// Height of the rows.
    pub height: f32,
}

/// What is in a column.
#[derive(Clone, Copy, Debug)]
enum Content {
    Number,
    Label,
    /// A column of the file, as it is there.
    File(usize),
    Words,
    Text,
}

impl Content {
    fn sort(self, rows: &RowView<'_>) -> SortBy {
        match self {
            Self::Number => SortBy::File,
            Self::Label => SortBy::Label,
            Self::File(column) => SortBy::Column(name_of(rows, column).to_owned()),
            Self::Words => SortBy::Length,
            Self::Text => SortBy::Text,
        }
    }
}

fn name_of<'a>(rows: &RowView<'a>, column: usize) -> &'a str {
    &rows.imported.main.table.names[column]
}

/// The columns, and what is in them: arranged anew only for other files, another column, or another width. A file may have
/// thousands of them.
#[derive(Debug, Default)]
pub struct RowTableColumns {
    files: Weak<Imported>,
    /// The column that is always shown.
    column: Option<String>,
    roomy: bool,
    columns: Vec<TableColumn<'static>>,
    contents: Vec<Content>,
}

impl RowTableColumns {
    fn refresh(&mut self, files: &Arc<Imported>, column: Option<&str>, roomy: bool) {
        let same = self.files.as_ptr() == Arc::as_ptr(files);
        if same && self.column.as_deref() == column && self.roomy == roomy {
            return;
        }
        let (columns, contents) = columns_of(files, column, roomy).into_iter().unzip();
        let (files, column) = (Arc::downgrade(files), column.map(str::to_owned));
        *self = Self { files, column, roomy, columns, contents };
    }
}

fn columns_of(files: &Imported, pinned: Option<&str>, roomy: bool) -> Vec<(TableColumn<'static>, Content)> {
    let points = ColumnWidth::Points;
    let narrow = points(if roomy { 130.0 } else { 100.0 });
    let number = points(if files.main.is_several() { OF_FILE } else { NUMBER });
    let mut columns = vec![
        (TableColumn::new("#row", "Row", number).pinned(), Content::Number),
        (TableColumn::new("#label", "Label", narrow), Content::Label),
    ];
    columns.extend(files.main.table.names.iter().enumerate().map(|(place, name)| {
        let (key, title) = (Cow::Owned(name.clone()), Cow::Owned(name.clone()));
        let pinned = pinned == Some(name);
        (TableColumn { key, title, width: narrow, shown: false, pinned }, Content::File(place))
    }));
    columns.push((TableColumn::new("#words", "Words", points(82.0)).shown(roomy), Content::Words));
    columns.push((TableColumn::new("#text", "Text", ColumnWidth::Rest(TEXT)).pinned(), Content::Text));
    columns
}

/// The rows, for the table that draws them.
struct LabelRows<'a> {
    theme: &'a Theme,
    view: TableView<'a>,
    contents: &'a [Content],
    sort: &'a mut Sort,
}

impl<'a> LabelRows<'a> {
    fn place(&self, row: usize) -> RowNumber {
        self.view.shown.get(row).unwrap_or_default()
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'a, str> {
        let (rows, place): (&'a RowView<'a>, _) = (self.view.rows, self.place(row));
        match self.contents[column] {
            Content::Number => Cow::Owned(rows.id(place).map(|id| row_name(rows, id)).unwrap_or_default()),
            Content::Label => Cow::Borrowed(rows.label(place)),
            Content::File(column) => {
                let name = name_of(rows, column);
                let value = rows.at(place).and_then(|(table, row)| Some(table.cell(table.column_index(name)?, row)));
                Cow::Borrowed(value.unwrap_or_default())
            }
            Content::Words => Cow::Owned(count(rows.words(place))),
            Content::Text => rows.text(place),
        }
    }
}

impl TableRows for LabelRows<'_> {
    fn name(&self, row: usize) -> String {
        let (rows, place) = (self.view.rows, self.place(row));
        let number = rows.id(place).map(|id| row_name(rows, id)).unwrap_or_default();
        format!("Row {number}, {}: {}", rows.label(place), one_line(&rows.text(place), NAMED))
    }

    fn text(&self, row: usize, column: usize) -> Cow<'_, str> {
        match self.contents[column] {
            // A spreadsheet would take "1,024" for a text, or for 1.024.
            Content::Words => Cow::Owned(self.view.rows.words(self.place(row)).to_string()),
            Content::Number if !self.view.rows.imported.main.is_several() => {
                Cow::Owned(self.cell(row, column).replace(',', ""))
            }
            _ => self.cell(row, column),
        }
    }

    fn header_ui(&mut self, ui: &mut Ui, column: usize) {
        let content = self.contents[column];
        let name = match content {
            Content::Number => "Row",
            Content::Label => "Label",
            Content::File(column) => name_of(self.view.rows, column),
            Content::Words => "Words",
            Content::Text => "Text",
        };
        head_ui(ui, self.theme, name, content.sort(self.view.rows), self.sort);
    }

    fn cell_ui(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let (text, theme) = (self.cell(row, column), self.theme);
        let letters = (ui.available_width().max(0.0) / LETTER) as usize;
        let shown = one_line(&text, letters);
        let left_out = self.view.rows.reason(self.place(row)).is_some();
        let text = match self.contents[column] {
            Content::Number | Content::Words => theme.small(shown),
            _ if left_out => theme.muted(shown),
            _ => RichText::new(shown).color(theme.palette.text),
        };
        // The details of a row show all of it; a tooltip would cover the next rows.
        ui.add(Label::new(text).selectable(false).truncate().show_tooltip_when_elided(false));
    }
}

/// Draws the table. A click on a column header sorts; a click on a row selects it.
pub fn table_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (view, files, known): (TableView<'_>, &Arc<Imported>, &mut RowTableColumns),
    (sort, selection): (&mut Sort, &mut Selection),
    sender: &mut CommandSender,
) {
    known.refresh(files, view.column, ui.available_width() >= ROOMY);
    let RowTableColumns { columns, contents, .. } = &*known;
    let scroll_to = selection
        .take_new_rows()
        .then(|| selection.row().and_then(|(nth, _)| nth).map_or((0, Some(Align::TOP)), |nth| (nth, None)));
    let (rows, height, layouts) = (view.shown.len(), view.height, ctx.tables);
    let table = DataTable { name: "Rows of the data", key: "rows", columns, rows, height, layouts, scroll_to };
    let mut shown = LabelRows { theme: ctx.theme, view, contents, sort };
    if data_table_ui(ui, ctx.theme, &table, &mut shown, selection.picked_mut(), sender) {
        selection.take(view.rows, view.shown);
    }
}

/// A column header. Clicks cycle through ascending, descending and unsorted.
fn head_ui(ui: &mut Ui, theme: &Theme, name: &str, by: SortBy, sort: &mut Sort) {
    let chosen = sort.by == by && (by != SortBy::File || sort.descending);
    let icon = match (chosen, sort.descending) {
        (false, _) => "",
        (true, false) => icons::ARROW_UP,
        (true, true) => icons::ARROW_DOWN,
    };
    let text = format!("{} {icon}", one_line(name, 40));
    // The name lines up with the texts of its column.
    ui.spacing_mut().button_padding.x = 0.0;
    let response = ui
        .add(Button::new(theme.small(text)).frame(false).truncate())
        .on_hover_text(format!("Sort by {}", if by == SortBy::File { "position in the file" } else { name }))
        .accessible_name(format!("Sort by {name}"));
    if response.clicked() {
        *sort = match (sort.by == by, sort.descending) {
            (true, false) => Sort { by, descending: true },
            (true, true) => Sort::default(),
            (false, _) => Sort { by, descending: false },
        };
    }
}

/// Short name of a row: `12`, or `3 of march.csv` when there are several files.
#[must_use]
pub fn row_name(rows: &RowView, id: RowId) -> String {
    let record = count(id.record);
    let main = &rows.imported.main;
    match id.file {
        // Without the word "row", which the caller writes.
        SourceFile::Main if main.is_several() => main.row_name(id.record).trim_start_matches("row ").to_owned(),
        SourceFile::Main => record,
        SourceFile::Validation => format!("val {record}"),
        SourceFile::Test => format!("test {record}"),
    }
}
