#!/usr/bin/env python3
"""Rows a second of `hone predict`, of PyTorch with transformers and of ONNX Runtime, on the same rows, in turn (A B C A B C).

    python3 tests/peers/bench_predict.py --hone target/release/hone --model FOLDER --data FILE.csv [--rows 10000]

FOLDER is a model that Hone trained or exported, with `task.pooling=Token` so that transformers loads it; FILE has a column
"text"; its rows are repeated up to --rows. The peers sort the rows by length and pad each batch to its longest. Their time is tokenising and predicting, their imports and
loading left out; Hone's is the whole process: start, reading, cleaning, loading, tokenising, predicting, writing. The
Python that runs this has torch, transformers, onnx, onnxscript and onnxruntime. Prints one JSON object.
"""
import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

PEER = """
import csv, json, sys, time, torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForSequenceClassification, AutoTokenizer
folder, data, kind, threads, onnx_file = sys.argv[1:3] + [sys.argv[3], int(sys.argv[4]), sys.argv[5]]
torch.set_num_threads(threads)
texts = [row["text"] for row in csv.DictReader(open(data, newline="", encoding="utf-8"))]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
class Logits(torch.nn.Module):
    def __init__(self): super().__init__(); self.model = model
    def forward(self, input_ids, attention_mask): return self.model(input_ids, attention_mask=attention_mask).logits
if kind == "onnx":
    import onnxruntime
    example = (torch.ones(2, 8, dtype=torch.long), torch.ones(2, 8, dtype=torch.long))
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(Logits(), example, onnx_file, input_names=["input_ids", "attention_mask"], output_names=["logits"],
                      dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "batch"}}, dynamo=False)
    options = onnxruntime.SessionOptions(); options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(onnx_file, options, providers=["CPUExecutionProvider"])
begun = time.perf_counter()
ids = tokenizer(texts, truncation=True, max_length=128)["input_ids"]
order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
answers = [None] * len(ids)
with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=kind == "bf16"):
    for first in range(0, len(order), 64):
        rows = order[first:first + 64]
        batch = pad_sequence([torch.tensor(ids[row]) for row in rows], batch_first=True)
        mask = (torch.arange(batch.shape[1])[None] < torch.tensor([len(ids[row]) for row in rows])[:, None]).long()
        if kind == "onnx":
            logits = torch.from_numpy(session.run(None, {"input_ids": batch.numpy(), "attention_mask": mask.numpy()})[0])
        else:
            logits = model(batch, attention_mask=mask).logits
        for row, answer in zip(rows, logits.float().argmax(-1).tolist()): answers[row] = answer
seconds = time.perf_counter() - begun
print(json.dumps({"rows_per_s": len(ids) / seconds, "answers": answers}))
"""


def rows(source, count, target):
    with open(source, newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file) if row["text"].strip()]
    with open(target, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([texts[at % len(texts)]] for at in range(count))


def time_hone(hone, model, data, folder):
    out = os.path.join(folder, "out.csv")
    begun = time.perf_counter()
    subprocess.run([hone, "predict", model, data, "--out", out, "--force"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - begun
    with open(out, newline="", encoding="utf-8") as file:
        answers = [row["predicted"] for row in csv.DictReader(file)]
    return {"rows_per_s": len(answers) / seconds, "answers": answers}


def time_peer(model, data, kind, threads, folder):
    command = [sys.executable, "-c", PEER, model, data, kind, str(threads), os.path.join(folder, "model.onnx")]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hone", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default="f32,onnx", help="of f32, bf16, onnx; bf16 is slow where the chip lacks it")
    a = parser.parse_args()
    labels = json.load(open(os.path.join(a.model, "config.json"), encoding="utf-8"))["id2label"]
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "rows.csv")
        rows(a.data, a.rows, data)
        kinds = a.peers.split(",")
        rounds = []
        for _ in range(a.rounds):
            rounds.append([time_hone(a.hone, a.model, data, folder)]
                          + [time_peer(a.model, data, kind, a.threads, folder) for kind in kinds])
    speed = [statistics.median(each[side]["rows_per_s"] for each in rounds) for side in range(len(kinds) + 1)]
    result = {"rows": a.rows, "hone_rows_per_s": round(speed[0], 1)}
    ours = rounds[0][0]["answers"]
    for side, kind in enumerate(kinds, 1):
        theirs = [labels[str(answer)] for answer in rounds[0][side]["answers"]]
        same = sum(mine == other for mine, other in zip(ours, theirs)) / len(ours)
        result[kind] = {"rows_per_s": round(speed[side], 1), "times_faster": round(speed[0] / speed[side], 2),
                        "same_answers": round(same, 4)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
