"""Loads networks that Hone trained and saved into transformers, and compares the logits of the same texts.

    python tests/peers/verify_networks.py FOLDER

FOLDER has a folder for each network, with expected.json (its texts) and logits.safetensors (what Hone computed).
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

TOLERANCE = 1e-4


def check(folder: Path) -> float:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = getattr(transformers, config["architectures"][0])
    model, report = kind.from_pretrained(folder, output_loading_info=True)
    problems = {name: found for name, found in report.items() if found}
    assert not problems, f"{folder.name}: {problems}"
    texts = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["texts"]
    with torch.no_grad():
        logits = torch.cat([model.eval()(input_ids=torch.tensor([ids])).logits.flatten() for ids in texts])
    return (logits - load_file(folder / "logits.safetensors")["logits"]).abs().max().item()


def main() -> None:
    transformers.logging.set_verbosity_error()
    folders = sorted(folder for folder in Path(sys.argv[1]).iterdir() if folder.is_dir())
    assert folders, "no networks were saved"
    for folder in folders:
        difference = check(folder)
        print(f"{folder.name}: logits of the saved folder differ by {difference:.1e}")
        assert difference < TOLERANCE


if __name__ == "__main__":
    main()
