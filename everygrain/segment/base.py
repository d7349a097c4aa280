"""What a segmenter is: a text in, the places of its parts out."""

from __future__ import annotations

from typing import Protocol


class Segmenter(Protocol):
    """Finds the parts of a text without changing the text.

    A segmenter is a value: it prints as it is written, and two with one print find one thing.
    """

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return half-open offsets (start, end) of the parts, in order.

        `text[start:end]` is the exact part, without white space at either end and never empty.
        Together the parts cover every character that is not white space. Starts and ends both
        rise strictly. Sentences do not overlap; passages may.
        """
        ...
