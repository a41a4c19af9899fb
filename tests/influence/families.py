"""Tiny language models of several families, with random weights, before and after a few steps on two short works."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from endcredits.influence.gradient.learnt import without_adapters
from endcredits.influence.text.models import TextModels, text_models
from endcredits.influence.text.tokenizers import BYTE_BOS, ByteTokenizer
from tests.influence.helpers import WORKS

CONTEXT = 16
LIKE_LLAMA = {
    "vocab_size": BYTE_BOS + 1,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32,
    "bos_token_id": BYTE_BOS,
    "eos_token_id": None,
    "pad_token_id": None,
    "initializer_range": 0.1,
    "attn_implementation": "eager",
}


def llama() -> nn.Module:
    """Grouped queries, and a head tied to the embedding."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**LIKE_LLAMA, tie_word_embeddings=True))


def qwen2() -> nn.Module:
    """Biases at queries, keys and values."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    return Qwen2ForCausalLM(Qwen2Config(**LIKE_LLAMA, tie_word_embeddings=True))


def qwen3() -> nn.Module:
    """Norms at queries and keys, and heads wider than the model divided by their number."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(Qwen3Config(**LIKE_LLAMA, head_dim=8, tie_word_embeddings=False))


def gpt2() -> nn.Module:
    """Transposed linear layers, learnt positions."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=BYTE_BOS + 1,
            n_positions=32,
            n_embd=16,
            n_layer=2,
            n_head=2,
            bos_token_id=BYTE_BOS,
            eos_token_id=BYTE_BOS,
            initializer_range=0.1,
            attn_implementation="eager",
        )
    )


def neox() -> nn.Module:
    """Queries, keys and values in one layer; attention and perceptron side by side."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    settings = {name: value for name, value in LIKE_LLAMA.items() if name != "num_key_value_heads"}
    return GPTNeoXForCausalLM(GPTNeoXConfig(**settings, tie_word_embeddings=False))


def mixtral() -> nn.Module:
    """A mixture of experts whose weights are fused into tensors of three dimensions."""
    from transformers import MixtralConfig, MixtralForCausalLM

    return MixtralForCausalLM(MixtralConfig(**LIKE_LLAMA, num_local_experts=4, num_experts_per_tok=2))


def _adapted(model: nn.Module, targets: list[str], fan_in_fan_out: bool = False) -> nn.Module:
    peft = pytest.importorskip("peft", reason="the adapters' own library is not installed: pip install peft")
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=targets, task_type="CAUSAL_LM", fan_in_fan_out=fan_in_fan_out)
    adapted: nn.Module = peft.get_peft_model(model, config)
    return adapted


def lora_llama() -> nn.Module:
    """Low-rank adapters on a Llama."""
    return _adapted(llama(), ["q_proj", "v_proj", "down_proj"])


def lora_gpt2() -> nn.Module:
    """Low-rank adapters on transposed layers."""
    return _adapted(gpt2(), ["c_attn", "c_fc"], fan_in_fan_out=True)


FAMILIES: dict[str, Callable[[], nn.Module]] = {
    family.__name__: family for family in (llama, qwen2, qwen3, gpt2, neox, mixtral, lora_llama, lora_gpt2)
}


@functools.cache
def family_models(name: str) -> TextModels:
    """Base and full of a family, wired; trained with plain Adam on the two works."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        base: Any = FAMILIES[name]().eval()
    full = copy.deepcopy(base)
    models = text_models(base, full, ByteTokenizer(), CONTEXT)
    windows = [example.content for work in WORKS for example in models.examples("w", work)]  # type: ignore[arg-type]
    optimizer = torch.optim.Adam([p for p in full.parameters() if p.requires_grad], lr=0.01)
    for _ in range(25):
        optimizer.zero_grad()
        torch.autograd.backward(models.task.train_loss(full, windows).mean())
        optimizer.step()
    if name.startswith("lora"):
        base = without_adapters(full)
    return text_models(base, full, ByteTokenizer(), CONTEXT)
