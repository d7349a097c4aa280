"""Mixing a long sequence without attention: gated long convolutions by FFT, as a torch module.

Imported only when torch is there; `long` tells what it is for.
Source: Benchmarking and Building Long-Context Retrieval Models with LoCo and M2-BERT
"""

from __future__ import annotations

import math

import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn

_SHORTEST, _LONGEST = 1.5, 3000.0  # words after which the quickest and the slowest mode has faded


class LongConvolution(nn.Module):  # type: ignore[misc]
    """Every position hears all others, before and after it, by a filter per channel.

        y_t = sum_{s <= t} f(t - s) u_s + sum_{s > t} g(s - t) u_s
        f(t) = sum_m a_m exp(-t / tau_m)                                 g likewise

    The filters are sums of fading modes, as in a state space, so that they are known at any
    distance, also beyond the longest sequence of a training. The time constants tau are learned,
    and start evenly spread in their logarithms. By FFT: n log n for n positions.
    """

    def __init__(self, channels: int, modes: int) -> None:
        super().__init__()
        spread = torch.linspace(math.log(_SHORTEST), math.log(_LONGEST), modes)
        self.fading = nn.Parameter(spread)
        self.amounts = nn.Parameter(0.5 * torch.randn(2, channels, modes) / modes)

    def filters(self, length: int) -> Tensor:
        """Return (2, channels, length): f and g at distances 0, 1, ..., each mode of sum 1."""
        distances = torch.arange(length, dtype=torch.float32)
        modes = torch.exp(-distances / self.fading.exp().unsqueeze(1))
        modes = modes * (1 - torch.exp(-1 / self.fading.exp())).unsqueeze(1)
        found: Tensor = self.amounts @ modes
        return found

    def forward(self, sequences: Tensor) -> Tensor:
        """Return (n, length, channels) of the same shape."""
        length = sequences.shape[1]
        size = int(next_fast_len(2 * length, real=True))
        after, before = self.filters(length)
        ring = torch.zeros(after.shape[0], size)
        ring[:, :length] = after
        ring[:, size - length + 1 :] = before[:, 1:].flip(-1)
        heard = torch.fft.rfft(sequences.transpose(1, 2), n=size)
        mixed = torch.fft.irfft(heard * torch.fft.rfft(ring), n=size)[..., :length]
        return mixed.transpose(1, 2)


class Monarch(nn.Module):  # type: ignore[misc]
    """A product of two block-diagonal matrices with a shuffle between: width^1.5 weights instead
    of width^2, and every output still depends on every input.

        y = P' L2 P L1 x        L: sqrt(width) blocks        P: (i, j) -> (j, i)

    width   a square number
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.side = math.isqrt(width)
        bound = 1 / math.sqrt(self.side)
        self.first = nn.Parameter(bound * torch.randn(self.side, self.side, self.side))
        self.second = nn.Parameter(bound * torch.randn(self.side, self.side, self.side))

    def forward(self, vectors: Tensor) -> Tensor:
        cut = vectors.reshape(-1, self.side, self.side)
        halfway = torch.einsum("nbi,bio->nbo", cut, self.first).transpose(1, 2)
        found = torch.einsum("nbi,bio->nbo", halfway, self.second).transpose(1, 2)
        return found.reshape(vectors.shape)


class Mixer(nn.Module):  # type: ignore[misc]
    """One layer: along the sequence by a gated long convolution, then across the channels.

    x <- x + out(q * conv(k * v))        x <- x + m2(gelu(m1(x)))        m: Monarch matrices
    """

    def __init__(self, width: int, modes: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.gates = nn.Linear(width, 3 * width)
        self.along = LongConvolution(width, modes)
        self.joined = nn.Linear(width, width)
        self.wide, self.narrow = Monarch(width), Monarch(width)

    def forward(self, states: Tensor, present: Tensor) -> Tensor:
        query, key, value = self.gates(self.first(states)).chunk(3, dim=-1)
        # padding says nothing: its share of the convolution is zero
        heard = self.along(key * value * present.unsqueeze(-1))
        states = states + self.joined(query * heard)
        found: Tensor = states + self.narrow(nn.functional.gelu(self.wide(self.second(states))))
        return found


class OverWords(nn.Module):  # type: ignore[misc]
    """Word vectors of texts in, in order; one vector a text out.

        h = mixers(in(x))                vector = sum_t 2 sigmoid(w . h_t) x_t + out(h_t)

    w and out start at zero, so that the vector starts as the sum of the words'.

    dimensions   d, of the word vectors and of the text's
    """

    def __init__(self, dimensions: int, width: int, layers: int, modes: int) -> None:
        super().__init__()
        self.inward = nn.Linear(dimensions, width)
        self.mixers = nn.ModuleList(Mixer(width, modes) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.weight = nn.Linear(width, 1)
        self.outward = nn.Linear(width, dimensions)
        for part in (self.weight, self.outward):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)

    def forward(self, words: Tensor, present: Tensor) -> Tensor:
        """Return (n, d), not scaled, of words (n, length, d) and which are no padding."""
        states = self.inward(words)
        for mixer in self.mixers:
            states = mixer(states, present)
        states = self.norm(states)
        heard = 2 * torch.sigmoid(self.weight(states)) * words + self.outward(states)
        return (heard * present.unsqueeze(-1)).sum(1)
