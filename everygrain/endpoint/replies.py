"""Reading what an OpenAI-compatible service answers; nothing in a reply is taken on trust."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


class MalformedReplyError(ValueError):
    """A reply is not what the protocol says; the message tells how. Caught by the client."""


@dataclass(frozen=True)
class Token:
    """One token of a completion.

    logprob        natural logarithm of its probability
    alternatives   (token, logprob) of the likeliest tokens at its place, itself among them
    """

    text: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Completion:
    """What a language model answered.

    prompt_tokens, completion_tokens   as the service counts them; None where it does not
    finish_reason                      "stop", "length", ...; None where it is not told
    logprobs                           of the tokens, if they were asked for and are given
    """

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    logprobs: tuple[Token, ...] = ()


def read_vectors(reply: Any, count: int) -> list[list[float]]:
    """Return the embeddings in the order of the texts, whatever their order in the reply.

    Raises MalformedReplyError unless there is one for each of `count` texts, all of one length
    and finite.
    """
    rows = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(rows, list):
        raise MalformedReplyError("it holds no list 'data'")
    if len(rows) != count:
        raise MalformedReplyError(f"it holds {len(rows)} vectors for {count} texts")
    vectors: dict[int, list[float]] = {}
    for row in rows:
        index = row.get("index") if isinstance(row, dict) else None
        if not isinstance(index, int) or isinstance(index, bool):
            raise MalformedReplyError("a vector has no index, so its text is not known")
        if index in vectors or not 0 <= index < count:
            raise MalformedReplyError(f"the index {index} occurs twice or is out of range")
        vectors[index] = _vector(row.get("embedding"))
    if len({len(vector) for vector in vectors.values()}) > 1:
        raise MalformedReplyError("its vectors differ in length")
    return [vectors[index] for index in range(count)]


def _vector(values: Any) -> list[float]:
    if not isinstance(values, list) or not values:
        raise MalformedReplyError("an embedding is not a list of numbers")
    if not all(type(value) in (int, float) for value in values):
        raise MalformedReplyError("an embedding holds what is not a number")
    try:
        vector = [float(value) for value in values]
    except OverflowError:
        vector = [math.inf]
    if not all(map(math.isfinite, vector)):
        raise MalformedReplyError("an embedding holds NaN or infinity")
    return vector


def read_completion(reply: Any) -> Completion:
    """Return the first choice of a chat completion. Raises MalformedReplyError if there is none."""
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise MalformedReplyError("it holds no 'choices'")
    choice = choices[0]
    message = choice.get("message")
    text = message.get("content", "") if isinstance(message, dict) else message
    # null is how a model says that it was cut off before the answer began
    if not isinstance(text, str | None) or not isinstance(message, dict):
        raise MalformedReplyError("its message holds no text")
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    reason = choice.get("finish_reason")
    return Completion(
        text or "",
        _count(counts.get("prompt_tokens")),
        _count(counts.get("completion_tokens")),
        reason if isinstance(reason, str) else None,
        _tokens(choice.get("logprobs")),
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    if logprobs is None:
        return ()
    try:
        return tuple(
            Token(
                str(each["token"]),
                float(each["logprob"]),
                tuple(
                    (str(other["token"]), float(other["logprob"]))
                    for other in each.get("top_logprobs") or ()
                ),
            )
            for each in logprobs.get("content") or ()
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise MalformedReplyError("its log-probabilities are not as the protocol says") from None
