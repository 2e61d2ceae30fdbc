//! What each column of the data is for.

use crate::project::DatasetSettings;

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColumnRole {
    /// The model reads it.
    Text,
    /// The model reads it before the text.
    Joined,
    /// The model learns to answer it.
    Label,
    /// It says which rows belong together.
    Group,
    /// It says when a row came to be.
    Time,
    /// It names a row.
    Id,
    /// It says which side of the split a row is on.
    Split,
    /// It is of no use here.
    Ignored,
}

impl ColumnRole {
    /// All roles, the most needed first.
    pub const ALL: [Self; 8] =
        [Self::Text, Self::Joined, Self::Label, Self::Group, Self::Time, Self::Id, Self::Split, Self::Ignored];

    /// Name on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Joined => "Before the text",
            Self::Label => "Label",
            Self::Group => "Group",
            Self::Time => "Time",
            Self::Id => "Id",
            Self::Split => "Split",
            Self::Ignored => "Ignored",
        }
    }

    /// What such a column does, in a sentence.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Text => "What the model reads",
            Self::Joined => "Put before the text: a title, a subject",
            Self::Label => "What the model learns to answer",
            Self::Group => "Says which rows belong together, such as those of one customer",
            Self::Time => "Says when a row came to be, such as the day of a review",
            Self::Id => "The row's name in your own data: shown with the row, and written beside its prediction",
            Self::Split => "Says which rows are for training, validation and test",
            Self::Ignored => "Of no use here: left out of the preview",
        }
    }
}

impl DatasetSettings {
    /// What a column is for, if anything.
    #[must_use]
    pub fn role_of(&self, column: &str) -> Option<ColumnRole> {
        let is = |chosen: &Option<String>| chosen.as_deref() == Some(column);
        if column.is_empty() {
            None
        } else if self.text_column == column {
            Some(ColumnRole::Text)
        } else if self.labelled_by().any(|label| label == column) {
            Some(ColumnRole::Label)
        } else if self.joined_columns.iter().any(|joined| joined == column) {
            Some(ColumnRole::Joined)
        } else if is(&self.group_column) {
            Some(ColumnRole::Group)
        } else if is(&self.time_column) {
            Some(ColumnRole::Time)
        } else if is(&self.id_column) {
            Some(ColumnRole::Id)
        } else if is(&self.split_column) {
            Some(ColumnRole::Split)
        } else {
            self.ignored_columns.contains(column).then_some(ColumnRole::Ignored)
        }
    }

    /// Gives a column a role, or none. It loses the one it had, and so does the column that had the role, where one column
    /// alone can have it.
    pub fn set_role(&mut self, column: &str, role: Option<ColumnRole>) {
        self.take_role(column);
        let name = column.to_owned();
        match role {
            None => {}
            Some(ColumnRole::Text) => self.text_column = name,
            Some(ColumnRole::Joined) => self.joined_columns.push(name),
            Some(ColumnRole::Label) => {
                self.label_columns.clear();
                self.label_column = name;
            }
            Some(ColumnRole::Group) => self.group_column = Some(name),
            Some(ColumnRole::Time) => self.time_column = Some(name),
            Some(ColumnRole::Id) => self.id_column = Some(name),
            Some(ColumnRole::Split) => self.split_column = Some(name),
            Some(ColumnRole::Ignored) => _ = self.ignored_columns.insert(name),
        }
    }

    /// Whether the model reads a column or learns to answer it: no other role fits it.
    #[must_use]
    pub fn is_learnt_from(&self, column: &str) -> bool {
        self.read_columns().chain(self.labelled_by()).any(|used| used == column)
    }

    /// Gives a column a role that one column alone can have, where it may have it: nothing is taken from the text or the
    /// label.
    pub fn choose(&mut self, column: &str, role: ColumnRole) {
        if !self.is_learnt_from(column) {
            self.set_role(column, Some(role));
        }
    }

    fn take_role(&mut self, column: &str) {
        for chosen in [&mut self.text_column, &mut self.label_column] {
            if chosen == column {
                chosen.clear();
            }
        }
        for chosen in [&mut self.joined_columns, &mut self.label_columns] {
            chosen.retain(|chosen| chosen != column);
        }
        // One column alone has all rows of one label.
        if self.label_columns.len() == 1 {
            self.label_columns.clear();
        }
        for chosen in [&mut self.group_column, &mut self.time_column, &mut self.id_column, &mut self.split_column] {
            if chosen.as_deref() == Some(column) {
                *chosen = None;
            }
        }
        self.ignored_columns.remove(column);
    }

    /// Takes columns of one label each as the label.
    pub fn set_label_columns(&mut self, columns: &[String]) {
        for column in columns {
            self.take_role(column);
        }
        self.label_column.clear();
        self.label_columns = columns.to_vec();
    }

    /// Forgets what every column is for: the rows are other ones.
    pub fn forget_columns(&mut self) {
        let files = std::mem::take(self);
        *self = files.as_read();
    }

    /// The settings that reading the files looks at: columns are chosen among those read.
    #[must_use]
    pub fn as_read(&self) -> Self {
        Self {
            main: self.main.clone(),
            more: self.more.clone(),
            validation: self.validation.clone(),
            test: self.test.clone(),
            delimiter: self.delimiter,
            quoting: self.quoting,
            encoding: self.encoding.clone(),
            header: self.header,
            sheet: self.sheet.clone(),
            ..Self::default()
        }
    }

    /// The columns that say the label: one, or one for each label; none where none is chosen.
    pub fn labelled_by(&self) -> impl Iterator<Item = &str> {
        let one = Some(&self.label_column).filter(|column| self.label_columns.is_empty() && !column.is_empty());
        self.label_columns.iter().chain(one).map(String::as_str)
    }

    /// The columns that the model reads, in their order; none where no text column is chosen.
    pub fn read_columns(&self) -> impl Iterator<Item = &str> {
        let text = Some(&self.text_column).filter(|column| !column.is_empty());
        let joined = self.joined_columns.iter().filter(move |_| text.is_some());
        joined.chain(text).map(String::as_str)
    }

    /// Whether the text and the label can be found among these columns.
    #[must_use]
    pub fn columns_chosen(&self, columns: &[String]) -> bool {
        let has = |name: &str| columns.iter().any(|column| column == name);
        has(&self.text_column) && self.labelled_by().next().is_some() && self.labelled_by().all(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> DatasetSettings {
        DatasetSettings { text_column: "body".into(), label_column: "mood".into(), ..DatasetSettings::default() }
    }

    #[test]
    fn a_column_has_one_role() {
        let mut settings = settings();
        for role in ColumnRole::ALL {
            settings.set_role("x", Some(role));
            assert_eq!(settings.role_of("x"), Some(role));
        }
        settings.set_role("x", None);
        assert_eq!(settings.role_of("x"), None);
        assert_eq!(settings.ignored_columns.len() + settings.joined_columns.len(), 0);
        assert_eq!((settings.role_of("body"), settings.role_of("")), (None, None), "x took the role of body");
    }

    #[test]
    fn one_column_for_each_label_takes_the_place_of_one_for_all() {
        let mut settings = settings();
        let columns = ["good", "body", "bad"].map(str::to_owned);
        settings.set_label_columns(&columns);
        assert_eq!(settings.labelled_by().collect::<Vec<_>>(), columns);
        assert_eq!((settings.text_column.as_str(), settings.role_of("mood")), ("", None));
        assert!(!settings.columns_chosen(&columns), "there is no text any more");
        settings.set_role("text", Some(ColumnRole::Text));
        settings.set_role("body", None);
        settings.set_role("bad", Some(ColumnRole::Id));
        assert_eq!(settings.labelled_by().count(), 0);
        settings.set_label_columns(&columns);
        settings.set_role("mood", Some(ColumnRole::Label));
        assert_eq!(settings.labelled_by().collect::<Vec<_>>(), ["mood"]);
    }

    #[test]
    fn what_is_learnt_from_divides_nothing() {
        let mut settings = settings();
        settings.set_role("title", Some(ColumnRole::Joined));
        let before = settings.clone();
        for column in ["body", "mood", "title"] {
            settings.choose(column, ColumnRole::Split);
        }
        assert_eq!(settings, before);
        settings.choose("part", ColumnRole::Group);
        settings.choose("part", ColumnRole::Split);
        assert_eq!((settings.group_column, settings.split_column.as_deref()), (None, Some("part")));
    }

    #[test]
    fn columns_are_forgotten_and_files_are_not() {
        let mut settings = DatasetSettings { main: Some("a.csv".into()), more: vec!["b.csv".into()], ..settings() };
        settings.set_role("title", Some(ColumnRole::Joined));
        assert_eq!(settings.read_columns().collect::<Vec<_>>(), ["title", "body"]);
        settings.forget_columns();
        assert_eq!((settings.files().count(), settings.read_columns().count()), (2, 0));
    }
}
