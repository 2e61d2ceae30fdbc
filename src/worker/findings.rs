//! Looking for what is wrong with prepared rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{self, DataError, Imported, Likeness, Prepared, Sources, TextsKey, TokenLengths};
use crate::fetch;
use crate::models::ModelConfig;
use crate::project::Project;

use crate::worker::Answer;
use crate::worker::jobs::{COUNTED, Context, JobError};

/// Token lengths of the last texts looked at, and the model they are of: other labels, other settings and rows left out
/// change none of them.
#[derive(Default)]
pub(super) struct KeptLengths(Option<(TextsKey, PathBuf, Arc<TokenLengths>)>);

impl KeptLengths {
    /// Those of these texts, if all of them are among the texts kept.
    fn of(&self, key: &TextsKey, model: &Path) -> Option<Arc<TokenLengths>> {
        let (texts, _, lengths) = self.0.as_ref().filter(|(_, of, _)| of == model)?;
        if texts == key {
            return Some(Arc::clone(lengths));
        }
        let places = key.places_among(texts)?;
        let tokens = places.into_iter().map(|place| lengths.tokens[place as usize]).collect();
        Some(Arc::new(TokenLengths { tokens, ..**lengths }))
    }
}

/// Looks for everything there is to find.
pub(super) fn find_problems(
    context: &mut Context<'_>,
    (project, folder): (&Project, &Path),
    imported: &Imported,
    prepared: &Prepared,
    likeness: &Likeness,
) -> Result<Answer, JobError> {
    let lengths = lengths(context, project, folder, prepared)?;
    let sources = Sources { project, imported, prepared, likeness, lengths: &lengths };
    let found = context.watched(|watch| data::find(&sources, watch))?;
    Ok(Answer::ProblemsFound(Arc::new(found)))
}

/// Lengths by the model's own tokenizer where it is on this machine, else estimated: a model that cannot be read is told
/// of where it is chosen.
fn lengths(
    context: &mut Context<'_>,
    project: &Project,
    folder: &Path,
    prepared: &Prepared,
) -> Result<Arc<TokenLengths>, JobError> {
    let estimate = || Arc::new(TokenLengths::estimate(prepared));
    let Some(model) = fetch::locate(&project.model, folder).ok().flatten() else { return Ok(estimate()) };
    let key = TextsKey::of(&prepared.examples);
    if let Some(lengths) = context.kept.lengths.of(&key, &model) {
        return Ok(lengths);
    }
    let (Ok(tokenizer), Ok(config)) = (context.tokenizer(&model), ModelConfig::read(&model)) else {
        return Ok(estimate());
    };
    let limits = (config.max_position_embeddings, COUNTED);
    match context.watched(|watch| TokenLengths::count(prepared, &tokenizer, limits, watch)) {
        Ok(lengths) => {
            let lengths = Arc::new(lengths);
            context.kept.lengths.0 = Some((key, model, Arc::clone(&lengths)));
            Ok(lengths)
        }
        Err(DataError::Cancelled) => Err(JobError::Cancelled),
        // Where the tokenizer refuses a text, training will say so.
        Err(_) => Ok(estimate()),
    }
}
