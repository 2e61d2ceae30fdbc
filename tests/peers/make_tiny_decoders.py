"""Makes tests/fixtures/tiny-gpt2 and tiny-llama: decoders with their tokenizers, and the nats that transformers gives some texts.

Needs torch, transformers and tokenizers. Run from anywhere:

    python tests/peers/make_tiny_decoders.py

The fixtures are committed; run this only to change them.
"""

import json
import shutil
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

ROOT = Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
POSITIONS = 64
WORDS = 300
# What the tokenizers learn their merges from.
PARTIES, THINGS = ["lessee", "lessor", "tenant"], ["rent", "deposit", "charge", "fee"]
TEXTS = [f"the {party} shall pay the {thing} to the other party. the {thing} is due each month." for party in PARTIES for thing in THINGS]
TEXTS += ["good charger, very good", "the battery is bad", "I love this shoe after 3 days", "broken!"]


def tokenizer(folder: Path, start: str | None, end: str) -> None:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = [start, end] if start else [end]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=WORDS, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    )
    if start:
        place = bpe.token_to_id(start)
        bpe.post_processor = processors.TemplateProcessing(
            single=f"{start} $A", pair=f"{start} $A {start} $B", special_tokens=[(start, place)]
        )
    bpe.save(str(folder / "tokenizer.json"))
    keys = {"eos_token": end, "tokenizer_class": "PreTrainedTokenizerFast"} | ({"bos_token": start} if start else {})
    (folder / "tokenizer_config.json").write_text(json.dumps(keys) + "\n", encoding="utf-8")


def make(name: str, start: str | None, end: str, of) -> None:
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tokenizer(folder, start, end)
    read = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(7)
    model = of(len(read)).eval()
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    cases = []
    for text in TEXTS[-4:] + TEXTS[:2]:
        # A document ends with the end-of-text token, which the model predicts too.
        ids = torch.tensor([read(text)["input_ids"] + [read.eos_token_id]])
        with torch.no_grad():
            loss = model(input_ids=ids, labels=ids).loss.item()
            greedy = model.generate(ids[:, :-1], max_new_tokens=8, do_sample=False, pad_token_id=read.eos_token_id)
        after = greedy[0, ids.shape[1] - 1 :]
        cases.append(
            {
                "text": text,
                "tokens": ids.shape[1] - 1,
                "nats": loss * (ids.shape[1] - 1),
                "continued": read.decode(after, skip_special_tokens=True),
            }
        )
    (folder / "expected.json").write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


make(
    "tiny-gpt2",
    None,
    "<|endoftext|>",
    lambda words: GPT2LMHeadModel(
        GPT2Config(
            vocab_size=words, n_positions=POSITIONS, n_embd=32, n_layer=2, n_head=2,
            bos_token_id=0, eos_token_id=0, initializer_range=0.1,
        )
    ),
)
make(
    "tiny-llama",
    "<s>",
    "</s>",
    lambda words: LlamaForCausalLM(
        LlamaConfig(
            vocab_size=words, max_position_embeddings=POSITIONS, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, bos_token_id=0, eos_token_id=1, initializer_range=0.1,
            tie_word_embeddings=False,
        )
    ),
)
