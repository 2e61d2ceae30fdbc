//! The lines of the table of runs: filtered, sorted and in groups.

use std::sync::Arc;

use crate::storage::{RunFilter, RunOrder, RunRecord};

/// How the runs are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// Which ones.
    pub filter: RunFilter,
    /// What they are sorted by.
    pub order: RunOrder,
    /// The other way round.
    pub reversed: bool,
    /// What they are grouped by.
    pub group: GroupBy,
}

/// What runs are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Nothing.
    #[default]
    Nothing,
    /// The model.
    Model,
    /// What of the model was trained.
    Layers,
    /// Tags; a run with several is in the group of each.
    Tag,
    /// The data, its cleaning and corrections.
    Data,
    /// The seed of training.
    Seed,
    /// The device and number format.
    Device,
}

impl GroupBy {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Nothing, Self::Model, Self::Layers, Self::Tag, Self::Data, Self::Seed, Self::Device];

    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Model => "model",
            Self::Layers => "trained layers",
            Self::Tag => "tag",
            Self::Data => "data",
            Self::Seed => "seed",
            Self::Device => "device",
        }
    }

    /// The groups that a run belongs to.
    fn groups(self, run: &RunRecord) -> Vec<String> {
        let Some(settings) = &run.settings else { return vec!["unknown".to_owned()] };
        let training = &settings.project.training;
        let one = |name: String| vec![name];
        match self {
            Self::Nothing => one(String::new()),
            Self::Model => one(settings.project.model.name()),
            Self::Layers => one(training.trained_layers.in_words()),
            Self::Data => one(format!("Data {}", settings.data_hash.get(..8).unwrap_or(&settings.data_hash))),
            Self::Seed => one(format!("Seed {}", training.seed)),
            Self::Device => {
                one(if settings.device.is_empty() { "unknown".to_owned() } else { settings.device.clone() })
            }
            Self::Tag if run.listing.notes.tags.is_empty() => one("No tag".to_owned()),
            Self::Tag => run.listing.notes.tags.iter().cloned().collect(),
        }
    }
}

/// A line of the table.
#[derive(Clone, Debug)]
pub enum Line {
    /// The head of a group, with its number of runs.
    Group(String, usize),
    /// A run.
    Run(Arc<RunRecord>),
}

impl Line {
    /// The run, if it is one.
    #[must_use]
    pub fn run(&self) -> Option<&RunRecord> {
        match self {
            Self::Run(run) => Some(run),
            Self::Group(..) => None,
        }
    }
}

/// The lines of the table.
#[must_use]
pub fn lines(records: &[Arc<RunRecord>], arrangement: &Arrangement) -> Vec<Line> {
    let mut runs: Vec<Arc<RunRecord>> = records.iter().filter(|run| arrangement.filter.has(run)).cloned().collect();
    arrangement.order.sort(&mut runs);
    if arrangement.reversed {
        runs.reverse();
    }
    if arrangement.group == GroupBy::Nothing {
        return runs.into_iter().map(Line::Run).collect();
    }
    // The group of the first run comes first.
    let mut groups: Vec<(String, Vec<Arc<RunRecord>>)> = Vec::new();
    for run in runs {
        for name in arrangement.group.groups(&run) {
            match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, members)) => members.push(Arc::clone(&run)),
                None => groups.push((name, vec![Arc::clone(&run)])),
            }
        }
    }
    let of_group = |(name, members): (String, Vec<Arc<RunRecord>>)| {
        std::iter::once(Line::Group(name, members.len())).chain(members.into_iter().map(Line::Run))
    };
    groups.into_iter().flat_map(of_group).collect()
}
