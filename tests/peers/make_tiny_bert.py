"""Makes tests/fixtures/tiny-bert: a tiny random BertForSequenceClassification, its tokenizer, and its logits.

Needs torch, transformers and tokenizers. Run from anywhere:

    python tests/peers/make_tiny_bert.py

The fixture is committed; run this only to change it.
"""

import json
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "tiny-bert"

WORDS = """
the a an and or but not no is was are were be been have has had do did does will would can could should i you he she it
we they me my your his her its our their this that these those there here what which who when where why how all any
each few more most other some such only own same so than too very just now of in on at by for with about from to up down
out off over under again then once good great bad poor best worst love loved hate hated like liked excellent terrible
awful amazing nice perfect broken works work worked working product item order ordered delivery delivered arrived late
early fast slow quick service customer support staff price cheap expensive money refund return returned bought buy
purchase quality size small large big fits fit color colour black white red blue green shoe shoes shirt dress phone
battery screen charger cable book story case box package broke stopped after before days day week weeks month months
year years time times first second last new old never always ever still back one two three star stars review reviews
recommend disappointed happy satisfied waste get got make made use used using well little lot thing things really much
""".split()
PIECES = "##s ##ed ##ing ##er ##est ##ly ##ion ##able ##ment ##ness ##n ##t ##y ##e ##r ##d ##l ##a ##o ##i ##u".split()
CHARACTERS = list("abcdefghijklmnopqrstuvwxyz0123456789.,!?'\"-:;()&$%/")
TEXTS = [
    "Great product, works well!",
    "The battery broke after two days and customer support never got back to me. I want a refund.",
    "ok",
    "It was delivered late but the quality is excellent; I would recommend this to everyone, 5 stars.",
    "",
    "Worst. Purchase. Ever. " * 12,
]


def vocabulary() -> list[str]:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    continued = [f"##{character}" for character in CHARACTERS if character.isalnum()]
    return list(dict.fromkeys(special + CHARACTERS + WORDS + PIECES + continued))


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    words = vocabulary()
    (FOLDER / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab={word: index for index, word in enumerate(words)}, do_lower_case=True)
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(FOLDER)

    torch.manual_seed(20)
    labels = ["negative", "neutral", "positive"]
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        problem_type="single_label_classification",
        # Large enough that no output is close to zero by accident.
        initializer_range=0.3,
    )
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "LayerNorm" in name:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(FOLDER)

    cases = []
    for text in TEXTS:
        ids = tokenizer(text, truncation=True, max_length=64)["input_ids"]
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0]
        cases.append({"text": text, "input_ids": ids, "logits": logits.tolist()})

    # One training step's gradients without dropout, on all texts at once.
    targets = [2, 0, 1, 2, 1, 0]
    batch = tokenizer(TEXTS, truncation=True, max_length=64, padding=True, return_tensors="pt")
    loss = torch.nn.functional.cross_entropy(model(**batch).logits, torch.tensor(targets))
    loss.backward()
    norms = {name: parameter.grad.norm().item() for name, parameter in model.named_parameters()}
    answers = {"cases": cases, "targets": targets, "loss": loss.item(), "gradient_norms": norms}
    (FOLDER / "expected.json").write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
