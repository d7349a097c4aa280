"""What a sentence of an abstract does: five functions, and what labels sentences with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError

Function = Literal["background", "problem", "method", "result", "other"]
FUNCTIONS: tuple[Function, ...] = get_args(Function)
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Labelled:
    """The functions of the sentences of one abstract.

    functions       one for each sentence: the likeliest sequence as a whole
    probabilities   (sentences, 5) in the order of FUNCTIONS, rows sum to 1: how likely each
                    function is for a sentence, its neighbours taken into account; the largest
                    of a row need not belong to the likeliest sequence
    """

    functions: tuple[Function, ...]
    probabilities: Floats

    def of(self, function: Function) -> list[int]:
        """Return the numbers of the sentences with a function, in order."""
        return [i for i, each in enumerate(self.functions) if each == function]


@runtime_checkable
class Labeller(Protocol):
    """Tells what each sentence of an abstract does.

    An abstract is labelled as a sequence: its sentences in order and all of them, because what a
    sentence does shows in its place and its neighbours too.
    """

    def label(self, sentences: Sequence[str]) -> Labelled:
        """Label the sentences of one abstract; none give no labels.

        Raises InputError for a sentence that is no text.
        """

    def label_all(self, abstracts: Sequence[Sequence[str]]) -> list[Labelled]:
        """Label many abstracts, each as `label` does, faster than one by one."""


def check(abstracts: Sequence[Sequence[str]]) -> None:
    """Raise InputError, naming abstract and sentence, for what is no list of sentences."""
    for number, sentences in enumerate(abstracts, 1):
        if isinstance(sentences, str):
            raise InputError(
                f"Abstract {number} is one text, not a list of sentences.",
                "Split it first: everygrain_papers.functions.sentences.split.",
            )
        for place, sentence in enumerate(sentences, 1):
            if not isinstance(sentence, str):
                raise InputError(
                    f"Abstract {number}, sentence {place} is {type(sentence).__name__}, not text.",
                    "Give every sentence as a string.",
                )


def labelled(
    paths: npt.NDArray[np.int64], probabilities: Floats, lengths: Sequence[int]
) -> list[Labelled]:
    """Cut padded arrays (abstracts, longest) and (abstracts, longest, 5) into abstracts."""
    return [
        Labelled(tuple(FUNCTIONS[k] for k in paths[i, :n]), probabilities[i, :n].copy())
        for i, n in enumerate(lengths)
    ]
