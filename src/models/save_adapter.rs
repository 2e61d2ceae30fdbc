//! The configuration of an adapter that was trained, as `peft` writes it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::models::adapter_files::{DOWN, UP};
use crate::models::weights::Parameter;
use crate::project::LoraSettings;

/// `adapter_config.json` of an adapter of the model in `base`. `parameters` are those of the whole network, and `task` is
/// `peft`'s name for what it was trained for.
pub(super) fn adapter_config(lora: &LoraSettings, task: Option<&str>, base: &Path, parameters: &[Parameter]) -> Value {
    let end = format!(".{DOWN}.weight");
    let adapted: Vec<&str> = parameters.iter().filter_map(|parameter| parameter.name.strip_suffix(&end)).collect();
    let trained = parameters.iter().filter(|parameter| parameter.trained && !is_of_adapter(&parameter.name));
    let whole: BTreeSet<&str> = trained.filter_map(|parameter| module_of(&parameter.name)).collect();
    let is_transposed = parameters.iter().any(|parameter| parameter.transposed);
    let base = base.canonicalize().unwrap_or_else(|_| base.to_owned());
    json!({
        "peft_type": "LORA",
        "task_type": task,
        "base_model_name_or_path": base.to_string_lossy(),
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "target_modules": adapted,
        "modules_to_save": whole,
        "bias": "none",
        "fan_in_fan_out": is_transposed,
        "inference_mode": true,
        "init_lora_weights": true,
        "use_rslora": false,
        "use_dora": false,
    })
}

/// The module into which `peft` loads a parameter. `peft` always loads a module called `classifier` as a whole.
fn module_of(parameter: &str) -> Option<&str> {
    const CLASSIFIER: &str = "classifier";
    let (module, _) = parameter.rsplit_once('.')?;
    let is_in_classifier = module.split_once('.').is_some_and(|(outer, _)| outer == CLASSIFIER);
    Some(if is_in_classifier { CLASSIFIER } else { module })
}

/// Whether a parameter is one of an adapter's two matrices.
fn is_of_adapter(name: &str) -> bool {
    [DOWN, UP].iter().any(|end| name.ends_with(&format!(".{end}.weight")))
}
