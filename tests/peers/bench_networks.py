#!/usr/bin/env python3
"""Times a training step of each architecture, as `bench_step.py` does, and prints a table.

    python3 tests/peers/bench_networks.py --hone target/release/hone [--rounds 3] [--steps 6] [NAME ...]

The models are random and of the size of MiniLM-L6: 6 layers, 384 wide, 12 heads, 1,536 in the feed-forward network and 30,522
words; a classifier of three labels. The Python that runs this has torch, transformers and, for adapters, peft.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE = {"vocab_size": 30_522, "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
GROUPED = {**SIZE, "num_key_value_heads": 4, "max_position_embeddings": 512}
# Name -> (prefix of the classes in transformers, keys of the configuration, matrices of the adapters).
NETWORKS = {
    "bert": ("Bert", SIZE, "query,value"),
    "roberta": ("Roberta", {**SIZE, "max_position_embeddings": 514}, "query,value"),
    "distilbert": ("DistilBert", {"vocab_size": 30_522, "dim": 384, "n_layers": 6, "n_heads": 12, "hidden_dim": 1536}, "q_lin,v_lin"),
    "electra": ("Electra", {**SIZE, "embedding_size": 384}, "query,value"),
    "mpnet": ("MPNet", {**SIZE, "max_position_embeddings": 514}, "attn.q,attn.v"),
    "deberta-v3": ("DebertaV2", {**SIZE, "relative_attention": True, "position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False, "type_vocab_size": 0, "max_position_embeddings": 512, "pooler_hidden_size": 384}, "query_proj,value_proj"),
    "modernbert": ("ModernBert", {**SIZE, "max_position_embeddings": 8192}, ""),
    "gpt2": ("GPT2", {"vocab_size": 30_522, "n_embd": 384, "n_layer": 6, "n_head": 12, "n_positions": 512}, "c_attn"),
    "llama": ("Llama", GROUPED, "q_proj,v_proj"),
    "mistral": ("Mistral", {**GROUPED, "sliding_window": None}, "q_proj,v_proj"),
    "qwen2": ("Qwen2", GROUPED, "q_proj,v_proj"),
    "qwen3": ("Qwen3", {**GROUPED, "head_dim": 32}, "q_proj,v_proj"),
}


def make(name: str, folder: Path) -> None:
    """Saves a random model of the architecture."""
    import torch
    import transformers

    torch.manual_seed(0)
    prefix, keys, _ = NETWORKS[name]
    special = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0} if name in ("gpt2", "llama", "mistral", "qwen2", "qwen3", "modernbert") else {}
    config = getattr(transformers, f"{prefix}Config")(**keys, **special)
    config.num_labels = 3
    model = getattr(transformers, f"{prefix}ForSequenceClassification")(config)
    model.save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hone", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--lora", action="store_true", help="train adapters")
    parser.add_argument("names", nargs="*", default=list(NETWORKS), metavar="NAME")
    a = parser.parse_args()
    print("| network | Hone, ms | PyTorch, ms | ratio | Hone, MB | PyTorch, MB |\n| --- | --- | --- | --- | --- | --- |")
    for name in a.names:
        with tempfile.TemporaryDirectory() as folder:
            make(name, Path(folder))
            script = Path(__file__).with_name("bench_step.py")
            command = [sys.executable, str(script), "--hone", a.hone, "--model", folder]
            command += ["--rounds", str(a.rounds), "--steps", str(a.steps)]
            command += ["--lora", NETWORKS[name][2]] if a.lora else []
            told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        figures = [told[key] for key in ("hone_ms", "peer_ms", "times_faster", "hone_peak_mb", "peer_peak_mb")]
        print(f"| {name} | " + " | ".join(map(str, figures)) + " |", flush=True)


if __name__ == "__main__":
    main()
