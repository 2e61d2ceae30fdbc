"""Makes tests/fixtures/weight-files: the weights of networks/bert-classifier as PyTorch and safetensors save them otherwise.

Needs torch and transformers. Run from anywhere:

    python tests/peers/make_weight_files.py

The fixtures are committed; run this only to change them.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import BertForSequenceClassification

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
SOURCE = FIXTURES / "networks" / "bert-classifier"
PLACE = FIXTURES / "weight-files"


def empty(name: str) -> Path:
    folder = PLACE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(SOURCE / "config.json", folder)
    return folder


def main() -> None:
    weights = load_file(SOURCE / "model.safetensors")

    # Among them a tensor that lies column by column, one that is a part of a larger one, and parameters as training saves them.
    folder = empty("pytorch")
    odd = dict(weights)
    name = "bert.embeddings.word_embeddings.weight"
    odd[name] = weights[name].t().contiguous().t()
    name = "bert.embeddings.position_embeddings.weight"
    odd[name] = torch.cat([torch.ones(3, 16), weights[name], torch.ones(5, 16)])[3:-5]
    odd["classifier.weight"] = torch.nn.Parameter(weights["classifier.weight"])
    odd["bert.embeddings.position_ids"] = torch.arange(24)[None]
    torch.save(odd, folder / "pytorch_model.bin")

    folder = empty("pytorch-shards")
    names = sorted(weights)
    parts = [names[: len(names) // 2], names[len(names) // 2 :]]
    where = {}
    for number, part in enumerate(parts, 1):
        file = f"pytorch_model-{number:05}-of-{len(parts):05}.bin"
        torch.save({name: weights[name] for name in part}, folder / file)
        where |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 1}, "weight_map": where}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index) + "\n", encoding="utf-8")

    folder = empty("safetensors-shards")
    BertForSequenceClassification.from_pretrained(SOURCE).save_pretrained(folder, max_shard_size="12KB")


if __name__ == "__main__":
    main()
