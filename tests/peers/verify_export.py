"""Checks that a folder exported by Hone loads in transformers unchanged and answers as Hone does. A folder with modules.json
must load in sentence-transformers.

Needs torch and transformers. PREDICTIONS is a CSV that Hone wrote for this model: `hone export --format predictions`
(texts as the model saw them), or `hone predict --uncalibrated` on texts that cleaning leaves as they are.

    python tests/peers/verify_export.py FOLDER PREDICTIONS [--text text] [--rows 256] [--tolerance 1e-4]

Exit code 0: every probability is the same within the tolerance. 1: not so, or the folder does not load.
"""

import argparse
import csv
import re
import sys
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

PREFIX = "probability_"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--text", default="text", help="column with the text")
    parser.add_argument("--rows", type=int, default=256, help="rows compared at most")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    return parser.parse_args()


def longest_text(folder: Path) -> int:
    """Tokens that Hone cut the texts at; it is no setting of transformers, so Hone's own file is asked."""
    info = folder / "hone.ron"
    found = re.search(r"max_length:\s*(\d+)", info.read_text("utf-8")) if info.is_file() else None
    return int(found[1]) if found else 512


def load_modules(folder: Path, length: int):
    """The labels, and what gives the logits of a text."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    assert model.max_seq_length == length, f"{folder} reads {model.max_seq_length} tokens, not {length}"
    return model[0].auto_model.config, lambda text: model.encode(text, convert_to_tensor=True)


def load(folder: Path, length: int):
    """The configuration, and what gives the logits of a text. Every weight must come from the folder and be of use."""
    if (folder / "modules.json").is_file():
        return load_modules(folder, length)
    model, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report.get(kind):
            sys.exit(f"{kind}: {sorted(report[kind])[:5]}")
    model, tokenizer = model.eval(), AutoTokenizer.from_pretrained(folder)
    length = min(length, model.config.max_position_embeddings)
    encode = lambda text: tokenizer(text, truncation=True, max_length=length, return_tensors="pt")
    return model.config, lambda text: model(**encode(text)).logits[0]


def read(path: Path, text: str, rows: int) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    table = [row for row in table if row[text].strip()][:rows]
    if not table:
        sys.exit(f"{path} has no rows with a text")
    return table


def main() -> int:
    args = arguments()
    config, logits = load(args.folder, longest_text(args.folder))
    labels = [config.id2label[index] for index in range(config.num_labels)]
    rows = read(args.predictions, args.text, args.rows)
    lacking = [label for label in labels if PREFIX + label not in rows[0]]
    if lacking:
        sys.exit(f"{args.predictions} has no probability of {lacking}")
    worst, wrong = 0.0, 0
    for row in rows:
        with torch.no_grad():
            theirs = torch.softmax(logits(row[args.text]).double(), dim=0).tolist()
        ours = [float(row[PREFIX + label]) for label in labels]
        difference = max(abs(a - b) for a, b in zip(ours, theirs))
        answer = labels[theirs.index(max(theirs))]
        if not difference <= args.tolerance or row.get("predicted", answer) != answer:
            wrong += 1
            print(f"differs by {difference:.2e}: {row[args.text][:80]!r}: {ours} and {theirs}")
        worst = max(worst, difference)
    print(f"transformers: {len(rows)} rows, {len(labels)} labels: the largest difference of a probability is {worst:.2e} "
          f"(limit {args.tolerance:.0e})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
