"""Writes tests/fixtures/minilm-l6-pooled.json: MiniLM-L6's pooled outputs for a few texts, by transformers.

Needs torch and transformers:

    python tests/peers/minilm_reference.py FOLDER

FOLDER holds the model as the catalogue describes it (config.json, model.safetensors, tokenizer.json).
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

OUT = Path(__file__).resolve().parent.parent / "fixtures" / "minilm-l6-pooled.json"
TEXTS = [
    "The blender arrived on time and works perfectly.",
    "Terrible.",
    "I ordered two pairs of shoes; one of them was the wrong size, and customer service took three weeks to answer my "
    "e-mail. In the end they sent a refund, but I would not order there again & would not recommend it either.",
    "Größe passt nicht, schade… 5/10",
    "It is okay. " * 60,
]


def main() -> None:
    folder = sys.argv[1]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    cases = []
    for text in TEXTS:
        ids = tokenizer(text, truncation=True, max_length=128)["input_ids"]
        with torch.no_grad():
            pooled = model(input_ids=torch.tensor([ids])).pooler_output[0]
        cases.append({"text": text, "input_ids": ids, "pooled": [round(value, 7) for value in pooled.tolist()]})
    OUT.write_text(json.dumps(cases, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
