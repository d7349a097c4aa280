"""Sentences by rules: sentencex finds the ends, and the layout and the quotes add theirs.

sentencex was chosen of three by measurement (benchmarks/results/segmenting.md): the highest F1
on both collections, exact offsets, and over ten times the speed of the next even with our rules,
so that the sentences of hits can be found while a query waits. Three rules stand on top of it:

- a line that was ended on purpose ends its sentence (everygrain.segment.lines);
- inside quotes and brackets, where sentencex ends nothing, sentences end as elsewhere;
- a number alone at the start of a line ("3.") stays with what it counts, and a note mark alone
  ("[6]") with what it follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sentencex import get_sentence_boundaries

from everygrain.errors import InputError
from everygrain.segment.lines import meant_line_ends

QUOTING = '"“”„«»()[]{}'
MASK = str.maketrans(dict.fromkeys(QUOTING, " "))
HOLDS_QUOTING = re.compile(f"[{re.escape(QUOTING)}]")
NUMBER = re.compile(r"\(?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[ivxIVX]{1,5})[.)]")
NOTE_MARKS = re.compile(r"(?:\[[^\[\]]{1,20}\]|[^\w\s\[])+")
LANGUAGE = re.compile(r"[a-z]{2,3}")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Sentences:
    """Splits text into sentences.

    language   ISO 639 code such as "en"; it chooses the abbreviations and the marks that end a
               sentence. A code that sentencex lacks gets rules without abbreviations.

    Raises InputError for anything that is no such code.
    """

    language: str = "en"

    def __post_init__(self) -> None:
        if not LANGUAGE.fullmatch(self.language):
            raise InputError(
                f"The language {self.language!r} is no ISO 639 code.",
                "Use two or three small letters, such as 'en'.",
            )

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the sentences' offsets (see Segmenter); an empty list for only white space.

        Takes time in proportion to the text's length, whatever the text.
        """
        # sentencex speaks UTF-8, which has no lone surrogates; the mark keeps offsets as they are.
        readable = LONE_SURROGATE.sub("\ufffd", text)
        cuts = set(self._ends(readable))
        if HOLDS_QUOTING.search(readable):
            cuts.update(self._quoted_ends(readable))
        cuts.update(meant_line_ends(text))
        return _rejoined(text, _stripped(text, sorted(cuts)))

    def _ends(self, text: str) -> list[int]:
        return [found["end_index"] for found in get_sentence_boundaries(self.language, text)]

    def _quoted_ends(self, text: str) -> list[int]:
        """Sentence ends found once quotes and brackets are blanked out.

        Only those right after an end mark and before a capital letter count: an end next to a
        quote is sentencex's own affair, which sees the quote.
        """
        return [
            end
            for end in self._ends(text.translate(MASK))
            if end < len(text)
            and text[end].isupper()
            and text[end - 1].isspace()
            and text[_before_white(text, end)] in ".!?…"
        ]


def _before_white(text: str, end: int) -> int:
    """Return the place of the last character before `end` that is not white space, or 0."""
    place = end - 1
    while place > 0 and text[place].isspace():
        place -= 1
    return place


def _stripped(text: str, cuts: list[int]) -> list[tuple[int, int]]:
    spans = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        piece = text[start:end]
        bare = piece.strip()
        if bare:
            start += len(piece) - len(piece.lstrip())
            spans.append((start, start + len(bare)))
    return spans


def _rejoined(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join counting numbers to what follows and note marks to what precedes, on one line."""
    joined: list[tuple[int, int]] = []
    opens_line = True
    for start, end in spans:
        gap = text[joined[-1][1] : start] if joined else "\n"
        if "\n" not in gap and (
            (opens_line and NUMBER.fullmatch(text, *joined[-1]))
            or NOTE_MARKS.fullmatch(text, start, end)
        ):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
            opens_line = "\n" in gap
    return joined
