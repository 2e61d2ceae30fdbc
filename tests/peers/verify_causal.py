"""Compares an adapted decoder with transformers: the loss of each document, and the likeliest continuation.

Needs torch and transformers. `tests/peers/run` starts it:

    python tests/peers/verify_causal.py EXPORT TEXTS.csv EVALUATED.json CONTINUED.json

EXPORT is a Hugging Face folder; EVALUATED.json is what `hone evaluate --data TEXTS.csv --json` printed, and CONTINUED.json
what `hone continue EXPORT TEXT --json` did.
"""

import csv
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, texts, evaluated, continued = sys.argv[1:]
model, told = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
assert not told["missing_keys"] and not told["unexpected_keys"], told
tokenizer = AutoTokenizer.from_pretrained(folder)
model.eval()
with open(evaluated, encoding="utf-8") as file:
    expected = json.load(file)
with open(continued, encoding="utf-8") as file:
    answer = json.load(file)
nats, tokens = 0.0, 0
with open(texts, encoding="utf-8") as file:
    for row in csv.DictReader(file):
        # A document ends with the end-of-text token, which is predicted too.
        ids = torch.tensor([tokenizer(row["text"])["input_ids"] + [tokenizer.eos_token_id]])
        with torch.no_grad():
            nats += model(input_ids=ids, labels=ids).loss.item() * (ids.shape[1] - 1)
        tokens += ids.shape[1] - 1
assert tokens == expected["tokens"], (tokens, expected["tokens"])
difference = abs(nats / tokens - expected["loss"])
ids = tokenizer(answer["text"], return_tensors="pt")["input_ids"]
most = 40
greedy = model.generate(ids, max_new_tokens=most, do_sample=False, pad_token_id=tokenizer.eos_token_id)[0, ids.shape[1] :]
ended = greedy[-1].item() == tokenizer.eos_token_id
text = tokenizer.decode(greedy, skip_special_tokens=True)
print(
    f"transformers: {nats / tokens:.6f} nats a token over {tokens} tokens, {difference:.1e} from Hone (limit 1e-4), "
    f"and it continues {answer['text']!r} with {text!r}"
)
assert difference < 1e-4, difference
assert (text, ended) == (answer["after"]["continuation"], answer["after"]["ended"]), (text, ended, answer["after"])
