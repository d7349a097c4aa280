"""The reader's own labels in a room: kept with their examples, and given to papers that fit."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from everygrain.errors import InputError, ModelError, QueryError
from everygrain_papers.paper import Paper
from everygrain_papers.store.papers import OVERLAP
from everygrain_papers.topics.held import HeldTerms, text_of
from everygrain_papers.topics.lexicon import Lexicon
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

    A name that differs from that of a known label by its case alone is that label's.
    Raises InputError for an empty or endless name, unknown papers, and too many of either.
    """
    name = " ".join(label.split())
    if not name or len(name) > LONGEST or any(map(_is_control, name)):
        raise InputError(
            f"A label has no name, one above {LONGEST} characters, or one with control characters.",
            "Give it a short name.",
        )
    for paper in examples:
        room.papers.get(paper)
    with room.papers.database.writing():  # of two readers at once, neither loses an example
        labels = labels_of(room)
        name = next((each for each in labels if each.lower() == name.lower()), name)
        labels[name] = list(dict.fromkeys([*labels.get(name, ()), *examples]))
        if len(labels) > MOST_LABELS or len(labels[name]) > MOST_EXAMPLES:
            raise InputError(
                f"There are more than {MOST_LABELS} labels, or {MOST_EXAMPLES} examples of one.",
                "Remove some.",
            )
        room.papers.set_value(_KEY, labels)
    return labels


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def take_back(room: ReadingRoom, label: str, example: str) -> Labels:
    """Let a paper be no example of a label any more; the label stays. Returns all labels.

    Raises InputError if there is no such label, or the paper is no example of it.
    """
    with room.papers.database.writing():
        labels = _with(room, label)
        if example not in labels[label]:
            raise InputError(
                f"There is no example '{example[:80]}' of the label '{label}'.",
                "Load its page again: somebody else may have taken it back.",
            )
        labels[label] = [each for each in labels[label] if each != example]
        room.papers.set_value(_KEY, labels)
    return labels


def remove_label(room: ReadingRoom, label: str) -> Labels:
    """Forget a label. Returns those that are left. Raises InputError if there is none such."""
    with room.papers.database.writing():
        labels = _with(room, label)
        del labels[label]
        room.papers.set_value(_KEY, labels)
    return labels


def _with(room: ReadingRoom, label: str) -> Labels:
    labels = labels_of(room)
    if label not in labels:
        raise InputError(
            f"There is no label '{label[:LONGEST]}'.", "List them: everygrain papers labels."
        )
    return labels


def tagged(
    room: ReadingRoom, papers: Sequence[Paper], notes: list[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return the labels of each paper, the most probable first; only papers that have some.

    papers   one of each work; an example that is another version of a work stands for it

    An example has its label, whatever is learned from it.
    """
    labels = labels_of(room)
    if not labels and papers:
        held_terms(room)  # read now, so that a first label is learned soon
    return tagged_by_id(room, labels, [paper.id for paper in papers], notes)


def tagged_by_id(
    room: ReadingRoom, labels: Mapping[str, Sequence[str]], papers: Sequence[str], notes: list[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return what `tagged` does, of papers by their ids and of these labels."""
    if not labels or not papers:
        return {}
    inside = set(papers)
    works = room.papers.works({i for each in labels.values() for i in each})
    given = {
        name: list(dict.fromkeys(works[i] for i in each if works[i] in inside))
        for name, each in labels.items()
    }
    examples = {i for each in given.values() for i in each}
    step = max(1, len(papers) // FIT_SAMPLE)
    terms = held_terms(room)
    terms.add(room.papers.fetch([i for i in papers if i not in terms]).values())
    sample = [i for i in sorted(examples | set(papers[::step])) if i in terms]
    try:
        tagger = Tagger.fit_held(
            given, sample, terms.rows(sample), terms.lexicon, room.index.vectors(sample), room.index
        )
    except (
        InputError,
        QueryError,
    ) as error:  # nothing to learn from: what the reader said holds all the same
        notes.append(f"Only examples have their labels. {error.problem}")
        return {i: tuple(name for name, each in given.items() if i in each) for i in examples}
    found: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(papers), _PART):
        part = [i for i in papers[start : start + _PART] if i in terms]
        probable = tagger.probabilities_held(terms.rows(part), room.index.vectors(part))
        fits = probable.max(axis=1) >= LEAST
        for i, row in ((i, probable[at]) for at, i in enumerate(part) if fits[at] or i in examples):
            order = sorted(range(len(row)), key=lambda label: (-row[label], label))
            own = [name for name, each in given.items() if i in each]
            fit = (tagger.labels[label] for label in order if row[label] >= LEAST)
            found[i] = tuple(dict.fromkeys([*own, *fit]))
    notes.append(
        f"{len(found):,} papers have one of your {len(labels)} labels; a label is given from an "
        f"estimated probability of {LEAST} on, which is rough."
    )
    return found


def held_terms(room: ReadingRoom) -> HeldTerms:
    """Return the terms that the room's papers hold; what did not change since they were read last
    is not read again. The lexicon is made anew when the room has doubled."""
    folder, now = room.folder / "outlook", datetime.now(UTC)
    try:
        terms = HeldTerms.load(folder)
        since: datetime | None = terms.read
    except ModelError:  # never made, or damaged
        terms, since = HeldTerms(Lexicon.fit([])[0], 0, now), None
    if len(room.papers) >= max(1, 2 * terms.fitted_on):
        ids = room.papers.arrived(datetime.fromtimestamp(0, UTC))
        sample = room.papers.fetch(ids[:: max(1, len(ids) // FIT_SAMPLE)]).values()
        terms = HeldTerms(Lexicon.fit([text_of(paper) for paper in sample])[0], len(ids), now)
        since = None
    changed = 0
    items = room.papers.changed(since and since - OVERLAP)
    while part := list(islice(items, _PART)):
        terms.add(item for item in part if isinstance(item, Paper))
        terms.remove(item.id for item in part if not isinstance(item, Paper))
        changed += len(part)
    if changed:
        terms.read = now
        with suppress(InputError):  # where nothing may be written they are read each time
            terms.save(folder)
    return terms
