//! Questions about the rows.

use std::path::PathBuf;
use std::sync::Arc;

use crate::data::{Place, Prepared, RowQuery};
use crate::project::{DatasetSettings, Project};
use crate::worker::{Command, RowSource};

use crate::app::inspection::{FoundRows, LabelCount, RowQuestion, TextTokens, TokenCount};
use crate::app::work::{Lane, Purpose, Work};

impl Work {
    /// Searches the prepared rows. A search not yet answered is dropped.
    pub fn find_rows(&mut self, query: RowQuery) {
        let Some(source) = self.inspection.source.clone() else { return };
        let is_search = |purpose: &Purpose| matches!(purpose, Purpose::FindRows(_));
        self.stop(is_search);
        self.forget(is_search);
        let question = RowQuestion { prepared: Arc::clone(&source.prepared), query: query.clone() };
        self.send(Lane::Preview, Purpose::FindRows(Box::new(question)), Command::FindRows { source, query });
    }

    /// Counts the labels as they stand in the files, where that was not done yet.
    pub fn count_labels(&mut self, dataset: &DatasetSettings) {
        let Some(imported) = self.imported.clone() else { return };
        let columns: Vec<String> = dataset.label_columns().map(str::to_owned).collect();
        if columns.is_empty() || self.inspection.labels_of(&imported, dataset).is_some() {
            return;
        }
        let is_counting = |purpose: &Purpose| matches!(purpose, Purpose::CountLabels);
        self.stop(is_counting);
        self.forget(is_counting);
        self.inspection.labels = Some(LabelCount { imported: Arc::clone(&imported), columns, counts: None });
        let command = Command::CountLabels { dataset: Box::new(dataset.clone()), imported };
        self.send(Lane::Preview, Purpose::CountLabels, command);
    }

    /// Counts the values of a column.
    pub fn count_values(&mut self, column: String) {
        let Some(source) = self.inspection.source.clone() else { return };
        self.forget(|purpose| matches!(purpose, Purpose::CountValues(_)));
        self.inspection.values = Some((column.clone(), Vec::new()));
        self.send(Lane::Preview, Purpose::CountValues(column.clone()), Command::CountValues { source, column });
    }

    /// Counts the texts' tokens for a model. Counting for another one is stopped.
    pub fn count_tokens(&mut self, model: PathBuf) {
        let Some(prepared) = self.prepared.clone() else { return };
        self.stop_counting_tokens();
        self.forget(|purpose| matches!(purpose, Purpose::CountTokens));
        self.inspection.tokens = Some(TokenCount::begun(model.clone()));
        self.send(Lane::Background, Purpose::CountTokens, Command::CountTokens { prepared, model });
    }

    /// Stops counting tokens.
    pub fn stop_counting_tokens(&mut self) {
        self.stop(|purpose| matches!(purpose, Purpose::CountTokens));
    }

    /// Counts the tokens of one text.
    pub fn count_text_tokens(&mut self, text: String, model: PathBuf) {
        self.forget(|purpose| matches!(purpose, Purpose::CountTextTokens));
        self.inspection.text_tokens = Some(TextTokens { text: text.clone(), model: model.clone(), counted: None });
        self.send(Lane::Preview, Purpose::CountTextTokens, Command::CountTextTokens { text, model });
    }

    /// New rows are there: what was told of the old ones is forgotten, and the new ones are looked at.
    pub(super) fn inspect(&mut self, project: Arc<Project>, prepared: &Arc<Prepared>) {
        self.forget(|purpose| matches!(purpose, Purpose::CountTextTokens));
        self.inspection = self.inspection.of_new_rows();
        let (Some(imported), Some(survey)) = (self.imported.clone(), self.survey.clone()) else { return };
        let source = RowSource { project, imported, prepared: Arc::clone(prepared), survey };
        self.inspection.source = Some(source.clone());
        self.send(Lane::Background, Purpose::Profile, Command::Profile { source });
    }

    pub(super) fn on_found(&mut self, purpose: Purpose, rows: Vec<Place>) {
        if let Purpose::FindRows(question) = purpose {
            self.inspection.bad_pattern = None;
            self.inspection.found = Some(FoundRows { question: *question, rows });
        }
    }

    pub(super) fn on_bad_pattern(&mut self, purpose: Purpose, why: String) {
        if let Purpose::FindRows(question) = purpose {
            self.inspection.bad_pattern = Some((*question, why));
        }
    }

    /// The tokens of a text were counted, or could not be.
    pub(super) fn on_text_tokens(&mut self, counted: Result<usize, String>) {
        if let Some(asked) = &mut self.inspection.text_tokens {
            asked.counted = Some(counted);
        }
    }

    /// Counting tokens ended without a result.
    pub(super) fn on_no_tokens(&mut self, why: String) {
        if let Some(tokens) = &mut self.inspection.tokens {
            tokens.error = Some(why);
        }
    }
}
