"""Makes tests/fixtures/gguf: a tiny random Llama as a GGUF file, and the logits that transformers computes from the same weights.

Needs torch, transformers and gguf. Run from anywhere, after make_tiny_tokenizers.py:

    python tests/peers/make_tiny_gguf.py

The fixtures are committed; run this only to change them.
"""

import json
from pathlib import Path

import gguf
import numpy
import torch
from transformers import LlamaConfig, LlamaForCausalLM

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
PLACE = FIXTURES / "gguf"
HEADS, KEY_HEADS, LAYERS = 4, 2, 2
NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def interleaved(weight: numpy.ndarray, heads: int) -> numpy.ndarray:
    """Rows of two halves as rows of pairs, as llama.cpp converts Llama."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def main() -> None:
    torch.manual_seed(31)
    vocabulary = json.loads((FIXTURES / "tokenizers" / "gpt2" / "vocab.json").read_text(encoding="utf-8"))
    tokens = sorted(vocabulary, key=vocabulary.get)
    merges = (FIXTURES / "tokenizers" / "gpt2" / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
    config = LlamaConfig(
        vocab_size=len(tokens), hidden_size=32, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        num_key_value_heads=KEY_HEADS, intermediate_size=64, max_position_embeddings=32, initializer_range=0.3,
        rms_norm_eps=1e-5, rope_theta=5_000.0,
    )
    model = LlamaForCausalLM(config).eval()

    writer = gguf.GGUFWriter(str(PLACE / "tiny.gguf"), "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(32)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(64)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(5_000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token == "<|endoftext|>" else 1 for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)
    others = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            stem = name.removesuffix(".weight")
            if stem in others:
                gguf_name = f"{others[stem]}.weight"
            else:
                layer, part = stem.removeprefix("model.layers.").split(".", 1)
                gguf_name = f"blk.{layer}.{NAMES[part]}.weight"
            values = parameter.numpy().copy()
            # Quantised in blocks of 32, as most files are; the network then computes with what is left.
            if "mlp" in name:
                packed = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
                parameter.copy_(torch.from_numpy(gguf.quants.dequantize(packed, gguf.GGMLQuantizationType.Q8_0)))
                writer.add_tensor(gguf_name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
                continue
            if "q_proj" in name:
                values = interleaved(values, HEADS)
            if "k_proj" in name:
                values = interleaved(values, KEY_HEADS)
            writer.add_tensor(gguf_name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    ids = [5, 90, 300, 17, 261, 44, 8]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0]
    answers = {"ids": ids, "logits": logits.tolist()}
    (PLACE / "expected.json").write_text(json.dumps(answers) + "\n", encoding="utf-8")


if __name__ == "__main__":
    PLACE.mkdir(parents=True, exist_ok=True)
    main()
