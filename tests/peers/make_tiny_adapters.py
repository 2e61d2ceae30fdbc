"""Makes tests/fixtures/adapters: a random LoRA adapter of some of the networks in tests/fixtures/networks, saved by peft, with
the logits of the adapted network and its gradients.

Needs torch, transformers and peft. Run from anywhere:

    python tests/peers/make_tiny_adapters.py

The fixtures are committed; run this only to change them. In each folder, expected.safetensors holds the logits of all texts
one after the other, and the gradient of every trained parameter of the mean cross-entropy, after "gradient." under the name
that the saved adapter has for it.
"""

import json
import random
import shutil
from pathlib import Path

import peft
import torch
import transformers
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
VOCABULARY = 60
LENGTHS = [1, 7, 24, 13]
BERT_ATTENTION = ["query", "key", "value", "attention.output.dense"]
LLAMA_ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]

# Base -> (matrices as Hone calls them, modules with an adapter, modules that are trained as a whole).
ADAPTERS = {
    "bert-classifier": ("Attention", BERT_ATTENTION, ["bert.pooler.dense", "classifier"]),
    "bert-language": ("All", BERT_ATTENTION + ["intermediate.dense", "output.dense"], None),
    "roberta-classifier": ("QueryValue", ["query", "value"], ["classifier"]),
    "distilbert-classifier": ("All", ["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"], ["pre_classifier", "classifier"]),
    "gpt2-classifier": ("Attention", ["c_attn", "attn.c_proj"], ["score"]),
    "gpt2-language": ("All", ["c_attn", "c_proj", "c_fc"], None),
    "llama-classifier": ("All", LLAMA_ATTENTION + ["gate_proj", "up_proj", "down_proj"], ["score"]),
    "llama-language": ("QueryValue", ["q_proj", "v_proj"], None),
}


def make(base: str, matrices: str, targets: list, saved: list | None) -> None:
    torch.manual_seed(32)
    draw = random.Random(32)
    folder = FIXTURES / "networks" / base
    architecture = json.loads((folder / "config.json").read_text())["architectures"][0]
    is_language = base.endswith("-language")
    model = getattr(transformers, architecture).from_pretrained(folder)
    config = peft.LoraConfig(r=3, lora_alpha=5, lora_dropout=0.0, target_modules=targets, modules_to_save=saved)
    model = peft.get_peft_model(model, config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_(torch.randn_like(parameter) * 0.3)

    texts = [[draw.randrange(5, VOCABULARY) for _ in range(length)] for length in LENGTHS]
    logits, targets, losses = [], [], []
    for ids in texts:
        of_text = model(input_ids=torch.tensor([ids])).logits[0]
        of_text = of_text if is_language else of_text[None]
        wanted = [draw.randrange(of_text.shape[1]) for _ in range(of_text.shape[0])]
        losses.append(torch.nn.functional.cross_entropy(of_text, torch.tensor(wanted), reduction="sum"))
        logits.append(of_text.detach())
        targets.append(wanted)
    loss = sum(losses) / sum(len(wanted) for wanted in targets)
    loss.backward()

    out = FIXTURES / "adapters" / base
    shutil.rmtree(out, ignore_errors=True)
    model.save_pretrained(out)
    (out / "README.md").unlink(missing_ok=True)
    written = json.loads((out / "adapter_config.json").read_text())
    written["base_model_name_or_path"] = f"../../networks/{base}"
    (out / "adapter_config.json").write_text(json.dumps(written, indent=2, sort_keys=True) + "\n")
    # The names of the saved adapter, for the gradients too.
    gradients = {name: torch.zeros(0) if parameter.grad is None else parameter.grad for name, parameter in model.named_parameters()}
    gradients = get_peft_model_state_dict(model, state_dict=gradients)
    tensors = {f"gradient.{name}": gradient.clone() for name, gradient in gradients.items()}
    save_file({"logits": torch.cat(logits)} | tensors, out / "expected.safetensors")
    answers = {"matrices": matrices, "texts": texts, "targets": targets, "loss": loss.item()}
    (out / "expected.json").write_text(json.dumps(answers) + "\n", encoding="utf-8")
    print(base, sorted(tensors)[:2], len(tensors))


def main() -> None:
    for base, values in ADAPTERS.items():
        make(base, *values)


if __name__ == "__main__":
    main()
