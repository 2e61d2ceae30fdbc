#!/usr/bin/env python3
"""Seconds from the start of `hone train PROJECT` to the start of its first training step, the model being on the machine.

    python3 tests/peers/startup.py --hone target/release/hone --project FOLDER [--rounds 5]

The run's first line of metrics is awaited, and the time of its step taken off. Runs are stopped and removed afterwards.
Prints one JSON object.
"""
import argparse
import json
import pathlib
import shutil
import signal
import statistics
import subprocess
import time


def first_step(hone, project):
    runs = project / "runs"
    before = set(runs.iterdir()) if runs.is_dir() else set()
    begun = time.perf_counter()
    process = subprocess.Popen([hone, "train", str(project)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            new = set(runs.iterdir()) - before if runs.is_dir() else set()
            for metrics in (run / "metrics.jsonl" for run in new):
                lines = metrics.read_text().splitlines() if metrics.is_file() else []
                if lines and lines[0].endswith("}"):
                    seconds = time.perf_counter() - begun
                    return seconds - json.loads(lines[0])["step"]["train_seconds"]
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.kill()
        process.wait()
        for run in (set(runs.iterdir()) if runs.is_dir() else set()) - before:
            shutil.rmtree(run, ignore_errors=True)
    raise SystemExit("the run ended without a step")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hone", required=True)
    parser.add_argument("--project", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    a = parser.parse_args()
    times = [first_step(a.hone, a.project) for _ in range(a.rounds)]
    print(json.dumps({"seconds": round(statistics.median(times), 3), "rounds": [round(each, 3) for each in times]}))


if __name__ == "__main__":
    main()
