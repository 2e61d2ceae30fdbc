//! GGUF files, turned into model folders: made by `tests/peers/make_tiny_gguf.py`, and damaged ones.

use std::path::{Path, PathBuf};

use hone::data::{Batch, Sequence, TextTokenizer};
use hone::models::{HeadSpec, LoadOptions, Mode, Model, ModelError};
use hone::progress::{Control, Watch};
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    ids: Vec<u32>,
    logits: Vec<Vec<f32>>,
}

fn convert_gguf(file: &Path, out: &Path) -> Result<(), ModelError> {
    let control = Control::default();
    hone::models::convert_gguf(file, out, &mut Watch { control: &control, report: &mut |_| {} })
}

#[test]
fn a_stopped_conversion_writes_nothing() {
    let (out, control) = (tempfile::tempdir().unwrap(), Control::default());
    let mut told = Vec::new();
    let mut report = |progress: hone::progress::Progress| {
        told.push(progress.done);
        if progress.done == 3 {
            control.cancel();
        }
    };
    let file = fixtures().join("gguf/tiny.gguf");
    let stopped = hone::models::convert_gguf(&file, out.path(), &mut Watch { control: &control, report: &mut report });
    assert!(matches!(stopped, Err(ModelError::Cancelled)));
    assert_eq!(told, [0, 1, 2, 3]);
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

#[test]
fn a_converted_file_gives_the_logits_and_tokens_of_transformers() {
    let out = tempfile::tempdir().unwrap();
    convert_gguf(&fixtures().join("gguf/tiny.gguf"), out.path()).unwrap();
    let (model, report) = Model::load(out.path(), &LoadOptions::new(HeadSpec::LanguageModel)).unwrap();
    assert!(report.missing.is_empty() && report.unexpected.is_empty() && !report.new_head, "{report:?}");
    let expected = std::fs::read(fixtures().join("gguf/expected.json")).unwrap();
    let Expected { ids, logits } = serde_json::from_slice(&expected).unwrap();
    let mut batch = Batch::default();
    let reads: Vec<u32> = (0..ids.len() as u32).collect();
    batch.push(Sequence { ids: &ids, reads: &reads, wanted: &[], row: 0 });
    let got = model.forward(&batch, Mode::Inference).unwrap().concat();
    let difference = got.iter().zip(logits.concat()).map(|(got, expected)| (got - expected).abs()).fold(0.0, f32::max);
    assert!(got.len() == logits.len() * logits[0].len() && difference < 1e-4, "{difference}");

    let [converted, original] = [out.path().to_owned(), fixtures().join("tokenizers/gpt2")];
    let [converted, original] = [converted, original].map(|folder| TextTokenizer::load(&folder).unwrap());
    for text in ["Great product, works well!", "  two  spaces\n", "Größe 😀 <|endoftext|>", "123 4"] {
        let ids = |tokenizer: &TextTokenizer| tokenizer.encode_batch(&[text], 512).unwrap();
        assert_eq!(ids(&converted), ids(&original), "{text:?}");
    }
}

#[test]
fn a_damaged_file_is_refused_and_never_panics() {
    hone::data::keep_panics_of_decoders_quiet();
    let (place, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = place.path().join("tiny.gguf");
    let whole = std::fs::read(fixtures().join("gguf/tiny.gguf")).unwrap();
    let said = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        convert_gguf(&file, out.path()).err().map(|error| error.to_string())
    };
    for length in [0, 3, 30, 4_000, whole.len() / 2, whole.len() - 1] {
        let message = said(&whole[..length]).expect("a part of a file is refused");
        assert!(message.contains("tiny.gguf cannot be used: it ends too early, so the download may be"), "{message}");
    }
    assert!(said(b"text,label\nfine,good\n").unwrap().contains("it is no GGUF file"));
    let mut rng = hone::random::Rng::new(3);
    let mut refused = 0;
    for _ in 0..150 {
        let mut bytes = whole.clone();
        let place = rng.below(9_000) as usize;
        bytes[place] = rng.below(256) as u8;
        refused += usize::from(said(&bytes).is_some());
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let (place, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = place.path().join("tiny.gguf");
    let whole = std::fs::read(fixtures().join("gguf/tiny.gguf")).unwrap();
    // Names of the same length, so that the file stays whole.
    let cases = [
        (
            &b"general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0llama"[..],
            &b"general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0falco"[..],
            "the kind \"falco\"",
        ),
        (b"\x05\0\0\0\0\0\0\0gpt-2", b"\x05\0\0\0\0\0\0\0tekkn", "in the way \"tekkn\""),
        (b"\x04\0\0\0\0\0\0\0gpt2", b"\x04\0\0\0\0\0\0\0bert", "of the kind \"bert\""),
        (b"blk.0.attn_q.weight", b"blk.0.attn_z.weight", "a tensor blk.0.attn_z.weight"),
    ];
    for (from, to, part) in cases {
        let at = whole.windows(from.len()).position(|window| window == from).expect("the file has it");
        let mut changed = whole.clone();
        changed[at..at + to.len()].copy_from_slice(to);
        std::fs::write(&file, changed).unwrap();
        let message = convert_gguf(&file, out.path()).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0, "nothing is written");
}
