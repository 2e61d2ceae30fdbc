"""Writes what transformers' BertForMaskedLM answers about sentences, for an adapted folder that Hone exported.

Needs torch and transformers. TEXTS has one sentence a line; words at every fourth token are masked.

    python tests/peers/masked_lm_answers.py FOLDER TEXTS OUT

OUT gets `answers.json` (token ids, masked ids and positions) and `answers.safetensors` (logits over the whole vocabulary at
the masked positions), which the test `needs_peer` of `tests/it/masked_lm.rs` compares with Hone's. `tests/peers/run` does
both. Exit code 1: the folder does not load whole, or its decoder is not tied to its embeddings.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForMaskedLM, AutoTokenizer


def load(folder: Path):
    """The model and tokenizer; every weight must come from the folder and be of use."""
    model, report = AutoModelForMaskedLM.from_pretrained(folder, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report.get(kind):
            sys.exit(f"{kind}: {sorted(report[kind])[:5]}")
    if type(model).__name__ != "BertForMaskedLM":
        sys.exit(f"the folder loads as {type(model).__name__}")
    if model.get_output_embeddings().weight.data_ptr() != model.get_input_embeddings().weight.data_ptr():
        sys.exit("the decoder is not tied to the embeddings")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if len(tokenizer) != model.config.vocab_size:
        sys.exit(f"the tokenizer has {len(tokenizer)} tokens, the model {model.config.vocab_size}")
    return model.eval(), tokenizer


def main() -> None:
    folder, texts, out = map(Path, sys.argv[1:4])
    model, tokenizer = load(folder)
    cases, logits = [], []
    for text in filter(None, map(str.strip, texts.read_text("utf-8").splitlines())):
        ids = tokenizer(text, truncation=True, max_length=model.config.max_position_embeddings)["input_ids"]
        reads = list(range(1, len(ids) - 1, 4))
        masked = [tokenizer.mask_token_id if place in reads else id for place, id in enumerate(ids)]
        with torch.no_grad():
            logits.append(model(input_ids=torch.tensor([masked])).logits[0, reads])
        cases.append({"text": text, "ids": ids, "masked": masked, "reads": reads})
    (out / "answers.json").write_text(json.dumps({"folder": str(folder.resolve()), "cases": cases}), encoding="utf-8")
    save_file({"logits": torch.cat(logits).contiguous()}, out / "answers.safetensors")


if __name__ == "__main__":
    main()
