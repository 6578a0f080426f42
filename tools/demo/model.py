"""The demo model: a small Llama (RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embeddings)."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    """Sizes of the model. Rows that are stored as Q8_0 (width, head_count * head_size, ffn) are multiples of 32."""
    vocab: int
    width: int = 192
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_size: int = 64
    ffn: int = 384
    context: int = 512
    rope_base: float = 10000.0
    norm_eps: float = 1e-5


class RmsNorm(nn.Module):
    """x / rms(x) * weight, over the last dimension (Zhang and Sennrich, 2019)."""

    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def rope_table(shape):
    """The rotary turns (Su et al., 2021) as unit complex numbers [context, head_size / 2]."""
    frequencies = shape.rope_base ** (-torch.arange(0, shape.head_size, 2).float() / shape.head_size)
    angles = torch.arange(shape.context).float()[:, None] * frequencies
    return torch.polar(torch.ones_like(angles), angles)


def rotate(x, turns):
    """Turn each pair (x[2i], x[2i+1]) of x [batch, heads, positions, head_size] by its position's angle. Neighbours
    form the pairs, which is the order that GGUF files of the llama architecture use."""
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turns).flatten(-2)


class Attention(nn.Module):
    """Causal self-attention; each key and value head serves heads / kv_heads query heads."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.q = nn.Linear(shape.width, shape.heads * shape.head_size, bias=False)
        self.k = nn.Linear(shape.width, shape.kv_heads * shape.head_size, bias=False)
        self.v = nn.Linear(shape.width, shape.kv_heads * shape.head_size, bias=False)
        self.output = nn.Linear(shape.heads * shape.head_size, shape.width, bias=False)

    def split(self, x, heads):
        """[batch, positions, heads * head_size] to [batch, heads, positions, head_size]."""
        batch, positions, _ = x.shape
        return x.view(batch, positions, heads, self.shape.head_size).transpose(1, 2)

    def forward(self, x, turns, mask):
        shape = self.shape
        group = shape.heads // shape.kv_heads
        q = rotate(self.split(self.q(x), shape.heads), turns) * shape.head_size ** -0.5
        k = rotate(self.split(self.k(x), shape.kv_heads), turns).repeat_interleave(group, dim=1)
        v = self.split(self.v(x), shape.kv_heads).repeat_interleave(group, dim=1)
        weights = (q @ k.transpose(-1, -2) + mask).softmax(-1)
        return self.output((weights @ v).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """down(silu(gate(x)) * up(x)) (Shazeer, 2020)."""

    def __init__(self, shape):
        super().__init__()
        self.gate = nn.Linear(shape.width, shape.ffn, bias=False)
        self.up = nn.Linear(shape.width, shape.ffn, bias=False)
        self.down = nn.Linear(shape.ffn, shape.width, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """Attention, then feed-forward, each on the normed stream and added to it."""

    def __init__(self, shape):
        super().__init__()
        self.attn_norm = RmsNorm(shape.width, shape.norm_eps)
        self.attn = Attention(shape)
        self.ffn_norm = RmsNorm(shape.width, shape.norm_eps)
        self.ffn = FeedForward(shape)

    def forward(self, x, turns, mask):
        x = x + self.attn(self.attn_norm(x), turns, mask)
        return x + self.ffn(self.ffn_norm(x))


class StoryModel(nn.Module):
    """Token ids [batch, positions] to logits [batch, positions, vocab]."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = RmsNorm(shape.width, shape.norm_eps)
        self.turns = rope_table(shape)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=0.02 if name == "embedding.weight" else weight.shape[1] ** -0.5)
            if name.endswith(("attn.output.weight", "ffn.down.weight")):
                # What is added to the residual stream starts smaller, the more layers add to it.
                weight.data.mul_((2 * shape.layers) ** -0.5)

    def forward(self, ids):
        positions = ids.shape[1]
        mask = torch.full((positions, positions), float("-inf")).triu(1)
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, self.turns[:positions], mask)
        return F.linear(self.output_norm(x), self.embedding.weight)
