"""Raw texts -> word vectors by sense.

For a word w, one word o around it and M words n drawn from the collection,

    loss = - log sigma(u_o . v) - sum_n log sigma(-u_n . v),   v = sum_k z_k s_wk
    z = softmax((q_w . c + g) / t),   g_k = -log(-log U_k),  U uniform in (0, 1)

c is the mean of the vectors of the words around w but o, which would give the answer away (that
it is left out is ours, as are the sizes). z is a sense drawn by lot, made differentiable
(Gumbel-softmax); the temperature t falls from the first step to the last, and with it the draw
goes from a mixture to a choice. u are the vectors that a skip-gram predicts by; they are not kept.

Source: Vector representations of text data in deep learning (Disambiguated Skip-gram).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from everygrain.analyze.words import of_text
from everygrain.encode.senses import Senses
from everygrain.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SenseTraining:
    """How senses are learned.

    senses         of each word, >= 1
    dimensions     of every vector, >= 1
    window         words on each side, >= 1
    least          occurrences that a word needs, >= 1
    negatives      words drawn against each that was found, >= 1
    epochs         passes over the texts, >= 1
    batch          pairs in a step, >= 1
    learning_rate  of Adam, > 0
    warm, cold     temperatures of the first and of the last step, warm >= cold > 0
    seed           of all that is drawn

    Raises InputError for a value out of its range.
    """

    senses: int = 3
    dimensions: int = 50
    window: int = 5
    least: int = 5
    negatives: int = 5
    epochs: int = 5
    batch: int = 2048
    learning_rate: float = 0.005
    warm: float = 1.0
    cold: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        counts = ("senses", "dimensions", "window", "least", "negatives", "epochs", "batch")
        wrong = [name for name in counts if getattr(self, name) < 1]
        wrong += [] if self.learning_rate > 0 else ["learning_rate"]
        wrong += [] if self.warm >= self.cold > 0 else ["cold"]
        if wrong:
            raise InputError(
                f"The setting '{wrong[0]}' of a training of senses is {getattr(self, wrong[0])}.",
                "Give a value in the range that SenseTraining's description tells.",
            )


def train_senses(
    texts: Sequence[str],
    settings: SenseTraining | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> Senses:
    """Learn the senses of words from texts.

    progress   called after every step with its number, their number, and the loss

    Raises InputError where no word occurs often enough next to another.
    """
    import torch

    settings = settings or SenseTraining()
    split = [of_text(text) for text in texts]
    counts = Counter(word for words in split for word in words)
    words = {w: i for i, w in enumerate(sorted(w for w in counts if counts[w] >= settings.least))}
    middles, around = _windows(split, words, settings.window)
    if not len(middles):
        raise InputError(
            f"No word occurs {settings.least} times or more beside another.",
            "Give more text, or a smaller `least`.",
        )
    lot = np.random.default_rng(settings.seed)
    often = np.array([counts[word] for word in words], dtype=np.float64) ** 0.75
    steps = settings.epochs * -(-len(middles) // settings.batch)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        size, d = (len(words), settings.senses), settings.dimensions
        senses = (torch.randn(*size, d) / d).requires_grad_()
        asking = (torch.randn(*size, d) / d**0.5).requires_grad_()
        contexts = (torch.randn(len(words) + 1, d) / d**0.5).requires_grad_()  # the last is none
        targets = torch.zeros(len(words), d, requires_grad=True)
        optimiser = torch.optim.Adam([senses, asking, contexts, targets], lr=settings.learning_rate)
        step = 0
        for _ in range(settings.epochs):
            for rows in np.array_split(lot.permutation(len(middles)), steps // settings.epochs):
                others, places = around[rows], _drawn(around[rows], lot)
                found = others[np.arange(len(rows)), places]
                others[np.arange(len(rows)), places] = -1
                noise = lot.choice(
                    len(words), (len(rows), settings.negatives), p=often / often.sum()
                )
                warmth = settings.warm * (settings.cold / settings.warm) ** (
                    step / max(steps - 1, 1)
                )
                gumbel = -torch.log(
                    -torch.log(torch.rand(len(rows), settings.senses) + 1e-9) + 1e-9
                )
                middle = _mean(contexts, torch.from_numpy(others))
                here = torch.from_numpy(middles[rows])
                loss = loss_of(
                    _rows(senses, here), _rows(asking, here), middle,
                    _rows(targets, torch.from_numpy(np.concatenate([found[:, None], noise], 1))),
                    gumbel, warmth,
                )  # fmt: skip
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                step += 1
                if progress:
                    progress(step, steps, float(loss.detach()))
    made = (each.detach().numpy() for each in (senses, asking, contexts[:-1]))
    return Senses(words, *made)


def loss_of(
    senses: Tensor, asking: Tensor, middle: Tensor, targets: Tensor, gumbel: Tensor, warmth: float
) -> Tensor:
    """Return the mean loss of the module's docstring.

    senses, asking   (n, K, d);  middle   (n, d) c;  gumbel   (n, K) g;  warmth   t
    targets          (n, 1 + M, d) u of the word that was found, then of those that were drawn
    """
    import torch

    logits = torch.einsum("nkd,nd->nk", asking, middle)
    chosen = torch.softmax((logits + gumbel) / warmth, dim=1)
    vector = torch.einsum("nk,nkd->nd", chosen, senses)
    products = torch.einsum("nmd,nd->nm", targets, vector)
    signs = torch.ones_like(products)
    signs[:, 1:] = -1
    return -torch.nn.functional.logsigmoid(signs * products).sum(dim=1).mean()


def _rows(table: Tensor, rows: Tensor) -> Tensor:
    """Return table[rows]; its gradient is added up in one order, whatever the number of threads."""
    taken = table.index_select(0, rows.reshape(-1))
    return taken.reshape(*rows.shape, *table.shape[1:])


def _mean(contexts: Tensor, others: Tensor) -> Tensor:
    """Return (n, d) means of the context vectors of (n, m) words; -1 is none."""
    held = (others >= 0).unsqueeze(2)
    last = others.where(others >= 0, len(contexts) - 1)
    return (_rows(contexts, last) * held).sum(dim=1) / held.sum(dim=1).clamp(min=1)


def _drawn(others: Numbers, lot: np.random.Generator) -> Numbers:
    """Return (n,) the place of one word around each, by lot."""
    keys = np.where(others >= 0, lot.random(others.shape), -1.0)
    found: Numbers = keys.argmax(axis=1)
    return found


def _windows(
    split: Sequence[Sequence[str]], words: dict[str, int], window: int
) -> tuple[Numbers, Numbers]:
    """Return (n,) words, and (n, 2 window) the words around each, -1 where there is none."""

    def each() -> Iterator[tuple[Numbers, Numbers]]:
        for text in split:
            known = np.array([words[word] for word in text if word in words], dtype=np.int64)
            if len(known) < 2:
                continue
            padded = np.pad(known, window, constant_values=-1)
            views = np.lib.stride_tricks.sliding_window_view(padded, 2 * window + 1)
            yield known, np.delete(views, window, axis=1)

    parts = list(each())
    if not parts:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 2 * window), dtype=np.int64)
    return np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])
