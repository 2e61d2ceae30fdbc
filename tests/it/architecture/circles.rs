//! Files of a room do not use each other in circles: each can be read and tested with those it uses, and no others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Source, assert_none, sources};

/// Rooms where circles are meant: the tape runs the ops backward, and each op records itself on the tape.
const ALLOWED: [&str; 1] = ["ops"];

/// Text of each module by its path, such as `data::import::folder`, and what the modules re-export.
#[derive(Default)]
struct Modules {
    code: BTreeMap<String, String>,
    exports: BTreeMap<String, String>,
}

impl Modules {
    fn of(sources: &[Source]) -> Self {
        let mut modules = Self::default();
        for source in sources {
            let path = source.path.with_extension("");
            let parts: Vec<String> = path.iter().skip(1).map(|part| part.to_string_lossy().into_owned()).collect();
            let name = parts.join("::");
            let name = name.strip_suffix("::mod").unwrap_or(&name).to_owned();
            let lines: Vec<&str> = source.code.iter().map(|(_, line)| line.as_str()).collect();
            modules.code.insert(name, lines.join("\n"));
        }
        let known = &modules.code;
        let exports = known.iter().flat_map(|(name, code)| {
            let uses = code.match_indices("use ").flat_map(|(at, word)| leaves(&code[at + word.len()..]));
            let from_child = uses.filter(move |path| known.contains_key(&format!("{name}::{}", first(path))));
            from_child.map(move |path| {
                let item = path.rsplit("::").next().unwrap_or_default();
                (format!("{name}::{item}"), format!("{name}::{path}"))
            })
        });
        // A module of the same name as an item in it is found without.
        let exports = exports.filter(|(name, target)| name != target && !known.contains_key(name)).collect();
        Self { exports, ..modules }
    }

    /// The module that a path leads to.
    fn module_of(&self, path: &str) -> Option<&str> {
        let ends = path.match_indices("::").map(|(at, _)| at).chain([path.len()]).collect::<Vec<_>>();
        ends.into_iter().rev().find_map(|end| {
            let part = &path[..end];
            match (self.code.get_key_value(part), self.exports.get(part)) {
                (Some((name, _)), _) => Some(name.as_str()),
                (None, Some(target)) => self.module_of(target),
                (None, None) => None,
            }
        })
    }

    /// The modules in the same room that a module uses.
    fn used_by(&self, name: &str) -> BTreeSet<&str> {
        let code = &self.code[name];
        let room = format!("{}::", first(name));
        let whole = code.match_indices("crate::").flat_map(|(at, word)| leaves(&code[at + word.len()..]));
        let mut used: BTreeSet<&str> =
            whole.filter(|path| path.starts_with(&room)).filter_map(|path| self.module_of(&path)).collect();
        let begins_word =
            |at: usize| !code[..at].ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before));
        for (child, _) in self.code.iter().filter(|(child, _)| is_child(child, name)) {
            let call = format!("{}::", &child[name.len() + 2..]);
            let calls = code.match_indices(&call).filter(|&(at, _)| begins_word(at));
            let targets = calls.flat_map(|(at, _)| leaves(&code[at..]));
            used.extend(targets.filter_map(|path| self.module_of(&format!("{name}::{path}"))));
        }
        // The room's own module is its front door, and lists what is behind it.
        used.retain(|used| *used != name && used.contains("::"));
        used
    }

    /// For each module in a circle, the shortest way back to it.
    fn circles(&self) -> Vec<String> {
        let names: Vec<&str> = self.code.keys().map(String::as_str).filter(|name| name.contains("::")).collect();
        let uses: BTreeMap<&str, BTreeSet<&str>> = names.iter().map(|&name| (name, self.used_by(name))).collect();
        let checked = names.into_iter().filter(|name| !ALLOWED.contains(&first(name)));
        checked.filter_map(|name| Some(circle(&uses, name)?.join(" uses "))).collect()
    }
}

/// The shortest way from a module back to itself.
fn circle<'a>(uses: &BTreeMap<&str, BTreeSet<&'a str>>, start: &'a str) -> Option<Vec<&'a str>> {
    let (mut ways, mut seen) = (VecDeque::from([vec![start]]), BTreeSet::new());
    while let Some(way) = ways.pop_front() {
        for &used in &uses[way.last()?] {
            let longer = [way.as_slice(), &[used]].concat();
            if used == start {
                return Some(longer);
            }
            if seen.insert(used) {
                ways.push_back(longer);
            }
        }
    }
    None
}

fn first(path: &str) -> &str {
    path.split("::").next().unwrap_or_default()
}

fn is_child(child: &str, parent: &str) -> bool {
    child.strip_prefix(parent).and_then(|rest| rest.strip_prefix("::")).is_some_and(|rest| !rest.contains("::"))
}

/// All paths of a tree such as `a::{b, c::{d, e}};` at the beginning of a text.
fn leaves(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let end = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    let Some(inside) = rest.strip_prefix('{').filter(|_| head.ends_with("::")) else {
        return vec![head.trim_end_matches(':').to_owned()];
    };
    let (mut depth, mut begin, mut found) = (0, 0, Vec::new());
    for (at, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let part = inside[begin..at].trim();
                found.extend(
                    leaves(part).into_iter().filter(|leaf| !leaf.is_empty()).map(|leaf| format!("{head}{leaf}")),
                );
                begin = at + 1;
                if letter == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn files_of_a_room_do_not_use_each_other_in_circles() {
    assert_none(&Modules::of(&sources()).circles());
}

#[test]
fn circles_are_found_through_trees_of_uses_and_reexports() {
    let source = |path: &str, code: &str| Source {
        room: "room".to_owned(),
        path: path.into(),
        code: vec![(1, code.to_owned())],
        lines: 1,
    };
    let of = |table: &str| {
        Modules::of(&[
            source(
                "src/room/mod.rs",
                "mod file; mod table; pub use file::{File, Kind as FileKind}; pub use table::Table;",
            ),
            source("src/room/file.rs", "use crate::room::{Table, table::{rows::Row}};\nfn f() {}"),
            source("src/room/table/mod.rs", table),
            source("src/room/table/rows.rs", "pub struct Row;"),
        ])
    };
    let plain = of("mod rows; use crate::other::File; fn f() { rows::count() }");
    assert_eq!(plain.used_by("room::file").into_iter().collect::<Vec<_>>(), ["room::table", "room::table::rows"]);
    assert_eq!(plain.used_by("room::table").into_iter().collect::<Vec<_>>(), ["room::table::rows"]);
    assert_eq!(plain.circles(), Vec::<String>::new());
    let circle = of("mod rows; fn f(file: &crate::room::File) {}");
    let expected = ["room::file uses room::table uses room::file", "room::table uses room::file uses room::table"];
    assert_eq!(circle.circles(), expected);
}
