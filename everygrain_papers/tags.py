"""The reader's own labels in a room: kept with their examples, and given to papers that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from everygrain.errors import InputError
from everygrain_papers.paper import Paper
from everygrain_papers.topics.tagger import Tagger

if TYPE_CHECKING:
    from everygrain_papers.room import ReadingRoom

Labels = dict[str, list[str]]

LONGEST = 80  # characters of a label
MOST_LABELS, MOST_EXAMPLES = 100, 500
LEAST = 0.3  # probability from which a paper gets a label: more is told than is missed
FIT_SAMPLE = 10_000
_PART = 2000
_KEY = "labels"


def labels_of(room: ReadingRoom) -> Labels:
    """Return the labels with the ids of their examples."""
    return dict(room.papers.get_value(_KEY) or {})


def add_label(room: ReadingRoom, label: str, examples: Sequence[str] = ()) -> Labels:
    """Make a label, or add examples to it. Returns all labels.

    Raises InputError for an empty or endless name, unknown papers, and too many of either.
    """
    name = " ".join(label.split())
    if not name or len(name) > LONGEST:
        raise InputError(
            f"A label has no name, or one above {LONGEST} characters.", "Give it a short name."
        )
    for paper in examples:
        room.papers.get(paper)
    labels = labels_of(room)
    labels[name] = list(dict.fromkeys([*labels.get(name, ()), *examples]))
    if len(labels) > MOST_LABELS or len(labels[name]) > MOST_EXAMPLES:
        raise InputError(
            f"There are more than {MOST_LABELS} labels, or {MOST_EXAMPLES} examples of one.",
            "Remove some.",
        )
    room.papers.set_value(_KEY, labels)
    return labels


def remove_label(room: ReadingRoom, label: str) -> Labels:
    """Forget a label. Returns those that are left. Raises InputError if there is none such."""
    labels = labels_of(room)
    if label not in labels:
        raise InputError(f"There is no label '{label}'.", "List them: everygrain papers labels.")
    del labels[label]
    room.papers.set_value(_KEY, labels)
    return labels


def tagged(
    room: ReadingRoom, papers: Sequence[Paper], notes: list[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return the labels of each paper, the most probable first; only papers that have some.

    An example has its label, whatever is learned from it.
    """
    labels = labels_of(room)
    if not labels or not papers:
        return {}
    held = {paper.id for paper in papers}
    given = {name: [i for i in examples if i in held] for name, examples in labels.items()}
    examples = {i for each in given.values() for i in each}
    step = max(1, len(papers) // FIT_SAMPLE)
    ids = sorted(examples | {paper.id for paper in papers[::step]})
    sample = list(room.papers.fetch(ids).values())
    tagger = Tagger.fit(given, sample, room.index.vectors([p.id for p in sample]), room.index)
    found: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(papers), _PART):
        part = list(room.papers.fetch([p.id for p in papers[start : start + _PART]]).values())
        vectors = room.index.vectors([paper.id for paper in part])
        for paper, tags in zip(part, tagger.tag(part, vectors, LEAST), strict=True):
            own = [name for name, each in given.items() if paper.id in each]
            names = tuple(dict.fromkeys([*own, *(tag.label for tag in tags)]))
            if names:
                found[paper.id] = names
    notes.append(
        f"{len(found):,} papers have one of your {len(labels)} labels; a label is given from an "
        f"estimated probability of {LEAST} on, which is rough."
    )
    return found
