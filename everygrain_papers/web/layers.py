"""A text under several layers of marks: sentences, evidence, the words of a query, glossary links.

Layers nest in the order given. A mark that reaches over the end of an outer one is cut there, so
that the HTML is always well formed, and LaTeX is never cut inside.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from everygrain_papers.latex import Atom, atoms, between


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch `text[start:end]` that is put between two tags.

    before, after   HTML that is safe already
    """

    start: int
    end: int
    before: Markup
    after: Markup


def marked(text: str, layers: Sequence[Iterable[Mark]], start: int = 0, end: int = -1) -> Markup:
    """Return the HTML of `text[start:end]` with its LaTeX and its marks.

    layers   the outer ones first; of two marks of one layer that overlap, the earlier one stays
    """
    stop = len(text) if end < 0 else min(end, len(text))
    found = list(atoms(text))
    ends = [atom.end for atom in found]
    starts = [atom.start for atom in found]

    def snapped(place: int) -> int:
        """Return the end of the formula that a place lies in, or the place."""
        i = bisect_right(starts, place) - 1
        return ends[i] if i >= 0 and starts[i] < place < ends[i] else place

    kept = [_apart(layer, snapped) for layer in layers]

    def lay(low: int, high: int, depth: int) -> Markup:
        if depth == len(kept):
            first, last = bisect_right(ends, low), bisect_left(starts, high)
            return between(text, low, high, found[first:last])
        parts: list[Markup] = []
        at = low
        marks = kept[depth]
        for mark in marks[bisect_right([m.end for m in marks], low) :]:
            if mark.start >= high:
                break
            opened, closed = max(mark.start, at), min(mark.end, high)
            parts += (lay(at, opened, depth + 1), mark.before)
            parts += (lay(opened, closed, depth + 1), mark.after)
            at = closed
        parts.append(lay(at, high, depth + 1))
        return Markup("").join(parts)

    return lay(start, snapped(stop), 0)


def _apart(layer: Iterable[Mark], snapped: object) -> list[Mark]:
    assert callable(snapped)
    kept: list[Mark] = []
    for mark in sorted(layer, key=lambda each: (each.start, -each.end)):
        start, end = snapped(mark.start), snapped(mark.end)
        if kept and start < kept[-1].end:
            start = kept[-1].end
        if start < end:
            kept.append(Mark(start, end, mark.before, mark.after))
    return kept


__all__ = ["Atom", "Mark", "marked"]
