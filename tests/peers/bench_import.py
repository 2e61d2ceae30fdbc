#!/usr/bin/env python3
"""Times how long Hone and pandas take to read a large table, in turn (A B A B), and prints the ratios.

    python3 tests/peers/bench_import.py --hone target/release/hone --from REVIEWS.csv --text text --label label \
        [--rows 1000000] [--sheet-rows 100000] [--rounds 3] [--folder /tmp/bench-import]

The table is made of the rows of REVIEWS.csv again and again, each with a few words exchanged, with an id, a date and a
number beside the text and the label. Hone's time is that of the whole program `hone inspect` with `--only-read`: reading and
counting every column; pandas' is that of `read_csv`, `read_parquet` or `read_excel` alone, without its import. The Python
that runs this has pandas, pyarrow and openpyxl. Prints one JSON object.
"""
import argparse
import datetime
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

PEER = """
import json, resource, sys, time, pandas
begun = time.perf_counter()
frame = getattr(pandas, sys.argv[1])(sys.argv[2])
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(json.dumps({"seconds": seconds, "peak_mb": peak, "rows": len(frame)}))
"""


def make(a, folder):
    import pandas

    source = pandas.read_csv(a.source)[[a.text, a.label]].dropna().astype(str)
    texts, labels = source[a.text].tolist(), source[a.label].tolist()
    words = " ".join(texts[:2000]).split()
    rng = random.Random(7)
    rows = []
    for number in range(a.rows):
        text = texts[number % len(texts)]
        if number >= len(texts):
            parts = text.split()
            for _ in range(1 + len(parts) // 6):
                if parts:
                    parts[rng.randrange(len(parts))] = rng.choice(words)
            # As long as reviews are: two sentences or three.
            text = " ".join(parts) + " " + texts[rng.randrange(len(texts))]
        day = datetime.date(2024, 1, 1) + datetime.timedelta(days=number % 900)
        rows.append((f"R{number:08d}", text, labels[number % len(labels)], 1 + number % 5, day.isoformat()))
    frame = pandas.DataFrame(rows, columns=["id", "text", "label", "stars", "day"])
    frame.to_csv(folder / "reviews.csv", index=False)
    frame.to_parquet(folder / "reviews.parquet")
    frame.head(a.sheet_rows).to_excel(folder / "reviews.xlsx", index=False)


def hone(a, path):
    begun = time.perf_counter()
    command = [a.hone, "inspect", str(path), "--text", "text", "--label", "label", "--json", "--only-read"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    answer = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    if status != 0:
        sys.exit(f"hone inspect failed on {path}")
    return {"seconds": seconds, "peak_mb": usage.ru_maxrss * 1024 / 1e6, "rows": json.loads(answer)["rows"]}


def pandas_reads(function, path):
    command = [sys.executable, "-c", PEER, function, str(path)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hone", required=True)
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--text", default="text")
    parser.add_argument("--label", default="label")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sheet-rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default="/tmp/bench-import")
    a = parser.parse_args()
    folder = pathlib.Path(a.folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "reviews.xlsx").exists():
        make(a, folder)
    answer = {}
    for name, function in [("csv", "read_csv"), ("parquet", "read_parquet"), ("xlsx", "read_excel")]:
        path = folder / f"reviews.{name}"
        rounds = [(hone(a, path), pandas_reads(function, path)) for _ in range(a.rounds)]
        median = lambda side, key: statistics.median(each[side][key] for each in rounds)
        assert rounds[0][0]["rows"] == rounds[0][1]["rows"], rounds[0]
        answer[name] = {
            "file_mb": round(path.stat().st_size / 1e6, 1), "rows": rounds[0][0]["rows"],
            "hone_s": round(median(0, "seconds"), 2), "pandas_s": round(median(1, "seconds"), 2),
            "times_faster": round(median(1, "seconds") / median(0, "seconds"), 2),
            "hone_peak_mb": round(median(0, "peak_mb")), "pandas_peak_mb": round(median(1, "peak_mb")),
        }
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
