//! Weights in several files and in `PyTorch`'s own format, made by `tests/peers/make_weight_files.py`, and damaged ones.

use std::io::Write;
use std::path::{Path, PathBuf};

use hone::data::{Batch, Pooling};
use hone::models::{LoadOptions, Mode, Model, ModelError};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::tiny_bert::LABELS;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn try_load(folder: &Path) -> Result<Model, ModelError> {
    Ok(Model::load(folder, &LoadOptions::classifier(LABELS.map(str::to_owned).to_vec()))?.0)
}

fn said(folder: &Path) -> String {
    try_load(folder).unwrap_err().to_string()
}

fn copy_of(name: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(fixtures().join("weight-files").join(name)).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

fn logits(model: &Model) -> Vec<f32> {
    let mut batch = Batch::default();
    batch.push_text(&[7, 23, 59, 12, 8], Pooling::First, None, 0);
    model.forward(&batch, Mode::Inference).unwrap().concat()
}

#[test]
fn the_same_weights_in_other_files_are_the_same_model() {
    let expected = try_load(&fixtures().join("networks/bert-classifier")).unwrap();
    for name in ["pytorch", "pytorch-shards", "safetensors-shards"] {
        let folder = fixtures().join("weight-files").join(name);
        let model = try_load(&folder).unwrap();
        assert_eq!(logits(&model), logits(&expected), "{name}");
        for (got, expected) in model.parameters().iter().zip(expected.parameters()) {
            let values = |var: &candle_core::Var| var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(values(&got.var), values(&expected.var), "{name}: {}", got.name);
        }
        let out = tempfile::tempdir().unwrap();
        model.save_folder(&folder, out.path()).unwrap();
        assert_eq!(logits(&try_load(out.path()).unwrap()), logits(&expected), "{name} saved as one file");
        let files = std::fs::read_dir(out.path()).unwrap().count();
        assert_eq!(files, 2, "{name}: the configuration and the weights");
    }
}

#[test]
fn a_missing_part_is_named() {
    for (name, part) in [
        ("safetensors-shards", "model-00002-of-00002.safetensors"),
        ("pytorch-shards", "pytorch_model-00001-of-00002.bin"),
    ] {
        let copy = copy_of(name);
        std::fs::remove_file(copy.path().join(part)).unwrap();
        let message = said(copy.path());
        assert!(message.contains(".index.json names the file") && message.contains(part), "{message}");
        assert!(message.contains("Download the model again"), "{message}");
    }
}

#[test]
fn an_index_cannot_name_files_elsewhere() {
    let copy = copy_of("safetensors-shards");
    let index = copy.path().join("model.safetensors.index.json");
    let text = std::fs::read_to_string(&index).unwrap();
    std::fs::write(&index, text.replace("model-00001", "../model-00001")).unwrap();
    let message = said(copy.path());
    assert!(message.contains("it names the file \"../model-00001-of-00002.safetensors\""), "{message}");
    std::fs::write(&index, "{\"weight_map\": [").unwrap();
    assert!(said(copy.path()).contains("model.safetensors.index.json is damaged"), "{}", said(copy.path()));
}

#[test]
fn a_damaged_pytorch_file_is_refused_and_never_panics() {
    hone::data::keep_panics_of_decoders_quiet();
    let copy = copy_of("pytorch");
    let path = copy.path().join("pytorch_model.bin");
    let whole = std::fs::read(&path).unwrap();
    let mut rng = hone::random::Rng::new(5);
    let mut refused = 0;
    for _ in 0..400 {
        let mut bytes = whole.clone();
        for _ in 0..=rng.below(3) {
            // The pickle is at the beginning, the list of entries at the end.
            let reach = if rng.below(2) == 0 { 4_000 } else { bytes.len() };
            let place = rng.below(reach as u64) as usize;
            bytes[place] = rng.below(256) as u8;
        }
        std::fs::write(&path, &bytes).unwrap();
        refused += usize::from(try_load(copy.path()).is_err());
    }
    assert!(refused > 100, "{refused}");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let message = said(copy.path());
    assert!(message.contains("pytorch_model.bin is damaged") && message.contains("not a zip archive"), "{message}");
}

/// What is said about a file with this pickle.
fn said_about(pickle: &[u8]) -> String {
    let copy = copy_of("pytorch");
    let file = std::fs::File::create(copy.path().join("pytorch_model.bin")).unwrap();
    let mut archive = ZipWriter::new(file);
    archive.start_file("model/data.pkl", SimpleFileOptions::default()).unwrap();
    archive.write_all(pickle).unwrap();
    archive.finish().unwrap();
    said(copy.path())
}

#[test]
fn a_pickle_that_would_fill_the_memory_is_refused() {
    // Each tuple holds the one before it twice: 2^60 objects.
    let mut copies = b"\x80\x02K\x01q\x00".to_vec();
    for number in 0..60_u8 {
        copies.extend([b'h', number, b'h', number, 0x86, b'q', number + 1]);
    }
    copies.push(b'.');
    let message = said_about(&copies);
    assert!(message.contains("its pickle is not that of a model"), "{message}");
    // Tuples inside each other, deeper than any stack.
    let mut nested = b"\x80\x02K\x01".to_vec();
    nested.extend(std::iter::repeat_n(0x85, 3_000_000));
    nested.push(b'.');
    assert!(said_about(&nested).contains("its pickle is not that of a model"));
}

#[test]
fn a_pickle_of_something_else_is_refused_and_nothing_in_it_is_run() {
    let marker = tempfile::tempdir().unwrap().path().join("run");
    let command = format!("touch {}", marker.display());
    let mut call = b"\x80\x02cos\nsystem\nX".to_vec();
    call.extend((command.len() as u32).to_le_bytes());
    call.extend(command.as_bytes());
    call.extend(b"\x85R.");
    let message = said_about(&call);
    assert!(message.contains("its pickle holds no dictionary of tensors") && !marker.exists(), "{message}");
    assert!(said_about(b"\x80\x02}.").contains("its pickle holds no tensors"));
    assert!(said_about(b"\x80\x02}").contains("its pickle is cut off"));
    assert!(said_about(b"\x80\x02\xff.").contains("unknown op-code"));
}
