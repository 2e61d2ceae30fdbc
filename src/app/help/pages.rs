//! A page for each step: what it is for, what to do, and when to worry.

use crate::app::view::View;
use crate::project::Step;

/// A page of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// How to begin.
    Start,
    /// A step.
    Step(Step),
    /// Trying the model on typed texts.
    TryIt,
    /// All runs of a project.
    Runs,
    /// Several runs that answer one question.
    Studies,
    /// Labelling a file.
    LabelAFile,
    /// Models of the Hugging Face Hub.
    Hub,
}

/// A part of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A heading.
    Heading(&'a str),
    /// An item of a list.
    Item(&'a str),
    /// A paragraph.
    Paragraph(&'a str),
}

impl Page {
    /// All pages, in order.
    pub const ALL: [Self; 14] = [
        Self::Start,
        Self::Step(Step::Data),
        Self::Step(Step::Labels),
        Self::Step(Step::Prepare),
        Self::Step(Step::Model),
        Self::Hub,
        Self::Step(Step::Train),
        Self::Step(Step::Evaluate),
        Self::Step(Step::Review),
        Self::Runs,
        Self::Studies,
        Self::TryIt,
        Self::LabelAFile,
        Self::Step(Step::Export),
    ];

    /// The page about what is shown.
    #[must_use]
    pub fn of(view: View) -> Self {
        match view {
            View::Step(step) => Self::Step(step),
            View::TryIt => Self::TryIt,
            View::Runs => Self::Runs,
            View::Studies => Self::Studies,
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Start => include_str!("../../../assets/help/start.md"),
            Self::Step(Step::Data) => include_str!("../../../assets/help/data.md"),
            Self::Step(Step::Labels) => include_str!("../../../assets/help/labels.md"),
            Self::Step(Step::Prepare) => include_str!("../../../assets/help/prepare.md"),
            Self::Step(Step::Model) => include_str!("../../../assets/help/model.md"),
            Self::Step(Step::Train) => include_str!("../../../assets/help/train.md"),
            Self::Step(Step::Evaluate) => include_str!("../../../assets/help/evaluate.md"),
            Self::Step(Step::Review) => include_str!("../../../assets/help/review.md"),
            Self::Step(Step::Export) => include_str!("../../../assets/help/export.md"),
            Self::TryIt => include_str!("../../../assets/help/try_it.md"),
            Self::Runs => include_str!("../../../assets/help/runs.md"),
            Self::Studies => include_str!("../../../assets/help/studies.md"),
            Self::Hub => include_str!("../../../assets/help/hub.md"),
            Self::LabelAFile => include_str!("../../../assets/help/label_a_file.md"),
        }
    }

    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.source().lines().next().unwrap_or_default().trim_start_matches("# ")
    }

    /// Its text, without the title.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.source().split_once('\n').map_or("", |(_, text)| text)
    }

    /// The parts of its text.
    pub fn parts(self) -> impl Iterator<Item = Part<'static>> {
        let lines = self.text().lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| match (line.strip_prefix("## "), line.strip_prefix("- ")) {
            (Some(heading), _) => Part::Heading(heading),
            (_, Some(item)) => Part::Item(item),
            _ => Part::Paragraph(line),
        })
    }
}
