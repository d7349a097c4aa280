"""The transformer over a document's blocks, as a torch module; `hierarchical` tells what it is for.

Imported only when torch is there.
Source: Beyond 512 Tokens: Siamese Multi-depth Transformer-based Hierarchical Encoder for Long-Form
Document Matching
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Layer(nn.Module):  # type: ignore[misc]
    """Attention among the blocks of one document, then a feed-forward block, each after a norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attended = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, states: Tensor, present: Tensor) -> Tensor:
        n, blocks, width = states.shape
        split = (n, blocks, 3, self.heads, width // self.heads)
        query, key, value = self.attended(self.first(states)).view(split).permute(2, 0, 3, 1, 4)
        likeness = query @ key.transpose(-1, -2) / math.sqrt(width // self.heads)
        # a row without blocks attends to all of its padding alike, and is never read
        shut = ~present & present.any(1, keepdim=True)
        likeness = likeness.masked_fill(shut[:, None, None, :], -torch.inf)
        seen = (likeness.softmax(-1) @ value).transpose(1, 2).reshape(n, blocks, width)
        states = states + self.joined(seen)
        found: Tensor = states + self.narrow(nn.functional.gelu(self.wide(self.second(states))))
        return found


class OverBlocks(nn.Module):  # type: ignore[misc]
    """Block vectors of documents in, one vector a document out.

        h = layers(in(sqrt(d) b_i) + place_i)           a = softmax_i(u . h_i)
        vector = sum_i a_i (b_i + out(h_i) / sqrt(d width))

    u and out start at zero, so that the vector starts as the mean of the blocks'. A step of Adam
    moves every weight of out alike, by which out(h_i) would outgrow the blocks within a few steps;
    hence the divisor. The places are sines and cosines of the block's number: a document may have
    more blocks than any in training.

    dimensions   d, of the block vectors and of the document's
    """

    def __init__(self, dimensions: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.scale = math.sqrt(dimensions)
        self.step = 1 / math.sqrt(dimensions * width)
        self.width = width
        self.inward = nn.Linear(dimensions, width)
        self.hidden = nn.Parameter(torch.zeros(width))  # stands for a block that is to be told
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.told = nn.Linear(width, dimensions)  # what a hidden block may have been
        self.salience = nn.Linear(width, 1)
        self.outward = nn.Linear(width, dimensions)
        for part in (self.salience, self.outward):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)

    def states(self, blocks: Tensor, present: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Return (n, b, width) of blocks (n, b, d), present (n, b) and which are hidden (n, b)."""
        states = self.inward(self.scale * blocks)
        if hidden is not None:
            states = torch.where(hidden.unsqueeze(-1), self.hidden, states)
        states = states + places(blocks.shape[1], self.width)
        for layer in self.layers:
            states = layer(states, present)
        found: Tensor = self.norm(states)
        return found

    def forward(self, blocks: Tensor, present: Tensor) -> Tensor:
        """Return (n, d), not scaled: zero for a document without blocks."""
        states = self.states(blocks, present)
        weights = self.salience(states).squeeze(-1).masked_fill(~present, -torch.inf)
        weights = torch.where(present.any(1, keepdim=True), weights, 0.0).softmax(-1) * present
        return (weights.unsqueeze(-1) * (blocks + self.step * self.outward(states))).sum(1)

    def guesses(self, blocks: Tensor, present: Tensor, hidden: Tensor) -> Tensor:
        """Return (hidden blocks, d) of length 1: what stands where blocks are hidden."""
        states = self.states(blocks, present, hidden)
        return nn.functional.normalize(self.told(states[hidden]), dim=-1)


def places(count: int, width: int) -> Tensor:
    """Return (count, width): sines and cosines of a number, of wavelengths 2 pi to 2,000 pi."""
    numbers = torch.arange(count, dtype=torch.float32).unsqueeze(1)
    pace = torch.exp(-math.log(1000.0) * torch.arange(0, width, 2) / width)
    found = torch.zeros(count, width)
    found[:, 0::2] = torch.sin(numbers * pace)
    found[:, 1::2] = torch.cos(numbers * pace[: width // 2])
    return found
