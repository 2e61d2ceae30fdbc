"""Makes tests/fixtures/tiny-bert-mlm: a tiny random BertForMaskedLM, its tokenizer, and its logits, loss and gradients.

Needs torch, transformers and tokenizers. Run from anywhere:

    python tests/peers/make_tiny_bert_mlm.py

The fixture is committed; run this only to change it.
"""

import json
from pathlib import Path

import torch
from make_tiny_bert import CHARACTERS
from safetensors.torch import save_file
from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "tiny-bert-mlm"

WORDS = """
the a an and or not is was this it of to in for with party shall may agreement court law term notice service good bad
""".split()
TEXTS = [
    "The party shall give notice of this agreement to the court.",
    "A good service, and the notice was not bad!",
    "law",
]
# Positions that are read: masked, replaced by another token, or left as they are.
READS = [[2, 5, 9], [1, 8], [1]]


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    continued = [f"##{character}" for character in CHARACTERS if character.isalpha()]
    words = list(dict.fromkeys(special + CHARACTERS + WORDS + continued))
    (FOLDER / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab={word: index for index, word in enumerate(words)}, do_lower_case=True)
    tokenizer.model_max_length = 32
    tokenizer.save_pretrained(FOLDER)

    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=32,
        # Large enough that no output is close to zero by accident.
        initializer_range=0.3,
    )
    model = BertForMaskedLM(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "LayerNorm" in name:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(FOLDER)

    mask = tokenizer.mask_token_id
    sequences, wanted, logits = [], [], []
    for text, reads in zip(TEXTS, READS):
        ids = tokenizer(text)["input_ids"]
        wanted.append([ids[read] for read in reads])
        for place, read in enumerate(reads):
            # The third read keeps its token, the second has another one.
            ids[read] = [mask, 40, ids[read]][place % 3]
        sequences.append(ids)
        with torch.no_grad():
            logits.append(model(input_ids=torch.tensor([ids])).logits[0, reads])

    # One training step's gradients without dropout, on all texts at once.
    length = max(len(ids) for ids in sequences)
    padded = torch.tensor([ids + [0] * (length - len(ids)) for ids in sequences])
    attention = torch.tensor([[1] * len(ids) + [0] * (length - len(ids)) for ids in sequences])
    labels = torch.full_like(padded, -100)
    for row, (reads, ids) in enumerate(zip(READS, wanted)):
        labels[row, reads] = torch.tensor(ids)
    loss = model(input_ids=padded, attention_mask=attention, labels=labels).loss
    loss.backward()
    tensors = {f"gradient.{name}": parameter.grad.contiguous() for name, parameter in model.named_parameters()}
    save_file(tensors | {"logits": torch.cat(logits)}, FOLDER / "expected.safetensors")
    answers = {"input_ids": sequences, "reads": READS, "wanted": wanted, "loss": loss.item()}
    (FOLDER / "expected.json").write_text(json.dumps(answers) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
