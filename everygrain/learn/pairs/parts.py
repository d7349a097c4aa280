"""The parts of a document that pairs are made of: body, passages, sentences, first part.

A passage is a run of whole sentences; a text within its budget is one passage, and no sentence is
looked for. No part is longer than LONGEST characters, so that a text without spaces or ends of
sentences cannot fill a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import zip_longest

from everygrain.analyze.words import locate, of_text
from everygrain.document import Document
from everygrain.segment.passages import Passages
from everygrain.segment.sentences import Sentences

LONGEST = 8_000
_RUN = 12
_AFTER_TITLE = " \t\r\n.,:;!?-–—|"
_MEANT = 4  # so many words are no accident: a text on memory may begin with "Memory is"


def body(document: Document) -> str:
    """Return the text without the title that it may begin with, and no white space around it.

    Words are compared, so that case, spaces and punctuation make no difference. A title of fewer
    than four words is taken away only where a mark or the end of a line closes it.
    """
    text, title = document.text, of_text(document.title)
    if not title:
        return text.strip()
    # no need to look further than the title can reach
    front = text[: 4 * len(document.title) + 200]
    end = 0
    for mine, found in zip_longest(title, locate(front)):
        if mine is None:
            break
        if found is None or found[2] != mine:
            return text.strip()
        end = found[1]
    rest = text[end:]
    closed = rest.lstrip(" \t")[:1] in _AFTER_TITLE  # also where nothing follows
    return rest.lstrip(_AFTER_TITLE).strip() if closed or len(title) >= _MEANT else text.strip()


@cache
def _passages(words: int) -> Passages:
    return Passages(words, overlap=0)


def passages(text: str, words: int) -> list[str]:
    """Return passages of at most so many words and LONGEST characters."""
    return [text[start:end][:LONGEST] for start, end in _passages(words).spans(text)]


def first_passage(text: str, words: int) -> str:
    """Return the first passage; empty for an empty text. It looks at the text's beginning only."""
    found = passages(text[: 4 * LONGEST], words)
    return found[0] if found else ""


_SENTENCES = Sentences()


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the offsets of the sentences; of runs of twelve words where the text is one sentence
    of twice as many or more, as texts are that were stripped of their marks."""
    found = _SENTENCES.spans(text)
    if len(found) != 1:
        return found
    words = list(locate(text))
    if len(words) < 2 * _RUN:
        return found
    starts = [words[place][0] for place in range(0, len(words) - _RUN + 1, _RUN)]
    starts[0] = found[0][0]
    ends = [len(text[:start].rstrip()) for start in starts[1:]]
    return list(zip(starts, [*ends, found[0][1]], strict=True))


def with_title(document: Document, text: str) -> str:
    """Return the text under its document's title, as the index shows it to an encoder."""
    return f"{document.title} {text}" if document.title.strip() else text


def length(text: str) -> int:
    """Return the number of words."""
    return len(of_text(text))


@dataclass(frozen=True)
class Halves:
    """A document cut in two.

    first   sentences of its first part
    rest    passages of the others
    """

    first: tuple[str, ...]
    rest: tuple[str, ...]


def halves(document: Document, words: int) -> Halves:
    """Cut a document after its first part: after its first section where `metadata["sections"]`
    tells of two or more as {"start", "end"} offsets, after its first passage where it has several,
    and after the first third of its sentences otherwise (one sentence leaves no rest)."""
    text = document.text
    cut = _end_of_first_section(document)
    if cut is None:
        text = body(document)
        spans = _passages(words).spans(text)
        if len(spans) > 1:
            cut = spans[0][1]
        else:
            found = sentences(text)
            cut = found[max(1, len(found) // 3) - 1][1] if found else 0
    front = body(Document(document.id, text[:cut], document.title))
    first = tuple(front[start:end][:LONGEST] for start, end in sentences(front))
    return Halves(first, tuple(passages(text[cut:], words)))


def _end_of_first_section(document: Document) -> int | None:
    sections = document.metadata.get("sections")
    if not isinstance(sections, list) or len(sections) < 2 or not isinstance(sections[0], dict):
        return None
    end = sections[0].get("end")
    return end if type(end) is int and 0 < end < len(document.text) else None
