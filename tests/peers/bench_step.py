#!/usr/bin/env python3
"""Times a training step of Hone and of PyTorch with transformers, in turn (A B A B), and prints the ratio.

    python3 tests/peers/bench_step.py --hone target/release/hone --model FOLDER [--task adapt] [--rounds 3] [--batch 32 --len 64]

With `--lora q_proj,v_proj` both train adapters of rank 8 on these matrices and the head, the peer with `peft`. Both do the same: random tokens without padding, forward, backward, clipping at 1, AdamW. `--task classify` is a classifier
of three labels; `--task adapt` is a masked language model with its decoder tied to the embeddings, of whose tokens 15% are
masked, at the same positions. PyTorch's `BertForMaskedLM` scores every token, Hone only the masked ones: the loss is the
same. FOLDER is a Hugging Face model folder. The Python that runs this has torch and transformers. Prints one JSON object: the medians over the rounds, and how
many times faster Hone is. With `--device cuda` both compute on the first NVIDIA GPU, and the precision is the peer's: Hone
has 32 bits there.
"""
import argparse
import json
import statistics
import subprocess
import sys

PEER = """
import json, resource, sys, time, torch
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification
folder, batch, length, steps, precision, threads = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5], int(sys.argv[6])
device, task, lora = sys.argv[7:10]
finish = torch.cuda.synchronize if device == "cuda" else lambda: None
torch.set_num_threads(threads); torch.manual_seed(1)
if task == "adapt":
    model = AutoModelForMaskedLM.from_pretrained(folder)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight, "the decoder is not tied"
else:
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3)
    # A decoder reads the last token that is not padding: none here is.
    model.config.pad_token_id = 0 if model.config.pad_token_id is None else model.config.pad_token_id
if lora:
    import peft
    model = peft.get_peft_model(model, peft.LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules=lora.split(",")))
model.train().to(device)
masked = max(1, round(0.15 * length))
reads = [place * length // masked for place in range(masked)]
groups = [{"params": [p for p in model.parameters() if p.requires_grad and p.ndim >= 2], "weight_decay": 0.01},
          {"params": [p for p in model.parameters() if p.requires_grad and p.ndim < 2], "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=1e-5)
autocast = torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16")
times = []
for step in range(steps + 2):
    ids = torch.randint(5, model.config.vocab_size, (batch, length))
    if task == "adapt":
        labels = torch.full_like(ids, -100); labels[:, reads] = ids[:, reads]; ids[:, reads] = 0
    else:
        labels = torch.randint(0, 3, (batch,))
    finish(); begun = time.perf_counter()
    ids, labels = ids.to(device), labels.to(device)
    with autocast:
        loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
    optimizer.zero_grad(); loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0); optimizer.step(); finish()
    times.append((time.perf_counter() - begun) * 1e3)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(json.dumps({"ms_per_step": sorted(times[2:])[steps // 2], "peak_rss_mb": peak}))
"""


def run(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hone", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--task", choices=["classify", "adapt"], default="classify")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--len", type=int, default=64)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--lora", default="", help="the peer's names of the matrices that Hone's default adapters are on")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    a = parser.parse_args()
    sizes = [str(a.batch), str(a.len), str(a.steps)]
    ours = [a.hone, "bench", "step", "--model", a.model, "--task", a.task, "--batch", sizes[0], "--len", sizes[1],
            "--steps", sizes[2], "--device", a.device, "--precision", "f32" if a.device == "cuda" else a.precision]
    ours += ["--lora"] if a.lora else []
    theirs = [sys.executable, "-c", PEER, a.model, *sizes, a.precision, str(a.threads), a.device, a.task, a.lora]
    rounds = [(run(ours), run(theirs)) for _ in range(a.rounds)]
    median = lambda side, key: statistics.median(each[side][key] for each in rounds)
    hone, peer = median(0, "ms_per_step"), median(1, "ms_per_step")
    print(json.dumps({
        "task": a.task, "hone_ms": round(hone, 1), "peer_ms": round(peer, 1), "times_faster": round(peer / hone, 2),
        "hone_efficiency": round(median(0, "efficiency"), 3) if a.device == "cpu" else None,
        "hone_peak_mb": round(median(0, "peak_rss_mb")), "peer_peak_mb": round(median(1, "peak_rss_mb")),
        "rounds": [[round(ours["ms_per_step"], 1), round(theirs["ms_per_step"], 1)] for ours, theirs in rounds],
    }))


if __name__ == "__main__":
    main()
