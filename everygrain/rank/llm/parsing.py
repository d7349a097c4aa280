"""Reading what a language model answered: what is right in a reply is used, nothing is guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from everygrain.endpoint import Token

_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_MARKUP = re.compile(r"[*_`#\"'“”‘’<>]+")
_LEAD = r"(?:(?:final\s+)?(?:answer|output)(?:\s+is)?|most\s+relevant(?:\s+passage)?)?\s*[:=]?\s*"
_NAMED = re.compile(rf"{_LEAD}(?:passage\s*)?[\[(]?([A-Z])[\])]?\s*[.!]?", re.IGNORECASE)
_STATED = re.compile(
    r"passage\s+([A-Z])\s+is\s+(?:(?!not\b|no\b|less\b)\w+\s+)?(?:more|most)\s+relevant",
    re.IGNORECASE,
)
# numbers in brackets, one after the other, with nothing between them but what lists are made of
_LIST = re.compile(r"\[\s*\d+\s*\](?:(?:[\s>,;=]|\d+[.)]\s)*\[\s*\d+\s*\])*")
_BRACKETED = re.compile(r"\[\s*(\d+)\s*\]")
_ARRAY = re.compile(r"\[\s*\d+(?:\s*,\s*\d+)+\s*,?\s*\]")
_BARE = re.compile(r"\s*\d+(?:[\s>,;]+\d+)*\s*[.>]?\s*")


@dataclass(frozen=True)
class Order:
    """An order of the places 0, 1, ... n - 1; `repaired` where the reply did not give all of it."""

    places: tuple[int, ...]
    repaired: bool


def spoken(text: str) -> str:
    """Return a reply without what the model thought before."""
    return _THOUGHT.sub("", text).strip()


def read_choice(text: str, labels: Sequence[str]) -> str | None:
    """Return the label (a capital letter) that a reply names; None where it names none, or two.

    A label counts where it is the reply, its first or its last line, with or without "Passage", or
    where a sentence says that the passage is more relevant. A letter in prose is no answer.
    """
    lines = [line for each in spoken(text).splitlines() if (line := _MARKUP.sub("", each).strip())]
    if not lines:
        return None
    named = [_NAMED.fullmatch(line) for line in (lines[0], lines[-1])]
    found = {match[1].upper() for match in named if match}
    if not found:
        found = {label.upper() for line in lines for label in _STATED.findall(line)}
    return found.pop() if len(found) == 1 and found <= set(labels) else None


def read_likelihoods(tokens: Sequence[Token], labels: Sequence[str]) -> dict[str, float] | None:
    """Return label -> natural logarithm of its probability where the reply names one.

    The place is the first token that is a label. What is written in several ways, as "A" and " A",
    is summed; a label that is not among the alternatives gets minus infinity.
    Returns None where no token is a label.
    """
    for token in tokens:
        if _label(token.text, labels) is None:
            continue
        shares = dict.fromkeys(labels, 0.0)
        for text, logprob in dict([(token.text, token.logprob), *token.alternatives]).items():
            label = _label(text, labels)
            if label is not None:
                shares[label] += math.exp(min(logprob, 0.0))
        return {label: math.log(p) if p > 0 else -math.inf for label, p in shares.items()}
    return None


def _label(text: str, labels: Sequence[str]) -> str | None:
    bare = text.strip()
    return bare if bare in labels else None


def read_order(text: str, count: int) -> Order | None:
    """Return the order of `count` passages, numbered from 1, that a reply gives.

    Of several lists the longest is taken, and of equals the last. A number that is repeated counts
    where it stands first, one that is out of range not at all, and places that are missing follow
    in the order before. Returns None where nothing in the reply is a list of known numbers: a
    number in prose is none, unless it is the whole reply.
    """
    text = spoken(text)
    found = _lists(text)
    if not found:
        return None
    named = max(reversed(found), key=len)
    known = list(dict.fromkeys(number - 1 for number in named if 1 <= number <= count))
    alone = bool(_BARE.fullmatch(_MARKUP.sub("", text).replace("[", "").replace("]", "")))
    if not known or (len(named) == 1 and count > 1 and not alone):
        return None
    rest = [place for place in range(count) if place not in set(known)]
    return Order((*known, *rest), bool(rest) or len(known) < len(named))


def _lists(text: str) -> list[list[int]]:
    """Return the lists of numbers in a reply, in order."""
    arrays = [(m.start(), re.findall(r"\d+", m[0])) for m in _ARRAY.finditer(text)]
    chains = [(m.start(), _BRACKETED.findall(m[0])) for m in _LIST.finditer(text)]
    found = [numbers for _, numbers in sorted([*arrays, *chains])]
    if not found and _BARE.fullmatch(text):
        found = [re.findall(r"\d+", text)]
    # a number of more digits than any window has places is out of range, however long
    return [[int(n[:9]) for n in numbers] for numbers in found]
