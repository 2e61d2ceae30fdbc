"""Makes tests/fixtures/tokenizers: small vocabularies of the kinds that models have, and the ids that transformers gives texts.

Needs transformers, tokenizers and sentencepiece. Run from anywhere:

    python tests/peers/make_tiny_tokenizers.py

The fixtures are committed; run this only to change them.
"""

import csv
import json
import shutil
import tempfile
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, ByteLevelBPETokenizer
from transformers import AutoTokenizer, GPT2TokenizerFast, RobertaTokenizerFast, XLMRobertaTokenizerFast

ROOT = Path(__file__).resolve().parent.parent.parent
PLACE = ROOT / "tests" / "fixtures" / "tokenizers"
TEXTS = [
    "Great product, works well!",
    "  two  spaces, a\ttab and\nlines\r\n",
    "",
    "Don't; it's 20% off (1.000,50 €)...",
    "Ärger über ﬁnale Größe — ½ café naïve",
    "สินค้าดีมาก 商品很好 とても良い",
    "emoji 😀👍🏽 and <mask> inside, and </s> too",
    "UPPER lower MiXed",
    "\u00a0no\u200bbreak\ufeff",
    "loved it loved it loved it loved it loved it loved it",
]


def empty(name: str) -> Path:
    folder = PLACE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def answers(folder: Path, tokenizer) -> None:
    cases = [{"text": text, "ids": tokenizer(text)["input_ids"]} for text in TEXTS]
    (folder / "expected.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def byte_level(name: str, special: list[str], kind, keys: dict, texts: list[str]) -> None:
    folder = empty(name)
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(texts, vocab_size=420, min_frequency=2, special_tokens=special, show_progress=False)
    bpe.save_model(str(folder))
    (folder / "tokenizer_config.json").write_text(json.dumps(keys) + "\n", encoding="utf-8")
    # As the tokenizer.json of roberta-base has it: a mask takes the place of the space before it too.
    more = {"mask_token": AddedToken("<mask>", lstrip=True, special=True)} if "<mask>" in special else {}
    answers(folder, kind.from_pretrained(folder, **more))
    for file in folder.iterdir():
        if file.name not in ("vocab.json", "merges.txt", "tokenizer_config.json", "expected.json"):
            file.unlink()


def unigram(texts: list[str]) -> None:
    folder = empty("xlm-roberta")
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "texts.txt").write_text("\n".join(texts + TEXTS), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.Train(
            input=f"{place}/texts.txt", model_prefix=f"{place}/sentencepiece.bpe", vocab_size=400, model_type="unigram",
            normalization_rule_name="nmt_nfkc", minloglevel=2,
        )
        tokenizer = XLMRobertaTokenizerFast.from_pretrained(place)
        tokenizer.save_pretrained(folder)
    answers(folder, AutoTokenizer.from_pretrained(folder))


def main() -> None:
    with (ROOT / "projects" / "customer-reviews" / "reviews.csv").open(encoding="utf-8") as file:
        texts = [cell for row in csv.reader(file) for cell in row if len(cell) > 30]
    roberta = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    byte_level("roberta", roberta, RobertaTokenizerFast, {"tokenizer_class": "RobertaTokenizer"}, texts)
    byte_level("gpt2", ["<|endoftext|>"], GPT2TokenizerFast, {"tokenizer_class": "GPT2Tokenizer"}, texts)
    unigram(texts)


if __name__ == "__main__":
    main()
