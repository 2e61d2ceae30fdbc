//! Choosing columns, and reading which were chosen.

use crate::project::{ColumnRole, DatasetSettings, Project};

/// Reading columns.
impl DatasetSettings {
    /// The columns with this role, in order.
    fn columns_of(&self, role: ColumnRole) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(move |(_, of)| *of == role).map(|(name, _)| name.as_str())
    }

    /// The first column with this role.
    #[must_use]
    pub fn column_of(&self, role: ColumnRole) -> Option<&str> {
        self.columns_of(role).next()
    }

    /// The text column, once chosen.
    #[must_use]
    pub fn text_column(&self) -> Option<&str> {
        self.column_of(ColumnRole::Text)
    }

    /// The columns prepended to the text, each followed by a line break unless it is empty.
    pub fn joined_columns(&self) -> impl Iterator<Item = &str> {
        self.columns_of(ColumnRole::Joined)
    }

    /// The label columns: one, or one per label (see [`Self::has_column_per_label`]).
    pub fn label_columns(&self) -> impl Iterator<Item = &str> {
        self.columns_of(ColumnRole::Label)
    }

    /// The label column, if there is exactly one.
    #[must_use]
    pub fn label_column(&self) -> Option<&str> {
        self.column_of(ColumnRole::Label).filter(|_| !self.has_column_per_label())
    }

    /// Whether labels are one-hot: one column per label, and a row's label is the name of the column that holds 1.
    #[must_use]
    pub fn has_column_per_label(&self) -> bool {
        self.label_columns().nth(1).is_some()
    }

    /// The column that says which rows belong together: a customer, an author.
    #[must_use]
    pub fn group_column(&self) -> Option<&str> {
        self.column_of(ColumnRole::Group)
    }

    /// The column that says when a row was written.
    #[must_use]
    pub fn time_column(&self) -> Option<&str> {
        self.column_of(ColumnRole::Time)
    }

    /// The column that identifies a row. It is shown with the row and written next to its prediction.
    #[must_use]
    pub fn id_column(&self) -> Option<&str> {
        self.column_of(ColumnRole::Id)
    }

    /// The column that says whether a row is for training, validation or test.
    #[must_use]
    pub fn split_column(&self) -> Option<&str> {
        self.column_of(ColumnRole::Split)
    }

    /// The role of a column, if it has one.
    #[must_use]
    pub fn role_of(&self, column: &str) -> Option<ColumnRole> {
        self.columns.iter().find(|(name, _)| name == column).map(|(_, role)| *role)
    }

    /// Whether a column has this role.
    #[must_use]
    pub fn has_role(&self, column: &str, role: ColumnRole) -> bool {
        self.columns_of(role).any(|name| name == column)
    }

    /// The columns the model reads, in order; empty until a text column is chosen.
    pub fn read_columns(&self) -> impl Iterator<Item = &str> {
        let text = self.text_column();
        self.joined_columns().filter(move |_| text.is_some()).chain(text)
    }

    /// The columns that the model reads or learns to predict, each with what it is to the model: text or label.
    pub fn used_columns(&self) -> impl Iterator<Item = (ColumnRole, &str)> {
        let read = self.read_columns().map(|column| (ColumnRole::Text, column));
        read.chain(self.label_columns().map(|column| (ColumnRole::Label, column)))
    }

    /// Whether a column is an input or the target of the model. It can then have no other role.
    #[must_use]
    pub fn is_learnt_from(&self, column: &str) -> bool {
        self.used_columns().any(|(_, used)| used == column)
    }
}

impl Project {
    /// Whether every column the task needs is chosen and is one of `columns`.
    #[must_use]
    pub fn columns_chosen(&self, columns: &[String]) -> bool {
        let has = |name: &str| columns.iter().any(|column| column == name);
        self.task.roles().iter().filter(|rule| rule.is_needed()).all(|rule| {
            let chosen = self.dataset.columns_of(rule.role).count();
            chosen >= rule.least && self.dataset.columns_of(rule.role).all(has)
        })
    }
}

/// Choosing columns.
impl DatasetSettings {
    /// These settings with `columns` in place of all others.
    #[must_use]
    pub fn with_columns(self, columns: &[(&str, ColumnRole)]) -> Self {
        let columns = columns.iter().map(|(name, role)| ((*name).to_owned(), *role)).collect();
        let mut settings = Self { columns, ..self };
        settings.arrange();
        settings
    }

    /// Sets the role of a column; `None` clears it. If only one column can have the role, it is taken from the column
    /// that had it.
    pub fn set_role(&mut self, column: &str, role: Option<ColumnRole>) {
        self.take_role(column);
        let Some(role) = role else { return };
        if !matches!(role, ColumnRole::Joined | ColumnRole::Ignored) {
            self.columns.retain(|(_, of)| *of != role);
        }
        self.columns.push((column.to_owned(), role));
        self.arrange();
    }

    /// Gives a role to these columns and takes it from all others. Other roles of these columns are not changed.
    pub fn set_columns_of(&mut self, role: ColumnRole, columns: &[String]) {
        self.columns.retain(|(_, of)| *of != role);
        self.columns.extend(columns.iter().map(|column| (column.clone(), role)));
        self.arrange();
    }

    /// Gives a column a role that only one column can have, unless it is an input or the target of the model.
    pub fn choose(&mut self, column: &str, role: ColumnRole) {
        if !self.is_learnt_from(column) {
            self.set_role(column, Some(role));
        }
    }

    /// Uses these one-hot columns as the label.
    pub fn set_label_columns(&mut self, columns: &[String]) {
        for column in columns {
            self.take_role(column);
        }
        self.set_columns_of(ColumnRole::Label, columns);
    }

    fn take_role(&mut self, column: &str) {
        let per_label = self.has_column_per_label();
        self.columns.retain(|(name, _)| name != column);
        // One column left of several one-hot columns is not a label column.
        if per_label && !self.has_column_per_label() {
            self.columns.retain(|(_, role)| *role != ColumnRole::Label);
        }
    }

    /// Clears all column roles, because other files were opened.
    pub fn forget_columns(&mut self) {
        self.columns.clear();
    }

    /// The settings that reading the files depends on: all but the column roles.
    #[must_use]
    pub fn as_read(&self) -> Self {
        Self { columns: Vec::new(), ..self.clone() }
    }

    /// The settings that preparing the rows depends on. Ignored columns are only hidden, so they are removed.
    #[must_use]
    pub fn as_prepared(&self) -> Self {
        let mut settings = self.clone();
        settings.columns.retain(|(_, role)| *role != ColumnRole::Ignored);
        settings
    }

    /// Orders columns by role, so that settings with the same meaning are equal. Within a role, the order is kept,
    /// except for ignored columns.
    fn arrange(&mut self) {
        let ignored = |(name, role): &(String, ColumnRole)| (*role == ColumnRole::Ignored).then(|| name.clone());
        self.columns.sort_by_cached_key(|column| (column.1, ignored(column)));
        self.columns.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::TaskKind;

    fn settings() -> DatasetSettings {
        DatasetSettings::default().with_columns(&[("mood", ColumnRole::Label), ("body", ColumnRole::Text)])
    }

    #[test]
    fn a_column_has_one_role() {
        let mut settings = settings();
        for role in ColumnRole::ALL {
            settings.set_role("x", Some(role));
            assert_eq!(settings.role_of("x"), Some(role));
            assert!(settings.has_role("x", role));
            assert_eq!(settings.columns.iter().filter(|(name, _)| name == "x").count(), 1);
        }
        settings.set_role("x", None);
        assert_eq!(settings.role_of("x"), None);
        assert!(settings.columns.is_empty(), "x took the roles of the others: {settings:?}");
    }

    #[test]
    fn each_role_has_its_accessor() {
        let all = ColumnRole::ALL.map(|role| (role.title(), role));
        let settings = DatasetSettings::default().with_columns(&all);
        assert_eq!((settings.text_column(), settings.label_column()), (Some("Text"), Some("Label")));
        assert_eq!((settings.group_column(), settings.time_column()), (Some("Group"), Some("Time")));
        assert_eq!((settings.id_column(), settings.split_column()), (Some("Id"), Some("Split")));
        assert_eq!(settings.joined_columns().collect::<Vec<_>>(), ["Title"]);
        assert_eq!(settings.columns_of(ColumnRole::Ignored).collect::<Vec<_>>(), ["Ignored"]);
        assert_eq!(settings.read_columns().collect::<Vec<_>>(), ["Title", "Text"]);
        assert_eq!(settings.as_prepared().columns.len(), 7);
        assert!(settings.as_read().columns.is_empty());
        let none = DatasetSettings::default();
        assert!(ColumnRole::ALL.into_iter().all(|role| none.column_of(role).is_none()));
    }

    #[test]
    fn settings_with_the_same_meaning_are_equal() {
        let mut other = DatasetSettings::default();
        for (column, role) in [("z", ColumnRole::Ignored), ("mood", ColumnRole::Label), ("a", ColumnRole::Ignored)] {
            other.set_role(column, Some(role));
        }
        other.set_role("body", Some(ColumnRole::Text));
        let mut settings = settings();
        settings.set_role("a", Some(ColumnRole::Ignored));
        settings.set_role("z", Some(ColumnRole::Ignored));
        assert_eq!(settings, other);
        settings.set_columns_of(ColumnRole::Joined, &["t".to_owned(), "s".to_owned()]);
        assert_eq!(settings.read_columns().collect::<Vec<_>>(), ["t", "s", "body"], "the order of reading counts");
        let text = ron::to_string(&settings).unwrap();
        assert_eq!(ron::from_str::<DatasetSettings>(&text).unwrap(), settings, "{text}");
    }

    #[test]
    fn one_hot_label_columns_replace_the_label_column() {
        let mut settings = settings();
        let columns = ["good", "body", "bad"].map(str::to_owned);
        settings.set_label_columns(&columns);
        assert_eq!(settings.label_columns().collect::<Vec<_>>(), columns);
        assert!(settings.has_column_per_label() && settings.label_column().is_none());
        assert_eq!((settings.text_column(), settings.role_of("mood")), (None, None));
        settings.set_role("text", Some(ColumnRole::Text));
        settings.set_role("body", None);
        settings.set_role("bad", Some(ColumnRole::Id));
        assert_eq!(settings.label_columns().count(), 0);
        settings.set_label_columns(&columns);
        settings.set_role("mood", Some(ColumnRole::Label));
        assert_eq!(settings.label_columns().collect::<Vec<_>>(), ["mood"]);
    }

    #[test]
    fn each_task_needs_its_own_columns() {
        let columns = ["body", "mood"].map(str::to_owned);
        let text_alone = DatasetSettings::default().with_columns(&[("body", ColumnRole::Text)]);
        let classify = |dataset| Project { dataset, ..Project::new(TaskKind::TextClassification) };
        assert!(classify(settings()).columns_chosen(&columns));
        assert!(!classify(settings()).columns_chosen(&columns[..1]));
        assert!(!classify(text_alone.clone()).columns_chosen(&columns));
        let adapt = Project::new(TaskKind::LanguageModelling);
        assert!(!adapt.columns_chosen(&columns));
        assert!(Project { dataset: text_alone, ..adapt }.columns_chosen(&columns));
    }

    #[test]
    fn columns_that_the_model_reads_get_no_other_role() {
        let mut settings = settings();
        settings.set_role("title", Some(ColumnRole::Joined));
        let before = settings.clone();
        for column in ["body", "mood", "title"] {
            settings.choose(column, ColumnRole::Split);
        }
        assert_eq!(settings, before);
        settings.choose("part", ColumnRole::Group);
        settings.choose("part", ColumnRole::Split);
        assert_eq!((settings.group_column(), settings.split_column()), (None, Some("part")));
    }

    #[test]
    fn forgetting_columns_keeps_the_files() {
        let mut settings = DatasetSettings { main: Some("a.csv".into()), more: vec!["b.csv".into()], ..settings() };
        settings.set_role("title", Some(ColumnRole::Joined));
        assert_eq!(settings.read_columns().collect::<Vec<_>>(), ["title", "body"]);
        settings.forget_columns();
        assert_eq!((settings.files().count(), settings.read_columns().count()), (2, 0));
    }
}
