//! One folder or file per step. A step reads a [`StepContext`] and requests changes through a [`CommandSender`].

mod data;
mod evaluate;
mod export;
mod labels;
mod live_figures;
mod model;
mod prepare;
mod remedies;
mod review;
mod run_end;
mod run_header;
mod run_log;
mod runs;
mod save_curves;
mod studies;
mod train;
mod training_advice;
mod try_it;
pub mod verdict;

use egui::Ui;

use crate::app::view::View;
use crate::project::{RowId, Step};

use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::tasks::TryItState;

/// The state each step keeps between frames: filters, selections, unfinished input. Never saved.
#[derive(Debug, Default)]
pub struct StepStates {
    data: data::DataStepState,
    labels: labels::LabelsStepState,
    prepare: prepare::PrepareStepState,
    model: model::ModelStepState,
    train: train::TrainStepState,
    evaluate: evaluate::EvaluateStepState,
    review: review::ReviewStepState,
    export: export::ExportStepState,
    try_it: TryItState,
    runs: runs::RunsState,
    studies: studies::StudiesState,
}

impl StepStates {
    /// Shows only these rows of a run in Review, once the run is shown.
    pub fn review_only(&mut self, run: String, rows: Vec<RowId>) {
        self.review.show_only = Some((run, rows.into_iter().collect()));
    }
}

#[cfg(test)]
impl StepStates {
    /// Chooses the first row of the Labels step.
    pub fn choose_first_row(&mut self, state: &crate::app::state::AppState) {
        if let Some(source) = &state.work.answers.rows.value {
            let all = labels::row_selection::Shown::All(source.prepared.examples.len());
            self.labels.explore.selection.go(&source.rows(), all, 0);
        }
    }
}

/// Draws the page in the middle of the window.
pub fn view_ui(ui: &mut Ui, view: View, ctx: &StepContext<'_>, states: &mut StepStates, sender: &mut CommandSender) {
    if view != View::Runs {
        states.runs.leave(ctx, sender);
    }
    match view {
        View::Step(Step::Data) => data::data_step_ui(ui, ctx, &mut states.data, sender),
        View::Step(Step::Labels) => labels::labels_step_ui(ui, ctx, &mut states.labels, sender),
        View::Step(Step::Prepare) => prepare::prepare_step_ui(ui, ctx, &mut states.prepare, sender),
        View::Step(Step::Model) => model::model_step_ui(ui, ctx, &mut states.model, sender),
        View::Step(Step::Train) => train::train_step_ui(ui, ctx, &mut states.train, sender),
        View::Step(Step::Evaluate) => evaluate::evaluate_step_ui(ui, ctx, &mut states.evaluate, sender),
        View::Step(Step::Review) => review::review_step_ui(ui, ctx, &mut states.review, sender),
        View::Step(Step::Export) => export::export_step_ui(ui, ctx, &mut states.export, sender),
        View::TryIt => try_it::try_it_ui(ui, ctx, &mut states.try_it, sender),
        View::Runs => runs::runs_ui(ui, ctx, &mut states.runs, sender),
        View::Studies => studies::studies_ui(ui, ctx, &mut states.studies, sender),
    }
}
