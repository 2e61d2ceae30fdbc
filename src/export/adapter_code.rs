//! Python code that uses an exported adapter. A folder with an adapter has the configuration of its network too, which other
//! programs take for a whole model: so `peft` is asked for by name.

use crate::data::Pooling;
use crate::project::{Objective, TaskKind};
use crate::storage::RunSettings;

/// Python code that uses the adapter of a run in `folder`, an expression of Python; `objective` is what it predicts as a language
/// model. `tests/peers/verify_adapters.py` makes the same calls of `peft`; this text itself is not run by a test.
#[must_use]
pub fn adapter_code(settings: &RunSettings, objective: Objective, folder: &str) -> String {
    let project = &settings.project;
    let embedding = settings.embedding_pooling().map(|pooling| match pooling {
        Pooling::First => "[:, 0]",
        Pooling::Last => "[:, -1]",
        Pooling::Mean => ".mean(1)",
    });
    let class = match project.task.kind() {
        TaskKind::TextClassification if embedding.is_some() => "AutoModel",
        TaskKind::TextClassification => "AutoModelForSequenceClassification",
        TaskKind::LanguageModelling if objective == Objective::NextTokens => "AutoModelForCausalLM",
        TaskKind::LanguageModelling => "AutoModelForMaskedLM",
    };
    let labels = serde_json::Value::from(settings.labels.clone());
    let (given, answer) = match (project.task.kind(), embedding) {
        (TaskKind::TextClassification, Some(hidden)) => (
            "",
            format!(
                "    embedding = model(**tokens).last_hidden_state{hidden}\n\
                 head = load_file(folder + \"/2_Dense/model.safetensors\")\n\
                 scores = torch.nn.functional.linear(embedding, head[\"linear.weight\"], head[\"linear.bias\"])\n\
                 print({labels}[scores.argmax()])"
            ),
        ),
        (TaskKind::TextClassification, None) => (
            ", num_labels=LABELS, ignore_mismatched_sizes=True",
            format!("    print({labels}[model(**tokens).logits.argmax()])"),
        ),
        (TaskKind::LanguageModelling, _) => ("", "    print(model(**tokens).logits.shape)".to_owned()),
    };
    let given = given.replace("LABELS", &settings.labels.len().to_string());
    let load_file = if answer.contains("load_file") { "from safetensors.torch import load_file\n" } else { "" };
    format!(
        "import torch\nfrom peft import PeftConfig, PeftModel\n{load_file}\
         from transformers import {class}, AutoTokenizer\n\n\
         folder = {folder}\n\
         base = PeftConfig.from_pretrained(folder).base_model_name_or_path\n\
         model = PeftModel.from_pretrained({class}.from_pretrained(base{given}), folder).eval()\n\
         tokens = AutoTokenizer.from_pretrained(folder)(\"your text\", truncation=True, max_length={}, return_tensors=\"pt\")\n\
         with torch.no_grad():\n{answer}",
        project.training.max_length
    )
}
