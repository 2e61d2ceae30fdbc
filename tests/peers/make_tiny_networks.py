"""Makes tests/fixtures/networks: a tiny random network of each architecture and head, its logits and its gradients.

Needs torch and transformers. Run from anywhere; names choose some of them:

    python tests/peers/make_tiny_networks.py [NAME...]

The fixtures are committed; run this only to change them. In each folder, expected.safetensors holds the logits of all
texts one after the other, and the gradient of every parameter of the mean cross-entropy, under the parameter's name
after "gradient.".
"""

import json
import random
import shutil
import sys
from pathlib import Path

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

PLACE = Path(__file__).resolve().parent.parent / "fixtures" / "networks"
LABELS = ["negative", "neutral", "positive"]
VOCABULARY = 60
# The shortest text, one that is as long as the network reads, and some between.
LENGTHS = [1, 7, 24, 13]

BERT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 24,
    "initializer_range": 0.3,
}
# Positions begin after the padding token's.
ROBERTA = BERT | {"max_position_embeddings": 26, "type_vocab_size": 1, "layer_norm_eps": 1e-5, "pad_token_id": 1}
DISTILBERT = {
    "vocab_size": VOCABULARY,
    "dim": 16,
    "n_layers": 2,
    "n_heads": 2,
    "hidden_dim": 24,
    "max_position_embeddings": 24,
    "initializer_range": 0.3,
}

GPT2 = {
    "vocab_size": VOCABULARY,
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 2,
    "n_positions": 24,
    "initializer_range": 0.3,
}
LLAMA = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 24,
    "initializer_range": 0.3,
    "pad_token_id": 0,
}

# Two layers whose tokens see the whole text, and two whose tokens see two neighbours on each side, by other angles.
MODERNBERT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 24,
    "initializer_range": 0.3,
    "local_attention": 4,
    "global_attn_every_n_layers": 3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "cls_token_id": 1,
    "eos_token_id": 2,
    "sep_token_id": 2,
}

# Positions begin after the padding token's, as RoBERTa's.
MPNET = BERT | {"max_position_embeddings": 26, "layer_norm_eps": 1e-5, "pad_token_id": 1}
MPNET.pop("type_vocab_size", None)

# As version 3: near distances have their own embedding, far ones share some.
DEBERTA = BERT | {
    "layer_norm_eps": 1e-7,
    "type_vocab_size": 0,
    "relative_attention": True,
    "position_buckets": 8,
    "max_relative_positions": -1,
    "pos_att_type": "p2c|c2p",
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "position_biased_input": False,
}

# Name -> (prefix of the classes, keys of the configuration, suffix of the language model's class).
NETWORKS = {
    "bert": ("Bert", BERT, "ForMaskedLM"),
    "roberta": ("Roberta", ROBERTA, "ForMaskedLM"),
    "xlm-roberta": ("XLMRoberta", ROBERTA, "ForMaskedLM"),
    "camembert": ("Camembert", ROBERTA, "ForMaskedLM"),
    "distilbert": ("DistilBert", DISTILBERT, "ForMaskedLM"),
    "electra": ("Electra", BERT | {"embedding_size": 8}, "ForMaskedLM"),
    # Without a projection between the embeddings and the layers.
    "electra-even": ("Electra", BERT | {"embedding_size": 16}, "ForMaskedLM"),
    "mpnet": ("MPNet", MPNET, "ForMaskedLM"),
    "deberta": ("DebertaV2", DEBERTA, "ForMaskedLM"),
    # Without kinds of distances; with positions, types, and layers of their own for distances.
    "deberta-plain": (
        "DebertaV2",
        DEBERTA
        | {
            "type_vocab_size": 2,
            "position_buckets": -1,
            "max_relative_positions": 9,
            "norm_rel_ebd": "none",
            "share_att_key": False,
            "position_biased_input": True,
        },
        "ForMaskedLM",
    ),
    # Products of queries alone.
    "deberta-queries": ("DebertaV2", DEBERTA | {"pos_att_type": "c2p"}, "ForMaskedLM"),
    "modernbert": ("ModernBert", MODERNBERT, "ForMaskedLM"),
    # The classifier reads the mean of all tokens; linear layers have biases.
    "modernbert-mean": (
        "ModernBert",
        MODERNBERT | {"classifier_pooling": "mean", "attention_bias": True, "mlp_bias": True},
        "ForMaskedLM",
    ),
    "gpt2": ("GPT2", GPT2, "LMHeadModel"),
    "llama": ("Llama", LLAMA, "ForCausalLM"),
    # Heads of another width than the hidden states divided among them, biases, other angles, tied embeddings.
    "llama-odd": (
        "Llama",
        LLAMA | {"head_dim": 6, "attention_bias": True, "mlp_bias": True, "rope_theta": 500.0, "tie_word_embeddings": True},
        "ForCausalLM",
    ),
    # Pairs of columns whose waves are short, middling and long for the first training's texts.
    "llama-scaled": (
        "Llama",
        LLAMA
        | {
            "head_dim": 8,
            "max_position_embeddings": 1600,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 10000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 200,
            },
        },
        "ForCausalLM",
    ),
    "mistral": ("Mistral", LLAMA | {"sliding_window": 5}, "ForCausalLM"),
    "qwen2": ("Qwen2", LLAMA | {"tie_word_embeddings": True}, "ForCausalLM"),
    "qwen3": ("Qwen3", LLAMA | {"head_dim": 6, "tie_word_embeddings": True}, "ForCausalLM"),
}


def make(name: str, prefix: str, keys: dict, suffix: str, language: bool) -> None:
    torch.manual_seed(31)
    draw = random.Random(31)
    config = getattr(transformers, f"{prefix}Config")(**keys)
    if not language:
        config.id2label = dict(enumerate(LABELS))
        config.label2id = {label: index for index, label in enumerate(LABELS)}
        config.problem_type = "single_label_classification"
    kind = suffix if language else "ForSequenceClassification"
    model = getattr(transformers, f"{prefix}{kind}")(config).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)

    # Tokens from 5 on: the first are special, and the padding token changes the positions of some networks.
    texts = [[draw.randrange(5, VOCABULARY) for _ in range(length)] for length in LENGTHS]
    logits, targets, losses = [], [], []
    for ids in texts:
        of_text = model(input_ids=torch.tensor([ids])).logits[0]
        of_text = of_text if language else of_text[None]
        wanted = [draw.randrange(of_text.shape[1]) for _ in range(of_text.shape[0])]
        losses.append(torch.nn.functional.cross_entropy(of_text, torch.tensor(wanted), reduction="sum"))
        logits.append(of_text.detach())
        targets.append(wanted)
    loss = sum(losses) / sum(len(wanted) for wanted in targets)
    loss.backward()

    folder = PLACE / f"{name}-{'language' if language else 'classifier'}"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tensors = {"logits": torch.cat(logits)}
    # Weights that are shared have several names, of which one is saved.
    saved = safe_open(folder / "model.safetensors", "pt").keys()
    for parameter_name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter_name in saved:
            tensors[f"gradient.{parameter_name}"] = parameter.grad.clone()
    save_file(tensors, folder / "expected.safetensors")
    answers = {"texts": texts, "targets": targets, "loss": loss.item()}
    (folder / "expected.json").write_text(json.dumps(answers) + "\n", encoding="utf-8")


def main() -> None:
    for name in sys.argv[1:] or NETWORKS:
        for language in (False, True):
            make(name, *NETWORKS[name], language)


if __name__ == "__main__":
    main()
