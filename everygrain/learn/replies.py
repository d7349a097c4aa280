"""Reading what a language model wrote; a reply that cannot be used says why."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from functools import cache
from typing import Any

from everygrain.analyze.language import STEMMED
from everygrain.analyze.stopwords import stop_words
from everygrain.analyze.words import of_text

_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_TAG = re.compile(r"<(?=\s*/?\s*[a-zA-Z])")

LONGEST = 2_000  # characters of one text in a reply
_CLEARLY = 2  # function words that another language must be ahead


class UnusableReplyError(ValueError):
    """A reply cannot be used; the message is the reason, short enough to be counted by."""


def shown(text: str, most: int) -> str:
    """Return the beginning of a text, as it may stand between the tags of a prompt.

    most   characters; the cut falls between words
    """
    text = " ".join(text.split())
    if len(text) > most:
        text = text[:most].rpartition(" ")[0] or text[:most]
    return _TAG.sub("‹", text)  # a text must not close the tag that it stands in


def read_object(text: str) -> dict[str, Any]:
    """Return the first JSON object in a reply, whatever stands around it.

    Raises UnusableReplyError: "empty", or "not JSON".
    """
    text = _THOUGHT.sub("", text).strip()
    if not text:
        raise UnusableReplyError("empty")
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            found = decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        if isinstance(found, dict):
            return found
    raise UnusableReplyError("not JSON")


def read_text(reply: dict[str, Any], key: str) -> str:
    """Return a text of a reply with its white space made single.

    Raises UnusableReplyError: "wrong shape", "empty", "too long", or "unreadable".
    """
    return _text(reply.get(key))


def read_texts(reply: dict[str, Any], key: str) -> list[str]:
    """Return a list of texts of a reply, each as `read_text` does; what is no text is left out.

    Raises UnusableReplyError: "wrong shape" where there is no list, "empty" for one without text.
    """
    found = reply.get(key)
    if not isinstance(found, list):
        raise UnusableReplyError("wrong shape")
    texts = []
    for each in found:
        try:
            texts.append(_text(each))
        except UnusableReplyError:
            continue
    if not texts:
        raise UnusableReplyError("empty")
    return texts


def read_number(reply: dict[str, Any], key: str, low: float, high: float) -> float:
    """Return a number of a reply. Raises UnusableReplyError: "wrong shape", or "out of range"."""
    found = reply.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise UnusableReplyError("wrong shape")
    if not low <= found <= high:
        raise UnusableReplyError("out of range")
    return float(found)


def same_language(text: str, like: str) -> bool:
    """Tell whether a text can be in the language of another; in doubt it can.

    It cannot if most of its letters are of scripts that the other lacks, or if it holds at least
    two function words more of another language than of the other text's own.
    """
    letters = [script for c in text if (script := _script(c))]
    if letters:
        known = {script for c in like if (script := _script(c))}
        if known and sum(script in known for script in letters) * 2 <= len(letters):
            return False
    own = _function_words(like)
    if not own:
        return True
    best = max(sorted(own), key=lambda language: own[language])
    mine = _function_words(text)
    return all(count - mine[best] < _CLEARLY for count in mine.values())


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UnusableReplyError("wrong shape")
    text = " ".join(value.split())
    if not of_text(text):
        raise UnusableReplyError("empty")
    if len(text) > LONGEST:
        raise UnusableReplyError("too long")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnusableReplyError("unreadable") from None
    return text


@cache
def _script(character: str) -> str:
    """Return the script of a letter, as the first word of its name; "" for what is no letter."""
    return unicodedata.name(character, "").split(" ")[0] if character.isalpha() else ""


@cache
def _function_lists() -> dict[str, frozenset[str]]:
    return {language: words for language in STEMMED if (words := stop_words(language))}


def _function_words(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for word in of_text(text):
        for language, words in _function_lists().items():
            found[language] += word in words
    return Counter({language: count for language, count in found.items() if count})
