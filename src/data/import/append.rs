//! Several files one after another, as one table.

use std::collections::HashMap;
use std::path::Path;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{Array, StringViewArray};

use crate::data::import::rows::RawRows;
use crate::data::{FilePart, ImportedFile, Table};

/// Name of the column that says which file a row is from.
const FILE: &str = "file";

/// Appends the columns of several files, matched by name; a column that a file lacks is null for its rows.
///
/// Columns are taken out of `parts` one by one, so that at most one of them is in memory twice.
pub(super) fn united(parts: &mut [RawRows]) -> (Vec<String>, Vec<StringViewArray>) {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut names: Vec<String> = Vec::new();
    for name in parts.iter().flat_map(|part| &part.names) {
        if !places.contains_key(name) {
            places.insert(name.clone(), names.len());
            names.push(name.clone());
        }
    }
    let mut columns = Vec::with_capacity(names.len());
    for name in &names {
        let arrays: Vec<StringViewArray> = parts.iter_mut().map(|part| take_column(part, name)).collect();
        let mut column = StringViewBuilder::with_capacity(arrays.iter().map(Array::len).sum());
        for array in &arrays {
            column.append_array(array);
        }
        columns.push(column.finish());
    }
    (names, columns)
}

fn take_column(part: &mut RawRows, name: &str) -> StringViewArray {
    match part.names.iter().position(|column| column == name) {
        Some(column) => std::mem::replace(&mut part.columns[column], StringViewArray::new_null(0)),
        None => StringViewArray::new_null(part.records.len()),
    }
}

/// Makes one table of several files, with a column that names each row's file. Record numbers continue from file to
/// file.
pub(super) fn together(first: ImportedFile, more: Vec<ImportedFile>) -> ImportedFile {
    let mut parts = Vec::with_capacity(more.len() + 1);
    let (mut records, mut bad_rows, mut described) = (Vec::new(), Vec::new(), Vec::<FilePart>::new());
    let (mut bytes, mut before) = (0, 0);
    let (path, format, which) = (first.path.clone(), first.format.clone(), first.table.file);
    for file in std::iter::once(first).chain(more) {
        let Table { names, columns, records: own, .. } = file.table;
        let last = own.last().copied().max(file.bad_rows.last().map(|bad| bad.record)).unwrap_or(0);
        records.extend(own.iter().map(|record| before + record));
        bad_rows.extend(file.bad_rows.into_iter().map(|mut bad| {
            bad.record += before;
            bad
        }));
        described.extend(file.parts.into_iter().map(|part| FilePart { before, ..part }));
        bytes += file.bytes;
        before += last;
        parts.push(RawRows { names, columns, records: own, ..RawRows::default() });
    }
    name_apart(&mut described);
    let (mut names, mut columns) = united(&mut parts);
    columns.push(file_names(&described));
    names.push(free_name(&names));
    let table = Table { file: which, names, columns, records };
    ImportedFile { path, bytes, table, bad_rows, format, parts: described, other_parts: Vec::new() }
}

fn free_name(names: &[String]) -> String {
    let is_free = |name: &String| !names.contains(name);
    let mut numbered = (2..names.len() + 3).map(|number| format!("{FILE}_{number}"));
    Some(FILE.to_owned()).filter(is_free).or_else(|| numbered.find(is_free)).unwrap_or_default()
}

fn file_names(parts: &[FilePart]) -> StringViewArray {
    let mut column = StringViewBuilder::with_capacity(parts.iter().map(|part| part.rows).sum());
    for part in parts {
        (0..part.rows).for_each(|_| column.append_value(&part.name));
    }
    column.finish()
}

/// Gives files of the same name as many of their folders as are needed to distinguish them.
fn name_apart(parts: &mut [FilePart]) {
    let with_folders = |path: &Path, folders: usize| -> String {
        let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts[parts.len().saturating_sub(folders + 1)..].join("/")
    };
    let deepest = parts.iter().map(|part| part.path.components().count()).max().unwrap_or(0);
    let alike = |parts: &[FilePart], name: &str| parts.iter().filter(|part| part.name == name).count() > 1;
    for folders in 1..deepest {
        let doubled: Vec<usize> = (0..parts.len()).filter(|&part| alike(parts, &parts[part].name)).collect();
        if doubled.is_empty() {
            return;
        }
        for part in doubled {
            parts[part].name = with_folders(&parts[part].path, folders);
        }
    }
}
