"""An answer beside its references and beside what was retrieved: is it right, is it grounded?

Verbose answers fail exact match and F1, which count every word beyond the reference as wrong. The
source measures correctness by recall of the reference's tokens, and faithfulness by K-precision,
the share of the answer's tokens that occur in the knowledge it was given. Neither sees a negation
or the order of words. How they follow human ratings of another data set, where recall did worse
than F1, is in benchmarks/results/answers.md.

Tokens are compared as in SQuAD: case folded, punctuation and articles removed, split at white
space; a token counts as often as it occurs in both.

Source: Evaluating Correctness and Faithfulness of Instruction-Following Models for Question
Answering.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from everygrain.errors import MeasureError

ARTICLES = frozenset(("a", "an", "the"))


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, in order.

    Punctuation and symbols of any script go without a trace ("don't" is "dont"); English articles
    are left out.
    """
    kept = "".join(c for c in text.casefold() if unicodedata.category(c)[0] not in "PS")
    return [token for token in kept.split() if token not in ARTICLES]


def recall(answer: str, references: Sequence[str]) -> float:
    """Return the share of a reference's tokens that the answer holds, the best of references.

    A reference without a token gives 1. Raises MeasureError without references.
    """
    return _best(_recall, answer, references)


def precision(answer: str, references: Sequence[str]) -> float:
    """Return the share of the answer's tokens that a reference holds, the best of references.

    An answer without a token gives 0. Raises MeasureError without references.
    """
    return _best(_precision, answer, references)


def f1(answer: str, references: Sequence[str]) -> float:
    """Return the harmonic mean of precision and recall, the best of references.

    Where either has no token: 1 if neither has, else 0. Raises MeasureError without references.
    """
    return _best(_f1, answer, references)


def exact_match(answer: str, references: Sequence[str]) -> float:
    """Return 1 if the answer's tokens are those of a reference, in order, else 0.

    Raises MeasureError without references.
    """
    return _best(lambda given, wanted: float(given == wanted), answer, references)


def k_precision(answer: str, knowledge: Sequence[str]) -> float:
    """Return the share of the answer's tokens that occur in the retrieved texts together.

    knowledge   the texts that the answer was made from, in any order

    A token that the answer repeats must be there as often. An answer without a token, and one
    that was given no text, gets 0: an answer that rightly declines to answer therefore scores low.
    """
    if isinstance(knowledge, str):
        raise MeasureError("One string is not a list of texts.", "Give a list of texts.")
    return _precision(tokens(answer), tokens(" ".join(knowledge)))


def _best(
    measure: Callable[[list[str], list[str]], float], answer: str, references: Sequence[str]
) -> float:
    if isinstance(references, str) or not references:
        raise MeasureError("There is no list of references.", "Give at least one reference.")
    given = tokens(answer)
    return max(measure(given, tokens(reference)) for reference in references)


def _shared(given: list[str], wanted: list[str]) -> int:
    return (Counter(given) & Counter(wanted)).total()


def _recall(given: list[str], wanted: list[str]) -> float:
    return _shared(given, wanted) / len(wanted) if wanted else 1.0


def _precision(given: list[str], wanted: list[str]) -> float:
    return _shared(given, wanted) / len(given) if given else 0.0


def _f1(given: list[str], wanted: list[str]) -> float:
    if not given or not wanted:
        return float(given == wanted)
    return 2 * _shared(given, wanted) / (len(given) + len(wanted))
