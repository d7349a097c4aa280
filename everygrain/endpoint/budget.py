"""What may be spent on a language model, what an answer took, and where to count it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, cast

from everygrain.endpoint.cache import CachedEndpoint
from everygrain.endpoint.client import Endpoint
from everygrain.endpoint.replies import Completion
from everygrain.errors import InputError

CHARACTERS_PER_TOKEN = 4  # where a service does not tell the tokens


class Answerer(Protocol):
    """Answers questions: an Endpoint, or a CachedEndpoint, so that nothing is paid for twice."""

    def complete(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> Completion:
        """Return the model's answer. Raises ModelError where there is none."""


@dataclass(frozen=True)
class Budget:
    """What may be spent; None for no bound.

    calls    requests, those that fail included (the client's own retries are not counted)
    tokens   of prompts and completions together
    money    in the currency of the prices

    The bound of calls is never passed. Tokens and money are known only after a call: the calls
    under way when a bound is passed are the last.
    Raises InputError for a number that is no bound.
    """

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None

    def __post_init__(self) -> None:
        for name in ("calls", "tokens"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise InputError(
                    f"A budget of {value!r} {name} makes no sense.", "Give a whole number above 0."
                )
        if self.money is not None and not 0 < self.money < math.inf:
            raise InputError(
                f"A budget of {self.money!r} in money makes no sense.", "Give more than 0."
            )


class Taken(NamedTuple):
    """The tokens of a question and its answer; estimated, at four characters each, where the
    service told only some of them or none."""

    prompt: int
    completion: int
    estimated: bool


def taken(characters: int, completion: Completion) -> Taken:
    """Return what a completion took; characters of the prompt."""
    asked, answered = completion.prompt_tokens, completion.completion_tokens
    return Taken(
        max(characters // CHARACTERS_PER_TOKEN if asked is None else asked, 0),
        max(len(completion.text) // CHARACTERS_PER_TOKEN if answered is None else answered, 0),
        asked is None or answered is None,
    )


def metered(answerer: Answerer, meter: Callable[[Answerer], Answerer]) -> Answerer:
    """Put a meter between the cache and the service, so that only real calls are counted."""
    if isinstance(answerer, CachedEndpoint):
        return replace(answerer, endpoint=cast(Endpoint, meter(answerer.endpoint)))
    return meter(answerer)
