"""Loads adapters that Hone trained and saved with peft, and compares the logits of the same texts.

    python tests/peers/verify_adapters.py FOLDER

FOLDER has a folder for each adapter, with expected.json (its texts) and logits.safetensors (what Hone computed).
"""

import json
import sys
from pathlib import Path

import peft
import torch
import transformers
from safetensors.torch import load_file

TOLERANCE = 1e-4


def check(folder: Path) -> float:
    base = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["base_model_name_or_path"]
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"][0]
    reads_the_mean = (folder / "modules.json").exists()
    network = transformers.AutoModel if reads_the_mean else getattr(transformers, kind)
    model = peft.PeftModel.from_pretrained(network.from_pretrained(base), folder)
    saved = set(load_file(folder / "adapter_model.safetensors"))
    known = set(peft.get_peft_model_state_dict(model))
    assert saved == known, f"{folder.name}: {saved ^ known}"
    texts = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["texts"]
    with torch.no_grad():
        answers = [model.eval()(input_ids=torch.tensor([ids])) for ids in texts]
        if reads_the_mean:
            dense = load_file(folder / "2_Dense" / "model.safetensors")
            means = torch.cat([answer.last_hidden_state.mean(1) for answer in answers])
            logits = torch.nn.functional.linear(means, dense["linear.weight"], dense["linear.bias"]).flatten()
        else:
            logits = torch.cat([answer.logits.flatten() for answer in answers])
    return (logits - load_file(folder / "logits.safetensors")["logits"]).abs().max().item()


def main() -> None:
    transformers.logging.set_verbosity_error()
    folders = sorted(folder for folder in Path(sys.argv[1]).iterdir() if folder.is_dir())
    assert folders, "no adapters were saved"
    for folder in folders:
        difference = check(folder)
        print(f"{folder.name}: logits of the adapter in peft differ by {difference:.1e}")
        assert difference < TOLERANCE


if __name__ == "__main__":
    main()
