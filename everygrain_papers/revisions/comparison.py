"""Two versions of a text -> what changed, with exact offsets into both.

compare(old, new).changes          stretches that were inserted, deleted or replaced
compare(old, new).apply(old)       is new
"""

from __future__ import annotations

from dataclasses import dataclass

from everygrain.errors import InputError
from everygrain_papers.functions.sentences import split
from everygrain_papers.revisions.align import Group, align
from everygrain_papers.revisions.intentions import Intention, guess
from everygrain_papers.revisions.words import Part, parts

LONGEST = 2_000_000  # characters


@dataclass(frozen=True, slots=True)
class Change:
    """A part that differs.

    part       where; `part.inserted` is its text in the new version
    deleted    its text in the old version
    intention  a guess, by rules
    """

    part: Part
    deleted: str
    intention: Intention


@dataclass(frozen=True, slots=True)
class Aligned:
    """Sentences that belong together, and their parts.

    group      numbers of the sentences; its kind, and whether they moved
    old, new   (start, end) offsets, with the white space up to the next sentence; where there is
               none, the empty place after the group before
    parts      in order; they hold every character of both stretches once
    """

    group: Group
    old: tuple[int, int]
    new: tuple[int, int]
    parts: tuple[Part, ...]

    @property
    def kind(self) -> str:
        """Return "same", "changed", "split", "merged", "added" or "deleted"."""
        if self.group.kind != "paired":
            return self.group.kind
        return "same" if all(part.kind == "same" for part in self.parts) else "changed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two versions.

    sentences   groups of sentences in the order of the new version; their old stretches cover
                the old text once, their new stretches the new one, in order
    changes     all parts that differ, in that order
    """

    sentences: tuple[Aligned, ...]
    changes: tuple[Change, ...]

    @property
    def is_changed(self) -> bool:
        """Return whether the texts differ at all."""
        return bool(self.changes) or any(each.group.moved for each in self.sentences)

    def apply(self, old: str) -> str:
        """Return the new text, made of the old one and of the changes.

        Raises InputError for a text that these changes were not made for.
        """
        length = sum(end - start for start, end in (each.old for each in self.sentences))
        if length != len(old):
            raise InputError(
                f"The text has {len(old)} characters, the old version had {length}.",
                "Apply the changes to the old version.",
            )
        return "".join(
            old[part.old_start : part.old_end] if part.kind == "same" else part.inserted
            for each in self.sentences
            for part in each.parts
        )


def compare(old: str, new: str) -> Comparison:
    """Compare two versions of a text of some sentences, such as an abstract.

    Offsets are of characters. Raises InputError for texts of more than 2,000,000 characters.
    """
    for text in (old, new):
        if len(text) > LONGEST:
            raise InputError(
                f"A version has {len(text):,} characters.",
                f"Compare texts of at most {LONGEST:,}.",
            )
    ends = [_sentences(text) for text in (old, new)]
    stripped = [
        [text[a:b].strip() for a, b in spans] for text, spans in zip((old, new), ends, strict=True)
    ]
    sentences = []
    here = there = (0, 0)
    for group in align(stripped[0], stripped[1]):
        here, there = _stretch(group.old, ends[0], here), _stretch(group.new, ends[1], there)
        found = tuple(parts(old, new, *here, *there))
        sentences.append(Aligned(group, here, there, found))
    changes = tuple(
        Change(part, gone, guess(gone, part.inserted))
        for each in sentences
        for part in each.parts
        if part.kind != "same"
        for gone in (old[part.old_start : part.old_end],)
    )
    return Comparison(tuple(sentences), changes)


def _sentences(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of sentences that cover the text, white space to the one before."""
    starts = [start for start, _ in split(text)]
    if not starts:
        return [(0, len(text))] if text else []
    return list(zip([0, *starts[1:]], [*starts[1:], len(text)], strict=True))


def _stretch(
    numbers: tuple[int, ...], spans: list[tuple[int, int]], before: tuple[int, int]
) -> tuple[int, int]:
    """Return (start, end) of sentences; of none, the place where the stretch before ends."""
    return (spans[numbers[0]][0], spans[numbers[-1]][1]) if numbers else (before[1], before[1])
