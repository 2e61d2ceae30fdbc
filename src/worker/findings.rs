//! Looking for what is wrong with prepared rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{self, Imported, Likeness, Prepared, Sources, TextTokenizer, TokenLengths};
use crate::models::{self, ModelConfig};
use crate::progress::{Progress, Watch};
use crate::project::Project;

use super::Answer;
use super::jobs::{Context, JobError};

/// Texts tokenised between two looks at the stop switch.
const TEXTS_PER_LOOK: usize = 4096;

/// Token lengths of the last rows looked at, with the hash of these and the model they are of: other settings change
/// neither.
#[derive(Default)]
pub(super) struct KeptLengths(Option<(String, PathBuf, Arc<TokenLengths>)>);

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
    let Some(model) = models::locate(&project.model, folder).ok().flatten() else { return Ok(estimate()) };
    if let Some((rows, of, lengths)) = &context.kept.lengths.0
        && *rows == prepared.data_hash
        && *of == model
    {
        return Ok(Arc::clone(lengths));
    }
    let (Ok(tokenizer), Ok(config)) = (TextTokenizer::load(&model), ModelConfig::read(&model)) else {
        return Ok(estimate());
    };
    let Some(tokens) = context.watched(|watch| count_tokens(&tokenizer, prepared, watch))? else {
        return Ok(estimate());
    };
    let lengths = Arc::new(TokenLengths { tokens, limit: Some(config.max_position_embeddings), estimated: false });
    context.kept.lengths.0 = Some((prepared.data_hash.clone(), model, Arc::clone(&lengths)));
    Ok(lengths)
}

/// `None` when the tokenizer refuses a text: then training will say so.
fn count_tokens(
    tokenizer: &TextTokenizer,
    prepared: &Prepared,
    watch: &mut Watch<'_>,
) -> Result<Option<Vec<usize>>, JobError> {
    let texts: Vec<&str> = prepared.examples.iter().map(|example| example.text.as_str()).collect();
    let mut tokens = Vec::with_capacity(texts.len());
    for part in texts.chunks(TEXTS_PER_LOOK) {
        if watch.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        let (stage, total) = ("Counting tokens".to_owned(), Some(texts.len() as u64));
        watch.progress(Progress { stage, done: tokens.len() as u64, total, unit: "texts", eta_seconds: None });
        let Ok(lengths) = tokenizer.token_lengths(part) else { return Ok(None) };
        tokens.extend(lengths);
    }
    Ok(Some(tokens))
}
