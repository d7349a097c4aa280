"""What the reader's labels fit, learned once and kept beside the outlook.

It follows from the labels with their examples, from the papers and from what of them is indexed;
while these are the same, no process learns it again. What cannot be read is learned anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from everygrain_papers.tags import LEAST, Labels, labels_of, tagged_by_id

if TYPE_CHECKING:
    from everygrain_papers.room import ReadingRoom

FORM = 1  # another one where labels are learned otherwise

Tags = Mapping[str, tuple[str, ...]]


def learned(room: ReadingRoom) -> tuple[Labels, Tags]:
    """Return the labels with their examples, and the labels of each paper that has some."""
    path = room.folder / "outlook" / "learned labels.json"
    labels = labels_of(room)
    told = room.index.info()  # a changed paper, or another encoder, leaves the number of papers
    indexed = [told["generation"], told["documents"], told["encoder"]["fingerprint"]]
    of = [FORM, LEAST, room.papers.generation(), indexed, labels]
    known = _kept(path, of)
    if known is not None:
        return labels, known
    later = room.papers.later_versions()
    papers = [paper.id for paper in room.papers.papers() if paper.id not in later]
    tags = tagged_by_id(room, labels, papers, [])
    with suppress(OSError):  # where nothing may be written it is learned by every process
        _write(path, {"of": of, "tags": tags})
    return labels, tags


def _kept(path: Path, of: list[Any]) -> Tags | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["of"] != of:
            return None
        return {str(paper): tuple(map(str, names)) for paper, names in told["tags"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(path: Path, told: Mapping[str, Any]) -> None:
    """Write a file whole or not at all, whatever ends this process."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(told, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
