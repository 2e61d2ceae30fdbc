//! Sample code for an exported model, by task.

use std::path::Path;

use crate::export::sentence_code;
use crate::project::{Objective, TaskKind};
use crate::storage::RunSettings;

/// A command that uses the model in `folder`.
#[must_use]
pub fn terminal_code(task: TaskKind, folder: &Path) -> String {
    let folder = folder.display();
    match task {
        TaskKind::TextClassification => format!("hone predict \"{folder}\" reviews.csv --out labelled.csv"),
        TaskKind::LanguageModelling => format!("hone new my-project --data reviews.csv --model \"{folder}\""),
    }
}

/// Python code that uses the model of a run in `folder`; `objective` is what it predicts as a language model. Texts are truncated
/// to the max length of the project.
#[must_use]
pub fn python_code(settings: &RunSettings, objective: Objective, folder: &Path) -> String {
    let project = &settings.project;
    let folder = format!("{:?}", folder.display().to_string());
    if settings.embedding_pooling().is_some() {
        return sentence_code(&settings.labels, &folder, "The strap broke after a week.");
    }
    let max_length = project.training.max_length;
    let code = match project.task.kind() {
        TaskKind::TextClassification => format!(
            "classify = pipeline(\"text-classification\", model={folder}, top_k=None)\n\
             print(classify(\"The strap broke after a week.\", truncation=True, max_length={max_length}))"
        ),
        TaskKind::LanguageModelling if objective == Objective::NextTokens => format!(
            "generate = pipeline(\"text-generation\", model={folder})\n\
             print(generate(\"The tenant shall pay\", max_new_tokens=40)[0][\"generated_text\"])"
        ),
        TaskKind::LanguageModelling => format!(
            "fill_mask = pipeline(\"fill-mask\", model={folder})\n\
             print(fill_mask(f\"The tenant shall pay the {{fill_mask.tokenizer.mask_token}} each month.\"))"
        ),
    };
    format!("from transformers import pipeline\n\n{code}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::results;
    use crate::project::{Project, TrainedLayers};

    fn of(project: Project) -> RunSettings {
        RunSettings { project, ..results().settings.clone() }
    }

    #[test]
    fn the_sample_code_names_the_exported_folder_and_suits_the_task() {
        let model = Path::new("/home/ann/model");
        let classify = TaskKind::TextClassification;
        assert_eq!(terminal_code(classify, model), "hone predict \"/home/ann/model\" reviews.csv --out labelled.csv");
        let python = python_code(&of(Project::new(classify)), Objective::default(), model);
        assert!(python.contains("model=\"/home/ann/model\"") && python.contains("max_length=128"), "{python}");
        let adapt = TaskKind::LanguageModelling;
        assert!(terminal_code(adapt, model).ends_with("--model \"/home/ann/model\""));
        let mut instant = Project::new(classify);
        instant.training.trained_layers = TrainedLayers::Instant;
        let python = python_code(&of(instant), Objective::default(), model);
        assert!(python.contains("SentenceTransformer(\"/home/ann/model\")"), "{python}");
        assert!(python.contains("print([\"negative\",\"neutral\",\"positive\"][scores.argmax()])"), "{python}");
        for (objective, name) in [(Objective::MaskedWords, "fill-mask"), (Objective::NextTokens, "text-generation")] {
            let python = python_code(&of(Project::new(adapt)), objective, model);
            assert!(python.contains(&format!("\"{name}\", model=\"/home/ann/model\"")), "{python}");
        }
    }
}
