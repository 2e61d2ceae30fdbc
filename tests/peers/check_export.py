"""Loads an exported folder with transformers, unchanged, and compares its probabilities with Hone's.

    python tests/peers/check_export.py EXPORTED_FOLDER LABELLED_CSV TEXT_COLUMN

LABELLED_CSV is what `hone predict EXPORTED_FOLDER` wrote. Its texts must not need cleaning.
"""

import csv
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

TOLERANCE = 1e-4


def main() -> None:
    folder, labelled, column = sys.argv[1:]
    with open(labelled, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows, f"{labelled} holds no rows"
    model, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not report[problem], f"{problem}: {report[problem]}"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        batch = tokenizer([row[column] for row in rows], padding=True, truncation=True, return_tensors="pt")
        theirs = model.eval()(**batch).logits.softmax(-1)
    names = [model.config.id2label[index] for index in range(model.config.num_labels)]
    ours = torch.tensor([[float(row[f"probability_{name}"]) for name in names] for row in rows])
    largest = (ours - theirs).abs().max().item()
    agree = sum(row["predicted"] == names[best] for row, best in zip(rows, theirs.argmax(-1).tolist()))
    print(f"transformers: {len(rows)} rows, {agree} same labels, largest difference of a probability {largest:.2e}")
    assert agree == len(rows) and largest <= TOLERANCE, "transformers disagrees with Hone"


if __name__ == "__main__":
    main()
