#!/usr/bin/env python3
"""Times how long Hone and Hugging Face tokenizers take to tokenise the same texts, in turn (A B A B), and prints the ratio.

    python3 tests/peers/bench_tokenise.py --hone target/release/hone --model FOLDER --data REVIEWS.csv --text text \
        [--len 128] [--rounds 3]

Both tokenise in the same number of threads and cut at the same length; what comes out must have as many tokens. Only
tokenising is timed, with the texts in memory: of Hone what `hone bench tokenise` prints, of the peer `encode_batch_fast`, the
faster of its two ways. The Python that runs this has tokenizers. Prints one JSON object.
"""
import argparse
import csv
import json
import statistics
import subprocess
import sys
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hone", required=True)
    parser.add_argument("--model", required=True, help="folder with a tokenizer.json")
    parser.add_argument("--data", required=True)
    parser.add_argument("--text", default="text")
    parser.add_argument("--len", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    a = parser.parse_args()

    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(f"{a.model}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(a.len)
    csv.field_size_limit(1 << 30)
    with open(a.data, newline="", encoding="utf-8") as file:
        texts = [row[a.text] for row in csv.DictReader(file)]

    def hone():
        command = [a.hone, "bench", "tokenise", a.data, "--text", a.text, "--model", a.model, "--len", str(a.len)]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    def peer():
        begun = time.perf_counter()
        encodings = tokenizer.encode_batch_fast(texts)
        seconds = time.perf_counter() - begun
        return {"rows": len(texts), "tokens": sum(len(e.ids) for e in encodings), "seconds": seconds}

    rounds = [(hone(), peer()) for _ in range(a.rounds)]
    ours, theirs = rounds[0]
    if (ours["rows"], ours["tokens"]) != (theirs["rows"], theirs["tokens"]):
        sys.exit(f"not the same tokens: {ours} and {theirs}")
    speed = [statistics.median(each[side]["rows"] / each[side]["seconds"] for each in rounds) for side in (0, 1)]
    print(json.dumps({
        "rows": ours["rows"], "tokens": ours["tokens"], "hone_rows_per_second": round(speed[0]),
        "tokenizers_rows_per_second": round(speed[1]), "times_faster": round(speed[0] / speed[1], 2),
        "tokenizers": tokenizers.__version__,
    }, indent=2))


if __name__ == "__main__":
    main()
