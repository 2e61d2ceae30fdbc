//! Python code that uses an exported classifier of texts' embeddings.

/// Python code that classifies `text` with the model in `folder`, an expression of Python. `labels` are in the order of the scores.
#[must_use]
pub fn sentence_code(labels: &[String], folder: &str, text: &str) -> String {
    let labels = serde_json::Value::from(labels.to_vec());
    format!(
        "from sentence_transformers import SentenceTransformer\n\n\
         model = SentenceTransformer({folder})\n\
         scores = model.encode({text:?})\n\
         print({labels}[scores.argmax()])"
    )
}
